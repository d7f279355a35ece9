/*
 * The messages of one mailbox in memory: UID, flags, modseq and message id of each, in
 * the order of UIDs, 28 octets a message; and its keyword sets. It knows neither SQL
 * nor locks: store_arrays.c keeps those of the mailboxes in use.
 */
#ifndef MAILBOXD_STORE_ARRAY_H
#define MAILBOXD_STORE_ARRAY_H

#include "common/buf.h"
#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_MESSAGE_OCTETS 28

struct array_set {
	uint32_t id;
	struct slice names;	/* the array owns the octets */
};

/* The columns stand beside each other: index i is one message. */
struct array {
	uint32_t *uids;		/* ascending */
	uint64_t *flags, *modseqs, *messages;
	size_t count, cap;
	uint64_t removed;	/* no message went with a higher modseq */
	struct array_set *sets;	/* ascending by id */
	size_t set_count, set_cap;
	size_t set_octets;	/* of all names */
};

/* What a copy of rows leaves out. */
struct array_slice {
	uint32_t low, high;	/* UIDs */
	uint64_t since;		/* only those with a higher modseq */
};

void array_clear(struct array *a);
/* Octets it takes. */
size_t array_octets(const struct array *a);

/* Room for so many more messages at once. ST_NO_MEMORY: as before. */
enum status array_reserve(struct array *a, size_t more);
/* One more at the end. ST_SYNTAX: its UID is not above all others. */
enum status array_append(struct array *a, uint32_t uid, uint64_t flags,
			 uint64_t modseq, uint64_t message);
/* flags = flags & keep | add, and this modseq, for every UID of the range that
 * is there. */
void array_set_flags(struct array *a, struct range uids, uint64_t keep,
		     uint64_t add, uint64_t modseq);
/* Takes the UIDs of ascending ranges out, in one pass; the last of them went with
 * this modseq. */
void array_remove(struct array *a, const struct range *uids, size_t count,
		  uint64_t modseq);
/* A set that is there already stays. ids ascend. ST_NO_MEMORY, ST_SYNTAX. */
enum status array_add_set(struct array *a, uint32_t id, struct slice names);

/* Index of the first message with this UID or a higher one; count: none. */
size_t array_find(const struct array *a, uint32_t uid);
/*
 * Encodes rows (common/fetch_row.h) with items out of FETCH_FLAGS and
 * FETCH_MODSEQ while out has fewer than `octets` and room. *next gets the UID to
 * go on from, or one beyond slice->high where all is done (0 beyond UINT32_MAX).
 * ST_OK: all of the slice is there; ST_MORE: come again; ST_NO_MEMORY.
 */
enum status array_rows(const struct array *a, const struct array_slice *slice,
		       uint32_t items, size_t octets, struct buf *out,
		       uint32_t *next);

#endif
