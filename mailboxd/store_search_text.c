/* The text keys of a SEARCH: prefix, signature, body. */
#include "mailboxd/store_priv.h"

#include "common/part_record.h"
#include "mailboxd/search_match.h"

#include <stdlib.h>

#define PIECE ((uint64_t)64 * 1024)
#define PARTS_ARENA ((size_t)4 << 20)
#define PREFIX_OCTETS (ADDRESS_OCTETS_MAX + 32)

struct text_search {
	struct tx *tx;
	const struct search_key *keys;
	size_t count;
	struct search_match *match;
	struct signature_query *query;
	struct arena parts;
	unsigned blobs;		/* of signatures, that any key asks for */
	bool looks_at_prefix;	/* a key for which it counts */
	uint64_t recipient;	/* of whom is known: */
	unsigned char *in_prefix;	/* which keys hold there */
};

/* ---- messages ------------------------------------------------------------------------ */

enum status message_parts(struct tx *tx, uint64_t message, struct arena *arena,
			  uint64_t *size, struct part **parts, size_t *count)
{
	struct sqlite3_stmt *row;
	struct slice record;
	enum status st = sql_first(tx, &row, "SELECT size, parts FROM message"
				   " WHERE id = ?1", SQL_ARGS(sql_i(message)));

	*parts = NULL;
	*count = 0;
	if (st)
		return st;
	*size = sql_column(row, 0);
	arena_clear(arena);
	/* the parts borrow their texts from the record, for longer than the row */
	record = arena_copy(arena, sql_column_bytes(row, 1));
	sql_end(row);
	if (!record.data)
		return tx_no_memory(tx);
	st = part_record_decode(record, *size, arena, parts, count);
	/* without its record nothing of a message is text */
	return st == ST_SYNTAX ? ST_OK : st;
}

bool text_search_sees_prefix(enum search_op op, struct slice field)
{
	return op == SEARCH_OP_TEXT ||
	       (op == SEARCH_OP_HEADER &&
		slice_case_eq(field, SLICE("Delivered-To")));
}

/* ---- life ------------------------------------------------------------------------------- */

struct text_search *text_search_new(struct tx *tx, const struct search_key *keys,
				    size_t count)
{
	struct text_search *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->tx = tx;
	t->keys = keys;
	t->count = count;
	t->parts = (struct arena)ARENA_INIT(PARTS_ARENA);
	t->recipient = UINT64_MAX;
	t->match = search_match_new(keys, count);
	t->query = signature_query_new(keys, count);
	t->in_prefix = calloc(count ? count : 1, 1);
	if (!t->match || !t->query || !t->in_prefix) {
		text_search_free(t);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		t->blobs |= signature_query_blobs(t->query, i);
		t->looks_at_prefix |= text_search_sees_prefix(keys[i].op,
							      keys[i].field);
	}
	return t;
}

void text_search_free(struct text_search *t)
{
	if (!t)
		return;
	search_match_free(t->match);
	signature_query_free(t->query);
	arena_clear(&t->parts);
	free(t->in_prefix);
	free(t);
}

/* ---- without the body ---------------------------------------------------------------------- */

/* Which keys hold in the prefix alone: signatures know nothing of it. */
static enum status look_at_prefix(struct text_search *t, uint64_t recipient)
{
	char text[PREFIX_OCTETS];
	struct buf prefix = { .data = text, .cap = sizeof text,
			      .max = sizeof text };
	enum status st;

	if (t->recipient == recipient || !t->looks_at_prefix)
		return ST_OK;
	t->recipient = UINT64_MAX;
	st = recipient_prefix(t->tx, recipient, &prefix);
	if (!st)
		st = search_match_begin(t->match, buf_slice(&prefix), NULL, 0);
	if (!st)
		st = search_match_end(t->match);
	if (st)
		return st;
	for (size_t i = 0; i < t->count; i++)
		t->in_prefix[i] = t->keys[i].op != SEARCH_OP_BODY &&
				  search_match_found(t->match, i);
	t->recipient = recipient;
	return ST_OK;
}

enum status text_search_narrow(struct text_search *t, uint64_t message,
			       uint64_t recipient, unsigned char *truths)
{
	const struct slice none = { NULL, 0 };
	struct slice head = none, body = none;
	enum status st = look_at_prefix(t, recipient);

	if (t->blobs & SIGNATURE_HEAD)
		head = signature_find(t->tx, SIGNATURE_HEAD, message);
	if (t->blobs & SIGNATURE_BODY)
		body = signature_find(t->tx, SIGNATURE_BODY, message);
	if ((t->blobs & SIGNATURE_HEAD && !head.data) ||
	    (t->blobs & SIGNATURE_BODY && !body.data))
		atomic_store(&t->tx->store->signatures.is_missed, true);
	for (size_t i = 0; i < t->count; i++)
		truths[i] = t->in_prefix[i] ? TRUE
			  : signature_may_hold(t->query, i, head, body) ? UNKNOWN
									 : FALSE;
	return st;
}

/* ---- the body -------------------------------------------------------------------------------- */

static enum status feed_body(struct text_search *t, uint64_t message,
			     uint64_t size)
{
	struct buf *piece = &t->tx->scratch;
	uint64_t offset = 0, needs, n;
	enum status st = ST_OK;

	while (!st && offset < size) {
		needs = search_match_needs(t->match);
		if (needs >= size)
			break;
		if (needs > offset) {
			search_match_seek(t->match, needs);
			offset = needs;
		}
		n = size - offset < PIECE ? size - offset : PIECE;
		piece->len = 0;
		st = body_read(t->tx, message, offset, n, piece);
		if (!st)
			st = search_match_feed(t->match, buf_slice(piece));
		offset += n;
	}
	return st ? st : search_match_end(t->match);
}

enum status text_search_look(struct text_search *t, uint64_t message,
			     uint64_t recipient, unsigned char *truths)
{
	char text[PREFIX_OCTETS];
	struct buf prefix = { .data = text, .cap = sizeof text,
			      .max = sizeof text };
	struct part *parts;
	uint64_t size = 0;
	size_t count;
	enum status st = ST_OK;

	if (t->looks_at_prefix)
		st = recipient_prefix(t->tx, recipient, &prefix);
	if (!st)
		st = message_parts(t->tx, message, &t->parts, &size, &parts, &count);
	if (!st)
		st = search_match_begin(t->match, buf_slice(&prefix), parts, count);
	if (!st)
		st = feed_body(t, message, size);
	for (size_t i = 0; i < t->count && !st; i++)
		truths[i] = search_match_found(t->match, i) ? TRUE : FALSE;
	return st;
}
