#include "common/line_reader.h"

static const char *const http_verbs[] = {
	"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT",
	"TRACE", "PRI",
};

static bool is_clean(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\r' || text.data[i] == '\n' ||
		    text.data[i] == '\0')
			return false;
	return true;
}

/* Up to the CRLF at end, or all there is; a CR at the very end may belong to one. */
static struct line skipped(struct slice in, size_t end, size_t limit)
{
	struct line line = { .kind = LINE_LONG, .limit = limit, .octets = in.len };

	if (end < in.len) {
		line.kind = LINE_LONG_END;
		line.octets = end + 2;
	} else if (in.len && in.data[in.len - 1] == '\r') {
		line.octets--;
	}
	return line;
}

struct line line_look(const struct line_reader *r, struct slice in, size_t limit,
		      bool finds_bare_lf)
{
	size_t lf = slice_index(in, '\n');
	bool is_bare = lf < in.len && (lf == 0 || in.data[lf - 1] != '\r');
	size_t end = lf == in.len ? in.len : is_bare ? slice_crlf(in) : lf - 1;
	struct line line = { .kind = LINE_MORE };

	if (r->skip_limit)
		return skipped(in, end, r->skip_limit);
	if (finds_bare_lf && is_bare && lf < limit) {
		line.kind = LINE_BARE_LF;
		line.text = slice_head(in, lf);
		line.octets = lf + 1;
	} else if (end < in.len && end + 2 <= limit) {
		line.text = slice_head(in, end);
		line.octets = end + 2;
		line.kind = is_clean(line.text) ? LINE_WHOLE : LINE_UNCLEAN;
	} else if (end < in.len || in.len >= limit) {
		line = skipped(in, end, limit);
	}
	return line;
}

void line_taken(struct line_reader *r, const struct line *line)
{
	if (line->kind == LINE_LONG)
		r->skip_limit = line->limit;
	else if (line->kind != LINE_MORE)
		r->skip_limit = 0;
}

bool line_is_http_verb(struct slice word)
{
	for (size_t i = 0; i < sizeof http_verbs / sizeof *http_verbs; i++)
		if (slice_case_eq(word, slice_str(http_verbs[i])))
			return true;
	return false;
}
