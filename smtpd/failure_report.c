#include <config.h>

#include "smtpd/failure_report.h"

#include "common/date.h"

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] >= 0x80)
			return false;
	return true;
}

static void write_header(const struct failure_report *r, struct buf *out)
{
	buf_append_fmt(out, "From: Mail Delivery System <postmaster@%.*s>\r\n"
		       "To: <%.*s>\r\nSubject: Not delivered to all recipients\r\nDate: ",
		       SLICE_ARG(r->hostname), SLICE_ARG(r->to));
	date_render(r->seconds, r->zone, out);
	buf_append_fmt(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n"
		       "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		       "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		       "\tboundary=\"=_%.*s\"\r\n\r\n", SLICE_ARG(r->mid),
		       SLICE_ARG(r->hostname), SLICE_ARG(r->mid));
}

/* Non-ASCII addresses make it message/global-delivery-status (RFC 6533). */
static void begin_part(const struct failure_report *r, struct buf *out,
		       const char *type, const char *more)
{
	buf_append_fmt(out, "--=_%.*s\r\nContent-Type: %s%s\r\n%s\r\n",
		       SLICE_ARG(r->mid), type, more, is_ascii(r->failures) ? ""
		       : "Content-Transfer-Encoding: 8bit\r\n");
}

static void write_text(const struct failure_report *r, struct buf *out)
{
	struct slice rest = r->failures, line;

	begin_part(r, out, "text/plain", "; charset=utf-8");
	buf_append_fmt(out, "Your message (%.*s) was delivered to some of its recipients,"
		       "\r\nand will not be to these:\r\n\r\n", SLICE_ARG(r->about));
	while (slice_split(&rest, '\n', &line)) {
		size_t space = slice_index(line, ' ');

		if (line.len)
			buf_append_fmt(out, "  %.*s:%.*s\r\n",
				       SLICE_ARG(slice_head(line, space)),
				       SLICE_ARG(slice_from(line, space)));
	}
	buf_append_str(out, "\r\nIt is not tried again.\r\n\r\n");
}

/* RFC 3464 section 2: groups of fields, separated by an empty line. */
static void write_status(const struct failure_report *r, struct buf *out)
{
	bool is_global = !is_ascii(r->failures);
	struct slice rest = r->failures, line, recipient, code, enhanced;

	begin_part(r, out, is_global ? "message/global-delivery-status"
				     : "message/delivery-status", "");
	buf_append_fmt(out, "Reporting-MTA: dns; %.*s\r\n", SLICE_ARG(r->hostname));
	if (r->envid.len)
		buf_append_fmt(out, "Original-Envelope-Id: %.*s\r\n",
			       SLICE_ARG(r->envid));
	while (slice_split(&rest, '\n', &line)) {
		if (!line.len)
			continue;
		slice_split(&line, ' ', &recipient);
		slice_split(&line, ' ', &code);
		slice_split(&line, ' ', &enhanced);
		buf_append_fmt(out, "\r\nFinal-Recipient: %s; %.*s\r\nAction: failed\r\n"
			       "Status: %.*s\r\nDiagnostic-Code: smtp; %.*s %.*s %.*s\r\n",
			       is_global ? "utf-8" : "rfc822", SLICE_ARG(recipient),
			       SLICE_ARG(enhanced), SLICE_ARG(code), SLICE_ARG(enhanced),
			       SLICE_ARG(line));
	}
}

enum status failure_report_write(const struct failure_report *r, struct buf *out)
{
	size_t room = 4096 + 8 * r->mid.len + 3 * r->hostname.len + r->to.len +
		      r->envid.len + r->about.len + 8 * r->failures.len;
	size_t lines = 0;
	char *at;
	enum status st;

	for (size_t i = 0; i < r->failures.len; i++)
		lines += r->failures.data[i] == '\n';
	st = buf_reserve(out, room + lines * 128, &at);
	if (st != ST_OK)
		return st;
	write_header(r, out);
	write_text(r, out);
	write_status(r, out);
	return buf_append_fmt(out, "\r\n--=_%.*s--\r\n", SLICE_ARG(r->mid));
}
