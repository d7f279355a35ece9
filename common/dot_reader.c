#include "common/dot_reader.h"

#include <stdlib.h>

/*
 * What was seen last, where the octets up to it are already disposed of:
 *
 *   LINE_START  CRLF, or nothing yet
 *   TEXT        inside a line
 *   TEXT_CR     a CR inside a line, not yet put out
 *   DOT         a "." at the start of a line, not put out (stuffing or the end)
 *   DOT_CR      the same and a CR, neither put out
 */
enum dot_state {
	DOT_STATE_LINE_START,
	DOT_STATE_TEXT,
	DOT_STATE_TEXT_CR,
	DOT_STATE_DOT,
	DOT_STATE_DOT_CR,
};

struct dot_reader {
	enum dot_state state;
	bool is_spoilt;
	bool is_discarding;
};

struct dot_reader *dot_reader_new(void)
{
	return calloc(1, sizeof(struct dot_reader));
}

void dot_reader_free(struct dot_reader *r)
{
	free(r);
}

void dot_reader_reset(struct dot_reader *r)
{
	*r = (struct dot_reader){ 0 };
}

bool dot_reader_is_spoilt(const struct dot_reader *r)
{
	return r->is_spoilt;
}

void dot_reader_discard(struct dot_reader *r)
{
	r->is_discarding = true;
}

static enum status put(const struct dot_reader *r, struct buf *out,
		       const char *from, const char *to)
{
	if (r->is_spoilt || r->is_discarding)
		return ST_OK;
	return buf_append(out, slice_of(from, (size_t)(to - from)));
}

/*
 * Passes over whole lines and the text behind them. p is where a line or text
 * goes on; gives the first octet that step() has to look at: a dot at the start
 * of a line, or a CR or LF that is not plainly a CRLF; or end. Nothing between
 * is to be changed, so it is copied in one piece. In a spoilt message bare LFs
 * are passed over, so that the time is linear whatever comes.
 */
static const char *skip_lines(struct dot_reader *r, const char *p,
			      const char *end)
{
	while (p < end) {
		const char *cr, *stop, *lf;

		if (r->state == DOT_STATE_LINE_START && *p == '.')
			return p;
		cr = memchr(p, '\r', (size_t)(end - p));
		stop = cr ? cr : end;
		lf = r->is_spoilt ? NULL : memchr(p, '\n', (size_t)(stop - p));
		if (lf || !cr || cr + 1 == end || cr[1] != '\n') {
			stop = lf ? lf : stop;
			if (stop > p)
				r->state = DOT_STATE_TEXT;
			return stop;
		}
		r->state = DOT_STATE_LINE_START;
		p = cr + 2;
	}
	return p;
}

/*
 * One octet through the states. *held gets how many octets held back before it
 * now belong to the message (the CR, or the CR behind a dot), *passes whether c
 * does. True at the end of data.
 */
static bool step(struct dot_reader *r, char c, const char **held, bool *passes)
{
	enum dot_state before = r->state;

	*held = "";
	*passes = true;
	switch (before) {
	case DOT_STATE_LINE_START:
		if (c == '.') {
			*passes = false;
			r->state = DOT_STATE_DOT;
			return false;
		}
		break;
	case DOT_STATE_DOT:
		if (c == '\r') {
			*passes = false;
			r->state = DOT_STATE_DOT_CR;
			return false;
		}
		break;
	case DOT_STATE_TEXT_CR:
		if (c == '\n') {
			*held = "\r";
			r->state = DOT_STATE_LINE_START;
			return false;
		}
		r->is_spoilt = true;
		break;
	case DOT_STATE_DOT_CR:
		if (c == '\n')
			return true;
		r->is_spoilt = true;
		break;
	case DOT_STATE_TEXT:
		break;
	}
	if (c == '\n')		/* not behind a CR, or it would be gone */
		r->is_spoilt = true;
	*passes = c != '\r';
	r->state = c == '\r' ? DOT_STATE_TEXT_CR : DOT_STATE_TEXT;
	return false;
}

enum status dot_reader_feed(struct dot_reader *r, struct slice in,
			    size_t *used, struct buf *out)
{
	const char *p = in.data, *end = in.data + in.len;
	enum status st;

	*used = 0;
	while (p < end) {
		const char *held, *from = p;
		bool passes, is_end;

		if (r->state == DOT_STATE_LINE_START || r->state == DOT_STATE_TEXT) {
			p = skip_lines(r, p, end);
			if (!r->is_spoilt && memchr(from, '\0', (size_t)(p - from)))
				r->is_spoilt = true;
			st = put(r, out, from, p);
			*used += (size_t)(p - from);
			if (st != ST_OK || p == end)
				return st == ST_OK ? ST_MORE : st;
		}
		if (*p == '\0')
			r->is_spoilt = true;
		is_end = step(r, *p, &held, &passes);
		++*used;
		if (is_end) {
			r->state = DOT_STATE_LINE_START;
			return r->is_spoilt ? ST_SYNTAX : ST_OK;
		}
		st = put(r, out, held, held + strlen(held));
		if (st == ST_OK && passes)
			st = put(r, out, p, p + 1);
		if (st != ST_OK)
			return st;
		p++;
	}
	return ST_MORE;
}
