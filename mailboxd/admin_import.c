/*
 * mailbox import: MAIL_BOX, MAIL and PIECE come in, through the same door as an
 * APPEND (mailboxd/intake.h), and are stored in batches, each in one job of the
 * writer. While a batch is being stored the next one is taken in. What is wrong
 * with one message does not end the run.
 */
#include "mailboxd/control.h"

#include <stdlib.h>

#include "common/id.h"
#include "mailboxd/intake.h"

#define BATCH_MESSAGES	128u
#define BATCH_OCTETS	((uint64_t)4 << 20)	/* of bodies, in memory or not */
#define BATCHES_MAX	2u	/* that wait before credit is held back */
#define WINDOW		((uint32_t)1 << 20)	/* credit beyond the first */
#define CREDIT_EACH	16384u	/* credit is given back in such lots */
#define UIDL_OCTETS	70u	/* RFC 1939 section 7 */

struct item {
	struct intake *intake;
	struct slice label;
};

/* Messages for one mailbox. */
struct batch {
	struct batch *next;
	struct store_import_box box;
	struct item items[BATCH_MESSAGES];
	struct store_import rows[BATCH_MESSAGES];
	size_t count;
	uint64_t octets;
	bool is_closed;		/* no more come in */
	struct arena arena;	/* texts of it */
};

struct numbers {
	uint64_t *items;	/* ascending once all are there */
	size_t count, cap;
};

struct importing {
	struct request *request;
	uint64_t account;
	struct numbers present;	/* of messages that are there already */
	bool has_lineage;	/* numbers mean something */
	bool is_restore;
	struct batch *first, *last;
	size_t batches;
	bool is_open;		/* the last item of the last batch is being fed */
	bool is_skipped;	/* pieces that come belong to nothing */
	bool is_checked, is_ended;
	enum status failed;
	uint32_t owed;		/* credit held back */
	uint64_t stored, there, refused, octets;
};

/* ---- memory ------------------------------------------------------------------- */

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		intake_free(b->items[i].intake);
	arena_clear(&b->arena);
	free(b);
}

void importing_free(struct importing *i)
{
	if (!i)
		return;
	while (i->first) {
		struct batch *b = i->first;

		i->first = b->next;
		batch_free(b);
	}
	free(i->present.items);
	free(i);
}

static enum status add_number(void *arg, uint64_t message)
{
	struct numbers *n = arg;

	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 1024;
		uint64_t *grown = realloc(n->items, cap * sizeof *grown);

		if (!grown)
			return ST_NO_MEMORY;
		n->items = grown;
		n->cap = cap;
	}
	n->items[n->count++] = message;
	return ST_OK;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_present(const struct importing *i, uint64_t number)
{
	return number && i->present.count &&
	       bsearch(&number, i->present.items, i->present.count,
		       sizeof number, compare_numbers);
}

/* ---- answers ------------------------------------------------------------------- */

static enum status fail(struct request *r, enum status st)
{
	struct importing *i = control_of(r)->importing;

	if (i->failed == ST_OK)
		i->failed = st;
	if (!r->is_running)
		request_finish(r, st);
	return ST_OK;
}

static void tell(struct request *r, struct slice label, enum status st,
		 const char *text)
{
	struct importing *i = control_of(r)->importing;
	struct ipc_message m = { .type = IPC_TYPE_MAIL_STATE };

	i->there += st == ST_EXISTS;
	i->refused += st != ST_OK && st != ST_EXISTS;
	m.mail_state.label = label;
	m.mail_state.code = (uint32_t)st;
	m.mail_state.text = slice_str(text);
	request_tell(r, &m);
}

static void finish(struct request *r)
{
	struct importing *i = control_of(r)->importing;
	struct ipc_message m = { .type = IPC_TYPE_MAIL_SUM };

	m.mail_sum.stored = i->stored;
	m.mail_sum.present = i->there;
	m.mail_sum.failed = i->refused;
	m.mail_sum.octets = i->octets;
	request_finish(r, request_put(r, IPC_LAST, &m));
}

/* Credit for what came, unless enough is waiting. */
static void settle(struct request *r)
{
	struct importing *i = control_of(r)->importing;
	struct batch *b = i->last;

	if (i->owed < CREDIT_EACH || i->batches > BATCHES_MAX ||
	    (i->is_open && b && !intake_is_ready(b->items[b->count - 1].intake)))
		return;
	request_credit(r, i->owed);
	i->owed = 0;
}

/* ---- storing --------------------------------------------------------------------- */

static enum status store_run(struct request *r, struct tx *tx)
{
	struct batch *b = control_of(r)->importing->first;

	request_act(r, tx);
	return control_stored(r, tx, store_import(tx, &b->box, b->rows, b->count));
}

static void count_one(struct request *r, struct batch *b, size_t k)
{
	struct importing *i = control_of(r)->importing;
	const struct store_import *row = &b->rows[k];

	if (row->status == ST_OK) {
		i->stored++;
		i->octets += row->message.size;
		if (row->is_taken)
			intake_committed(b->items[k].intake);
		if (row->lost_keywords)
			tell(r, b->items[k].label, ST_OK,
			     "its keywords are none, or too many: left out");
		return;
	}
	tell(r, b->items[k].label, row->status, row->status == ST_QUOTA ?
	     "the account has no room for it" : "it could not be stored");
}

static void pump(struct request *r);

static void store_done(struct request *r, enum status st)
{
	struct importing *i = control_of(r)->importing;
	struct batch *b = i->first;

	if (st == ST_OK)
		st = i->failed;
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	for (size_t k = 0; k < b->count; k++)
		count_one(r, b, k);
	i->first = b->next;
	if (!i->first)
		i->last = NULL;
	i->batches--;
	batch_free(b);
	settle(r);
	pump(r);
}

/* All octets of the batch are stored or in memory, and parsed. */
static enum status end_intakes(struct batch *b)
{
	for (size_t k = 0; k < b->count; k++) {
		enum status st = intake_end(b->items[k].intake, &b->rows[k].message);

		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* The next batch to the writer, or the end. */
static void pump(struct request *r)
{
	struct importing *i = control_of(r)->importing;
	enum status st;

	if (r->is_running || r->is_ending || !i->is_checked)
		return;
	if (!i->first && i->is_ended) {
		finish(r);
		return;
	}
	if (!i->first || !i->first->is_closed)
		return;
	st = end_intakes(i->first);
	if (st == ST_OK)
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, store_run, store_done);
	else if (st != ST_MORE)
		fail(r, st);
}

/* Memory has room again, or pieces were stored. */
static void moved(void *arg)
{
	struct request *r = arg;

	if (!r->session || r->is_ending)
		return;
	settle(r);
	pump(r);
}

/* ---- what comes --------------------------------------------------------------------- */

static void drop_last(struct importing *i)
{
	struct batch *b = i->last;

	intake_free(b->items[--b->count].intake);
	i->is_open = false;
	i->is_skipped = true;
}

/* The message that was being fed is whole. */
static enum status end_current(struct request *r)
{
	struct importing *i = control_of(r)->importing;
	struct batch *b = i->last;
	struct slice label;
	enum status st;

	if (!i->is_open) {
		i->is_skipped = false;
		return ST_OK;
	}
	label = b->items[b->count - 1].label;
	b->octets += intake_octets(b->items[b->count - 1].intake);
	st = intake_end(b->items[b->count - 1].intake, &b->rows[b->count - 1].message);
	i->is_open = false;
	if (st == ST_LIMIT || st == ST_SYNTAX) {
		drop_last(i);
		tell(r, label, st, "it cannot be parsed");
		i->is_skipped = false;
		return ST_OK;
	}
	return st == ST_MORE ? ST_OK : st;
}

static void close_batch(struct importing *i)
{
	if (i->last)
		i->last->is_closed = true;
}

static struct batch *add_batch(struct importing *i, const struct store_import_box *box)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->arena = (struct arena)ARENA_INIT((size_t)16 << 20);
	b->box = *box;
	b->box.name = arena_copy(&b->arena, box->name);
	b->box.use = arena_copy(&b->arena, box->use);
	if (!b->box.name.data) {
		batch_free(b);
		return NULL;
	}
	if (i->last)
		i->last->next = b;
	else
		i->first = b;
	i->last = b;
	i->batches++;
	return b;
}

static enum status take_box(struct request *r, const struct ipc_mail_box *m)
{
	struct importing *i = control_of(r)->importing;
	const struct store_import_box box = {
		.account = i->account, .name = m->name, .use = m->use,
		.subscribed = m->subscribed != 0,
		.verb = i->is_restore ? "restore" : "import",
	};

	close_batch(i);
	if (m->name.len == 0)
		return ST_SYNTAX;
	if (!add_batch(i, &box))
		return fail(r, ST_NO_MEMORY);
	return ST_OK;
}

static struct batch *batch_with_room(struct importing *i)
{
	struct batch *b = i->last;

	if (b->count < BATCH_MESSAGES && b->octets < BATCH_OCTETS)
		return b;
	b->is_closed = true;
	return add_batch(i, &b->box);
}

static bool is_uidl(struct slice id)
{
	for (size_t k = 0; k < id.len; k++)
		if (id.data[k] <= ' ' || id.data[k] >= 0x7f)
			return false;
	return id.len <= UIDL_OCTETS;
}

static enum status copy(struct batch *b, struct slice in, struct slice *out)
{
	*out = in.len ? arena_copy(&b->arena, in) : SLICE_EMPTY;
	return in.len && !out->data ? ST_NO_MEMORY : ST_OK;
}

static enum status fill_row(struct importing *i, struct batch *b,
			    const struct ipc_mail *m)
{
	struct store_import *row = &b->rows[b->count];
	struct id mid = id_make(ID_MESSAGE);
	enum status st;

	*row = (struct store_import){
		.message = { .internaldate = m->internaldate,
			     .zone = (int32_t)m->zone,
			     .sid = SLICE_EMPTY, .sender = SLICE_EMPTY,
			     .client = SLICE_EMPTY },
		.known_as = i->has_lineage ? m->message : 0,
		.flags = m->flags, .saved = m->saved,
	};
	st = copy(b, m->label, &b->items[b->count].label);
	if (st == ST_OK)
		st = copy(b, m->keywords, &row->keywords);
	if (st == ST_OK)
		st = copy(b, m->recipient, &row->recipient);
	if (st == ST_OK)
		st = copy(b, is_uidl(m->uidl) ? m->uidl : SLICE_EMPTY, &row->uidl);
	return st == ST_OK ? copy(b, i->is_restore ? m->mid : id_slice(&mid),
				  &row->message.mid) : st;
}

static enum status take_mail(struct request *r, const struct ipc_mail *m)
{
	struct importing *i = control_of(r)->importing;
	struct batch *b;

	if (!i->last)
		return ST_SYNTAX;
	if (!store_has_space(r->service->store))
		return fail(r, ST_FULL);
	if (is_present(i, m->message)) {
		i->is_skipped = true;
		tell(r, m->label, ST_EXISTS, "it is there already");
		return ST_OK;
	}
	b = batch_with_room(i);
	if (!b || fill_row(i, b, m) != ST_OK)
		return fail(r, ST_NO_MEMORY);
	b->items[b->count].intake = intake_new(r->service, INTAKE_APPEND, moved, r);
	if (!b->items[b->count].intake)
		return fail(r, ST_NO_MEMORY);
	b->count++;
	i->is_open = true;
	return ST_OK;
}

static enum status take_piece(struct request *r, struct slice octets)
{
	struct importing *i = control_of(r)->importing;
	struct slice label;
	enum status st;

	if (i->is_skipped)
		return ST_OK;
	if (!i->is_open)
		return ST_SYNTAX;
	st = intake_feed(i->last->items[i->last->count - 1].intake, octets);
	if (st == ST_SYNTAX) {
		label = i->last->items[i->last->count - 1].label;
		drop_last(i);
		tell(r, label, ST_SYNTAX, "it has a NUL, which no message may hold");
		return ST_OK;
	}
	return st == ST_OK ? ST_OK : fail(r, st);
}

static enum status import_more(struct request *r, const struct ipc_message *m)
{
	struct importing *i = control_of(r)->importing;
	enum status st = ST_OK;

	if (!i || i->failed != ST_OK)
		return ST_OK;	/* the ERROR is on its way */
	if (i->is_ended || !i->is_checked)
		return ST_SYNTAX;
	i->owed += m->type == IPC_TYPE_PIECE ? (uint32_t)m->piece.octets.len
					     : IPC_MAIL_COST;
	if (m->type == IPC_TYPE_PIECE) {
		st = take_piece(r, m->piece.octets);
	} else {
		st = end_current(r);
		if (st != ST_OK)
			return fail(r, st);
		if (m->type == IPC_TYPE_MAIL_BOX)
			st = take_box(r, &m->mail_box);
		else if (m->type == IPC_TYPE_MAIL)
			st = take_mail(r, &m->mail);
		else if (m->type == IPC_TYPE_MAIL_END)
			i->is_ended = true, close_batch(i);
		else
			st = ST_SYNTAX;
	}
	if (st == ST_OK && !r->is_ending) {
		settle(r);
		pump(r);
	}
	return st;
}

/* ---- the beginning ---------------------------------------------------------------- */

static enum status check_run(struct request *r, struct tx *tx)
{
	struct importing *i = control_of(r)->importing;
	struct slice lineage = control_option(r, "lineage", "0");
	unsigned long long number = 0;
	struct store_account account;
	enum status st;

	arena_clear(&control_of(r)->arena);
	st = control_account(r, tx, 0, &account);
	if (st != ST_OK)
		return st;
	i->account = account.id;
	i->is_restore = slice_eq(control_option(r, "restore", "no"), SLICE("yes"));
	slice_number(lineage, UINT64_MAX, &number);
	i->has_lineage = number && number == store_lineage(r->service->store);
	if (!i->has_lineage)
		return ST_OK;
	i->present.count = 0;
	st = store_message_numbers(tx, account.id, control_option(r, "into", ""),
				   add_number, &i->present);
	if (st == ST_NOT_FOUND)
		return ST_OK;
	if (i->present.count)
		qsort(i->present.items, i->present.count, sizeof(uint64_t),
		      compare_numbers);
	return control_stored(r, tx, st);
}

/* The credit says that it may begin. */
static void check_done(struct request *r, enum status st)
{
	struct importing *i = control_of(r)->importing;

	if (st == ST_OK)
		st = i->failed;
	if (st != ST_OK) {
		i->failed = st;
		request_finish(r, st);
		return;
	}
	i->is_checked = true;
	request_credit(r, WINDOW);
	pump(r);
}

static void import_start(struct request *r)
{
	struct importing *i = calloc(1, sizeof *i);

	if (!i) {
		request_finish(r, ST_NO_MEMORY);
		return;
	}
	i->request = r;
	control_of(r)->importing = i;
	control_of(r)->more = import_more;
	request_go(r, PLACE_SLOW, 0, check_run, check_done);
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_transfer_verbs[] = {
	{ "mailbox export", 2, 2, CONTROL_LONG, PLACE_READER, NULL, control_export,
	  NULL },
	{ "mailbox import", 1, 1, CONTROL_CHANGES | CONTROL_LONG, PLACE_READER, NULL,
	  NULL, import_start },
	{ 0 },
};
