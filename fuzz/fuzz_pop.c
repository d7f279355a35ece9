/*
 * A POP3 session. The first octet chooses the listener, the second how mailboxd
 * answers; the rest is what the client sends. Whole and octet by octet must come
 * to the same octets.
 */
#include "fuzz/engine_run.h"
#include "fuzz/fuzz.h"

#include "common/fetch_row.h"
#include "common/ranges.h"
#include "popd/session.h"

#include <stdlib.h>

static const struct {
	uint32_t uid;
	const char *uidl, *text;
} mail[] = {
	{ 3, "", "Subject: one\r\n\r\nbody\r\n.dot\r\n..\r\n" },
	{ 7, "imported-1", "\r\nno header\r\n" },
	{ 9, "", "Subject: no body, no end" },
};

struct fake {
	uint8_t mood;	/* each bit: whether one answer of eight is a failure */
	unsigned decisions;
};

static void error(struct engine_run *run, uint32_t id, enum status code)
{
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	m.error.code = code;
	m.error.detail = m.error.text = SLICE_EMPTY;
	engine_run_answer(run, id, &m, true);
}

/* Every second message comes in two pieces. */
static void send_row(struct engine_run *run, uint32_t id, uint32_t items,
		     size_t i)
{
	struct buf rows = BUF_INIT(4096);
	struct ipc_message m = { .type = IPC_TYPE_ROWS };
	struct slice text = slice_str(mail[i].text);
	size_t first = i % 2 ? 5 : text.len;
	struct fetch_row row = {
		.uid = mail[i].uid, .emailid = i + 1, .size = text.len,
		.uidl = slice_str(mail[i].uidl), .octets_total = text.len,
		.octets = slice_head(text, first),
	};

	if (fetch_row_encode(&rows, items, &row) != ST_OK)
		abort();
	m.rows.items = items;
	m.rows.rows = buf_slice(&rows);
	engine_run_answer(run, id, &m, false);
	buf_free(&rows);
	if (!(items & FETCH_OCTETS) || first == text.len)
		return;
	m.type = IPC_TYPE_BODY;
	m.body.uid = mail[i].uid;
	m.body.octets = slice_from(text, first);
	engine_run_answer(run, id, &m, false);
}

static void fetch(struct engine_run *run, uint32_t id,
		  const struct ipc_fetch *f)
{
	struct ranges uids = RANGES_INIT(1024);
	struct ipc_message done = { .type = IPC_TYPE_DONE };

	if (ranges_decode(f->uids, &uids) != ST_OK)
		abort();
	for (size_t i = 0; i < sizeof mail / sizeof *mail; i++)
		if (ranges_has(&uids, mail[i].uid))
			send_row(run, id, f->items, i);
	engine_run_answer(run, id, &done, true);
	ranges_free(&uids);
}

static void answer(struct engine_run *run, uint32_t id,
		   const struct ipc_message *m)
{
	struct fake *fake = run->context;
	struct ipc_message other = { 0 };

	if (m->type == IPC_TYPE_SENT || m->type == IPC_TYPE_CANCEL ||
	    m->type == IPC_TYPE_CREDIT)
		return;
	/* how many RETRs are asked for at once depends on the pieces */
	if (m->type == IPC_TYPE_FETCH && m->fetch.items & FETCH_OCTETS) {
		if (fake->mood & 0x80)
			error(run, id, ST_UNAVAILABLE);
		else
			fetch(run, id, &m->fetch);
		return;
	}
	if (fake->mood >> fake->decisions++ % 8 & 1) {
		error(run, id, fake->decisions % 2 ? ST_DENIED : ST_UNAVAILABLE);
		return;
	}
	switch (m->type) {
	case IPC_TYPE_AUTH:
		other.type = IPC_TYPE_AUTH_OK;
		other.auth_ok.login = SLICE("ann@example.org");
		other.auth_ok.additional = SLICE_EMPTY;
		break;
	case IPC_TYPE_OPEN:
		other.type = IPC_TYPE_OPENED;
		other.opened.handle = 5;
		other.opened.uidnext = 10;
		other.opened.messages = 3;
		break;
	case IPC_TYPE_FETCH:
		fetch(run, id, &m->fetch);
		return;
	case IPC_TYPE_EXPUNGE:
		other.type = IPC_TYPE_EXPUNGED;
		other.expunged.uids = m->expunge.uids;
		break;
	default:
		abort();	/* nothing else is asked */
	}
	engine_run_answer(run, id, &other, true);
}

static void session(const uint8_t *data, size_t size, size_t chunk,
		    struct buf *said)
{
	struct pop_settings settings = POP_SETTINGS_INIT;
	struct pop_listener listener = {
		.has_stls = data[0] & 1, .tls_required = data[0] & 2,
		.teach = data[0] & 8,
	};
	struct peer_info peer = { .address = "192.0.2.7",
				  .is_trusted = data[0] & 16,
				  .is_secure = data[0] & 64 };
	struct fake fake = { .mood = data[1] };
	struct engine_run run = { .peer = &peer, .answer = answer,
				  .context = &fake };

	settings.errors_slow = data[0] & 32 ? 3 : 0;
	run.engine = pop_session_new(&settings, &listener, &peer);
	engine_run_client(&run, data, size, chunk, said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return engine_run_both(session, NULL, data, size);
}
