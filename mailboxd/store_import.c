/* Mail that comes with flags, dates and numbers of its own: import and restore. */
#include "mailboxd/store_priv.h"

uint64_t store_lineage(const struct store *store)
{
	uint64_t lineage;

	memcpy(&lineage, store->thread_key, sizeof lineage);
	return lineage >> 1 | 1;	/* never 0 */
}

/* ---- the mailbox ------------------------------------------------------------------ */

static enum status make_box(struct tx *tx, const struct store_import_box *box,
			    uint64_t *id)
{
	enum status st = store_mailbox_create(tx, box->account, box->name,
					      box->use, id);

	/* another has that use, or it is none */
	if (st == ST_DENIED && box->use.len)
		st = store_mailbox_create(tx, box->account, box->name, SLICE_EMPTY,
					  id);
	if (!st && box->subscribed)
		st = store_mailbox_subscribe(tx, box->account, box->name, true);
	return st;
}

static enum status find_box(struct tx *tx, const struct store_import_box *box,
			    uint64_t *id)
{
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, box->account, box->name, &m);

	if (st == ST_NOT_FOUND)
		return make_box(tx, box, id);
	*id = m.id;
	return st;
}

/* ---- numbers ------------------------------------------------------------------------ */

/* ST_OK: the row of that number is this message; ST_NOT_FOUND: there is none;
 * ST_EXISTS: another has it. */
static enum status compare_known(struct tx *tx, const struct store_import *m)
{
	struct sqlite3_stmt *row;
	bool is_same;
	enum status st;

	tx->passes_damage = true;
	st = sql_first(tx, &row, "SELECT size, mid FROM message WHERE id = ?1",
		       SQL_ARGS(sql_i(m->known_as)));
	tx->passes_damage = false;
	if (st)
		return st;
	is_same = sql_column(row, 0) == m->message.size &&
		  slice_eq(sql_column_bytes(row, 1), m->message.mid);
	sql_end(row);
	return is_same ? ST_OK : ST_EXISTS;
}

/* One more entry refers to it, perhaps the first again. */
static enum status refer_to(struct tx *tx, uint64_t message)
{
	enum status st = sql_run(tx, "DELETE FROM garbage WHERE message = ?1",
				 SQL_ARGS(sql_i(message)));

	return st ? st : message_reference(tx, message, 1);
}

/* Gives the number under which the message is stored now. */
static enum status store_one(struct tx *tx, struct store_import *m, uint64_t *id)
{
	struct store_message message = m->message;
	enum status st = ST_EXISTS;

	if (m->known_as && m->known_as < tx->store->message_kept)
		st = compare_known(tx, m);
	*id = m->known_as;
	if (st == ST_OK)
		return refer_to(tx, *id);
	m->is_taken = true;
	if (st == ST_NOT_FOUND) {
		if (message.pieces)
			st = body_rename(tx, message.id, *id);
		else
			st = ST_OK;
		message.id = *id;
	} else if (st == ST_EXISTS) {
		*id = message.id;
		st = ST_OK;
	}
	return st ? st : message_insert(tx, &message, 1);
}

/* ---- entries ---------------------------------------------------------------------- */

struct import_job {
	struct tx *tx;
	struct hot *mailbox, *account;
	uint64_t modseq;
	struct ranges uids;
};

/* Without them rather than not at all. */
static enum status intern_keywords(struct import_job *j, struct store_import *m,
				   uint32_t *set)
{
	enum status st = keyword_set_intern(j->tx, j->mailbox->id, m->keywords, set);

	m->lost_keywords = st == ST_SYNTAX || st == ST_LIMIT;
	if (!m->lost_keywords)
		return st;
	*set = 0;
	return ST_OK;
}

static enum status import_one(struct import_job *j, struct store_import *m)
{
	struct tx *tx = j->tx;
	struct entry e = { .modseq = j->modseq,
			   .saved = m->saved ? m->saved : store_now(),
			   .size = m->message.size +
				   recipient_prefix_octets(m->recipient) };
	uint32_t set;
	enum status st = account_check_quota(tx, &j->account->now.account, e.size, 1);

	m->status = st;
	if (st)
		return st == ST_QUOTA ? ST_OK : st;
	st = intern_keywords(j, m, &set);
	if (!st)
		st = recipient_intern(tx, m->recipient, &e.recipient);
	if (!st)
		st = store_one(tx, m, &e.message);
	if (!st)
		st = entry_uid(tx, j->mailbox, &e.uid);
	if (st)
		return st;
	e.flags = flags_join(m->flags, set);
	m->uid = e.uid;
	st = entry_insert(tx, j->mailbox, j->account, &e);
	if (!st && m->uidl.len)
		st = sql_run(tx, "UPDATE entry SET uidl = ?3 WHERE mailbox = ?1"
			     " AND uid = ?2", SQL_ARGS(sql_i(j->mailbox->id),
						       sql_i(e.uid), sql_t(m->uidl)));
	return st ? st : ranges_add(&j->uids, e.uid, e.uid);
}

enum status store_import(struct tx *tx, const struct store_import_box *box,
			 struct store_import *messages, size_t count)
{
	struct import_job j = { .tx = tx, .uids = RANGES_INIT(RANGES_MAX) };
	uint64_t id;
	enum status st = find_box(tx, box, &id);

	if (st || count == 0)
		return st;
	st = entry_open(tx, id, &j.mailbox, &j.account);
	if (!st)
		st = mailbox_next_modseq(tx, j.mailbox, &j.modseq);
	for (size_t i = 0; i < count; i++)
		messages[i].is_taken = messages[i].lost_keywords = false;
	for (size_t i = 0; i < count && !st; i++)
		st = import_one(&j, &messages[i]);
	if (!st && j.uids.count)
		st = journal_add(tx, box->verb, id, SLICE_EMPTY, &j.uids, SLICE_EMPTY);
	ranges_free(&j.uids);
	return st;
}

enum status store_message_numbers(struct tx *tx, uint64_t account,
				  struct slice name, store_number_fn *fn,
				  void *arg)
{
	struct store_mailbox m = { .id = 0 };
	struct sqlite3_stmt *row;
	enum status st = ST_OK;

	if (name.len)
		st = store_mailbox_find(tx, account, name, &m);
	if (!st)
		st = sql_query(tx, &row, "SELECT e.message FROM mailbox b"
			" CROSS JOIN entry e ON e.mailbox = b.id"
			" WHERE b.owner = ?1 AND (?2 = 0 OR b.id = ?2)",
			SQL_ARGS(sql_i(account), sql_i(m.id)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = fn(arg, sql_column(row, 0));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
