/*
 * Growable octets with a hard ceiling. Every buffer is born with its limit;
 * reaching it is ST_LIMIT, which the caller answers in its own protocol.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct buf {
	char *data;	/* NULL until something is put in */
	size_t len;	/* octets in use; never exceeds max */
	size_t cap;
	size_t max;
};

#define BUF_INIT(limit) { .max = (limit) }

static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->data ? b->data : "", b->len };
}

static inline size_t buf_room(const struct buf *b)
{
	return b->max - b->len;
}

/* Ends b: memory is given back, len is 0, the limit stays. */
void buf_free(struct buf *b);
/* As buf_free, after overwriting what it held: for passwords. */
void buf_wipe(struct buf *b);
/* Whole or not at all. ST_LIMIT, ST_NO_MEMORY. */
enum status buf_append(struct buf *b, struct slice bytes);
enum status buf_append_str(struct buf *b, const char *text);
enum status buf_append_char(struct buf *b, char c);
enum status buf_append_fmt(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A number in decimal, without printf's cost. */
enum status buf_append_u64(struct buf *b, uint64_t value);
/*
 * Makes room for n octets behind len and gives a pointer to it in *at; the
 * caller writes there and adds to len what it wrote. ST_LIMIT, ST_NO_MEMORY.
 */
enum status buf_reserve(struct buf *b, size_t n, char **at);
/* Takes the first n octets away; n is at most len. */
void buf_consume(struct buf *b, size_t n);

#endif
