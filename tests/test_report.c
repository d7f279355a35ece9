#include <config.h>

/* RFC 3461 sections 6 and 10.6: what a report holds. */
#include "mailboxd/report.h"

#include <criterion/criterion.h>

static const struct report_recipient bob = {
	{ "Bob@Example.COM", 15 }, { "rfc822;Bob@Example.COM", 22 }, false,
};

static struct report delivered(void)
{
	return (struct report){
		.hostname = SLICE("mail.Example.COM"), .mid = SLICE("m2"),
		.to = SLICE("Alice@Example.ORG"),
		.from = SLICE("postmaster@Example.ORG"),
		.envid = SLICE("QQ314159"), .about = SLICE("m1"),
		.header = SLICE("Subject: hello\r\nTo: Bob\r\n\r\nbody\r\n"),
		.recipients = &bob, .count = 1,
		.seconds = 1795504127, .zone = 0,
	};
}

Test(report, delivered)
{
	struct report r = delivered();
	struct buf out = BUF_INIT(REPORT_MAX);

	cr_expect_eq(report_write(&r, &out), ST_OK);
	buf_append_char(&out, '\0');
	cr_expect_str_eq(out.data,
		"Return-Path: <>\r\n"
		"From: Mail Delivery System <postmaster@Example.ORG>\r\n"
		"To: <Alice@Example.ORG>\r\n"
		"Subject: Delivery Notification (success)\r\n"
		"Date: Tue, 24 Nov 2026 07:08:47 +0000\r\n"
		"Message-ID: <m2@mail.Example.COM>\r\n"
		"Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Transfer-Encoding: 8bit\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"=_m2\"\r\n\r\n"
		"--=_m2\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
		"mail.Example.COM has your message (id QQ314159), stored as m1:\r\n\r\n"
		"  Bob@Example.COM: in the mailbox\r\n\r\n"
		"Whether it was read nobody is told.\r\n\r\n"
		"--=_m2\r\nContent-Type: message/delivery-status\r\n\r\n"
		"Original-Envelope-Id: QQ314159\r\n"
		"Reporting-MTA: dns; mail.Example.COM\r\n\r\n"
		"Original-Recipient: rfc822;Bob@Example.COM\r\n"
		"Final-Recipient: rfc822;Bob@Example.COM\r\n"
		"Action: delivered\r\nStatus: 2.0.0\r\n\r\n"
		"--=_m2\r\nContent-Type: text/rfc822-headers\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"Subject: hello\r\nTo: Bob\r\n\r\n"
		"--=_m2--\r\n");
	buf_free(&out);
}

/* Of a header without end whole lines are sent back; nothing is left out. */
Test(report, long_headers_and_many_recipients)
{
	static struct report_recipient many[1000];
	static char header[REPORT_HEADER_MAX + 100];
	struct report r = delivered();
	struct buf out = BUF_INIT(REPORT_MAX), small = BUF_INIT(1000);

	memset(header, 'x', sizeof header);
	memcpy(header, "A: b\r\n", 6);
	r.header = slice_of(header, sizeof header);
	for (size_t i = 0; i < 1000; i++)
		many[i] = bob;
	r.recipients = many;
	r.count = 1000;
	r.envid = SLICE_EMPTY;
	cr_expect_eq(report_write(&r, &out), ST_OK);
	cr_expect(slice_eq(slice_from(buf_slice(&out), out.len - 20),
			   SLICE("\r\nA: b\r\n\r\n--=_m2--\r\n")));
	cr_expect_null(memmem(out.data, out.len, "Envelope-Id", 11));
	cr_expect_eq(report_write(&r, &small), ST_LIMIT);
	buf_free(&out);
	buf_free(&small);
}
