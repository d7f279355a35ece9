#include "mailboxd/search_match.h"
#include "tests/support/parsed.h"

#include <criterion/criterion.h>

#define MESSAGE \
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus\r\n Wien\r\n" \
	"From: \"Ann Example\" <ann@example.org>\r\n" \
	"X-Empty:\r\n" \
	"Content-Type: multipart/mixed; boundary=b\r\n" \
	"\r\n" \
	"preamble text\r\n" \
	"--b\r\n" \
	"Content-Type: text/plain; charset=iso-8859-1\r\n" \
	"Content-Transfer-Encoding: quoted-printable\r\n" \
	"\r\n" \
	"K=E4se und Br=\r\not, stra=DFe\r\n" \
	"--b\r\n" \
	"Content-Type: text/plain; charset=koi8-r\r\n" \
	"Content-Transfer-Encoding: base64\r\n" \
	"\r\n" \
	"8NLJ18XU\r\n" \
	"--b\r\n" \
	"Content-Type: image/png; name=\"picture.png\"\r\n" \
	"\r\n" \
	"octets of an image\r\n" \
	"--b\r\n" \
	"Content-Type: message/rfc822\r\n" \
	"\r\n" \
	"Subject: inner subject\r\n" \
	"\r\n" \
	"inner text \xe6\x97\xa5\xe6\x9c\xac\r\n" \
	"--b--\r\n" \
	"epilogue text\r\n"

static const struct {
	enum search_op op;
	const char *field, *needle;
	bool found;
} keys[] = {
	{ SEARCH_OP_HEADER, "subject", "GR\xc3\x9c\xc3\x9f" "E aus wien", true },
	{ SEARCH_OP_HEADER, "Subject", "inner", false },
	{ SEARCH_OP_HEADER, "From", "ann example", true },
	{ SEARCH_OP_HEADER, "From", "EXAMPLE.org", true },
	{ SEARCH_OP_HEADER, "From", "from", false },
	{ SEARCH_OP_HEADER, "To", "ann", false },
	{ SEARCH_OP_HEADER, "X-Empty", "", true },
	{ SEARCH_OP_HEADER, "X-Other", "", false },
	{ SEARCH_OP_HEADER, "Delivered-To", "joe", true },
	{ SEARCH_OP_TEXT, "", "joe@example", true },
	{ SEARCH_OP_BODY, "", "joe@example", false },
	{ SEARCH_OP_TEXT, "", "subject: gr\xc3\xbc\xc3\x9f", true },
	{ SEARCH_OP_TEXT, "", "aus Wien", true },
	{ SEARCH_OP_BODY, "", "aus Wien", false },
	{ SEARCH_OP_BODY, "", "k\xc3\x84se UND brot, STRA", true },
	{ SEARCH_OP_TEXT, "", "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2", true },
	{ SEARCH_OP_BODY, "", "\xd1\x80\xd0\xb8\xd0\xb2", true },
	{ SEARCH_OP_BODY, "", "picture.png", true },
	{ SEARCH_OP_BODY, "", "octets of an image", false },
	{ SEARCH_OP_BODY, "", "inner subject", true },
	{ SEARCH_OP_BODY, "", "inner text", true },
	{ SEARCH_OP_BODY, "", "\xe6\x9c\xac", true },
	{ SEARCH_OP_TEXT, "", "8NLJ18XU", false },
	{ SEARCH_OP_TEXT, "", "epilogue", false },
	{ SEARCH_OP_TEXT, "", "preamble", false },
	{ SEARCH_OP_BODY, "", "", true },
	{ SEARCH_OP_TEXT, "", "stra\xc3\x9f" "e\r\n", false },	/* the CRLF is the boundary's */
	{ SEARCH_OP_TEXT, "", "zzz", false },
};
#define KEYS (sizeof keys / sizeof *keys)

/* seeks: goes where the match wants to go on. */
static void run(struct search_match *m, const struct parsed *p, struct slice message,
		size_t chunk, bool seeks)
{
	size_t at = 0;

	cr_expect_eq(search_match_begin(m, SLICE("Delivered-To: joe@example.org\r\n"),
					p->parts, p->count), ST_OK);
	while (at < message.len) {
		struct slice piece = slice_head(slice_from(message, at), chunk);

		cr_expect_eq(search_match_feed(m, piece), ST_OK);
		at += piece.len;
		if (!seeks)
			continue;
		if (search_match_needs(m) == UINT64_MAX)
			break;
		at = (size_t)search_match_needs(m);
		search_match_seek(m, at);
	}
	cr_expect_eq(search_match_end(m), ST_OK);
}

Test(search_match, all_keys_at_every_chunk_size)
{
	struct slice message = SLICE(MESSAGE);
	struct parsed p = parsed_of(message);
	struct search_key all[KEYS];
	struct search_match *m;

	for (size_t i = 0; i < KEYS; i++)
		all[i] = (struct search_key){ keys[i].op, slice_str(keys[i].field),
					      slice_str(keys[i].needle) };
	m = search_match_new(all, KEYS);
	cr_assert_not_null(m);
	for (size_t chunk = 1; chunk <= message.len; chunk++)
		for (int seeks = 0; seeks < 2; seeks++) {
			run(m, &p, message, chunk, seeks);
			for (size_t i = 0; i < KEYS; i++)
				cr_expect_eq(search_match_found(m, i), keys[i].found,
					     "'%s' '%s' in chunks of %zu", keys[i].field,
					     keys[i].needle, chunk);
		}
	search_match_free(m);
	mime_free(p.mime);
}

Test(search_match, one_key_at_a_time)
{
	struct slice message = SLICE(MESSAGE);
	struct parsed p = parsed_of(message);

	for (size_t i = 0; i < KEYS; i++) {
		struct search_key key = { keys[i].op, slice_str(keys[i].field),
					  slice_str(keys[i].needle) };
		struct search_match *m = search_match_new(&key, 1);

		for (size_t chunk = 1; chunk < 100; chunk += 13) {
			run(m, &p, message, chunk, true);
			cr_expect_eq(search_match_found(m, 0), keys[i].found,
				     "'%s' '%s'", keys[i].field, keys[i].needle);
		}
		search_match_free(m);
	}
	mime_free(p.mime);
}

Test(search_match, stops_when_all_is_known)
{
	struct slice message = SLICE(MESSAGE);
	struct parsed p = parsed_of(message);
	struct search_key key = { SEARCH_OP_HEADER, SLICE("to"), SLICE("x") };
	struct search_match *m = search_match_new(&key, 1);

	search_match_begin(m, SLICE_EMPTY, p.parts, p.count);
	cr_expect_eq(search_match_needs(m), 0);
	search_match_feed(m, slice_head(message, 10));
	cr_expect_eq(search_match_needs(m), 10);
	search_match_feed(m, slice_from(slice_head(message, (size_t)p.parts[0].body), 10));
	cr_expect_eq(search_match_needs(m), UINT64_MAX);
	search_match_end(m);
	cr_expect_not(search_match_found(m, 0));
	search_match_free(m);
	mime_free(p.mime);
}

/* Octets of an attachment are not asked for. */
Test(search_match, passes_over_what_is_no_text)
{
	struct buf in = BUF_INIT(4 << 20);
	struct search_key key = { SEARCH_OP_TEXT, SLICE_EMPTY, SLICE("needle") };
	struct search_match *m = search_match_new(&key, 1);
	struct parsed p;
	uint64_t at = 0;
	size_t fed = 0;

	buf_append_str(&in, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b\r\n\r\n");
	while (in.len < 2 << 20)
		buf_append_str(&in, "needle needle needle needle\r\n");
	buf_append_str(&in, "--b\r\n\r\na nee");
	buf_append_str(&in, "dle\r\n--b--\r\n");
	p = parsed_of(buf_slice(&in));
	search_match_begin(m, SLICE_EMPTY, p.parts, p.count);
	while (at < in.len) {
		struct slice piece = slice_head(slice_from(buf_slice(&in), at), 4096);

		cr_expect_eq(search_match_feed(m, piece), ST_OK);
		fed += piece.len;
		at = search_match_needs(m);
		if (at == UINT64_MAX)
			break;
		search_match_seek(m, at);
	}
	search_match_end(m);
	cr_expect(search_match_found(m, 0));
	cr_expect_lt(fed, 10000);
	search_match_free(m);
	mime_free(p.mime);
	buf_free(&in);
}

/* Matches over the borders of pieces, against a search in all of the text. */
Test(search_match, long_texts)
{
	struct buf in = BUF_INIT(4 << 20);
	struct parsed p;
	unsigned random = 1;

	buf_append_str(&in, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	while (in.len < 200000) {
		random = random * 1103515245 + 12345;
		buf_append_char(&in, (char)('A' + (random >> 16) % 3));
	}
	p = parsed_of(buf_slice(&in));
	for (size_t at = 100; at + 40 < in.len; at += 7919) {
		char text[41];
		struct search_key needles[2] = {
			{ SEARCH_OP_BODY, SLICE_EMPTY, slice_of(text, 40) },
			{ SEARCH_OP_BODY, SLICE_EMPTY, slice_of(text, 41) },
		};
		struct search_match *m;

		memcpy(text, in.data + at, 40);
		text[40] = 'X';
		m = search_match_new(needles, 2);
		run(m, &p, buf_slice(&in), 3000 + at % 100, false);
		cr_expect(search_match_found(m, 0), "at %zu", at);
		cr_expect_not(search_match_found(m, 1), "at %zu", at);
		search_match_free(m);
	}
	mime_free(p.mime);
	buf_free(&in);
}
