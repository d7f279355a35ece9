/*
 * Rows of mailbox and account that the writer keeps at hand, so that counters
 * change in memory and are written once a transaction.
 */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

static size_t bucket_of(enum hot_kind kind, uint64_t id)
{
	return ((id << 1 | kind) * 0x9e3779b97f4a7c15u) >> 54;
}

static enum status load_mailbox(struct tx *tx, uint64_t id, struct hot *hot)
{
	struct mailbox_state *m = &hot->now.mailbox;
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT owner, uidvalidity,"
		" uidnext, highestmodseq, messages, unseen, deleted, recent_uid,"
		" octets, deleted_octets FROM mailbox WHERE id = ?1",
		SQL_ARGS(sql_i(id)));

	if (st)
		return st;
	m->owner = sql_column(row, 0);
	m->uidvalidity = (uint32_t)sql_column(row, 1);
	m->uidnext = (uint32_t)sql_column(row, 2);
	m->highestmodseq = sql_column(row, 3);
	m->messages = (uint32_t)sql_column(row, 4);
	m->unseen = (uint32_t)sql_column(row, 5);
	m->deleted = (uint32_t)sql_column(row, 6);
	m->recent_uid = (uint32_t)sql_column(row, 7);
	m->octets = sql_column(row, 8);
	m->deleted_octets = sql_column(row, 9);
	hot->told = m->highestmodseq;
	sql_end(row);
	return ST_OK;
}

static enum status load_account(struct tx *tx, uint64_t id, struct hot *hot)
{
	const struct store_options *o = &tx->store->options;
	struct account_state *a = &hot->now.account;
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT used_octets, used_messages,"
		" quota_octets, quota_messages FROM account WHERE id = ?1",
		SQL_ARGS(sql_i(id)));

	if (st)
		return st;
	a->used_octets = sql_column(row, 0);
	a->used_messages = sql_column(row, 1);
	a->quota_octets = sql_column_is_null(row, 2) ? o->quota_octets :
						       sql_column(row, 2);
	a->quota_messages = sql_column_is_null(row, 3) ? o->quota_messages :
							 sql_column(row, 3);
	sql_end(row);
	return ST_OK;
}

static enum status load(struct tx *tx, enum hot_kind kind, uint64_t id,
			struct hot *hot)
{
	enum status st;

	*hot = (struct hot){ .id = id, .kind = kind };
	st = lists_read(tx, kind == HOT_MAILBOX ? load_mailbox(tx, id, hot) :
						  load_account(tx, id, hot));
	if (st == ST_NOT_FOUND)
		tx_error(tx, st, "no such %s",
			 kind == HOT_MAILBOX ? "mailbox" : "account");
	return st;
}

enum status hot_get(struct tx *tx, enum hot_kind kind, uint64_t id,
		    struct hot **hot)
{
	size_t b = bucket_of(kind, id);
	struct hot *h;
	enum status st;

	if (tx->mode == TX_READ) {
		*hot = &tx->reading[kind];
		return load(tx, kind, id, *hot);
	}
	for (h = tx->buckets[b]; h; h = h->next)
		if (h->id == id && h->kind == kind) {
			*hot = h;
			return h->now.is_gone ?
				tx_error(tx, ST_NOT_FOUND, "it was removed") :
				ST_OK;
		}
	h = malloc(sizeof *h);
	if (!h)
		return tx_no_memory(tx);
	st = load(tx, kind, id, h);
	if (st) {
		free(h);
		return st;
	}
	h->born = tx->state == TX_SAVEPOINT ? tx->savepoint : 0;
	h->next = tx->buckets[b];
	tx->buckets[b] = h;
	tx->hot_count++;
	*hot = h;
	return ST_OK;
}

enum status hot_touch(struct tx *tx, struct hot *h)
{
	if (!h->is_touched) {
		if (tx->touched_count == tx->touched_cap) {
			size_t cap = tx->touched_cap ? tx->touched_cap * 2 : 64;
			struct hot **grown = realloc(tx->touched,
						     cap * sizeof(struct hot *));

			if (!grown)
				return tx_no_memory(tx);
			tx->touched = grown;
			tx->touched_cap = cap;
		}
		tx->touched[tx->touched_count++] = h;
		h->is_touched = true;
	}
	if (tx->state == TX_SAVEPOINT && !h->is_saved) {
		h->before = h->now;
		h->is_saved = true;
	}
	h->now.is_dirty = true;
	return ST_OK;
}

enum status hot_remove(struct tx *tx, struct hot *h)
{
	enum status st = hot_touch(tx, h);

	h->now.is_gone = true;
	return st;
}

static enum status write_mailbox(struct tx *tx, const struct hot *h)
{
	const struct mailbox_state *m = &h->now.mailbox;

	return sql_run(tx, "UPDATE mailbox SET uidnext = ?2,"
		" highestmodseq = ?3, messages = ?4, unseen = ?5, deleted = ?6,"
		" recent_uid = ?7, octets = ?8, deleted_octets = ?9"
		" WHERE id = ?1",
		SQL_ARGS(sql_i(h->id), sql_i(m->uidnext),
			 sql_i(m->highestmodseq), sql_i(m->messages),
			 sql_i(m->unseen), sql_i(m->deleted),
			 sql_i(m->recent_uid), sql_i(m->octets),
			 sql_i(m->deleted_octets)));
}

static enum status write_account(struct tx *tx, const struct hot *h)
{
	return sql_run(tx, "UPDATE account SET used_octets = ?2,"
		       " used_messages = ?3 WHERE id = ?1",
		       SQL_ARGS(sql_i(h->id), sql_i(h->now.account.used_octets),
				sql_i(h->now.account.used_messages)));
}

enum status hot_flush(struct tx *tx)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < tx->touched_count && !st; i++) {
		struct hot *h = tx->touched[i];

		if (!h->now.is_dirty || h->now.is_gone)
			continue;
		/* what undo takes back is dirty again afterwards */
		st = hot_touch(tx, h);
		if (!st)
			st = h->kind == HOT_MAILBOX ? write_mailbox(tx, h) :
						      write_account(tx, h);
		if (!st)
			h->now.is_dirty = false;
	}
	return st;
}

void hot_release(struct tx *tx)
{
	for (size_t i = 0; i < tx->touched_count; i++)
		tx->touched[i]->is_saved = false;
}

/* What was read in the savepoint may have been made in it. */
static void forget_born(struct tx *tx, uint64_t savepoint)
{
	for (size_t b = 0; b < HOT_BUCKETS; b++) {
		struct hot **at = &tx->buckets[b];

		while (*at) {
			struct hot *h = *at;

			if (h->born != savepoint) {
				at = &h->next;
				continue;
			}
			*at = h->next;
			free(h);
			tx->hot_count--;
		}
	}
}

void hot_undo(struct tx *tx)
{
	size_t kept = 0;

	for (size_t i = 0; i < tx->touched_count; i++) {
		struct hot *h = tx->touched[i];

		if (h->born == tx->savepoint)
			continue;
		if (h->is_saved)
			h->now = h->before;
		h->is_saved = false;
		tx->touched[kept++] = h;
	}
	tx->touched_count = kept;
	forget_born(tx, tx->savepoint);
}

static void forget(struct tx *tx, struct hot *gone)
{
	struct hot **at = &tx->buckets[bucket_of(gone->kind, gone->id)];

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	free(gone);
	tx->hot_count--;
}

void hot_committed(struct tx *tx)
{
	struct store *s = tx->store;

	for (size_t i = 0; i < tx->touched_count; i++) {
		struct hot *h = tx->touched[i];

		h->is_touched = h->is_saved = false;
		if (h->kind == HOT_MAILBOX &&
		    (h->told != h->now.mailbox.highestmodseq ||
		     h->now.is_gone)) {
			h->told = h->now.mailbox.highestmodseq;
			if (s->watch)
				s->watch(s->watch_arg, h->id,
					 mailbox_told_modseq(s, h->told));
		}
		if (h->now.is_gone)
			forget(tx, h);
	}
	tx->touched_count = 0;
	if (tx->hot_count > HOT_MAX)
		hot_clear(tx);
}

void hot_clear(struct tx *tx)
{
	for (size_t b = 0; b < HOT_BUCKETS; b++)
		while (tx->buckets[b]) {
			struct hot *h = tx->buckets[b];

			tx->buckets[b] = h->next;
			free(h);
		}
	tx->hot_count = 0;
	tx->touched_count = 0;
	tx->recipient_id = 0;
	memset(tx->sids, 0, sizeof tx->sids);
}
