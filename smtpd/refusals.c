#include "smtpd/refusals.h"

#include "common/clock.h"

void smtp_refusals_pass(struct smtp_refusals *r, const struct ipc_message *m)
{
	int64_t now = clock_ms();

	if (now - r->second_ms >= 1000) {
		r->second_ms = now;
		r->told = 0;
	}
	if (r->told >= SMTP_REFUSALS_SECOND || front_tell(r->front, m) != ST_OK)
		r->left_out++;
	else
		r->told++;
}

void smtp_refusals_tick(struct smtp_refusals *r)
{
	struct ipc_message m = { .type = IPC_TYPE_REFUSED };

	if (r->left_out == 0)
		return;
	m.refused = (struct ipc_refused){
		.sid = SLICE_EMPTY, .address = SLICE_EMPTY, .helo = SLICE_EMPTY,
		.login = SLICE_EMPTY, .sender = SLICE_EMPTY,
		.recipient = SLICE_EMPTY, .reason = SLICE_EMPTY,
		.count = r->left_out,
	};
	if (front_tell(r->front, &m) == ST_OK)
		r->left_out = 0;
}
