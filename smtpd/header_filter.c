#include "smtpd/header_filter.h"

#include "smtpd/loop.h"

void header_filter_init(struct header_filter *f, struct slice hostname,
			struct slice junk, bool takes_out)
{
	*f = (struct header_filter){
		.hostname = hostname, .junk = junk, .takes_out = takes_out,
		.held = BUF_INIT(HEADER_FILTER_HELD_MAX),
	};
}

void header_filter_clear(struct header_filter *f)
{
	buf_free(&f->held);
}

/* ---- whose Authentication-Results is it ------------------------------------------ */

/* Octets of white space, folds and comments at the beginning of text (RFC 5322
 * section 3.2.2). All of it: there may be more behind its end. */
static size_t cfws(struct slice text)
{
	size_t i = 0, depth = 0;

	for (; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\\' && depth)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
	}
	return i < text.len ? i : text.len;
}

static bool ends_token(char c)
{
	return memchr("()<>@,;:\\\"/[]?= \t\r\n", c, 20) != NULL;
}

/* The authserv-id at the beginning of text (RFC 8601 section 2.2) is name. */
static bool is_id(struct slice text, struct slice name)
{
	size_t n = 0;

	if (text.data[0] != '"') {
		while (n < text.len && !ends_token(text.data[n]))
			n++;
		return slice_case_eq(slice_head(text, n), name);
	}
	/* quoted: a backslash hides nothing */
	text = slice_from(text, 1);
	for (size_t i = 0; i < text.len && text.data[i] != '"'; i++) {
		if (text.data[i] == '\\' && i + 1 < text.len)
			i++;
		if (n == name.len ||
		    ascii_lower(text.data[i]) != ascii_lower(name.data[n]))
			return false;
		n++;
	}
	return n == name.len;
}

/* ---- lines ------------------------------------------------------------------------ */

static bool is_field(struct slice line, const char *name, struct slice *body)
{
	size_t colon = slice_index(line, ':');

	if (colon == line.len ||
	    !slice_case_eq(slice_trim(slice_head(line, colon)), slice_str(name)))
		return false;
	*body = slice_from(line, colon + 1);
	return true;
}

static bool is_junk(const struct header_filter *f, struct slice line)
{
	struct slice rows = f->junk, row,
		     name = slice_trim(slice_head(line, slice_index(line, ':')));

	while (rows.len && slice_split(&rows, '\n', &row))
		if (slice_case_eq(slice_head(row, slice_index(row, ':')), name))
			return true;
	return false;
}

/* field: its lines so far. */
static void decide(struct header_filter *f, struct slice field)
{
	struct slice body = SLICE_EMPTY;
	size_t at;

	f->field = FIELD_PASSES;
	if (!f->takes_out)
		return;
	if (is_junk(f, field))
		f->field = FIELD_GOES;
	if (!is_field(field, "Authentication-Results", &body))
		return;
	at = cfws(body);
	if (at == body.len)
		f->field = field.len > HEADER_FILTER_OPEN_MAX ? FIELD_GOES
							      : FIELD_OPEN;
	else if (is_id(slice_from(body, at), f->hostname))
		f->field = FIELD_GOES;
}

static bool is_continued(struct slice line)
{
	return line.data[0] == ' ' || line.data[0] == '\t';
}

static struct slice without_ends(struct slice body)
{
	while (body.len && memchr(" \t\r\n", body.data[body.len - 1], 4))
		body.len--;
	return slice_trim(body);
}

/* A new line, which begins a field, ends the header, or goes on with a field that
 * is decided. */
static void begin_line(struct header_filter *f, struct slice line)
{
	struct slice body;

	if (slice_eq(line, SLICE("\r\n"))) {
		f->is_body = true;
		f->field = FIELD_PASSES;
		return;
	}
	if (is_continued(line))
		return;
	decide(f, line);
	if (is_field(line, "Received", &body))
		f->received++;
	else if (f->delivered_count < HEADER_FILTER_DELIVERED_MAX &&
		 is_field(line, "Delivered-To", &body))
		f->delivered[f->delivered_count++] = loop_hash(without_ends(body));
}

/* What is held is whole lines again: they go on, go away, or wait. */
static void settle(struct header_filter *f, header_filter_pass *pass, void *arg)
{
	if (f->field == FIELD_OPEN)
		return;
	if (f->field == FIELD_PASSES && f->held.len)
		pass(arg, buf_slice(&f->held));
	f->held.len = 0;
}

/* The line at line_at is whole; before it may be those of an open field. */
static void take_held_line(struct header_filter *f, header_filter_pass *pass,
			   void *arg)
{
	size_t before = f->line_at;
	struct slice line = slice_from(buf_slice(&f->held), before);

	f->in_line = false;
	if (f->field == FIELD_OPEN && before && is_continued(line)) {
		decide(f, buf_slice(&f->held));
		settle(f, pass, arg);
		return;
	}
	/* an open field without an id is nobody's */
	if (before) {
		pass(arg, slice_head(buf_slice(&f->held), before));
		buf_consume(&f->held, before);
	}
	begin_line(f, buf_slice(&f->held));
	settle(f, pass, arg);
}

/* Octets of the line at the beginning of in; 0: it does not end here. */
static size_t line_octets(struct slice in)
{
	size_t lf = slice_index(in, '\n');

	return lf < in.len ? lf + 1 : 0;
}

/* Lines of in that pass, up to one that has to be looked at in held. */
static size_t run_of_lines(struct header_filter *f, struct slice in,
			   struct slice *run)
{
	size_t at = 0, octets;

	while (!f->is_body && (octets = line_octets(slice_from(in, at)))) {
		struct slice line = slice_head(slice_from(in, at), octets);

		begin_line(f, line);
		if (f->field != FIELD_PASSES)
			break;
		at += octets;
	}
	*run = slice_head(in, f->is_body ? in.len : at);
	return run->len;
}

enum status header_filter_feed(struct header_filter *f, struct slice in,
			       header_filter_pass *pass, void *arg)
{
	while (in.len) {
		size_t octets;
		struct slice run;
		enum status st;

		if (f->is_body || (!f->held.len && f->field == FIELD_PASSES)) {
			in = slice_from(in, run_of_lines(f, in, &run));
			if (run.len)
				pass(arg, run);
			if (!in.len)
				break;
		}
		octets = line_octets(in);
		if (!f->in_line)
			f->line_at = f->held.len;
		st = buf_append(&f->held, slice_head(in, octets ? octets : in.len));
		if (st != ST_OK)
			return st;
		in = slice_from(in, octets ? octets : in.len);
		f->in_line = octets == 0;
		if (octets)
			take_held_line(f, pass, arg);
	}
	return ST_OK;
}

void header_filter_end(struct header_filter *f, header_filter_pass *pass,
		       void *arg)
{
	if (f->held.len && f->field != FIELD_GOES)
		pass(arg, buf_slice(&f->held));
	f->held.len = 0;
}
