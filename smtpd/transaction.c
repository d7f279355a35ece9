/*
 * One mail transaction towards mailboxd, as smtpd/session.h describes the
 * requests: recipients, pieces of the message, and what comes of them.
 */
#include "config.h"

#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/date.h"
#include "common/log.h"
#include "smtpd/milters.h"
#include "smtpd/params.h"
#include "smtpd/routed.h"
#include "smtpd/trace_headers.h"

#include <stdio.h>

/* The pieces of a message behind its first: many slow senders hold one each; with
 * its frame it fits into 16 KiB. */
#define PIECE_LATER ((size_t)15 * 1024)
/* Room for the trace field in the first piece. */
#define PIECE_FIRST	((size_t)8192)

static void ask(struct smtp_session *s, struct ipc_message *m)
{
	enum status st = engine_ask(&s->engine, s->t.request, m);

	if (st != ST_OK)
		s->trouble = st;
}

void smtp_passed_keep(struct smtp_passed *passed, unsigned code,
		      struct slice enhanced, struct slice text)
{
	passed->by = NULL;
	passed->code = code;
	snprintf(passed->enhanced, sizeof passed->enhanced, "%.*s",
		 (int)slice_head(enhanced, sizeof passed->enhanced - 1).len,
		 enhanced.data);
	snprintf(passed->text, sizeof passed->text, "%.*s",
		 (int)slice_head(text, sizeof passed->text - 1).len, text.data);
}

static void keep_row(struct smtp_passed *passed, enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);

	smtp_passed_keep(passed, row->code, slice_str(row->enhanced),
			 slice_str(row->text));
}

/* What mailboxd's message says as a reply: whatever is no LMTP_REPLY with a
 * code that makes sense here is a temporary failure. */
void smtp_transaction_keep(struct smtp_passed *passed, const struct ipc_message *m)
{
	const struct ipc_lmtp_reply *r = &m->lmtp_reply;

	if (m->type == IPC_TYPE_LMTP_REPLY && r->code >= 200 && r->code < 600 &&
	    r->code / 100 != 3 && r->code != 421 && r->code != 221)
		smtp_passed_keep(passed, r->code, r->enhanced, r->text);
	else
		keep_row(passed, SMTP_REPLY_UNAVAILABLE);
}

void smtp_transaction_begin(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	header_filter_clear(&t->filter);
	*t = (struct smtp_transaction){
		.sender = t->sender, .recipient = t->recipient, .piece = t->piece,
		.envid = t->envid, .held = t->held, .authors = t->authors, .denied = t->denied,
		.refusal = SMTP_REPLY_OK, .ends_with_crlf = true,
	};
	t->sender.max = t->recipient.max = ADDRESS_OCTETS_MAX;
	t->envid.max = DSN_ENVID_MAX;
	t->envid.len = 0;
	t->piece.max = IPC_PIECE_MAX;
	smtp_submission_begin(s);
	smtp_routed_free(s);
	loop_clear(&s->loop);
	t->sender.len = t->recipient.len = t->piece.len = 0;
	smtp_gate_begin(s);
}

void smtp_transaction_give_up(struct smtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_ABORT };

	if (s->t.request)
		ask(s, &m);
	s->t.request = 0;
}

void smtp_transaction_clear(struct smtp_session *s)
{
	unsigned char digest[DIGEST_OCTETS];

	smtp_transaction_give_up(s);
	if (s->milters)
		smtp_milters_clear(s);
	if (s->t.is_begun && s->digest)
		digest_finish(s->digest, digest);	/* makes it as new */
	buf_free(&s->t.piece);
	s->sender_request = 0;
	s->later.len = 0;
	buf_free(&s->rcpts);
	s->chunk_left = 0;
	smtp_transaction_begin(s);
}

void smtp_transaction_free(struct smtp_session *s)
{
	buf_free(&s->t.sender);
	buf_free(&s->t.recipient);
	buf_free(&s->t.envid);
	buf_free(&s->t.piece);
	header_filter_clear(&s->t.filter);
	smtp_submission_drop(s);
	smtp_routed_free(s);
	loop_clear(&s->loop);
}

/* ---- recipients -------------------------------------------------------------- */

static void open_transaction(struct smtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_MAIL };
	const struct peer_info *peer = s->engine.peer;
	char tls[96] = "";

	if (peer->tls_version)
		snprintf(tls, sizeof tls, "%s %s", peer->tls_version,
			 peer->tls_cipher);
	s->t.request = smtp_request_id(s);
	s->t.is_mail_due = true;
	m.lmtp_mail = (struct ipc_lmtp_mail){
		.sender = buf_slice(&s->t.sender),
		.mid = id_slice(&s->t.mid),
		.sid = id_slice(&s->sid),
		.address = smtp_origin_address(s),
		.helo = smtp_origin_helo(s),
		.login = buf_slice(&s->login),
		.tls = slice_str(tls),
		.octets = s->t.size,
		.utf8 = s->t.is_utf8,
		.body = s->t.is_8bit ? SLICE("8BITMIME") : SLICE_EMPTY,
		.ret = s->t.ret,
		.envid = buf_slice(&s->t.envid),
		.route = s->t.route,
		.requiretls = s->t.requires_tls,
	};
	ask(s, &m);
}

void smtp_transaction_reopen(struct smtp_session *s)
{
	smtp_transaction_give_up(s);
	s->t.failure.code = 0;
	s->t.rcpt_ok = 0;
	s->t.unacknowledged = 0;
	s->t.passed_on = 0;
	open_transaction(s);
}

void smtp_transaction_rcpt(struct smtp_session *s, struct slice recipient,
			   const struct smtp_params *params)
{
	struct smtp_transaction *t = &s->t;
	struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };

	const struct smtp_passed *verdict = NULL;

	t->rcpt_tried++;
	if (!smtp_routed_rcpt(s, recipient))
		return;
	if (s->milters && !t->failure.code)
		verdict = smtp_milters_refusal(s, recipient);
	if (t->failure.code || verdict) {
		smtp_reply_passed(s, verdict ? verdict : &t->failure);
		return;
	}
	if (!t->request)
		open_transaction(s);
	m.lmtp_rcpt.recipient = recipient;
	m.lmtp_rcpt.notify = params->notify;
	m.lmtp_rcpt.orcpt = params->orcpt.data ? params->orcpt : SLICE_EMPTY;
	ask(s, &m);
	if (t->rcpt_tried == 1)
		buf_append(&t->recipient, recipient);
	if (t->rcpt_due == 0)
		t->rcpt_until = clock_ms() + s->settings->backend_ms;
	t->behind[t->rcpt_due++] = 0;
	if (buf_append(&s->rcpts, recipient) == ST_OK)
		buf_append_char(&s->rcpts, '\n');
	if (s->milters)
		smtp_milters_rcpt(s, recipient, params);
}

/* Whom the oldest answer is about. */
static struct slice oldest_rcpt(const struct smtp_session *s)
{
	return slice_head(buf_slice(&s->rcpts),
			  slice_index(buf_slice(&s->rcpts), '\n'));
}

static void drop_oldest_rcpt(struct smtp_session *s)
{
	size_t octets = oldest_rcpt(s).len + 1;

	buf_consume(&s->rcpts, octets < s->rcpts.len ? octets : s->rcpts.len);
	if (s->rcpts.len == 0)
		buf_free(&s->rcpts);
}

/* The answer to the oldest RCPT goes out, and what stood behind it. */
void smtp_transaction_answer_rcpt(struct smtp_session *s,
				  const struct smtp_passed *passed)
{
	struct smtp_transaction *t = &s->t;
	size_t behind = t->behind[0], before = s->replies.len;
	enum status st;

	st = smtp_reply_line(&s->replies, passed->code,
			     slice_str(passed->enhanced),
			     slice_str(passed->text), false);
	smtp_refused(s, SMTP_REPLY_COUNT, passed->by, oldest_rcpt(s),
		     slice_from(buf_slice(&s->replies), before));
	if (passed->code / 100 == 2) {
		smtp_gate_accepted(s, oldest_rcpt(s));
		smtp_routed_accepted(s, oldest_rcpt(s));
		loop_add(&s->loop, oldest_rcpt(s));
	}
	drop_oldest_rcpt(s);
	if (st == ST_OK)
		st = buf_append(&s->replies,
				slice_head(buf_slice(&s->later), behind));
	if (st != ST_OK)
		s->trouble = st;
	buf_consume(&s->later, behind);
	t->rcpt_due--;
	memmove(t->behind, t->behind + 1, t->rcpt_due * sizeof *t->behind);
	t->rcpt_until = clock_ms() + s->settings->backend_ms;
	if (t->rcpt_due == 0 && s->wait == SMTP_WAIT_RCPT)
		s->wait = SMTP_WAIT_NONE;
	if (passed->code / 100 == 2) {
		t->rcpt_ok++;
		smtp_enter(s, SMTP_STATE_RCPT);
		return;
	}
	if (s->settings->counts)
		s->settings->counts->refused_recipients++;
	if (passed->code / 100 == 5 && !smtp_is_trusted(s))
		smtp_count_error(s);
}

/* Nothing more comes of the transaction: what waits is answered with failure. */
static void fail_recipients(struct smtp_session *s)
{
	struct smtp_passed failure = s->t.failure;

	while (s->t.rcpt_due)
		smtp_transaction_answer_rcpt(s, &failure);
}

static void take_mail_answer(struct smtp_session *s, const struct ipc_message *m,
			     bool last)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed passed;

	t->is_mail_due = false;
	smtp_transaction_keep(&passed, m);
	if (passed.code / 100 == 2 && !last)
		return;
	if (passed.code / 100 == 2)
		keep_row(&passed, SMTP_REPLY_UNAVAILABLE);
	t->failure = passed;
	if (!last)
		smtp_transaction_give_up(s);
	t->request = 0;
	fail_recipients(s);
}

static void take_rcpt_answer(struct smtp_session *s, const struct ipc_message *m,
			     bool last)
{
	struct smtp_passed passed;

	smtp_transaction_keep(&passed, m);
	if (!last && s->milters) {
		smtp_milters_rcpt_answered(s, &passed);
		return;
	}
	if (!last) {
		smtp_transaction_answer_rcpt(s, &passed);
		return;
	}
	/* the connection to mailboxd is gone, whatever was accepted before */
	if (passed.code / 100 == 2)
		keep_row(&passed, SMTP_REPLY_UNAVAILABLE);
	s->t.failure = passed;
	s->t.request = 0;
	fail_recipients(s);
}

/* ---- the message ---------------------------------------------------------------- */

bool smtp_transaction_has_room(const struct smtp_session *s)
{
	/* what is held for milters begins to go when all of it has come */
	uint64_t gone = s->milters ? s->t.passed_on : s->t.octets;

	return s->t.unacknowledged < (gone > SMTP_DATA_FIRST
				      ? SMTP_DATA_UNACKNOWLEDGED_LATER
				      : SMTP_DATA_UNACKNOWLEDGED);
}

static void send_piece(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct ipc_message m = { .type = IPC_TYPE_LMTP_DATA };

	if (t->piece.len == 0)
		return;
	if (!t->request) {	/* everybody has it already */
		t->piece.len = 0;
		return;
	}
	m.lmtp_data.octets = buf_slice(&t->piece);
	ask(s, &m);
	t->unacknowledged += t->piece.len;
	t->piece.len = 0;
	if (t->piece.max == IPC_PIECE_MAX) {
		buf_free(&t->piece);
		t->piece.max = PIECE_LATER;
	}
}

static enum status begin_message(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	int64_t now = clock_wall_seconds();
	struct smtp_trace trace = {
		.peer = s->engine.peer,
		.address = smtp_client_address(s),
		.helo = buf_slice(&s->helo),
		.name = buf_slice(&s->client_name),
		.hostname = slice_str(s->settings->hostname),
		.mid = id_slice(&t->mid),
		.recipient = t->rcpt_tried == 1 ? buf_slice(&t->recipient)
						: SLICE_EMPTY,
		.is_esmtp = s->is_esmtp,
		.is_utf8 = t->is_utf8,
		.is_authenticated = s->login.len > 0,
		.seconds = now,
		.zone = date_local_zone(now),
	};

	t->is_begun = true;
	header_filter_init(&t->filter, slice_str(s->settings->hostname),
			   s->settings->junk, !smtp_is_trusted(s));
	if (!s->digest)
		s->digest = digest_new();
	if (!s->digest || buf_reserve(&t->piece, PIECE_FIRST, NULL) != ST_OK)
		return ST_NO_MEMORY;
	return s->milters ? smtp_milters_trace(s, &trace)
			  : smtp_trace_received(&trace, &t->piece);
}

void smtp_transaction_refuse(struct smtp_session *s, enum smtp_reply reply)
{
	struct smtp_transaction *t = &s->t;

	if (t->refusal == SMTP_REPLY_OK)
		t->refusal = reply;
	smtp_transaction_give_up(s);
	buf_free(&t->piece);
	buf_free(&t->held);
	header_filter_clear(&t->filter);
	t->unacknowledged = 0;
}

void smtp_transaction_fail(struct smtp_session *s,
			   const struct smtp_passed *failure)
{
	smtp_transaction_refuse(s, SMTP_REPLY_OK);
	s->t.failure = *failure;
}

/* A line may be at most so long (settings->text_line_octets). Lines that begin
 * and end within one piece are shorter, unless the limit is unusually small. */
static bool lines_fit(struct smtp_session *s, struct slice octets)
{
	struct smtp_transaction *t = &s->t;
	size_t limit = s->settings->text_line_octets;
	size_t lf = slice_index(octets, '\n');
	const char *last;

	if (lf == octets.len) {
		t->line_octets += octets.len;
		return t->line_octets <= limit;
	}
	if (t->line_octets + lf + 1 > limit)
		return false;
	last = memrchr(octets.data, '\n', octets.len);
	t->line_octets = (size_t)(octets.data + octets.len - last) - 1;
	while (limit < octets.len && lf + 1 < octets.len) {
		octets = slice_from(octets, lf + 1);
		lf = slice_index(octets, '\n');
		if (lf + 1 > limit)
			return false;
	}
	return t->line_octets <= limit;
}

void smtp_transaction_pass(struct smtp_session *s, struct slice octets)
{
	if (s->milters)
		smtp_milters_take(s, octets);
	else
		smtp_transaction_pass_on(s, octets);
}

/* Copies what fits into pieces, which go on as they fill. */
void smtp_transaction_pass_on(struct smtp_session *s, struct slice octets)
{
	struct smtp_transaction *t = &s->t;

	t->passed_on += octets.len;
	while (octets.len) {
		struct slice part = slice_head(octets, buf_room(&t->piece));
		enum status st = buf_append(&t->piece, part);

		if (st != ST_OK) {
			smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
			return;
		}
		octets = slice_from(octets, part.len);
		if (buf_room(&t->piece) == 0)
			send_piece(s);
	}
}

/* What the filter lets through. */
static void filtered(void *arg, struct slice octets)
{
	struct smtp_session *s = arg;

	if (s->t.refusal != SMTP_REPLY_OK)
		return;
	if (s->listener->has_auth)
		smtp_submission_octets(s, octets);
	else
		smtp_transaction_pass(s, octets);
}

static void look_for_loop(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	while (t->delivered_seen < t->filter.delivered_count)
		if (loop_has(&s->loop, t->filter.delivered[t->delivered_seen++])) {
			smtp_transaction_refuse(s, SMTP_REPLY_LOOP_DELIVERED);
			return;
		}
}

static void filter(struct smtp_session *s, struct slice octets)
{
	struct smtp_transaction *t = &s->t;
	unsigned most = s->settings->hops;
	enum status st = header_filter_feed(&t->filter, octets, filtered, s);

	if (st == ST_LIMIT)
		smtp_transaction_refuse(s, SMTP_REPLY_HEADER_TOO_LARGE);
	else if (st != ST_OK)
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	else if (most && t->filter.received > most)
		smtp_transaction_refuse(s, SMTP_REPLY_LOOP);
	else if (most && t->delivered_seen < t->filter.delivered_count)
		look_for_loop(s);
}

void smtp_transaction_octets(struct smtp_session *s, struct slice octets)
{
	struct smtp_transaction *t = &s->t;
	uint64_t most = s->settings->message_octets;

	t->octets += octets.len;
	if (t->refusal != SMTP_REPLY_OK || t->failure.code || octets.len == 0)
		return;
	if (most && t->octets > most) {
		smtp_transaction_refuse(s, SMTP_REPLY_TOO_LARGE);
	} else if (!lines_fit(s, octets)) {
		smtp_transaction_refuse(s, SMTP_REPLY_TEXT_LINE_TOO_LONG);
	} else if (!t->is_begun && begin_message(s) != ST_OK) {
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	} else {
		digest_feed(s->digest, octets);
		t->ends_with_crlf = octets.data[octets.len - 1] == '\n';
		filter(s, octets);
	}
}

void smtp_transaction_reply_refusal(struct smtp_session *s)
{
	enum smtp_reply refusal = s->t.refusal;

	switch (refusal) {
	case SMTP_REPLY_FROM_DENIED:
		smtp_reply_with(s, refusal, buf_slice(&s->t.denied));
		break;
	case SMTP_REPLY_FROM_MANY:
		smtp_reply_number(s, refusal, SUBMISSION_AUTHORS_MAX);
		break;
	case SMTP_REPLY_LOOP:
		smtp_reply_number(s, refusal, s->settings->hops);
		break;
	case SMTP_REPLY_HEADER_TOO_LARGE:
		smtp_reply_number(s, refusal, SUBMISSION_HEADER_MAX);
		break;
	case SMTP_REPLY_TOO_LARGE:
		smtp_reply_number(s, refusal, s->settings->message_octets);
		break;
	default:
		smtp_reply_number(s, refusal, s->settings->text_line_octets);
	}
}

/* The transaction is over, whatever became of it. */
static void finish(struct smtp_session *s)
{
	s->t.request = 0;
	s->wait = s->wait == SMTP_WAIT_PAUSE ? s->wait : SMTP_WAIT_NONE;
	smtp_transaction_clear(s);
	smtp_forward_clear(s);
	smtp_enter(s, SMTP_STATE_READY);
}

static void log_refused(struct smtp_session *s, unsigned code)
{
	if (s->settings->counts)
		s->settings->counts->refused++;
	log_event("smtp.refused", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_u64("octets", s->t.octets), log_u64("code", code));
}

/* The message is spoilt, by itself or by somebody who was asked: says so. */
static void end_refused(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	log_refused(s, t->refusal != SMTP_REPLY_OK
			? smtp_reply_row(t->refusal)->code : t->failure.code);
	if (t->refusal != SMTP_REPLY_OK)
		smtp_transaction_reply_refusal(s);
	else
		smtp_reply_passed(s, &t->failure);
	finish(s);
}

void smtp_transaction_end_refused(struct smtp_session *s,
				  const struct smtp_passed *passed)
{
	smtp_transaction_refuse(s, SMTP_REPLY_OK);
	if (passed)
		s->t.failure = *passed;
	else
		keep_row(&s->t.failure, SMTP_REPLY_UNAVAILABLE);
	end_refused(s);
}

void smtp_transaction_end_discarded(struct smtp_session *s)
{
	smtp_transaction_give_up(s);
	log_event("smtp.discarded", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_u64("octets", s->t.octets));
	smtp_reply(s, SMTP_REPLY_OK);
	finish(s);
}

void smtp_transaction_commit(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct ipc_message m = { .type = IPC_TYPE_LMTP_END };

	if (t->refusal != SMTP_REPLY_OK) {
		end_refused(s);
		return;
	}
	send_piece(s);
	buf_free(&t->piece);
	m.lmtp_end.digest = slice_of((const char *)t->digest, sizeof t->digest);
	m.lmtp_end.junk = t->is_junk;
	ask(s, &m);
	t->end_due = t->rcpt_ok;
	smtp_wait(s, SMTP_WAIT_STORED, s->settings->stored_ms);
}

/* Of a route: whether the server is to hear its end. */
static bool goes_on(struct smtp_session *s, struct slice digest)
{
	struct smtp_passed stored = { .code = 250 };

	switch (smtp_routed_end(s, digest)) {
	case SMTP_ROUTED_STORED:
		smtp_transaction_concluded(s, &stored);
		return false;
	case SMTP_ROUTED_REFUSED:
		smtp_transaction_give_up(s);
		end_refused(s);
		return false;
	default:
		return true;
	}
}

/* Nobody has anything against it: the rest of it goes on, to be committed. */
static void commit(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	/* mailboxd may have gone while a check was asked */
	if (t->failure.code) {
		end_refused(s);
		return;
	}
	digest_finish(s->digest, t->digest);
	t->is_begun = false;
	if (!goes_on(s, slice_of((const char *)t->digest, sizeof t->digest)))
		return;
	/* the store holds lines: BDAT may have left the last one open */
	if (!t->ends_with_crlf)
		smtp_transaction_pass(s, SLICE("\r\n"));
	if (s->milters)
		smtp_milters_content(s);
	else
		smtp_transaction_commit(s);
}

void smtp_transaction_end(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	if (t->refusal == SMTP_REPLY_OK && !t->failure.code && !t->is_begun &&
	    begin_message(s) != ST_OK)
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	if (t->refusal == SMTP_REPLY_OK && !t->failure.code)
		header_filter_end(&t->filter, filtered, s);
	if (s->listener->has_auth && t->refusal == SMTP_REPLY_OK &&
	    !t->failure.code && !smtp_submission_end(s))
		return;
	if (t->refusal != SMTP_REPLY_OK || t->failure.code)
		end_refused(s);
	else
		smtp_gate(s, SMTP_STAGE_END, SLICE_EMPTY, commit, end_refused);
}

void smtp_transaction_concluded(struct smtp_session *s,
				const struct smtp_passed *reply)
{
	struct smtp_transaction *t = &s->t;

	if (reply->code == 250) {
		crash_point("smtp.before_reply");
		smtp_reply_with(s, SMTP_REPLY_STORED, id_slice(&t->mid));
		if (!t->route)
			buf_append(&s->told, id_slice(&t->mid));
	} else {
		smtp_reply_passed(s, reply);
	}
	if (reply->code == 250)
		s->empty = 0;
	if (reply->code == 250 && s->settings->counts) {
		s->settings->counts->stored++;
		s->settings->counts->stored_octets += t->octets;
	}
	if (reply->code == 250)
		log_event("smtp.stored", log_slice("sid", id_slice(&s->sid)),
			  log_slice("mid", id_slice(&t->mid)),
			  log_u64("octets", t->octets),
			  log_u64("rcpts", t->rcpt_ok), log_u64("code", 250));
	else
		log_refused(s, reply->code);
	finish(s);
}

/*
 * All recipients are answered. One that may work later makes the client send
 * again; one that never will is named only where none was stored. What a route's
 * server says of each, smtpd/route.h has.
 */
static void conclude(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed reply = { .code = 250 };

	if (t->route) {
		if (!smtp_routed_conclude(s, &reply))
			return;
	} else if (t->temporary) {
		reply = t->end_temporary;
	} else if (!t->stored) {
		reply = t->end_permanent;
	}
	smtp_transaction_concluded(s, &reply);
}

static void take_end_answer(struct smtp_session *s, const struct ipc_message *m,
			    bool last)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed passed;
	unsigned count = last ? t->end_due : 1;

	smtp_transaction_keep(&passed, m);
	smtp_routed_outcome(s, &passed, count);
	t->end_due -= count;
	if (passed.code / 100 == 2) {
		t->stored += count;
	} else if (passed.code / 100 == 4) {
		if (t->temporary == 0)
			t->end_temporary = passed;
		t->temporary += count;
	} else {
		if (t->permanent == 0)
			t->end_permanent = passed;
		t->permanent += count;
	}
	if (t->end_due == 0) {
		t->request = last ? 0 : t->request;
		conclude(s);
	}
}

void smtp_transaction_credit(struct smtp_session *s, uint32_t octets)
{
	size_t *out = &s->t.unacknowledged;

	*out -= octets < *out ? octets : *out;
}

/* Ended by mailboxd in the midst of the data: the rest is read and dropped. */
static void lose_message(struct smtp_session *s, const struct ipc_message *m)
{
	struct smtp_transaction *t = &s->t;

	smtp_transaction_keep(&t->failure, m);
	if (t->failure.code / 100 == 2)
		keep_row(&t->failure, SMTP_REPLY_UNAVAILABLE);
	t->request = 0;
	t->unacknowledged = 0;
	buf_free(&t->piece);
}

void smtp_transaction_answer(struct smtp_session *s, const struct ipc_message *m,
			     bool last)
{
	struct smtp_transaction *t = &s->t;

	if (smtp_routed_answer(s, m, last))
		return;
	if (s->wait == SMTP_WAIT_RELEASE)
		smtp_release_answer(s, m, last);
	else if (m->type == IPC_TYPE_CREDIT && !last)
		smtp_transaction_credit(s, m->credit.octets);
	else if (t->is_mail_due)
		take_mail_answer(s, m, last);
	else if (t->rcpt_due)
		take_rcpt_answer(s, m, last);
	else if (s->wait == SMTP_WAIT_STORED)
		take_end_answer(s, m, last);
	else if (last)
		lose_message(s, m);
}

void smtp_transaction_expired(struct smtp_session *s)
{
	static const struct ipc_message late = { .type = IPC_TYPE_ERROR };
	struct smtp_transaction *t = &s->t;

	if (smtp_routed_expired(s))
		return;
	smtp_transaction_give_up(s);
	if (t->route && s->wait == SMTP_WAIT_STORED) {
		/* some may have it: that is remembered */
		take_end_answer(s, &late, true);
		return;
	}
	keep_row(&t->failure, SMTP_REPLY_UNAVAILABLE);
	t->is_mail_due = false;
	if (s->wait == SMTP_WAIT_STORED || s->wait == SMTP_WAIT_RELEASE) {
		smtp_reply_passed(s, &t->failure);
		log_refused(s, t->failure.code);
		finish(s);
		return;
	}
	fail_recipients(s);
}
