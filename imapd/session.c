/*
 * The face of the two engines, and the hand-over from the one before the login
 * to the one after it.
 */
#include "imapd/session.h"

#include "common/clock.h"
#include "common/id.h"
#include "imapd/capability.h"
#include "imapd/login.h"
#include "imapd/session_priv.h"

#include <stdlib.h>

struct imap_face {
	struct engine engine;
	const struct imap_settings *settings;
	char sid[ID_OCTETS + 16];
	char *name;			/* of the login */
	struct imap_login *login;	/* one of the two is there */
	struct imap_session *session;
};

static struct imap_face *face_of(struct engine *e)
{
	return (struct imap_face *)e;
}

/* ---- the engine after the login ---- */

static struct imap_session *session_begin(struct imap_face *f)
{
	const struct imap_settings *set = f->settings;
	const struct parser_limits limits = {
		.line = set->line_octets,
		.total = set->command_octets,
		.literal = set->command_octets,
		.literals = set->command_literals,
		.skip = set->message_octets > set->command_octets
				? set->message_octets : set->command_octets,
	};
	struct imap_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->engine = &f->engine;
	s->settings = set;
	s->sid = slice_str(f->sid);
	s->respond.out = &f->engine.out;
	s->state = IMAP_STATE_AUTHENTICATED;
	s->next_id = imap_login_request(f->login);
	s->is_admin = imap_login_is_admin(f->login);
	s->idle_until_ms = clock_ms() + set->idle_ms;
	parser_init(&s->parser, &limits);
	view_init(&s->view);
	return s;
}

static void session_free(struct imap_session *s)
{
	if (!s)
		return;
	imap_commands_free(s);
	for (size_t i = 0; i < IMAP_REQUESTS_MAX; i++)
		buf_free(&s->requests[i].kept);
	parser_clear(&s->parser);
	view_clear(&s->view);
	free(s);
}

/* What the engine wants now, and until when. */
static enum want session_want(struct imap_session *s)
{
	imap_advance(s);
	s->engine->deadline_ms = s->pause_until_ms ? s->pause_until_ms
						   : s->idle_until_ms;
	if (s->is_ending)
		return WANT_CLOSE;
	if (s->compression == IMAP_COMPRESSION_DUE && !s->first)
		return WANT_DEFLATE;
	return imap_can_read(s) ? WANT_INPUT : WANT_ANSWER;
}

void imap_bye(struct imap_session *s, const char *words)
{
	if (s->is_ending)
		return;
	/* in the middle of a literal it would be read as part of it */
	if (!s->line_owner && s->compression != IMAP_COMPRESSION_DUE) {
		respond_str(&s->respond, "* BYE ");
		respond_str(&s->respond, words);
		respond_crlf(&s->respond);
	}
	s->is_ending = true;
}

void imap_enable(struct imap_session *s, unsigned enabled)
{
	s->enabled |= enabled;
	if (enabled & (IMAP_ENABLED_UTF8 | IMAP_ENABLED_REV2))
		s->respond.is_utf8 = true;
	/* there is no \Recent in rev2 */
	if (enabled & IMAP_ENABLED_REV2)
		s->view.recent_low = s->view.recent_high = 0;
}

/* ---- the hand-over ---- */

static enum want hand_over(struct imap_face *f, enum want want)
{
	struct slice name = f->login ? imap_login_name(f->login) : SLICE_EMPTY;

	if (!name.len || want == WANT_CLOSE)
		return want;
	f->name = malloc(name.len + 1);
	f->session = session_begin(f);
	if (!f->name || !f->session)
		return WANT_CLOSE;
	memcpy(f->name, name.data, name.len);
	f->name[name.len] = '\0';
	imap_login_free(f->login);
	f->login = NULL;
	f->engine.is_authenticated = true;
	f->engine.login = slice_str(f->name);
	return session_want(f->session);
}

/* ---- the face ---- */

static enum want face_input(struct engine *e, struct slice in, size_t *used)
{
	struct imap_face *f = face_of(e);

	if (f->login)
		return imap_login_input(f->login, in, used);
	imap_input(f->session, in, used);
	return session_want(f->session);
}

static enum want face_reply(struct engine *e, uint32_t id,
			    const struct ipc_message *m, bool last)
{
	struct imap_face *f = face_of(e);

	if (f->login)
		return hand_over(f, imap_login_reply(f->login, id, m, last));
	imap_reply(f->session, id, m, last);
	return session_want(f->session);
}

/* "* BYE" with text from mailboxd: only what may stand in a line. */
static void kick(struct imap_session *s, struct slice reason)
{
	struct respond *r = &s->respond;

	if (s->is_ending)
		return;
	if (!s->line_owner && s->compression != IMAP_COMPRESSION_DUE) {
		respond_str(r, "* BYE ");
		respond_slice(r, slice_head(reason, slice_index(reason, '\r')));
		respond_crlf(r);
	}
	s->is_ending = true;
}

static enum want face_event(struct engine *e, const struct ipc_message *m)
{
	struct imap_face *f = face_of(e);
	struct imap_session *s = f->session;

	if (f->login) {
		if (m->type == IPC_TYPE_KICK)
			return imap_login_kick(f->login, m->kick.reason);
		if (engine_is_kicked(e, m))
			return imap_login_kick(f->login, m->service_kick.reason);
		return imap_login_input(f->login, SLICE_EMPTY, &(size_t){ 0 });
	}
	if (m->type == IPC_TYPE_CHANGED)
		imap_news_event(s, &m->changed);
	else if (m->type == IPC_TYPE_KICK)
		kick(s, m->kick.reason);
	else if (engine_is_kicked(e, m))
		kick(s, m->service_kick.reason);
	else if (m->type == IPC_TYPE_ERROR)	/* what was selected is gone */
		imap_bye(s, "[UNAVAILABLE] The mail store is away, try again later");
	return session_want(s);
}

static enum want face_drained(struct engine *e)
{
	struct imap_face *f = face_of(e);
	struct imap_session *s = f->session;

	if (f->login)
		return imap_login_input(f->login, SLICE_EMPTY, &(size_t){ 0 });
	for (struct imap_command *c = s->first; c; c = c->next)
		if (c->stage == IMAP_STAGE_RUNNING && c->drained)
			c->drained(c);
	imap_requests_drained(s);
	return session_want(s);
}

static enum want face_expired(struct engine *e)
{
	struct imap_face *f = face_of(e);
	struct imap_session *s = f->session;

	if (f->login)
		return imap_login_expired(f->login);
	if (s->pause_until_ms)
		s->pause_until_ms = 0;
	else
		imap_bye(s, "[UNAVAILABLE] Idle for too long");
	return session_want(s);
}

static enum want face_secured(struct engine *e)
{
	struct imap_face *f = face_of(e);

	return f->login ? imap_login_secured(f->login) : WANT_CLOSE;
}

static enum want face_deflated(struct engine *e)
{
	struct imap_face *f = face_of(e);

	f->session->compression = IMAP_COMPRESSION_ACTIVE;
	return session_want(f->session);
}

static void face_free(struct engine *e)
{
	struct imap_face *f = face_of(e);

	imap_login_free(f->login);
	session_free(f->session);
	free(f->name);
	buf_free(&f->engine.out);
	buf_wipe(&f->engine.requests);
	free(f);
}

static bool face_holds(const struct engine *e, uint32_t id)
{
	const struct imap_face *f = (const struct imap_face *)e;

	return f->session && imap_requests_hold(f->session, id);
}

static const struct engine_ops face_ops = {
	.input = face_input,
	.reply = face_reply,
	.event = face_event,
	.drained = face_drained,
	.expired = face_expired,
	.secured = face_secured,
	.deflated = face_deflated,
	.holds = face_holds,
	.free = face_free,
};

struct engine *imap_session_new(const struct imap_settings *settings,
				const struct peer_info *peer, const char *sid)
{
	struct imap_face *f = calloc(1, sizeof *f);
	size_t len = strlen(sid);

	if (!f)
		return NULL;
	f->engine.ops = &face_ops;
	f->engine.peer = peer;
	f->engine.out = (struct buf)BUF_INIT(ENGINE_OUT_MAX);
	f->engine.requests = (struct buf)BUF_INIT(ENGINE_REQUESTS_MAX);
	f->settings = settings;
	memcpy(f->sid, sid, len < sizeof f->sid ? len : sizeof f->sid - 1);
	f->engine.sid = slice_str(f->sid);
	f->login = imap_login_new(&f->engine, settings, slice_str(f->sid));
	if (!f->login) {
		free(f);
		return NULL;
	}
	return &f->engine;
}

const char *imap_session_login(const struct engine *e)
{
	const struct imap_face *f = (const struct imap_face *)e;

	return f->name ? f->name : "";
}
