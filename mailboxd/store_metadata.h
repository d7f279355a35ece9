/* Annotations. Part of store.h. */
#ifndef MAILBOXD_STORE_METADATA_H
#define MAILBOXD_STORE_METADATA_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

/*
 * RFC 5464. An entry is "/shared/..." or "/private/...", in any case, of at least
 * two components, four below "/vendor/"; at most 250 octets of ASCII. mailbox 0:
 * the server. What is private is the account's. They go with their mailbox and
 * with the account, and follow a rename.
 */
#define STORE_METADATA_OCTETS	16384u	/* of a value */
#define STORE_METADATA_MAX	100u	/* entries of a mailbox and account */

/* value.data NULL removes it. ST_SYNTAX: no name; ST_DENIED: the server's shared
 * entries; ST_LIMIT: too many, or too long. */
enum status store_metadata_set(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       struct slice value);
typedef enum status store_metadata_fn(void *arg, struct slice entry,
				      struct slice value);
/* The entry, and what is below it down to depth (UINT_MAX: all), in order.
 * ST_SYNTAX. Nothing is there: no row. */
enum status store_metadata_get(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       unsigned depth, store_metadata_fn *row,
			       void *arg);

#endif
