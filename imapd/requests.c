/* The part of session_priv.h about questions to mailboxd and their answers. */
#include "common/ipc_codec.h"
#include "imapd/session_priv.h"

/* Of one answer so much may wait before mailboxd gets no more credit for it; what
 * it has credit for by then still comes. */
#define KEPT_HIGH ((size_t)128 * 1024)
#define KEPT_MAX ((size_t)512 * 1024)

static struct imap_request *find(struct imap_session *s, uint32_t id)
{
	for (size_t i = 0; i < IMAP_REQUESTS_MAX; i++)
		if (s->requests[i].id == id)
			return &s->requests[i];
	return NULL;
}

bool imap_requests_hold(const struct imap_session *s, uint32_t id)
{
	for (size_t i = 0; i < IMAP_REQUESTS_MAX; i++)
		if (s->requests[i].id == id)
			return s->requests[i].kept.len > KEPT_HIGH;
	return false;
}

unsigned imap_requests_free(const struct imap_session *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < IMAP_REQUESTS_MAX; i++)
		n += s->requests[i].id == 0;
	return n;
}

static struct imap_request *begin(struct imap_session *s,
				  const struct ipc_message *m)
{
	struct imap_request *r = find(s, 0);

	if (!r)
		return NULL;
	do
		s->next_id++;
	while (s->next_id == 0 || find(s, s->next_id));
	if (engine_ask(s->engine, s->next_id, m) != ST_OK)
		return NULL;
	*r = (struct imap_request){ .id = s->next_id, .kept = BUF_INIT(KEPT_MAX) };
	return r;
}

uint32_t imap_ask(struct imap_command *c, const struct ipc_message *m,
		  imap_step *step)
{
	struct imap_request *r = begin(c->session, m);

	if (!r) {
		imap_finish_short(c);
		return 0;
	}
	r->command = c;
	r->step = step;
	return r->id;
}

bool imap_more(struct imap_command *c, uint32_t id, const struct ipc_message *m)
{
	if (engine_ask(c->session->engine, id, m) == ST_OK)
		return true;
	imap_finish_short(c);
	return false;
}

bool imap_session_ask(struct imap_session *s, const struct ipc_message *m,
		      imap_session_step *step)
{
	struct imap_request *r = begin(s, m);

	if (!r)
		return false;
	r->own = step;
	return true;
}

static void end(struct imap_request *r)
{
	buf_free(&r->kept);
	*r = (struct imap_request){ 0 };
}

void imap_requests_drop(struct imap_session *s, const struct imap_command *c)
{
	const struct ipc_message cancel = { .type = IPC_TYPE_CANCEL };

	for (size_t i = 0; i < IMAP_REQUESTS_MAX; i++) {
		struct imap_request *r = &s->requests[i];

		if (r->id == 0 || r->command != c)
			continue;
		r->command = NULL;
		if (r->kept_last) {
			end(r);
			continue;
		}
		/* the id stays taken until its last answer */
		buf_free(&r->kept);
		if (!r->is_over && engine_ask(s->engine, r->id, &cancel) != ST_OK)
			s->is_ending = true;
	}
}

/* Names of keywords come before the rows that use them, whoever asked. */
static void take_keywords(struct imap_session *s, const struct ipc_keywords *k)
{
	struct respond *r = &s->respond;
	bool is_new = false;

	if (s->view.handle == 0 || k->handle != s->view.handle)
		return;
	if (view_keywords_add(&s->view, k, &is_new) != ST_OK)
		s->is_ending = true;
	if (!is_new || s->line_owner)
		return;
	respond_slice(r, SLICE("* FLAGS "));
	view_put_all_flags(&s->view, r, false);
	respond_crlf(r);
}

static void keep(struct imap_session *s, struct imap_request *r,
		 const struct ipc_message *m, bool last)
{
	if (ipc_encode(&r->kept, r->id, last ? IPC_LAST : 0, m) != ST_OK)
		s->is_ending = true;
	r->kept_last |= last;
}

/* Gives one message to whoever asked. False: some of its rows were left. */
static bool give(struct imap_session *s, struct imap_request *r,
		 struct ipc_message *m, bool last)
{
	if (m->type == IPC_TYPE_KEYWORDS && s->view.handle &&
	    m->keywords.handle == s->view.handle) {
		take_keywords(s, &m->keywords);
		return true;
	}
	/* a command that ends in its step has no cancel to send */
	r->is_over = last;
	if (r->command)
		r->step(r->command, m, last);
	else if (r->own)
		r->own(s, m, last);
	return (!r->command && !r->own) || m->type != IPC_TYPE_ROWS ||
	       m->rows.rows.len == 0;
}

/* The client does not read, or another answer is half written. */
static bool is_held(const struct imap_session *s, const struct imap_request *r)
{
	return imap_out_is_full(s) || (s->line_owner && s->line_owner != r->command);
}

void imap_reply(struct imap_session *s, uint32_t id, const struct ipc_message *m,
		bool last)
{
	struct imap_request *r = id ? find(s, id) : NULL;
	struct ipc_message copy = *m;
	bool is_wanted = r && (r->command || r->own);

	if (!r || s->is_ending)
		return;
	if (is_wanted && (r->kept.len || is_held(s, r)))
		keep(s, r, m, last);
	else if (is_wanted && !give(s, r, &copy, last))
		keep(s, r, &copy, last);
	else if (last)
		end(r);
}

/* The next frame of what was kept. False: a frame of ours does not decode. */
static bool next_kept(struct slice *left, struct ipc_message *m, bool *last)
{
	struct ipc_frame frame;
	size_t used;

	if (ipc_frame_next(*left, &frame, &used) != ST_OK ||
	    ipc_decode(&frame, m) != ST_OK)
		return false;
	*left = slice_from(*left, used);
	*last = frame.flags & IPC_LAST;
	return true;
}

/* Gives what was kept of one answer, as long as the client reads. */
static void give_kept(struct imap_session *s, struct imap_request *r)
{
	struct buf kept = r->kept;
	struct slice left = buf_slice(&kept);
	bool had_last = r->kept_last, last = false;

	r->kept = (struct buf)BUF_INIT(KEPT_MAX);
	r->kept_last = false;
	while (left.len && !s->is_ending) {
		struct ipc_message m;
		bool is_wanted = r->command || r->own;

		if (is_wanted && is_held(s, r))
			break;
		if (!next_kept(&left, &m, &last)) {
			s->is_ending = true;
		} else if (is_wanted && !give(s, r, &m, last)) {
			keep(s, r, &m, last);
			break;
		} else if (last) {
			end(r);
		}
	}
	if (left.len) {
		if (buf_append(&r->kept, left) != ST_OK)
			s->is_ending = true;
		r->kept_last = had_last;
	}
	buf_free(&kept);
}

void imap_line_end(struct imap_command *c)
{
	struct imap_session *s = c->session;

	s->line_owner = NULL;
	for (struct imap_command *other = s->first; other; other = other->next)
		if (other != c && other->stage == IMAP_STAGE_RUNNING && other->drained)
			other->drained(other);
	imap_requests_drained(s);
}

void imap_requests_drained(struct imap_session *s)
{
	for (size_t i = 0; i < IMAP_REQUESTS_MAX && !imap_out_is_full(s); i++)
		if (s->requests[i].id && s->requests[i].kept.len)
			give_kept(s, &s->requests[i]);
}
