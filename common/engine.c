#include "common/engine.h"

#include "common/ipc_codec.h"

enum status engine_ask(struct engine *e, uint32_t id,
		       const struct ipc_message *m)
{
	return ipc_encode(&e->requests, id, 0, m);
}
