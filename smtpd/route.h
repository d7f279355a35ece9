/*
 * Where the mail of a domain goes: to mailboxd, route 0, or to another LMTP server.
 * A transaction has one route; a recipient of another is told to come separately
 * (452 4.5.3). The table knows no socket: the daemon writes how each server is.
 *
 * A server that is not mailboxd knows no XPOSTROOM, and may answer the recipients of
 * one message differently after the data (RFC 2033 section 4.2). SMTP has one answer:
 *
 *   all have it                          250
 *   a failure is temporary               451. Who has it already is remembered for an
 *	hour, by client, sender and digest: the repeat reaches only the others
 *   some have it, the others never will  250 when the sender is ours (a login), who
 *	gets a report in his mailbox first (RFC 3464); else 554 that names them
 *   nobody has it                        the server's first answer
 */
#ifndef SMTPD_ROUTE_H
#define SMTPD_ROUTE_H

#include "common/lmtp_dialogue.h"
#include "common/status.h"

#define SMTP_ROUTES_MAX 32	/* with mailboxd */

struct smtp_route_domain {
	char *name;		/* A-labels in lower case */
	unsigned route;
};

struct smtp_routes {
	/* How each server is, by route: ST_OK, ST_UNAVAILABLE, ST_FULL. The daemon's;
	 * borrowed. */
	const enum status *states;
	struct smtp_route_domain *domains;	/* sorted */
	size_t count, room;
};

/* NULL: memory is short. */
struct smtp_routes *smtp_routes_new(const enum status *states);
void smtp_routes_free(struct smtp_routes *r);
/* ST_SYNTAX: no domain; ST_EXISTS: it goes elsewhere already; ST_NO_MEMORY. */
enum status smtp_routes_add(struct smtp_routes *r, struct slice domain, unsigned route);
/* Of a rendered address; 0 where nothing is said of its domain. r may be NULL. */
unsigned smtp_routes_find(const struct smtp_routes *r, struct slice recipient);

/* ---- messages of which some recipients have theirs ------------------------------- */

struct smtp_partials;

#define SMTP_PARTIALS_MAX	1000
#define SMTP_PARTIAL_MS		INT64_C(3600000)

struct smtp_partial_key {
	struct slice client;	/* login, or address */
	struct slice sender;
	unsigned route;
};

/* NULL: memory is short. */
struct smtp_partials *smtp_partials_new(void);
void smtp_partials_free(struct smtp_partials *p);
/* recipients: those who have it, a line each. The oldest goes where there are too
 * many; where memory is short it is not remembered. */
void smtp_partials_add(struct smtp_partials *p, const struct smtp_partial_key *key,
		       struct slice digest, struct slice recipients);
/* Whether this recipient has a message of that client and sender already. */
bool smtp_partials_has(struct smtp_partials *p, const struct smtp_partial_key *key,
		       struct slice recipient);
/* Whether the message is that one; else it is forgotten. */
bool smtp_partials_match(struct smtp_partials *p, const struct smtp_partial_key *key,
			 struct slice digest);
/* The others have got it, or never will. */
void smtp_partials_forget(struct smtp_partials *p, const struct smtp_partial_key *key);

#endif
