#include "common/engine.h"

#include "common/ipc_codec.h"

enum status engine_ask(struct engine *e, uint32_t id,
		       const struct ipc_message *m)
{
	return ipc_encode(&e->requests, id, 0, m);
}

bool engine_is_kicked(const struct engine *e, const struct ipc_message *m)
{
	const struct ipc_service_kick *k = &m->service_kick;

	if (m->type != IPC_TYPE_SERVICE_KICK)
		return false;
	if (k->sid.len)
		return slice_eq(k->sid, e->sid);
	return k->account == 0 || (k->account == e->account &&
		(k->credential == 0 || k->credential == e->credential));
}
