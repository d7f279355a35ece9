/* Connections to the store and their transactions (store_tx.c). Part of store.h. */
#ifndef MAILBOXD_STORE_TX_H
#define MAILBOXD_STORE_TX_H

#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/job.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct tx;

enum tx_mode { TX_READ, TX_WRITE };

/* A connection. The caller ends it with store_disconnect(). */
enum status store_connect(struct store *store, enum tx_mode mode,
			  struct tx **tx, struct error *error);
void store_disconnect(struct tx *tx);

/* sync matters for TX_WRITE only. Waits while the gate is closed (readers) or
 * another thread writes. */
enum status store_begin(struct tx *tx, enum job_sync sync);
/* Ends a read; commits a write, then calls the watch function. On failure the
 * transaction is rolled back; a failed sync leaves the store unable to write:
 * store_is_broken(). */
enum status store_commit(struct tx *tx);
void store_rollback(struct tx *tx);
/* One job inside a write; not nested. */
enum status store_savepoint(struct tx *tx);
enum status store_release(struct tx *tx);
void store_undo(struct tx *tx);

/* SQLite gave the whole transaction up by itself (a full disk, no memory), or
 * store_undo() could not undo, or not safely since the transaction had outgrown
 * the page cache: what was done before is gone too; only store_rollback() is
 * left. */
bool store_is_lost(const struct tx *tx);

const struct error *store_error(const struct tx *tx);
bool store_is_broken(const struct store *store);
/*
 * What a mailbox has cannot be read, or the disk gives read errors again and again: until
 * the store is opened anew it is only read, every write gets ST_UNAVAILABLE. Any thread.
 */
bool store_is_damaged(const struct store *store);
/* Where, and SQLite's words; "": it is not. */
#define STORE_DAMAGE_OCTETS 200
void store_damage(struct store *store, char text[static STORE_DAMAGE_OCTETS]);
/* Whether the last failure of this transaction was a damaged page. */
bool store_met_damage(const struct tx *tx);

/* Who is doing it, for the journal; stays until the transaction or savepoint
 * ends. */
struct store_actor {
	uint64_t account;	/* 0: the system, or delivery */
	struct slice sid;
	/* Written down with the first row of this sid; "": not known. */
	struct slice service;	/* "imap" */
	struct slice client;	/* numeric address */
};
void store_act_as(struct tx *tx, const struct store_actor *actor);

#endif
