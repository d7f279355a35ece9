#include "tests/support/store_dump.h"

#include "common/digest.h"

#include <stdlib.h>

#define MAILBOXES_MAX 200
#define ITEMS (FETCH_FLAGS | FETCH_MODSEQ | FETCH_SIZE | FETCH_INTERNALDATE | \
	       FETCH_SAVEDATE | FETCH_EMAILID | FETCH_UIDL | FETCH_ALL_OCTETS)

struct dump {
	struct tx *tx;
	struct buf *out;
	unsigned what;
	uint64_t ids[MAILBOXES_MAX];	/* accounts, or mailboxes of one */
	size_t count;
	struct buf octets;		/* of one message */
	struct fetch_row row;		/* whose octets they are */
};

/* ---- lines of the directory ------------------------------------------------------- */

static enum status dump_domain(void *arg, const struct store_domain *d)
{
	return buf_append_fmt(((struct dump *)arg)->out,
		"domain %.*s separator=%.*s catchall=%.*s postmaster=%.*s\n",
		SLICE_ARG(d->name), SLICE_ARG(d->separator),
		SLICE_ARG(d->catchall), SLICE_ARG(d->postmaster));
}

static enum status dump_alias(void *arg, struct slice alias, struct slice target)
{
	return buf_append_fmt(((struct dump *)arg)->out, "alias %.*s -> %.*s\n",
			      SLICE_ARG(alias), SLICE_ARG(target));
}

static enum status dump_credential(void *arg, const struct store_credential *c)
{
	return buf_append_fmt(((struct dump *)arg)->out,
		"  credential \"%.*s\" scopes=%u octets=%zu\n",
		SLICE_ARG(c->label), c->scopes, c->verifier.len);
}

static enum status dump_certificate(void *arg, const struct store_certificate *c)
{
	return buf_append_fmt(((struct dump *)arg)->out,
		"  certificate %.*s scopes=%u octets=%zu\n",
		SLICE_ARG(c->subject), c->scopes, c->key.len);
}

static enum status dump_untold(void *arg, struct slice mid, struct slice key,
			       int64_t at)
{
	(void)at;
	return buf_append_fmt(((struct dump *)arg)->out, "untold %.*s %zu\n",
			      SLICE_ARG(mid), key.len);
}

static enum status dump_journal(void *arg, const struct store_journal_row *r)
{
	return buf_append_fmt(((struct dump *)arg)->out,
		"journal %llu %.*s mid=%.*s account=%llu mailbox=%llu"
		" uids=%.*s %.*s\n", (unsigned long long)r->id,
		SLICE_ARG(r->verb), SLICE_ARG(r->mid),
		(unsigned long long)r->account, (unsigned long long)r->mailbox,
		SLICE_ARG(r->uids), SLICE_ARG(r->detail));
}

/* ---- messages ------------------------------------------------------------------------ */

struct names {
	uint32_t set;
	struct buf *out;
};

static enum status find_names(void *arg, uint32_t set, struct slice names)
{
	struct names *n = arg;

	if (set == n->set)
		return buf_append(n->out, names);
	return ST_OK;
}

/* What a try that failed takes away from the next one. */
static enum status dump_ids(struct dump *d)
{
	if (!(d->what & DUMP_IDS))
		return ST_OK;
	return buf_append_fmt(d->out, " id=%llu modseq=%llu",
			      (unsigned long long)d->row.emailid,
			      (unsigned long long)d->row.modseq);
}

static enum status dump_message(struct dump *d, uint64_t mailbox)
{
	const struct fetch_row *r = &d->row;
	unsigned char digest[DIGEST_OCTETS];
	char hex[DIGEST_OCTETS * 2 + 1];
	char keywords[1024] = "";
	struct buf words = { .data = keywords, .cap = sizeof keywords,
			     .max = sizeof keywords };
	struct names n = { flags_keyword_set(r->flags), &words };
	enum status st = ST_OK;

	if (!digest_of(buf_slice(&d->octets), digest))
		return ST_NO_MEMORY;
	digest_hex(digest, hex);
	if (n.set)
		st = store_keyword_sets(d->tx, mailbox, n.set - 1, find_names, &n);
	if (!st)
		st = buf_append_fmt(d->out, "    %u flags=%u (%.*s) size=%llu"
			" date=%lld %d saved=%lld uidl=%.*s octets=%zu %.16s",
			r->uid, flags_system(r->flags),
			SLICE_ARG(buf_slice(&words)),
			(unsigned long long)r->size,
			(long long)r->internaldate, r->zone,
			(long long)r->savedate, SLICE_ARG(r->uidl),
			d->octets.len, hex);
	if (!st)
		st = dump_ids(d);
	return st ? st : buf_append_char(d->out, '\n');
}

/* Rows of one frame; the last one's octets may go on in the next frames. */
static enum status dump_rows(struct dump *d, uint64_t mailbox,
			     struct slice rows, bool streams)
{
	enum status st = ST_OK;
	struct fetch_row row;

	while (!st && fetch_row_decode(&rows, ITEMS, &row) == ST_OK) {
		d->row = row;
		d->octets.len = 0;
		st = buf_append(&d->octets, d->row.octets);
		if (!st && !(streams && rows.len == 0))
			st = dump_message(d, mailbox);
		d->row.uidl = SLICE_EMPTY;
	}
	return st;
}

static enum status dump_messages(struct dump *d, uint64_t mailbox)
{
	struct store_fetch f = { .mailbox = mailbox, .items = ITEMS };
	struct buf frame = BUF_INIT((size_t)4 << 20);
	enum status st, more;

	do {
		frame.len = 0;
		more = store_fetch(d->tx, &f, 65536, &frame);
		st = more == ST_MORE ? ST_OK : more;
		if (!st && f.is_body) {
			st = buf_append(&d->octets, buf_slice(&frame));
			if (!st && !f.streaming)
				st = dump_message(d, mailbox);
		} else if (!st) {
			st = dump_rows(d, mailbox, buf_slice(&frame),
				       f.streaming != 0);
		}
	} while (!st && more == ST_MORE);
	buf_free(&frame);
	return st;
}

static enum status dump_vanished(struct dump *d, uint64_t mailbox)
{
	struct ranges gone = RANGES_INIT(RANGES_MAX);
	struct store_changes c = { .mailbox = mailbox, .since = 1,
				   .vanished = &gone };
	struct buf rows = BUF_INIT((size_t)4 << 20);
	enum status st = store_changes(d->tx, &c, (size_t)4 << 20, &rows);

	for (size_t i = 0; i < gone.count && !st; i++)
		st = buf_append_fmt(d->out, "    vanished %u:%u\n",
				    gone.items[i].low, gone.items[i].high);
	ranges_free(&gone);
	buf_free(&rows);
	return st;
}

/* ---- mailboxes and accounts -------------------------------------------------------------- */

static enum status dump_mailbox_line(void *arg, const struct store_mailbox *m)
{
	struct dump *d = arg;

	if (m->id && d->count < MAILBOXES_MAX)
		d->ids[d->count++] = m->id;
	return buf_append_fmt(d->out, "  mailbox %llu \"%.*s\" %.*s"
		" attributes=%u uidvalidity=%u uidnext=%u messages=%u unseen=%u"
		" recent=%u deleted=%u octets=%llu deleted_octets=%llu\n",
		(unsigned long long)m->id, SLICE_ARG(m->name),
		SLICE_ARG(m->special_use), m->attributes, m->uidvalidity,
		m->uidnext, m->messages, m->unseen, m->recent, m->deleted,
		(unsigned long long)m->octets,
		(unsigned long long)m->deleted_octets);
}

static enum status dump_mailboxes(struct dump *d, uint64_t account)
{
	enum status st;

	d->count = 0;
	st = store_mailbox_list(d->tx, account, IPC_LIST_COUNTS,
				dump_mailbox_line, d);
	for (size_t i = 0; i < d->count && !st; i++) {
		st = buf_append_fmt(d->out, "   in %llu\n",
				    (unsigned long long)d->ids[i]);
		if (!st)
			st = dump_messages(d, d->ids[i]);
		if (!st && d->what & DUMP_VANISHED)
			st = dump_vanished(d, d->ids[i]);
	}
	return st;
}

static enum status note_account(void *arg, const struct store_account *a)
{
	struct dump *d = arg;

	if (d->count < MAILBOXES_MAX)
		d->ids[d->count++] = a->id;
	return ST_OK;
}

static enum status dump_account(struct dump *d, uint64_t id)
{
	struct store_account a;
	struct store_quota q;
	enum status st = store_account_get(d->tx, id, &a);

	if (!st)
		st = store_quota(d->tx, id, &q);
	if (!st)
		st = buf_append_fmt(d->out, "account %llu %.*s disabled=%d"
			" octets=%llu/%llu messages=%llu/%llu\n",
			(unsigned long long)id, SLICE_ARG(a.name), a.is_disabled,
			(unsigned long long)q.used_octets,
			(unsigned long long)q.limit_octets,
			(unsigned long long)q.used_messages,
			(unsigned long long)q.limit_messages);
	if (!st)
		st = store_credential_list(d->tx, id, dump_credential, d);
	if (!st)
		st = store_certificate_list(d->tx, id, dump_certificate, d);
	return st ? st : dump_mailboxes(d, id);
}

enum status store_dump(struct tx *tx, unsigned what, struct buf *out)
{
	const struct store_journal_query all = { .limit = 1000000 };
	uint64_t accounts[MAILBOXES_MAX];
	struct dump *d = calloc(1, sizeof *d);
	enum status st = ST_NO_MEMORY;
	size_t count = 0;

	if (d) {
		*d = (struct dump){ .tx = tx, .out = out, .what = what,
				    .octets = BUF_INIT((size_t)64 << 20) };
		st = store_domain_list(tx, dump_domain, d);
	}
	if (!st)
		st = store_alias_list(tx, dump_alias, d);
	if (!st)
		st = store_account_list(tx, note_account, d);
	if (!st) {
		count = d->count;
		memcpy(accounts, d->ids, count * sizeof *accounts);
	}
	for (size_t i = 0; i < count && !st; i++)
		st = dump_account(d, accounts[i]);
	if (!st && what & DUMP_JOURNAL)
		st = store_untold_list(tx, dump_untold, d);
	if (!st && what & DUMP_JOURNAL)
		st = store_journal_list(tx, &all, dump_journal, d);
	if (d)
		buf_free(&d->octets);
	free(d);
	return st;
}
