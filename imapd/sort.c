#include "imapd/sort.h"

static void release(struct imap_command *c)
{
	struct sorting *x = c->data;

	buf_free(&x->request.program);
	buf_free(&x->order);
}

static void drained(struct imap_command *c)
{
	struct sorting *x = c->data;

	x->tell(c);
}

struct sorting *sort_new(struct imap_command *c, void (*tell)(struct imap_command *c))
{
	struct sorting *x = arena_alloc(&c->arena, sizeof *x);

	if (!x) {
		imap_finish_short(c);
		return NULL;
	}
	*x = (struct sorting){
		.request = SEARCH_REQUEST_INIT,
		.order = BUF_INIT(SORT_ORDER_MAX),
		.tell = tell,
	};
	c->data = x;
	c->release = release;
	c->drained = drained;
	return x;
}

bool sort_may_tell(const struct imap_command *c)
{
	const struct sorting *x = c->data;
	const struct imap_session *s = c->session;

	return x->is_complete && !s->is_ending && !imap_out_is_full(s) &&
	       (!s->line_owner || s->line_owner == c);
}

void sort_refuse(struct imap_command *c, enum status st)
{
	switch (st) {
	case ST_SYNTAX:
		imap_bad_args(c, "Search key expected");
		break;
	case ST_NOT_FOUND:
		imap_finish(c, IMAP_NO, "BADCHARSET (US-ASCII UTF-8)",
			    "Charset is not supported");
		break;
	case ST_LIMIT:
		imap_finish(c, IMAP_NO, "LIMIT", "Search is too complex");
		break;
	default:
		imap_finish_short(c);
	}
}

static void order_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct sorting *x = c->data;
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_ORDER)
		st = buf_append(&x->order, m->order.tokens);
	if (m->type == IPC_TYPE_DONE)
		x->modseq = m->done.value;
	if (st != ST_OK || (last && x->order.len % 4)) {
		imap_finish_short(c);
	} else if (last) {
		x->is_complete = true;
		x->tell(c);
	}
}

void sort_ask(struct imap_command *c, const struct ipc_message *m)
{
	struct sorting *x = c->data;

	if (x->request.has_numbers)
		c->news = IMAP_NEWS_NO_EXPUNGE;
	if (x->request.has_modseq)
		imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
	imap_ask(c, m, order_step);
}

uint32_t sort_number(const struct imap_command *c, uint32_t uid)
{
	return c->is_uid ? uid : view_seq(&c->session->view, uid);
}
