/*
 * The report for a sender of ours whose message did not reach everybody (RFC 3464):
 * multipart/report with a text for people and message/delivery-status. The message
 * itself was delivered to the others and is not sent back.
 */
#ifndef SMTPD_FAILURE_REPORT_H
#define SMTPD_FAILURE_REPORT_H

#include "common/buf.h"

#define FAILURE_REPORT_MAX ((size_t)1 << 20)

struct failure_report {
	struct slice hostname;	/* ours */
	struct slice mid;	/* of the report itself */
	struct slice to;	/* the sender */
	struct slice envid;	/* decoded; empty: none */
	struct slice about;	/* mid of the message */
	/* "recipient SP code SP enhanced SP text" a line, each ended by LF */
	struct slice failures;
	int64_t seconds;	/* Unix time */
	int32_t zone;
};

/* Appends the report with CRLF line ends. ST_LIMIT, ST_NO_MEMORY. */
enum status failure_report_write(const struct failure_report *r, struct buf *out);

#endif
