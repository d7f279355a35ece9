#include "common/fetch_row.h"

#include "common/ipc_codec.h"

/* Each column once, in the order of the wire: its bit, its kind, its field. */
#define COLUMNS(X) \
	X(FETCH_FLAGS, U64, flags) \
	X(FETCH_MODSEQ, U64, modseq) \
	X(FETCH_SIZE, U64, size) \
	X(FETCH_INTERNALDATE, I64, internaldate) \
	X(FETCH_INTERNALDATE, I32, zone) \
	X(FETCH_SAVEDATE, I64, savedate) \
	X(FETCH_EMAILID, U64, emailid) \
	X(FETCH_THREADID, U64, threadid) \
	X(FETCH_PREFIX, U32, prefix) \
	X(FETCH_UIDL, BYTES, uidl) \
	X(FETCH_ENVELOPE, BYTES, envelope) \
	X(FETCH_BODYSTRUCTURE, BYTES, bodystructure) \
	X(FETCH_BODY, BYTES, body) \
	X(FETCH_PARTS, BYTES, parts) \
	X(FETCH_PREVIEW, BYTES, preview) \
	X(FETCH_OCTETS, U64, octets_total) \
	X(FETCH_OCTETS, BYTES, octets)

#define OCTETS_U32(v)	((void)(v), (size_t)4)
#define OCTETS_I32(v)	((void)(v), (size_t)4)
#define OCTETS_U64(v)	((void)(v), (size_t)8)
#define OCTETS_I64(v)	((void)(v), (size_t)8)
#define OCTETS_BYTES(v)	(4 + (v).len)

static char *put_bytes(char *at, struct slice bytes)
{
	ipc_put_u32(at, (uint32_t)bytes.len);
	if (bytes.len)
		memcpy(at + 4, bytes.data, bytes.len);
	return at + 4 + bytes.len;
}

#define PUT_U32(at, v)	 (ipc_put_u32(at, v), (at) + 4)
#define PUT_I32(at, v)	 (ipc_put_u32(at, (uint32_t)(v)), (at) + 4)
#define PUT_U64(at, v)	 (ipc_put_u64(at, v), (at) + 8)
#define PUT_I64(at, v)	 (ipc_put_u64(at, (uint64_t)(v)), (at) + 8)
#define PUT_BYTES(at, v) put_bytes(at, v)

enum status fetch_row_encode(struct buf *out, uint32_t items,
			     const struct fetch_row *row)
{
	size_t octets = 4;
	char *at;
	enum status st;

#define COLUMN(bit, KIND, field) \
	if (items & (uint32_t)(bit)) \
		octets += OCTETS_##KIND(row->field);
	COLUMNS(COLUMN)
#undef COLUMN
	if (octets > UINT32_MAX)
		return ST_LIMIT;
	st = buf_reserve(out, octets, &at);
	if (st != ST_OK)
		return st;
	ipc_put_u32(at, row->uid);
	at += 4;
#define COLUMN(bit, KIND, field) \
	if (items & (uint32_t)(bit)) \
		at = PUT_##KIND(at, row->field);
	COLUMNS(COLUMN)
#undef COLUMN
	out->len += octets;
	return ST_OK;
}

static bool get_u32(struct slice *in, uint32_t *v)
{
	if (in->len < 4)
		return false;
	*v = ipc_get_u32(in->data);
	*in = slice_from(*in, 4);
	return true;
}

static bool get_u64(struct slice *in, uint64_t *v)
{
	if (in->len < 8)
		return false;
	*v = ipc_get_u64(in->data);
	*in = slice_from(*in, 8);
	return true;
}

static bool get_i32(struct slice *in, int32_t *v)
{
	uint32_t raw;

	if (!get_u32(in, &raw))
		return false;
	memcpy(v, &raw, sizeof *v);
	return true;
}

static bool get_i64(struct slice *in, int64_t *v)
{
	uint64_t raw;

	if (!get_u64(in, &raw))
		return false;
	memcpy(v, &raw, sizeof *v);
	return true;
}

static bool get_bytes(struct slice *in, struct slice *v)
{
	uint32_t octets;

	if (!get_u32(in, &octets) || octets > in->len)
		return false;
	*v = slice_head(*in, octets);
	*in = slice_from(*in, octets);
	return true;
}

#define GET_U32	  get_u32
#define GET_I32	  get_i32
#define GET_U64	  get_u64
#define GET_I64	  get_i64
#define GET_BYTES get_bytes

enum status fetch_row_decode(struct slice *rows, uint32_t items,
			     struct fetch_row *row)
{
	struct slice in = *rows;

	memset(row, 0, sizeof *row);
	if (!get_u32(&in, &row->uid))
		return ST_MORE;
#define COLUMN(bit, KIND, field) \
	if (items & (uint32_t)(bit) && !GET_##KIND(&in, &row->field)) \
		return ST_MORE;
	COLUMNS(COLUMN)
#undef COLUMN
	if (row->octets.len > row->octets_total)
		return ST_SYNTAX;
	*rows = in;
	return ST_OK;
}
