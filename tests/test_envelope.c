#include "mailboxd/prepare.h"
#include "mailboxd/subject_base.h"

#include <criterion/criterion.h>

/* What prepare makes of a header, through all of it. */
static struct buf prepare(const char *message)
{
	struct prepare *p = prepare_new();
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);

	cr_assert_eq(prepare_feed(p, slice_str(message)), ST_OK);
	cr_assert_eq(prepare_end(p, &record), ST_OK);
	prepare_free(p);
	return record;
}

/* The address list of From; the same stands for sender and reply-to. */
static const struct { const char *name, *from, *list; } addresses[] = {
	{ "bare", "ann@example.org", "((NIL NIL \"ann\" \"example.org\"))" },
	{ "angle", "Ann Example <ann@example.org>",
	  "((\"Ann Example\" NIL \"ann\" \"example.org\"))" },
	{ "quoted name", "\"Ann \\\"A\\\" \\\\ Example\" <ann@example.org>",
	  "((\"Ann \\\"A\\\" \\\\ Example\" NIL \"ann\" \"example.org\"))" },
	{ "name in pieces", "Ann  \"M.\"\r\n Example<ann@example.org>",
	  "((\"Ann M. Example\" NIL \"ann\" \"example.org\"))" },
	{ "dots in a name", "J.R. Ewing <jr@example.org>",
	  "((\"J.R. Ewing\" NIL \"jr\" \"example.org\"))" },
	{ "comment as name", "ann@example.org (Ann (the first) Example)",
	  "((\"Ann (the first) Example\" NIL \"ann\" \"example.org\"))" },
	{ "comments everywhere", "(a) Ann (b) <(c) ann (d) @ (e) example (f) . org (g)> (h)",
	  "((\"Ann\" NIL \"ann\" \"example.org\"))" },
	{ "encoded word", "=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@example.org>",
	  "((\"=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?=\" NIL \"j\" \"example.org\"))" },
	{ "8-bit name", "J\xc3\xb6rg <j@example.org>",
	  "(({5}\r\nJ\xc3\xb6rg NIL \"j\" \"example.org\"))" },
	{ "8-bit address", "j\xf6rg@ex\xe4mple.org", "((NIL NIL {4}\r\nj\xf6rg {11}\r\nex\xe4mple.org))" },
	{ "several", "a@b, C <c@d> ,\r\n\t\"e f\"@g", "((NIL NIL \"a\" \"b\")(\"C\" NIL \"c\" \"d\")(NIL NIL \"e f\" \"g\"))" },
	{ "empty members", ",, a@b,,c@d,", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "group", "Friends: a@b, C <c@d>;",
	  "((NIL NIL \"Friends\" NIL)(NIL NIL \"a\" \"b\")(\"C\" NIL \"c\" \"d\")(NIL NIL NIL NIL))" },
	{ "empty group", "undisclosed-recipients:;",
	  "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))" },
	{ "group and more", "\"My group\": a@b;, c@d",
	  "((NIL NIL \"My group\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"c\" \"d\"))" },
	{ "group without end", "G: a@b", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))" },
	{ "group in a group", "G: H: a@b;;", "((NIL NIL \"G\" NIL)(NIL NIL \"Ha\" \"b\")(NIL NIL NIL NIL))" },
	{ "route", "<@a.example,@b.example:ann@example.org>",
	  "((NIL \"@a.example,@b.example\" \"ann\" \"example.org\"))" },
	{ "domain literal", "ann@[192.0.2.1]", "((NIL NIL \"ann\" \"[192.0.2.1]\"))" },
	{ "no host", "ann", "((NIL NIL \"ann\" \"\"))" },
	{ "no host in brackets", "Ann <ann>", "((\"Ann\" NIL \"ann\" \"\"))" },
	{ "only a name", "Ann Example", "((\"Ann Example\" NIL \"\" \"\"))" },
	{ "null", "<>", "((NIL NIL \"\" \"\"))" },
	{ "address as name", "ann@example.org <ann@example.org>",
	  "((\"ann@example.org\" NIL \"ann\" \"example.org\"))" },
	{ "no comma", "a@b c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))" },
	{ "unfinished", "Ann <ann@example.org", "((\"Ann\" NIL \"ann\" \"example.org\"))" },
	{ "unfinished quote", "\"Ann <ann@example.org>", "((NIL NIL \"Ann <ann@example.org>\" \"\"))" },
	{ "list name in brackets", "[list] Ann <a@b>", "((\"[list] Ann\" NIL \"a\" \"b\"))" },
	{ "quoted local part", "\"ann b\"@example.org", "((NIL NIL \"ann b\" \"example.org\"))" },
	{ "empty", "", "NIL" },
	{ "only a comment", "(nobody)", "NIL" },
};

Test(envelope, addresses)
{
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct buf in = BUF_INIT(4096), want = BUF_INIT(4096), record;
		struct prepared p;
		const char *l = addresses[i].list;

		buf_append_fmt(&in, "From: %s\r\n\r\n", addresses[i].from);
		buf_append_char(&in, '\0');
		buf_append_fmt(&want, "(NIL NIL %s %s %s NIL NIL NIL NIL NIL)", l, l, l);
		record = prepare(in.data);
		cr_assert_eq(prepare_record_decode(buf_slice(&record), &p), ST_OK, "%s",
			     addresses[i].name);
		cr_expect(slice_eq(p.envelope, buf_slice(&want)), "%s: %.*s",
			  addresses[i].name, SLICE_ARG(p.envelope));
		buf_free(&record);
		buf_free(&want);
		buf_free(&in);
	}
}

static const struct { const char *name, *header, *envelope; } rows[] = {
	{ "all of it",
	  "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.example>\r\n"
	  "Subject: IMAP4rev2 WG mtg summary\r\n and minutes\r\nTo: imap@cac.example\r\n"
	  "cc: minutes@CNRI.example,\r\n   John Klensin <KLENSIN@MIT.example>\r\nBcc: x@y\r\n"
	  "Sender: s@t\r\nReply-To: r@u\r\nIn-Reply-To: <a@b> (c)\r\nMessage-Id: <B27397-0100000@cac.example>\r\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\""
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.example\"))"
	  " ((NIL NIL \"s\" \"t\")) ((NIL NIL \"r\" \"u\"))"
	  " ((NIL NIL \"imap\" \"cac.example\"))"
	  " ((NIL NIL \"minutes\" \"CNRI.example\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.example\"))"
	  " ((NIL NIL \"x\" \"y\")) \"<a@b> (c)\" \"<B27397-0100000@cac.example>\")" },
	{ "present but empty", "Date:\r\nSubject: \r\nFrom: \r\nSender: \r\nTo:\r\nIn-Reply-To:\r\nMessage-ID:\r\n",
	  "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")" },
	{ "sender empty", "From: a@b\r\nSender:\r\n",
	  "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
	{ "8-bit subject", "Subject: Gr\xc3\xbc\xc3\x9f" "e\r\n",
	  "(NIL {7}\r\nGr\xc3\xbc\xc3\x9f" "e NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "encoded subject", "Subject: =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n",
	  "(NIL \"=?utf-8?q?a?= =?utf-8?q?b?=\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "quotes", "Subject: a \"b\" \\c\r\n", "(NIL \"a \\\"b\\\" \\\\c\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "carriage return and tab", "Subject: a\rb\tc\r\n", "(NIL {5}\r\na\rb\tc NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "twice", "Subject: one\r\nSubject: two\r\nTo: a@b\r\nTo: c@d\r\n",
	  "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)" },
	{ "space before the colon", "Subject : x\r\n", "(NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
};

Test(envelope, fields)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf record = prepare(rows[i].header);
		struct prepared p;

		cr_assert_eq(prepare_record_decode(buf_slice(&record), &p), ST_OK, "%s", rows[i].name);
		cr_expect(slice_eq(p.envelope, slice_str(rows[i].envelope)), "%s: %.*s",
			  rows[i].name, SLICE_ARG(p.envelope));
		buf_free(&record);
	}
}

Test(envelope, addresses_are_limited)
{
	struct buf in = BUF_INIT(1 << 20), record;
	struct prepared p;
	size_t n = 0;

	buf_append_str(&in, "To: ");
	for (int i = 0; i < 20000; i++)
		buf_append_str(&in, "a@b,");
	buf_append_str(&in, "\r\n\r\n");
	buf_append_char(&in, '\0');
	record = prepare(in.data);
	cr_assert_eq(prepare_record_decode(buf_slice(&record), &p), ST_OK);
	for (size_t i = 0; i < p.envelope.len; i++)
		n += p.envelope.data[i] == '(';
	cr_expect_eq(n, 10002);
	buf_free(&record);
	buf_free(&in);
}

static const struct { const char *subject, *base; bool is_reply; } subjects[] = {
	{ "plain", "plain", false },
	{ "Re: x", "x", true },
	{ "RE:x", "x", true },
	{ "re  : x", "x", true },
	{ "Fwd: x", "x", true },
	{ "fw: x", "x", true },
	{ "Re[2]: x", "x", true },
	{ "Re [list] : x", "x", true },
	{ "[list] x", "x", false },
	{ "[list] Re: [a] Fwd: x", "x", true },
	{ "[list]", "[list]", false },
	{ "[a] [b]", "[b]", false },
	{ "Re: [list]", "[list]", true },
	{ "x (fwd) (FWD) ", "x", true },
	{ "[Fwd: x]", "x", true },
	{ "[fwd: Re: [a] x (fwd)]", "x", true },
	{ "[Fwd: [Fwd: x]]", "x", true },
	{ "Re:", "", true },
	{ "Regarding: x", "Regarding: x", false },
	{ "Re x", "Re x", false },
	{ "[a", "[a", false },
	{ "[[a]] x", "[[a]] x", false },
	{ "", "", false },
	{ "  a \t  b\r\n c  ", "a b c", false },
	{ "(fwd)", "", true },
};

Test(envelope, base_subjects)
{
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		struct buf subject = BUF_INIT(1024);
		struct slice base;
		bool is_reply;

		buf_append_str(&subject, subjects[i].subject);
		subject_normalise(&subject);
		base = subject_base(buf_slice(&subject), &is_reply);
		cr_expect(slice_eq(base, slice_str(subjects[i].base)), "'%s': '%.*s'",
			  subjects[i].subject, SLICE_ARG(base));
		cr_expect_eq(is_reply, subjects[i].is_reply, "'%s'", subjects[i].subject);
		buf_free(&subject);
	}
}

Test(envelope, long_subjects_are_cut_between_characters)
{
	struct buf subject = BUF_INIT(1 << 20);

	buf_append_char(&subject, 'x');
	while (subject.len < 3 * SUBJECT_OCTETS_MAX)
		buf_append_str(&subject, "\xe2\x82\xac");
	subject_normalise(&subject);
	cr_expect_eq(subject.len, SUBJECT_OCTETS_MAX);
	buf_append_char(&subject, 'y');
	subject_normalise(&subject);
	cr_expect_eq(subject.len, SUBJECT_OCTETS_MAX);
	buf_free(&subject);
}
