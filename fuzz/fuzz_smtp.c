/*
 * An SMTP session. The first octet chooses the listener, the second how mailboxd
 * answers; the rest is what the client sends. Whole and octet by octet must come
 * to the same replies.
 */
#include "fuzz/engine_run.h"
#include "fuzz/fuzz.h"

#include "smtpd/session.h"

#include <stdlib.h>

struct fake {
	uint8_t mood;		/* each bit: what one answer of eight is */
	unsigned decisions;
	uint32_t over;		/* the request id that had its last answer */
	unsigned recipients;
};

static void reply(struct engine_run *run, uint32_t id, unsigned code, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };

	m.lmtp_reply.code = code;
	m.lmtp_reply.enhanced = code == 250 ? SLICE("2.0.0") : SLICE("4.3.0");
	m.lmtp_reply.text = SLICE("so it is");
	engine_run_answer(run, id, &m, last);
}

static void answer(struct engine_run *run, uint32_t id,
		   const struct ipc_message *m)
{
	struct fake *fake = run->context;
	struct ipc_message other = { .type = IPC_TYPE_CREDIT };
	bool is_bad;

	if (id == fake->over)
		return;
	if (m->type == IPC_TYPE_LMTP_DATA) {
		other.credit.octets = (uint32_t)m->lmtp_data.octets.len;
		engine_run_answer(run, id, &other, false);
		return;
	}
	if (m->type == IPC_TYPE_LMTP_ABORT || m->type == IPC_TYPE_LMTP_TELL) {
		fake->recipients = 0;
		return;
	}
	is_bad = fake->mood >> fake->decisions++ % 8 & 1;
	if (m->type == IPC_TYPE_AUTH && is_bad) {
		other.type = IPC_TYPE_ERROR;
		other.error.code = ST_DENIED;
		other.error.detail = other.error.text = SLICE_EMPTY;
		engine_run_answer(run, id, &other, true);
	} else if (m->type == IPC_TYPE_AUTH) {
		other.type = IPC_TYPE_AUTH_OK;
		other.auth_ok.login = SLICE("ann@example.org");
		other.auth_ok.additional = SLICE_EMPTY;
		engine_run_answer(run, id, &other, true);
	} else if (m->type == IPC_TYPE_LMTP_END) {
		for (unsigned i = 1; i < fake->recipients; i++)
			reply(run, id, 250, false);
		reply(run, id, is_bad ? 451 : 250, true);
		fake->over = id;
		fake->recipients = 0;
	} else {
		if (m->type == IPC_TYPE_LMTP_RCPT && !is_bad)
			fake->recipients++;
		/* two of the moods: the connection is lost at once */
		if (is_bad && fake->mood & 0x41)
			fake->over = id;
		reply(run, id, is_bad ? 450 : 250, fake->over == id);
	}
}

static void session(const uint8_t *data, size_t size, size_t chunk,
		    struct buf *said)
{
	struct smtp_settings settings = SMTP_SETTINGS_INIT;
	struct smtp_listener listener = {
		.has_starttls = data[0] & 1, .tls_required = data[0] & 2,
		.has_auth = data[0] & 4, .teach = data[0] & 8,
	};
	struct peer_info peer = { .address = "192.0.2.7",
				  .is_trusted = data[0] & 16,
				  .is_secure = data[0] & 64 };
	struct fake fake = { .mood = data[1] };
	struct engine_run run = { .peer = &peer, .answer = answer,
				  .context = &fake };

	settings.message_octets = 20000;
	settings.text_line_octets = 2000;
	settings.recipients = 20;
	settings.errors_slow = data[0] & 32 ? 3 : 0;
	run.engine = smtp_session_new(&settings, &listener, &peer);
	engine_run_client(&run, data, size, chunk, said);
}

/* The codes of the replies; texts have ids in them that differ. */
static void codes_of(struct slice rest, struct buf *codes)
{
	while (rest.len) {
		size_t end = slice_crlf(rest);

		if (end == rest.len || end < 4 || end > 510)
			abort();	/* RFC 5321 section 4.5.3.1.5 */
		buf_append(codes, slice_head(rest, 4));
		rest = slice_from(rest, end + 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return engine_run_both(session, codes_of, data, size);
}
