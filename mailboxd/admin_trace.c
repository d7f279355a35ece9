/*
 * trace: what the journal knows of a message, or of an address and the mail that
 * was refused to and from it.
 */
#include "mailboxd/control.h"

#include "common/id.h"

#include <stdlib.h>
#include <string.h>

#define MIDS_MAX 64u
/* Ids of rows that are looked at in one transaction. */
#define WINDOW UINT64_C(5000)

struct control_trace {
	uint64_t after;		/* rows up to this were told before */
	/* of messages */
	struct id mids[MIDS_MAX];
	size_t count, at;	/* how many; which is being told */
	struct store_life life;
	/* of an address */
	uint64_t account;	/* 0: no account of ours */
	uint64_t cursor;	/* ids up to this were looked at */
	bool is_address;
};

void control_trace_free(struct control_trace *t)
{
	if (t)
		store_life_clear(&t->life);
	free(t);
}

/* ---- rows ------------------------------------------------------------------------ */

static void account_cell(struct request *r, struct tx *tx, uint64_t account)
{
	struct store_account a;

	/* a name where it is still there, a number where it is not */
	if (account == 0)
		control_text(r, SLICE_EMPTY);
	else if (store_account_get(tx, account, &a) == ST_OK)
		control_text(r, a.name);
	else
		control_u64(r, account);
}

static struct slice mailbox_name(struct tx *tx, uint64_t mailbox, char number[24])
{
	struct store_mailbox m;
	struct buf text = { number, 0, 24, 24 };

	if (mailbox == 0)
		return SLICE_EMPTY;
	if (store_mailbox_get(tx, mailbox, &m) == ST_OK)
		return m.name;
	buf_append_u64(&text, mailbox);
	return buf_slice(&text);
}

/* The value of a word of a detail. */
static struct slice word_of(struct slice detail, struct slice name)
{
	struct slice word;

	while (slice_split(&detail, ' ', &word))
		if (word.len > name.len && word.data[name.len] == '=' &&
		    slice_eq(slice_head(word, name.len), name))
			return slice_from(word, name.len + 1);
	return SLICE_EMPTY;
}

/* "imap 192.0.2.1": whose session it was, or who delivered. */
static void client_cell(struct request *r, struct tx *tx,
			const struct store_journal_row *j)
{
	struct slice service = SLICE("smtp");
	struct slice client = word_of(j->detail, SLICE("client"));
	struct buf text = BUF_INIT(128);

	if (client.len == 0 &&
	    (j->sid.len == 0 ||
	     store_session_find(tx, j->sid, &service, &client) != ST_OK))
		client = SLICE_EMPTY;
	if (client.len)
		buf_append_fmt(&text, "%.*s %.*s", SLICE_ARG(service),
			       SLICE_ARG(client));
	control_text(r, buf_slice(&text));
	buf_free(&text);
}

/* Where messages went is shown by name. */
static void detail_cell(struct request *r, struct tx *tx,
			const struct store_journal_row *j)
{
	struct slice to = word_of(j->detail, SLICE("to"));
	struct slice uids = word_of(j->detail, SLICE("uids"));
	struct buf text = BUF_INIT(8192);
	unsigned long long mailbox;
	char number[24];

	if (uids.len && slice_number(to, INT64_MAX, &mailbox))
		buf_append_fmt(&text, "to=%.*s uids=%.*s",
			       SLICE_ARG(mailbox_name(tx, mailbox, number)),
			       SLICE_ARG(uids));
	control_text(r, text.len ? buf_slice(&text) : j->detail);
	buf_free(&text);
}

static enum status journal_row(void *arg, const struct store_journal_row *j)
{
	struct request *r = arg;
	struct tx *tx = control_of(r)->tx;
	char number[24];

	if (j->id <= control_of(r)->trace->after)
		return ST_OK;
	control_u64(r, j->id);
	control_time(r, j->at_ms);
	control_text(r, j->verb);
	control_text(r, j->mid);
	control_text(r, j->sid);
	client_cell(r, tx, j);
	account_cell(r, tx, j->account);
	control_text(r, mailbox_name(tx, j->mailbox, number));
	control_text(r, j->uids);
	detail_cell(r, tx, j);
	return control_row(r);
}

static void refusal_detail(struct request *r, const struct store_refusal *f)
{
	struct buf text = BUF_INIT(4096);

	if (f->count > 1)
		buf_append_fmt(&text, "%llu more",
			       (unsigned long long)f->count);
	else
		buf_append_fmt(&text, "%u %.*s from=<%.*s> to=<%.*s> helo=%.*s",
			       f->code, SLICE_ARG(f->reason),
			       SLICE_ARG(f->sender), SLICE_ARG(f->recipient),
			       SLICE_ARG(f->helo));
	control_text(r, buf_slice(&text));
	buf_free(&text);
}

static enum status refusal_row(struct request *r, const struct store_refusal *f)
{
	struct buf client = BUF_INIT(128);

	buf_append_fmt(&client, "smtp %.*s", SLICE_ARG(f->client));
	control_u64(r, f->id);
	control_time(r, f->at_ms);
	control_text(r, SLICE("refuse"));
	control_text(r, SLICE_EMPTY);
	control_text(r, f->sid);
	control_text(r, buf_slice(&client));
	control_text(r, f->login);
	control_text(r, SLICE_EMPTY);
	control_text(r, SLICE_EMPTY);
	refusal_detail(r, f);
	buf_free(&client);
	return control_row(r);
}

/* ---- a message ---------------------------------------------------------------------- */

static void keep_mid(struct control_trace *t, struct slice mid)
{
	struct id *to = &t->mids[t->count++];

	memcpy(to->text, mid.data, ID_OCTETS);
	to->text[ID_OCTETS] = '\0';
}

static enum status note_mid(void *arg, struct slice mid)
{
	struct control_trace *t = arg;

	if (t->count < MIDS_MAX && mid.len == ID_OCTETS)
		keep_mid(t, mid);
	return ST_OK;
}

static enum status trace_messages(struct request *r, struct tx *tx)
{
	struct control_trace *t = control_of(r)->trace;
	enum status st;

	if (t->at == t->count)
		return ST_OK;
	t->life.mid = id_slice(&t->mids[t->at]);
	st = store_life(tx, &t->life, journal_row, r);
	if (st != ST_OK)
		return st;
	store_life_clear(&t->life);
	t->at++;
	return t->at < t->count ? ST_MORE : ST_OK;
}

/* ---- an address --------------------------------------------------------------------- */

/* Both kinds of rows of one window, in the order of their ids. */
struct merging {
	struct request *r;
	struct store_refusal *refusals;
	size_t count, cap, next;
};

static enum status note_refusal(void *arg, const struct store_refusal *f)
{
	struct merging *m = arg;

	if (m->count == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 64;
		struct store_refusal *grown = realloc(m->refusals,
						      cap * sizeof *grown);

		if (!grown)
			return ST_NO_MEMORY;
		m->refusals = grown;
		m->cap = cap;
	}
	m->refusals[m->count++] = *f;
	return ST_OK;
}

static enum status refusals_below(struct merging *m, uint64_t id)
{
	enum status st = ST_OK;

	while (m->next < m->count && m->refusals[m->next].id < id && st == ST_OK)
		st = refusal_row(m->r, &m->refusals[m->next++]);
	return st;
}

static enum status merge_row(void *arg, const struct store_journal_row *j)
{
	struct merging *m = arg;
	enum status st = refusals_below(m, j->id);

	return st == ST_OK ? journal_row(m->r, j) : st;
}

static enum status trace_window(struct request *r, struct tx *tx, uint64_t until)
{
	struct control_trace *t = control_of(r)->trace;
	struct merging m = { .r = r };
	struct store_journal_query query = {
		.mid = SLICE_EMPTY, .account = t->account, .after = t->cursor,
		.until = until, .limit = WINDOW,
	};
	enum status st = store_refusal_list(tx, control_of(r)->words[0],
					    t->cursor, until, note_refusal, &m);

	if (st == ST_OK && t->account)
		st = store_journal_list(tx, &query, merge_row, &m);
	if (st == ST_OK)
		st = refusals_below(&m, UINT64_MAX);
	free(m.refusals);
	return st;
}

static enum status trace_address(struct request *r, struct tx *tx)
{
	struct control_trace *t = control_of(r)->trace;
	uint64_t last, until;
	enum status st = store_journal_last(tx, &last);

	if (st != ST_OK || t->cursor >= last)
		return st;
	until = last - t->cursor > WINDOW ? t->cursor + WINDOW : last;
	st = trace_window(r, tx, until);
	t->cursor = until;
	return st == ST_OK && until < last ? ST_MORE : st;
}

/* ---- the verb ------------------------------------------------------------------------ */

/* What the word is, is seen from how it looks. */
static enum status begin(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct control_trace *t = c->trace;
	struct slice word = c->words[0], after = control_option(r, "after", "0");
	struct store_account account;
	unsigned long long row = 0;

	if (!slice_number(after, INT64_MAX, &row))
		return control_fail(r, ST_SYNTAX, after, "after= wants a row");
	t->after = t->cursor = row;
	if (id_is_valid(word, ID_MESSAGE)) {
		keep_mid(t, word);
		return ST_OK;
	}
	if (word.len > 0 && word.data[0] == '<')
		return control_stored(r, tx, store_journal_mids(tx, word,
								note_mid, t));
	t->is_address = true;
	if (store_account_find(tx, word, &account) == ST_OK)
		t->account = account.id;
	return ST_OK;
}

static enum status trace(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	enum status st = ST_OK;

	c->tx = tx;
	if (!c->trace) {
		c->trace = calloc(1, sizeof *c->trace);
		st = c->trace ? begin(r, tx) : ST_NO_MEMORY;
		if (st != ST_OK)
			return st;
	}
	st = c->trace->is_address ? trace_address(r, tx) : trace_messages(r, tx);
	if (st == ST_OK && c->trace->is_address && !c->trace->account &&
	    c->rows == 0 && c->trace->after == 0)
		return control_fail(r, ST_NOT_FOUND, c->words[0],
				    "no such user, and no mail of it was refused");
	return st == ST_MORE ? st : control_stored(r, tx, st);
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_trace_verbs[] = {
	{ "trace", 1, 1, 0, PLACE_READER,
	  "row time verb mid sid client user mailbox uids detail", trace, NULL },
	{ 0 },
};
