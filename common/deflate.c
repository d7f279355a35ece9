#include "common/deflate.h"

#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>

/* Ours: a window of 8 KiB and as much again, fast rather than small. */
#define PACK_LEVEL	3
#define PACK_WINDOW	13
#define PACK_MEMORY	6
/* Theirs may be as large as it gets. */
#define UNPACK_WINDOW	15
/* One step of the compressor. */
#define PACK_STEP	((size_t)16 * 1024)

struct deflate {
	z_stream packer, unpacker;
	bool has_packer, has_unpacker;
	bool is_between;	/* the unpacker stands between two blocks, on an octet */
	char *window;		/* of an unpacker that rests */
	size_t window_octets;
	size_t octets;		/* what zlib holds */
};

/* zlib's memory, counted. */
static void *take(void *opaque, unsigned items, unsigned size)
{
	struct deflate *d = opaque;
	size_t octets = (size_t)items * size;
	size_t *at = malloc(sizeof(max_align_t) + octets);

	if (!at)
		return NULL;
	*at = octets;
	d->octets += octets;
	return (char *)at + sizeof(max_align_t);
}

static void give(void *opaque, void *p)
{
	struct deflate *d = opaque;
	size_t *at = (size_t *)(void *)((char *)p - sizeof(max_align_t));

	d->octets -= *at;
	free(at);
}

struct deflate *deflate_new(void)
{
	struct deflate *d = calloc(1, sizeof *d);

	if (d)
		d->is_between = true;
	return d;
}

static void end_packer(struct deflate *d)
{
	if (d->has_packer)
		deflateEnd(&d->packer);
	d->has_packer = false;
}

static void end_unpacker(struct deflate *d)
{
	if (d->has_unpacker)
		inflateEnd(&d->unpacker);
	d->has_unpacker = false;
}

void deflate_free(struct deflate *d)
{
	if (!d)
		return;
	end_packer(d);
	end_unpacker(d);
	free(d->window);
	free(d);
}

static enum status begin_packer(struct deflate *d)
{
	if (d->has_packer)
		return ST_OK;
	d->packer = (z_stream){ .zalloc = take, .zfree = give, .opaque = d };
	if (deflateInit2(&d->packer, PACK_LEVEL, Z_DEFLATED, -PACK_WINDOW,
			 PACK_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return ST_NO_MEMORY;
	d->has_packer = true;
	return ST_OK;
}

enum status deflate_pack(struct deflate *d, struct slice in, bool flush,
			 struct buf *out)
{
	enum status st = begin_packer(d);

	if (st != ST_OK)
		return st;
	d->packer.next_in = (Bytef *)(uintptr_t)in.data;
	d->packer.avail_in = (uInt)in.len;
	do {
		char *at;

		st = buf_reserve(out, PACK_STEP, &at);
		if (st != ST_OK)
			return st;
		d->packer.next_out = (Bytef *)at;
		d->packer.avail_out = (uInt)PACK_STEP;
		/* Z_BUF_ERROR: there was nothing left to flush */
		if (deflate(&d->packer, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return ST_NO_MEMORY;
		out->len += PACK_STEP - d->packer.avail_out;
	} while (d->packer.avail_out == 0);
	return ST_OK;
}

static enum status begin_unpacker(struct deflate *d)
{
	if (d->has_unpacker)
		return ST_OK;
	d->unpacker = (z_stream){ .zalloc = take, .zfree = give, .opaque = d };
	if (inflateInit2(&d->unpacker, -UNPACK_WINDOW) != Z_OK)
		return ST_NO_MEMORY;
	d->has_unpacker = true;
	if (d->window_octets &&
	    inflateSetDictionary(&d->unpacker, (const Bytef *)d->window,
				 (uInt)d->window_octets) != Z_OK)
		return ST_NO_MEMORY;
	free(d->window);
	d->window = NULL;
	d->window_octets = 0;
	return ST_OK;
}

enum status deflate_unpack(struct deflate *d, struct slice *in, char *out,
			   size_t room, size_t *n)
{
	enum status st = begin_unpacker(d);
	int done;

	*n = 0;
	if (st != ST_OK)
		return st;
	d->unpacker.next_in = (Bytef *)(uintptr_t)in->data;
	d->unpacker.avail_in = (uInt)in->len;
	d->unpacker.next_out = (Bytef *)out;
	d->unpacker.avail_out = (uInt)room;
	done = inflate(&d->unpacker, Z_SYNC_FLUSH);
	*in = slice_from(*in, in->len - d->unpacker.avail_in);
	*n = room - d->unpacker.avail_out;
	/* 128: behind a block; the low bits count those left of the last octet */
	d->is_between = (d->unpacker.data_type & 255) == 128;
	if (done == Z_MEM_ERROR)
		return ST_NO_MEMORY;
	return done == Z_OK || done == Z_BUF_ERROR ? ST_OK : ST_SYNTAX;
}

void deflate_rest(struct deflate *d)
{
	uInt octets = 0;

	end_packer(d);
	if (!d->has_unpacker || !d->is_between ||
	    inflateGetDictionary(&d->unpacker, NULL, &octets) != Z_OK)
		return;
	d->window = malloc(octets ? octets : 1);
	if (!d->window)
		return;
	inflateGetDictionary(&d->unpacker, (Bytef *)d->window, &octets);
	d->window_octets = octets;
	end_unpacker(d);
}

bool deflate_is_awake(const struct deflate *d)
{
	return d->has_packer || (d->has_unpacker && d->is_between);
}

size_t deflate_octets(const struct deflate *d)
{
	return sizeof *d + d->octets + d->window_octets;
}
