/*
 * Frames between the daemons (doc/ipc.md): u32 length of the payload, u16
 * type, u16 flags, u32 request id, payload; little endian. A decoder survives
 * anything: on ST_SYNTAX the caller drops the peer and lives on.
 */
#ifndef COMMON_IPC_CODEC_H
#define COMMON_IPC_CODEC_H

#include "common/buf.h"
#include "common/ipc_messages.h"

#include <stdbool.h>

#define IPC_FRAME_HEADER	((size_t)12)
#define IPC_PAYLOAD_MAX		((size_t)65536 + 16)
#define IPC_FRAME_MAX		(IPC_FRAME_HEADER + IPC_PAYLOAD_MAX)
/* Octets of answer a request may have unacknowledged at first; a quarter of it
 * must be free before more of a stream is made. */
#define IPC_CREDIT_ANSWER	UINT32_C(262144)
/* The same for what an APPEND brings. */
#define IPC_CREDIT_FIRST	UINT32_C(65536)
/* Octets of body in one BODY, PIECE, APPEND_DATA or LMTP_DATA. */
#define IPC_PIECE_MAX		((size_t)32768)
/* What a MAIL counts of the credit of an import; a PIECE counts its octets. */
#define IPC_MAIL_COST		UINT32_C(1024)
#define IPC_MAJOR		1
#define IPC_MINOR		0

enum ipc_frame_flag {
	IPC_LAST = 1,	/* ends the answers to this request id */
	IPC_EVENT = 2,	/* belongs to no request; id 0 */
};

struct ipc_frame {
	uint16_t type;
	uint16_t flags;
	uint32_t id;
	struct slice payload;	/* borrows from the input */
};

/*
 * Takes the frame at the beginning of in. ST_OK: *used octets were it; ST_MORE:
 * in ends early; ST_SYNTAX: too long to be a frame.
 */
enum status ipc_frame_next(struct slice in, struct ipc_frame *frame,
			   size_t *used);

/* Appends a frame as it is. ST_LIMIT, ST_NO_MEMORY. */
enum status ipc_frame_put(struct buf *out, const struct ipc_frame *frame);

/*
 * Appends m as one frame. ST_LIMIT: it does not fit in out, or its payload
 * would exceed IPC_PAYLOAD_MAX; out is unchanged. ST_NO_MEMORY.
 */
enum status ipc_encode(struct buf *out, uint32_t id, unsigned flags,
		       const struct ipc_message *m);

/*
 * Fills m from a frame; its slices borrow from the payload. ST_SYNTAX: unknown
 * type, a field beyond the end, octets left over, NUL in a text.
 */
enum status ipc_decode(const struct ipc_frame *frame, struct ipc_message *m);

/* "auth", "rows"; "unknown" for a number that is no message. */
const char *ipc_type_name(unsigned type);
bool ipc_type_known(unsigned type);

/* Little-endian integers in packed fields. */
void ipc_put_u32(char *at, uint32_t v);
void ipc_put_u64(char *at, uint64_t v);
uint32_t ipc_get_u32(const char *at);
uint64_t ipc_get_u64(const char *at);

/*
 * A list of texts in one bytes field: u32 length and octets each. list_next
 * gives ST_OK and advances *list, ST_MORE at the end, ST_SYNTAX.
 */
enum status ipc_list_append(struct buf *out, struct slice item);
enum status ipc_list_next(struct slice *list, struct slice *item);

#endif
