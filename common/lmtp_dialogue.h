/*
 * One connection to an LMTP server, without its socket (RFC 2033, 2920, 3030,
 * and doc/ipc.md for XPOSTROOM): commands go to out, replies come by
 * lmtp_dialogue_feed() and are matched to what they answer. Commands that
 * belong together are sent together, or one after the other where the server lacks
 * PIPELINING; a message of up to LMTP_CHUNK_MAX octets
 * is one BDAT LAST.
 */
#ifndef COMMON_LMTP_DIALOGUE_H
#define COMMON_LMTP_DIALOGUE_H

#include "common/buf.h"
#include "common/dot_writer.h"
#include "common/ipc_messages.h"

#include <stdbool.h>

#define LMTP_CHUNK_MAX	((size_t)64 * 1024)
/* The chunks behind the first: a thousand slow senders hold so much each. */
#define LMTP_CHUNK_LATER	((size_t)15 * 1024)
#define LMTP_OUT_HIGH	((size_t)128 * 1024)
#define LMTP_LINE_MAX	((size_t)2048)

/* What a reply answers. */
enum lmtp_step {
	LMTP_STEP_GREETING,
	LMTP_STEP_LHLO,		/* is_ready from here on, where it is 250 */
	LMTP_STEP_MAIL,
	LMTP_STEP_RCPT,
	LMTP_STEP_CHUNK,	/* a BDAT that is not the last: told when refused */
	LMTP_STEP_DIGEST,
	LMTP_STEP_DATA,		/* told when refused */
	LMTP_STEP_STORED,	/* one for each accepted recipient */
	LMTP_STEP_RSET,
	LMTP_STEP_TELL,
	LMTP_STEP_DONE,
	LMTP_STEP_REFUSED,	/* a recipient of which the server does not hear */
	LMTP_STEP_COUNT
};

/* How the server is reached, for REQUIRETLS. */
enum lmtp_way {
	LMTP_WAY_LOCAL,		/* a Unix socket of this host */
	LMTP_WAY_VERIFIED,	/* TLS, the certificate verified */
	LMTP_WAY_CLEAR,
};

struct lmtp_reply {
	unsigned code;		/* 200..599 */
	struct slice enhanced;	/* "2.1.5", or what the code's class means */
	struct slice text;	/* of the first line */
	bool last;		/* STORED: no recipient waits any more */
};

struct lmtp_dialogue {
	/* Told of every reply but those of RSET, TELL, DIGEST and good chunks. It
	 * may give commands, and may not free the dialogue. */
	void (*answered)(void *context, enum lmtp_step step,
			 const struct lmtp_reply *reply);
	void *context;
	const char *hostname;
	struct buf out;		/* for the server */
	bool is_ready;
	/* what the server offers */
	bool has_chunking, has_8bitmime, has_utf8, has_size, has_xpostroom;
	bool has_pipelining, has_dsn, has_requiretls;
	enum lmtp_way way;
	bool is_foreign;	/* not our mailboxd: XPOSTROOM means nothing from it */
	/* without PIPELINING: commands that wait for the reply before them */
	struct buf waiting;
	size_t waiting_lines, in_flight;	/* commands; their replies are to come */
	/* replies */
	struct buf in;		/* an incomplete line */
	struct buf steps;	/* an octet for each reply that is to come */
	size_t steps_done;
	unsigned code, lines;	/* of the reply whose lines are coming */
	struct buf text;	/* its first line behind the code */
	/* the transaction */
	struct buf body;	/* of the message, held back */
	size_t uncredited;	/* octets of it that went to out */
	unsigned accepted;	/* recipients with a 2xx whose end is to come */
	bool data_asked, data_goes;	/* DATA: sent, and answered 354 */
	bool is_chunked;	/* a BDAT went out */
	bool is_ended;		/* so did the last */
	struct dot_writer dots;
};

/* hostname is borrowed. The greeting is waited for, LHLO sent on it. */
void lmtp_dialogue_init(struct lmtp_dialogue *d, const char *hostname);
void lmtp_dialogue_clear(struct lmtp_dialogue *d);
/* ST_OK; ST_SYNTAX, ST_LIMIT: the server does not speak LMTP, drop it;
 * ST_CLOSED: it says 421. ST_NO_MEMORY. */
enum status lmtp_dialogue_feed(struct lmtp_dialogue *d, struct slice in);
/* Replies that are to come. */
size_t lmtp_dialogue_pending(const struct lmtp_dialogue *d);
/* What the next one answers; pending is not 0. */
enum lmtp_step lmtp_dialogue_next(const struct lmtp_dialogue *d);

/* ---- commands; is_ready, and not before the one before has its replies ------ */

/* ST_OK; else the dialogue cannot go on. A reply of our own comes at once where
 * the server lacks what the message needs (common/lmtp_offer.h). */
enum status lmtp_dialogue_mail(struct lmtp_dialogue *d,
			       const struct ipc_lmtp_mail *mail);
enum status lmtp_dialogue_rcpt(struct lmtp_dialogue *d,
			       const struct ipc_lmtp_rcpt *rcpt);
/* ST_MORE: out is full, again later. */
enum status lmtp_dialogue_data(struct lmtp_dialogue *d, struct slice octets);
/* is_junk: a filter says so; only a server of ours is told. */
enum status lmtp_dialogue_end(struct lmtp_dialogue *d, struct slice digest,
			      bool is_junk);
/* Gives a transaction up that was not ended. ST_CLOSED: only by closing. */
enum status lmtp_dialogue_abort(struct lmtp_dialogue *d);
/* mids: separated by spaces. Nothing without XPOSTROOM. */
enum status lmtp_dialogue_tell(struct lmtp_dialogue *d, struct slice mids);
enum status lmtp_dialogue_done(struct lmtp_dialogue *d, struct slice mid);

#endif
