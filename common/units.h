/*
 * Sizes and times as people write them in the configuration.
 *
 * Size: digits and nothing, B, KB, MB, GB or TB (also K, M, G, T and KiB...),
 * powers of 1024, upper or lower case. Time: digits and ms, s, m, h, d or w;
 * without a unit, seconds.
 */
#ifndef COMMON_UNITS_H
#define COMMON_UNITS_H

#include "common/buf.h"

#include <stdbool.h>

/* False for anything else, and where it does not fit into 63 bits. */
bool units_size(struct slice text, uint64_t *octets);
bool units_time(struct slice text, uint64_t *ms);
/* The shortest exact form: 50MB, 14d, 1500ms. ST_LIMIT, ST_NO_MEMORY. */
enum status units_append_size(struct buf *out, uint64_t octets);
enum status units_append_time(struct buf *out, uint64_t ms);

#endif
