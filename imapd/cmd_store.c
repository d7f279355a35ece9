#include "common/fetch_row.h"
#include "imapd/session_priv.h"

/* STORE (RFC 9051 section 6.4.6, UNCHANGEDSINCE of RFC 7162 section 3.1.3) */
struct store {
	bool is_silent;
	bool has_unchanged_since;
};

static void take_rows(struct imap_command *c, struct ipc_rows *rows)
{
	const struct store *store = c->data;
	struct imap_session *s = c->session;
	struct fetch_row row;

	while (rows->rows.len && !imap_out_is_full(s)) {
		if (fetch_row_decode(&rows->rows, rows->items, &row) != ST_OK) {
			imap_finish_short(c);
			return;
		}
		if (!store->is_silent)
			imap_tell_flags(s, c->is_uid, row.uid, row.flags, row.modseq);
		else if (s->enabled & IMAP_ENABLED_CONDSTORE)
			imap_tell_modseq(s, c->is_uid, row.uid, row.modseq);
	}
}

/* "[MODIFIED set]": those that somebody else changed meanwhile. */
static void finish_refused(struct imap_command *c, struct slice refused)
{
	struct ranges uids = RANGES_INIT(RANGES_MAX), numbers = RANGES_INIT(RANGES_MAX);
	struct buf code = BUF_INIT(64 * 1024);
	enum status st = ranges_decode(refused, &uids);

	if (st == ST_OK && !c->is_uid)
		st = view_numbers(imap_view(c), &uids, &numbers);
	if (st == ST_OK)
		st = buf_append_str(&code, "MODIFIED ");
	if (st == ST_OK)
		st = numset_render(c->is_uid ? &uids : &numbers, &code);
	if (st == ST_OK)
		imap_finish_code(c, IMAP_OK, buf_slice(&code), "Conditional STORE failed");
	else
		imap_finish_short(c);
	buf_free(&code);
	ranges_free(&uids);
	ranges_free(&numbers);
}

static void store_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	const struct store *store = c->data;

	switch (m->type) {
	case IPC_TYPE_ROWS:
		take_rows(c, &m->rows);
		break;
	case IPC_TYPE_STORED:
		if (m->stored.modseq)
			view_own_change(imap_view(c), m->stored.modseq,
					!store->is_silent);
		if (m->stored.refused.len)
			finish_refused(c, m->stored.refused);
		else if (last)
			imap_finish(c, IMAP_OK, NULL, "STORE completed");
		break;
	case IPC_TYPE_ERROR:
		imap_finish_error(c, &m->error);
		break;
	default:
		if (last)
			imap_finish_short(c);
	}
}

/* SP "(" "UNCHANGEDSINCE" SP number ")", if it is there */
static bool take_condition(struct imap_command *c, struct ipc_store *m)
{
	struct imap_args *a = &c->args;
	struct store *store = c->data;

	m->unchanged_since = UINT64_MAX;
	if (!args_char(a, '('))
		return true;
	if (!args_word(a, "UNCHANGEDSINCE") || !args_space(a) ||
	    !args_number64(a, &m->unchanged_since) || !args_char(a, ')') ||
	    !args_space(a))
		return false;
	store->has_unchanged_since = true;
	imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
	return true;
}

/* ["+" / "-"] "FLAGS" [".SILENT"] SP flags */
static bool take_change(struct imap_command *c, struct ipc_store *m)
{
	struct imap_args *a = &c->args;
	struct store *store = c->data;

	m->mode = args_char(a, '+')   ? IPC_STORE_ADD
		  : args_char(a, '-') ? IPC_STORE_REMOVE
				      : IPC_STORE_REPLACE;
	store->is_silent = args_word(a, "FLAGS.SILENT");
	if (!store->is_silent && !args_word(a, "FLAGS")) {
		a->why = "FLAGS expected";
		return false;
	}
	return args_space(a) && args_flags(a, true, &m->flags, &m->keywords) &&
	       args_end(a);
}

void imap_cmd_store(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_STORE };
	struct ranges uids;
	struct buf encoded = BUF_INIT(NUMSET_MAX * 8 + 8);

	c->data = arena_alloc(&c->arena, sizeof(struct store));
	if (!c->data) {
		imap_finish_short(c);
		return;
	}
	if (!args_space(&c->args)) {
		imap_bad(c, "Message set expected");
		return;
	}
	if (!imap_take_messages(c, &uids))
		return;
	m.store.handle = imap_view(c)->handle;
	if (!args_space(&c->args) || !take_condition(c, &m.store) ||
	    !take_change(c, &m.store)) {
		imap_bad_args(c, "STORE wants FLAGS, +FLAGS or -FLAGS and a list");
	} else if (uids.count == 0) {
		imap_finish(c, IMAP_OK, NULL, "STORE completed");
	} else if (ranges_encode(&uids, &encoded) != ST_OK) {
		imap_finish_short(c);
	} else {
		m.store.uids = buf_slice(&encoded);
		imap_ask(c, &m, store_step);
	}
	buf_free(&encoded);
	ranges_free(&uids);
}
