/*
 * Verbs about expunged mail that is still kept: what there is, and bringing it
 * back.
 */
#include "mailboxd/control.h"

#include "mailboxd/envelope_read.h"

#define ROWS_EACH 200	/* of one slice */

/* The words that both verbs have: ADDRESS [MAILBOX [UIDS...]] [since=SECONDS] */
static enum status take_query(struct request *r, struct tx *tx,
			      struct ranges *uids,
			      struct store_expunged_query *q)
{
	struct control *c = control_of(r);
	struct slice since = control_option(r, "since", "0");
	unsigned long long seconds = 0;
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK && !slice_number(since, INT64_MAX, &seconds))
		st = control_fail(r, ST_SYNTAX, since, "since= wants Unix seconds");
	for (size_t i = 2; i < c->count && st == ST_OK; i++)
		st = control_set(r, i, uids);
	if (st != ST_OK)
		return st;
	q->account = account.id;
	q->mailbox = c->count > 1 ? c->words[1] : SLICE_EMPTY;
	q->since = (int64_t)seconds;
	q->uids = uids->count ? uids : NULL;
	return ST_OK;
}

static enum status row(void *arg, const struct store_expunged *e)
{
	struct request *r = arg;

	control_text(r, e->name);
	control_text(r, e->is_mailbox_gone ? SLICE("yes") : SLICE("no"));
	control_u64(r, e->uid);
	control_time(r, e->at * 1000);
	control_time(r, e->internaldate * 1000);
	control_u64(r, e->octets);
	control_flags(r, e->flags);
	control_text(r, e->keywords);
	control_envelope(r, envelope_read_from, e->envelope);
	control_envelope(r, envelope_read_subject, e->envelope);
	control_u64(r, e->message);
	return control_row(r);
}

static enum status msg_expunged(struct request *r, struct tx *tx)
{
	struct store_expunged_query *q = &control_of(r)->kept;
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	enum status st = take_query(r, tx, &uids, q);

	q->limit = ROWS_EACH;
	if (st == ST_OK) {
		st = store_expunged_list(tx, q, row, r);
		if (st != ST_MORE)
			st = control_stored(r, tx, st);
	}
	ranges_free(&uids);
	q->uids = NULL;
	return st;
}

static enum status note(void *arg, struct slice mailbox, const struct ranges *uids)
{
	struct request *r = arg;
	uint64_t count = ranges_size(uids);

	control_of(r)->rows += count;
	return control_note(r, "%.*s: %llu back, UIDs %u to %u", SLICE_ARG(mailbox),
			    (unsigned long long)count, uids->items[0].low,
			    uids->items[uids->count - 1].high);
}

static enum status msg_undelete(struct request *r, struct tx *tx)
{
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	struct store_undelete u = { .into = control_option(r, "into", "") };
	enum status st = take_query(r, tx, &uids, &u.query);
	bool is_all = slice_eq(control_option(r, "all", "no"), SLICE("yes"));

	if (st == ST_OK && !is_all && !u.query.uids && !u.query.since)
		st = control_fail(r, ST_SYNTAX, SLICE_EMPTY,
				  "name UIDs, or say --since TIME or --all");
	if (st == ST_OK)
		st = control_stored(r, tx, store_undelete(tx, &u, note, r));
	ranges_free(&uids);
	return st;
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_expunged_verbs[] = {
	{ "msg expunged", 1, CONTROL_WORDS_MAX, 0, PLACE_READER,
	  "mailbox gone uid expunged date octets flags keywords from subject id",
	  msg_expunged, NULL },
	{ "msg undelete", 1, CONTROL_WORDS_MAX, CONTROL_CHANGES, PLACE_WRITER, NULL,
	  msg_undelete, NULL },
	{ 0 },
};
