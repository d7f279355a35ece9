/*
 * How many connections there may be: in all, from one address, from one
 * network, new ones in a minute, and how many of them before login. It knows no
 * socket. Addresses are those of struct peer_info; IPv6 counts by its /64, and
 * networks are /24 and /48 (trust.md, section 5). A zero limit is no limit.
 */
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What an address may have so much of in a minute. */
enum limits_kind { LIMITS_MESSAGES, LIMITS_RECIPIENTS, LIMITS_KIND_COUNT };
/* A network may have so many times what an address may. */
#define LIMITS_NETWORK_TIMES 10u

struct limits_settings {
	unsigned connections;		/* all, trusted ones too */
	unsigned per_address;
	unsigned per_network;
	unsigned new_per_minute;	/* and address */
	unsigned unauthenticated;	/* all that are not logged in */
	unsigned per_minute[LIMITS_KIND_COUNT];
};

enum limits_verdict {
	LIMITS_OK,
	LIMITS_ALL,		/* the server is full */
	LIMITS_ADDRESS,
	LIMITS_NETWORK,
	LIMITS_RATE,
	LIMITS_VERDICT_COUNT
};

struct limits;
/* What one connection counts in; zeroed before limits_enter(). */
struct limits_entry {
	uint64_t address, network;
	bool is_counted;	/* among all */
	bool has_address;	/* among those of address and network */
};

struct limits *limits_new(const struct limits_settings *settings);
void limits_free(struct limits *l);
/* New figures for what comes from now on. */
void limits_set(struct limits *l, const struct limits_settings *settings);
/* Counts a connection, or says which limit refuses it. is_trusted: only the
 * limit of all holds. */
enum limits_verdict limits_enter(struct limits *l, const char *address,
				 bool is_trusted, int64_t now_ms,
				 struct limits_entry *entry);
void limits_leave(struct limits *l, struct limits_entry *entry);
/* One more of this kind. False: the minute's allowance of the address or its network is
 * spent, and it is not counted. What is no address has no limit. */
bool limits_spend(struct limits *l, const char *address, enum limits_kind kind,
		  int64_t now_ms);
/* What an address may have in a minute; 0: no limit. */
unsigned limits_allowance(const struct limits *l, enum limits_kind kind);
/* Connections counted now. */
unsigned limits_count(const struct limits *l);
/* So many before login are more than may be: the oldest has to go. */
bool limits_crowded(const struct limits *l, size_t unauthenticated);
/* "all", "address", "network", "rate": for the log. */
const char *limits_verdict_name(enum limits_verdict verdict);

#endif
