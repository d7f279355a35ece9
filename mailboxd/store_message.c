/* Messages into mailboxes: delivery and APPEND. */
#include "mailboxd/store_priv.h"

#include "common/siphash.h"
#include "mailboxd/envelope_read.h"
#include "mailboxd/prepare.h"

#include <assert.h>

#define PREFIX "Delivered-To: "

/* ---- recipients ---------------------------------------------------------------- */

size_t recipient_prefix_octets(struct slice text)
{
	return text.len ? sizeof PREFIX - 1 + text.len + 2 : 0;
}

static void remember_recipient(struct tx *tx, uint64_t id, struct slice text)
{
	tx->recipient_id = 0;
	if (text.len > sizeof tx->recipient)
		return;
	memcpy(tx->recipient, text.data, text.len);
	tx->recipient_len = text.len;
	tx->recipient_id = id;
}

enum status recipient_intern(struct tx *tx, struct slice text, uint64_t *id)
{
	enum status st;

	*id = 0;
	if (text.len == 0)
		return ST_OK;
	if (tx->recipient_id &&
	    slice_eq(slice_of(tx->recipient, tx->recipient_len), text)) {
		*id = tx->recipient_id;
		return ST_OK;
	}
	st = sql_number(tx, id, "SELECT id FROM recipient WHERE text = ?1",
			SQL_ARGS(sql_t(text)));
	if (st == ST_NOT_FOUND) {
		st = sql_run(tx, "INSERT INTO recipient (text) VALUES (?1)",
			     SQL_ARGS(sql_t(text)));
		if (!st)
			st = sql_number(tx, id, "SELECT id FROM recipient"
					" WHERE text = ?1",
					SQL_ARGS(sql_t(text)));
	}
	if (!st)
		remember_recipient(tx, *id, text);
	return st;
}

enum status recipient_text(struct tx *tx, uint64_t id, struct slice *text)
{
	struct sqlite3_stmt *row;
	enum status st;

	*text = SLICE_EMPTY;
	if (id == 0)
		return ST_OK;
	if (id != tx->recipient_id) {
		st = sql_first(tx, &row, "SELECT text FROM recipient"
			       " WHERE id = ?1", SQL_ARGS(sql_i(id)));
		if (st)
			return st == ST_NOT_FOUND ? ST_OK : st;
		remember_recipient(tx, id, sql_column_bytes(row, 0));
		sql_end(row);
	}
	if (id == tx->recipient_id)
		*text = slice_of(tx->recipient, tx->recipient_len);
	return ST_OK;
}

enum status recipient_prefix(struct tx *tx, uint64_t id, struct buf *prefix)
{
	struct slice text;
	enum status st = recipient_text(tx, id, &text);

	if (st || text.len == 0)
		return st;
	st = buf_append(prefix, SLICE(PREFIX));
	if (!st)
		st = buf_append(prefix, text);
	return st ? st : buf_append(prefix, SLICE("\r\n"));
}

/* ---- references ------------------------------------------------------------------ */

enum status message_reference(struct tx *tx, uint64_t message, int change)
{
	uint64_t count;
	enum status st;

	if (change > 0)
		return sql_run(tx, "INSERT INTO message_ref (message, count)"
			" VALUES (?1, ?2) ON CONFLICT (message)"
			" DO UPDATE SET count = count + ?2",
			SQL_ARGS(sql_i(message), sql_i((uint64_t)change)));
	st = sql_number(tx, &count, "UPDATE message_ref SET count = count + ?2"
			" WHERE message = ?1 RETURNING count",
			SQL_ARGS(sql_i(message), sql_i((uint64_t)(int64_t)change)));
	if (st || count > 0)
		return st == ST_NOT_FOUND ? ST_OK : st;
	atomic_fetch_add(&tx->store->signatures.removed, 1);
	st = sql_run(tx, "DELETE FROM message_ref WHERE message = ?1",
		     SQL_ARGS(sql_i(message)));
	return st ? st : sql_run(tx, "INSERT OR IGNORE INTO garbage (message)"
				 " VALUES (?1)", SQL_ARGS(sql_i(message)));
}

/* ---- the message's own row --------------------------------------------------------- */

static uint64_t thread_of(const struct store *s, const struct prepared *p,
			  uint64_t id)
{
	struct siphash_key key;
	struct slice name = p->thread_id.len ? p->thread_id :
		slice_of((const char *)&id, sizeof id);

	static_assert(sizeof key == sizeof s->thread_key, "SipHash key");
	memcpy(&key, s->thread_key, sizeof key);
	return siphash(&key, name) >> 1;
}

static enum status insert_row(struct tx *tx, const struct store_message *m,
			      const struct prepared *p)
{
	bool is_now = m->internaldate == INT64_MIN;
	int64_t at = is_now ? store_now() : m->internaldate;
	char text[ADDRESS_OCTETS_MAX];
	struct buf sender = { .data = text, .cap = sizeof text, .max = sizeof text };

	envelope_read_from(p->envelope, &sender);	/* "" where it is longer */
	for (size_t i = 0; i < sender.len; i++)
		text[i] = ascii_lower(text[i]);
	return sql_run(tx, "INSERT INTO message (id, internaldate, zone, size,"
		" header_size, thread, sent, sent_day, is_reply, mid,"
		" subject_base, from_sort, to_sort, cc_sort, message_id, refs,"
		" preview, envelope, bodystructure, structure, parts, sender)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
		" ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
		SQL_ARGS(sql_i(m->id), sql_i((uint64_t)at),
			 sql_i((uint64_t)(int64_t)m->zone), sql_i(m->size),
			 sql_i(p->header_size),
			 sql_i(thread_of(tx->store, p, m->id)),
			 p->sent == PREPARE_NO_DATE ? sql_null() :
						      sql_i((uint64_t)p->sent),
			 p->sent_day == PREPARE_NO_DATE ? sql_null() :
						sql_i((uint64_t)p->sent_day),
			 sql_i(p->is_reply), sql_t_or_null(m->mid),
			 sql_t_or_null(p->subject_base),
			 sql_t_or_null(p->from_sort), sql_t_or_null(p->to_sort),
			 sql_t_or_null(p->cc_sort),
			 sql_t_or_null(p->message_id), sql_t_or_null(p->refs),
			 sql_t_or_null(p->preview), sql_b(p->envelope),
			 sql_b(p->bodystructure), sql_b(p->body),
			 sql_b(p->parts), sql_t_or_null(buf_slice(&sender))));
}

enum status message_insert(struct tx *tx, const struct store_message *m,
			   int references)
{
	struct prepared p;
	enum status st;

	st = tx_take_room(tx, m->tail.len + m->prepared.len);
	if (st)
		return st;
	if (prepare_record_decode(m->prepared, &p) || p.size != m->size ||
	    m->size != m->pieces * (uint64_t)STORE_CHUNK + m->tail.len)
		return tx_error(tx, ST_SYNTAX, "no record of this message");
	st = insert_row(tx, m, &p);
	if (!st && (m->tail.len || m->pieces == 0))
		st = body_insert(tx, m->id, m->pieces, m->tail);
	if (!st && m->pieces)
		st = sql_run(tx, "DELETE FROM unfinished WHERE message = ?1",
			     SQL_ARGS(sql_i(m->id)));
	if (!st)
		st = message_reference(tx, m->id, references);
	if (m->id > tx->message_high)
		tx->message_high = m->id;
	if (m->id < tx->message_low)
		tx->message_low = m->id;
	return st;
}

/* ---- entries -------------------------------------------------------------------------- */

void entry_count(struct tx *tx, struct hot *mailbox, struct hot *account,
		 const struct entry *e)
{
	struct mailbox_state *m = &mailbox->now.mailbox;

	array_log_note(&tx->log, &(struct array_change){
		.kind = ARRAY_APPEND, .mailbox = mailbox->id, .low = e->uid,
		.add = e->flags, .modseq = e->modseq, .message = e->message,
	});
	m->messages++;
	m->octets += e->size;
	if (!(e->flags & FLAG_SEEN))
		m->unseen++;
	if (e->flags & FLAG_DELETED) {
		m->deleted++;
		m->deleted_octets += e->size;
	}
	account->now.account.used_octets += e->size;
	account->now.account.used_messages++;
}

enum status entry_insert(struct tx *tx, struct hot *mailbox,
			 struct hot *account, const struct entry *e)
{
	enum status st = sql_run(tx, "INSERT INTO entry (mailbox, uid, flags,"
		" modseq, message, size, saved, recipient)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		SQL_ARGS(sql_i(mailbox->id), sql_i(e->uid), sql_i(e->flags),
			 sql_i(e->modseq), sql_i(e->message), sql_i(e->size),
			 sql_i((uint64_t)e->saved), sql_i(e->recipient)));

	if (!st)
		entry_count(tx, mailbox, account, e);
	return st;
}

enum status entry_open(struct tx *tx, uint64_t id, struct hot **mailbox,
		       struct hot **account)
{
	enum status st = hot_get(tx, HOT_MAILBOX, id, mailbox);

	if (!st)
		st = hot_get(tx, HOT_ACCOUNT, (*mailbox)->now.mailbox.owner,
			     account);
	if (!st)
		st = hot_touch(tx, *mailbox);
	return st ? st : hot_touch(tx, *account);
}

enum status entry_uid(struct tx *tx, struct hot *mailbox, uint32_t *uid)
{
	if (mailbox->now.mailbox.uidnext > STORE_UID_MAX) {
		/* the pruner makes it anew: mailbox_renumber() */
		atomic_store(&tx->store->exhausted, mailbox->id);
		return tx_error(tx, ST_LIMIT, "no UID is left");
	}
	*uid = mailbox->now.mailbox.uidnext++;
	return ST_OK;
}

/* ---- delivery ---------------------------------------------------------------------------- */

static void append_word(struct buf *out, const char *name, struct slice value)
{
	size_t at = out->len;

	if (value.len == 0)
		return;
	buf_append_fmt(out, " %s=%.*s", name, SLICE_ARG(slice_head(value, 255)));
	/* one word, whatever the client called itself */
	for (at++; at < out->len; at++)
		if ((unsigned char)out->data[at] <= ' ' || out->data[at] == 127)
			out->data[at] = '_';
}

/* Whom it came from: once a message. */
static void append_origin(struct buf *out, const struct store_message *m)
{
	append_word(out, "client", m->client);
	append_word(out, "helo", m->helo);
	append_word(out, "login", m->login);
	append_word(out, "tls", m->tls);
}

static enum status journal_delivery(struct tx *tx,
				    const struct store_message *m,
				    const struct store_delivery *d, bool is_first)
{
	struct range one = { d->uid, d->uid };
	struct ranges uids = { .items = &one, .count = 1, .cap = 1, .max = 1 };
	char text[1536];
	struct buf detail = { .data = text, .cap = sizeof text,
			      .max = sizeof text };
	const struct store_actor who = { .account = d->account, .sid = m->sid };

	/* addresses have no space; a cut one is better than no row */
	buf_append_fmt(&detail, "octets=%llu from=<%.*s>",
		       (unsigned long long)m->size,
		       SLICE_ARG(slice_head(m->sender, 320)));
	if (is_first)
		append_origin(&detail, m);
	append_word(&detail, "to", d->recipient);
	store_act_as(tx, &who);
	return journal_add(tx, "deliver", d->mailbox, m->mid, &uids,
			   buf_slice(&detail));
}

static enum status deliver_one(struct tx *tx, const struct store_message *m,
			       struct store_delivery *d, bool is_first)
{
	struct hot *mailbox, *account;
	struct entry e = { .message = m->id, .saved = store_now(),
			   .size = m->size +
				   recipient_prefix_octets(d->recipient) };
	uint32_t set = 0;
	enum status st = entry_open(tx, d->mailbox, &mailbox, &account);

	if (!st && m->is_junk)
		st = keyword_set_intern(tx, mailbox->id, SLICE("$Junk"), &set);
	/* one that has no room for another keyword gets its mail all the same */
	if (st == ST_LIMIT)
		st = ST_OK;
	e.flags = flags_join(0, set);
	if (!st)
		st = entry_uid(tx, mailbox, &e.uid);
	if (!st)
		st = mailbox_next_modseq(tx, mailbox, &e.modseq);
	if (!st)
		st = recipient_intern(tx, d->recipient, &e.recipient);
	if (!st)
		st = entry_insert(tx, mailbox, account, &e);
	if (st)
		return st;
	d->uid = e.uid;
	d->account = account->id;
	tx->delivered++;
	return journal_delivery(tx, m, d, is_first);
}

/* How many different mailboxes there are; the others get uid 0 and no entry. */
static size_t mark_repeated(struct store_delivery *d, size_t count)
{
	size_t different = 0;

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < i && d[j].mailbox != d[i].mailbox)
			j++;
		d[i].uid = j == i;
		different += j == i;
	}
	return different;
}

/* Each delivery goes to the mailbox for junk of the account that owns the one it
 * would have gone to. */
static enum status to_junk(struct tx *tx, struct store_delivery *d, size_t count)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < count && !st; i++) {
		uint64_t id;

		st = sql_number(tx, &id, "SELECT id FROM mailbox WHERE"
				" special_use = '\\Junk' AND owner = (SELECT owner"
				" FROM mailbox WHERE id = ?1)",
				SQL_ARGS(sql_i(d[i].mailbox)));
		if (st == ST_OK)
			d[i].mailbox = id;
		else if (st == ST_NOT_FOUND)
			st = ST_OK;
	}
	return st;
}

enum status store_deliver(struct tx *tx, const struct store_message *m,
			  struct store_delivery *deliveries, size_t count)
{
	size_t different;
	enum status st = m->is_junk ? to_junk(tx, deliveries, count) : ST_OK;

	assert(count > 0);
	if (st)
		return st;
	different = mark_repeated(deliveries, count);
	if (journal_is_barred(tx->store, m->mid))
		return tx_error(tx, ST_DENIED, "it was said not to be here");
	st = message_insert(tx, m, (int)different);
	for (size_t i = 0; i < count && !st; i++)
		if (deliveries[i].uid)
			st = deliver_one(tx, m, &deliveries[i], i == 0);
	return st;
}

/* ---- APPEND ------------------------------------------------------------------------------ */

/* RFC 4314 section 4: flags that the account may not set are left out. *seen: it stands
 * beside them. */
static void take_flags(const struct store_access *as, const struct store_append *a,
		       uint32_t *flags, struct slice *keywords, bool *seen)
{
	*flags = a->flags;
	*keywords = a->keywords;
	*seen = false;
	if (store_access_is_owners(as))
		return;
	*flags &= rights_flags(as->rights);
	if (!(as->rights & STORE_RIGHT_WRITE))
		*keywords = SLICE_EMPTY;
	*seen = a->flags & FLAG_SEEN && as->rights & STORE_RIGHT_SEEN;
}

static enum status append_one(struct tx *tx, struct hot *mailbox,
			      struct hot *account, uint64_t modseq,
			      const struct store_access *as, struct ranges *seen_uids,
			      struct store_append *a)
{
	struct slice keywords;
	uint32_t flags;
	bool seen;

	struct entry e = { .message = a->message.id, .saved = store_now(),
			   .modseq = modseq, .size = a->message.size };
	uint32_t set;
	enum status st = account_check_quota(tx, &account->now.account,
					     a->message.size, 1);

	take_flags(as, a, &flags, &keywords, &seen);
	if (!st)
		st = keyword_set_intern(tx, mailbox->id, keywords, &set);
	if (!st)
		st = message_insert(tx, &a->message, 1);
	if (!st)
		st = entry_uid(tx, mailbox, &e.uid);
	if (!st && seen)
		st = ranges_add(seen_uids, e.uid, e.uid);
	if (st)
		return st;
	e.flags = flags_join(flags, set);
	a->uid = e.uid;
	return entry_insert(tx, mailbox, account, &e);
}

/* A row each: a message is found by its mid. */
static enum status journal_appended(struct tx *tx, uint64_t mailbox,
				    const struct store_append *messages,
				    size_t count)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < count && !st; i++) {
		struct range one = { messages[i].uid, messages[i].uid };
		struct ranges uids = { .items = &one, .count = 1, .cap = 1,
				       .max = 1 };

		st = journal_add(tx, "append", mailbox, messages[i].message.mid,
				 &uids, SLICE_EMPTY);
	}
	return st;
}

enum status store_append(struct tx *tx, uint64_t id, const struct store_access *as,
			 struct store_append *messages, size_t count,
			 uint32_t *uidvalidity)
{
	struct ranges seen = RANGES_INIT(RANGES_MAX);
	struct hot *mailbox, *account;
	uint64_t modseq;
	enum status st = entry_open(tx, id, &mailbox, &account);

	assert(count > 0);
	if (!st)
		st = mailbox_next_modseq(tx, mailbox, &modseq);
	for (size_t i = 0; i < count && !st; i++)
		st = append_one(tx, mailbox, account, modseq, as, &seen,
				&messages[i]);
	if (!st && seen.count)
		st = seen_change(tx, as, &seen, true, modseq);
	ranges_free(&seen);
	if (st)
		return st;
	*uidvalidity = mailbox->now.mailbox.uidvalidity;
	return journal_appended(tx, id, messages, count);
}
