/*
 * A store that is only read any more. Where the lists of mailboxes are damaged, or the
 * disk gives read errors again and again, what is written next may be wrong or lost: the
 * writer stops, until the store was restored and mailboxd started again. A row or body
 * of one message takes away that message alone.
 */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <sqlite3.h>

#define READ_ERRORS_WITHIN_MS 60000

bool store_is_damaged(const struct store *store)
{
	return atomic_load(&store->damage.is_found);
}

void store_damage(struct store *store, char text[static STORE_DAMAGE_OCTETS])
{
	struct store_damage *d = &store->damage;

	pthread_mutex_lock(&d->lock);
	memcpy(text, d->text, STORE_DAMAGE_OCTETS);
	pthread_mutex_unlock(&d->lock);
}

void damage_found(struct tx *tx, const char *where)
{
	struct store_damage *d = &tx->store->damage;
	bool is_first;

	/* who looks at it as it lies there, or repairs it, is told by each verb */
	if (tx->store->options.as_is)
		return;
	pthread_mutex_lock(&d->lock);
	is_first = !atomic_load(&d->is_found);
	if (is_first)
		snprintf(d->text, sizeof d->text, "%s: %.100s", where, tx->error.text);
	atomic_store(&d->is_found, true);
	pthread_mutex_unlock(&d->lock);
	if (is_first)
		log_warning("store.damaged", log_str("where", where),
			    log_error(&tx->error));
}

/* One that heals by itself is none; three of different requests in a minute are. */
static void count_read_error(struct tx *tx)
{
	struct store_damage *d = &tx->store->damage;
	int64_t now = clock_ms();
	bool is_last;

	if (tx->met_read_error)
		return;
	tx->met_read_error = true;
	pthread_mutex_lock(&d->lock);
	is_last = d->errors >= DAMAGE_READ_ERRORS - 1 &&
		  now - d->error_ms[d->errors % (DAMAGE_READ_ERRORS - 1)] <
		  READ_ERRORS_WITHIN_MS;
	d->error_ms[d->errors++ % (DAMAGE_READ_ERRORS - 1)] = now;
	pthread_mutex_unlock(&d->lock);
	if (is_last)
		damage_found(tx, "the disk");
}

void damage_note(struct tx *tx, int code)
{
	int extended = sqlite3_extended_errcode(tx->db);

	if ((extended & 0xff) == code)
		code = extended;
	tx->code = code;
	if (tx->is_beside)
		return;
	if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ ||
	    code == SQLITE_IOERR_CORRUPTFS)
		count_read_error(tx);
	else if (code == SQLITE_NOTADB)
		damage_found(tx, "the file");
	else if ((code & 0xff) == SQLITE_CORRUPT && tx->mode == TX_WRITE &&
		 !tx->passes_damage)
		damage_found(tx, "what is written");
}

bool store_met_damage(const struct tx *tx)
{
	return (tx->code & 0xff) == SQLITE_CORRUPT;
}

enum status lists_read(struct tx *tx, enum status st)
{
	if (st == ST_UNAVAILABLE && store_met_damage(tx) && !tx->is_beside)
		damage_found(tx, "the lists of mailboxes");
	return st;
}

/* ---- one message --------------------------------------------------------------------- */

void message_unreadable(struct tx *tx, uint64_t mailbox, uint32_t uid,
			uint64_t message)
{
	log_warning("store.unreadable", log_u64("mailbox", mailbox),
		    log_u64("uid", uid), log_u64("message", message),
		    log_error(&tx->error));
}

enum status message_pass_over(struct tx *tx, uint64_t mailbox, struct range r,
			      uint32_t *uid)
{
	const struct error why = tx->error;
	const int code = tx->code;
	struct sqlite3_stmt *row;
	enum status st;

	if ((why.status != ST_UNAVAILABLE && why.status != ST_IO) || r.low > r.high)
		return why.status;
	st = sql_first(tx, &row, "SELECT uid, message FROM entry"
		       " WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid"
		       " LIMIT 1",
		       SQL_ARGS(sql_i(mailbox), sql_i(r.low), sql_i(r.high)));
	if (st)
		return lists_read(tx, st);
	tx->error = why;
	tx->code = code;
	*uid = (uint32_t)sql_column(row, 0);
	message_unreadable(tx, mailbox, *uid, sql_column(row, 1));
	sql_end(row);
	return ST_OK;
}
