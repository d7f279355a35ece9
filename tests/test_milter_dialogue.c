/* A milter's end is played here, its octets cut at every size. */
#include "smtpd/milter_dialogue.h"

#include "common/clock.h"
#include "smtpd/milters.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const struct milter_settings settings = {
	.title = "test", .version = 6,
	.connect_ms = 1000, .command_ms = 2000, .content_ms = 3000,
	.macros = { "v=Test 1\n{daemon_name}=never", 26 },
};

struct play {
	struct milter_dialogue d;
	char answers[32];	/* the letters that came */
	struct buf told;	/* what they carried */
};

static void answered(void *context, const struct milter_answer *a)
{
	struct play *p = context;
	size_t n = strlen(p->answers);

	cr_assert_lt(n, sizeof p->answers - 1);
	p->answers[n] = milter_answer_row(a->kind)->letter;
	buf_append(&p->told, a->name);
	buf_append(&p->told, a->value);
	buf_append(&p->told, a->octets);
	buf_append(&p->told, a->text);
}

static struct slice macro(void *context, struct slice name)
{
	(void)context;
	if (slice_eq(name, SLICE("j")))
		return SLICE("mx.example.org");
	if (slice_eq(name, SLICE("{daemon_name}")))
		return SLICE("smtp");
	return (struct slice){ NULL, 0 };
}

static void init(struct play *p, const struct milter_settings *s)
{
	*p = (struct play){ .told = BUF_INIT(1 << 20) };
	milter_dialogue_init(&p->d, s);
	p->d.answered = answered;
	p->d.macro = macro;
	p->d.context = p;
}

static void finish(struct play *p)
{
	milter_dialogue_clear(&p->d);
	buf_free(&p->told);
}

static enum status feed(struct play *p, struct slice in, size_t chunk)
{
	while (in.len) {
		struct slice part = slice_head(in, chunk);
		enum status st = milter_dialogue_feed(&p->d, part);

		if (st != ST_OK)
			return st;
		in = slice_from(in, part.len);
	}
	return ST_OK;
}

#define OPTIONS_6 "\0\0\0\15O\0\0\0\6"
/* Options with all actions, and this protocol. */
#define AGREED(protocol) SLICE(OPTIONS_6 "\0\0\1\377" protocol)

static void agree(struct play *p, struct slice options)
{
	init(p, &settings);
	cr_assert_eq(milter_begin(&p->d), ST_OK);
	p->d.out.len = 0;
	cr_assert_eq(feed(p, options, options.len), ST_OK);
	cr_assert(p->d.is_ready);
	p->answers[0] = '\0';
}

static void expect_out(struct play *p, struct slice want, const char *what)
{
	cr_expect(slice_eq(buf_slice(&p->d.out), want), "%s: %zu octets, not %zu", what,
		  p->d.out.len, want.len);
	p->d.out.len = 0;
}

Test(milter_dialogue, options)
{
	static const struct {
		const char *name;
		struct slice in;
		enum status status;
	} rows[] = {
		{ "all of it", AGREED("\0\37\377\377"), ST_OK },
		{ "version 2", SLICE("\0\0\0\15O\0\0\0\2\0\0\0\77\0\0\0\0"), ST_OK },
		{ "version 7", SLICE("\0\0\0\15O\0\0\0\7\0\0\0\0\0\0\0\0"),
		  ST_SYNTAX },
		{ "version 1", SLICE("\0\0\0\15O\0\0\0\1\0\0\0\0\0\0\0\0"),
		  ST_SYNTAX },
		{ "an action that is none", SLICE(OPTIONS_6 "\0\0\2\0\0\0\0\0"),
		  ST_SYNTAX },
		{ "a protocol that was not offered", AGREED("\20\0\0\0"),
		  ST_SYNTAX },
		{ "no options", SLICE("\0\0\0\1c"), ST_SYNTAX },
		{ "options and an answer nobody asked for",
		  SLICE(OPTIONS_6 "\0\0\0\0\0\0\0\0" "\0\0\0\1c"), ST_SYNTAX },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= rows[i].in.len; chunk++) {
			struct play p;
			enum status st;

			init(&p, &settings);
			cr_assert_eq(milter_begin(&p.d), ST_OK);
			expect_out(&p, SLICE("\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\377\377"),
				   "offer");
			st = feed(&p, rows[i].in, chunk);
			cr_expect_eq(st, rows[i].status, "%s, %zu: %s", rows[i].name,
				     chunk, status_name(st));
			finish(&p);
		}
}

Test(milter_dialogue, what_is_said)
{
	struct play p;

	agree(&p, AGREED("\0\0\0\0"));
	milter_say_connect(&p.d, SLICE("[192.0.2.1]"), SLICE("192.0.2.1"), 0x1234);
	expect_out(&p, SLICE("\0\0\0\57DCj\0mx.example.org\0{daemon_name}\0smtp\0v\0Test 1\0"
			     "\0\0\0\32C[192.0.2.1]\0" "4\x12\x34" "192.0.2.1\0"),
		   "connect");
	cr_expect(p.d.is_waiting);
	cr_assert_eq(feed(&p, SLICE("\0\0\0\1c"), 1), ST_OK);
	cr_expect_not(p.d.is_waiting);
	milter_say_connect(&p.d, SLICE("a"), SLICE("2001:db8::1"), 25);
	cr_expect_eq(p.d.out.data[p.d.out.len - 15], '6');
	p.d.out.len = 0;
	milter_say_connect(&p.d, SLICE("localhost"), SLICE_EMPTY, 0);
	cr_expect_eq(p.d.out.data[p.d.out.len - 1], 'U');
	p.d.out.len = 0;
	milter_say_text(&p.d, MILTER_HELO, SLICE("client"));
	expect_out(&p, SLICE("\0\0\0\10Hclient\0"), "helo");
	milter_say_path(&p.d, MILTER_MAIL, SLICE("a@b"), SLICE("SIZE=1 BODY=8BITMIME"));
	expect_out(&p, SLICE("\0\0\0\34M<a@b>\0SIZE=1\0BODY=8BITMIME\0"), "mail");
	milter_say_path(&p.d, MILTER_RCPT, SLICE("c@d"), SLICE_EMPTY);
	expect_out(&p, SLICE("\0\0\0\7R<c@d>\0"), "rcpt");
	milter_say_field(&p.d, SLICE("Subject"), SLICE(" one\r\n two\r\n\tthree"));
	expect_out(&p, SLICE("\0\0\0\31LSubject\0one\n two\n\tthree\0"), "field");
	milter_say(&p.d, MILTER_END_OF_HEADER);
	expect_out(&p, SLICE("\0\0\0\1N"), "end of header");
	milter_say_body(&p.d, SLICE("x\r\n"));
	expect_out(&p, SLICE("\0\0\0\4Bx\r\n"), "body");
	milter_say(&p.d, MILTER_END);
	expect_out(&p, SLICE("\0\0\0\1E"), "end");
	cr_expect(p.d.is_message);
	milter_say_abort(&p.d);
	expect_out(&p, SLICE("\0\0\0\1A"), "abort");
	milter_say_abort(&p.d);
	expect_out(&p, SLICE_EMPTY, "nothing to abort");
	finish(&p);
}

Test(milter_dialogue, leading_space)
{
	struct play p;

	agree(&p, AGREED("\0\20\0\0"));
	milter_say_field(&p.d, SLICE("A"), SLICE("  b"));
	expect_out(&p, SLICE("\0\0\0\7LA\0  b\0"), "kept");
	finish(&p);
	agree(&p, AGREED("\0\0\0\0"));
	milter_say_field(&p.d, SLICE("A"), SLICE("  b"));
	expect_out(&p, SLICE("\0\0\0\6LA\0 b\0"), "one less");
	finish(&p);
}

/* Macros are those it asked for. */
Test(milter_dialogue, macro_lists)
{
	struct play p;

	agree(&p, SLICE("\0\0\0\27O\0\0\0\6\0\0\1\377\0\0\0\0\0\0\0\3j v x\0"));
	milter_say_path(&p.d, MILTER_RCPT, SLICE("c@d"), SLICE_EMPTY);
	expect_out(&p, SLICE("\0\0\0\34DRj\0mx.example.org\0v\0Test 1\0"
			     "\0\0\0\7R<c@d>\0"), "rcpt");
	finish(&p);
}

/* No packet is longer than the protocol allows. */
Test(milter_dialogue, long_field)
{
	static char text[100000];
	struct play p;

	memset(text, 'x', sizeof text);
	agree(&p, AGREED("\0\0\0\0"));
	cr_assert_eq(milter_say_field(&p.d, SLICE("A"), slice_of(text, sizeof text)),
		     ST_OK);
	cr_expect_eq(p.d.out.len, 5 + MILTER_DATA_MAX);
	cr_expect_eq(p.d.out.data[p.d.out.len - 1], '\0');
	finish(&p);
}

/* What a sender puts into a header does not lose the milter: as much as may wait, a
 * field as long as a header may be, and a name as long. */
Test(milter_dialogue, longest_field)
{
	static char text[MILTER_HEADER_MAX];
	struct play p;

	memset(text, 'x', sizeof text);
	for (size_t at = 1000; at + 2 < sizeof text; at += 1000)
		memcpy(text + at, "\r\n ", 3);
	/* no answer to HEADER */
	agree(&p, AGREED("\0\0\0\200"));
	while (p.d.out.len < MILTER_UNCREDITED)
		cr_assert_eq(milter_say_field(&p.d, SLICE("A"), SLICE("b")), ST_OK);
	cr_expect_eq(milter_say_field(&p.d, SLICE("A"), slice_of(text, sizeof text)),
		     ST_OK);
	cr_expect_eq(p.d.out.data[p.d.out.len - 1], '\0');
	memset(text, 'x', sizeof text);
	p.d.out.len = 0;
	cr_expect_eq(milter_say_field(&p.d, slice_of(text, sizeof text), SLICE("b")),
		     ST_OK);
	cr_expect_eq(memcmp(p.d.out.data + p.d.out.len - 4, "x\0b", 4), 0);
	finish(&p);
}

Test(milter_dialogue, unwanted_and_unanswered)
{
	struct play p;

	/* no HELO, no answer to HEADER */
	agree(&p, AGREED("\0\0\0\202"));
	cr_expect_not(milter_wants(&p.d, MILTER_HELO));
	cr_expect(milter_wants(&p.d, MILTER_MAIL));
	milter_say_field(&p.d, SLICE("A"), SLICE("b"));
	cr_expect_not(p.d.is_waiting);
	cr_expect_eq(feed(&p, SLICE("\0\0\0\1c"), 5), ST_SYNTAX);
	finish(&p);
	init(&p, &settings);
	milter_begin(&p.d);
	cr_assert_eq(feed(&p, SLICE("\0\0\0\15O\0\0\0\2\0\0\0\0\0\0\0\0"), 3), ST_OK);
	cr_expect_not(milter_wants(&p.d, MILTER_DATA), "version 2 has none");
	cr_expect_not(milter_wants(&p.d, MILTER_UNKNOWN), "version 2 has none");
	finish(&p);
}

static enum status say_any(struct milter_dialogue *d, enum milter_event event)
{
	switch (event) {
	case MILTER_CONNECT:
		return milter_say_connect(d, SLICE("a"), SLICE("192.0.2.1"), 1);
	case MILTER_HELO:
	case MILTER_UNKNOWN:
		return milter_say_text(d, event, SLICE("x"));
	case MILTER_MAIL:
	case MILTER_RCPT:
		return milter_say_path(d, event, SLICE("a@b"), SLICE_EMPTY);
	case MILTER_HEADER:
		return milter_say_field(d, SLICE("A"), SLICE("b"));
	case MILTER_BODY:
		return milter_say_body(d, SLICE("x"));
	default:
		return milter_say(d, event);
	}
}

#define ANSWER(text) SLICE(text)

/* What an answer to an event ends: s this session, m this message. */
static const struct {
	const char *name;
	enum milter_event event;
	struct slice in;
	enum status status;
	const char *answers, *over;
} verdicts[] = {
	{ "continue", MILTER_MAIL, ANSWER("\0\0\0\1c"), ST_OK, "c", "" },
	{ "accept the client", MILTER_CONNECT, ANSWER("\0\0\0\1a"), ST_OK, "a", "s" },
	{ "accept at HELO", MILTER_HELO, ANSWER("\0\0\0\1a"), ST_OK, "a", "s" },
	{ "reject at HELO", MILTER_HELO, ANSWER("\0\0\0\1r"), ST_OK, "r", "s" },
	{ "accept at MAIL", MILTER_MAIL, ANSWER("\0\0\0\1a"), ST_OK, "a", "m" },
	{ "accept at RCPT", MILTER_RCPT, ANSWER("\0\0\0\1a"), ST_OK, "a", "m" },
	{ "a recipient is refused", MILTER_RCPT, ANSWER("\0\0\0\1r"), ST_OK, "r", "" },
	{ "discard at RCPT", MILTER_RCPT, ANSWER("\0\0\0\1d"), ST_OK, "d", "m" },
	{ "tempfail at HEADER", MILTER_HEADER, ANSWER("\0\0\0\1t"), ST_OK, "t", "m" },
	{ "reply at DATA", MILTER_DATA, ANSWER("\0\0\0\13y550 5.7.1\0"), ST_OK, "y",
	  "m" },
	{ "skip of the body", MILTER_BODY, ANSWER("\0\0\0\1s"), ST_OK, "s", "b" },
	{ "skip elsewhere", MILTER_HEADER, ANSWER("\0\0\0\1s"), ST_SYNTAX, "", "" },
	{ "shutdown", MILTER_RCPT, ANSWER("\0\0\0\0014"), ST_OK, "4", "s" },
	{ "connection failure", MILTER_MAIL, ANSWER("\0\0\0\1f"), ST_OK, "f", "s" },
	{ "an unknown command refused", MILTER_UNKNOWN, ANSWER("\0\0\0\1r"), ST_OK,
	  "r", "" },
	{ "progress", MILTER_END, ANSWER("\0\0\0\1p\0\0\0\1p\0\0\0\1c"), ST_OK, "c",
	  "" },
	{ "edits", MILTER_END, ANSWER("\0\0\0\5hX\0y\0\0\0\0\2bz\0\0\0\3qv\0\0\0\0\1a"),
	  ST_OK, "hbqa", "m" },
	{ "edits before the end", MILTER_BODY, ANSWER("\0\0\0\5hX\0y\0"), ST_SYNTAX,
	  "", "" },
	{ "an answer too many", MILTER_MAIL, ANSWER("\0\0\0\1c\0\0\0\1c"), ST_SYNTAX,
	  "c", "" },
	{ "options again", MILTER_MAIL, AGREED("\0\0\0\0"), ST_SYNTAX, "", "" },
	{ "nonsense", MILTER_MAIL, ANSWER("\0\0\0\1Z"), ST_SYNTAX, "", "" },
	{ "an empty packet", MILTER_MAIL, ANSWER("\0\0\0\0"), ST_SYNTAX, "", "" },
	{ "a packet without end", MILTER_MAIL, ANSWER("\377\0\0\0"), ST_LIMIT, "", "" },
};

Test(milter_dialogue, verdicts)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		for (size_t chunk = 1; chunk <= verdicts[i].in.len; chunk++) {
			const char *over = verdicts[i].over;
			struct play p;
			enum status st;

			agree(&p, AGREED("\0\0\4\0"));
			cr_assert_eq(say_any(&p.d, verdicts[i].event), ST_OK);
			st = feed(&p, verdicts[i].in, chunk);
			cr_expect_eq(st, verdicts[i].status, "%s, %zu: %s",
				     verdicts[i].name, chunk, status_name(st));
			cr_expect_str_eq(p.answers, verdicts[i].answers, "%s, %zu",
					 verdicts[i].name, chunk);
			cr_expect_eq(p.d.is_over, *over == 's', "%s", verdicts[i].name);
			cr_expect_eq(p.d.is_message_over, *over == 'm', "%s",
				     verdicts[i].name);
			cr_expect_eq(p.d.is_skipped, *over == 'b', "%s",
				     verdicts[i].name);
			finish(&p);
		}
}

/* An edit has to be agreed on first. */
Test(milter_dialogue, edits_as_agreed)
{
	struct play p;

	agree(&p, SLICE(OPTIONS_6 "\0\0\0\1\0\0\0\0"));
	milter_say(&p.d, MILTER_END);
	cr_expect_eq(feed(&p, SLICE("\0\0\0\5hX\0y\0"), 100), ST_OK);
	cr_expect_eq(feed(&p, SLICE("\0\0\0\2bz"), 100), ST_SYNTAX);
	cr_expect_str_eq(p.answers, "h");
	finish(&p);
}

/* Each wait has its own time, and progress begins it anew. */
Test(milter_dialogue, times)
{
	struct play p;

	init(&p, &settings);
	clock_fake(100000, 0);
	milter_begin(&p.d);
	cr_expect_eq(p.d.due_ms, 101000);
	cr_assert_eq(feed(&p, AGREED("\0\0\0\0"), 100), ST_OK);
	cr_expect_eq(p.d.due_ms, 0);
	milter_say(&p.d, MILTER_DATA);
	cr_expect_eq(p.d.due_ms, 102000);
	cr_assert_eq(feed(&p, SLICE("\0\0\0\1c"), 100), ST_OK);
	milter_say(&p.d, MILTER_END);
	cr_expect_eq(p.d.due_ms, 103000);
	clock_fake(102000, 0);
	cr_assert_eq(feed(&p, SLICE("\0\0\0\1p"), 100), ST_OK);
	cr_expect_eq(p.d.due_ms, 105000);
	finish(&p);
	clock_real();
}
