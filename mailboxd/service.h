/*
 * What all connections of mailboxd share: the store, the settings, who is
 * logged in, who waits for news, and the way to the threads that do the work.
 * It knows no libuv: main.c gives it a host that does, tests one that runs
 * every job at once. Everything here belongs to the loop's thread.
 */
#ifndef MAILBOXD_SERVICE_H
#define MAILBOXD_SERVICE_H

#include "mailboxd/ration.h"
#include "mailboxd/settings.h"
#include "mailboxd/store.h"
#include "mailboxd/watch.h"

#include <stdbool.h>
#include <stdint.h>

struct fronts;
struct intake;
struct logins;
struct prepare;
struct refusals;
struct resolve_cache;
struct session;
struct throttle;
struct untold;
struct service;

/* Where a job runs. */
enum job_place {
	PLACE_READER,
	PLACE_SLOW,		/* a reader for what takes seconds: backup, check */
	PLACE_WRITER,
	PLACE_WRITER_NOW,	/* at once on the loop where the writer is idle:
				 * flags only */
	PLACE_WORKER,		/* its tx is NULL: passwords */
};

struct service_host {
	/* ST_OK: done will be called, from the loop and not from in here,
	 * except for PLACE_WRITER_NOW. ST_LIMIT, ST_UNAVAILABLE: not taken. */
	enum status (*submit)(struct service *service, struct job *job,
			      enum job_place place);
	/* service_tick() is to be called at this clock_ms(), or before. */
	void (*alarm)(struct service *service, int64_t due_ms);
	/* Whether the writer's queue is more than half full. */
	bool (*is_pressed)(struct service *service);
};

/* Octets of message bodies in memory, against limits.body_memory. */
struct budget {
	size_t used, max;
};

struct service_counts {
	uint64_t delivered, delivered_octets, refused_recipients;
	uint64_t deliveries_failed, appended;
	uint64_t logins, logins_failed;
	uint64_t requests, dropped_peers;
};

/* Parsers kept for the next message. */
#define SERVICE_SPARES 64

struct service {
	struct store *store;
	struct settings *settings;
	const struct service_host *host;
	void *host_data;

	struct watch watch;
	struct throttle *throttle;
	/* Failures that auth.sock and store.sock may bring, whatever address they
	 * name: a daemon that was taken over gains few guesses. */
	struct ration failures[2];
	struct logins *logins;
	struct given *given;	/* NULL on a server */
	struct fronts *fronts;	/* what the other daemons tell */
	struct refusals *refusals;	/* mail that smtpd refused */
	struct resolve_cache *resolved;
	struct untold *untold;
	struct budget bodies;
	struct intake *hungry;	/* wait for the budget */
	struct prepare *spares[SERVICE_SPARES];
	size_t spare_count;
	struct session *sessions;
	unsigned checking;	/* passwords that workers look at */
	struct service_counts counts;
	/* Grows with each change of domains, accounts, aliases: what was
	 * remembered of them is no longer used. */
	uint64_t directory;
	int64_t started_ms, started_wall_ms;
};

/* settings and store are borrowed. ST_NO_MEMORY. */
enum status service_init(struct service *s, struct store *store,
			 struct settings *settings,
			 const struct service_host *host, void *host_data);
/* Sessions are gone by now. */
void service_clear(struct service *s);
/* New settings; the old ones are the caller's again. */
void service_configure(struct service *s, struct settings *settings);

enum status service_submit(struct service *s, struct job *job,
			   enum job_place place);
/* Deadlines that have passed, delayed answers that are due. */
void service_tick(struct service *s);
/* Events to sessions whose mailboxes changed; after answers were collected. */
void service_news(struct service *s);
/* Ends the sessions that k names, whichever daemon serves them; gives how many. */
unsigned service_kick(struct service *s, const struct ipc_service_kick *k);
/* The same, for what may not log in any more: daemons that cannot be reached now
 * hear of it when they can. */
void service_revoke(struct service *s, const struct ipc_service_kick *k);
/* Sessions bound to the account through imap or pop3. */
unsigned service_sessions(const struct service *s, uint64_t account,
			  unsigned scope);
void service_directory_changed(struct service *s);
/* Removes from the store what was told (mailboxd/untold.h); each second. */
void service_told(struct service *s);
/* Writes what smtpd told of refused mail; each second. */
void service_refused(struct service *s);
/* What the store remembers of it; once, before there is a writer's thread. */
enum status service_load_untold(struct service *s, struct tx *tx);
/* A parser for one message; NULL when memory is short. */
struct prepare *service_prepare_take(struct service *s);
void service_prepare_give(struct service *s, struct prepare *p);

#endif
