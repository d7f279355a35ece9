/*
 * DEFLATE both ways of one connection (RFC 1951, as RFC 4978 uses it): raw, no
 * checksums, never ended. Octets in, octets out; it knows no socket.
 *
 * What it holds is large while octets move (about 100 KiB) and small when they
 * rest: deflate_rest() gives the compressor up, for after a flush a new one may
 * take over, and keeps of the other side's window what was ever in it.
 */
#ifndef COMMON_DEFLATE_H
#define COMMON_DEFLATE_H

#include "common/buf.h"

#include <stdbool.h>

struct deflate;

/* NULL: memory is short. */
struct deflate *deflate_new(void);
void deflate_free(struct deflate *d);
/*
 * Appends in compressed; flush: so that the other side can read all of it now.
 * ST_NO_MEMORY, ST_LIMIT (out is full): give the connection up.
 */
enum status deflate_pack(struct deflate *d, struct slice in, bool flush,
			 struct buf *out);
/*
 * Takes octets off *in and puts at most room of what they stand for at out; *n is
 * how many. ST_OK: call again if there was no room left or *in is not empty;
 * ST_SYNTAX: not DEFLATE, or its end; ST_NO_MEMORY.
 */
enum status deflate_unpack(struct deflate *d, struct slice *in, char *out,
			   size_t room, size_t *n);
/* Nothing moves: gives memory back. What was packed last was flushed. */
void deflate_rest(struct deflate *d);
/* Whether deflate_rest() has something to give. */
bool deflate_is_awake(const struct deflate *d);
/* Octets held now, for tests. */
size_t deflate_octets(const struct deflate *d);

#endif
