/*
 * A set of 32-bit numbers (UIDs, sequence numbers) as ascending ranges that
 * neither touch nor overlap. On the wire: u32 low, u32 high each, little
 * endian.
 */
#ifndef COMMON_RANGES_H
#define COMMON_RANGES_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint32_t low, high;	/* both inside; low <= high */
};

struct ranges {
	struct range *items;
	size_t count, cap;
	size_t max;		/* ceiling of count */
};

#define RANGES_INIT(limit) { .max = (limit) }
/* Enough for any set that a frame can carry. */
#define RANGES_MAX ((size_t)1 << 20)

void ranges_free(struct ranges *r);
void ranges_clear(struct ranges *r);
/*
 * Adds low..high (in either order). Cheap when it lies at or behind the end;
 * else in O(count). ST_LIMIT: more than max ranges; ST_NO_MEMORY. 0 is a number
 * like others here.
 */
enum status ranges_add(struct ranges *r, uint32_t low, uint32_t high);
enum status ranges_copy(struct ranges *to, const struct ranges *from);
bool ranges_has(const struct ranges *r, uint32_t value);
/* How many numbers are inside. */
uint64_t ranges_size(const struct ranges *r);
/* The k-th number (from 0) of the set, or 0 if there are fewer. O(log n) is not
 * promised. */
uint32_t ranges_at(const struct ranges *r, uint64_t k);
/* Numbers inside that are below value. */
uint64_t ranges_rank(const struct ranges *r, uint32_t value);
/* out gets what is in both, or in a but not in b. out is none of the two. */
enum status ranges_intersect(const struct ranges *a, const struct ranges *b,
			     struct ranges *out);
enum status ranges_subtract(const struct ranges *a, const struct ranges *b,
			    struct ranges *out);
/* Unordered input, such as a client's set, is sorted and merged in one go. */
enum status ranges_normalise(struct ranges *r);

enum status ranges_encode(const struct ranges *r, struct buf *out);
/* ST_SYNTAX: not a multiple of 8 octets, low > high, not ascending. */
enum status ranges_decode(struct slice in, struct ranges *out);
/* The same, added to what out has: sets that come in several frames. */
enum status ranges_add_encoded(struct slice in, struct ranges *out);

#endif
