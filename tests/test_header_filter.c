/* RFC 8601 section 5: nobody else speaks in our name, at every chunk size. */
#include "smtpd/header_filter.h"

#include <criterion/criterion.h>

static void keep(void *arg, struct slice octets)
{
	cr_assert_eq(buf_append(arg, octets), ST_OK);
}

#define AR "Authentication-Results:"
#define JUNK SLICE("X-Spam: Yes\nX-Spam-Flag:YES")

static const struct {
	const char *name, *in, *out;
	unsigned received;
} rows[] = {
	{ "nothing", "", "", 0 },
	{ "no header", "\r\n" AR " mx.example.org; x\r\n",
	  "\r\n" AR " mx.example.org; x\r\n", 0 },
	{ "ours goes", "A: b\r\n" AR " mx.example.org; spf=pass\r\nC: d\r\n\r\nx\r\n",
	  "A: b\r\nC: d\r\n\r\nx\r\n", 0 },
	{ "in any case", "authentication-RESULTS :MX.Example.org;none\r\n\r\n",
	  "\r\n", 0 },
	{ "with its folds", AR " mx.example.org 1;\r\n spf=pass\r\n\tdkim=pass\r\n"
	  "To: a\r\n b\r\n\r\n", "To: a\r\n b\r\n\r\n", 0 },
	{ "a fold in front", AR "\r\n (a \\) comment (nested))\r\n mx.example.org\r\n"
	  "A: b\r\n\r\n", "A: b\r\n\r\n", 0 },
	{ "quoted", AR " \"mx.\\example.org\";\r\n\r\n", "\r\n", 0 },
	{ "somebody else's stays", AR " mx.example.com; x\r\n y\r\n\r\n",
	  AR " mx.example.com; x\r\n y\r\n\r\n", 0 },
	{ "one that begins like ours", AR " mx.example.org.evil; x\r\n\r\n",
	  AR " mx.example.org.evil; x\r\n\r\n", 0 },
	{ "a quoted one that is longer", AR " \"mx.example.orgx\"\r\n\r\n",
	  AR " \"mx.example.orgx\"\r\n\r\n", 0 },
	{ "nobody's stays", AR "\r\n \r\nA: b\r\n\r\n", AR "\r\n \r\nA: b\r\n\r\n", 0 },
	{ "nobody's, and the end", AR " (mx.example.org", AR " (mx.example.org", 0 },
	{ "what says junk goes", "A: b\r\nX-Spam: no\r\n fold\r\nx-spam-FLAG : YES\r\n"
	  "X-Spam-Score: 1\r\n\r\n", "A: b\r\nX-Spam-Score: 1\r\n\r\n", 0 },
	{ "a name that is longer", AR "x: mx.example.org\r\n\r\n"
	  , AR "x: mx.example.org\r\n\r\n", 0 },
	{ "two, one behind the other", AR " mx.example.org\r\n" AR
	  "\r\n mx.example.org\r\n" AR "\r\n x\r\n\r\n", AR "\r\n x\r\n\r\n", 0 },
	{ "in the body it stays", "A: b\r\n\r\n" AR " mx.example.org\r\n",
	  "A: b\r\n\r\n" AR " mx.example.org\r\n", 0 },
	{ "Received are counted", "Received: a\r\n b\r\nreceived: c\r\n"
	  "Receivedx: d\r\n\r\nReceived: e\r\n", "Received: a\r\n b\r\n"
	  "received: c\r\nReceivedx: d\r\n\r\nReceived: e\r\n", 2 },
	{ "a header without end", "Received: a\r\n" AR " mx.example.org",
	  "Received: a\r\n" AR " mx.example.org", 1 },
};

Test(header_filter, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in) + 1; chunk++) {
			struct slice rest = slice_str(rows[i].in);
			struct header_filter f;
			struct buf out = BUF_INIT(10000);

			header_filter_init(&f, SLICE("mx.example.org"), JUNK, true);
			while (rest.len) {
				struct slice part = slice_head(rest, chunk);

				cr_expect_eq(header_filter_feed(&f, part, keep,
								&out), ST_OK);
				rest = slice_from(rest, part.len);
			}
			header_filter_end(&f, keep, &out);
			cr_expect(slice_eq(buf_slice(&out),
					   slice_str(rows[i].out)),
				  "%s, chunks of %zu: %.*s", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&out)));
			cr_expect_eq(f.received, rows[i].received, "%s",
				     rows[i].name);
			header_filter_clear(&f);
			buf_free(&out);
		}
}

Test(header_filter, trusted_clients_may)
{
	static const char in[] = AR " mx.example.org; spf=pass\r\nReceived: a\r\n\r\n";
	struct header_filter f;
	struct buf out = BUF_INIT(1000);

	header_filter_init(&f, SLICE("mx.example.org"), JUNK, false);
	cr_expect_eq(header_filter_feed(&f, slice_str(in), keep, &out), ST_OK);
	header_filter_end(&f, keep, &out);
	cr_expect(slice_eq(buf_slice(&out), slice_str(in)));
	cr_expect_eq(f.received, 1);
	header_filter_clear(&f);
	buf_free(&out);
}

/* What nobody can decide goes, and takes no time that grows with its square. */
Test(header_filter, a_field_without_end_goes)
{
	struct header_filter f;
	struct buf out = BUF_INIT(1000);

	header_filter_init(&f, SLICE("mx.example.org"), JUNK, true);
	header_filter_feed(&f, SLICE(AR "\r\n"), keep, &out);
	for (size_t n = 0; n < 1000000; n++)
		cr_assert_eq(header_filter_feed(&f, SLICE(" \r\n"), keep, &out),
			     ST_OK);
	cr_expect_eq(header_filter_feed(&f, SLICE(" x\r\nA: b\r\n\r\n"), keep,
					&out), ST_OK);
	cr_expect(slice_eq(buf_slice(&out), SLICE("A: b\r\n\r\n")));
	header_filter_clear(&f);
	buf_free(&out);
}

Test(header_filter, a_line_is_bounded)
{
	static char line[4096];
	struct header_filter f;
	struct buf out = BUF_INIT(1000);
	enum status st = ST_OK;

	memset(line, 'a', sizeof line);
	header_filter_init(&f, SLICE("mx.example.org"), JUNK, true);
	for (size_t n = 0; n <= HEADER_FILTER_HELD_MAX && st == ST_OK;
	     n += sizeof line)
		st = header_filter_feed(&f, slice_of(line, sizeof line), keep, &out);
	cr_expect_eq(st, ST_LIMIT);
	header_filter_clear(&f);
	buf_free(&out);
}
