#include "mailboxd/offline.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/ipc_codec.h"
#include "common/log.h"
#include "mailboxd/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static int exit_code(enum status st)
{
	switch (st) {
	case ST_OK: return EX_OK;
	case ST_DENIED: case ST_SYNTAX: case ST_LIMIT: return EX_DATAERR;
	case ST_NOT_FOUND: return EX_NOUSER;
	case ST_EXISTS: case ST_FULL: case ST_UNAVAILABLE: return EX_TEMPFAIL;
	case ST_NO_MEMORY: return EX_OSERR;
	default: return EX_IOERR;
	}
}

static int failed(enum status st, const char *text)
{
	fprintf(stderr, "postroom: %s\n", st == ST_EXISTS ?
		"mailboxd has the store open; stop the suite first: postroom stop" :
		*text ? text : status_name(st));
	return exit_code(st);
}

/* ---- restore --------------------------------------------------------------------- */

static int restore(int argc, char **argv)
{
	const struct store_options options = { .dir = "." };
	struct store_restored r;
	struct error err = { 0 };
	enum status st = store_restore(&options, 0, &r, &err);

	(void)argc;
	(void)argv;
	if (st)
		return failed(st, err.text);
	printf("%" PRIu64 " accounts, %" PRIu64 " mailboxes, %" PRIu64 " messages\n",
	       r.accounts, r.mailboxes, r.messages);
	if (*r.kept)
		printf("the old store is %s, in the store's directory\n", r.kept);
	return EX_OK;
}

/* ---- check --------------------------------------------------------------------------- */

static enum status print(void *arg, struct slice text)
{
	++*(uint64_t *)arg;
	printf("%.*s\n", SLICE_ARG(text));
	return ST_OK;
}

static enum status look(struct tx *tx, bool quick, bool only_file, uint64_t *found)
{
	enum status st = store_begin(tx, JOB_SYNC_FULL);

	*found = 0;
	if (st)
		return st;
	st = only_file ? store_check_file(tx, quick, print, found)
		       : store_check(tx, quick, print, found);
	store_rollback(tx);
	return st;
}

static enum status copy_beside(struct store *store, struct error *err)
{
	struct date_civil t;
	char name[80];
	struct tx *tx;
	enum status st = store_connect(store, TX_READ, &tx, err);

	if (st)
		return st;
	date_civil_of(clock_wall_seconds(), 0, &t);
	snprintf(name, sizeof name, "store.db.before-repair-%04d%02d%02dT%02d%02d%02dZ",
		 (int)t.year, t.month, t.day, t.hour, t.minute, t.second);
	st = store_begin(tx, JOB_SYNC_NORMAL);
	if (!st)
		st = store_copy_beside(tx, name);
	if (!st)
		printf("the store as it was: %s, in its directory\n", name);
	else if (err)
		*err = *store_error(tx);
	store_disconnect(tx);
	return st;
}

static enum status repair(struct store *store, struct tx *tx, struct error *err)
{
	uint64_t damage, repaired;
	enum status st = look(tx, true, true, &damage);

	if (!st && damage)
		return error_set(err, ST_DENIED, "the file itself is damaged, which is "
				 "not repaired: restore a backup");
	if (!st)
		st = copy_beside(store, err);
	if (st)
		return st;
	st = store_begin(tx, JOB_SYNC_FULL);
	if (!st)
		st = store_repair(tx, &repaired);
	if (st) {
		*err = *store_error(tx);
		store_rollback(tx);
		return st;
	}
	st = store_commit(tx);
	if (!st)
		printf("%" PRIu64 " findings were repaired; what is left:\n", repaired);
	return st;
}

static int check(int argc, char **argv)
{
	const struct store_options options = { .dir = ".", .as_is = true };
	bool quick = false, repairs = false;
	struct store *store;
	struct tx *tx = NULL;
	struct error err = { 0 };
	uint64_t found = 0;
	enum status st;

	for (int i = 1; i < argc; i++) {
		quick = quick || strcmp(argv[i], "quick") == 0;
		repairs = repairs || strcmp(argv[i], "repair") == 0;
	}
	st = store_open(&options, &store, &err);
	if (st)
		return failed(st, err.text);
	st = store_connect(store, TX_WRITE, &tx, &err);
	if (!st)
		st = look(tx, quick, false, &found);
	if (!st && found && repairs) {
		st = repair(store, tx, &err);
		if (!st)
			st = look(tx, quick, false, &found);
	}
	if (st && !err.text[0] && tx)
		err = *store_error(tx);
	store_disconnect(tx);
	store_close(store);
	if (st)
		return failed(st, err.text);
	if (!found)
		puts(repairs ? "nothing" : "the store is sound");
	return found ? EX_DATAERR : EX_OK;
}

/* ---- read ---------------------------------------------------------------------------------- */

struct box {
	struct store_mailbox m;	/* its texts are gone */
	char *name, use[32];
};

struct reading {
	struct store *store;
	struct tx *tx;
	struct buf frame;
	struct box *boxes;
	size_t count;
	const char *only;	/* a mailbox; NULL: all */
	uint32_t messages;
	int code;
};

static enum status put(struct reading *r, const struct ipc_message *m)
{
	enum status st;

	r->frame.len = 0;
	st = ipc_encode(&r->frame, 1, 0, m);
	if (!st && fwrite(r->frame.data, 1, r->frame.len, stdout) != r->frame.len)
		st = ST_CLOSED;
	return st;
}

static enum status add_box(void *arg, const struct store_mailbox *m)
{
	struct reading *r = arg;
	struct box *grown;

	if (m->attributes & IPC_MAILBOX_NONEXISTENT ||
	    (r->only && !slice_eq(m->name, slice_str(r->only))))
		return ST_OK;
	grown = realloc(r->boxes, (r->count + 1) * sizeof *grown);
	if (!grown)
		return ST_NO_MEMORY;
	r->boxes = grown;
	grown[r->count].m = *m;
	grown[r->count].name = strndup(m->name.data, m->name.len);
	if (!grown[r->count].name)
		return ST_NO_MEMORY;
	snprintf(grown[r->count].use, sizeof grown->use, "%.*s",
		 SLICE_ARG(slice_head(m->special_use, sizeof grown->use - 1)));
	r->count++;
	return ST_OK;
}

static enum status put_box(struct reading *r, const struct box *b)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL_BOX };

	m.mail_box.name = slice_str(b->name);
	m.mail_box.use = slice_str(b->use);
	m.mail_box.subscribed = (b->m.attributes & IPC_MAILBOX_SUBSCRIBED) != 0;
	m.mail_box.messages = b->m.messages;
	m.mail_box.octets = b->m.octets;
	return put(r, &m);
}

static enum status put_octets(struct reading *r, struct store_export *e)
{
	struct buf octets = BUF_INIT(IPC_PIECE_MAX);
	struct ipc_message m = { .type = IPC_TYPE_PIECE };
	enum status st = ST_OK;

	while (!st && e->offset < e->end) {
		octets.len = 0;
		st = store_export_read(r->tx, e, IPC_PIECE_MAX, &octets);
		m.piece.octets = buf_slice(&octets);
		if (!st)
			st = put(r, &m);
	}
	buf_free(&octets);
	return st;
}

static enum status put_message(struct reading *r, const struct box *b,
			       struct store_export *e, const struct store_exported *x)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL };
	char label[1100];
	enum status st;

	snprintf(label, sizeof label, "%s uid %u", b->name, x->uid);
	m.mail = (struct ipc_mail){
		.label = slice_str(label), .uid = x->uid, .flags = x->flags,
		.keywords = x->keywords, .internaldate = x->internaldate,
		.zone = x->zone, .saved = x->saved, .octets = x->octets,
		.message = x->message, .mid = x->mid, .recipient = x->recipient,
		.uidl = x->uidl,
	};
	r->messages++;
	st = put(r, &m);
	return st ? st : put_octets(r, e);
}

static enum status put_mailbox(struct reading *r, const struct box *b)
{
	struct store_export e = { .mailbox = b->m.id, .is_stored = true };
	struct store_exported x;
	enum status st = put_box(r, b);

	while (!st && !(st = store_export_next(r->tx, &e, &x))) {
		st = put_message(r, b, &e, &x);
		/* texts of a message are the transaction's */
		if (!st && r->messages % 1000 == 0) {
			store_commit(r->tx);
			st = store_begin(r->tx, JOB_SYNC_NORMAL);
		}
	}
	store_export_end(r->store, &e);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status read_account(struct reading *r, const char *address)
{
	struct ipc_message m = { .type = IPC_TYPE_DONE };
	struct store_account account;
	enum status st = store_account_find(r->tx, slice_str(address), &account);

	if (st == ST_NOT_FOUND)
		fprintf(stderr, "postroom: %s is not in the backup\n", address);
	if (!st)
		st = store_mailbox_list(r->tx, account.id, IPC_LIST_COUNTS, add_box, r);
	if (!st && !r->count) {
		fprintf(stderr, "postroom: %s has no mailbox %s in the backup\n", address,
			r->only ? r->only : "");
		st = ST_NOT_FOUND;
	}
	m.done.value = store_lineage(r->store);
	if (!st)
		st = put(r, &m);
	for (size_t i = 0; i < r->count && !st; i++)
		st = put_mailbox(r, &r->boxes[i]);
	m = (struct ipc_message){ .type = IPC_TYPE_MAIL_END };
	m.mail_end.messages = r->messages;
	if (!st)
		st = put(r, &m);
	return st ? st : fflush(stdout) ? ST_CLOSED : ST_OK;
}

static int read_backup(int argc, char **argv)
{
	const struct store_options options = { .dir = "." };
	struct reading r = { .frame = BUF_INIT(IPC_FRAME_MAX),
			     .only = argc > 2 ? argv[2] : NULL };
	char scratch[STORE_SCRATCH_OCTETS];
	struct error err = { 0 };
	enum status st;

	if (argc < 2)
		return EX_USAGE;
	st = store_scratch_open(&options, 0, scratch, &r.store, &err);
	if (st)
		return failed(st, err.text);
	st = store_connect(r.store, TX_READ, &r.tx, &err);
	if (!st)
		st = store_begin(r.tx, JOB_SYNC_NORMAL);
	if (!st)
		st = read_account(&r, argv[1]);
	if (st && st != ST_NOT_FOUND && st != ST_CLOSED)
		failed(st, r.tx ? store_error(r.tx)->text : err.text);
	for (size_t i = 0; i < r.count; i++)
		free(r.boxes[i].name);
	free(r.boxes);
	buf_free(&r.frame);
	store_disconnect(r.tx);
	store_scratch_close(".", scratch, r.store);
	return exit_code(st);
}

int offline_main(int argc, char **argv)
{
	static const struct { const char *verb; int (*run)(int argc, char **argv); } verbs[] = {
		{ "restore", restore }, { "check", check }, { "read", read_backup },
	};

	log_open("postroom", 2, false);
	for (size_t i = 0; argc > 0 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[0], verbs[i].verb) == 0)
			return verbs[i].run(argc, argv);
	fputs("mailboxd: --offline restore | check | read\n", stderr);
	return EX_USAGE;
}
