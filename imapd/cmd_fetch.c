/*
 * FETCH (RFC 3501 section 6.4.5): one question to mailboxd for all messages; its
 * rows become answers as they come.
 *
 *	BETWEEN ── row ──▶ SECTIONS ── done ──▶ BETWEEN
 *	   header of a row still coming ──▶ GATHERS ──▶ SECTIONS
 *	   a section that needs a READ  ──▶ READS   ──▶ SECTIONS
 *	   octets behind the row        ──▶ STREAMS ──▶ BETWEEN
 *
 * A row that cannot be finished stays where it is, in the message (which comes
 * again) or in f->carry, and is decoded anew when it goes on. Messages whose
 * bodies were read become \Seen at the end, by one STORE.
 */
#include "common/flags.h"
#include "common/ipc_codec.h"
#include "imapd/fetch.h"

#define CARRY_MAX	((size_t)16 * 1024 * 1024)
#define FLAGS_TEXT_MAX	((size_t)16 * 1024)
#define PART_ARENA_MAX	((size_t)4 * 1024 * 1024)

static void release(struct imap_command *c)
{
	struct fetch *f = c->data;

	arena_clear(&f->part_arena);
	buf_free(&f->header);
	buf_free(&f->large);
	buf_free(&f->scratch);
	buf_free(&f->filtered);
	buf_free(&f->carry);
	buf_free(&f->flags_text);
	ranges_free(&f->uids);
	ranges_free(&f->seen);
	ranges_free(&f->sent);
	ranges_free(&f->vanished);
}

/* The flags of most messages are those of the one before. */
static struct slice flags_of(struct imap_command *c, const struct fetch_row *row)
{
	struct fetch *f = c->data;
	bool is_recent = view_is_recent(imap_view(c), row->uid);
	struct respond r = { .out = &f->flags_text };

	if (f->flags_text.len && f->flags_key == row->flags &&
	    f->is_flags_recent == is_recent)
		return buf_slice(&f->flags_text);
	f->flags_text.len = 0;
	f->flags_key = row->flags;
	f->is_flags_recent = is_recent;
	view_put_flags(imap_view(c), &r, row->uid, row->flags);
	return buf_slice(&f->flags_text);
}

static void begin_message(struct imap_command *c, const struct fetch_row *row,
			  uint32_t seq)
{
	struct fetch *f = c->data;
	struct fetch_values values = { .row = row, .flags = SLICE_EMPTY };
	bool is_large = row->envelope.len + row->bodystructure.len +
			row->body.len > ENGINE_OUT_HIGH;

	f->large.len = f->large_at = 0;
	if (f->plan.columns & FETCH_MODSEQ)
		imap_note_modseq(c->session, row->modseq);
	if (f->plan.columns & FETCH_FLAGS)
		values.flags = flags_of(c, row);
	if (fetch_plan_put(&f->plan, seq, &values, is_large ? &f->large
			   : imap_out(c)->out) != ST_OK)
		imap_out(c)->failed = true;
	f->stage = FETCH_SECTIONS;
	f->section = 0;
	f->has_space = f->plan.item_count > 0;
	f->parts = NULL;
	f->part_count = 0;
	f->header.len = 0;
}

static void end_message(struct imap_command *c, uint32_t uid, uint64_t flags)
{
	struct fetch *f = c->data;
	enum status st = ST_OK;

	respond_slice(imap_out(c), SLICE(")\r\n"));
	f->stage = FETCH_BETWEEN;
	if (f->plan.sets_seen && !(flags_system(flags) & FLAG_SEEN))
		st = ranges_add(&f->seen, uid, uid);
	if (st == ST_OK && f->plan.sends_body)
		st = ranges_add(&f->sent, uid, uid);
	if (st != ST_OK)
		c->session->is_ending = true;
}

/* Puts out the large items piece by piece. False: the client must read first. */
static bool put_large(struct imap_command *c)
{
	struct fetch *f = c->data;
	struct slice rest = slice_from(buf_slice(&f->large), f->large_at);

	while (rest.len && !imap_out_is_full(c->session)) {
		struct slice piece = slice_head(rest, IPC_PIECE_MAX);

		respond_slice(imap_out(c), piece);
		rest = slice_from(rest, piece.len);
		f->large_at += piece.len;
	}
	return rest.len == 0;
}

/*
 * Plays one row from where it was left. True: the row is not needed again, the
 * answer is complete or only octets are to come. False: something must happen
 * first, or c is gone (the session is ending).
 */
static bool play_row(struct imap_command *c, const struct fetch_row *row)
{
	struct fetch *f = c->data;
	uint32_t seq;

	if (f->stage == FETCH_BETWEEN) {
		seq = view_seq_next(imap_view(c), &f->view_at, row->uid);
		if (seq == 0)
			return true;	/* the client does not know it yet */
		if (f->plan.has_binary && !fetch_binary_is_known(f, row)) {
			f->has_unknown = true;
			return true;
		}
		begin_message(c, row, seq);
		if (f->plan.with_header && row->octets.len < row->octets_total) {
			f->stage = FETCH_GATHERS;
			f->left = row->octets_total - row->octets.len;
			if (buf_append(&f->header, row->octets) != ST_OK)
				c->session->is_ending = true;
			return false;
		}
	}
	if (!put_large(c) || !fetch_body_play(c, row))
		return false;
	if (f->plan.stream != FETCH_NO_STREAM && f->left) {
		f->stage = FETCH_STREAMS;
		f->stream_uid = row->uid;
		f->stream_flags = row->flags;
		return true;
	}
	end_message(c, row->uid, row->flags);
	return true;
}

/* Plays rows off the front of *rows until one waits. False: the last of them
 * lacks its end. */
static bool play_rows(struct imap_command *c, struct slice *rows)
{
	struct imap_session *s = c->session;
	struct fetch *f = c->data;

	while ((f->stage == FETCH_BETWEEN || f->stage == FETCH_SECTIONS) &&
	       !imap_out_is_full(s)) {
		struct slice rest = *rows;
		struct fetch_row row;
		enum status st = fetch_row_decode(&rest, f->plan.columns, &row);

		if (st == ST_MORE)
			return rows->len == 0;
		if (st != ST_OK)
			s->is_ending = true;
		if (s->is_ending || !play_row(c, &row) || s->is_ending)
			break;
		*rows = rest;
	}
	return true;
}

/* Rows that were kept here. False: they still wait. */
static bool play_carry(struct imap_command *c)
{
	struct imap_session *s = c->session;
	struct fetch *f = c->data;
	struct slice rows = buf_slice(&f->carry);
	bool is_whole;

	if (f->carry.len == 0 || f->is_carry_cut)
		return true;
	is_whole = play_rows(c, &rows);
	if (s->is_ending)
		return false;
	f->is_carry_cut = !is_whole;
	buf_consume(&f->carry, f->carry.len - rows.len);
	if (f->carry.len == 0 && f->carry.cap > ENGINE_OUT_HIGH)
		buf_free(&f->carry);
	return f->carry.len == 0 || f->is_carry_cut;
}

static void keep_rows(struct imap_command *c, struct slice *rows)
{
	struct fetch *f = c->data;

	if (buf_append(&f->carry, *rows) != ST_OK)
		c->session->is_ending = true;
	*rows = slice_from(*rows, rows->len);
}

/* Takes as many rows as can be answered now; the others are left. */
static void take_rows(struct imap_command *c, struct ipc_rows *m)
{
	struct imap_session *s = c->session;
	struct fetch *f = c->data;

	if (m->items != f->plan.columns) {
		s->is_ending = true;
		return;
	}
	if (!play_carry(c))
		return;
	if (f->is_carry_cut) {
		keep_rows(c, &m->rows);
		f->is_carry_cut = false;
		play_carry(c);
		return;
	}
	f->is_carry_cut = !play_rows(c, &m->rows);
	/* a row without its end, or one whose header comes in other messages */
	if (!s->is_ending && (f->is_carry_cut || f->stage == FETCH_GATHERS))
		keep_rows(c, &m->rows);
}

/* Octets that follow the last row. */
static void take_body(struct imap_command *c, struct slice octets)
{
	struct imap_session *s = c->session;
	struct fetch *f = c->data;

	if (f->stage != FETCH_STREAMS && f->stage != FETCH_GATHERS)
		return;		/* of a message that the client does not know */
	if (octets.len > f->left)
		octets.len = (size_t)f->left;
	f->left -= octets.len;
	if (f->stage == FETCH_STREAMS) {
		respond_slice(imap_out(c), octets);
		if (f->left == 0)
			end_message(c, f->stream_uid, f->stream_flags);
	} else {
		/* what is too long is read when it is asked for as it stands */
		octets = slice_head(octets, buf_room(&f->header));
		if (buf_append(&f->header, octets) != ST_OK)
			s->is_ending = true;
		if (f->left == 0) {
			f->stage = FETCH_SECTIONS;
			play_carry(c);
		}
	}
}

static void conclude(struct imap_command *c)
{
	const struct fetch *f = c->data;

	if (f->has_unknown)
		imap_finish(c, IMAP_NO, "UNKNOWN-CTE",
			    "A part has a transfer encoding that is not known");
	else
		imap_finish(c, IMAP_OK, NULL, "FETCH completed");
}

/* STORE has set \Seen: the client is told, as by a STORE of its own. */
static void seen_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct imap_session *s = c->session;
	struct fetch_row row;

	if (m->type == IPC_TYPE_ROWS) {
		while (!imap_out_is_full(s) &&
		       fetch_row_decode(&m->rows.rows, m->rows.items, &row) == ST_OK)
			imap_tell_flags(s, c->is_uid, row.uid, row.flags, row.modseq);
		return;
	}
	if (m->type == IPC_TYPE_STORED && m->stored.modseq)
		view_own_change(imap_view(c), m->stored.modseq, true);
	/* that the flag could not be set is no reason to fail what was read */
	if (last)
		conclude(c);
}

/* For the journal: these bodies went out ("read"). It has no answer. */
static void tell_sent(struct imap_command *c, struct buf *uids)
{
	struct fetch *f = c->data;
	struct imap_session *s = c->session;
	struct ipc_message m = { .type = IPC_TYPE_SENT,
				 .sent = { .handle = imap_view(c)->handle } };

	uids->len = 0;
	if (f->sent.count == 0 || ranges_encode(&f->sent, uids) != ST_OK)
		return;
	m.sent.uids = buf_slice(uids);
	engine_ask(s->engine, ++s->next_id ? s->next_id : ++s->next_id, &m);
}

static void finish(struct imap_command *c)
{
	struct fetch *f = c->data;
	struct buf uids = BUF_INIT(NUMSET_MAX * 8);
	struct ipc_message m = {
		.type = IPC_TYPE_STORE,
		.store = { .handle = imap_view(c)->handle, .mode = IPC_STORE_ADD,
			   .flags = FLAG_SEEN, .keywords = SLICE_EMPTY,
			   .unchanged_since = UINT64_MAX },
	};

	tell_sent(c, &uids);
	uids.len = 0;
	if (f->seen.count == 0 || imap_view(c)->is_read_only ||
	    ranges_encode(&f->seen, &uids) != ST_OK) {
		conclude(c);
	} else {
		m.store.uids = buf_slice(&uids);
		imap_ask(c, &m, seen_step);
	}
	buf_free(&uids);
}

/* After each step: whether others may write, and whether all is done. */
static void settle(struct imap_command *c)
{
	struct fetch *f = c->data;
	struct imap_session *s = c->session;

	if (s->is_ending)
		return;
	/* mailboxd stopped within a row, or within its octets */
	if (f->is_last && (f->is_carry_cut || f->stage == FETCH_GATHERS ||
			   f->stage == FETCH_STREAMS)) {
		s->is_ending = true;
		return;
	}
	if (f->stage != FETCH_BETWEEN) {
		s->line_owner = c;
		return;
	}
	if (f->is_last && f->carry.len == 0)
		finish(c);
	if (s->line_owner == c)
		imap_line_end(c);
}

static void rows_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct fetch *f = c->data;

	/* the view may have changed since the last call */
	f->view_at = 0;
	f->is_last |= last;
	switch (m->type) {
	case IPC_TYPE_ROWS:
		take_rows(c, &m->rows);
		break;
	case IPC_TYPE_BODY:
		take_body(c, m->body.octets);
		break;
	case IPC_TYPE_ERROR:
		if (f->stage == FETCH_BETWEEN && !f->carry.len) {
			imap_finish_error(c, &m->error);
			return;
		}
		c->session->is_ending = true;
		return;
	default:
		break;
	}
	settle(c);
}

void fetch_resume(struct imap_command *c)
{
	struct imap_session *s = c->session;
	struct fetch *f = c->data;

	if (s->is_ending || (s->line_owner && s->line_owner != c))
		return;
	f->view_at = 0;
	if (f->carry.len && !f->is_carry_cut) {
		play_carry(c);
		settle(c);
	} else {
		/* the row is in what the session keeps, and comes again */
		imap_requests_drained(s);
	}
}

/* "(CHANGEDSINCE 12345 [VANISHED])" (RFC 7162 sections 3.1.4 and 3.2.6) */
static bool read_modifiers(struct imap_command *c)
{
	struct imap_args *a = &c->args;
	struct fetch *f = c->data;

	if (!args_char(a, ' '))
		return true;
	if (!args_char(a, '('))
		return false;
	do
		if (args_word(a, "VANISHED"))
			f->wants_vanished = true;
		else if (f->changed_since || !args_word(a, "CHANGEDSINCE") ||
			 !args_space(a) || !args_number64(a, &f->changed_since))
			return false;
	while (args_char(a, ' '));
	if (!args_char(a, ')') || !f->changed_since)
		return false;
	if (f->wants_vanished &&
	    (!c->is_uid || !(c->session->enabled & IMAP_ENABLED_QRESYNC))) {
		a->why = "VANISHED is for UID FETCH, after ENABLE QRESYNC";
		return false;
	}
	return fetch_plan_add_modseq(&f->plan);
}

static bool read_arguments(struct imap_command *c)
{
	struct imap_args *a = &c->args;
	struct fetch *f = c->data;

	if (!args_space(a) || !fetch_plan_read(a, &f->plan) ||
	    (c->is_uid && !fetch_plan_add_uid(&f->plan)) || !read_modifiers(c) ||
	    !args_end(a)) {
		imap_bad_args(c, "FETCH items expected");
		return false;
	}
	fetch_plan_finish(&f->plan);
	return true;
}

static void ask(struct imap_command *c)
{
	struct fetch *f = c->data;
	struct buf uids = BUF_INIT((NUMSET_MAX + 1) * 8);
	struct ipc_message m = {
		.type = IPC_TYPE_FETCH,
		.fetch = { .handle = imap_view(c)->handle, .items = f->plan.columns,
			   .changed_since = f->changed_since },
	};

	if (ranges_encode(&f->uids, &uids) != ST_OK) {
		imap_finish_short(c);
	} else {
		m.fetch.uids = buf_slice(&uids);
		imap_ask(c, &m, rows_step);
	}
	buf_free(&uids);
}

void fetch_go_on(struct imap_command *c)
{
	const struct fetch *f = c->data;

	c->drained = fetch_resume;
	if (f->uids.count == 0)
		imap_finish(c, IMAP_OK, NULL, "FETCH completed");
	else
		ask(c);
}

void imap_cmd_fetch(struct imap_command *c)
{
	struct fetch *f = arena_alloc(&c->arena, sizeof *f);

	if (!f) {
		imap_finish_short(c);
		return;
	}
	*f = (struct fetch){
		.uids = RANGES_INIT(NUMSET_MAX + 1),
		.seen = RANGES_INIT(RANGES_MAX),
		.sent = RANGES_INIT(RANGES_MAX),
		.vanished = RANGES_INIT(RANGES_MAX),
		.part_arena = ARENA_INIT(PART_ARENA_MAX),
		.header = BUF_INIT(FETCH_HEADER_MAX),
		.large = BUF_INIT(CARRY_MAX),
		.scratch = BUF_INIT(FETCH_HEADER_MAX),
		.filtered = BUF_INIT(FETCH_HEADER_MAX + 2),
		.carry = BUF_INIT(CARRY_MAX),
		.flags_text = BUF_INIT(FLAGS_TEXT_MAX),
	};
	c->data = f;
	c->release = release;
	if (!args_space(&c->args)) {
		imap_bad_args(c, "Message set expected");
		return;
	}
	f->set = c->args;
	if (!imap_take_messages(c, &f->uids) || !read_arguments(c))
		return;
	if (f->changed_since || f->plan.columns & FETCH_MODSEQ)
		imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
	if (f->wants_vanished)
		fetch_vanished_begin(c);
	else
		fetch_go_on(c);
}
