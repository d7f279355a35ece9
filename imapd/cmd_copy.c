#include "imapd/session_priv.h"

/*
 * COPY (RFC 9051 section 6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315).
 * A MOVE tells COPYUID before the expunges, a COPY with its tagged answer.
 */
struct copy {
	struct ranges source, target;
	uint32_t uidvalidity;
	bool is_move;
};

static void release(struct imap_command *c)
{
	struct copy *copy = c->data;

	ranges_free(&copy->source);
	ranges_free(&copy->target);
}

static void finish(struct imap_command *c)
{
	struct copy *copy = c->data;
	const char *words = copy->is_move ? "MOVE completed" : "COPY completed";
	struct buf code = BUF_INIT(ENGINE_OUT_MAX / 2);
	enum status st;

	if (copy->source.count == 0) {
		imap_finish(c, IMAP_OK, NULL, words);
		return;
	}
	st = buf_append_fmt(&code, "COPYUID %u ", copy->uidvalidity);
	if (st == ST_OK)
		st = numset_render(&copy->source, &code);
	if (st == ST_OK)
		st = buf_append_char(&code, ' ');
	if (st == ST_OK)
		st = numset_render(&copy->target, &code);
	/* without the code the client looks for itself */
	if (st != ST_OK) {
		imap_finish(c, IMAP_OK, NULL, words);
	} else if (copy->is_move) {
		respond_str(imap_out(c), "* OK [");
		respond_slice(imap_out(c), buf_slice(&code));
		respond_str(imap_out(c), "] Moved\r\n");
		imap_finish(c, IMAP_OK, NULL, words);
	} else {
		imap_finish_code(c, IMAP_OK, buf_slice(&code), words);
	}
	buf_free(&code);
}

static void copy_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct copy *copy = c->data;
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		struct ipc_error e = m->error;

		/* the only thing that can be missing is the target */
		if (e.code == ST_NOT_FOUND)
			e.detail = SLICE("TRYCREATE");
		imap_finish_error(c, &e);
		return;
	}
	if (m->type == IPC_TYPE_COPIED) {
		copy->uidvalidity = m->copied.uidvalidity;
		st = ranges_add_encoded(m->copied.source, &copy->source);
		if (st == ST_OK)
			st = ranges_add_encoded(m->copied.target, &copy->target);
		if (st == ST_OK && copy->is_move)
			st = ranges_add_encoded(m->copied.source, &imap_view(c)->vanished);
		if (copy->is_move && m->copied.source.len)
			view_own_change(imap_view(c), m->copied.modseq, true);
	}
	if (st == ST_OK && last && m->type == IPC_TYPE_COPIED &&
	    m->copied.over_soft)
		imap_tell_soft_quota(c);
	if (st != ST_OK)
		imap_finish_short(c);
	else if (last)
		finish(c);
}

static void begin(struct imap_command *c, bool is_move)
{
	struct ipc_message m = { .type = IPC_TYPE_COPY, .copy.move = is_move };
	struct copy *copy = arena_alloc(&c->arena, sizeof *copy);
	struct buf encoded = BUF_INIT(NUMSET_MAX * 8 + 8);
	struct ranges uids;

	if (!copy) {
		imap_finish_short(c);
		return;
	}
	copy->source = copy->target = (struct ranges)RANGES_INIT(RANGES_MAX);
	copy->is_move = is_move;
	c->data = copy;
	c->release = release;
	if (!args_space(&c->args)) {
		imap_bad(c, "Message set expected");
		return;
	}
	if (!imap_take_messages(c, &uids))
		return;
	if (!args_space(&c->args) || !args_mailbox(&c->args, &m.copy.name) ||
	    !args_end(&c->args)) {
		imap_bad_args(c, "A message set and a mailbox name expected");
	} else if (uids.count == 0) {
		imap_finish(c, IMAP_OK, NULL, "No messages");
	} else if (ranges_encode(&uids, &encoded) != ST_OK) {
		imap_finish_short(c);
	} else {
		m.copy.handle = imap_view(c)->handle;
		m.copy.uids = buf_slice(&encoded);
		/* the selected mailbox may be the target: say so at once */
		if (slice_eq(m.copy.name, slice_str(imap_view(c)->name)))
			c->news = IMAP_NEWS_FRESH;
		imap_ask(c, &m, copy_step);
	}
	buf_free(&encoded);
	ranges_free(&uids);
}

void imap_cmd_copy(struct imap_command *c)
{
	begin(c, false);
}

void imap_cmd_move(struct imap_command *c)
{
	begin(c, true);
}
