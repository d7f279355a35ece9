/*
 * A SEARCH as imapd hands it to mailboxd: reverse Polish, one operation after
 * the other, evaluated without recursion. An operation is u8 code, then its
 * arguments (u32, u64, i64 little endian; text: u32 length and octets, UTF-8).
 *
 * Sequence numbers are turned into UIDs by imapd, dates into the start of day
 * that the RFC means (RFC 9051 6.4.4), charsets into UTF-8.
 */
#ifndef COMMON_SEARCH_PROGRAM_H
#define COMMON_SEARCH_PROGRAM_H

#include "common/buf.h"

#include <stdint.h>

#define SEARCH_OPS_MAX 1000
#define SEARCH_DEPTH_MAX 50

/* code, NAME, arguments: n none, u u32, U u64, i i64, t text, s set (bytes) */
#define SEARCH_OPS(X) \
	X(1, ALL, "") \
	X(2, AND, "u")		/* takes so many results off the stack */ \
	X(3, OR, "u") \
	X(4, NOT, "") \
	X(5, UID, "s") \
	X(6, FLAG, "u")		/* has all these system flags */ \
	X(7, KEYWORD, "t") \
	X(8, LARGER, "U")	/* RFC822.SIZE > n */ \
	X(9, SMALLER, "U") \
	X(10, BEFORE, "i")	/* INTERNALDATE: local calendar day number < n */ \
	X(11, ON, "i") \
	X(12, SINCE, "i") \
	X(13, SENTBEFORE, "i")	/* Date: header, as written, day number */ \
	X(14, SENTON, "i") \
	X(15, SENTSINCE, "i") \
	X(16, HEADER, "tt")	/* field name, substring ("": it is there) */ \
	X(17, BODY, "t") \
	X(18, TEXT, "t") \
	X(19, MODSEQ, "U")	/* >= n */ \
	X(20, OLDER, "U")	/* seconds since INTERNALDATE >= n */ \
	X(21, YOUNGER, "U") \
	X(22, EMAILID, "U") \
	X(23, THREADID, "U") \
	X(24, SAVEDBEFORE, "i") \
	X(25, SAVEDON, "i") \
	X(26, SAVEDSINCE, "i") \
	X(27, NONE, "")		/* nothing: a set that names no message */

/* A calendar day is days since 1970-01-01 of the date as written, whatever its
 * zone. */

enum search_op {
#define SEARCH_ENUM(code, NAME, args) SEARCH_OP_##NAME = (code),
	SEARCH_OPS(SEARCH_ENUM)
#undef SEARCH_ENUM
};

struct search_step {
	enum search_op op;
	uint64_t number;	/* u or U; for i see date */
	int64_t day;
	struct slice text, value;	/* first and second text; set in text */
};

/* ST_LIMIT, ST_NO_MEMORY. */
enum status search_program_append(struct buf *out,
				  const struct search_step *step);
/* ST_OK, ST_MORE at the end, ST_SYNTAX. Slices borrow. */
enum status search_program_next(struct slice *program,
				struct search_step *step);
/* Whether it leaves exactly one result and keeps to the limits. */
enum status search_program_check(struct slice program);

#endif
