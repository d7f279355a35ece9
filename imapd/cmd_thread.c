/* THREAD (RFC 5256, BASE.6.4.THREAD; REFS: draft-ietf-morg-inthread section 4). */
#include "imapd/sort.h"

#include "common/ipc_codec.h"

static const struct { const char *name; enum ipc_thread_algorithm algorithm; } names[] = {
	{ "ORDEREDSUBJECT", IPC_THREAD_ORDEREDSUBJECT },
	{ "REFERENCES", IPC_THREAD_REFERENCES },
	{ "REFS", IPC_THREAD_REFS },
};

static bool read_algorithm(struct imap_args *a, enum ipc_thread_algorithm *found)
{
	struct slice name;

	if (!args_atom(a, &name)) {
		a->why = "Threading algorithm expected";
		return false;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_case_eq(name, slice_str(names[i].name))) {
			*found = names[i].algorithm;
			return args_space(a);
		}
	a->why = "Unknown threading algorithm";
	return false;
}

/* Parentheses and numbers, as mailboxd has them (mailboxd/thread.h): 0 opens, the
 * highest closes, between two numbers stands a space, and between a number and "(". */
static void put_token(struct imap_command *c, uint32_t token, uint32_t before)
{
	struct respond *r = imap_out(c);
	bool behind_number = before != 0 && before != UINT32_MAX;
	uint32_t number;

	if (token == UINT32_MAX) {
		respond_char(r, ')');
		return;
	}
	if (behind_number)
		respond_char(r, ' ');
	if (token == 0) {
		respond_char(r, '(');
		return;
	}
	number = sort_number(c, token);
	respond_u64(r, number);
}

static void tell(struct imap_command *c)
{
	struct sorting *x = c->data;

	if (!sort_may_tell(c))
		return;
	if (c->session->line_owner != c)
		respond_slice(imap_out(c), x->order.len ? SLICE("* THREAD ")
							: SLICE("* THREAD"));
	c->session->line_owner = c;
	for (; x->at < x->order.len; x->at += 4) {
		const char *at = x->order.data + x->at;

		if (imap_out_is_full(c->session))
			return;
		put_token(c, ipc_get_u32(at), x->at ? ipc_get_u32(at - 4) : 0);
	}
	respond_crlf(imap_out(c));
	imap_finish(c, IMAP_OK, NULL, "THREAD completed");
	imap_line_end(c);
}

void imap_cmd_thread(struct imap_command *c)
{
	struct sorting *x = sort_new(c, tell);
	enum ipc_thread_algorithm algorithm = IPC_THREAD_ORDEREDSUBJECT;
	struct ipc_message m = { .type = IPC_TYPE_THREAD };
	enum status st = ST_SYNTAX;

	if (!x)
		return;
	if (args_space(&c->args) && read_algorithm(&c->args, &algorithm))
		st = search_criteria_read(&c->args, imap_view(c), &x->request);
	if (st != ST_OK) {
		sort_refuse(c, st);
		return;
	}
	m.thread.handle = imap_view(c)->handle;
	m.thread.program = buf_slice(&x->request.program);
	m.thread.algorithm = algorithm;
	sort_ask(c, &m);
}
