/* RFC 6409 section 8: what a submitted header lacks is added, the rest stays. */
#include "smtpd/submission_header.h"

#include <criterion/criterion.h>

static const struct submission ann = {
	.login = { "ann@example.org", 15 },
	.hostname = { "mx.example.org", 14 },
	.mid = { "m1", 2 },
	.seconds = 1795504127, .zone = 60,
};

#define DATE "Date: Tue, 24 Nov 2026 08:08:47 +0100\r\n"
#define ID "Message-ID: <m1@mx.example.org>\r\n"
#define SENDER "Sender: ann@example.org\r\n"

static enum status note(void *arg, struct slice address)
{
	struct buf *authors = arg;

	buf_append_char(authors, '<');
	buf_append(authors, address);
	return buf_append_char(authors, '>');
}

static const struct {
	const char *name, *in, *out, *authors;
} rows[] = {
	{ "nothing is missing",
	  "Date: x\r\nMessage-ID: y\r\nFrom: ann@example.org\r\n\r\n",
	  "Date: x\r\nMessage-ID: y\r\nFrom: ann@example.org\r\n\r\n",
	  "<ann@example.org>" },
	{ "all is missing", "\r\n", DATE ID SENDER "\r\n", "" },
	{ "nothing at all", "", DATE ID SENDER, "" },
	{ "names in any case, and the login too",
	  "date: x\r\nMESSAGE-id: y\r\nfrom: <ANN@Example.ORG>\r\n\r\n",
	  "date: x\r\nMESSAGE-id: y\r\nfrom: <ANN@Example.ORG>\r\n\r\n",
	  "<ANN@Example.ORG>" },
	{ "Bcc goes with its folds",
	  "Bcc: a@b.example,\r\n c@d.example\r\nFrom: ann@example.org\r\n"
	  "Resent-Bcc: x\r\nDate: x\r\nMessage-ID: y\r\nbcc:\r\n\r\n",
	  "From: ann@example.org\r\nDate: x\r\nMessage-ID: y\r\n\r\n",
	  "<ann@example.org>" },
	{ "somebody else's address: Sender",
	  "From: list@example.org\r\nDate: x\r\nMessage-ID: y\r\n\r\n",
	  "From: list@example.org\r\nDate: x\r\nMessage-ID: y\r\n" SENDER "\r\n",
	  "<list@example.org>" },
	{ "a right Sender stays as it is written",
	  "From: list@example.org\r\nSender: Ann\r\n <ann@EXAMPLE.org>\r\n"
	  "Date: x\r\nMessage-ID: y\r\n\r\n",
	  "From: list@example.org\r\nSender: Ann\r\n <ann@EXAMPLE.org>\r\n"
	  "Date: x\r\nMessage-ID: y\r\n\r\n",
	  "<list@example.org>" },
	{ "a wrong one does not",
	  "From: list@example.org\r\nSender: ann@example.org, bob@example.org\r\n"
	  "Date: x\r\nMessage-ID: y\r\n\r\n",
	  "From: list@example.org\r\nDate: x\r\nMessage-ID: y\r\n" SENDER "\r\n",
	  "<list@example.org>" },
	{ "several authors, a group, a quoted one, a comment",
	  "From: A: ann@example.org, \"b c\"@example.org; (x) <d@example.org>\r\n"
	  "Date: x\r\nMessage-ID: y\r\n\r\n",
	  "From: A: ann@example.org, \"b c\"@example.org; (x) <d@example.org>\r\n"
	  "Date: x\r\nMessage-ID: y\r\n\r\n",
	  "<ann@example.org><\"b c\"@example.org><d@example.org>" },
	{ "what is no address is nobody's",
	  "From: ann, <a b@c>, x@y..z\r\nDate: x\r\nMessage-ID: y\r\n\r\n",
	  "From: ann, <a b@c>, x@y..z\r\nDate: x\r\nMessage-ID: y\r\n" SENDER
	  "\r\n", "<><ab@c><>" },
	{ "two From fields: each counts",
	  "From: ann@example.org\r\nFrom: bob@example.org\r\nDate: x\r\n"
	  "Message-ID: y\r\n\r\n",
	  "From: ann@example.org\r\nFrom: bob@example.org\r\nDate: x\r\n"
	  "Message-ID: y\r\n\r\n", "<ann@example.org><bob@example.org>" },
	{ "a line that is no field stays",
	  "From: ann@example.org\r\nwhat is this\r\nDate: x\r\n\r\n",
	  "From: ann@example.org\r\nwhat is this\r\nDate: x\r\n" ID "\r\n",
	  "<ann@example.org>" },
	{ "the last line is open",
	  "Date: x\r\nFrom: ann@example.org",
	  "Date: x\r\nFrom: ann@example.org\r\n" ID, "<ann@example.org>" },
	{ "8-bit names",
	  "From: J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>\r\nDate: x\r\n"
	  "Message-ID: y\r\nSender: ann@example.org\r\n\r\n",
	  "From: J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>\r\nDate: x\r\n"
	  "Message-ID: y\r\nSender: ann@example.org\r\n\r\n",
	  "<j\xc3\xb6rg@b\xc3\xbc" "cher.example>" },
};

Test(submission_header, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice in = slice_str(rows[i].in);
		struct submission_scan scan;
		struct buf authors = BUF_INIT(1000), out = BUF_INIT(1000);

		cr_expect_eq(submission_scan(in, &ann, note, &authors, &scan),
			     ST_OK, "%s", rows[i].name);
		cr_expect(slice_eq(buf_slice(&authors),
				   slice_str(rows[i].authors)), "%s: %.*s",
			  rows[i].name, SLICE_ARG(buf_slice(&authors)));
		cr_expect_eq(submission_rewrite(in, &ann, &scan, &out), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
			  "%s: %.*s", rows[i].name, SLICE_ARG(buf_slice(&out)));
		buf_free(&authors);
		buf_free(&out);
	}
}

Test(submission_header, authors_are_limited)
{
	struct submission_scan scan;
	struct buf in = BUF_INIT(10000), authors = BUF_INIT(10000);

	buf_append_str(&in, "From: ");
	for (unsigned i = 0; i < SUBMISSION_AUTHORS_MAX; i++)
		buf_append_str(&in, i ? ",a@b.example" : "a@b.example");
	cr_expect_eq(submission_scan(buf_slice(&in), &ann, note, &authors,
				     &scan), ST_OK);
	buf_append_str(&in, ",a@b.example");
	cr_expect_eq(submission_scan(buf_slice(&in), &ann, note, &authors,
				     &scan), ST_LIMIT);
	buf_free(&in);
	buf_free(&authors);
}
