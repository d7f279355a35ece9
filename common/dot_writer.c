#include "common/dot_writer.h"

static bool is_at_line_start(const struct dot_writer *w)
{
	return w->last[1] == '\0' || (w->last[0] == '\r' && w->last[1] == '\n');
}

enum status dot_writer_feed(struct dot_writer *w, struct slice in,
			    struct buf *out)
{
	const char *from = in.data, *end = in.data + in.len, *p;
	enum status st = ST_OK;

	if (in.len == 0)
		return ST_OK;
	if (in.data[0] == '.' && is_at_line_start(w))
		st = buf_append_char(out, '.');
	for (p = in.data; st == ST_OK; p++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p || p + 1 == end)
			break;
		if (p[1] == '.') {
			st = buf_append(out, slice_of(from, (size_t)(p + 1 - from)));
			if (st == ST_OK)
				st = buf_append_char(out, '.');
			from = p + 1;
		}
	}
	if (st == ST_OK)
		st = buf_append(out, slice_of(from, (size_t)(end - from)));
	w->last[0] = in.len > 1 ? end[-2] : w->last[1];
	w->last[1] = end[-1];
	return st;
}

enum status dot_writer_end(struct dot_writer *w, struct buf *out)
{
	enum status st = is_at_line_start(w) ? ST_OK : buf_append_str(out, "\r\n");

	*w = (struct dot_writer){ { 0 } };
	return st == ST_OK ? buf_append_str(out, ".\r\n") : st;
}
