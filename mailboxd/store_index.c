/* Making signatures of what has none in search.db (store_signature.c). */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "common/part_record.h"

#include <sqlite3.h>
#include <stdlib.h>

#define WINDOW 256			/* messages looked at in one step */
#define BATCH_OCTETS ((size_t)1 << 20)	/* of signatures, in one transaction */
#define PIECE ((uint64_t)64 * 1024)
#define PARTS_ARENA ((size_t)4 << 20)
/* Messages removed before all signatures are looked through. */
#define REMOVED_MIN 1000

struct signed_message {
	uint64_t id;
	size_t head, body, end;	/* in the batch */
};

struct store_index {
	struct store *store;
	struct tx *read;	/* store.db */
	struct tx *db;		/* search.db, or NULL */
	struct signature_maker *maker;
	struct arena parts;
	struct buf batch;
	struct error error;
	uint64_t next;		/* messages below it were looked at */
	uint64_t removed;	/* as of the last look through all */
	bool is_counted;	/* signatures.waiting is of this pass */

	/* the step in work */
	uint64_t ids[WINDOW], missing[WINDOW], orphans[WINDOW];
	size_t id_count, missing_count, orphan_count;
	struct signed_message done[WINDOW];
	size_t done_count;
	uint64_t high;		/* the window's end */
	bool is_last;		/* no message is behind it */
	int64_t until_ms;
};

static enum status open_file(struct store_index *x)
{
	enum status st = signature_file_open(x->store, &x->db, &x->error);

	if (!st) {
		x->next = 0;
		x->is_counted = false;
	}
	return st;
}

/* ---- what there is to do ----------------------------------------------------------------------- */

/* The next messages. */
static enum status list_messages(struct store_index *x)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(x->read, &row, "SELECT message FROM message_ref"
		" WHERE message >= ?1 ORDER BY message LIMIT 256",
		SQL_ARGS(sql_i(x->next)));

	x->id_count = 0;
	if (st)
		return st;
	while (x->id_count < WINDOW && !(st = sql_next(x->read, row)))
		x->ids[x->id_count++] = sql_column(row, 0);
	sql_end(row);
	if (st && st != ST_NOT_FOUND)
		return st;
	x->is_last = x->id_count < WINDOW;
	x->high = x->is_last ? INT64_MAX : x->ids[x->id_count - 1];
	return ST_OK;
}

/* Compares them with the signatures of that range. */
static enum status compare(struct store_index *x)
{
	struct sqlite3_stmt *row;
	size_t i = 0;
	enum status st = sql_query(x->db, &row, "SELECT id FROM head"
		" WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
		SQL_ARGS(sql_i(x->next), sql_i(x->high)));

	x->missing_count = x->orphan_count = 0;
	if (st)
		return st;
	while (x->orphan_count < WINDOW && !(st = sql_next(x->db, row))) {
		uint64_t id = sql_column(row, 0);

		while (i < x->id_count && x->ids[i] < id)
			x->missing[x->missing_count++] = x->ids[i++];
		if (i < x->id_count && x->ids[i] == id)
			i++;
		else
			x->orphans[x->orphan_count++] = id;
	}
	sql_end(row);
	if (st && st != ST_NOT_FOUND)
		return st;
	if (!st) {	/* more orphans than fit: the rest another time */
		x->high = x->orphans[x->orphan_count - 1];
		x->is_last = false;
		return ST_OK;
	}
	while (i < x->id_count)
		x->missing[x->missing_count++] = x->ids[i++];
	return ST_OK;
}

/* For people: how many wait, at the beginning of each pass. */
static enum status count_waiting(struct store_index *x)
{
	struct store_signatures *s = &x->store->signatures;
	uint64_t messages, made = atomic_load(&s->made);
	enum status st;

	if (x->is_counted)
		return ST_OK;
	st = sql_number(x->read, &messages, "SELECT count(*) FROM message_ref"
			" WHERE message >= ?1", SQL_ARGS(sql_i(x->next)));
	if (x->next > 0)
		made = 0;
	atomic_store(&s->waiting, messages > made ? messages - made : 0);
	x->is_counted = true;
	return st;
}

/* ---- making them ---------------------------------------------------------------------------------- */

/* A reading transaction lasts no longer than a slice. */
static enum status breathe(struct store_index *x, int64_t *since)
{
	enum status st;

	if (clock_ms() - *since < 10)
		return ST_OK;
	st = store_commit(x->read);
	if (!st)
		st = store_begin(x->read, JOB_SYNC_NORMAL);
	*since = clock_ms();
	return st;
}

static enum status feed(struct store_index *x, uint64_t message, uint64_t size)
{
	struct buf *piece = &x->read->scratch;
	int64_t since = clock_ms();
	uint64_t offset = 0, needs, n;
	enum status st = ST_OK;

	while (!st && offset < size) {
		needs = signature_needs(x->maker);
		if (needs >= size)
			break;
		if (needs > offset) {
			signature_seek(x->maker, needs);
			offset = needs;
		}
		n = size - offset < PIECE ? size - offset : PIECE;
		piece->len = 0;
		st = body_read(x->read, message, offset, n, piece);
		if (!st)
			st = signature_feed(x->maker, buf_slice(piece));
		offset += n;
		if (!st && offset < size)
			st = breathe(x, &since);
	}
	return st;
}

static enum status read_message(struct store_index *x, uint64_t message,
				struct buf *head, struct buf *body)
{
	struct part *parts;
	uint64_t size = 0;
	size_t count;
	enum status st = message_parts(x->read, message, &x->parts, &size, &parts,
				       &count);

	if (!st)
		st = signature_begin(x->maker, parts, count);
	if (!st)
		st = feed(x, message, size);
	return st ? st : signature_end(x->maker, head, body);
}

static enum status put_sealed(struct store_index *x, uint64_t id,
			      enum signature_blob blob, struct slice bits)
{
	char *at;
	enum status st = buf_reserve(&x->batch, SIGNATURE_SEAL_OCTETS, &at);

	if (st)
		return st;
	ipc_put_u32(at, signature_seal(id, blob, bits));
	x->batch.len += SIGNATURE_SEAL_OCTETS;
	return buf_append(&x->batch, bits);
}

static enum status sign(struct store_index *x, uint64_t message)
{
	struct buf head = BUF_INIT(4 * SIGNATURE_SECTION_MAX);
	struct buf body = BUF_INIT(SIGNATURE_SECTION_MAX);
	struct signed_message *done = &x->done[x->done_count];
	enum status st = read_message(x, message, &head, &body);

	/* a message that cannot be read is looked at by every search */
	if (st == ST_NOT_FOUND || st == ST_IO || st == ST_UNAVAILABLE ||
	    st == ST_LIMIT) {
		head.len = body.len = 0;
		st = signature_anything(&head, &body);
	}
	*done = (struct signed_message){ .id = message, .head = x->batch.len };
	if (!st)
		st = put_sealed(x, message, SIGNATURE_HEAD, buf_slice(&head));
	done->body = x->batch.len;
	if (!st)
		st = put_sealed(x, message, SIGNATURE_BODY, buf_slice(&body));
	done->end = x->batch.len;
	x->done_count += !st;
	buf_free(&head);
	buf_free(&body);
	return st;
}

/* As many as there is time for; at least one. */
static enum status sign_missing(struct store_index *x)
{
	enum status st = ST_OK;

	x->done_count = 0;
	x->batch.len = 0;
	for (size_t i = 0; i < x->missing_count && !st; i++) {
		if (i > 0 && (clock_ms() >= x->until_ms ||
			      x->batch.len >= BATCH_OCTETS)) {
			x->high = x->missing[i] - 1;
			x->is_last = false;
			break;
		}
		st = sign(x, x->missing[i]);
	}
	return st;
}

/* ---- keeping them ------------------------------------------------------------------------------------- */

static enum status write_rows(struct store_index *x)
{
	struct slice batch = buf_slice(&x->batch);
	enum status st = ST_OK;

	for (size_t i = 0; i < x->done_count && !st; i++) {
		const struct signed_message *m = &x->done[i];
		struct slice head = slice_from(slice_head(batch, m->body), m->head);
		struct slice body = slice_from(slice_head(batch, m->end), m->body);

		st = sql_run(x->db, "INSERT OR REPLACE INTO body (id, bits)"
			     " VALUES (?1, ?2)",
			     SQL_ARGS(sql_i(m->id), sql_b(body)));
		if (!st)
			st = sql_run(x->db, "INSERT OR REPLACE INTO head"
				     " (id, bits) VALUES (?1, ?2)",
				     SQL_ARGS(sql_i(m->id), sql_b(head)));
	}
	for (size_t i = 0; i < x->orphan_count && !st; i++) {
		st = sql_run(x->db, "DELETE FROM head WHERE id = ?1",
			     SQL_ARGS(sql_i(x->orphans[i])));
		if (!st)
			st = sql_run(x->db, "DELETE FROM body WHERE id = ?1",
				     SQL_ARGS(sql_i(x->orphans[i])));
	}
	return st;
}

static enum status write_batch(struct store_index *x)
{
	struct store_signatures *s = &x->store->signatures;
	uint64_t pages, waiting = atomic_load(&s->waiting);
	enum status st;

	if (x->done_count == 0 && x->orphan_count == 0)
		return ST_OK;
	st = sql_exec(x->db, "BEGIN IMMEDIATE");
	if (!st)
		st = write_rows(x);
	if (!st)
		st = sql_exec(x->db, "COMMIT");
	if (!st)
		st = sql_number(x->db, &pages, "PRAGMA page_count", SQL_ARGS());
	if (st) {
		x->error = x->db->error;
		sqlite3_exec(x->db->db, "ROLLBACK", NULL, NULL, NULL);
		if (st != ST_FULL && st != ST_NO_MEMORY)
			signature_damaged(x->store, &x->error);
		return st;
	}
	atomic_store(&s->octets, pages * SIGNATURE_PAGE_OCTETS);
	atomic_fetch_add(&s->made, x->done_count);
	atomic_fetch_sub(&s->made, x->orphan_count);
	atomic_store(&s->waiting, waiting > x->done_count ?
		     waiting - x->done_count : 0);
	return ST_OK;
}

/* ---- steps ---------------------------------------------------------------------------------------------- */

enum status store_index_open(struct store *store, struct store_index **index,
			     struct error *error)
{
	struct store_index *x = calloc(1, sizeof *x);
	enum status st = ST_OK;

	*index = NULL;
	if (!x)
		return error_set(error, ST_NO_MEMORY, "no memory");
	x->store = store;
	x->parts = (struct arena)ARENA_INIT(PARTS_ARENA);
	x->batch = (struct buf)BUF_INIT(BATCH_OCTETS + 8 * SIGNATURE_SECTION_MAX);
	x->maker = signature_maker_new();
	if (!x->maker)
		st = error_set(error, ST_NO_MEMORY, "no memory");
	if (!st)
		st = store_connect(store, TX_READ, &x->read, error);
	if (st) {
		store_index_close(x);
		return st;
	}
	*index = x;
	return ST_OK;
}

void store_index_close(struct store_index *x)
{
	if (!x)
		return;
	store_disconnect(x->read);
	store_disconnect(x->db);
	signature_maker_free(x->maker);
	arena_clear(&x->parts);
	buf_free(&x->batch);
	free(x);
}

bool store_index_is_missed(const struct store_index *x)
{
	return atomic_load(&x->store->signatures.is_missed);
}

const struct error *store_index_error(const struct store_index *x)
{
	return &x->error;
}

/* From where on messages are to be looked at. */
static void choose_next(struct store_index *x)
{
	struct store_signatures *s = &x->store->signatures;
	uint64_t low = atomic_exchange(&s->low, UINT64_MAX);
	uint64_t removed = atomic_load(&s->removed);

	if (low < x->next) {
		x->next = low;
		x->is_counted = false;
	}
	if (removed - x->removed > REMOVED_MIN + atomic_load(&s->made) / 8) {
		x->next = 0;
		x->is_counted = false;
	}
	if (x->next == 0)
		x->removed = removed;
}

static enum status look(struct store_index *x)
{
	enum status st = store_begin(x->read, JOB_SYNC_NORMAL), ended;

	if (st)
		return error_set(&x->error, st, "%s", x->read->error.text);
	x->db->error.status = ST_OK;
	st = count_waiting(x);
	if (!st)
		st = list_messages(x);
	if (!st)
		st = compare(x);
	if (x->db->error.status && x->db->error.status != ST_NO_MEMORY)
		signature_damaged(x->store, &x->db->error);
	if (!st)
		st = sign_missing(x);
	if (st)
		x->error = x->db->error.status ? x->db->error : x->read->error;
	ended = store_commit(x->read);
	return st ? st : ended;
}

enum status store_index_step(struct store_index *x, unsigned slice_ms)
{
	enum status st = ST_OK;

	x->until_ms = clock_ms() + slice_ms;
	atomic_store(&x->store->signatures.is_missed, false);
	if (store_is_tight(x->store))
		return error_set(&x->error, ST_FULL, "the disk is nearly full");
	if (!x->db || atomic_load(&x->store->signatures.is_damaged))
		st = open_file(x);
	if (st)
		return st;
	choose_next(x);
	st = look(x);
	if (!st)
		st = write_batch(x);
	if (st)
		return st;
	if (!x->is_last) {
		/* what came since it was counted */
		x->is_counted = atomic_load(&x->store->signatures.waiting) > 0;
		x->next = x->high + 1;
		return ST_MORE;
	}
	if (x->id_count > 0)
		x->next = x->ids[x->id_count - 1] + 1;
	atomic_store(&x->store->signatures.waiting, 0);
	x->is_counted = false;
	return ST_OK;
}
