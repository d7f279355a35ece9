#include "postroom/mbox_reader.h"

#include "common/date.h"
#include "common/flags.h"

#include <stdlib.h>

#define HEADER_MAX	((size_t)1 << 20)
#define FROM_LINE_MAX	1024u	/* a longer line begins no message */

enum place {
	PLACE_FRONT,	/* before the first message, and behind a counted text */
	PLACE_HEADER,
	PLACE_TEXT,
	PLACE_COUNTED,	/* a text of Content-Length */
};

/* What is known of the line that is being read. */
enum line {
	LINE_BEGIN,	/* held: so far it is ">*" and a part of "From " */
	LINE_FROM,	/* held: it begins with "From " */
	LINE_REST,	/* goes through to its end */
};

struct mbox_reader {
	enum mbox_kind kind;
	const struct mbox_events *events;
	void *arg;
	uint64_t offset;	/* of the next octet */
	uint64_t line_offset;
	enum place place;
	enum line line;
	struct buf held;	/* the beginning of a line */
	struct buf blank;	/* an empty line that may be a separator */
	struct buf header;
	struct mbox_message message;
	struct buf keywords;
	bool has_begun;		/* begin() was called for the message */
	bool is_ours;		/* Status, X-Status, X-Keywords came first */
	bool has_newline;	/* the last octet, a LF, is held back */
	uint64_t left;		/* of a counted text */
};

/* ---- the line that begins a message --------------------------------------------------- */

static bool all_digits(struct slice s, size_t least, size_t most)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_digit(s.data[i]))
			return false;
	return s.len >= least && s.len <= most;
}

static int two_digits(struct slice s, size_t at)
{
	return (s.data[at] - '0') * 10 + s.data[at + 1] - '0';
}

static int month_of(struct slice word)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (slice_case_eq(word, slice_of(names + 3 * i, 3)))
			return i + 1;
	return 0;
}

/* "08:15" or "08:15:30" in seconds; -1: neither. */
static int time_of(struct slice word)
{
	if ((word.len != 5 && word.len != 8) || word.data[2] != ':' ||
	    !all_digits(slice_head(word, 2), 2, 2) ||
	    !all_digits(slice_head(slice_from(word, 3), 2), 2, 2) ||
	    (word.len == 8 && (word.data[5] != ':' ||
			       !all_digits(slice_from(word, 6), 2, 2))))
		return -1;
	return two_digits(word, 0) * 3600 + two_digits(word, 3) * 60 +
	       (word.len == 8 ? two_digits(word, 6) : 0);
}

struct from_date {
	int month, day, time;
	unsigned year;
	int32_t zone;
};

static void take_word(struct from_date *d, struct slice word)
{
	unsigned long long n;
	int time = time_of(word), month = month_of(word);

	if (month) {
		d->month = month;
	} else if (time >= 0) {
		d->time = time;
	} else if (all_digits(word, 4, 4) && slice_number(word, 9999, &n)) {
		d->year = (unsigned)n;
	} else if (all_digits(word, 1, 2) && slice_number(word, 31, &n)) {
		d->day = (int)n;
	} else if (word.len == 5 && (word.data[0] == '+' || word.data[0] == '-') &&
		   all_digits(slice_from(word, 1), 4, 4)) {
		d->zone = two_digits(word, 1) * 60 + two_digits(word, 3);
		if (word.data[0] == '-')
			d->zone = -d->zone;
	}
}

bool mbox_is_from_line(struct slice line, struct mbox_message *m)
{
	struct from_date d = { .time = -1 };
	struct slice rest = line, word;
	bool is_sender = true;

	if (!slice_starts(line, SLICE("From ")))
		return false;
	rest = slice_from(line, 5);
	while (slice_split(&rest, ' ', &word)) {
		if (word.len == 0)
			continue;
		if (word.data[word.len - 1] == '\r' || word.data[word.len - 1] == ',')
			word.len--;
		/* whoever is called "May" */
		if (!is_sender)
			take_word(&d, word);
		is_sender = false;
	}
	if (!d.month || !d.day || d.time < 0 || d.year < 1)
		return false;
	m->date = date_day_of(d.year, d.month, d.day) * 86400 + d.time - d.zone * 60;
	m->zone = d.zone;
	return true;
}

/* ---- octets of the message ----------------------------------------------------------------- */

static enum status send(struct mbox_reader *r, struct slice octets)
{
	enum status st = ST_OK;

	if (octets.len == 0)
		return ST_OK;
	if (r->has_newline)
		st = r->events->octets(r->arg, SLICE("\n"));
	r->has_newline = r->is_ours && octets.data[octets.len - 1] == '\n';
	if (r->has_newline)
		octets.len--;
	return st || octets.len == 0 ? st : r->events->octets(r->arg, octets);
}

static void take_flags(uint32_t *flags, struct slice letters)
{
	static const struct { char letter; uint32_t flag; } rows[] = {
		{ 'R', FLAG_SEEN }, { 'A', FLAG_ANSWERED }, { 'F', FLAG_FLAGGED },
		{ 'D', FLAG_DELETED }, { 'T', FLAG_DRAFT },
	};

	for (size_t i = 0; i < letters.len; i++)
		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			if (letters.data[i] == rows[k].letter)
				*flags |= rows[k].flag;
}

static const char *const own_fields[] = { "Status:", "X-Status:", "X-Keywords:" };
#define OWN_FIELDS 3

/* Which of the fields the line is; OWN_FIELDS: none. */
static size_t own_field(struct slice line, struct slice *body)
{
	for (size_t i = 0; i < OWN_FIELDS; i++)
		if (slice_case_starts(line, slice_str(own_fields[i]))) {
			*body = slice_from(line, strlen(own_fields[i]));
			if (body->len && body->data[body->len - 1] == '\r')
				body->len--;
			*body = slice_trim(*body);
			return i;
		}
	return OWN_FIELDS;
}

/* "a  b " as "a b". */
static enum status take_keywords(struct mbox_reader *r, struct slice names)
{
	struct slice name;
	enum status st = ST_OK;

	r->keywords.len = 0;
	while (!st && names.len && slice_split(&names, ' ', &name)) {
		if (name.len == 0)
			continue;
		if (r->keywords.len)
			st = buf_append_char(&r->keywords, ' ');
		if (!st)
			st = buf_append(&r->keywords, name);
	}
	return st == ST_LIMIT ? ST_OK : st;
}

struct header_scan {
	unsigned seen;		/* bits of own fields */
	size_t line;		/* its number */
	uint64_t length;	/* Content-Length, UINT64_MAX: none */
};

/* Takes own fields out of the header: their place in it is closed. */
static enum status scan_header(struct mbox_reader *r, struct header_scan *scan)
{
	struct slice rest = buf_slice(&r->header), line, body = SLICE_EMPTY;
	size_t kept = 0;
	unsigned long long n;
	enum status st = ST_OK;

	for (; rest.len && !st; scan->line++) {
		size_t end = slice_index(rest, '\n');
		size_t whole = end < rest.len ? end + 1 : end, field;

		line = slice_head(rest, end);
		field = own_field(line, &body);
		if (slice_case_starts(line, SLICE("Content-Length:"))) {
			body = slice_from(line, 15);
			if (body.len && body.data[body.len - 1] == '\r')
				body.len--;
			if (slice_number(slice_trim(body), INT64_MAX, &n))
				scan->length = n;
		}
		if (field < OWN_FIELDS && !(scan->seen & 1u << field)) {
			scan->seen |= 1u << field;
			r->is_ours = r->is_ours || (scan->line == 2 && scan->seen == 7);
			if (field == 2)
				st = take_keywords(r, body);
			else
				take_flags(&r->message.flags, body);
		} else {
			memmove(r->header.data + kept, line.data, whole);
			kept += whole;
		}
		rest = slice_from(rest, whole);
	}
	r->header.len = kept;
	return st;
}

static enum status begin_message(struct mbox_reader *r, uint64_t *length)
{
	struct header_scan scan = { .length = UINT64_MAX };
	enum status st = scan_header(r, &scan);

	r->message.keywords = buf_slice(&r->keywords);
	r->has_begun = true;
	*length = scan.length;
	if (!st)
		st = r->events->begin(r->arg, &r->message);
	if (!st)
		st = send(r, buf_slice(&r->header));
	r->header.len = 0;
	return st;
}

static enum status end_message(struct mbox_reader *r)
{
	uint64_t length;
	bool has_blank = r->blank.len > 0;
	enum status st = ST_OK;

	if (r->place == PLACE_HEADER)
		st = begin_message(r, &length);
	/* the line's end is the message's where a separator came */
	if (!st && r->has_newline && has_blank)
		st = r->events->octets(r->arg, SLICE("\n"));
	r->has_newline = false;
	r->blank.len = 0;
	if (!st && r->has_begun)
		st = r->events->end(r->arg);
	r->has_begun = false;
	return st;
}

/* Octets of a line that belongs to the message. */
static enum status take_text(struct mbox_reader *r, struct slice octets)
{
	enum status st = ST_OK;
	uint64_t length;

	if (r->place == PLACE_FRONT)
		return ST_OK;	/* behind a counted text: lost, and nothing lost */
	if (r->blank.len) {
		st = r->place == PLACE_HEADER ? buf_append(&r->header, buf_slice(&r->blank))
					       : send(r, buf_slice(&r->blank));
		r->blank.len = 0;
	}
	if (!st && r->place == PLACE_HEADER) {
		if (buf_append(&r->header, octets) == ST_OK)
			return ST_OK;
		/* beyond what is looked at: it goes on as text */
		r->place = PLACE_TEXT;
		st = begin_message(r, &length);
	}
	return st ? st : send(r, octets);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static enum status take_from_line(struct mbox_reader *r, const struct mbox_message *m)
{
	enum status st = r->place == PLACE_FRONT && !r->has_begun ? ST_OK :
			 end_message(r);

	r->place = PLACE_HEADER;
	r->message = *m;
	r->message.offset = r->line_offset;
	r->message.flags = 0;
	r->keywords.len = r->header.len = 0;
	r->is_ours = false;
	return st;
}

/* The empty line behind the header, at offset. */
static enum status end_header(struct mbox_reader *r)
{
	uint64_t length, end;
	enum status st = begin_message(r, &length);

	r->place = PLACE_TEXT;
	end = r->offset + length;
	if (st || length == UINT64_MAX || end < r->offset || !r->events->ends_at ||
	    !r->events->ends_at(r->arg, end))
		return st;
	r->place = PLACE_COUNTED;
	r->left = length;
	st = send(r, buf_slice(&r->blank));
	r->blank.len = 0;
	return st;
}

static enum status take_blank(struct mbox_reader *r)
{
	struct slice line = buf_slice(&r->held);
	enum status st = ST_OK;

	if (r->place == PLACE_COUNTED)
		return send(r, line);
	if (r->place == PLACE_FRONT)
		return ST_OK;
	if (r->blank.len)
		st = send(r, buf_slice(&r->blank));
	r->blank.len = 0;
	if (!st)
		st = buf_append(&r->blank, line);
	return !st && r->place == PLACE_HEADER ? end_header(r) : st;
}

static size_t quotes_of(struct slice line)
{
	size_t n = 0;

	while (n < line.len && line.data[n] == '>')
		n++;
	return n;
}

/* Whether more octets can still make it a "From " line, quoted or not. */
static bool may_become_from(const struct mbox_reader *r, struct slice line)
{
	struct slice rest = slice_from(line, quotes_of(line));

	return rest.len < 5 && slice_starts(SLICE("From "), rest) &&
	       line.len < FROM_LINE_MAX && r->kind != MBOX_CL2;
}

/* ">From " loses a quote. */
static struct slice unquote(const struct mbox_reader *r, struct slice line)
{
	size_t quotes = quotes_of(line);

	if (quotes == 0 || r->kind == MBOX_CL2 || (r->kind == MBOX_O && quotes > 1) ||
	    !slice_starts(slice_from(line, quotes), SLICE("From ")))
		return line;
	return slice_from(line, 1);
}

/* The held beginning of the line is text after all. */
static enum status release(struct mbox_reader *r)
{
	enum status st = take_text(r, unquote(r, buf_slice(&r->held)));

	r->held.len = 0;
	r->line = LINE_REST;
	return st;
}

static enum status end_line(struct mbox_reader *r)
{
	struct mbox_message m = { .date = INT64_MIN };
	struct slice line = buf_slice(&r->held);
	bool is_blank = slice_eq(line, SLICE("\n")) || slice_eq(line, SLICE("\r\n"));
	enum status st = ST_OK;

	if (r->line == LINE_FROM && r->place != PLACE_COUNTED &&
	    (mbox_is_from_line(slice_head(line, line.len - 1), &m) ||
	     r->line_offset == 0))
		st = take_from_line(r, &m);
	else if (r->line != LINE_REST && is_blank)
		st = take_blank(r);
	else if (r->line != LINE_REST)
		st = release(r);
	r->held.len = 0;
	r->line = LINE_BEGIN;
	r->line_offset = r->offset;
	return st;
}

/* One octet of the beginning of a line. */
static enum status take_octet(struct mbox_reader *r, char c)
{
	struct slice line;
	enum status st = buf_append_char(&r->held, c);

	r->offset++;
	if (st)
		return st;
	line = buf_slice(&r->held);
	if (c == '\n')
		return end_line(r);
	if (r->line == LINE_BEGIN && slice_starts(line, SLICE("From ")))
		r->line = LINE_FROM;
	else if (r->line == LINE_BEGIN && !may_become_from(r, line) &&
		 !slice_eq(line, SLICE("\r")) &&
		 !(r->kind == MBOX_CL2 && line.len < 5 &&
		   slice_starts(SLICE("From "), line)))
		return release(r);
	return r->held.len < FROM_LINE_MAX ? ST_OK : release(r);
}

/* The rest of a line, as far as it is there. */
static enum status take_rest(struct mbox_reader *r, struct slice in, size_t *used)
{
	size_t end = slice_index(in, '\n');
	bool is_whole = end < in.len;
	struct slice octets = slice_head(in, is_whole ? end + 1 : end);
	enum status st = take_text(r, octets);

	*used = octets.len;
	r->offset += octets.len;
	if (!st && is_whole) {
		r->line = LINE_BEGIN;
		r->line_offset = r->offset;
	}
	return st;
}

static enum status take_some(struct mbox_reader *r, struct slice in, size_t *used)
{
	enum status st;

	if (r->place == PLACE_COUNTED && in.len > r->left)
		in.len = (size_t)r->left;
	*used = 1;
	if (r->line == LINE_REST)
		st = take_rest(r, in, used);
	else
		st = take_octet(r, in.data[0]);
	return st;
}

/* The last octet of a counted text. */
static enum status end_counted(struct mbox_reader *r)
{
	enum status st = r->held.len ? release(r) : ST_OK;

	if (!st && r->has_newline)
		st = r->events->octets(r->arg, SLICE("\n"));
	r->has_newline = false;
	r->line = LINE_BEGIN;
	r->line_offset = r->offset;
	r->place = PLACE_FRONT;
	return st;
}

struct mbox_reader *mbox_reader_new(enum mbox_kind kind,
				    const struct mbox_events *events, void *arg)
{
	struct mbox_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->kind = kind;
	r->events = events;
	r->arg = arg;
	r->held = (struct buf)BUF_INIT(FROM_LINE_MAX + 2);
	r->blank = (struct buf)BUF_INIT(2);
	r->header = (struct buf)BUF_INIT(HEADER_MAX);
	r->keywords = (struct buf)BUF_INIT(8192);
	return r;
}

void mbox_reader_free(struct mbox_reader *r)
{
	if (!r)
		return;
	buf_free(&r->held);
	buf_free(&r->blank);
	buf_free(&r->header);
	buf_free(&r->keywords);
	free(r);
}

enum status mbox_reader_feed(struct mbox_reader *r, struct slice in)
{
	enum status st = ST_OK;

	while (in.len && !st) {
		bool was_counted = r->place == PLACE_COUNTED;
		size_t used;

		if (was_counted && r->left == 0) {
			st = end_counted(r);
			continue;
		}
		st = take_some(r, in, &used);
		if (was_counted)
			r->left -= used;
		in = slice_from(in, used);
		if (!st && r->place == PLACE_FRONT && !r->has_begun &&
		    r->line == LINE_REST)
			st = ST_SYNTAX;
	}
	return st;
}

enum status mbox_reader_end(struct mbox_reader *r)
{
	enum status st = ST_OK;

	if (r->place == PLACE_COUNTED)
		st = end_counted(r);
	if (!st && r->held.len)
		st = release(r);
	if (!st && r->place == PLACE_FRONT && !r->has_begun)
		return r->offset ? ST_SYNTAX : ST_OK;
	return st ? st : end_message(r);
}
