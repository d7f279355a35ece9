/*
 * The report that tells a sender what became of his message (RFC 3461 section 6,
 * RFC 3464): multipart/report with a text for people, message/delivery-status and
 * the header of the message. It knows no store.
 */
#ifndef MAILBOXD_REPORT_H
#define MAILBOXD_REPORT_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the message's header so much is sent back. */
#define REPORT_HEADER_MAX	((size_t)32 * 1024)
#define REPORT_MAX		((size_t)8 * 1024 * 1024)

/* One recipient whose sender wants to know. */
struct report_recipient {
	struct slice address;	/* as in the envelope; ASCII */
	struct slice original;	/* ORCPT, decoded; empty: none */
	bool is_expanded;	/* went to several mailboxes: "expanded", else
				 * "delivered" */
};

struct report {
	struct slice hostname;	/* ours */
	struct slice mid;	/* of the report itself */
	struct slice to;	/* the sender of the message */
	struct slice from;	/* postmaster of his domain */
	struct slice envid;	/* decoded; empty: none */
	struct slice about;	/* mid of the message */
	struct slice header;	/* of the message, its beginning */
	const struct report_recipient *recipients;
	size_t count;
	int64_t seconds;	/* Unix time */
	int32_t zone;
};

/* Appends the report as it is stored, Return-Path first. ST_LIMIT,
 * ST_NO_MEMORY. */
enum status report_write(const struct report *r, struct buf *out);

#endif
