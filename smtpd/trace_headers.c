#include "smtpd/trace_headers.h"

#include "common/address.h"
#include "common/date.h"

/* [utf8][authenticated][secure]; plain SMTP knows no such words. */
static const char *const protocols[2][2][2] = {
	{ { "ESMTP", "ESMTPS" }, { "ESMTPA", "ESMTPSA" } },
	{ { "UTF8SMTP", "UTF8SMTPS" }, { "UTF8SMTPA", "UTF8SMTPSA" } },
};

const char *smtp_trace_protocol(const struct smtp_trace *trace)
{
	if (!trace->is_esmtp)
		return "SMTP";
	return protocols[trace->is_utf8][trace->is_authenticated]
			[trace->peer->tls_version != NULL];
}

/* An address literal (section 4.1.3): "[192.0.2.1]", "[IPv6:2001:db8::1]". */
static void append_literal(struct slice address, struct buf *out)
{
	bool is_v6 = slice_index(address, ':') < address.len;

	/* a zone, "fe80::1%eth0", has no place in a literal */
	address = slice_head(address, slice_index(address, '%'));
	buf_append_str(out, is_v6 ? "[IPv6:" : "[");
	buf_append(out, address);
	buf_append_char(out, ']');
}

/*
 * Extended-Domain: what the client calls itself where that is a domain or a
 * literal, else its address, which it cannot choose.
 */
static void append_from(const struct smtp_trace *trace, struct buf *out)
{
	struct slice address = trace->address;

	buf_append_str(out, "Received: from ");
	if (address_is_host(trace->helo) || address.len == 0)
		buf_append(out, address_is_host(trace->helo) ? trace->helo
							     : SLICE("localhost"));
	else
		append_literal(address, out);
	if (address.len) {
		/* TCP-info of section 4.4 */
		buf_append_str(out, " (");
		buf_append(out, trace->name);
		if (trace->name.len)
			buf_append_char(out, ' ');
		append_literal(address, out);
		buf_append_char(out, ')');
	}
}

enum status smtp_trace_received(const struct smtp_trace *trace, struct buf *out)
{
	/* helo and recipient are bounded, so this is only ever too small for
	 * a mistake of ours */
	char text[2048];
	struct buf line = { text, 0, sizeof text, sizeof text };

	append_from(trace, &line);
	buf_append_str(&line, "\r\n\tby ");
	buf_append(&line, trace->hostname);
	buf_append_str(&line, " with ");
	buf_append_str(&line, smtp_trace_protocol(trace));
	if (trace->peer->tls_version) {
		buf_append_str(&line, " (");
		buf_append_str(&line, trace->peer->tls_version);
		buf_append_char(&line, ' ');
		buf_append_str(&line, trace->peer->tls_cipher);
		buf_append_char(&line, ')');
	}
	buf_append_str(&line, "\r\n\tid ");
	buf_append(&line, trace->mid);
	if (trace->recipient.len) {
		buf_append_str(&line, "\r\n\tfor <");
		buf_append(&line, trace->recipient);
		buf_append_char(&line, '>');
	}
	buf_append_str(&line, "; ");
	date_render(trace->seconds, trace->zone, &line);
	if (buf_append_str(&line, "\r\n") != ST_OK)
		return ST_LIMIT;
	return buf_append(out, buf_slice(&line));
}
