#include "config.h"

#include "smtpd/routed.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/dsn.h"
#include "common/log.h"
#include "smtpd/failure_report.h"
#include "smtpd/route.h"

#include <stdio.h>
#include <stdlib.h>

/* Of the addresses that a 554 names. */
#define NAMED_MAX	((size_t)200)
#define RECIPIENTS_MAX	((size_t)2 << 20)

struct smtp_routed {
	struct buf sender;	/* as the client named it; milters may change it */
	struct buf accepted;	/* a line each, in the order of their answers */
	size_t answered;	/* octets of it that were answered after the data */
	struct buf had;		/* who has it, a line each */
	struct buf failures;	/* smtpd/failure_report.h */
	struct buf quiet;	/* NOTIFY without FAILURE, a line each */
	struct buf reported;	/* failures but for theirs */
	unsigned char digest[DIGEST_OCTETS];
	bool is_reporting;
	unsigned report_replies;
};

/* ---- recipients --------------------------------------------------------------------- */

static struct smtp_partial_key key_of(const struct smtp_session *s)
{
	return (struct smtp_partial_key){
		.client = s->login.len ? buf_slice(&s->login) : smtp_origin_address(s),
		.sender = buf_slice(s->routed ? &s->routed->sender : &s->t.sender),
		.route = s->t.route,
	};
}

static struct smtp_routed *routed(struct smtp_session *s)
{
	if (s->routed)
		return s->routed;
	s->routed = calloc(1, sizeof *s->routed);
	if (!s->routed) {
		s->trouble = ST_NO_MEMORY;
		return NULL;
	}
	s->routed->sender.max = ADDRESS_OCTETS_MAX;
	if (buf_append(&s->routed->sender, buf_slice(&s->t.sender)) != ST_OK)
		s->trouble = ST_NO_MEMORY;
	s->routed->accepted.max = s->routed->had.max = RECIPIENTS_MAX;
	s->routed->quiet.max = RECIPIENTS_MAX;
	s->routed->failures.max = s->routed->reported.max = 2 * RECIPIENTS_MAX;
	return s->routed;
}

void smtp_routed_free(struct smtp_session *s)
{
	if (!s->routed)
		return;
	buf_free(&s->routed->sender);
	buf_free(&s->routed->accepted);
	buf_free(&s->routed->had);
	buf_free(&s->routed->failures);
	buf_free(&s->routed->quiet);
	buf_free(&s->routed->reported);
	free(s->routed);
	s->routed = NULL;
}

static void keep_line(struct smtp_session *s, struct buf *lines, struct slice line)
{
	enum status st = buf_append(lines, line);

	if (st == ST_OK)
		st = buf_append_char(lines, '\n');
	if (st != ST_OK)
		s->trouble = st;
}

/* What is known of the server. False: it is answered. */
static bool is_there(struct smtp_session *s)
{
	enum status state = s->settings->routes->states[s->t.route];

	if (state == ST_UNAVAILABLE)
		smtp_reply(s, s->t.route ? SMTP_REPLY_ROUTE_AWAY
					 : SMTP_REPLY_UNAVAILABLE);
	else if (state == ST_FULL)
		smtp_reply(s, SMTP_REPLY_STORAGE_FULL);
	return state == ST_OK;
}

/* It has the message, if this is the same again: the server does not hear of it. */
static void skip(struct smtp_session *s, struct slice recipient)
{
	struct smtp_routed *r = routed(s);

	if (!r)
		return;
	s->t.rcpt_had++;
	keep_line(s, &r->had, recipient);
	smtp_enter(s, SMTP_STATE_RCPT);
	smtp_reply(s, SMTP_REPLY_RECIPIENT_OK);
}

bool smtp_routed_rcpt(struct smtp_session *s, struct slice recipient)
{
	struct smtp_transaction *t = &s->t;
	const struct smtp_routes *routes = s->settings->routes;
	unsigned route = routes ? smtp_routes_find(routes, recipient) : 0;
	bool has_others = t->rcpt_ok || t->rcpt_due || t->rcpt_had;
	struct smtp_partial_key key;

	if (!routes)
		return true;
	if (has_others && route != t->route) {
		smtp_reply(s, SMTP_REPLY_OTHER_ROUTE);
		return false;
	}
	if (route != t->route) {
		/* what was tried on the way before came to nothing */
		smtp_transaction_give_up(s);
		t->failure.code = 0;
		t->route = route;
	}
	if (!t->request && !t->failure.code && !is_there(s))
		return false;
	key = key_of(s);
	if (!route || !smtp_partials_has(s->settings->partials, &key, recipient))
		return true;
	skip(s, recipient);
	return false;
}

void smtp_routed_asked(struct smtp_session *s, struct slice recipient, unsigned notify)
{
	struct smtp_routed *r = s->t.route && notify && !(notify & DSN_FAILURE)
				? routed(s) : NULL;

	if (r)
		keep_line(s, &r->quiet, recipient);
}

void smtp_routed_accepted(struct smtp_session *s, struct slice recipient)
{
	struct smtp_routed *r = s->t.route ? routed(s) : NULL;

	if (r)
		keep_line(s, &r->accepted, recipient);
}

void smtp_routed_reopened(struct smtp_session *s)
{
	if (s->routed)
		s->routed->accepted.len = s->routed->answered = 0;
}

void smtp_routed_to(struct smtp_session *s, struct slice recipient)
{
	s->t.route = s->settings->routes
		? smtp_routes_find(s->settings->routes, recipient) : 0;
}

/* ---- the end of the data ---------------------------------------------------------------- */

enum smtp_routed_end smtp_routed_end(struct smtp_session *s, struct slice digest)
{
	struct smtp_routed *r = s->routed;
	struct smtp_partial_key key = key_of(s);

	if (!s->t.route || !r)
		return SMTP_ROUTED_GO_ON;
	memcpy(r->digest, digest.data, sizeof r->digest);
	if (!s->t.rcpt_had)
		return SMTP_ROUTED_GO_ON;
	if (!smtp_partials_match(s->settings->partials, &key, digest)) {
		/* another message: those who were left out have to get it */
		smtp_passed_keep(&s->t.failure, 451, SLICE("4.3.0"),
				 SLICE("Some recipients were left out: send it again"));
		return SMTP_ROUTED_REFUSED;
	}
	log_event("smtp.again", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_u64("rcpts", s->t.rcpt_had));
	if (s->t.rcpt_ok)
		return SMTP_ROUTED_GO_ON;
	smtp_partials_forget(s->settings->partials, &key);
	return SMTP_ROUTED_STORED;
}

static struct slice next_accepted(struct smtp_routed *r)
{
	struct slice rest = slice_from(buf_slice(&r->accepted), r->answered);
	struct slice line = slice_head(rest, slice_index(rest, '\n'));

	r->answered += line.len + (line.len < rest.len);
	return line;
}

static void keep_failure(struct buf *failures, struct slice recipient,
			 const struct smtp_passed *passed)
{
	buf_append(failures, recipient);
	buf_append_fmt(failures, " %u %s %s\n", passed->code, passed->enhanced,
		       passed->text);
}

/* The sender does not want to hear of it (RFC 3461 section 4.1). */
static bool is_quiet(const struct smtp_routed *r, struct slice recipient)
{
	struct slice rest = buf_slice(&r->quiet), line;

	while (slice_split(&rest, '\n', &line))
		if (slice_eq(line, recipient))
			return true;
	return false;
}

void smtp_routed_outcome(struct smtp_session *s, const struct smtp_passed *passed,
			 unsigned count)
{
	struct smtp_routed *r = s->routed;

	while (r && s->t.route && count--) {
		struct slice recipient = next_accepted(r);

		if (passed->code / 100 == 2) {
			keep_line(s, &r->had, recipient);
		} else if (passed->code / 100 == 5) {
			keep_failure(&r->failures, recipient, passed);
			if (!is_quiet(r, recipient))
				keep_failure(&r->reported, recipient, passed);
		}
	}
}

/* ---- what it comes to ----------------------------------------------------------------------- */

static void reply_temporary(struct smtp_session *s, struct smtp_passed *reply)
{
	struct smtp_routed *r = s->routed;
	struct smtp_partial_key key = key_of(s);
	char text[128];

	*reply = s->t.end_temporary;
	if (!s->t.stored && !s->t.rcpt_had)
		return;
	smtp_partials_add(s->settings->partials, &key,
			  slice_of((const char *)r->digest, sizeof r->digest),
			  buf_slice(&r->had));
	snprintf(text, sizeof text, "%u recipients have it, send it again for the others: ",
		 s->t.stored + s->t.rcpt_had);
	snprintf(reply->text, sizeof reply->text, "%s%.100s", text,
		 s->t.end_temporary.text);
	reply->code = 451;
}

/* Those who will never get it; the others have it. */
static void reply_named(struct smtp_session *s, struct smtp_passed *reply)
{
	struct slice rest = buf_slice(&s->routed->failures), line;
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof text, "Not delivered, but to others, to:");

	while (slice_split(&rest, '\n', &line)) {
		struct slice who = slice_head(line, slice_index(line, ' '));

		if (!who.len)
			continue;
		if (n + who.len + 6 > NAMED_MAX) {
			snprintf(text + n, sizeof text - n, " ...");
			break;
		}
		n += (size_t)snprintf(text + n, sizeof text - n, " <%.*s>",
				      SLICE_ARG(who));
	}
	smtp_passed_keep(reply, 554, slice_str(s->t.end_permanent.enhanced),
			 slice_str(text));
}

static void ask(struct smtp_session *s, struct ipc_message *m)
{
	enum status st = engine_ask(&s->engine, s->t.request, m);

	if (st != ST_OK)
		s->trouble = st;
}

static void ask_report(struct smtp_session *s, const struct id *mid, struct slice text)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_MAIL };

	s->t.request = smtp_request_id(s);
	m.lmtp_mail.mid = id_slice(mid);
	m.lmtp_mail.sid = id_slice(&s->sid);
	m.lmtp_mail.octets = text.len;
	m.lmtp_mail.utf8 = s->t.is_utf8;
	m.lmtp_mail.body = SLICE("8BITMIME");
	ask(s, &m);
	m = (struct ipc_message){ .type = IPC_TYPE_LMTP_RCPT };
	m.lmtp_rcpt.recipient = buf_slice(&s->t.sender);
	ask(s, &m);
	while (text.len) {
		m = (struct ipc_message){ .type = IPC_TYPE_LMTP_DATA };
		m.lmtp_data.octets = slice_head(text, IPC_PIECE_MAX);
		text = slice_from(text, m.lmtp_data.octets.len);
		ask(s, &m);
	}
	m = (struct ipc_message){ .type = IPC_TYPE_LMTP_END };
	ask(s, &m);
}

/* False: it cannot be made. */
static bool send_report(struct smtp_session *s)
{
	struct id mid = id_make(ID_MESSAGE);
	struct buf text = BUF_INIT(FAILURE_REPORT_MAX);
	int64_t now = clock_wall_seconds();
	struct failure_report report = {
		.hostname = slice_str(s->settings->hostname),
		.mid = id_slice(&mid), .to = buf_slice(&s->t.sender),
		.envid = buf_slice(&s->t.envid), .about = id_slice(&s->t.mid),
		.failures = buf_slice(&s->routed->reported),
		.seconds = now, .zone = date_local_zone(now),
	};
	enum status st = failure_report_write(&report, &text);

	/* what goes in one piece is never without room */
	if (st == ST_OK && text.len <= IPC_PIECE_MAX)
		ask_report(s, &mid, buf_slice(&text));
	else
		st = ST_LIMIT;
	buf_free(&text);
	s->routed->is_reporting = st == ST_OK;
	if (st == ST_OK)
		smtp_wait(s, SMTP_WAIT_STORED, s->settings->stored_ms);
	return st == ST_OK;
}

bool smtp_routed_conclude(struct smtp_session *s, struct smtp_passed *reply)
{
	const struct smtp_transaction *t = &s->t;
	bool some_have_it = t->stored || t->rcpt_had;
	struct smtp_partial_key key = key_of(s);

	if (t->rcpt_had && !t->temporary)
		smtp_partials_forget(s->settings->partials, &key);
	if (t->temporary) {
		reply_temporary(s, reply);
	} else if (!t->permanent) {
		reply->code = 250;
	} else if (!some_have_it) {
		*reply = t->end_permanent;
	} else if (s->login.len && t->sender.len && !s->routed->reported.len) {
		reply->code = 250;	/* it asked not to be told */
	} else if (s->login.len && t->sender.len && send_report(s)) {
		return false;
	} else {
		reply_named(s, reply);
	}
	return true;
}

static void report_is_over(struct smtp_session *s, bool is_stored)
{
	struct smtp_passed reply = { .code = 250 };

	s->routed->is_reporting = false;
	if (!is_stored)
		reply_named(s, &reply);
	smtp_transaction_concluded(s, &reply);
}

bool smtp_routed_answer(struct smtp_session *s, const struct ipc_message *m, bool last)
{
	bool good = m->type == IPC_TYPE_LMTP_REPLY && m->lmtp_reply.code / 100 == 2;

	if (!s->routed || !s->routed->is_reporting)
		return false;
	if (m->type == IPC_TYPE_CREDIT && !last)
		return true;
	/* MAIL, RCPT, and what became of it */
	s->routed->report_replies++;
	if (last)
		s->t.request = 0;
	if (!good && !last)
		smtp_transaction_give_up(s);
	if (last || !good)
		report_is_over(s, good && s->routed->report_replies == 3);
	return true;
}

bool smtp_routed_expired(struct smtp_session *s)
{
	if (!s->routed || !s->routed->is_reporting)
		return false;
	smtp_transaction_give_up(s);
	report_is_over(s, false);
	return true;
}
