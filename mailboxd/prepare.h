/*
 * Reads a message once, at delivery, and keeps what IMAP will ask for: pieces
 * of the stored octets in (Return-Path first, no Delivered-To), one flat record
 * of octets out. It knows no store and no socket, so that it can move into a
 * process of its own. Its memory is bounded whatever comes: a few KiB for
 * ordinary mail of any size, some MiB where 1 MiB of header asks for it.
 *
 * No content is an error: what cannot be understood is a leaf, NIL or empty.
 */
#ifndef MAILBOXD_PREPARE_H
#define MAILBOXD_PREPARE_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define PREPARE_RECORD_VERSION 1
/* Octets a record can have at most: 10,000 parts under 1 MiB of headers. */
#define PREPARE_RECORD_MAX ((size_t)32 << 20)
/* Seconds or day of a message without a Date: that can be read. */
#define PREPARE_NO_DATE INT64_MIN
#define PREPARE_PREVIEW_CHARACTERS 200

/* Makes charset tables and converters ready; once, before prepare_new() and
 * before the right to open files is given up. ST_NO_MEMORY, ST_IO. */
enum status prepare_load(void);

struct prepare;
/* Owned by the caller, ended with prepare_free(); NULL when memory is short. */
struct prepare *prepare_new(void);
void prepare_free(struct prepare *p);
/* Forgets the message; the next begins. Keeps its buffers if they are small. */
void prepare_reset(struct prepare *p);
/* The next octets of the message, in pieces of any size. ST_NO_MEMORY. */
enum status prepare_feed(struct prepare *p, struct slice octets);
/*
 * The message is whole: appends its record. p then only takes prepare_reset()
 * or prepare_free(). ST_LIMIT (out has no room), ST_NO_MEMORY.
 */
enum status prepare_end(struct prepare *p, struct buf *record);

/* A record, taken apart. Slices borrow from it. */
struct prepared {
	uint64_t size;		/* octets of the message as stored */
	uint64_t header_size;	/* of them, header with its empty line */
	int64_t sent;		/* Date: Unix seconds, or PREPARE_NO_DATE */
	int64_t sent_day;	/* the calendar day as written (days since
				 * 1970-01-01), or PREPARE_NO_DATE */
	bool is_reply;		/* "Re:", "Fwd:" and the like were taken off the
				 * subject (RFC 5256 section 2.1) */
	struct slice envelope;	/* "(...)" ready to send */
	struct slice bodystructure, body;	/* with and without extensions */
	struct slice parts;	/* common/part_record.h */
	struct slice preview;	/* UTF-8, RFC 8970 */
	/* keys for SORT and THREAD: compare octets (i;unicode-casemap applied) */
	struct slice subject_base, from_sort, to_sort, cc_sort;
	struct slice message_id;	/* "<a@b>" or empty */
	/* ids of References, or else the first of In-Reply-To, one space
	 * between two; the message's own is not among them */
	struct slice refs;
	/* the id that THREADID is the hash of: first of References, else of
	 * In-Reply-To, else the own; empty: hash the message's number */
	struct slice thread_id;
};

/*
 * Checks all of a record and fills *p. ST_SYNTAX: not a record of this version,
 * a range outside of it, or text that must not stand in an IMAP answer.
 */
enum status prepare_record_decode(struct slice record, struct prepared *p);

#endif
