#include "popd/session_priv.h"

#include "common/utf8.h"

/*
 * RETR and TOP (RFC 1939 sections 5 and 7). RETRs that a client sends in one go
 * (RFC 2449 section 6.6) are asked for together, as long as their numbers
 * ascend: mailboxd answers in the order of UIDs.
 */

static void retrieval_clear(struct pop_retrieval *r)
{
	r->request = 0;
	r->count = r->next = 0;
	r->left = 0;
	r->is_top = r->is_cut = false;
	r->partial.len = 0;
}

void pop_cmd_retr(struct pop_session *s, struct slice arguments)
{
	const struct pop_message *message = pop_message_argument(s, arguments);

	if (message)
		s->retrieval.uids[s->retrieval.count++] = message->uid;
}

size_t pop_retr_gather(struct pop_session *s, struct slice in)
{
	struct pop_retrieval *r = &s->retrieval;
	size_t taken = 0;

	while (!r->is_top && r->count < POP_BATCH_MAX) {
		struct slice rest = slice_from(in, taken);
		size_t end = slice_crlf(rest);
		unsigned long long number;
		const struct pop_message *message = NULL;

		if (end == rest.len || end > 16 ||
		    !slice_case_starts(rest, SLICE("RETR ")))
			break;
		if (slice_number(slice_from(slice_head(rest, end), 5), UINT32_MAX,
				 &number))
			message = maildrop_find(&s->maildrop, number);
		if (!message || message->uid <= r->uids[r->count - 1])
			break;
		r->uids[r->count++] = message->uid;
		taken += end + 2;
	}
	return taken;
}

void pop_retr_ask(struct pop_session *s)
{
	struct pop_retrieval *r = &s->retrieval;
	struct ranges uids = RANGES_INIT(POP_BATCH_MAX);
	struct buf set = BUF_INIT(POP_BATCH_MAX * 8);
	struct ipc_message m = { .type = IPC_TYPE_FETCH };
	enum status st = ST_OK;

	for (unsigned i = 0; i < r->count && st == ST_OK; i++)
		st = ranges_add(&uids, r->uids[i], r->uids[i]);
	if (st == ST_OK)
		st = ranges_encode(&uids, &set);
	if (st != ST_OK)
		s->trouble = st;
	m.fetch.handle = s->handle;
	m.fetch.uids = buf_slice(&set);
	m.fetch.items = FETCH_ALL_OCTETS;
	r->request = pop_ask(s, &m);
	ranges_free(&uids);
	buf_free(&set);
}

void pop_cmd_top(struct pop_session *s, struct slice arguments)
{
	struct pop_retrieval *r = &s->retrieval;
	size_t end = slice_index(arguments, ' ');
	struct slice number = slice_head(arguments, end);
	struct slice lines = slice_trim(slice_from(arguments, end));
	const struct pop_message *message;
	unsigned long long n;

	if (!slice_number(lines, UINT32_MAX, &n)) {
		pop_mistake(s, "TOP wants a message number and a number of lines");
		return;
	}
	message = pop_message_argument(s, number);
	if (!message)
		return;
	r->is_top = true;
	r->top_lines = n;
	r->uids[r->count++] = message->uid;
}

/* ---- the octets ---------------------------------------------------------------- */

/* How many octets are the header's, with its empty line: CR LF CR LF, of which
 * header_state counts how much was seen. */
static size_t header_octets_of(struct pop_retrieval *r, struct slice in)
{
	size_t i = 0;

	for (; i < in.len && r->header_state < 4; i++) {
		if (in.data[i] == (r->header_state % 2 ? '\n' : '\r'))
			r->header_state++;
		else
			r->header_state = in.data[i] == '\r';
	}
	return i;
}

/* How many octets TOP still lets through: the header, then so many lines. */
static size_t top_octets(struct pop_retrieval *r, struct slice in, size_t header)
{
	size_t i = header;

	while (i < in.len && r->top_lines) {
		size_t lf = slice_index(slice_from(in, i), '\n');

		i += lf;
		if (i < in.len) {
			i++;
			r->top_lines--;
		}
	}
	r->is_cut = r->header_state == 4 && r->top_lines == 0;
	return i;
}

/* TOP has all it wants. */
static void cancel(struct pop_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_CANCEL };

	if (engine_ask(&s->engine, s->retrieval.request, &m) != ST_OK)
		s->trouble = ST_LIMIT;
}

static void write_octets(struct pop_session *s, struct slice octets)
{
	enum status st = dot_writer_feed(&s->retrieval.dots, octets, &s->engine.out);

	if (st != ST_OK)
		s->trouble = st;
}

/*
 * A header for a client that did not say UTF8 must be ASCII: each octet beyond it is a
 * "?" (RFC 6856 section 2.1 leaves the surrogate to us), so that the message has as
 * many octets as LIST said.
 */
static void write_header(struct pop_session *s, struct slice octets)
{
	char ascii[1024];

	if (s->is_utf8 || utf8_is_ascii(octets)) {
		write_octets(s, octets);
		return;
	}
	while (octets.len) {
		struct slice some = slice_head(octets, sizeof ascii);

		for (size_t i = 0; i < some.len; i++)
			ascii[i] = (unsigned char)some.data[i] < 0x80 ? some.data[i]
								       : '?';
		write_octets(s, slice_of(ascii, some.len));
		octets = slice_from(octets, some.len);
	}
}

static void send_octets(struct pop_session *s, struct slice octets)
{
	struct pop_retrieval *r = &s->retrieval;
	size_t n = octets.len, header;
	enum status st;

	if (octets.len > r->left) {
		s->trouble = ST_SYNTAX;
		return;
	}
	r->left -= octets.len;
	if (r->is_cut)
		return;
	header = header_octets_of(r, octets);
	if (r->is_top)
		n = top_octets(r, octets, header);
	if (header)
		write_header(s, slice_head(octets, header));
	write_octets(s, slice_from(slice_head(octets, n), header));
	if (r->is_cut && r->left)
		cancel(s);
	if (r->left == 0 || r->is_cut) {
		st = dot_writer_end(&r->dots, &s->engine.out);
		if (st != ST_OK)
			s->trouble = st;
	}
}

/* The answers to RETRs of messages that are gone: another session expunged
 * them. */
static void pass_over(struct pop_session *s, uint32_t before)
{
	struct pop_retrieval *r = &s->retrieval;

	for (; r->next < r->count && r->uids[r->next] < before; r->next++) {
		pop_err(s, "The message was deleted by another session");
		r->uids[r->next] = 0;
	}
}

static void begin_message(struct pop_session *s, const struct fetch_row *row)
{
	struct pop_retrieval *r = &s->retrieval;

	pass_over(s, row->uid);
	if (r->left || r->next == r->count || r->uids[r->next] != row->uid) {
		s->trouble = ST_SYNTAX;
		return;
	}
	r->next++;
	r->left = row->octets_total;
	r->dots = (struct dot_writer){ { 0 } };
	r->header_state = 2;	/* an empty header is ended by its first CRLF */
	pop_put(s, SLICE("+OK "));
	pop_put_number(s, row->octets_total);
	pop_put(s, SLICE(" octets\r\n"));
	send_octets(s, row->octets);
}

static void take_rows(struct pop_session *s, const struct ipc_rows *m)
{
	struct pop_retrieval *r = &s->retrieval;
	struct slice rows = m->rows;
	struct fetch_row row;
	enum status st = ST_OK;

	if (m->items != FETCH_ALL_OCTETS) {
		s->trouble = ST_SYNTAX;
		return;
	}
	if (r->partial.len) {
		st = buf_append(&r->partial, rows);
		rows = buf_slice(&r->partial);
	}
	while (st == ST_OK && s->trouble == ST_OK &&
	       (st = fetch_row_decode(&rows, m->items, &row)) == ST_OK)
		begin_message(s, &row);
	if (st == ST_MORE && r->partial.len) {
		buf_consume(&r->partial, r->partial.len - rows.len);
		st = ST_OK;
	} else if (st == ST_MORE) {
		st = buf_append(&r->partial, rows);
	}
	if (st != ST_OK && s->trouble == ST_OK)
		s->trouble = st;
}

/* "Read" is what the journal makes of it. */
static void tell_sent(struct pop_session *s)
{
	struct pop_retrieval *r = &s->retrieval;
	struct ranges uids = RANGES_INIT(POP_BATCH_MAX);
	struct buf set = BUF_INIT(POP_BATCH_MAX * 8);
	struct ipc_message m = { .type = IPC_TYPE_SENT };

	for (unsigned i = 0; i < r->next; i++)
		if (r->uids[i])
			ranges_add(&uids, r->uids[i], r->uids[i]);
	if (ranges_encode(&uids, &set) == ST_OK && set.len) {
		m.sent.handle = s->handle;
		m.sent.uids = buf_slice(&set);
		pop_ask(s, &m);
	}
	ranges_free(&uids);
	buf_free(&set);
}

void pop_retr_answer(struct pop_session *s, const struct ipc_message *m,
		     bool last)
{
	struct pop_retrieval *r = &s->retrieval;

	if (m->type == IPC_TYPE_ROWS)
		take_rows(s, &m->rows);
	else if (m->type == IPC_TYPE_BODY)
		send_octets(s, m->body.octets);
	if (!last)
		return;
	if (r->left && !r->is_cut) {
		/* cut off in the middle: only the end of the connection says so */
		pop_end(s, NULL);
		return;
	}
	if (m->type == IPC_TYPE_ERROR) {
		/* RFC 3206: trying again helps, or does not */
		const char *words = slice_eq(m->error.detail, SLICE("SERVERBUG")) ||
				    slice_eq(m->error.detail, SLICE("UNAVAILABLE")) ?
			"[SYS/PERM] The message cannot be read" :
			"[SYS/TEMP] The message cannot be read now";

		for (; r->next < r->count; r->next++)
			pop_err(s, words);
	} else {
		pass_over(s, UINT32_MAX);
		tell_sent(s);
	}
	retrieval_clear(r);
	s->wait = POP_WAIT_NONE;
}
