/*
 * mailbox export: MAIL_BOX, then MAIL and its PIECEs for each message.
 */
#include "mailboxd/control.h"

#include <stdio.h>

static enum status put_box(struct request *r, const struct store_mailbox *box)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL_BOX };

	m.mail_box.name = box->name;
	m.mail_box.use = box->special_use;
	m.mail_box.subscribed = (box->attributes & IPC_MAILBOX_SUBSCRIBED) != 0;
	m.mail_box.messages = box->messages;
	m.mail_box.octets = box->octets;
	m.mail_box.uidvalidity = box->uidvalidity;
	m.mail_box.uidnext = box->uidnext;
	return request_put(r, 0, &m);
}

static enum status put_mail(struct request *r, const struct store_exported *e)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL };

	m.mail = (struct ipc_mail){
		.label = SLICE_EMPTY, .uid = e->uid, .flags = e->flags,
		.keywords = e->keywords, .internaldate = e->internaldate,
		.zone = e->zone, .saved = e->saved, .octets = e->octets,
		.message = e->message, .mid = e->mid, .recipient = e->recipient,
		.uidl = e->uidl,
	};
	return request_put(r, 0, &m);
}

/* A message that cannot be read is named, and the next one follows. */
static enum status put_unreadable(struct request *r, struct tx *tx,
				  enum status why)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL_STATE };
	char label[24];

	if (why != ST_NOT_FOUND && why != ST_IO && why != ST_UNAVAILABLE)
		return why;
	snprintf(label, sizeof label, "uid %u", control_of(r)->out.uid);
	m.mail_state.label = slice_str(label);
	m.mail_state.code = (uint32_t)why;
	m.mail_state.text = slice_str(store_error(tx)->text);
	store_export_end(r->service->store, &control_of(r)->out);
	return request_put(r, 0, &m);
}

static enum status put_octets(struct request *r, struct tx *tx)
{
	struct store_export *out = &control_of(r)->out;
	struct buf octets = BUF_INIT(IPC_PIECE_MAX);
	enum status st = store_export_read(tx, out, IPC_PIECE_MAX, &octets);

	st = st == ST_OK ? request_put_pieces(r, buf_slice(&octets))
			 : put_unreadable(r, tx, st);
	buf_free(&octets);
	return st;
}

static enum status put_next(struct request *r, struct tx *tx)
{
	struct store_exported e;
	enum status st = store_export_next(tx, &control_of(r)->out, &e);

	if (st == ST_NOT_FOUND)
		return st;
	if (st != ST_OK)
		return control_stored(r, tx, st);
	control_of(r)->rows++;
	return put_mail(r, &e);
}

enum status control_export(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct store_account account;
	struct store_mailbox box = { .id = 0 };
	enum status st = ST_OK;

	if (c->out.mailbox == 0) {
		st = control_account(r, tx, 0, &account);
		if (st == ST_OK)
			st = control_mailbox(r, tx, account.id, 1, &box);
		if (st == ST_OK)
			st = put_box(r, &box);
		c->out.mailbox = box.id;
	}
	while (st == ST_OK && r->answer.len < r->room)
		st = c->out.message && c->out.offset < c->out.end ?
			put_octets(r, tx) : put_next(r, tx);
	return st == ST_OK ? ST_MORE : st == ST_NOT_FOUND && !r->text[0] ? ST_OK : st;
}
