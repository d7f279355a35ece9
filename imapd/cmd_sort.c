/*
 * SORT (RFC 5256, BASE.6.4.SORT), with the criteria of RFC 5957 and the RETURN of RFC
 * 5267 section 3.
 */
#include "imapd/sort.h"

#include "common/ipc_codec.h"

static const struct { const char *name; enum ipc_sort_key key; } criteria[] = {
	{ "ARRIVAL", IPC_SORT_ARRIVAL },
	{ "CC", IPC_SORT_CC },
	{ "DATE", IPC_SORT_DATE },
	{ "FROM", IPC_SORT_FROM },
	{ "SIZE", IPC_SORT_SIZE },
	{ "SUBJECT", IPC_SORT_SUBJECT },
	{ "TO", IPC_SORT_TO },
	{ "DISPLAYFROM", IPC_SORT_DISPLAYFROM },
	{ "DISPLAYTO", IPC_SORT_DISPLAYTO },
};

static bool read_criterion(struct imap_args *a, struct buf *keys)
{
	unsigned reverse = 0;
	struct slice name;

	if (args_word(a, "REVERSE")) {
		reverse = IPC_SORT_REVERSE;
		if (!args_space(a))
			return false;
	}
	if (!args_name(a, &name))
		return false;
	for (size_t i = 0; i < sizeof criteria / sizeof *criteria; i++)
		if (slice_case_eq(name, slice_str(criteria[i].name)))
			return buf_append_char(keys, (char)(criteria[i].key | reverse)) ==
			       ST_OK;
	return false;
}

/* "(" criterion ... ")" and the space behind it. */
static bool read_criteria(struct imap_args *a, struct buf *keys)
{
	if (!args_char(a, '('))
		return false;
	do
		if (!read_criterion(a, keys))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')') && args_space(a);
}

/* ---- the answer ---------------------------------------------------------------------- */

/* UIDs become numbers; what has none is left out. */
static void number_all(struct imap_command *c)
{
	struct sorting *x = c->data;
	size_t to = 0;

	for (size_t i = 0; i < x->order.len; i += 4) {
		uint32_t number = sort_number(c, ipc_get_u32(x->order.data + i));

		if (!number)
			continue;
		ipc_put_u32(x->order.data + to, number);
		to += 4;
	}
	x->order.len = to;
}

static void put_result(struct imap_command *c, const char *name, uint64_t value)
{
	respond_str(imap_out(c), name);
	respond_u64(imap_out(c), value);
}

static void begin_line(struct imap_command *c)
{
	struct sorting *x = c->data;
	struct respond *r = imap_out(c);
	unsigned returns = x->request.returns;
	bool any;

	number_all(c);
	any = x->order.len > 0;
	if (!returns) {
		respond_slice(r, SLICE("* SORT"));
		return;
	}
	respond_slice(r, SLICE("* ESEARCH (TAG "));
	respond_string(r, c->tag);
	respond_slice(r, c->is_uid ? SLICE(") UID") : SLICE(")"));
	if (returns & SEARCH_RETURN_MIN && any)
		put_result(c, " MIN ", ipc_get_u32(x->order.data));
	if (returns & SEARCH_RETURN_MAX && any)
		put_result(c, " MAX ",
			   ipc_get_u32(x->order.data + x->order.len - 4));
	if (returns & SEARCH_RETURN_COUNT)
		put_result(c, " COUNT ", x->order.len / 4);
	if (x->request.has_modseq && any)
		put_result(c, " MODSEQ ", x->modseq);
	if (returns & SEARCH_RETURN_ALL && any)
		respond_slice(r, SLICE(" ALL "));
	else
		x->at = x->order.len;
}

static uint32_t number_at(const struct sorting *x, size_t at)
{
	return ipc_get_u32(x->order.data + at);
}

/* The next number, or the range that begins with it: ascending ones only (RFC 5267
 * section 3.2). */
static void put_next(struct imap_command *c)
{
	struct sorting *x = c->data;
	uint32_t low = number_at(x, x->at), high = low;
	bool is_set = x->request.returns;

	if (!is_set || x->at > 0)
		respond_char(imap_out(c), is_set ? ',' : ' ');
	x->at += 4;
	while (is_set && x->at < x->order.len && number_at(x, x->at) == high + 1) {
		high++;
		x->at += 4;
	}
	respond_u64(imap_out(c), low);
	if (high == low)
		return;
	respond_char(imap_out(c), ':');
	respond_u64(imap_out(c), high);
}

static void tell(struct imap_command *c)
{
	struct sorting *x = c->data;

	if (!sort_may_tell(c))
		return;
	if (c->session->line_owner != c)
		begin_line(c);
	c->session->line_owner = c;
	while (x->at < x->order.len) {
		if (imap_out_is_full(c->session))
			return;
		put_next(c);
	}
	if (!x->request.returns && x->request.has_modseq && x->order.len) {
		put_result(c, " (MODSEQ ", x->modseq);
		respond_char(imap_out(c), ')');
	}
	respond_crlf(imap_out(c));
	imap_finish(c, IMAP_OK, NULL, "SORT completed");
	imap_line_end(c);
}

void imap_cmd_sort(struct imap_command *c)
{
	struct sorting *x = sort_new(c, tell);
	char octets[IPC_SORT_KEYS_MAX];
	struct buf keys = { .data = octets, .cap = sizeof octets,
			    .max = sizeof octets };
	struct ipc_message m = { .type = IPC_TYPE_SORT };
	enum status st = ST_SYNTAX;

	if (!x)
		return;
	if (args_space(&c->args))
		st = search_returns_read(&c->args, &x->request);
	if (st == ST_OK && x->request.returns & SEARCH_RETURN_SAVE) {
		c->args.why = "SORT saves nothing";
		st = ST_SYNTAX;
	}
	if (st == ST_OK && !read_criteria(&c->args, &keys)) {
		c->args.why = "Sort criteria expected";
		st = ST_SYNTAX;
	}
	if (st == ST_OK)
		st = search_criteria_read(&c->args, imap_view(c), &x->request);
	if (st != ST_OK) {
		sort_refuse(c, st);
		return;
	}
	m.sort.handle = imap_view(c)->handle;
	m.sort.program = buf_slice(&x->request.program);
	m.sort.keys = buf_slice(&keys);
	sort_ask(c, &m);
}
