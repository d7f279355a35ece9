/*
 * The frozen view of one POP3 session: the messages that were there at the
 * login, numbered from 1, their sizes and unique ids, and which of them the
 * client has marked as deleted (RFC 1939 sections 4 to 6). No I/O: it is filled
 * from mailboxd's answers.
 */
#ifndef POPD_MAILDROP_H
#define POPD_MAILDROP_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct pop_message {
	uint64_t octets;	/* as RETR sends them, without dot-stuffing */
	uint64_t emailid;	/* the unique id is made from it */
	uint32_t uid;
	uint32_t uidl;		/* offset + 1 of an imported id in ids; 0: none */
	bool is_deleted;
};

struct maildrop {
	struct pop_message *messages;
	size_t count, cap;
	size_t deleted;
	uint64_t octets;	/* of those that are not deleted */
	struct buf ids;		/* imported unique ids, NUL ended */
	struct buf partial;	/* a row that goes on in the next frame */
};

/* What a maildrop can hold: 4,000,000 messages. */
#define MAILDROP_MAX ((size_t)4000000)
#define MAILDROP_INIT { .ids = BUF_INIT(MAILDROP_MAX * 8), \
			.partial = BUF_INIT(131072) }
/* The columns that maildrop_feed() wants (common/fetch_row.h). */
#define MAILDROP_ITEMS (FETCH_SIZE | FETCH_EMAILID | FETCH_UIDL)
/* A unique id has at most so many octets (RFC 1939 section 7). */
#define MAILDROP_UIDL_MAX 70

void maildrop_clear(struct maildrop *m);
/* Takes the rows of one ROWS message, in order of UIDs. ST_SYNTAX, ST_LIMIT,
 * ST_NO_MEMORY. */
enum status maildrop_feed(struct maildrop *m, uint32_t items, struct slice rows);
/* The message with this number, or NULL: there is none, or it is deleted. */
struct pop_message *maildrop_find(struct maildrop *m, unsigned long long number);
/* Appends the unique id (RFC 1939 section 7). ST_LIMIT, ST_NO_MEMORY. */
enum status maildrop_uidl(const struct maildrop *m,
			  const struct pop_message *message, struct buf *out);
void maildrop_delete(struct maildrop *m, struct pop_message *message);
/* RSET: nothing is deleted any more. */
void maildrop_reset(struct maildrop *m);

#endif
