/*
 * Reads an mbox file (RFC 4155, and what is found in the wild): octets in,
 * messages out. The split of the input into calls makes no difference, memory is
 * bounded by a header (1 MiB of it is looked at).
 *
 * A message begins with a line "From ", a sender and a date (in the order of
 * ctime(), or day before month; a zone such as +0100 is heeded, else it is UTC). A
 * line of a message that begins with ">From ", ">>From "... loses one ">". The
 * empty line in front of a "From " line, and at the end, belongs to no message.
 * Where the header has a Content-Length, and another message or the end of the
 * file is at its end, that many octets are the text, whatever lines are in it.
 *
 * The first Status, X-Status and X-Keywords of a message are flags, and no longer
 * part of it. Where they are its first three lines, as `mailbox export` writes them,
 * a last line without its empty line behind it had no end in the message either.
 */
#ifndef POSTROOM_MBOX_READER_H
#define POSTROOM_MBOX_READER_H

#include "common/buf.h"

#include <stdbool.h>

enum mbox_kind {
	MBOX_RD,	/* and mboxcl */
	MBOX_O,		/* only ">From " was quoted, ">>From " is itself */
	MBOX_CL2,	/* nothing was quoted: Content-Length tells */
};

/* What the file says of a message beside its octets. */
struct mbox_message {
	uint64_t offset;	/* of its "From " line */
	int64_t date;		/* Unix seconds, INT64_MIN: not known */
	int32_t zone;		/* minutes east of UTC */
	uint32_t flags;		/* common/flags.h */
	struct slice keywords;	/* separated by spaces */
};

struct mbox_events {
	/* A message begins, its octets follow, it ends. Anything but ST_OK stops
	 * the reader with it. Line ends are as in the file. */
	enum status (*begin)(void *arg, const struct mbox_message *m);
	enum status (*octets)(void *arg, struct slice octets);
	enum status (*end)(void *arg);
	/* Whether a "From " line, with or without an empty line in front of it, or
	 * the end of the file is at offset. NULL: nobody can tell (a pipe), and
	 * Content-Length is not heeded. */
	bool (*ends_at)(void *arg, uint64_t offset);
};

struct mbox_reader;

/* events and arg are borrowed. The caller ends it with mbox_reader_free(). NULL
 * when memory is short. */
struct mbox_reader *mbox_reader_new(enum mbox_kind kind,
				    const struct mbox_events *events, void *arg);
void mbox_reader_free(struct mbox_reader *r);
/* ST_SYNTAX: the file does not begin with a "From " line; what an event said;
 * ST_NO_MEMORY. */
enum status mbox_reader_feed(struct mbox_reader *r, struct slice in);
enum status mbox_reader_end(struct mbox_reader *r);

/* Whether a line without its end begins a message; fills date and zone. */
bool mbox_is_from_line(struct slice line, struct mbox_message *m);

#endif
