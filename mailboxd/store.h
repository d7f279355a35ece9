/*
 * The store as verbs of mail, without SQL: accounts, addresses, mailboxes,
 * messages, flags, the journal (doc/store.md). A second implementation must fit
 * behind this header; only store*.c and schema.c know SQLite.
 *
 * A store is opened once. Work happens in a transaction (struct tx): a
 * connection that is reading or writing. There is one writing connection at a
 * time; the writer thread (writer.h) has it in a daemon, tests and the
 * in-process backend begin and commit by hand. Reading connections are as many
 * as readers (readers.h). A tx belongs to one thread at a time.
 *
 * Every verb returns ST_OK or
 *   ST_NOT_FOUND, ST_EXISTS, ST_DENIED, ST_QUOTA, ST_LIMIT, ST_SYNTAX
 *			what the verb says; the transaction goes on, but the
 *			caller undoes the savepoint or rolls back, for a verb
 *			may have done half of its work;
 *   ST_FULL		the disk has no room;
 *   ST_UNAVAILABLE	locked or damaged, or the store stopped writing;
 *   ST_IO, ST_NO_MEMORY.
 * store_error() has the words of the last failure.
 *
 * Slices in results borrow from the transaction: they hold until it ends, or
 * the savepoint in which they were given. In a row function they hold for the
 * call. A row function that returns anything but ST_OK ends the walk with it.
 *
 * Names of mailboxes are UTF-8; the store brings them to NFC, INBOX in any case
 * to "INBOX". The separator is '/'. Times are Unix seconds, zones minutes east
 * of UTC.
 *
 * Its chapters are headers of their own, store_NAME.h, in the order in which one would
 * read them.
 */
#ifndef MAILBOXD_STORE_H
#define MAILBOXD_STORE_H

#include "mailboxd/store_open.h"
#include "mailboxd/store_tx.h"
#include "mailboxd/store_care.h"
#include "mailboxd/store_domain.h"
#include "mailboxd/store_account.h"
#include "mailboxd/store_credential.h"
#include "mailboxd/store_certificate.h"
#include "mailboxd/store_alias.h"
#include "mailboxd/store_mailbox.h"
#include "mailboxd/store_quota.h"
#include "mailboxd/store_metadata.h"
#include "mailboxd/store_acl.h"
#include "mailboxd/store_access.h"
#include "mailboxd/store_message.h"
#include "mailboxd/store_untold.h"
#include "mailboxd/store_import.h"
#include "mailboxd/store_export.h"
#include "mailboxd/store_fetch.h"
#include "mailboxd/store_flag.h"
#include "mailboxd/store_expunged.h"
#include "mailboxd/store_search.h"
#include "mailboxd/store_index.h"
#include "mailboxd/store_changes.h"
#include "mailboxd/store_journal.h"
#include "mailboxd/store_life.h"
#include "mailboxd/store_greylist.h"
#include "mailboxd/store_refusal.h"

#endif
