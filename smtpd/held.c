#include <config.h>

#include "smtpd/held.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void spool_init(struct spool *spool, int fd, size_t memory, uint64_t octets)
{
	uint64_t blocks = octets / SPOOL_BLOCK;

	*spool = (struct spool){
		.fd = fd, .memory = memory,
		.blocks = blocks < UINT32_MAX / 8 ? (uint32_t)blocks : UINT32_MAX / 8,
	};
}

void spool_close(struct spool *spool)
{
	free(spool->free);
	spool->free = NULL;
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
}

/* ---- blocks ------------------------------------------------------------------------ */

static enum status take_block(struct spool *s, uint32_t *block)
{
	if (s->fd < 0)
		return ST_FULL;
	if (s->free_count) {
		*block = s->free[--s->free_count];
		return ST_OK;
	}
	if (s->made == s->blocks)
		return ST_FULL;
	/* giving back must not need memory */
	if (!s->free)
		s->free = calloc(s->blocks, sizeof *s->free);
	if (!s->free)
		return ST_NO_MEMORY;
	*block = s->made++;
	return ST_OK;
}

static void give_block(struct spool *s, uint32_t block)
{
	s->free[s->free_count++] = block;
	/* all are free: the disk gets its room back */
	if (s->free_count == s->made && ftruncate(s->fd, 0) == 0)
		s->made = s->free_count = 0;
}

static enum status more_blocks(struct held *h)
{
	uint32_t room = h->block_room ? 2 * h->block_room : 4, *blocks;
	enum status st;

	if (h->block_count == h->block_room) {
		blocks = realloc(h->blocks, room * sizeof *blocks);
		if (!blocks)
			return ST_NO_MEMORY;
		h->blocks = blocks;
		h->block_room = room;
	}
	st = take_block(h->spool, &h->blocks[h->block_count]);
	h->block_count += st == ST_OK;
	return st;
}

/* Where octet at, counted from the end of what is in memory, is in the file. */
static off_t place(const struct held *h, uint64_t at)
{
	return (off_t)h->blocks[at / SPOOL_BLOCK] * (off_t)SPOOL_BLOCK +
	       (off_t)(at % SPOOL_BLOCK);
}

static size_t left_in_block(uint64_t at, size_t octets)
{
	size_t left = SPOOL_BLOCK - (size_t)(at % SPOOL_BLOCK);

	return octets < left ? octets : left;
}

/* ---- bodies -------------------------------------------------------------------------- */

void held_init(struct held *h, struct spool *spool)
{
	*h = (struct held){ .spool = spool, .memory = BUF_INIT(HELD_MEMORY) };
}

void held_clear(struct held *h)
{
	if (!h->spool)
		return;
	h->spool->memory += h->memory.len;
	buf_free(&h->memory);
	while (h->block_count)
		give_block(h->spool, h->blocks[--h->block_count]);
	free(h->blocks);
	h->blocks = NULL;
	h->block_room = 0;
	h->octets = 0;
}

static enum status append_memory(struct held *h, struct slice *octets)
{
	struct slice part = slice_head(*octets, buf_room(&h->memory));
	enum status st;

	if (h->block_count || part.len > h->spool->memory)
		return ST_OK;
	st = buf_append(&h->memory, part);
	if (st != ST_OK)
		return st;
	h->spool->memory -= part.len;
	h->octets += part.len;
	*octets = slice_from(*octets, part.len);
	return ST_OK;
}

static enum status write_all(struct spool *s, off_t at, struct slice octets)
{
	while (octets.len) {
		ssize_t n = pwrite(s->fd, octets.data, octets.len, at);

		if (n > 0) {
			octets = slice_from(octets, (size_t)n);
			at += n;
		} else if (n == 0 || errno != EINTR) {
			s->sys = n == 0 ? ENOSPC : errno;
			return s->sys == ENOSPC || s->sys == EDQUOT ? ST_FULL
								    : ST_IO;
		}
	}
	return ST_OK;
}

enum status held_append(struct held *h, struct slice octets)
{
	enum status st = append_memory(h, &octets);

	while (octets.len && st == ST_OK) {
		uint64_t at = h->octets - h->memory.len;
		struct slice part = slice_head(octets,
					       left_in_block(at, octets.len));

		if (at == (uint64_t)h->block_count * SPOOL_BLOCK)
			st = more_blocks(h);
		if (st == ST_OK)
			st = write_all(h->spool, place(h, at), part);
		if (st != ST_OK)
			break;
		h->octets += part.len;
		octets = slice_from(octets, part.len);
	}
	return st;
}

static enum status read_all(struct spool *s, off_t at, char *to, size_t octets)
{
	while (octets) {
		ssize_t n = pread(s->fd, to, octets, at);

		if (n > 0) {
			to += n;
			at += n;
			octets -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			s->sys = n == 0 ? EIO : errno;
			return ST_IO;
		}
	}
	return ST_OK;
}

enum status held_read(const struct held *h, uint64_t at, char *to, size_t octets)
{
	enum status st = ST_OK;

	if (at < h->memory.len) {
		size_t n = h->memory.len - (size_t)at;

		n = n < octets ? n : octets;
		memcpy(to, h->memory.data + at, n);
		at += n;
		to += n;
		octets -= n;
	}
	while (octets && st == ST_OK) {
		uint64_t behind = at - h->memory.len;
		size_t n = left_in_block(behind, octets);

		st = read_all(h->spool, place(h, behind), to, n);
		at += n;
		to += n;
		octets -= n;
	}
	return st;
}
