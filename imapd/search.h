/*
 * SEARCH (RFC 3501 section 6.4.4, RFC 9051 section 6.4.4) between its files:
 * search_request.c reads what was asked for, search_keys.c turns the client's keys into
 * a program for mailboxd (common/search_program.h), cmd_search.c asks and answers.
 */
#ifndef IMAPD_SEARCH_H
#define IMAPD_SEARCH_H

#include "common/search_program.h"
#include "imapd/args.h"
#include "imapd/view.h"

/* A program is one field of one frame. */
#define SEARCH_PROGRAM_MAX ((size_t)60 * 1024)

/* What was asked for behind RETURN (RFC 4731); 0: the old answer. */
enum search_return {
	SEARCH_RETURN_MIN = 1,
	SEARCH_RETURN_MAX = 2,
	SEARCH_RETURN_ALL = 4,
	SEARCH_RETURN_COUNT = 8,
	SEARCH_RETURN_SAVE = 16,	/* RFC 5182: "$" is what was found */
};

struct search_request {
	unsigned returns;	/* enum search_return */
	bool no_charset;	/* given: CHARSET is refused (RFC 6855 section 3) */
	bool has_numbers;	/* message numbers among the keys */
	bool has_modseq;	/* a MODSEQ key: the answer tells one */
	struct buf program;
};

#define SEARCH_REQUEST_INIT { .program = BUF_INIT(SEARCH_PROGRAM_MAX) }

/*
 * Reads all behind "SEARCH ": RETURN, CHARSET and the keys. Message numbers
 * mean those of view; what does not exist is in no result. ST_SYNTAX: a->why
 * says what was wrong. ST_NOT_FOUND: a charset other than US-ASCII and UTF-8.
 * ST_LIMIT, ST_NO_MEMORY.
 */
enum status search_request_read(struct imap_args *a, const struct view *view,
				struct search_request *request);
/* "RETURN (...) " where it stands there, and nothing else. */
enum status search_returns_read(struct imap_args *a, struct search_request *request);
/*
 * Charset and keys of SORT and THREAD (RFC 5256 section 5, search-criteria). The
 * program finds nothing that the client has not been told of. Same outcomes.
 */
enum status search_criteria_read(struct imap_args *a, const struct view *view,
				 struct search_request *request);
/* The keys alone, to the end. Same outcomes. */
enum status search_keys_read(struct imap_args *a, const struct view *view,
			     struct search_request *request);
/* One word of RETURN; false: no such. For the table's test. */
bool search_return_find(struct slice word, unsigned *returns);

#endif
