/*
 * The one door by which octets of a message come in, from LMTP and from APPEND.
 * It takes pieces of any size, makes of them what is stored, parses them on the
 * way (mailboxd/prepare.h), keeps at most STORE_CHUNK octets in memory and
 * hands the rest to the writer as pieces of the body.
 *
 * A delivery is taken as it comes: a bare CR or LF or a NUL spoils it, its
 * Return-Path fields are taken out and the one of its envelope put in front
 * (RFC 5321 section 4.4). In an APPEND a bare CR or LF becomes CRLF, and a NUL
 * spoils it as well. What came as a literal8 (RFC 9051 section 4.3.1) may have parts
 * that say they are binary; they are stored in base64 (mailboxd/binary_door.h).
 */
#ifndef MAILBOXD_INTAKE_H
#define MAILBOXD_INTAKE_H

#include "mailboxd/service.h"

struct intake;

enum intake_kind {
	INTAKE_DELIVERY,
	INTAKE_APPEND,
	INTAKE_BINARY,	/* an APPEND of a literal8 */
};

/*
 * moved(arg) is called from the loop when an intake that was not ready is, and
 * when one that intake_end() found busy has all of its pieces stored. NULL when
 * memory is short.
 */
struct intake *intake_new(struct service *service, enum intake_kind kind,
			  void (*moved)(void *arg), void *arg);
/* What was stored of a message that was not committed is removed. NULL is
 * fine. */
void intake_free(struct intake *i);

/* A delivery's "Return-Path: <...>\r\n", before anything else. */
enum status intake_return_path(struct intake *i, struct slice sender);
/* Whether memory allows more now; if not, moved() will tell. */
bool intake_is_ready(struct intake *i);
/*
 * ST_OK; ST_SYNTAX: spoilt; ST_FULL, ST_UNAVAILABLE: a piece could not be
 * stored; ST_NO_MEMORY. After a failure the message has to be given up.
 */
enum status intake_feed(struct intake *i, struct slice octets);
/*
 * No more octets will come. ST_OK: *message has id, prepared, size, pieces and
 * tail, which borrow from the intake; ST_MORE: pieces are being stored, call
 * again after moved(); else as intake_feed().
 */
enum status intake_end(struct intake *i, struct store_message *message);
/* The message was committed: its pieces are no longer this intake's. */
void intake_committed(struct intake *i);
/* Octets taken so far, as they will be stored. */
uint64_t intake_octets(const struct intake *i);

#endif
