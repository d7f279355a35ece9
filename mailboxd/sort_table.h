/*
 * SORT (RFC 5256 section 3, RFC 5957): rows come in the order of the mailbox, their
 * UIDs leave in the order that was asked for. It knows no store.
 */
#ifndef MAILBOXD_SORT_TABLE_H
#define MAILBOXD_SORT_TABLE_H

#include "common/ipc_messages.h"
#include "common/buf.h"

/* Octets of texts that are kept. */
#define SORT_TEXT_MAX ((size_t)128 << 20)
#define SORT_ROWS_MAX ((size_t)4 << 20)

struct sort_row {
	uint32_t uid;
	int64_t values[IPC_SORT_KEYS];	/* ARRIVAL, DATE, SIZE */
	struct slice texts[IPC_SORT_KEYS];	/* the others, mapped */
};

struct sort_table;
/* keys: octets of enum ipc_sort_key, of which the first counts most; copied.
 * Ended with sort_table_free(), which takes NULL. NULL: no memory. */
struct sort_table *sort_table_new(struct slice keys);
void sort_table_free(struct sort_table *t);
/* Whether every octet is a key, and how many may stand there. */
bool sort_keys_are_valid(struct slice keys);
/* Whether that key is among them. */
bool sort_keys_have(struct slice keys, enum ipc_sort_key key);
/* One more row; what the keys ask for is copied. ST_LIMIT, ST_NO_MEMORY. */
enum status sort_table_add(struct sort_table *t, const struct sort_row *row);
/* Appends the UIDs, u32 little endian. Rows that are equal keep their order. */
enum status sort_table_order(struct sort_table *t, struct buf *out);

#endif
