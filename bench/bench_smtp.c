/*
 * Figures of the SMTP engine alone, without sockets: CPU for a transaction with
 * one recipient, pipelined, over messages of some sizes. A backend that answers
 * at once stands behind it.
 */
#include "common/ipc_codec.h"
#include "common/log.h"
#include "smtpd/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void answer(struct engine *e)
{
	struct buf asked = e->requests;
	struct slice in = buf_slice(&asked);
	struct ipc_frame frame;
	size_t used;

	e->requests = (struct buf)BUF_INIT(ENGINE_REQUESTS_MAX);
	while (ipc_frame_next(in, &frame, &used) == ST_OK) {
		struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };

		in = slice_from(in, used);
		if (frame.type == IPC_TYPE_LMTP_DATA) {
			m.type = IPC_TYPE_CREDIT;
			m.credit.octets = (uint32_t)frame.payload.len - 4;
		} else {
			m.lmtp_reply.code = 250;
			m.lmtp_reply.enhanced = SLICE("2.0.0");
			m.lmtp_reply.text = SLICE("Ok");
		}
		e->ops->reply(e, frame.id, &m, frame.type == IPC_TYPE_LMTP_END);
	}
	asked.len = 0;
	buf_free(&e->requests);
	e->requests = asked;
}

/* As a connection would: at most 64 KiB a read, one write for what was said. */
static void give(struct engine *e, struct slice in)
{
	while (in.len) {
		size_t used;
		enum want want = e->ops->input(e, slice_head(in, 65536), &used);

		in = slice_from(in, used);
		while (e->requests.len)
			answer(e);
		if (e->out.len) {
			e->out.len = 0;
			e->ops->drained(e);
		}
		if (want == WANT_CLOSE)
			abort();
	}
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void measure(struct engine *e, size_t octets)
{
	struct slice envelope = SLICE("MAIL FROM:<ann@example.org> SIZE=4096\r\n"
				      "RCPT TO:<bob@example.org>\r\nDATA\r\n");
	struct buf text = BUF_INIT((size_t)1 << 28);
	size_t rounds = ((size_t)1 << 28) / (octets + 20000);
	double begun;

	buf_append_str(&text, "From: ann@example.org\r\nSubject: figures\r\n\r\n");
	while (text.len < octets)
		buf_append_str(&text, "A line of text as people write them, about "
				      "seventy characters long.\r\n");
	buf_append_str(&text, ".\r\n");
	begun = cpu_us();
	for (size_t i = 0; i < rounds; i++) {
		give(e, envelope);
		give(e, buf_slice(&text));
	}
	printf("%8zu octets: %8.2f us a transaction\n", octets,
	       (cpu_us() - begun) / (double)rounds);
	buf_free(&text);
}

int main(void)
{
	static const size_t sizes[] = { 1024, 4096, 65536, 1048576 };
	static const struct smtp_settings settings = SMTP_SETTINGS_INIT;
	struct smtp_listener listener = { 0 };
	struct peer_info peer = { .address = "192.0.2.7" };
	struct engine *e = smtp_session_new(&settings, &listener, &peer);

	log_open("bench", open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	give(e, SLICE("EHLO client.example.org\r\n"));
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		measure(e, sizes[i]);
	e->ops->free(e);
	return 0;
}
