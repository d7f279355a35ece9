/*
 * The trace field that a receiver puts in front of each message: Received
 * (RFC 5321 section 4.4).
 */
#ifndef SMTPD_TRACE_HEADERS_H
#define SMTPD_TRACE_HEADERS_H

#include "common/buf.h"
#include "common/engine.h"

struct smtp_trace {
	const struct peer_info *peer;	/* for TLS */
	struct slice address;	/* of the client; empty: unknown */
	struct slice name;	/* of that, by the DNS; empty: it has none */
	struct slice helo;	/* what the client said behind EHLO or HELO */
	struct slice hostname;	/* ours */
	struct slice mid;
	struct slice recipient;	/* rendered; empty where there are several */
	bool is_esmtp, is_utf8, is_authenticated;
	int64_t seconds;	/* Unix time */
	int32_t zone;		/* minutes east of UTC */
};

/* The `with` word: RFC 3848, with SMTPUTF8 RFC 6531 section 4.3. */
const char *smtp_trace_protocol(const struct smtp_trace *trace);
/* Appends the field with its CRLF. ST_LIMIT, ST_NO_MEMORY. */
enum status smtp_trace_received(const struct smtp_trace *trace, struct buf *out);

#endif
