#include "common/ipc_codec.h"

#include <string.h>

void ipc_put_u32(char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(v >> 8 * i);
}

void ipc_put_u64(char *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (char)(v >> 8 * i);
}

uint32_t ipc_get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

uint64_t ipc_get_u64(const char *at)
{
	return (uint64_t)ipc_get_u32(at) | (uint64_t)ipc_get_u32(at + 4) << 32;
}

static uint16_t get_u16(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint16_t)(p[0] | p[1] << 8);
}

enum status ipc_frame_next(struct slice in, struct ipc_frame *frame,
			   size_t *used)
{
	uint32_t octets;

	*used = 0;
	if (in.len < IPC_FRAME_HEADER)
		return ST_MORE;
	octets = ipc_get_u32(in.data);
	if (octets > IPC_PAYLOAD_MAX)
		return ST_SYNTAX;
	if (in.len - IPC_FRAME_HEADER < octets)
		return ST_MORE;
	frame->type = get_u16(in.data + 4);
	frame->flags = get_u16(in.data + 6);
	frame->id = ipc_get_u32(in.data + 8);
	frame->payload = slice_of(in.data + IPC_FRAME_HEADER, octets);
	*used = IPC_FRAME_HEADER + octets;
	return ST_OK;
}

static void header_put(char *at, size_t octets, unsigned type, unsigned flags,
		       uint32_t id)
{
	ipc_put_u32(at, (uint32_t)octets);
	ipc_put_u32(at + 4, type | flags << 16);
	ipc_put_u32(at + 8, id);
}

enum status ipc_frame_put(struct buf *out, const struct ipc_frame *frame)
{
	char *at;
	enum status st = buf_reserve(out, IPC_FRAME_HEADER + frame->payload.len,
				     &at);

	if (st != ST_OK)
		return st;
	header_put(at, frame->payload.len, frame->type, frame->flags, frame->id);
	memcpy(at + IPC_FRAME_HEADER, frame->payload.data, frame->payload.len);
	out->len += IPC_FRAME_HEADER + frame->payload.len;
	return ST_OK;
}

/* ---- how long each kind of field is, and how it is written and read ------ */

static size_t octets_u32(ipc_u32 v)
{
	(void)v;
	return 4;
}

static size_t octets_u64(ipc_u64 v)
{
	(void)v;
	return 8;
}

static size_t octets_i64(ipc_i64 v)
{
	(void)v;
	return 8;
}

static size_t octets_text(ipc_text v)
{
	return 4 + v.len;
}

static size_t octets_bytes(ipc_bytes v)
{
	return 4 + v.len;
}

static char *put_u32(char *at, ipc_u32 v)
{
	ipc_put_u32(at, v);
	return at + 4;
}

static char *put_u64(char *at, ipc_u64 v)
{
	ipc_put_u64(at, v);
	return at + 8;
}

static char *put_i64(char *at, ipc_i64 v)
{
	return put_u64(at, (uint64_t)v);
}

static char *put_bytes(char *at, ipc_bytes v)
{
	ipc_put_u32(at, (uint32_t)v.len);
	if (v.len)
		memcpy(at + 4, v.data, v.len);
	return at + 4 + v.len;
}

static char *put_text(char *at, ipc_text v)
{
	return put_bytes(at, v);
}

static bool get_u32(struct slice *in, ipc_u32 *v)
{
	if (in->len < 4)
		return false;
	*v = ipc_get_u32(in->data);
	*in = slice_from(*in, 4);
	return true;
}

static bool get_u64(struct slice *in, ipc_u64 *v)
{
	if (in->len < 8)
		return false;
	*v = ipc_get_u64(in->data);
	*in = slice_from(*in, 8);
	return true;
}

static bool get_i64(struct slice *in, ipc_i64 *v)
{
	uint64_t raw;

	if (!get_u64(in, &raw))
		return false;
	memcpy(v, &raw, sizeof *v);
	return true;
}

static bool get_bytes(struct slice *in, ipc_bytes *v)
{
	uint32_t octets;

	if (!get_u32(in, &octets) || octets > in->len)
		return false;
	*v = slice_head(*in, octets);
	*in = slice_from(*in, octets);
	return true;
}

static bool get_text(struct slice *in, ipc_text *v)
{
	return get_bytes(in, v) && slice_index(*v, '\0') == v->len;
}

static size_t message_octets(const struct ipc_message *m)
{
	switch (m->type) {
#define FIELD(kind, field) + octets_##kind(x->field)
#define CASE(number, NAME, name) \
	case IPC_TYPE_##NAME: { \
		const struct ipc_##name *x = &m->name; \
		return 0 IPC_##NAME(FIELD); \
	}
	IPC_MESSAGES(CASE)
#undef CASE
#undef FIELD
	}
	return IPC_PAYLOAD_MAX + 1;
}

static void message_put(char *at, const struct ipc_message *m)
{
	switch (m->type) {
#define FIELD(kind, field) at = put_##kind(at, x->field);
#define CASE(number, NAME, name) \
	case IPC_TYPE_##NAME: { \
		const struct ipc_##name *x = &m->name; \
		IPC_##NAME(FIELD) \
		break; \
	}
	IPC_MESSAGES(CASE)
#undef CASE
#undef FIELD
	}
}

enum status ipc_encode(struct buf *out, uint32_t id, unsigned flags,
		       const struct ipc_message *m)
{
	size_t octets = message_octets(m);
	char *at;
	enum status st;

	if (octets > IPC_PAYLOAD_MAX)
		return ST_LIMIT;
	st = buf_reserve(out, IPC_FRAME_HEADER + octets, &at);
	if (st != ST_OK)
		return st;
	header_put(at, octets, m->type, flags, id);
	message_put(at + IPC_FRAME_HEADER, m);
	out->len += IPC_FRAME_HEADER + octets;
	return ST_OK;
}

enum status ipc_decode(const struct ipc_frame *frame, struct ipc_message *m)
{
	struct slice in = frame->payload;
	bool good = true;

	switch (frame->type) {
#define FIELD(kind, field) && get_##kind(&in, &x->field)
#define CASE(number, NAME, name) \
	case IPC_TYPE_##NAME: { \
		struct ipc_##name *x = &m->name; \
		m->type = IPC_TYPE_##NAME; \
		good = good IPC_##NAME(FIELD); \
		break; \
	}
	IPC_MESSAGES(CASE)
#undef CASE
#undef FIELD
	default:
		return ST_SYNTAX;
	}
	return good && in.len == 0 ? ST_OK : ST_SYNTAX;
}

const char *ipc_type_name(unsigned type)
{
	switch (type) {
#define CASE(number, NAME, name) case number: return #name;
	IPC_MESSAGES(CASE)
#undef CASE
	}
	return "unknown";
}

bool ipc_type_known(unsigned type)
{
	switch (type) {
#define CASE(number, NAME, name) case number: return true;
	IPC_MESSAGES(CASE)
#undef CASE
	}
	return false;
}

enum status ipc_list_append(struct buf *out, struct slice item)
{
	char *at;
	enum status st = item.len > UINT32_MAX - 4 ? ST_LIMIT
				: buf_reserve(out, 4 + item.len, &at);

	if (st == ST_OK) {
		put_bytes(at, item);
		out->len += 4 + item.len;
	}
	return st;
}

enum status ipc_list_next(struct slice *list, struct slice *item)
{
	if (list->len == 0)
		return ST_MORE;
	return get_bytes(list, item) ? ST_OK : ST_SYNTAX;
}
