#include "tests/support/asking.h"

#include <criterion/criterion.h>
#include <stdlib.h>

void answer_clear(struct answer *a)
{
	buf_free(&a->frames);
	free(a);
}

enum status feed(struct store_link *l, struct slice frames,
			struct answer **out)
{
	struct answer *a = calloc(1, sizeof *a);
	struct slice rest;
	struct ipc_frame frame;
	size_t used;
	enum status st;

	cr_assert(a);
	a->frames = (struct buf)BUF_INIT(4 * 1024 * 1024);
	st = store_link_feed(l, frames, &a->frames);
	rest = buf_slice(&a->frames);
	while (ipc_frame_next(rest, &frame, &used) == ST_OK) {
		rest = slice_from(rest, used);
		cr_assert_lt(a->count, 64u);
		cr_assert_eq(ipc_decode(&frame, &a->messages[a->count]), ST_OK);
		a->flags[a->count] = frame.flags;
		a->ids[a->count++] = frame.id;
	}
	*out = a;
	return st;
}

struct answer *ask(struct store_link *l, uint32_t id,
			  const struct ipc_message *m)
{
	struct buf frame = BUF_INIT(IPC_FRAME_MAX);
	struct answer *a;

	cr_assert_eq(ipc_encode(&frame, id, 0, m), ST_OK);
	cr_assert_eq(feed(l, buf_slice(&frame), &a), ST_OK);
	buf_free(&frame);
	return a;
}

const struct ipc_message *last(const struct answer *a,
				      enum ipc_type type)
{
	const struct ipc_message *m = &a->messages[a->count - 1];

	cr_assert_gt(a->count, 0u);
	cr_assert_eq(m->type, type, "%s, not %s: %.*s", ipc_type_name(m->type),
		     ipc_type_name(type),
		     m->type == IPC_TYPE_ERROR ? (int)m->error.text.len : 0,
		     m->type == IPC_TYPE_ERROR ? m->error.text.data : "");
	return m;
}

void expect_error(struct store_link *l, const struct ipc_message *m,
			 enum status st, const char *detail)
{
	struct answer *a = ask(l, 77, m);
	const struct ipc_message *e = last(a, IPC_TYPE_ERROR);

	cr_expect_eq(e->error.code, (uint32_t)st, "%s",
		     status_name((enum status)e->error.code));
	cr_expect(slice_eq(e->error.detail, slice_str(detail)), "%.*s",
		  SLICE_ARG(e->error.detail));
	answer_clear(a);
}

struct ipc_message asking_login(struct buf *plain, const char *user,
					const char *password,
					const char *service)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH };

	buf_append(plain, SLICE("\0"));
	buf_append_str(plain, user);
	buf_append(plain, slice_of("", 1));
	buf_append_str(plain, password);
	m.auth.mechanism = SLICE("PLAIN");
	m.auth.service = slice_str(service);
	m.auth.sid = SLICE("s06h0p5uvn9s6p4dhfjgd");
	m.auth.address = SLICE("192.0.2.1");
	m.auth.tls_exporter = m.auth.tls_end_point = SLICE_EMPTY;
	m.auth.response = buf_slice(plain);
	return m;
}

struct answer *asking_log_in(struct store_link *l, const char *user,
			    const char *password)
{
	struct buf plain = BUF_INIT(1024);
	struct ipc_message m;
	struct answer *a;

	/* SLICE("\0") is one NUL */
	m = asking_login(&plain, user, password, "imap");
	a = ask(l, 1, &m);
	buf_free(&plain);
	return a;
}

struct answer *control(struct store_link *l, const char *verb,
			      const char *words)
{
	struct buf args = BUF_INIT(4096);
	struct slice rest = slice_str(words), word;
	struct ipc_message m = { .type = IPC_TYPE_CONTROL };
	struct answer *a;

	while (*words && slice_split(&rest, ' ', &word))
		ipc_list_append(&args, word);
	m.control.verb = slice_str(verb);
	m.control.args = buf_slice(&args);
	a = ask(l, 9, &m);
	buf_free(&args);
	return a;
}
