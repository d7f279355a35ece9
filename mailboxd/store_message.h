/* Messages in: bodies, deliveries, appends (also store_body.c). Part of store.h. */
#ifndef MAILBOXD_STORE_MESSAGE_H
#define MAILBOXD_STORE_MESSAGE_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_access;
struct tx;

/* Every piece of a body but its last has so many octets. */
#define STORE_CHUNK ((size_t)256 * 1024)

/* Stores piece seq (from 0) of a message that has no row yet. NORMAL. Pieces
 * without a message are removed at open. */
enum status store_body_put(struct tx *tx, uint64_t message, uint32_t seq,
			   struct slice octets);
/* The sender gave up: the pieces go. NORMAL. */
enum status store_body_abort(struct tx *tx, uint64_t message);

/* A message whose parsing is over. */
struct store_message {
	uint64_t id;		/* store_message_id() */
	struct slice mid, sid;
	struct slice prepared;	/* the record of mailboxd/prepare.h */
	uint64_t size;		/* octets of header and text as stored */
	uint32_t pieces;	/* so many pieces are stored already */
	struct slice tail;	/* the octets behind them, at most STORE_CHUNK */
	int64_t internaldate;	/* INT64_MIN: now */
	int32_t zone;
	/* For the journal: the envelope, and whom it came from. "": not told. */
	struct slice sender;
	struct slice client, helo, login, tls;
	/* A filter took it for junk: it goes into each account's mailbox with the
	 * special use \\Junk (RFC 6154), else into the one that was named, and bears
	 * the keyword $Junk (RFC 5788) in either. */
	bool is_junk;
};

struct store_delivery {
	uint64_t mailbox, account;	/* the mailbox is where it went, after it did */
	struct slice recipient;	/* "" adds no Delivered-To */
	uint32_t uid;		/* out; 0: the mailbox had it from an earlier one
				 * of the same message */
};

/*
 * Stores the message once and an entry in each mailbox, all or none. Quota was
 * checked at RCPT. ST_NOT_FOUND (a mailbox went away), ST_DENIED (its mid is
 * barred by a "no" to store_mid_done()), ST_SYNTAX (prepared is none), ST_FULL.
 */
enum status store_deliver(struct tx *tx, const struct store_message *m,
			  struct store_delivery *deliveries, size_t count);

struct store_append {
	struct store_message message;
	uint32_t flags;
	struct slice keywords;	/* names separated by spaces */
	uint32_t uid;		/* out */
};
/* as: who does it, with the right i; NULL: the owner. Flags that it may not set are left
 * out (RFC 4314 section 4). ST_QUOTA, ST_NOT_FOUND, ST_LIMIT (keywords, UIDs). */
enum status store_append(struct tx *tx, uint64_t mailbox,
			 const struct store_access *as,
			 struct store_append *messages, size_t count,
			 uint32_t *uidvalidity);

/* XDONE: whether the message with this mid was delivered. ST_OK; ST_NOT_FOUND
 * bars it: a delivery of that mid that comes later is refused. */
enum status store_mid_done(struct tx *tx, struct slice mid);

#endif
