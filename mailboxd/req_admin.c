/*
 * CONTROL: the command line asks. Finds the verb, takes its words apart, and
 * answers as the verb's row says.
 */
#include "mailboxd/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/date.h"
#include "common/log.h"

#define LONG_MS (24 * 3600 * INT64_C(1000))	/* CONTROL_LONG */

/* ---- words -------------------------------------------------------------------- */

struct slice control_option(struct request *r, const char *name,
			    const char *fallback)
{
	const struct control *c = control_of(r);

	for (size_t i = 0; i < c->option_count; i++) {
		size_t equals = slice_index(c->options[i], '=');

		if (slice_eq(slice_head(c->options[i], equals), slice_str(name)))
			return slice_from(c->options[i], equals + 1);
	}
	return slice_str(fallback);
}

enum status control_fail(struct request *r, enum status st, struct slice word,
			 const char *fmt, ...)
{
	va_list ap;

	snprintf(r->detail, sizeof r->detail, "%.*s",
		 (int)(word.len < sizeof r->detail ? word.len : 40), word.data);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	return st;
}

enum status control_number(struct request *r, size_t word, uint64_t max,
			   uint64_t *value)
{
	struct slice text = control_of(r)->words[word];
	unsigned long long n;

	if (!slice_number(text, max, &n))
		return control_fail(r, ST_SYNTAX, text, "a number is wanted here");
	*value = n;
	return ST_OK;
}

enum status control_set(struct request *r, size_t word, struct ranges *set)
{
	struct slice rest = control_of(r)->words[word], part, low;
	unsigned long long from, to;
	enum status st = ST_OK;

	while (st == ST_OK && slice_split(&rest, ',', &part)) {
		slice_split(&part, ':', &low);
		if (!slice_number(low, UINT32_MAX, &from))
			from = 0;
		to = from;
		if (from == 0 || (part.data && !slice_number(part, UINT32_MAX, &to)))
			return control_fail(r, ST_SYNTAX, control_of(r)->words[word],
					    "UIDs are wanted here, such as 5:9,12");
		st = ranges_add(set, (uint32_t)from, (uint32_t)to);
	}
	return st;
}

enum status control_address(struct request *r, struct slice word,
			    unsigned flags, struct address *address)
{
	enum status st = address_parse(word, flags | ADDRESS_UTF8,
				       &control_of(r)->arena, address);

	if (st == ST_SYNTAX || st == ST_LIMIT)
		return control_fail(r, ST_SYNTAX, word,
				    "that is no address: name@domain is wanted");
	return st;
}

enum status control_stored(struct request *r, struct tx *tx, enum status st)
{
	return st == ST_OK ? st : request_store_failed(r, st, tx, "");
}

enum status control_account(struct request *r, struct tx *tx, size_t word,
			    struct store_account *account)
{
	struct slice login = control_of(r)->words[word];
	enum status st = store_account_find(tx, login, account);

	if (st == ST_NOT_FOUND || st == ST_SYNTAX)
		return control_fail(r, ST_NOT_FOUND, login,
				    "no such user; postroom user list shows all");
	return control_stored(r, tx, st);
}

enum status control_mailbox(struct request *r, struct tx *tx, uint64_t account,
			    size_t word, struct store_mailbox *mailbox)
{
	struct slice name = control_of(r)->words[word];
	enum status st = store_mailbox_find(tx, account, name, mailbox);

	if (st == ST_NOT_FOUND || st == ST_SYNTAX)
		return control_fail(r, ST_NOT_FOUND, name,
				    "no such mailbox; postroom mailbox list shows all");
	return control_stored(r, tx, st);
}

/* ---- rows ---------------------------------------------------------------------- */

void control_text(struct request *r, struct slice text)
{
	struct buf *cells = &control_of(r)->cells;

	/* a NUL would make the frame malformed where a text is read */
	if (ipc_list_append(cells, text) != ST_OK)
		ipc_list_append(cells, SLICE("..."));
}

void control_u64(struct request *r, uint64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)number);

	control_text(r, slice_of(text, (size_t)n));
}

void control_time(struct request *r, int64_t wall_ms)
{
	char text[DATE_RFC3339_OCTETS + 1] = "";

	if (wall_ms)
		date_render_rfc3339(wall_ms, text);
	text[DATE_RFC3339_OCTETS] = '\0';
	control_text(r, slice_str(text));
}

void control_flags(struct request *r, uint64_t flags)
{
	static const struct { uint32_t flag; const char *word; } words[] = {
		{ FLAG_SEEN, "seen" }, { FLAG_ANSWERED, "answered" },
		{ FLAG_FLAGGED, "flagged" }, { FLAG_DELETED, "deleted" },
		{ FLAG_DRAFT, "draft" },
	};
	char text[64] = "";
	size_t n = 0;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (flags & words[i].flag)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
					      n ? "," : "", words[i].word);
	control_text(r, slice_of(text, n));
}

void control_envelope(struct request *r, control_read *read, struct slice envelope)
{
	struct buf text = BUF_INIT(8192);

	read(envelope, &text);	/* what is longer is not shown */
	control_text(r, buf_slice(&text));
	buf_free(&text);
}

enum status control_row(struct request *r)
{
	struct control *c = control_of(r);
	struct ipc_message m = { .type = IPC_TYPE_RECORD };
	enum status st;

	m.record.cells = buf_slice(&c->cells);
	st = request_put(r, 0, &m);
	c->cells.len = 0;
	c->rows++;
	return st;
}

enum status control_note(struct request *r, const char *fmt, ...)
{
	char text[1200];
	struct ipc_message m = { .type = IPC_TYPE_NOTE };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	m.note.text = slice_str(text);
	return request_put(r, 0, &m);
}

enum status control_progress(struct request *r, uint64_t done, uint64_t total)
{
	struct ipc_message m = { .type = IPC_TYPE_PROGRESS };

	m.progress.done = done;
	m.progress.total = total;
	return request_put(r, 0, &m);
}

enum status control_columns(struct request *r, const char *columns)
{
	struct slice rest = slice_str(columns), name;
	struct buf packed = BUF_INIT(1024);
	struct ipc_message m = { .type = IPC_TYPE_TABLE };
	enum status st = ST_OK;

	while (st == ST_OK && slice_split(&rest, ' ', &name))
		st = ipc_list_append(&packed, name);
	m.table.columns = buf_slice(&packed);
	if (st == ST_OK)
		st = request_put(r, 0, &m);
	buf_free(&packed);
	return st;
}

/* ---- dispatch ------------------------------------------------------------------- */

void control_revoke(struct request *r, uint64_t account, uint64_t credential,
		    const char *reason)
{
	bool keeps = slice_eq(control_option(r, "sessions", ""), SLICE("keep"));

	control_of(r)->revoked = (struct ipc_service_kick){
		keeps ? 0 : account, credential, SLICE_EMPTY, slice_str(reason),
	};
}

/* What is remembered of accounts is no longer so, before anybody is told. */
static void committed(struct request *r, enum status st)
{
	struct control *c = control_of(r);

	if (!c->verb || !(c->verb->flags & CONTROL_DIRECTORY))
		return;
	service_directory_changed(r->service);
	if (st == ST_OK && c->revoked.account)
		service_revoke(r->service, &c->revoked);
	c->revoked.account = 0;
}

static void control_free(struct request *r)
{
	struct control *c = r->state;

	if (!c)
		return;
	/* also when the asking side went away before the answer */
	committed(r, r->outcome);
	store_fetch_end(r->service->store, &c->fetch);
	store_backup_end(&c->backup);
	store_export_end(r->service->store, &c->out);
	importing_free(c->importing);
	control_trace_free(c->trace);
	arena_clear(&c->arena);
	buf_free(&c->cells);
	buf_wipe(&c->verifier);
	buf_wipe(&c->work);
	free(c);
}

static const struct control_verb *find_verb(struct slice name)
{
	static const struct control_verb *const tables[] = {
		control_care_verbs, control_certificate_verbs,
		control_directory_verbs,
		control_expunged_verbs, control_mail_verbs,
		control_password_verbs, control_service_verbs,
		control_transfer_verbs,
		control_trace_verbs,
	};

	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (const struct control_verb *v = tables[t]; v->name; v++)
			if (slice_eq(name, slice_str(v->name)))
				return v;
	return NULL;
}

static bool take_words(struct request *r, struct control *c)
{
	struct slice list = r->message.control.args, word;
	enum status st;

	while ((st = ipc_list_next(&list, &word)) == ST_OK) {
		size_t equals = slice_index(word, '=');
		bool is_option = equals < word.len && equals > 0 &&
				 c->count >= c->verb->least;

		if (c->count + c->option_count == CONTROL_WORDS_MAX)
			return false;
		/* passwords and addresses may hold "=": only behind them */
		for (size_t i = 0; i < equals && is_option; i++)
			is_option = word.data[i] >= 'a' && word.data[i] <= 'z';
		if (is_option)
			c->options[c->option_count++] = word;
		else
			c->words[c->count++] = word;
	}
	return st == ST_MORE && c->count >= c->verb->least &&
	       c->count <= c->verb->most;
}

static enum status verb_run(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	enum status st = ST_OK;

	arena_clear(&c->arena);
	c->cells.len = 0;
	if (c->verb->place == PLACE_WRITER) {
		c->rows = 0;
		c->has_columns = false;
		request_act(r, tx);
	}
	if (c->verb->columns && !c->has_columns)
		st = control_columns(r, c->verb->columns);
	c->has_columns = true;
	if (st == ST_OK)
		st = c->verb->run(r, tx);
	return st == ST_OK ? request_put_done(r, c->rows) : st;
}

void control_ended(struct request *r, enum status st)
{
	const struct control_verb *v = control_of(r)->verb;

	if ((v->flags & CONTROL_CHANGES) && st != ST_MORE)
		log_event("control", log_str("verb", v->name), log_status(st));
	committed(r, st);
	request_ended(r, st);
}

enum status req_control_more(struct request *r, const struct ipc_message *m)
{
	const struct control *c = control_of(r);

	return c && c->more ? c->more(r, m) : ST_SYNTAX;
}

static void begin(struct request *r)
{
	const struct control_verb *v = control_of(r)->verb;

	if (v->flags & CONTROL_LONG)
		r->due_ms = clock_ms() + LONG_MS;
	if (v->start)
		v->start(r);
	else
		request_go(r, v->place, JOB_SYNC_FULL, verb_run, control_ended);
}

void req_control(struct request *r)
{
	struct slice name = r->message.control.verb;
	struct control *c;

	r->free_state = control_free;
	c = request_state(r, sizeof *c);
	if (!c)
		return;
	c->arena = (struct arena)ARENA_INIT(1024 * 1024);
	c->cells = (struct buf)BUF_INIT(60000);
	c->verifier = (struct buf)BUF_INIT(1024);
	c->work = (struct buf)BUF_INIT(4096);
	c->backup.fd = -1;
	c->verb = find_verb(name);
	if (!c->verb) {
		control_fail(r, ST_NOT_FOUND, name, "no such command");
		request_finish(r, ST_NOT_FOUND);
	} else if ((c->verb->flags & CONTROL_CHANGES) && !r->session->is_root) {
		control_fail(r, ST_DENIED, name, "only root may do that");
		request_finish(r, ST_DENIED);
	} else if (!take_words(r, c)) {
		control_fail(r, ST_SYNTAX, name, "wrong number of words");
		request_finish(r, ST_SYNTAX);
	} else {
		begin(r);
	}
}
