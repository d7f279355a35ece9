/*
 * A submitted message (RFC 6409 section 8): its header is held back until it is
 * whole and mailboxd has said that the login may use each author it names; then
 * it goes on, and everything behind it as it comes. While an author is asked for
 * nothing is read from the client.
 */
#include "config.h"

#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/header.h"

/* A step of DATA or a piece of a chunk may stand behind the header. */
#define HELD_MAX (SUBMISSION_HEADER_MAX + IPC_PIECE_MAX)

void smtp_submission_begin(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	t->held.max = HELD_MAX;
	t->authors.max = SUBMISSION_AUTHORS_MAX * (ADDRESS_OCTETS_MAX + 1);
	t->denied.max = ADDRESS_OCTETS_MAX;
	smtp_submission_drop(s);
}

void smtp_submission_drop(struct smtp_session *s)
{
	buf_free(&s->t.held);
	buf_free(&s->t.authors);
	buf_free(&s->t.denied);
}

static struct submission submission_of(const struct smtp_session *s)
{
	int64_t now = clock_wall_seconds();

	return (struct submission){
		.login = buf_slice(&s->login),
		.hostname = slice_str(s->settings->hostname),
		.mid = id_slice(&s->t.mid),
		.seconds = now, .zone = date_local_zone(now),
	};
}

/* ---- on it goes ---------------------------------------------------------------- */

static void release(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct slice held = buf_slice(&t->held);
	struct slice header = slice_head(held, header_octets(held));
	struct submission by = submission_of(s);
	struct buf out = BUF_INIT(HELD_MAX + 4096);
	enum status st = submission_rewrite(header, &by, &t->scan, &out);

	t->is_released = true;
	if (st == ST_OK) {
		smtp_transaction_pass(s, buf_slice(&out));
		smtp_transaction_pass(s, slice_from(held, header.len));
	} else {
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	}
	buf_free(&out);
	buf_free(&t->held);
}

/* ---- the authors --------------------------------------------------------------- */

static void deny(struct smtp_session *s, struct slice address)
{
	buf_append(&s->t.denied, address);
	smtp_transaction_refuse(s, SMTP_REPLY_FROM_DENIED);
}

/* The next author that was not asked for; without one the header goes on. */
static void look_on(struct smtp_session *s)
{
	struct slice authors = buf_slice(&s->t.authors);

	if (s->t.refusal != SMTP_REPLY_OK)
		return;
	if (authors.len == 0)
		release(s);
	else
		smtp_sender_ask(s, slice_head(authors,
					      slice_index(authors, '\n')));
}

void smtp_submission_checked(struct smtp_session *s, enum status st)
{
	struct smtp_transaction *t = &s->t;
	size_t octets = slice_index(buf_slice(&t->authors), '\n');

	if (st == ST_DENIED)
		deny(s, slice_head(buf_slice(&t->authors), octets));
	else if (st != ST_OK)
		smtp_transaction_refuse(s, SMTP_REPLY_UNAVAILABLE);
	buf_consume(&t->authors, octets + 1);
	look_on(s);
	if (t->is_end_held && s->wait == SMTP_WAIT_NONE) {
		t->is_end_held = false;
		smtp_transaction_end(s);
	}
}

/* Notes one author of From to be asked for, once. */
static enum status note_author(void *arg, struct slice address)
{
	struct smtp_session *s = arg;
	struct buf *authors = &s->t.authors;
	struct slice noted = buf_slice(authors), one;
	enum status st;

	if (address.len == 0 || slice_index(address, '\n') < address.len) {
		deny(s, SLICE("<>"));
		return ST_DENIED;
	}
	while (slice_split(&noted, '\n', &one))
		if (slice_eq(one, address))
			return ST_OK;
	if (smtp_sender_is_known(s, address))
		return ST_OK;
	st = buf_append(authors, address);
	return st == ST_OK ? buf_append_char(authors, '\n') : st;
}

static void check_header(struct smtp_session *s, struct slice header)
{
	struct submission by = submission_of(s);
	struct submission_scan *scan = &s->t.scan;
	enum status st = submission_scan(header, &by, note_author, s, scan);

	if (st == ST_LIMIT)
		smtp_transaction_refuse(s, SMTP_REPLY_FROM_MANY);
	else if (st != ST_OK && st != ST_DENIED)
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	else if (scan->authors == 0)
		smtp_transaction_refuse(s, SMTP_REPLY_FROM_MISSING);
	look_on(s);
}

/* ---- octets -------------------------------------------------------------------- */

/* Octets of the header with its empty line; 0: it has not ended yet. */
static size_t header_end(struct slice held, size_t looked_at)
{
	size_t at = looked_at > 3 ? looked_at - 3 : 0;
	const char *found;

	if (slice_starts(held, SLICE("\r\n")))
		return 2;
	found = memmem(held.data + at, held.len - at, "\r\n\r\n", 4);
	return found ? (size_t)(found - held.data) + 4 : 0;
}

void smtp_submission_octets(struct smtp_session *s, struct slice octets)
{
	struct smtp_transaction *t = &s->t;
	size_t before = t->held.len, end;
	enum status st;

	if (t->is_released) {
		smtp_transaction_pass(s, octets);
		return;
	}
	st = buf_append(&t->held, octets);
	if (st == ST_NO_MEMORY) {
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
		return;
	}
	end = header_end(buf_slice(&t->held), before);
	if (st == ST_LIMIT || (end ? end : t->held.len) > SUBMISSION_HEADER_MAX)
		smtp_transaction_refuse(s, SMTP_REPLY_HEADER_TOO_LARGE);
	else if (end)
		check_header(s, slice_head(buf_slice(&t->held), end));
}

bool smtp_submission_end(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	/* a message that is nothing but a header */
	if (!t->is_released && s->wait == SMTP_WAIT_NONE)
		check_header(s, buf_slice(&t->held));
	t->is_end_held = s->wait == SMTP_WAIT_SENDER;
	return !t->is_end_held;
}
