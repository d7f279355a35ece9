/*
 * How a call ended. Whatever can fail returns an enum status; the words for
 * the log travel in a struct error. Results leave through pointers.
 */
#ifndef COMMON_STATUS_H
#define COMMON_STATUS_H

enum status {
	ST_OK = 0,
	ST_MORE,	/* no failure: the input ends early, feed more */
	ST_SYNTAX,	/* the peer sent something malformed */
	ST_LIMIT,	/* a size, count or time limit was reached */
	ST_IO,		/* a system call failed; error.sys holds its errno */
	ST_NOT_FOUND,	/* what was named does not exist */
	ST_EXISTS,	/* what was to be made is there already */
	ST_DENIED,	/* not allowed, or a wrong password */
	ST_QUOTA,	/* the account has no room for it */
	ST_FULL,	/* the disk has no room for it: temporary */
	ST_UNAVAILABLE,	/* mailboxd or the store cannot serve now: temporary */
	ST_NO_MEMORY,
	ST_CLOSED,	/* the other side is gone */
	ST_COUNT
};

/* Why it failed, in words for the log; never sent to a client as it stands. */
struct error {
	enum status status;
	int sys;		/* errno for ST_IO, else 0 */
	char text[160];
};

/* The name as logs and tests print it: "ok", "syntax"; never NULL. */
const char *status_name(enum status status);

/*
 * Fills err (which may be NULL) and returns status, so that a failure is one
 * line: return error_set(err, ST_LIMIT, "line of %zu octets", n). For ST_IO
 * errno is kept in err->sys and its text appended.
 */
enum status error_set(struct error *err, enum status status, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__	/* it does not see into another file */
#define error_set(err, st, ...) ((error_set)(err, st, __VA_ARGS__), (st))
#endif

#endif
