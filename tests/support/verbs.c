#include "tests/support/verbs.h"

#include "common/id.h"
#include "mailboxd/prepare.h"
#include "tests/support/fault_vfs.h"

#include <stdio.h>
#include <stdlib.h>

#define FAR INT64_C(1) << 40	/* a time at which all may be pruned */

unsigned verbs_pick(struct verbs *v, unsigned n)
{
	return fault_pick(&v->seed, n);
}

static uint64_t any_mailbox(struct verbs *v)
{
	return v->mailboxes[verbs_pick(v, VERBS_MAILBOXES)];
}

/* Around the last messages of a mailbox. */
static enum status any_uids(struct verbs *v, struct tx *tx, uint64_t mailbox,
			    struct ranges *r)
{
	struct store_mailbox m;
	enum status st = store_mailbox_get(tx, mailbox, &m);
	uint32_t low, n = verbs_pick(v, 8);

	*r = (struct ranges)RANGES_INIT(RANGES_MAX);
	if (st)
		return st;
	low = 1 + verbs_pick(v, m.uidnext);
	ranges_add(r, low, low + n);
	if (verbs_pick(v, 3) == 0)
		ranges_add(r, low + n + 3, low + n + 3 + verbs_pick(v, 20));
	return ST_OK;
}

/* ---- mail in ----------------------------------------------------------------------- */

/* Text of some octets that differ from message to message. */
static char *make_text(struct verbs *v, size_t octets, size_t *len)
{
	char *text = malloc(octets + 200);
	int n;

	if (!text)
		abort();
	n = snprintf(text, 200, "From: a@example.test\r\nSubject: %u\r\n\r\n",
		     verbs_pick(v, 1000000));
	*len = (size_t)n;
	while (*len < octets)
		*len += (size_t)snprintf(text + *len, 100, "%08x%08x\r\n",
					 verbs_pick(v, UINT32_MAX),
					 verbs_pick(v, UINT32_MAX));
	return text;
}

static void fill_message(struct verbs *v, struct store_message *m,
			 struct slice octets, struct buf *record,
			 struct id *mid)
{
	struct prepare *p = prepare_new();

	if (!p || prepare_feed(p, octets) || prepare_end(p, record))
		abort();
	prepare_free(p);
	v->message_id = store_message_id(v->store);
	*mid = id_make(ID_MESSAGE);
	*m = (struct store_message){ .id = v->message_id,
				     .mid = id_slice(mid),
				     .sid = SLICE("s1"),
				     .prepared = buf_slice(record),
				     .size = octets.len, .tail = octets,
				     .internaldate = 1700000000, .zone = 60,
				     .sender = SLICE("x@example.net"),
				     .client = SLICE("192.0.2.1") };
}

static enum status deliver(struct verbs *v, struct tx *tx, size_t octets)
{
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
	struct store_delivery d[VERBS_MAILBOXES];
	size_t n = 1 + verbs_pick(v, VERBS_MAILBOXES), len;
	char *text = make_text(v, octets, &len);
	struct store_message m;
	struct slice rest = slice_of(text, len);
	struct id mid;
	enum status st = ST_OK;

	for (size_t i = 0; i < n; i++)
		d[i] = (struct store_delivery){
			.mailbox = any_mailbox(v),
			.recipient = verbs_pick(v, 2) ?
				SLICE("ann@example.test") :
				SLICE("x@example.test") };
	fill_message(v, &m, rest, &record, &mid);
	while (!st && rest.len > STORE_CHUNK) {
		st = store_body_put(tx, m.id, m.pieces++,
				    slice_head(rest, STORE_CHUNK));
		rest = slice_from(rest, STORE_CHUNK);
	}
	m.tail = rest;
	if (!st)
		st = store_deliver(tx, &m, d, n);
	if (!st && verbs_pick(v, 2))
		st = store_untold_add(tx, m.mid, SLICE("key"), 1700000000);
	buf_free(&record);
	free(text);
	return st;
}

static enum status run_deliver(struct verbs *v, struct tx *tx)
{
	return deliver(v, tx, 100 + verbs_pick(v, 6000));
}

static enum status run_deliver_large(struct verbs *v, struct tx *tx)
{
	return deliver(v, tx, STORE_CHUNK + 1 + verbs_pick(v, STORE_CHUNK));
}

static enum status run_append(struct verbs *v, struct tx *tx)
{
	struct buf records[2] = { BUF_INIT(PREPARE_RECORD_MAX),
				  BUF_INIT(PREPARE_RECORD_MAX) };
	struct store_append a[2] = { 0 };
	struct id mids[2];
	char *texts[2] = { 0 };
	size_t n = 1 + verbs_pick(v, 2), len;
	uint32_t uidvalidity;
	enum status st;

	for (size_t i = 0; i < n; i++) {
		texts[i] = make_text(v, 100 + verbs_pick(v, 3000), &len);
		fill_message(v, &a[i].message, slice_of(texts[i], len),
			     &records[i], &mids[i]);
		a[i].flags = verbs_pick(v, 32);
		a[i].keywords = verbs_pick(v, 2) ? SLICE("k1 k2") : SLICE_EMPTY;
	}
	st = store_append(tx, any_mailbox(v), NULL, a, n, &uidvalidity);
	for (size_t i = 0; i < n; i++) {
		buf_free(&records[i]);
		free(texts[i]);
	}
	return st;
}

/* ---- changes -------------------------------------------------------------------------- */

static enum status run_flags(struct verbs *v, struct tx *tx)
{
	static const char *const words[] = { "", "a", "b c", "$x a" };
	struct ranges uids;
	struct store_flag_change c = { .mailbox = any_mailbox(v), .uids = &uids,
				       .unchanged_since = UINT64_MAX };
	enum status st = any_uids(v, tx, c.mailbox, &uids);

	c.mode = verbs_pick(v, 3);
	c.flags = verbs_pick(v, 32);
	c.keywords = slice_str(words[verbs_pick(v, 4)]);
	if (!st)
		st = store_flags(tx, &c);
	ranges_free(&uids);
	return st;
}

static enum status copy(struct verbs *v, struct tx *tx, bool is_move)
{
	struct ranges source = RANGES_INIT(RANGES_MAX), uids;
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = any_mailbox(v), .to = any_mailbox(v),
				.uids = &uids, .is_move = is_move,
				.source = &source, .target = &target };
	enum status st = any_uids(v, tx, c.from, &uids);

	if (!st)
		st = store_copy(tx, &c);
	if (!st && ranges_size(&source) != ranges_size(&target))
		abort();
	ranges_free(&source);
	ranges_free(&target);
	ranges_free(&uids);
	return st;
}

static enum status run_copy(struct verbs *v, struct tx *tx)
{
	return copy(v, tx, false);
}

static enum status run_move(struct verbs *v, struct tx *tx)
{
	return copy(v, tx, true);
}

static enum status run_expunge(struct verbs *v, struct tx *tx)
{
	struct ranges gone = RANGES_INIT(RANGES_MAX), uids;
	uint64_t mailbox = any_mailbox(v), modseq;
	enum status st = any_uids(v, tx, mailbox, &uids);

	if (!st)
		st = store_expunge(tx, mailbox, &uids, verbs_pick(v, 2), &gone,
				   &modseq);
	ranges_free(&gone);
	ranges_free(&uids);
	return st;
}

static enum status run_prune(struct verbs *v, struct tx *tx)
{
	bool more;

	(void)v;
	return store_prune(tx, FAR, &more);
}

static enum status run_recent(struct verbs *v, struct tx *tx)
{
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	struct store_opened opened;
	enum status st = store_mailbox_open(tx, v->account, SLICE("INBOX"),
					    true, &uids, &opened);

	ranges_free(&uids);
	return st;
}

static enum status run_read(struct verbs *v, struct tx *tx)
{
	const struct store_actor who = {
		.account = v->account, .sid = SLICE("s1"),
		.service = SLICE("imap"), .client = SLICE("192.0.2.1"),
	};
	uint64_t mailbox = any_mailbox(v);
	struct ranges uids;
	enum status st = any_uids(v, tx, mailbox, &uids);

	store_act_as(tx, &who);
	if (!st)
		st = store_sent(tx, mailbox, &uids);
	ranges_free(&uids);
	return st;
}

/* ---- mailboxes and accounts --------------------------------------------------------------- */

static struct slice any_name(struct verbs *v)
{
	static const char *const names[] = { "P", "P/Q", "P/Q/R", "S", "S/T",
					     "Archive/U" };

	return slice_str(names[verbs_pick(v, sizeof names / sizeof *names)]);
}

static enum status run_create(struct verbs *v, struct tx *tx)
{
	return store_mailbox_create(tx, v->account, any_name(v), SLICE_EMPTY,
				    NULL);
}

static enum status run_rename(struct verbs *v, struct tx *tx)
{
	struct slice from = verbs_pick(v, 8) ? any_name(v) : SLICE("INBOX");

	return store_mailbox_rename(tx, v->account, from, any_name(v));
}

static enum status run_delete(struct verbs *v, struct tx *tx)
{
	return store_mailbox_delete(tx, v->account, any_name(v));
}

static enum status run_subscribe(struct verbs *v, struct tx *tx)
{
	return store_mailbox_subscribe(tx, v->account, any_name(v),
				       verbs_pick(v, 2));
}

static const char *any_account(struct verbs *v)
{
	static const char *const names[] = { "eve@example.test",
					     "fay@example.test" };

	return names[verbs_pick(v, 2)];
}

static enum status run_account_add(struct verbs *v, struct tx *tx)
{
	struct address a = temp_address(tx, any_account(v));
	struct store_credential c = { .label = SLICE("phone"),
				      .scopes = STORE_SCOPE_ALL,
				      .verifier = SLICE("none") };
	enum status st = store_account_add(tx, &a, &c.account);

	return st ? st : store_credential_put(tx, &c, NULL);
}

static enum status run_account_remove(struct verbs *v, struct tx *tx)
{
	struct store_account a;
	enum status st = store_account_find(tx, slice_str(any_account(v)), &a);

	return st ? st : store_account_remove(tx, a.id);
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum status (*run)(struct verbs *v, struct tx *tx);
	enum job_sync sync;
} verbs[VERB_COUNT] = {
	[VERB_DELIVER] = { "deliver", run_deliver, JOB_SYNC_FULL },
	[VERB_FLAGS] = { "flags", run_flags, JOB_SYNC_NORMAL },
	[VERB_COPY] = { "copy", run_copy, JOB_SYNC_FULL },
	[VERB_MOVE] = { "move", run_move, JOB_SYNC_FULL },
	[VERB_EXPUNGE] = { "expunge", run_expunge, JOB_SYNC_FULL },
	[VERB_PRUNE] = { "prune", run_prune, JOB_SYNC_NORMAL },
	[VERB_DELIVER_LARGE] = { "deliver large", run_deliver_large,
				 JOB_SYNC_FULL },
	[VERB_APPEND] = { "append", run_append, JOB_SYNC_FULL },
	[VERB_CREATE] = { "create", run_create, JOB_SYNC_FULL },
	[VERB_RENAME] = { "rename", run_rename, JOB_SYNC_FULL },
	[VERB_DELETE] = { "delete", run_delete, JOB_SYNC_FULL },
	[VERB_SUBSCRIBE] = { "subscribe", run_subscribe, JOB_SYNC_FULL },
	[VERB_RECENT] = { "recent", run_recent, JOB_SYNC_NORMAL },
	[VERB_READ] = { "read", run_read, JOB_SYNC_NORMAL },
	[VERB_ACCOUNT_ADD] = { "account add", run_account_add, JOB_SYNC_FULL },
	[VERB_ACCOUNT_REMOVE] = { "account remove", run_account_remove,
				  JOB_SYNC_FULL },
};

void verbs_init(struct verbs *v, struct temp_store *t, uint64_t seed)
{
	if (prepare_load())
		abort();
	*v = (struct verbs){ .store = t->store, .account = t->ann,
			     .seed = seed,
			     .mailboxes = { t->inbox,
					    temp_mailbox(t, "Archive"),
					    temp_mailbox(t, "Trash") } };
}

const char *verb_name(enum verb verb)
{
	return verbs[verb].name;
}

enum job_sync verb_sync(enum verb verb)
{
	return verbs[verb].sync;
}

enum status verb_run(struct verbs *v, enum verb verb, struct tx *tx)
{
	return verbs[verb].run(v, tx);
}

bool verb_is_refusal(enum status st)
{
	return st == ST_NOT_FOUND || st == ST_EXISTS || st == ST_DENIED ||
	       st == ST_QUOTA;
}
