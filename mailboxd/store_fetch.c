/*
 * Messages out: rows of a FETCH, and octets of bodies. Flags and modseqs come
 * from the mailbox's array where there is one, what is heavy from SQL; a UID that
 * only one of the two has came or went just now, and is left out.
 */
#include "mailboxd/store_priv.h"

/* What a row costs beside its texts and octets. */
#define ROW_OCTETS 160
/* Flags copied from an array at once, and ranges looked at under its lock. */
#define AHEAD 512
#define RANGES_MOST 1024
/* An array is made for FETCHes of at least so many messages. */
#define MANY 64u
#define FLAG_ITEMS (FETCH_FLAGS | FETCH_MODSEQ)

/* ---- columns ------------------------------------------------------------------- */

/* Each list goes on where the one before ends, so that column numbers agree. */
#define NARROW "SELECT e.uid, e.flags, e.modseq, e.message, e.size, e.saved," \
	" e.recipient, e.uidl"
#define DATES NARROW ", m.internaldate, m.zone, m.thread, m.header_size"
#define LISTING DATES ", m.envelope, m.bodystructure"
#define WHOLE LISTING ", m.structure, m.parts, m.preview"
#define WHERE " WHERE e.mailbox = ?1 AND e.uid BETWEEN ?2 AND ?3 ORDER BY e.uid"
#define JOIN " FROM entry e JOIN message m ON m.id = e.message"

enum column {
	COLUMN_UID, COLUMN_FLAGS, COLUMN_MODSEQ, COLUMN_MESSAGE, COLUMN_SIZE,
	COLUMN_SAVED, COLUMN_RECIPIENT, COLUMN_UIDL,
	COLUMN_INTERNALDATE, COLUMN_ZONE, COLUMN_THREAD, COLUMN_HEADER_SIZE,
	COLUMN_ENVELOPE, COLUMN_BODYSTRUCTURE,
	COLUMN_STRUCTURE, COLUMN_PARTS, COLUMN_PREVIEW,
};

/* The first query that has all the items. */
static const struct {
	uint32_t items;
	const char *sql;
} queries[] = {
	{ FETCH_FLAGS | FETCH_MODSEQ | FETCH_SIZE | FETCH_SAVEDATE |
	  FETCH_EMAILID | FETCH_PREFIX | FETCH_UIDL | FETCH_ALL_OCTETS,
	  NARROW " FROM entry e" WHERE },
	{ FETCH_FLAGS | FETCH_MODSEQ | FETCH_SIZE | FETCH_SAVEDATE |
	  FETCH_EMAILID | FETCH_PREFIX | FETCH_UIDL | FETCH_OCTETS |
	  FETCH_INTERNALDATE | FETCH_THREADID,
	  DATES JOIN WHERE },
	{ FETCH_FLAGS | FETCH_MODSEQ | FETCH_SIZE | FETCH_SAVEDATE |
	  FETCH_EMAILID | FETCH_PREFIX | FETCH_UIDL | FETCH_OCTETS |
	  FETCH_INTERNALDATE | FETCH_THREADID | FETCH_ENVELOPE |
	  FETCH_BODYSTRUCTURE,
	  LISTING JOIN WHERE },
	{ UINT32_MAX, WHOLE JOIN WHERE },
};

static size_t query_of(uint32_t items)
{
	size_t i = 0;

	while (items & ~queries[i].items)
		i++;
	return i;
}

/* ---- octets ---------------------------------------------------------------------- */

/* Octets as the user sees them: the rendered prefix, then what is stored. */
struct octets {
	uint64_t message, recipient;
	uint64_t size;		/* with the prefix */
};

static enum status read_octets(struct tx *tx, const struct octets *o,
			       uint64_t offset, uint64_t length,
			       struct buf *out)
{
	char text[ADDRESS_OCTETS_MAX + 32];
	struct buf prefix = { .data = text, .cap = sizeof text,
			      .max = sizeof text };
	struct slice head;
	enum status st = recipient_prefix(tx, o->recipient, &prefix);

	if (st)
		return st;
	if (offset > o->size)
		offset = o->size;
	if (length > o->size - offset)
		length = o->size - offset;
	if (offset < prefix.len) {
		head = slice_head(slice_from(buf_slice(&prefix), offset),
				  length);
		st = buf_append(out, head);
		offset += head.len;
		length -= head.len;
	}
	if (st || length == 0)
		return st;
	return body_read(tx, o->message, offset - prefix.len, length, out);
}

/* ---- flags ------------------------------------------------------------------------ */

/* What of a row may change. */
struct mark {
	uint32_t uid;
	uint64_t flags, modseq;
};

/* Marks of an array, copied some at a time. */
struct ahead {
	bool is_used;		/* false: the row's own marks count */
	bool is_last;		/* the array has none behind these */
	struct range range;	/* low: where to go on */
	size_t at, count;
	struct mark marks[AHEAD];
};

static enum status look_ahead(const struct array *a,
			      const struct mailbox_state *m, void *arg)
{
	struct ahead *h = arg;
	size_t i = array_find(a, h->range.low);

	h->at = h->count = 0;
	for (; i < a->count && a->uids[i] <= h->range.high && h->count < AHEAD;
	     i++)
		h->marks[h->count++] = (struct mark){
			a->uids[i], a->flags[i], a->modseqs[i],
		};
	h->is_last = i == a->count || a->uids[i] > h->range.high;
	return ST_OK;
}

/* The marks of the message of this row. False: it is left out. */
static bool find_mark(struct tx *tx, struct store_fetch *f, struct ahead *h,
		      struct sqlite3_stmt *row, struct mark *mark)
{
	*mark = (struct mark){ (uint32_t)sql_column(row, COLUMN_UID),
			       sql_column(row, COLUMN_FLAGS),
			       sql_column(row, COLUMN_MODSEQ) };
	while (h->is_used) {
		while (h->at < h->count && h->marks[h->at].uid < mark->uid)
			h->at++;
		if (h->at < h->count && h->marks[h->at].uid > mark->uid)
			return false;
		if (h->at < h->count) {
			*mark = h->marks[h->at];
			break;
		}
		if (h->is_last)
			return false;
		h->range.low = mark->uid;
		h->is_used = arrays_look(tx->store->arrays, f->mailbox,
					 look_ahead, h) == ST_OK;
	}
	return mark->modseq > f->changed_since;
}

static bool wants_marks(const struct store_fetch *f)
{
	return f->items & FLAG_ITEMS || f->changed_since;
}

/* ---- rows ------------------------------------------------------------------------- */

static enum status fill_row(struct tx *tx, struct sqlite3_stmt *row,
			    uint32_t items, struct fetch_row *r)
{
	struct slice recipient;
	enum status st = ST_OK;

	r->emailid = sql_column(row, COLUMN_MESSAGE);
	r->size = sql_column(row, COLUMN_SIZE);
	r->savedate = sql_column_signed(row, COLUMN_SAVED);
	if (items & FETCH_PREFIX) {
		st = recipient_text(tx, sql_column(row, COLUMN_RECIPIENT),
				    &recipient);
		if (!st)
			r->prefix = (uint32_t)recipient_prefix_octets(recipient);
	}
	if (items & FETCH_UIDL)
		r->uidl = sql_column_bytes(row, COLUMN_UIDL);
	if (items & FETCH_INTERNALDATE) {
		r->internaldate = sql_column_signed(row, COLUMN_INTERNALDATE);
		r->zone = (int32_t)sql_column_signed(row, COLUMN_ZONE);
	}
	if (items & FETCH_THREADID)
		r->threadid = sql_column(row, COLUMN_THREAD);
	if (items & FETCH_ENVELOPE)
		r->envelope = sql_column_bytes(row, COLUMN_ENVELOPE);
	if (items & FETCH_BODYSTRUCTURE)
		r->bodystructure = sql_column_bytes(row, COLUMN_BODYSTRUCTURE);
	if (items & FETCH_BODY)
		r->body = sql_column_bytes(row, COLUMN_STRUCTURE);
	if (items & FETCH_PARTS)
		r->parts = sql_column_bytes(row, COLUMN_PARTS);
	if (items & FETCH_PREVIEW)
		r->preview = sql_column_bytes(row, COLUMN_PREVIEW);
	return st;
}

/* Where the octets that were asked for begin, and how many they are. */
static enum status octets_span(struct tx *tx, struct sqlite3_stmt *row,
			       uint32_t items, uint64_t *offset, uint64_t *total)
{
	uint64_t size = sql_column(row, COLUMN_SIZE), header;
	struct slice recipient;
	enum status st;

	*offset = 0;
	*total = size;
	if (items & FETCH_ALL_OCTETS)
		return ST_OK;
	st = recipient_text(tx, sql_column(row, COLUMN_RECIPIENT), &recipient);
	header = sql_column(row, COLUMN_HEADER_SIZE) +
		 recipient_prefix_octets(recipient);
	if (header > size)
		header = size;
	if (items & FETCH_TEXT_OCTETS)
		*offset = header;
	*total = items & FETCH_TEXT_OCTETS ? size - header : header;
	return st;
}

/* The octets of the row that fit; the rest streams. ST_MORE: the frame has no
 * room, the row begins the next one. */
static enum status fill_octets(struct tx *tx, struct store_fetch *f,
			       struct sqlite3_stmt *row, size_t octets,
			       const struct buf *out, struct fetch_row *r)
{
	struct octets o = { sql_column(row, COLUMN_MESSAGE),
			    sql_column(row, COLUMN_RECIPIENT),
			    sql_column(row, COLUMN_SIZE) };
	uint64_t offset, total, room = 0;
	size_t used = out->len + ROW_OCTETS + r->envelope.len + r->body.len +
		      r->bodystructure.len + r->parts.len + r->preview.len;
	enum status st = octets_span(tx, row, f->items, &offset, &total);

	if (st)
		return st;
	if (used < octets)
		room = octets - used;
	if (total > room && out->len > 0)
		return ST_MORE;
	tx->scratch.len = 0;
	st = read_octets(tx, &o, offset, total < room ? total : room,
			 &tx->scratch);
	if (st)
		return st;
	r->octets_total = total;
	r->octets = buf_slice(&tx->scratch);
	if (r->octets.len == total)
		return ST_OK;
	st = store_pin(tx->store, o.message);
	if (st)
		return st;
	f->streaming = o.message;
	f->streaming_recipient = o.recipient;
	f->streaming_size = o.size;
	f->streaming_uid = r->uid;
	f->offset = offset + r->octets.len;
	f->end = offset + total;
	return ST_OK;
}

static bool is_unreadable(enum status st)
{
	return st == ST_NOT_FOUND || st == ST_IO || st == ST_UNAVAILABLE;
}

static void count_unreadable(struct tx *tx, struct store_fetch *f, uint32_t uid)
{
	f->next_uid = uid + 1;
	f->unreadable++;
	if (tx->error.status == ST_IO)
		f->read_errors++;
}

static enum status fetch_one(struct tx *tx, struct store_fetch *f,
			     struct sqlite3_stmt *row, const struct mark *mark,
			     const struct ranges *seen, size_t octets,
			     struct buf *out)
{
	struct fetch_row r = { .uid = mark->uid };
	enum status st = fill_row(tx, row, f->items, &r);

	r.flags = seen_flags(seen, mark->flags, mark->uid);
	r.modseq = mark->modseq;

	if (!st && f->items & FETCH_OCTETS)
		st = fill_octets(tx, f, row, octets, out, &r);
	if (is_unreadable(st)) {
		message_unreadable(tx, f->mailbox, r.uid, r.emailid);
		count_unreadable(tx, f, r.uid);
		return ST_OK;
	}
	if (!st)
		st = fetch_row_encode(out, f->items, &r);
	if (!st)
		f->next_uid = r.uid + 1;
	return st;
}

static enum status fetch_rows(struct tx *tx, struct store_fetch *f,
			      struct range r, size_t octets, struct buf *out)
{
	const struct ranges *seen = NULL;
	struct sqlite3_stmt *row;
	struct ahead ahead;
	struct mark mark;
	enum status st = seen_load(tx, f->items & FETCH_FLAGS ? f->as : NULL, &seen);

	if (st)
		return st;
	if (r.low < f->next_uid)
		r.low = f->next_uid;
	ahead.is_used = tx->mode == TX_READ && wants_marks(f);
	ahead.is_last = false;
	ahead.at = ahead.count = 0;
	ahead.range = r;
	st = sql_query(tx, &row, queries[query_of(f->items)].sql,
		       SQL_ARGS(sql_i(f->mailbox), sql_i(r.low), sql_i(r.high)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		if (!find_mark(tx, f, &ahead, row, &mark)) {
			f->next_uid = (uint32_t)sql_column(row, COLUMN_UID) + 1;
			continue;
		}
		if (out->len >= octets) {
			st = ST_MORE;
			break;
		}
		st = fetch_one(tx, f, row, &mark, seen, octets, out);
		if (!st && f->streaming)
			st = ST_MORE;
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* A damaged page takes away only what it holds. */
static enum status fetch_range(struct tx *tx, struct store_fetch *f,
			       struct range r, size_t octets, struct buf *out)
{
	uint32_t uid;
	enum status st;

	for (;;) {
		st = fetch_rows(tx, f, r, octets, out);
		if (st == ST_OK || st == ST_MORE)
			return st;
		if (r.low < f->next_uid)
			r.low = f->next_uid;
		st = message_pass_over(tx, f->mailbox, r, &uid);
		if (st)
			return st;
		count_unreadable(tx, f, uid);
	}
}

/* ---- rows of an array alone --------------------------------------------------------------- */

struct rows_look {
	struct store_fetch *fetch;
	const struct ranges *uids;
	size_t octets;
	struct buf *out;
};

static enum status look_rows(const struct array *a,
			     const struct mailbox_state *m, void *arg)
{
	struct rows_look *l = arg;
	struct store_fetch *f = l->fetch;
	size_t i = 0, end, high = l->uids->count;
	enum status st = ST_OK;

	while (i < high) {	/* the first range that is not answered */
		size_t middle = i + (high - i) / 2;

		if (l->uids->items[middle].high < f->next_uid)
			i = middle + 1;
		else
			high = middle;
	}
	end = l->uids->count - i > RANGES_MOST ? i + RANGES_MOST : l->uids->count;
	for (; i < end && !st; i++) {
		struct array_slice slice = { l->uids->items[i].low,
					     l->uids->items[i].high,
					     f->changed_since };

		if (slice.low < f->next_uid)
			slice.low = f->next_uid;
		st = array_rows(a, &slice, f->items, l->octets, l->out,
				&f->next_uid);
	}
	return st ? st : i < l->uids->count ? ST_MORE : ST_OK;
}

/* ST_NOT_FOUND: there is no array. */
static enum status fetch_array(struct tx *tx, struct store_fetch *f,
			       const struct ranges *uids, size_t octets,
			       struct buf *out)
{
	struct rows_look l = { f, uids, octets, out };
	enum status st;

	do {
		st = arrays_look(tx->store->arrays, f->mailbox, look_rows, &l);
	} while (st == ST_MORE && out->len + ROW_OCTETS < octets);
	return st;
}

static enum status fetch_body(struct tx *tx, struct store_fetch *f,
			      size_t octets, struct buf *out)
{
	const struct octets o = { f->streaming, f->streaming_recipient,
				  f->streaming_size };
	uint64_t n = f->end - f->offset;
	enum status st;

	f->is_body = true;
	if (n > octets)
		n = octets;
	st = read_octets(tx, &o, f->offset, n, out);
	if (st)
		return st;
	f->offset += n;
	if (f->offset == f->end)
		store_fetch_end(tx->store, f);
	return ST_MORE;
}

void store_fetch_end(struct store *store, struct store_fetch *f)
{
	if (f->streaming)
		store_unpin(store, f->streaming);
	f->streaming = 0;
}

static bool is_many(const struct ranges *uids)
{
	return uids->count >= MANY || ranges_size(uids) >= MANY;
}

enum status store_fetch(struct tx *tx, struct store_fetch *f, size_t octets,
			struct buf *out)
{
	static const struct range everything = { 1, UINT32_MAX };
	static const struct ranges all_uids = {
		.items = (struct range *)&everything,
		.count = 1, .cap = 1, .max = 1,
	};
	const struct ranges *uids = f->uids ? f->uids : &all_uids;
	enum status st = ST_NOT_FOUND;

	f->is_body = false;
	if (f->streaming)
		return fetch_body(tx, f, octets, out);
	if (tx->mode == TX_READ && wants_marks(f)) {
		if (is_many(uids))
			arrays_want(tx, f->mailbox);
		if (!(f->items & ~FLAG_ITEMS) && store_access_is_owners(f->as))
			st = fetch_array(tx, f, uids, octets, out);
	}
	if (st != ST_NOT_FOUND)
		return st;
	st = ST_OK;
	for (size_t i = 0; i < uids->count && !st; i++)
		if (uids->items[i].high >= f->next_uid)
			st = fetch_range(tx, f, uids->items[i], octets, out);
	return st;
}

/* ---- READ ------------------------------------------------------------------------------ */

static enum status find_octets(struct tx *tx, const char *sql,
			       uint64_t mailbox, uint32_t uid,
			       struct octets *o)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, sql,
				   SQL_ARGS(sql_i(mailbox), sql_i(uid)));

	if (st)
		return st;
	o->message = sql_column(row, 0);
	o->recipient = sql_column(row, 1);
	o->size = sql_column(row, 2);
	sql_end(row);
	return ST_OK;
}

enum status store_read(struct tx *tx, uint64_t mailbox, uint32_t uid,
		       uint64_t offset, size_t length, struct buf *out)
{
	struct octets o;
	enum status st = find_octets(tx, "SELECT message, recipient, size"
		" FROM entry WHERE mailbox = ?1 AND uid = ?2",
		mailbox, uid, &o);

	if (st == ST_NOT_FOUND)
		st = find_octets(tx, "SELECT message, recipient, size"
			" FROM expunged WHERE mailbox = ?1 AND uid = ?2",
			mailbox, uid, &o);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such message");
	if (st)
		return lists_read(tx, st);
	st = read_octets(tx, &o, offset, length, out);
	if (is_unreadable(st)) {
		message_unreadable(tx, mailbox, uid, o.message);
		/* it is there */
		return st == ST_NOT_FOUND ? ST_UNAVAILABLE : st;
	}
	return st;
}
