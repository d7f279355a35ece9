/*
 * An LMTP session. The first octet chooses the settings, the second how the
 * store answers; the rest is what the client sends. Whole and octet by octet
 * must come to the same octets.
 */
#include "fuzz/engine_run.h"
#include "fuzz/fuzz.h"

#include "mailboxd/lmtp_session.h"

#include <stdlib.h>

struct fake {
	uint8_t mood;	/* each bit: whether one answer of eight is a refusal */
	unsigned decisions, recipients;
};

static bool is_refused(struct fake *f)
{
	return f->mood >> f->decisions++ % 8 & 1;
}

static void reply(struct engine_run *run, uint32_t id, unsigned code, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };

	m.lmtp_reply = (struct ipc_lmtp_reply){
		code, code < 300 ? SLICE("2.0.0") : SLICE("4.3.0"), SLICE("so"),
	};
	engine_run_answer(run, id, &m, last);
}

static void answer(struct engine_run *run, uint32_t id,
		   const struct ipc_message *m)
{
	struct fake *f = run->context;
	struct ipc_message credit = { .type = IPC_TYPE_CREDIT };
	bool refused;

	switch (m->type) {
	case IPC_TYPE_LMTP_MAIL:
		f->recipients = 0;
		reply(run, id, is_refused(f) ? 451 : 250, true);
		break;
	case IPC_TYPE_LMTP_RCPT:
		refused = is_refused(f);
		f->recipients += !refused;
		reply(run, id, refused ? 550 : 250, true);
		break;
	case IPC_TYPE_LMTP_DATA:
		credit.credit.octets = (uint32_t)m->lmtp_data.octets.len;
		engine_run_answer(run, id, &credit, false);
		break;
	case IPC_TYPE_LMTP_END:
		if (f->recipients == 0)
			abort();	/* a message for nobody */
		refused = is_refused(f);
		while (f->recipients > 0) {
			f->recipients--;
			reply(run, id, refused ? 451 : 250, f->recipients == 0);
		}
		break;
	case IPC_TYPE_LMTP_ASK:
		reply(run, id, is_refused(f) ? 550 : 250, true);
		break;
	case IPC_TYPE_LMTP_ABORT:
	case IPC_TYPE_LMTP_TELL:
		break;
	default:
		abort();	/* nothing else is asked */
	}
}

static void session(const uint8_t *data, size_t size, size_t chunk,
		    struct buf *said)
{
	struct lmtp_settings settings = LMTP_SETTINGS_DEFAULT;
	struct peer_info peer = { .is_local = true, .is_secure = true };
	struct fake fake = { .mood = data[1] };
	struct engine_run run = { .peer = &peer, .answer = answer,
				  .context = &fake };

	settings.message_max = data[0] & 2 ? 100 : 100000;
	settings.recipients_max = data[0] & 4 ? 2 : 100;
	run.engine = lmtp_session_new(&settings, &peer, data[0] & 1);
	engine_run_client(&run, data, size, chunk, said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return engine_run_both(session, NULL, data, size);
}
