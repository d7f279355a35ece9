/* The octets of a message: looked at, filtered, and passed on in pieces. */
#include "config.h"

#include "smtpd/transaction_priv.h"

#include "common/clock.h"
#include "common/date.h"
#include "smtpd/milters.h"
#include "smtpd/routed.h"
#include "smtpd/trace_headers.h"

/* The pieces of a message behind its first: many slow senders hold one each; with
 * its frame it fits into 16 KiB. */
#define PIECE_LATER ((size_t)15 * 1024)
/* Room for the trace field in the first piece. */
#define PIECE_FIRST	((size_t)8192)

bool smtp_transaction_has_room(const struct smtp_session *s)
{
	/* what is held for milters begins to go when all of it has come */
	uint64_t gone = s->milters ? s->t.passed_on : s->t.octets;

	return s->t.unacknowledged < (gone > SMTP_DATA_FIRST
				      ? SMTP_DATA_UNACKNOWLEDGED_LATER
				      : SMTP_DATA_UNACKNOWLEDGED);
}

void smtp_transaction_send_piece(struct smtp_session *s)
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
	smtp_transaction_ask(s, &m);
	t->unacknowledged += t->piece.len;
	t->piece.len = 0;
	if (t->piece.max == IPC_PIECE_MAX) {
		buf_free(&t->piece);
		t->piece.max = PIECE_LATER;
	}
}

enum status smtp_transaction_begin_message(struct smtp_session *s)
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
			smtp_transaction_send_piece(s);
	}
}

/* What the filter lets through. */
void smtp_transaction_filtered(void *arg, struct slice octets)
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
	enum status st = header_filter_feed(&t->filter, octets, smtp_transaction_filtered, s);

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
	} else if (!t->is_begun && smtp_transaction_begin_message(s) != ST_OK) {
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	} else {
		digest_feed(s->digest, octets);
		t->ends_with_crlf = octets.data[octets.len - 1] == '\n';
		filter(s, octets);
	}
}
