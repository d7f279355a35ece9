#include "mailboxd/return_path.h"

static const struct slice name = { "return-path", 11 };

void return_path_init(struct return_path *r)
{
	*r = (struct return_path){ 0 };
}

static enum status let_go(struct return_path *r, return_path_out *out,
			  void *arg)
{
	size_t n = r->held_octets;

	r->held_octets = 0;
	return n ? out(arg, slice_of(r->held, n)) : ST_OK;
}

enum status return_path_end(struct return_path *r, return_path_out *out,
			    void *arg)
{
	return let_go(r, out, arg);
}

/* One octet at the start of a line, behind those that are held: gives the state
 * that it leads to. START: it was held as well. */
static int start_octet(struct return_path *r, char c)
{
	if (r->held_octets == 0) {
		if (c == ' ' || c == '\t')
			return r->was_dropped ? RETURN_PATH_DROP
					      : RETURN_PATH_KEEP;
		if (c == '\r')
			return RETURN_PATH_BODY;
	}
	if (r->held_octets < name.len) {
		if (ascii_lower(c) != name.data[r->held_octets])
			return RETURN_PATH_KEEP;
	} else if (c == ':') {
		return RETURN_PATH_DROP;
	} else if ((c != ' ' && c != '\t') ||
		   r->held_octets == RETURN_PATH_HELD) {
		/* RFC 5322 section 4.5: spaces may stand before the colon */
		return RETURN_PATH_KEEP;
	}
	r->held[r->held_octets++] = c;
	return RETURN_PATH_START;
}

enum status return_path_feed(struct return_path *r, struct slice in,
			     return_path_out *out, void *arg)
{
	size_t from = 0, at = 0;	/* in[from..at) stays, but is not out yet */
	enum status st = ST_OK;

	while (at < in.len && st == ST_OK && r->state != RETURN_PATH_BODY) {
		size_t line;

		switch (r->state) {
		case RETURN_PATH_START:
			if (r->held_octets == 0 && at > from &&
			    ascii_lower(in.data[at]) == name.data[0]) {
				st = out(arg, slice_of(in.data + from, at - from));
				from = at;
			}
			r->state = start_octet(r, in.data[at]);
			if (r->state == RETURN_PATH_START) {
				from = ++at;
			} else if (r->state == RETURN_PATH_DROP) {
				r->held_octets = 0;
				if (st == ST_OK && at > from)
					st = out(arg, slice_of(in.data + from,
							       at - from));
				from = at;
			} else if (st == ST_OK) {
				st = let_go(r, out, arg);
			}
			break;
		case RETURN_PATH_KEEP:
		case RETURN_PATH_DROP:
			line = slice_index(slice_from(in, at), '\n');
			at += line;
			if (at < in.len) {
				at++;
				r->was_dropped = r->state == RETURN_PATH_DROP;
				r->state = RETURN_PATH_START;
				if (r->was_dropped)
					from = at;
			} else if (r->state == RETURN_PATH_DROP) {
				from = at;
			}
			break;
		case RETURN_PATH_BODY:
			break;
		}
	}
	if (r->state == RETURN_PATH_BODY)
		at = in.len;
	if (st == ST_OK && at > from)
		st = out(arg, slice_of(in.data + from, at - from));
	return st;
}
