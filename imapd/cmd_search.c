/*
 * SEARCH (RFC 3501 section 6.4.4), with RETURN (RFC 4731). mailboxd finds; the
 * numbers are told in pieces, as the client reads.
 */
#include "imapd/search.h"
#include "imapd/session_priv.h"

struct search {
	struct search_request request;
	struct ranges found;	/* UIDs; once all are there, what is told */
	uint64_t modseq;	/* the highest of what was found */
	bool is_complete;	/* mailboxd has answered */
	size_t item;		/* of found: the next to tell */
	uint64_t number;	/* inside it; 0: from its beginning */
};

static void release(struct imap_command *c)
{
	struct search *x = c->data;

	buf_free(&x->request.program);
	ranges_free(&x->found);
}

/* "$" becomes what was found; beside MIN and MAX alone only these (RFC 5182
 * section 2.4). ST_LIMIT: too many gaps to keep. */
static enum status save(struct imap_command *c)
{
	const struct search *x = c->data;
	const struct ranges *found = &x->found;
	struct ranges *saved = &imap_view(c)->saved;
	unsigned returns = x->request.returns;
	uint32_t low, high;
	enum status st = ST_OK;

	if (!(returns & (SEARCH_RETURN_MIN | SEARCH_RETURN_MAX)) ||
	    returns & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT))
		return found->count > saved->max ? ST_LIMIT : ranges_copy(saved, found);
	ranges_clear(saved);
	if (found->count == 0)
		return ST_OK;
	low = found->items[0].low;
	high = found->items[found->count - 1].high;
	if (returns & SEARCH_RETURN_MIN)
		st = ranges_add(saved, low, low);
	if (st == ST_OK && returns & SEARCH_RETURN_MAX)
		st = ranges_add(saved, high, high);
	return st;
}

/* What the client has not been told of is left out; it is saved, if that is
 * asked for; then numbers or UIDs. */
static enum status prepare(struct imap_command *c)
{
	struct search *x = c->data;
	struct ranges told = RANGES_INIT(RANGES_MAX);
	struct ranges known = RANGES_INIT(1);
	uint32_t last = view_last_uid(imap_view(c));
	enum status st = last ? ranges_add(&known, 1, last) : ST_OK;

	if (st == ST_OK)
		st = ranges_intersect(&x->found, &known, &told);
	ranges_free(&known);
	ranges_free(&x->found);
	x->found = told;
	if (st == ST_OK && x->request.returns & SEARCH_RETURN_SAVE)
		st = save(c);
	if (st != ST_OK || c->is_uid)
		return st;
	told = (struct ranges)RANGES_INIT(RANGES_MAX);
	st = view_numbers(imap_view(c), &x->found, &told);
	ranges_free(&x->found);
	x->found = told;
	return st;
}

/* NO: "$" is empty then (RFC 5182 section 2.1). */
static void fail(struct imap_command *c, const char *code, const char *words)
{
	const struct search *x = c->data;

	if (x->request.returns & SEARCH_RETURN_SAVE)
		ranges_clear(&imap_view(c)->saved);
	imap_finish(c, IMAP_NO, code, words);
}

/* " 2 3 4" */
static bool put_numbers(struct imap_command *c)
{
	struct search *x = c->data;

	for (; x->item < x->found.count; x->item++, x->number = 0) {
		struct range r = x->found.items[x->item];

		if (x->number == 0)
			x->number = r.low;
		for (; x->number <= r.high; x->number++) {
			if (imap_out_is_full(c->session))
				return false;
			respond_char(imap_out(c), ' ');
			respond_u64(imap_out(c), x->number);
		}
	}
	return true;
}

/* "2:4,7" */
static bool put_set(struct imap_command *c)
{
	struct search *x = c->data;

	for (; x->item < x->found.count; x->item++) {
		struct range r = x->found.items[x->item];

		if (imap_out_is_full(c->session))
			return false;
		if (x->item)
			respond_char(imap_out(c), ',');
		respond_u64(imap_out(c), r.low);
		if (r.high != r.low) {
			respond_char(imap_out(c), ':');
			respond_u64(imap_out(c), r.high);
		}
	}
	return true;
}

static void put_result(struct imap_command *c, const char *name, uint64_t value)
{
	respond_str(imap_out(c), name);
	respond_u64(imap_out(c), value);
}

static void begin_line(struct imap_command *c)
{
	struct search *x = c->data;
	struct respond *r = imap_out(c);
	unsigned returns = x->request.returns;
	size_t count = x->found.count;

	if (!returns) {
		respond_slice(r, SLICE("* SEARCH"));
		return;
	}
	respond_slice(r, SLICE("* ESEARCH (TAG "));
	respond_string(r, c->tag);
	respond_slice(r, c->is_uid ? SLICE(") UID") : SLICE(")"));
	if (returns & SEARCH_RETURN_MIN && count)
		put_result(c, " MIN ", x->found.items[0].low);
	if (returns & SEARCH_RETURN_MAX && count)
		put_result(c, " MAX ", x->found.items[count - 1].high);
	if (returns & SEARCH_RETURN_COUNT)
		put_result(c, " COUNT ", ranges_size(&x->found));
	if (x->request.has_modseq && count)
		put_result(c, " MODSEQ ", x->modseq);
	if (returns & SEARCH_RETURN_ALL && count)
		respond_slice(r, SLICE(" ALL "));
	else
		x->item = count;
}

/* Tells as much as the client reads; comes again when it has. */
static void tell(struct imap_command *c)
{
	struct search *x = c->data;
	struct imap_session *s = c->session;

	if (!x->is_complete || s->is_ending || imap_out_is_full(s) ||
	    (s->line_owner && s->line_owner != c))
		return;
	if (x->request.returns == SEARCH_RETURN_SAVE) {
		imap_finish(c, IMAP_OK, NULL, "SEARCH completed, result saved");
		return;
	}
	if (s->line_owner != c)
		begin_line(c);
	s->line_owner = c;
	if (!(x->request.returns ? put_set(c) : put_numbers(c)))
		return;
	if (!x->request.returns && x->request.has_modseq && x->found.count) {
		put_result(c, " (MODSEQ ", x->modseq);
		respond_char(imap_out(c), ')');
	}
	respond_crlf(imap_out(c));
	imap_finish(c, IMAP_OK, NULL, "SEARCH completed");
	imap_line_end(c);
}

static void found_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct search *x = c->data;
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		if (x->request.returns & SEARCH_RETURN_SAVE)
			ranges_clear(&imap_view(c)->saved);
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_UIDS)
		st = ranges_add_encoded(m->uids.set, &x->found);
	if (m->type == IPC_TYPE_DONE)
		x->modseq = m->done.value;
	if (st == ST_OK && last)
		st = prepare(c);
	if (st == ST_LIMIT) {
		fail(c, "NOTSAVED", "Too many gaps in what was found");
	} else if (st != ST_OK) {
		fail(c, "UNAVAILABLE", "Not possible now, try again later");
	} else if (last) {
		x->is_complete = true;
		tell(c);
	}
}

/* The arguments were refused. */
static void refuse(struct imap_command *c, enum status st)
{
	switch (st) {
	case ST_SYNTAX:
		imap_bad_args(c, "Search key expected");
		break;
	case ST_NOT_FOUND:
		fail(c, "BADCHARSET (US-ASCII UTF-8)", "Charset is not supported");
		break;
	case ST_LIMIT:
		fail(c, "LIMIT", "Search is too complex");
		break;
	default:
		fail(c, "UNAVAILABLE", "Not possible now, try again later");
	}
}

static void ask(struct imap_command *c)
{
	struct search *x = c->data;
	const struct ipc_message m = {
		.type = IPC_TYPE_SEARCH,
		.search = { .handle = imap_view(c)->handle,
			    .program = buf_slice(&x->request.program) },
	};

	imap_ask(c, &m, found_step);
}

void imap_cmd_search(struct imap_command *c)
{
	struct search *x = arena_alloc(&c->arena, sizeof *x);
	enum status st;

	if (!x) {
		imap_finish_short(c);
		return;
	}
	*x = (struct search){
		.request = SEARCH_REQUEST_INIT,
		.found = RANGES_INIT(RANGES_MAX),
	};
	c->data = x;
	c->release = release;
	c->drained = tell;
	x->request.no_charset = c->session->enabled & IMAP_ENABLED_UTF8;
	st = args_space(&c->args)
		     ? search_request_read(&c->args, imap_view(c), &x->request)
		     : ST_SYNTAX;
	if (st != ST_OK) {
		refuse(c, st);
		return;
	}
	/* expunges would give them another meaning (RFC 7162 section 3.2.10) */
	if (x->request.has_numbers)
		c->news = IMAP_NEWS_NO_EXPUNGE;
	if (x->request.has_modseq)
		imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
	if (!x->request.returns && c->session->enabled & IMAP_ENABLED_REV2)
		x->request.returns = SEARCH_RETURN_ALL;
	ask(c);
}
