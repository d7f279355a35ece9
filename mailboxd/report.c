#include <config.h>

#include "mailboxd/report.h"

#include "common/date.h"

static const char *action_of(const struct report_recipient *r)
{
	return r->is_expanded ? "expanded" : "delivered";
}

static void write_header(const struct report *r, struct buf *out)
{
	buf_append_fmt(out, "Return-Path: <>\r\n"
		       "From: Mail Delivery System <%.*s>\r\nTo: <%.*s>\r\n"
		       "Subject: Delivery Notification (success)\r\nDate: ",
		       SLICE_ARG(r->from), SLICE_ARG(r->to));
	date_render(r->seconds, r->zone, out);
	buf_append_fmt(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n"
		       "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		       "Content-Transfer-Encoding: 8bit\r\n"
		       "Content-Type: multipart/report;"
		       " report-type=delivery-status;\r\n"
		       "\tboundary=\"=_%.*s\"\r\n\r\n",
		       SLICE_ARG(r->mid), SLICE_ARG(r->hostname),
		       SLICE_ARG(r->mid));
}

static void begin_part(const struct report *r, struct buf *out, const char *type)
{
	buf_append_fmt(out, "--=_%.*s\r\nContent-Type: %s\r\n\r\n",
		       SLICE_ARG(r->mid), type);
}

static void write_text(const struct report *r, struct buf *out)
{
	begin_part(r, out, "text/plain; charset=us-ascii");
	buf_append_fmt(out, "%.*s has your message%s%.*s%s, stored as %.*s:\r\n\r\n",
		       SLICE_ARG(r->hostname), r->envid.len ? " (id " : "",
		       SLICE_ARG(r->envid), r->envid.len ? ")" : "",
		       SLICE_ARG(r->about));
	for (size_t i = 0; i < r->count; i++)
		buf_append_fmt(out, "  %.*s: %s\r\n",
			       SLICE_ARG(r->recipients[i].address),
			       r->recipients[i].is_expanded
				? "in the mailboxes of all it leads to"
				: "in the mailbox");
	buf_append_str(out, "\r\nWhether it was read nobody is told.\r\n\r\n");
}

/* RFC 3461 section 6.3; the groups of fields are separated by an empty line (RFC
 * 3464 section 2.1). */
static void write_status(const struct report *r, struct buf *out)
{
	begin_part(r, out, "message/delivery-status");
	if (r->envid.len)
		buf_append_fmt(out, "Original-Envelope-Id: %.*s\r\n",
			       SLICE_ARG(r->envid));
	buf_append_fmt(out, "Reporting-MTA: dns; %.*s\r\n", SLICE_ARG(r->hostname));
	for (size_t i = 0; i < r->count; i++) {
		const struct report_recipient *one = &r->recipients[i];

		buf_append_str(out, "\r\n");
		if (one->original.len)
			buf_append_fmt(out, "Original-Recipient: %.*s\r\n",
				       SLICE_ARG(one->original));
		buf_append_fmt(out, "Final-Recipient: rfc822;%.*s\r\n"
			       "Action: %s\r\nStatus: 2.0.0\r\n",
			       SLICE_ARG(one->address), action_of(one));
	}
	buf_append_str(out, "\r\n");
}

/* Whole lines of the header, at most REPORT_HEADER_MAX octets. */
static struct slice returned_header(const struct report *r)
{
	struct slice header = slice_head(r->header, REPORT_HEADER_MAX);
	const char *end = memmem(header.data, header.len, "\r\n\r\n", 4);
	const char *last;

	if (end)
		return slice_head(header, (size_t)(end - header.data) + 2);
	last = memrchr(header.data, '\n', header.len);
	return slice_head(header, last ? (size_t)(last - header.data) + 1 : 0);
}

/* More octets than it can have, so that nothing is left out in its midst. */
static size_t bound(const struct report *r)
{
	size_t octets = 4096 + r->from.len + r->to.len + 2 * r->envid.len +
			3 * r->hostname.len + 8 * r->mid.len + r->about.len +
			r->header.len;

	for (size_t i = 0; i < r->count; i++)
		octets += 256 + 2 * r->recipients[i].address.len +
			  r->recipients[i].original.len;
	return octets;
}

enum status report_write(const struct report *r, struct buf *out)
{
	char *at;
	enum status st = buf_reserve(out, bound(r), &at);

	if (st != ST_OK)
		return st;
	write_header(r, out);
	write_text(r, out);
	write_status(r, out);
	begin_part(r, out, "text/rfc822-headers\r\n"
		   "Content-Transfer-Encoding: 8bit");
	buf_append(out, returned_header(r));
	return buf_append_fmt(out, "\r\n--=_%.*s--\r\n", SLICE_ARG(r->mid));
}
