/*
 * Verbs by which an administrator trusts the store: backup, check.
 */
#include "mailboxd/control.h"

/* ---- backup --------------------------------------------------------------------- */

static enum status begin_backup(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	enum status st = store_backup_begin(tx, &c->backup);

	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	st = control_progress(r, 0, c->backup.octets);
	return st == ST_OK ? ST_MORE : st;
}

/* The first slice makes the copy, the others send it. */
static enum status backup(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct buf octets = BUF_INIT(REQUEST_ROOM_MOST);
	enum status st;

	if (c->backup.fd < 0)
		return begin_backup(r, tx);
	st = store_backup_read(tx, &c->backup, c->offset, r->room, &octets);
	if (st != ST_OK)
		request_store_failed(r, st, tx, "");
	else
		st = request_put_pieces(r, buf_slice(&octets));
	c->offset += octets.len;
	c->rows = c->offset;
	buf_free(&octets);
	if (st == ST_OK && c->offset < c->backup.octets)
		return ST_MORE;
	/* here, not on the loop: a large file takes its time to go */
	store_backup_end(&c->backup);
	return st;
}

/* ---- check ------------------------------------------------------------------------------ */

static enum status finding(void *arg, struct slice text)
{
	struct request *r = arg;

	control_of(r)->rows++;
	return control_note(r, "%.*s", (int)(text.len < 1000 ? text.len : 1000),
			    text.data);
}

static enum status check(struct request *r, struct tx *tx)
{
	bool quick = slice_eq(control_option(r, "depth", "whole"), SLICE("quick"));
	enum status st = store_check(tx, quick, finding, r);

	return control_stored(r, tx, st);
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_care_verbs[] = {
	{ "backup", 0, 0, CONTROL_CHANGES | CONTROL_LONG, PLACE_SLOW, NULL, backup,
	  NULL },
	{ "check", 0, 0, CONTROL_LONG, PLACE_SLOW, NULL, check, NULL },
	{ 0 },
};
