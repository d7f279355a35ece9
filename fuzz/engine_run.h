/*
 * Runs a protocol engine (common/engine.h) over octets, in place of connection
 * and mailboxd: for the fuzz targets of engines.
 */
#ifndef FUZZ_ENGINE_RUN_H
#define FUZZ_ENGINE_RUN_H

#include "common/engine.h"

struct engine_run {
	struct engine *engine;
	struct peer_info *peer;	/* changed when the engine wants TLS */
	/* Answers one request, by engine_run_answer(). `nth` counts them. */
	void (*answer)(struct engine_run *run, uint32_t id,
		       const struct ipc_message *m);
	void *context;
	unsigned nth;
	enum want want;
	bool is_secured;	/* a handshake was made */
	struct buf said;	/* all that the engine said */
};

/*
 * Gives it in, chunk octets a call (0: all at once), answers what it asks, lets
 * time pass where it waits for nothing else, and frees it. It ends with a
 * handshake, as what stands behind it in clear is dropped. Aborts where it asks
 * for something malformed, says more than it may, or does not move. The caller
 * ends run->said.
 */
void engine_run(struct engine_run *run, struct slice in, size_t chunk);
void engine_run_answer(struct engine_run *run, uint32_t id,
		       const struct ipc_message *m, bool last);

/* The end of a session: engine_run() on what the client sends, which stands behind two
 * octets of choices; nothing where there was no memory for the engine. */
void engine_run_client(struct engine_run *run, const uint8_t *data, size_t size,
		       size_t chunk, struct buf *said);

/* Plays data, two octets of choices and what the client sends, and gives what
 * was said; the caller ends it. The clock is faked. */
typedef void engine_session(const uint8_t *data, size_t size, size_t chunk,
			    struct buf *said);
/* What of it must be the same however the octets come. */
typedef void engine_extract(struct slice said, struct buf *kept);

/*
 * For LLVMFuzzerTestOneInput: the session with all octets at once and octet by
 * octet; aborts where the two differ. extract NULL: in any octet.
 */
int engine_run_both(engine_session *session, engine_extract *extract,
		    const uint8_t *data, size_t size);

#endif
