/*
 * The items of STATUS (RFC 9051 section 6.3.11 and extensions): a table, which
 * LIST RETURN (STATUS ...) uses too (RFC 5819).
 */
#ifndef IMAPD_STATUS_ITEMS_H
#define IMAPD_STATUS_ITEMS_H

#include "common/ipc_messages.h"
#include "imapd/args.h"
#include "imapd/respond.h"

/* "(" items ")": bits, one a row of the table. */
bool status_items_take(struct imap_args *a, unsigned *items);
/* HIGHESTMODSEQ is among them, which puts CONDSTORE in use (RFC 7162). */
bool status_items_use_modseq(unsigned items);
/* "* STATUS name (...)" CRLF. append_limit: octets, of APPENDLIMIT. */
void status_items_put(struct respond *r, unsigned items,
		      const struct ipc_mailbox *mailbox, uint64_t append_limit);

#endif
