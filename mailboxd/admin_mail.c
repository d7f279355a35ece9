/*
 * Verbs about mailboxes and messages.
 */
#include "mailboxd/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/date.h"
#include "common/id.h"
#include "mailboxd/envelope_read.h"
#include "mailboxd/prepare.h"

/* ---- mailbox -------------------------------------------------------------------- */

static enum status mailbox_row(void *arg, const struct store_mailbox *m)
{
	struct request *r = arg;

	control_text(r, m->name);
	control_text(r, m->special_use);
	control_u64(r, m->messages);
	control_u64(r, m->unseen);
	control_u64(r, m->octets);
	control_u64(r, m->uidvalidity);
	control_u64(r, m->uidnext);
	control_text(r, m->attributes & IPC_MAILBOX_SUBSCRIBED ? SLICE("yes")
							      : SLICE("no"));
	return control_row(r);
}

static enum status mailbox_list(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	st = store_mailbox_list(tx, account.id, IPC_LIST_COUNTS, mailbox_row, r);
	return control_stored(r, tx, st);
}

static enum status mailbox_done(struct request *r, struct tx *tx, size_t word,
				enum status st)
{
	struct slice name = control_of(r)->words[word];

	control_of(r)->rows = 1;
	switch (st) {
	case ST_OK:
		return st;
	case ST_NOT_FOUND:
		return control_fail(r, st, control_of(r)->words[1],
				    "no such mailbox; postroom mailbox list shows all");
	case ST_EXISTS:
		return control_fail(r, st, name, "that mailbox is there already");
	case ST_SYNTAX:
		return control_fail(r, st, name, "no mailbox can have that name");
	case ST_DENIED:
		return control_fail(r, st, name, "that cannot be done to it");
	default:
		return request_store_failed(r, st, tx, "");
	}
}

static enum status mailbox_create(struct request *r, struct tx *tx)
{
	struct store_account account;
	uint64_t id;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	st = store_mailbox_create(tx, account.id, control_of(r)->words[1],
				  control_option(r, "use", ""), &id);
	return mailbox_done(r, tx, 1, st);
}

static enum status mailbox_rename(struct request *r, struct tx *tx)
{
	const struct control *c = control_of(r);
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	st = store_mailbox_rename(tx, account.id, c->words[1], c->words[2]);
	return mailbox_done(r, tx, 2, st);
}

static enum status mailbox_rm(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	st = store_mailbox_delete(tx, account.id, control_of(r)->words[1]);
	return mailbox_done(r, tx, 1, st);
}

/* ---- msg -------------------------------------------------------------------------- */

#define LIST_ITEMS (FETCH_FLAGS | FETCH_SIZE | FETCH_INTERNALDATE | \
		    FETCH_EMAILID | FETCH_ENVELOPE)

/* The account in word 0 and the mailbox in word 1, INBOX where there is none. */
static enum status find_mailbox(struct request *r, struct tx *tx,
				struct store_mailbox *mailbox)
{
	struct control *c = control_of(r);
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	if (c->count < 2)
		c->words[1] = SLICE("INBOX");
	return control_mailbox(r, tx, account.id, 1, mailbox);
}

static enum status list_row(struct request *r, const struct fetch_row *row)
{
	control_u64(r, row->uid);
	control_time(r, row->internaldate * 1000);
	control_u64(r, row->size);
	control_flags(r, row->flags);
	control_envelope(r, envelope_read_from, row->envelope);
	control_envelope(r, envelope_read_subject, row->envelope);
	control_u64(r, row->emailid);
	return control_row(r);
}

static enum status each_row(struct request *r, struct slice rows,
			    uint32_t items,
			    enum status (*f)(struct request *r,
					     const struct fetch_row *row))
{
	struct fetch_row row;
	enum status st;

	while ((st = fetch_row_decode(&rows, items, &row)) == ST_OK) {
		st = f(r, &row);
		if (st != ST_OK)
			return st;
	}
	return st == ST_MORE ? ST_OK : st;
}

/* One slice a call; the cursor stays in the request. */
static enum status msg_list(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct buf rows = BUF_INIT(PREPARE_RECORD_MAX + 131072);
	struct slice after = control_option(r, "after", "0");
	unsigned long long uid = 0;
	struct store_mailbox box;
	enum status st = find_mailbox(r, tx, &box), more;

	if (st == ST_OK && !slice_number(after, UINT32_MAX - 1, &uid))
		st = control_fail(r, ST_SYNTAX, after, "after= wants a UID");
	if (st != ST_OK)
		return st;
	if (c->fetch.mailbox == 0) {
		c->fetch.mailbox = box.id;
		c->fetch.items = LIST_ITEMS;
		c->fetch.next_uid = (uint32_t)uid + 1;
	}
	more = store_fetch(tx, &c->fetch, 65536, &rows);
	st = more == ST_OK || more == ST_MORE
		? each_row(r, buf_slice(&rows), LIST_ITEMS, list_row)
		: request_store_failed(r, more, tx, "");
	buf_free(&rows);
	return st == ST_OK ? more : st;
}

/* The message whose UID is in word 2. */
static enum status find_message(struct request *r, struct tx *tx,
				struct store_mailbox *box, uint32_t *uid)
{
	uint64_t number;
	enum status st = find_mailbox(r, tx, box);

	if (st == ST_OK)
		st = control_number(r, 2, UINT32_MAX, &number);
	if (st == ST_OK)
		*uid = (uint32_t)number;
	return st;
}

static enum status show(struct request *r, const char *name, struct slice value)
{
	control_text(r, slice_str(name));
	control_text(r, slice_head(value, 8192));
	return control_row(r);
}

#define SHOW_ITEMS (FETCH_FLAGS | FETCH_MODSEQ | FETCH_SIZE | \
		    FETCH_INTERNALDATE | FETCH_SAVEDATE | FETCH_EMAILID | \
		    FETCH_THREADID | FETCH_ENVELOPE | FETCH_BODYSTRUCTURE | \
		    FETCH_PREVIEW)

static enum status show_number(struct request *r, const char *name,
			       uint64_t value)
{
	control_text(r, slice_str(name));
	control_u64(r, value);
	return control_row(r);
}

static enum status show_envelope(struct request *r, const char *name,
				 control_read *read, const struct fetch_row *row)
{
	control_text(r, slice_str(name));
	control_envelope(r, read, row->envelope);
	return control_row(r);
}

static enum status show_row(struct request *r, const struct fetch_row *row)
{
	enum status st = show_number(r, "uid", row->uid);

	if (st == ST_OK)
		st = show_envelope(r, "from", envelope_read_from, row);
	if (st == ST_OK)
		st = show_envelope(r, "subject", envelope_read_subject, row);
	if (st == ST_OK)
		st = show_envelope(r, "date", envelope_read_date, row);
	control_text(r, SLICE("received"));
	control_time(r, row->internaldate * 1000);
	if (st == ST_OK)
		st = control_row(r);
	control_text(r, SLICE("flags"));
	control_flags(r, row->flags);
	if (st == ST_OK)
		st = control_row(r);
	if (st == ST_OK)
		st = show_number(r, "octets", row->size);
	if (st == ST_OK)
		st = show_number(r, "modseq", row->modseq);
	if (st == ST_OK)
		st = show_number(r, "id", row->emailid);
	if (st == ST_OK)
		st = show_number(r, "thread", row->threadid);
	if (st == ST_OK)
		st = show(r, "structure", row->bodystructure);
	return st == ST_OK ? show(r, "preview", row->preview) : st;
}

static enum status msg_show(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct buf rows = BUF_INIT(PREPARE_RECORD_MAX + 131072);
	struct ranges one = RANGES_INIT(1);
	struct store_fetch fetch = { .uids = &one, .items = SHOW_ITEMS };
	struct store_mailbox box;
	uint32_t uid;
	enum status st = find_message(r, tx, &box, &uid);

	if (st == ST_OK)
		st = ranges_add(&one, uid, uid);
	if (st == ST_OK) {
		fetch.mailbox = box.id;
		st = store_fetch(tx, &fetch, 1, &rows);
		if (st != ST_OK && st != ST_MORE)
			request_store_failed(r, st, tx, "");
		else
			st = each_row(r, buf_slice(&rows), SHOW_ITEMS, show_row);
	}
	if (st == ST_OK && c->rows == 0)
		st = control_fail(r, ST_NOT_FOUND, c->words[2], "no such message");
	ranges_free(&one);
	buf_free(&rows);
	return st;
}

static enum status msg_raw(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct buf octets = BUF_INIT(REQUEST_ROOM_MOST);
	struct store_mailbox box;
	uint32_t uid;
	enum status st = find_message(r, tx, &box, &uid);

	if (st != ST_OK)
		return st;
	st = store_read(tx, box.id, uid, c->offset, r->room, &octets);
	if (st == ST_NOT_FOUND)
		control_fail(r, st, c->words[2], "no such message");
	else if (st != ST_OK)
		request_store_failed(r, st, tx, "");
	else
		st = request_put_pieces(r, buf_slice(&octets));
	c->offset += octets.len;
	c->rows = c->offset;
	if (st == ST_OK && octets.len == r->room)
		st = ST_MORE;
	buf_free(&octets);
	return st;
}

static enum status msg_rm(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	struct ranges expunged = RANGES_INIT(RANGES_MAX);
	struct store_mailbox box;
	uint64_t modseq;
	enum status st = find_mailbox(r, tx, &box);

	for (size_t i = 2; i < c->count && st == ST_OK; i++)
		st = control_set(r, i, &uids);
	if (st == ST_OK) {
		st = store_expunge(tx, box.id, &uids, true, &expunged, &modseq);
		if (st != ST_OK)
			request_store_failed(r, st, tx, "");
	}
	c->rows = ranges_size(&expunged);
	if (st == ST_OK && c->rows == 0)
		st = control_fail(r, ST_NOT_FOUND, c->words[2], "no such message");
	ranges_free(&uids);
	ranges_free(&expunged);
	return st;
}

#define CHANGES CONTROL_CHANGES

/* name, words, flags, place, columns, run or start */
const struct control_verb control_mail_verbs[] = {
	{ "mailbox list", 1, 1, 0, PLACE_READER,
	  "mailbox use messages unseen octets uidvalidity uidnext subscribed",
	  mailbox_list, NULL },
	{ "mailbox create", 2, 2, CHANGES, PLACE_WRITER, NULL, mailbox_create,
	  NULL },
	{ "mailbox rename", 3, 3, CHANGES, PLACE_WRITER, NULL, mailbox_rename,
	  NULL },
	{ "mailbox rm", 2, 2, CHANGES, PLACE_WRITER, NULL, mailbox_rm, NULL },
	{ "msg list", 1, 2, 0, PLACE_READER,
	  "uid date octets flags from subject id", msg_list, NULL },
	{ "msg show", 3, 3, 0, PLACE_READER, "field value", msg_show, NULL },
	{ "msg raw", 3, 3, 0, PLACE_READER, NULL, msg_raw, NULL },
	{ "msg rm", 3, CONTROL_WORDS_MAX, CHANGES, PLACE_WRITER, NULL, msg_rm,
	  NULL },
	{ 0 },
};
