/*
 * Greylisting: a client that is not known waits, once, and comes again if it is a
 * mail server. A row is a triplet, or, with neither sender nor recipient, a network
 * and how many of its triplets have passed.
 */
#include "mailboxd/store_priv.h"

/* What is in use is written so often, not each time. */
#define TOUCH_SECONDS 86400

struct row {
	int64_t first, until;
	uint64_t passed;
};

static enum status find(struct tx *tx, const struct greylist_key *k, struct row *r)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT first, until, passed"
		" FROM greylist WHERE network = ?1 AND sender = ?2"
		" AND recipient = ?3",
		SQL_ARGS(sql_t(k->network), sql_t(k->sender), sql_t(k->recipient)));

	if (st)
		return st;
	r->first = sql_column_signed(row, 0);
	r->until = sql_column_signed(row, 1);
	r->passed = sql_column(row, 2);
	sql_end(row);
	return ST_OK;
}

/* The row that would go first makes room. */
static enum status bound(struct tx *tx, const struct greylist_rules *rules)
{
	if (++tx->store->greylist <= rules->rows)
		return ST_OK;
	tx->store->greylist--;
	return sql_run(tx, "DELETE FROM greylist WHERE (network, sender, recipient)"
		" IN (SELECT network, sender, recipient FROM greylist"
		" ORDER BY until LIMIT 1)", SQL_ARGS());
}

static enum status put(struct tx *tx, const struct greylist_rules *rules,
		       const struct greylist_key *k, const struct row *r,
		       bool is_new)
{
	enum status st = sql_run(tx, "INSERT OR REPLACE INTO greylist"
		" (network, sender, recipient, first, until, passed)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		SQL_ARGS(sql_t(k->network), sql_t(k->sender), sql_t(k->recipient),
			 sql_i((uint64_t)r->first), sql_i((uint64_t)r->until),
			 sql_i(r->passed)));

	return st || !is_new ? st : bound(tx, rules);
}

static struct greylist_key network_of(const struct greylist_key *k)
{
	return (struct greylist_key){ k->network, SLICE_EMPTY, SLICE_EMPTY };
}

/* It is in use: known for another lifetime. */
static enum status touch(struct tx *tx, const struct greylist_rules *rules,
			 const struct greylist_key *k, struct row *r, int64_t now,
			 bool may_write)
{
	if (r->until >= now + rules->lifetime - TOUCH_SECONDS)
		return ST_OK;
	if (!may_write)
		return ST_MORE;
	r->until = now + rules->lifetime;
	return put(tx, rules, k, r, false);
}

/* One more triplet of the network has passed. */
static enum status count_good(struct tx *tx, const struct greylist_rules *rules,
			      const struct greylist_key *k, int64_t now)
{
	struct greylist_key network = network_of(k);
	struct row r = { .first = now };
	enum status st = find(tx, &network, &r);
	bool is_new = st == ST_NOT_FOUND;

	if (st && !is_new)
		return st;
	if (r.until <= now)
		r.passed = 0;
	r.passed++;
	r.until = now + rules->lifetime;
	return put(tx, rules, &network, &r, is_new);
}

static enum status ask_triplet(struct tx *tx, const struct greylist_rules *rules,
			       const struct greylist_key *k, int64_t now,
			       bool may_write, uint64_t *left)
{
	struct row r = { 0 };
	enum status st = find(tx, k, &r);
	bool is_there = st == ST_OK;

	if (st && st != ST_NOT_FOUND)
		return st;
	if (is_there && r.until > now && r.passed)
		return touch(tx, rules, k, &r, now, may_write);
	if (is_there && r.until > now && r.first <= now &&
	    now - r.first < rules->delay) {
		*left = (uint64_t)(r.first + rules->delay - now);
		return ST_OK;
	}
	if (!may_write)
		return ST_MORE;
	if (is_there && r.until > now && r.first <= now) {
		r.passed = 1;
		r.until = now + rules->lifetime;
		st = put(tx, rules, k, &r, false);
		return st ? st : count_good(tx, rules, k, now);
	}
	*left = (uint64_t)rules->delay;
	r = (struct row){ .first = now, .until = now + rules->window };
	st = put(tx, rules, k, &r, !is_there);
	/* it has made room for itself: it would wait for ever */
	if (!st && find(tx, k, &r) == ST_NOT_FOUND)
		*left = 0;
	return st;
}

enum status store_greylist_ask(struct tx *tx, const struct greylist_rules *rules,
			       const struct greylist_key *key, int64_t now,
			       bool may_write, uint64_t *left)
{
	struct greylist_key network = network_of(key);
	struct row r;
	enum status st = rules->allow ? find(tx, &network, &r) : ST_NOT_FOUND;

	*left = 0;
	if (st && st != ST_NOT_FOUND)
		return st;
	if (st == ST_OK && r.until > now && r.passed >= rules->allow)
		return touch(tx, rules, &network, &r, now, may_write);
	return ask_triplet(tx, rules, key, now, may_write, left);
}

uint64_t store_greylist_rows(const struct store *s)
{
	return atomic_load(&s->greylist);
}

enum status greylist_prune(struct tx *tx, int64_t now, size_t most, bool *more)
{
	uint64_t gone;
	enum status st = sql_run(tx, "DELETE FROM greylist"
		" WHERE (network, sender, recipient) IN (SELECT network, sender,"
		" recipient FROM greylist WHERE until <= ?1 LIMIT ?2)",
		SQL_ARGS(sql_i((uint64_t)now), sql_i(most)));

	if (st)
		return st;
	gone = sql_changes(tx);
	tx->store->greylist -= gone < tx->store->greylist ? gone
							  : tx->store->greylist;
	if (gone == most)
		*more = true;
	return ST_OK;
}
