/*
 * What an LMTP server says to us. The first octet chooses the message and how the
 * server is reached; the rest are its replies. Whole and octet by octet must come
 * to the same commands and the same answers.
 */
#include "fuzz/fuzz.h"

#include "common/dsn.h"
#include "common/lmtp_dialogue.h"

#include <stdlib.h>

struct play {
	struct lmtp_dialogue d;
	struct buf told;
	uint8_t mood;
	bool is_begun, is_failed;
};

static void check(struct play *p, enum status st)
{
	p->is_failed = p->is_failed || (st != ST_OK && st != ST_MORE);
}

static void answered(void *context, enum lmtp_step step, const struct lmtp_reply *r)
{
	struct play *p = context;

	buf_append_fmt(&p->told, "%d %u %d ", step, r->code, r->last);
	buf_append(&p->told, r->enhanced);
	buf_append_char(&p->told, ' ');
	buf_append(&p->told, r->text);
	buf_append_char(&p->told, '\n');
	if (r->code < 200 || r->code > 599 || r->enhanced.len < 5)
		abort();
}

/* Once the server is ready: a message, and another behind it. */
static void begin(struct play *p)
{
	struct ipc_lmtp_mail mail = {
		.sender = SLICE("a@x.test"), .mid = SLICE("m1"),
		.body = p->mood & 1 ? SLICE("8BITMIME") : SLICE_EMPTY,
		.ret = p->mood & 2 ? DSN_RET_HDRS : 0, .requiretls = p->mood >> 2 & 1,
	};
	struct ipc_lmtp_rcpt rcpt = { .recipient = SLICE("b@y.test") };

	p->is_begun = true;
	p->d.way = (enum lmtp_way)(p->mood >> 3 & 1);
	check(p, lmtp_dialogue_mail(&p->d, &mail));
	for (unsigned i = 0; i < 3; i++) {
		rcpt.notify = i == (unsigned)(p->mood >> 4 & 3) ? DSN_SUCCESS : 0;
		check(p, lmtp_dialogue_rcpt(&p->d, &rcpt));
	}
	check(p, lmtp_dialogue_data(&p->d, SLICE(".\r\nx\r\n")));
	if (p->mood & 64)
		p->is_failed = lmtp_dialogue_abort(&p->d) != ST_OK;
	else
		check(p, lmtp_dialogue_end(&p->d, SLICE("digest"),
						   p->mood >> 7));
}

static void run(struct play *p, struct slice in, size_t chunk)
{
	enum status st = ST_OK;

	p->told.max = (size_t)1 << 20;
	lmtp_dialogue_init(&p->d, "me.test");
	p->d.answered = answered;
	p->d.context = p;
	while (in.len && st == ST_OK && !p->is_failed) {
		/* what is given waits for LHLO's end, which is the end of a line */
		struct slice part = slice_head(in, chunk ? chunk
						   : slice_index(in, '\n') + 1);

		st = lmtp_dialogue_feed(&p->d, part);
		in = slice_from(in, part.len);
		if (st == ST_OK && p->d.is_ready && !p->is_begun)
			begin(p);
	}
	buf_append_fmt(&p->told, "%d", st);
	if (lmtp_dialogue_pending(&p->d) < p->d.waiting_lines)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play whole = { 0 }, slow = { 0 };
	struct slice in = slice_of((const char *)data, size);

	if (size < 1)
		return 0;
	whole.mood = slow.mood = data[0];
	in = slice_from(in, 1);
	run(&whole, in, 0);
	run(&slow, in, 1);
	if (!slice_eq(buf_slice(&whole.told), buf_slice(&slow.told)) ||
	    !slice_eq(buf_slice(&whole.d.out), buf_slice(&slow.d.out)))
		abort();
	lmtp_dialogue_clear(&whole.d);
	lmtp_dialogue_clear(&slow.d);
	buf_free(&whole.told);
	buf_free(&slow.told);
	return 0;
}
