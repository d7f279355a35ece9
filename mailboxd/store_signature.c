/*
 * search.db: signatures of messages (signature.h), beside store.db. Nothing in it is
 * the only copy: store_index.c makes it, and makes it anew; searches ask it here. Each
 * blob is sealed with its message's number, so that octets that changed on the disk
 * are seen.
 */
#include "mailboxd/store_priv.h"

#include "common/ipc_codec.h"
#include "common/log.h"

#include <sqlite3.h>

#define STEPS_TO_ROW 12		/* rows passed before a search by key is cheaper */

static const char both_pragmas[] =
	"PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF;";
static const char reader_pragmas[] =
	"PRAGMA query_only = ON; PRAGMA cache_size = -4096;";
/* NORMAL: what a power cut leaves is whole, if older */
static const char writer_pragmas[] =
	"PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096;"
	"PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 4194304;"
	"PRAGMA secure_delete = OFF;";

/* ---- seals ------------------------------------------------------------------------- */

uint32_t signature_seal(uint64_t id, enum signature_blob blob, struct slice bits)
{
	uint64_t a = id, b = (uint64_t)blob << 56 | bits.len, word;

	for (; bits.len >= sizeof word; bits = slice_from(bits, sizeof word)) {
		memcpy(&word, bits.data, sizeof word);
		a += word;
		b += a;
	}
	word = 0;
	memcpy(&word, bits.data, bits.len);
	a += word;
	b += a;
	return (uint32_t)((a * UINT64_C(0x9e3779b97f4a7c15) ^ b) *
			  UINT64_C(0xc2b2ae3d27d4eb4f) >> 32);
}

/* The bits of a row, or data NULL: they are not what was written. */
static struct slice unseal(uint64_t id, enum signature_blob blob,
			   struct slice row)
{
	struct slice bits = { NULL, 0 };

	if (row.len < SIGNATURE_SEAL_OCTETS)
		return bits;
	row = slice_from(row, SIGNATURE_SEAL_OCTETS);
	if (ipc_get_u32(row.data - SIGNATURE_SEAL_OCTETS) ==
	    signature_seal(id, blob, row))
		bits = row;
	return bits;
}

/* ---- connections --------------------------------------------------------------------- */

static enum status configure(struct tx *tx)
{
	enum status st;

	sqlite3_busy_timeout(tx->db, 1000);
	st = sql_exec(tx, both_pragmas);
	if (!st)
		st = sql_exec(tx, tx->mode == TX_WRITE ? writer_pragmas :
							 reader_pragmas);
	if (!st && tx->mode == TX_WRITE && tx->store->options.ephemeral)
		st = sql_exec(tx, "PRAGMA synchronous = OFF");
	return st;
}

enum status signature_connect(struct store *store, enum tx_mode mode,
			      struct tx **out, struct error *error)
{
	char path[4096];
	const struct tx_database database = {
		.path = path, .failure = "cannot open search.db",
		.configure = configure, .is_beside = true,
	};

	snprintf(path, sizeof path, "%s/search.db", store->dir);
	return tx_connect(store, mode, &database, out, error);
}

/* ---- asking ----------------------------------------------------------------------------- */

static const struct {
	enum signature_blob blob;
	const char *sql;
} tables[] = {
	{ SIGNATURE_HEAD, "SELECT id, bits FROM head WHERE id >= ?1 ORDER BY id" },
	{ SIGNATURE_BODY, "SELECT id, bits FROM body WHERE id >= ?1 ORDER BY id" },
};

void signature_done(struct tx *tx)
{
	for (size_t i = 0; i < 2; i++) {
		if (tx->cursors[i].row)
			sql_end(tx->cursors[i].row);
		tx->cursors[i].row = NULL;
	}
}

void signature_disconnect(struct tx *tx)
{
	signature_done(tx);
	store_disconnect(tx->signatures);
	tx->signatures = NULL;
}

void signature_damaged(struct store *store, const struct error *error)
{
	if (!atomic_exchange(&store->signatures.is_damaged, true))
		log_warning("search.damaged", log_error(error));
}

/* Whether there are signatures to ask. */
static bool is_connected(struct tx *tx)
{
	struct store_signatures *s = &tx->store->signatures;
	unsigned generation = atomic_load(&s->generation);
	struct error error = { 0 };

	if (generation == 0 || atomic_load(&s->is_damaged))
		return false;
	if (tx->signatures && tx->signatures_generation == generation)
		return true;
	signature_disconnect(tx);
	tx->signatures_generation = generation;
	if (signature_connect(tx->store, TX_READ, &tx->signatures, &error)) {
		signature_damaged(tx->store, &error);
		return false;
	}
	return true;
}

static void cursor_failed(struct tx *tx, struct signature_cursor *c)
{
	c->row = NULL;
	if (tx->signatures->error.status != ST_NO_MEMORY)
		signature_damaged(tx->store, &tx->signatures->error);
}

/* Goes to the first row from message on. */
static void cursor_seek(struct tx *tx, struct signature_cursor *c,
			const char *sql, uint64_t message)
{
	enum status st;

	if (c->row)
		sql_end(c->row);
	st = sql_query(tx->signatures, &c->row, sql, SQL_ARGS(sql_i(message)));
	if (!st)
		st = sql_next(tx->signatures, c->row);
	c->above = message;
	if (!st)
		c->id = sql_column(c->row, 0);
	else if (st == ST_NOT_FOUND)
		c->id = UINT64_MAX;
	else
		cursor_failed(tx, c);
}

static void cursor_step(struct tx *tx, struct signature_cursor *c)
{
	enum status st = sql_next(tx->signatures, c->row);

	c->above = c->id + 1;
	if (!st)
		c->id = sql_column(c->row, 0);
	else if (st == ST_NOT_FOUND)
		c->id = UINT64_MAX;
	else
		cursor_failed(tx, c);
}

struct slice signature_find(struct tx *tx, enum signature_blob blob,
			    uint64_t message)
{
	size_t table = blob == SIGNATURE_BODY;
	struct signature_cursor *c = &tx->cursors[table];
	struct slice bits = { NULL, 0 };

	if (!is_connected(tx))
		return bits;
	for (int i = 0; c->row && c->id < message && i < STEPS_TO_ROW; i++)
		cursor_step(tx, c);
	if (!c->row || c->id < message || message < c->above)
		cursor_seek(tx, c, tables[table].sql, message);
	if (!c->row || c->id != message)
		return bits;
	bits = unseal(message, blob, sql_column_bytes(c->row, 1));
	if (!bits.data) {
		tx_error(tx->signatures, ST_UNAVAILABLE,
			 "the signature of %llu is damaged",
			 (unsigned long long)message);
		signature_damaged(tx->store, &tx->signatures->error);
	}
	return bits;
}
