/* Mail in, with all that belonged to it elsewhere. Part of store.h. */
#ifndef MAILBOXD_STORE_IMPORT_H
#define MAILBOXD_STORE_IMPORT_H

#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/store_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct tx;

struct store_import {
	/* id: of the octets that were taken in. mid, dates as of any message. */
	struct store_message message;
	uint64_t known_as;	/* its number in a store of this lineage, or 0 */
	uint32_t flags;
	struct slice keywords;	/* names separated by spaces */
	struct slice recipient;	/* "": no Delivered-To in front of the octets */
	struct slice uidl;
	int64_t saved;		/* 0: now */

	enum status status;	/* out: ST_OK, ST_QUOTA, ST_LIMIT, ST_SYNTAX; only
				 * such a message was left out */
	bool lost_keywords;	/* out: they are no keywords, or too many */
	bool is_taken;		/* out: the octets were stored; else the message was
				 * there already under known_as, and they may go */
	uint32_t uid;		/* out */
};

struct store_import_box {
	uint64_t account;
	struct slice name;	/* made where it is not there */
	struct slice use;	/* for one that is made, if no other has it */
	bool subscribed;
	const char *verb;	/* of the journal: import, restore; a literal */
};
/*
 * New entries with new UIDs. A message with known_as keeps that number where the
 * store has no other under it, and is stored once however often it is imported.
 * ST_FULL, ST_SYNTAX, ST_LIMIT (the name) and such undo all of it.
 */
enum status store_import(struct tx *tx, const struct store_import_box *box,
			 struct store_import *messages, size_t count);
/* Numbers of all messages in a mailbox, or (name "") in all of the account's.
 * ST_NOT_FOUND: no such mailbox. */
typedef enum status store_number_fn(void *arg, uint64_t message);
enum status store_message_numbers(struct tx *tx, uint64_t account,
				  struct slice name, store_number_fn *fn,
				  void *arg);
/* What tells one store and its copies from others: messages of the same number are
 * the same. */
uint64_t store_lineage(const struct store *store);

#endif
