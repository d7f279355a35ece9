/*
 * Verbs by which an administrator trusts the store: backup, check, repair.
 */
#include "mailboxd/control.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/date.h"

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

/* ---- repair ----------------------------------------------------------------------- */

static enum status damaged(void *arg, struct slice text)
{
	struct request *r = arg;

	control_of(r)->offset++;
	return control_note(r, "%.*s", (int)(text.len < 1000 ? text.len : 1000),
			    text.data);
}

/* First a copy of the store as it is, kept beside it. */
static enum status copy_run(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct date_civil t;
	char name[80];
	enum status st;

	c->offset = 0;
	st = control_stored(r, tx, store_check_file(tx, true, damaged, r));
	if (st == ST_OK && c->offset)
		return control_fail(r, ST_DENIED, SLICE_EMPTY, "the file itself is "
				    "damaged, which is not repaired: restore a backup");
	date_civil_of(clock_wall_seconds(), 0, &t);
	snprintf(name, sizeof name, "store.db.before-repair-%04d%02d%02dT%02d%02d%02dZ",
		 (int)t.year, t.month, t.day, t.hour, t.minute, t.second);
	if (st == ST_OK)
		st = control_stored(r, tx, store_copy_beside(tx, name));
	return st == ST_OK ? control_note(r, "the store as it was: %s, in its directory",
					  name) : st;
}

static enum status repair_run(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	enum status st;

	request_act(r, tx);
	st = control_stored(r, tx, store_repair(tx, &c->rows));
	return st == ST_OK ? request_put_done(r, c->rows) : st;
}

static void copy_done(struct request *r, enum status st)
{
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	request_flush(r);
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, repair_run, control_ended);
}

static void repair_start(struct request *r)
{
	request_go(r, PLACE_SLOW, 0, copy_run, copy_done);
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_care_verbs[] = {
	{ "backup", 0, 0, CONTROL_CHANGES | CONTROL_LONG, PLACE_SLOW, NULL, backup,
	  NULL },
	{ "repair", 0, 0, CONTROL_CHANGES | CONTROL_LONG, PLACE_SLOW, NULL, NULL,
	  repair_start },
	{ "check", 0, 0, CONTROL_LONG, PLACE_SLOW, NULL, check, NULL },
	{ 0 },
};
