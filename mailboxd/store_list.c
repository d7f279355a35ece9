/* Questions about mailboxes: LIST, STATUS. */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

#define COLUMNS "SELECT m.id, m.owner, m.name, m.special_use, m.uidvalidity," \
	" m.uidnext, m.messages, m.unseen, m.deleted, m.octets," \
	" m.deleted_octets, m.highestmodseq, m.recent_uid," \
	" EXISTS (SELECT 1 FROM subscription s WHERE s.owner = m.owner" \
	" AND s.name = m.name) FROM mailbox m "

static enum status count_recent(struct tx *tx, struct store_mailbox *m,
				uint32_t recent_uid)
{
	uint64_t count;
	enum status st;

	m->recent = 0;
	if (recent_uid + 1 >= m->uidnext)
		return ST_OK;
	st = sql_number(tx, &count, "SELECT count(*) FROM entry"
			" WHERE mailbox = ?1 AND uid > ?2",
			SQL_ARGS(sql_i(m->id), sql_i(recent_uid)));
	m->recent = (uint32_t)count;
	return st;
}

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_mailbox *m, uint32_t *recent_uid)
{
	enum status st;

	m->id = sql_column(row, 0);
	m->owner = sql_column(row, 1);
	st = sql_column_copy(tx, row, 2, &m->name);
	if (!st)
		st = sql_column_copy(tx, row, 3, &m->special_use);
	m->uidvalidity = (uint32_t)sql_column(row, 4);
	m->uidnext = (uint32_t)sql_column(row, 5);
	m->messages = (uint32_t)sql_column(row, 6);
	m->unseen = (uint32_t)sql_column(row, 7);
	m->deleted = (uint32_t)sql_column(row, 8);
	m->octets = sql_column(row, 9);
	m->deleted_octets = sql_column(row, 10);
	m->highestmodseq = mailbox_told_modseq(tx->store, sql_column(row, 11));
	*recent_uid = (uint32_t)sql_column(row, 12);
	m->recent = 0;
	m->attributes = sql_column(row, 13) ? IPC_MAILBOX_SUBSCRIBED : 0;
	return st;
}

static enum status one(struct tx *tx, const char *sql,
		       const struct sql_value *values, struct store_mailbox *m,
		       uint32_t *recent_uid)
{
	struct sqlite3_stmt *row;
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = sql_first(tx, &row, sql, values);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such mailbox");
	if (st)
		return lists_read(tx, st);
	st = read_row(tx, row, m, recent_uid);
	sql_end(row);
	return st;
}

enum status store_mailbox_get(struct tx *tx, uint64_t id,
			      struct store_mailbox *m)
{
	uint32_t recent_uid;
	enum status st = one(tx, COLUMNS "WHERE m.id = ?1", SQL_ARGS(sql_i(id)),
			     m, &recent_uid);

	return st ? st : count_recent(tx, m, recent_uid);
}

enum status mailbox_find_row(struct tx *tx, uint64_t account, struct slice in,
			     struct store_mailbox *m, uint32_t *recent_uid)
{
	struct slice name;
	enum status st = mailbox_name(tx, in, &name);

	if (st == ST_SYNTAX || st == ST_LIMIT)
		return tx_error(tx, ST_NOT_FOUND, "no such mailbox");
	return st ? st : one(tx, COLUMNS "WHERE m.owner = ?1 AND m.name = ?2",
			     SQL_ARGS(sql_i(account), sql_t(name)), m,
			     recent_uid);
}

enum status store_mailbox_find(struct tx *tx, uint64_t account,
			       struct slice in, struct store_mailbox *m)
{
	uint32_t recent_uid;
	enum status st = mailbox_find_row(tx, account, in, m, &recent_uid);

	return st ? st : count_recent(tx, m, recent_uid);
}

enum status store_mailbox_has_children(struct tx *tx,
				       const struct store_mailbox *m, bool *yes)
{
	uint64_t count = 0;
	/* '0' follows the separator */
	enum status st = sql_number(tx, &count, "SELECT EXISTS (SELECT 1 FROM mailbox"
		" WHERE owner = ?1 AND name > ?2 || '/' AND name < ?2 || '0')",
		SQL_ARGS(sql_i(m->owner), sql_t(m->name)));

	*yes = count > 0;
	return st;
}

/* ---- LIST ------------------------------------------------------------------------------- */

/* All names of an account, in order; those that are only a parent or only a
 * subscription have no id. */
struct names {
	struct store_mailbox *rows;
	size_t count, cap;
};

static int compare_rows(const void *a, const void *b)
{
	const struct store_mailbox *x = a, *y = b;
	bool x_inbox = slice_eq(x->name, SLICE("INBOX"));
	bool y_inbox = slice_eq(y->name, SLICE("INBOX"));

	if (x_inbox != y_inbox)
		return x_inbox ? -1 : 1;
	return slice_compare(x->name, y->name);
}

static struct store_mailbox *find_name(const struct names *n, size_t count,
				       struct slice name)
{
	struct store_mailbox key = { .name = name };

	return bsearch(&key, n->rows, count, sizeof key, compare_rows);
}

static struct store_mailbox *add_row(struct tx *tx, struct names *n)
{
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 64;
		struct store_mailbox *grown =
			realloc(n->rows, cap * sizeof *grown);

		if (!grown) {
			tx_no_memory(tx);
			return NULL;
		}
		n->rows = grown;
		n->cap = cap;
	}
	n->rows[n->count] = (struct store_mailbox){ .special_use = SLICE_EMPTY };
	return &n->rows[n->count++];
}

static enum status collect_rows(struct tx *tx, struct sqlite3_stmt *row,
				uint32_t what, struct names *n)
{
	struct store_mailbox *m;
	uint32_t recent_uid;
	enum status st;

	while (!(st = sql_next(tx, row))) {
		m = add_row(tx, n);
		st = m ? read_row(tx, row, m, &recent_uid) : ST_NO_MEMORY;
		if (!st && what & IPC_LIST_COUNTS)
			st = count_recent(tx, m, recent_uid);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : lists_read(tx, st);
}

static enum status collect_mailboxes(struct tx *tx, uint64_t account,
				     uint32_t what, struct names *n)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, COLUMNS "WHERE m.owner = ?1",
				   SQL_ARGS(sql_i(account)));

	return st ? st : collect_rows(tx, row, what, n);
}

static enum status collect_subscriptions(struct tx *tx, uint64_t account,
					 struct names *n)
{
	struct store_mailbox *m;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT s.name FROM subscription s"
		" WHERE s.owner = ?1 AND NOT EXISTS (SELECT 1 FROM mailbox m"
		" WHERE m.owner = s.owner AND m.name = s.name)",
		SQL_ARGS(sql_i(account)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		m = add_row(tx, n);
		st = m ? sql_column_copy(tx, row, 0, &m->name) : ST_NO_MEMORY;
		if (st)
			break;
		m->owner = account;
		m->attributes = IPC_MAILBOX_SUBSCRIBED | IPC_MAILBOX_NONEXISTENT;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static void sort_and_merge(struct names *n)
{
	size_t kept = 0;

	if (n->count == 0)
		return;
	qsort(n->rows, n->count, sizeof *n->rows, compare_rows);
	for (size_t i = 1; i < n->count; i++)
		if (slice_eq(n->rows[i].name, n->rows[kept].name))
			n->rows[kept].attributes |= n->rows[i].attributes;
		else
			n->rows[++kept] = n->rows[i];
	n->count = kept + 1;
}

/* Names above mailboxes: marked as having children, or added where there is no
 * mailbox of that name. */
static enum status add_parents(struct tx *tx, struct names *n)
{
	size_t known = n->count;

	for (size_t i = 0; i < known; i++) {
		struct slice name = n->rows[i].name;

		if (n->rows[i].id == 0)
			continue;
		for (size_t at = name.len - 1; at > 0; at--) {
			struct store_mailbox *parent;

			if (name.data[at] != '/')
				continue;
			parent = find_name(n, known, slice_head(name, at));
			if (!parent) {
				parent = add_row(tx, n);
				if (!parent)
					return ST_NO_MEMORY;
				parent->name = slice_head(name, at);
			}
			parent->attributes |= IPC_MAILBOX_HAS_CHILDREN;
			if (parent->id == 0)
				parent->attributes |= IPC_MAILBOX_NONEXISTENT |
						      IPC_MAILBOX_NOSELECT;
		}
	}
	return ST_OK;
}

/* st: of collecting them. */
static enum status tell(struct tx *tx, struct names *n, enum status st,
			store_mailbox_fn *fn, void *arg)
{
	sort_and_merge(n);
	if (!st)
		st = add_parents(tx, n);
	sort_and_merge(n);
	for (size_t i = 0; i < n->count && !st; i++)
		st = fn(arg, &n->rows[i]);
	free(n->rows);
	return st;
}

enum status store_mailbox_list(struct tx *tx, uint64_t account, uint32_t what,
			       store_mailbox_fn *fn, void *arg)
{
	struct names n = { 0 };
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = collect_mailboxes(tx, account, what, &n);
	if (!st)
		st = collect_subscriptions(tx, account, &n);
	return tell(tx, &n, st, fn, arg);
}

enum status store_mailbox_list_other(struct tx *tx, uint64_t account, uint64_t owner,
				     uint32_t what, store_mailbox_fn *fn, void *arg)
{
	struct names n = { 0 };
	struct sqlite3_stmt *row;
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = sql_query(tx, &row, COLUMNS "JOIN acl c ON c.mailbox = m.id"
			" WHERE m.owner = ?1 AND c.account = ?2"
			" AND instr(c.rights, 'l')",
			SQL_ARGS(sql_i(owner), sql_i(account)));
	if (!st)
		st = collect_rows(tx, row, what & ~(uint32_t)IPC_LIST_COUNTS, &n);
	for (size_t i = 0; i < n.count && !st; i++) {
		const struct store_access a = { .account = account, .owner = owner,
						.mailbox = n.rows[i].id };

		n.rows[i].attributes = 0;
		if (what & IPC_LIST_COUNTS)
			st = store_seen_status(tx, &a, &n.rows[i]);
	}
	return tell(tx, &n, st, fn, arg);
}
