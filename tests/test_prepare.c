#include "common/part_record.h"
#include "mailboxd/prepare.h"
#include "tests/sexp.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>

/* Feeds message in pieces of chunk octets. */
static struct buf prepare(struct slice message, size_t chunk)
{
	struct prepare *p = prepare_new();
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);

	cr_assert_not_null(p);
	for (size_t at = 0; at < message.len; at += chunk)
		cr_assert_eq(prepare_feed(p, slice_head(slice_from(message, at), chunk)), ST_OK);
	cr_assert_eq(prepare_end(p, &record), ST_OK);
	prepare_free(p);
	return record;
}

static struct prepared decode(const struct buf *record, const char *name)
{
	struct prepared p = { 0 };

	cr_assert_eq(prepare_record_decode(buf_slice(record), &p), ST_OK, "%s", name);
	return p;
}

static void check_record(const struct prepared *p, uint64_t octets, const char *name)
{
	struct arena arena = ARENA_INIT(64 << 20);
	struct part *parts;
	size_t count;
	const char *wrong;

	cr_expect_eq(p->size, octets, "%s", name);
	wrong = sexp_check_envelope(sexp_parse(p->envelope, &arena));
	cr_expect_null(wrong, "%s: %s: %.*s", name, wrong, SLICE_ARG(p->envelope));
	wrong = sexp_check_body(sexp_parse(p->bodystructure, &arena), true);
	cr_expect_null(wrong, "%s: %s: %.*s", name, wrong, SLICE_ARG(p->bodystructure));
	wrong = sexp_check_body(sexp_parse(p->body, &arena), false);
	cr_expect_null(wrong, "%s: %s: %.*s", name, wrong, SLICE_ARG(p->body));
	cr_expect_eq(part_record_decode(p->parts, octets, &arena, &parts, &count), ST_OK,
		     "%s: parts lie within the message and each other", name);
	cr_expect_eq(parts[0].body, p->header_size, "%s", name);
	cr_expect_eq(parts[0].end, octets, "%s", name);
	arena_clear(&arena);
}

/* ---- the record */

#define HEADERS "Return-Path: <a@b>\r\n" \
	"Date: Tue, 24 Nov 2026 23:30:00 -0500\r\n" \
	"From: \"Ann Example\" <Ann@Example.ORG>\r\n" \
	"To: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>, b@example.org\r\n" \
	"Cc: Group: x@y;\r\n" \
	"Subject: Re: [list] =?utf-8?b?R3LDvMOfZQ==?= (fwd)\r\n" \
	"Message-ID: <1@example.org>\r\n" \
	"In-Reply-To: <3@example.org>\r\n" \
	"References: <2@example.org>\r\n <3@example.org>\r\n"

Test(prepare, the_whole_record)
{
	struct buf record = prepare(SLICE(HEADERS "\r\n> quoted\r\n\r\nHello   world,\r\nmore\r\n"), 10);
	struct prepared p = decode(&record, "whole");

	check_record(&p, sizeof HEADERS - 1 + 2 + 34, "whole");
	cr_expect_eq(p.header_size, sizeof HEADERS - 1 + 2);
	cr_expect_eq(p.sent, 1795581000);
	cr_expect_eq(p.sent_day, 20781);
	cr_expect(p.is_reply);
	cr_expect(slice_eq(p.preview, SLICE("Hello world, more")), "%.*s", SLICE_ARG(p.preview));
	cr_expect(slice_eq(p.subject_base, SLICE("GRU\xcc\x88\xc3\x9f" "E")) ||
		  slice_eq(p.subject_base, SLICE("GRU\xcc\x88SSE")), "%.*s", SLICE_ARG(p.subject_base));
	cr_expect(slice_eq(p.from_sort, SLICE("ANN")), "%.*s", SLICE_ARG(p.from_sort));
	cr_expect(slice_eq(p.to_sort, SLICE("JOERG")));
	cr_expect(slice_eq(p.cc_sort, SLICE("GROUP")));
	cr_expect(slice_eq(p.message_id, SLICE("<1@example.org>")));
	cr_expect(slice_eq(p.refs, SLICE("<2@example.org> <3@example.org>")));
	cr_expect(slice_eq(p.thread_id, SLICE("<2@example.org>")));
	cr_expect(slice_eq(p.body, SLICE("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 34 4)")),
		  "%.*s", SLICE_ARG(p.body));
	buf_free(&record);
}

Test(prepare, a_message_without_anything)
{
	struct buf record = prepare(SLICE_EMPTY, 1);
	struct prepared p = decode(&record, "empty");

	check_record(&p, 0, "empty");
	cr_expect(slice_eq(p.envelope, SLICE("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")));
	cr_expect_eq(p.sent, PREPARE_NO_DATE);
	cr_expect_eq(p.sent_day, PREPARE_NO_DATE);
	cr_expect_eq(p.thread_id.len, 0);
	cr_expect_eq(p.preview.len, 0);
	buf_free(&record);
}

Test(prepare, thread_ids)
{
	static const struct { const char *header, *refs, *thread; } rows[] = {
		{ "Message-ID: <a@b>\r\n", "", "<a@b>" },
		{ "Message-ID: <a@b>\r\nIn-Reply-To: Ann's mail <c@d> <e@f>\r\n", "<c@d>", "<c@d>" },
		{ "References: nonsense\r\nIn-Reply-To: <c@d>\r\n", "<c@d>", "<c@d>" },
		{ "References: <a@b><c@d>\r\nIn-Reply-To: <e@f>\r\n", "<a@b> <c@d>", "<a@b>" },
		{ "References: <\"a b\"@c>\r\n <<x@y>\r\n", "<ab@c> <x@y>", "<ab@c>" },
		{ "Message-ID: a@b\r\n", "", "" },
		{ "Message-ID: <>\r\n", "", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf record = prepare(slice_str(rows[i].header), 9);
		struct prepared p = decode(&record, rows[i].header);

		cr_expect(slice_eq(p.refs, slice_str(rows[i].refs)), "%s", rows[i].header);
		cr_expect(slice_eq(p.thread_id, slice_str(rows[i].thread)), "%s", rows[i].header);
		buf_free(&record);
	}
}

Test(prepare, many_references_keep_the_first_and_the_last)
{
	struct buf in = BUF_INIT(1 << 20), record;
	struct prepared p;
	struct slice rest, id;
	size_t n = 0;

	buf_append_str(&in, "References:");
	for (int i = 0; i < 5000; i++)
		buf_append_fmt(&in, "\r\n <%d@x>", i);
	buf_append_str(&in, "\r\n\r\n");
	record = prepare(buf_slice(&in), 5000);
	p = decode(&record, "references");
	cr_expect(slice_starts(p.refs, SLICE("<0@x> <4801@x> ")), "%.30s", p.refs.data);
	for (rest = p.refs; slice_split(&rest, ' ', &id);)
		n++;
	cr_expect_eq(n, 200);
	cr_expect(slice_eq(id, SLICE("<4999@x>")));
	buf_free(&record);
	buf_free(&in);
}

Test(prepare, previews)
{
	static const struct { const char *message, *preview; } rows[] = {
		{ "\r\n> all\r\n> quoted\r\n", "> all > quoted" },
		{ "Content-Type: text/html\r\n\r\n<html><head><title>T</title><style>p{x:'<p>'}</style></head>"
		  "<body a=\"<>\">A&amp;B<br>c<b>d</b>&#x20AC;&#65; &bogus; <!-- > x -->end&lt",
		  "A&B cd\xe2\x82\xac" "A end" },
		{ "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "Gr=FC=DFe=\r\n!", "Gr\xc3\xbc\xc3\x9f" "e!" },
		{ "Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n",
		  "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
		{ "Content-Type: image/png\r\n\r\nnot text\r\n", "" },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n"
		  "--b\r\nContent-Disposition: attachment\r\n\r\nattached\r\n--b\r\n\r\nplain\r\n--b--\r\n", "plain" },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n"
		  "<p>html\r\n--b--\r\n", "html" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk < 300; chunk += 7) {
			struct buf record = prepare(slice_str(rows[i].message), chunk);
			struct prepared p = decode(&record, rows[i].message);

			cr_expect(slice_eq(p.preview, slice_str(rows[i].preview)), "%s: %.*s",
				  rows[i].message, SLICE_ARG(p.preview));
			buf_free(&record);
		}
}

Test(prepare, preview_has_200_characters)
{
	struct buf in = BUF_INIT(1 << 20), record;
	struct prepared p;

	buf_append_str(&in, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (int i = 0; i < 5000; i++)
		buf_append_str(&in, "\xc3\xa4");
	record = prepare(buf_slice(&in), 333);
	p = decode(&record, "long");
	cr_expect_eq(p.preview.len, 400);
	buf_free(&record);
	buf_free(&in);
}

Test(prepare, damaged_records_are_refused)
{
	struct buf record = prepare(SLICE(HEADERS "\r\nHello\r\n"), 4096);
	struct prepared p;
	size_t accepted = 0;

	for (size_t len = 0; len < record.len; len++)
		cr_expect_eq(prepare_record_decode(slice_head(buf_slice(&record), len), &p), ST_SYNTAX);
	for (size_t i = 0; i < record.len; i++) {	/* it must survive, at least */
		char was = record.data[i];

		record.data[i] = (char)(was ^ 0xff);
		accepted += prepare_record_decode(buf_slice(&record), &p) == ST_OK;
		record.data[i] = '\0';
		prepare_record_decode(buf_slice(&record), &p);
		record.data[i] = was;
	}
	cr_expect_lt(accepted, record.len / 2);
	buf_free(&record);
}

Test(prepare, is_used_again_after_reset)
{
	struct prepare *p = prepare_new();
	struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);

	prepare_feed(p, SLICE(HEADERS "\r\nfirst\r\n"));
	prepare_end(p, &a);
	prepare_reset(p);
	prepare_feed(p, SLICE("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nbroken"));
	prepare_reset(p);
	prepare_feed(p, SLICE(HEADERS "\r\nfirst\r\n"));
	prepare_end(p, &b);
	cr_expect(slice_eq(buf_slice(&a), buf_slice(&b)));
	prepare_free(p);
	buf_free(&a);
	buf_free(&b);
}

Test(prepare, hostile_headers_stay_within_the_record)
{
	struct buf in = BUF_INIT(8 << 20), record;
	struct prepared p;

	buf_append_str(&in, "From:");
	for (int i = 0; i < 300000; i++)
		buf_append_str(&in, "a,\"");
	buf_append_str(&in, "\r\nContent-Type: a/b");
	for (int i = 0; i < 20000; i++)
		buf_append_fmt(&in, ";\r\n n%d*=koi8-r''\xff\xff\xff", i);
	buf_append_str(&in, "\r\n\r\n");
	record = prepare(buf_slice(&in), 65536);
	p = decode(&record, "hostile");
	check_record(&p, in.len, "hostile");
	buf_free(&record);

	in.len = 0;
	buf_append_str(&in, "To: ");
	for (int i = 0; i < 100000; i++)
		buf_append_str(&in, "g:a,");
	buf_append_str(&in, "\r\n\r\n");
	record = prepare(buf_slice(&in), 65536);
	p = decode(&record, "many groups");
	check_record(&p, in.len, "many groups");
	buf_free(&record);
	buf_free(&in);
}

/* ---- 200 odd messages (tests/data/make_mail) */

/* The file with CRLF line ends and without NUL, as the store would have it. */
static struct buf read_message(const char *name)
{
	struct buf out = BUF_INIT(4 << 20);
	char path[4096];
	FILE *f;
	int c, last = 0;

	snprintf(path, sizeof path, "%s/%s", MAIL_DIR, name);
	f = fopen(path, "rb");
	cr_assert_not_null(f, "%s", path);
	for (; (c = getc(f)) != EOF; last = c) {
		if (c == '\n' && last != '\r')
			buf_append_char(&out, '\r');
		if (c != '\0')
			buf_append_char(&out, (char)c);
	}
	fclose(f);
	return out;
}

Test(prepare, odd_mail_at_several_chunk_sizes)
{
	static const size_t chunks[] = { SIZE_MAX, 1, 2, 3, 7, 64, 4096 };
	struct dirent *entry;
	DIR *dir = opendir(MAIL_DIR);
	size_t messages = 0;

	cr_assert_not_null(dir, "%s", MAIL_DIR);
	while ((entry = readdir(dir))) {
		struct buf message, whole;
		struct prepared p;

		if (entry->d_name[0] == '.')
			continue;
		message = read_message(entry->d_name);
		whole = prepare(buf_slice(&message), message.len + 1);
		p = decode(&whole, entry->d_name);
		check_record(&p, message.len, entry->d_name);
		for (size_t i = 1; i < sizeof chunks / sizeof *chunks; i++) {
			struct buf other = prepare(buf_slice(&message), chunks[i]);

			cr_expect(slice_eq(buf_slice(&whole), buf_slice(&other)),
				  "%s in chunks of %zu", entry->d_name, chunks[i]);
			buf_free(&other);
		}
		buf_free(&whole);
		buf_free(&message);
		messages++;
	}
	closedir(dir);
	cr_expect_eq(messages, 200);
}
