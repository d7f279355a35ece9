#include "common/siphash.h"
#include "mailboxd/signature.h"
#include "tests/support/parsed.h"

#include <criterion/criterion.h>
#include <stdio.h>

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
	"Content-Type: image/png; name=\"picture.png\"\r\n" \
	"\r\n" \
	"octets of an image\r\n" \
	"--b\r\n" \
	"Content-Type: message/rfc822\r\n" \
	"\r\n" \
	"Subject: inner subject\r\n" \
	"\r\n" \
	"inner text \xe6\x97\xa5\xe6\x9c\xac\r\n" \
	"--b--\r\n"

/* Held: what search_match finds must be. Not: what this filter has not. */
static const struct {
	enum search_op op;
	const char *field, *needle;
	bool may;
} keys[] = {
	{ SEARCH_OP_HEADER, "subject", "GR\xc3\x9c\xc3\x9f" "E aus wien", true },
	{ SEARCH_OP_HEADER, "Subject", "inner", false },
	{ SEARCH_OP_HEADER, "Subject", "", true },
	{ SEARCH_OP_HEADER, "From", "ann example", true },
	{ SEARCH_OP_HEADER, "To", "ann", false },	/* no To: the name */
	{ SEARCH_OP_HEADER, "X-Empty", "", true },
	{ SEARCH_OP_HEADER, "X-Other", "", false },
	{ SEARCH_OP_HEADER, "X-Empty", "qq", true },	/* too short to tell */
	{ SEARCH_OP_HEADER, "X-Empty", "qqq", false },
	{ SEARCH_OP_TEXT, "", "subject: gr\xc3\xbc\xc3\x9f", true },
	{ SEARCH_OP_TEXT, "", "picture.PNG", true },
	{ SEARCH_OP_BODY, "", "aus Wien", false },
	{ SEARCH_OP_BODY, "", "k\xc3\x84se UND brot, STRA", true },
	{ SEARCH_OP_BODY, "", "brot", true },	/* across a soft line break */
	{ SEARCH_OP_BODY, "", "octets of an image", false },
	{ SEARCH_OP_BODY, "", "inner subject", true },
	{ SEARCH_OP_BODY, "", "\xe6\x9c\xac", true },
	{ SEARCH_OP_BODY, "", "\xe6\x9c\xad", false },
	{ SEARCH_OP_BODY, "", "zz", true },
	{ SEARCH_OP_BODY, "", "", true },
	{ SEARCH_OP_TEXT, "", "", true },
	{ SEARCH_OP_TEXT, "", "preamble", false },
};
#define KEYS (sizeof keys / sizeof *keys)

struct blobs {
	struct buf head, body;
};

/* In pieces; seeks: passes over what is not wanted. */
static struct blobs sign(struct signature_maker *m, struct slice message,
			 size_t chunk, bool seeks)
{
	struct blobs b = { BUF_INIT(1 << 17), BUF_INIT(1 << 17) };
	struct parsed p = parsed_of(message);
	size_t at = 0;

	cr_assert_eq(signature_begin(m, p.parts, p.count), ST_OK);
	while (at < message.len) {
		struct slice piece = slice_head(slice_from(message, at), chunk);

		cr_assert_eq(signature_feed(m, piece), ST_OK);
		at += piece.len;
		if (seeks && signature_needs(m) > at) {
			if (signature_needs(m) >= message.len)
				break;
			at = (size_t)signature_needs(m);
			signature_seek(m, at);
		}
	}
	cr_assert_eq(signature_end(m, &b.head, &b.body), ST_OK);
	mime_free(p.mime);
	return b;
}

static void blobs_free(struct blobs *b)
{
	buf_free(&b->head);
	buf_free(&b->body);
}

static struct signature_query *query(void)
{
	struct search_key all[KEYS];
	struct signature_query *q;

	for (size_t i = 0; i < KEYS; i++)
		all[i] = (struct search_key){ keys[i].op, slice_str(keys[i].field),
					      slice_str(keys[i].needle) };
	q = signature_query_new(all, KEYS);
	cr_assert_not_null(q);
	return q;
}

Test(signature, same_at_every_chunk_size)
{
	struct signature_maker *m = signature_maker_new();
	struct signature_query *q = query();
	struct blobs whole = sign(m, SLICE(MESSAGE), SIZE_MAX, false);

	for (size_t i = 0; i < KEYS; i++)
		cr_expect_eq(signature_may_hold(q, i, buf_slice(&whole.head),
						buf_slice(&whole.body)),
			     keys[i].may, "'%s' '%s'", keys[i].field, keys[i].needle);
	for (size_t chunk = 1; chunk < sizeof MESSAGE; chunk += 7)
		for (int seeks = 0; seeks < 2; seeks++) {
			struct blobs b = sign(m, SLICE(MESSAGE), chunk, seeks);

			cr_expect(slice_eq(buf_slice(&b.head), buf_slice(&whole.head)));
			cr_expect(slice_eq(buf_slice(&b.body), buf_slice(&whole.body)));
			blobs_free(&b);
		}
	blobs_free(&whole);
	signature_query_free(q);
	signature_maker_free(m);
}

Test(signature, asks_for_what_it_needs)
{
	const struct search_key some[] = {
		{ SEARCH_OP_BODY, SLICE_EMPTY, SLICE("abc") },
		{ SEARCH_OP_HEADER, SLICE("To"), SLICE("a") },
		{ SEARCH_OP_TEXT, SLICE_EMPTY, SLICE("abc") },
		{ SEARCH_OP_TEXT, SLICE_EMPTY, SLICE("ab") },
	};
	struct signature_query *q = signature_query_new(some, 4);

	cr_expect_eq(signature_query_blobs(q, 0), SIGNATURE_BODY);
	cr_expect_eq(signature_query_blobs(q, 1), SIGNATURE_HEAD);
	cr_expect_eq(signature_query_blobs(q, 2), SIGNATURE_HEAD | SIGNATURE_BODY);
	cr_expect_eq(signature_query_blobs(q, 3), 0);
	signature_query_free(q);
}

/* Not at hand, malformed, not readable: anything may be there. */
Test(signature, what_is_not_known_may_hold_anything)
{
	struct signature_query *q = query();
	struct blobs b = { BUF_INIT(64), BUF_INIT(64) };
	const struct slice none = { NULL, 0 };
	const struct slice bad[] = { SLICE("\x01"), SLICE("\x09\0\x09\0abc") };

	cr_expect_eq(signature_anything(&b.head, &b.body), ST_OK);
	for (size_t i = 0; i < KEYS; i++) {
		cr_expect(signature_may_hold(q, i, none, none));
		cr_expect(signature_may_hold(q, i, buf_slice(&b.head),
					     buf_slice(&b.body)));
		for (size_t n = 0; n < 2 && keys[i].op != SEARCH_OP_BODY; n++)
			cr_expect(signature_may_hold(q, i, bad[n], SLICE_EMPTY));
	}
	blobs_free(&b);
	signature_query_free(q);
}

/* More trigrams than are counted: the section holds anything, the others and the
 * next message are as ever. */
Test(signature, a_text_without_end)
{
	struct signature_maker *m = signature_maker_new();
	struct signature_query *q = query();
	struct buf in = BUF_INIT(8 << 20);
	struct blobs b;
	uint64_t state = 88172645463325252u;

	buf_append_str(&in, "Subject: short\r\n\r\n");
	while (in.len < 3 << 20) {
		char text[64];
		size_t n = 0;

		for (; n < 60; n++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			text[n] = (char)('!' + state % 90);
		}
		buf_append(&in, slice_of(text, n));
		buf_append_str(&in, "\r\n");
	}
	b = sign(m, buf_slice(&in), 65536, true);
	cr_expect_lt(b.body.len, SIGNATURE_SECTION_MAX + 1);
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].op == SEARCH_OP_BODY)
			cr_expect(signature_may_hold(q, i, buf_slice(&b.head),
						     buf_slice(&b.body)));
	cr_expect_not(signature_may_hold(q, 1, buf_slice(&b.head), buf_slice(&b.body)));
	blobs_free(&b);
	b = sign(m, SLICE(MESSAGE), SIZE_MAX, false);
	cr_expect_not(signature_may_hold(q, 11, buf_slice(&b.head), buf_slice(&b.body)));
	blobs_free(&b);
	buf_free(&in);
	signature_query_free(q);
	signature_maker_free(m);
}

/* What is stored must be what is asked for: where this fails because signatures
 * are made otherwise, raise SIGNATURE_VERSION and write the new number here. */
Test(signature, this_version)
{
	const struct siphash_key key = { 0 };
	struct signature_maker *m = signature_maker_new();
	struct blobs b = sign(m, SLICE(MESSAGE), SIZE_MAX, false);

	cr_expect_eq(SIGNATURE_VERSION, 1);
	cr_expect_eq(siphash(&key, buf_slice(&b.head)) ^
		     siphash(&key, buf_slice(&b.body)), UINT64_C(0x3d70d04434ee2def),
		     "%llx", (unsigned long long)(siphash(&key, buf_slice(&b.head)) ^
						  siphash(&key, buf_slice(&b.body))));
	blobs_free(&b);
	signature_maker_free(m);
}
