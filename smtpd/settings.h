/*
 * What the SMTP engine is told by the configuration. Plain values: who fills
 * them (common/config, a test, a fuzzer) is not known here. One smtp_settings is
 * borrowed by many sessions and outlives them: a reload makes new ones for the
 * connections that come then.
 */
#ifndef SMTPD_SETTINGS_H
#define SMTPD_SETTINGS_H

#include "common/slice.h"
#include "common/status.h"
#include "smtpd/check.h"

#include <stdbool.h>
#include <stdint.h>

/* What became of messages, for `status`. */
struct smtp_counts {
	uint64_t stored, stored_octets;	/* messages that were answered 250 */
	uint64_t refused;		/* after their data */
	uint64_t refused_recipients;
	uint64_t milters_failed;
	uint64_t checks[SMTP_CHECKS_MAX];	/* refusals, by rows of smtp_checks */
};

struct milter_settings;
struct spool;

/* Those of one listener, in the order in which they are told. */
struct smtp_milter_set {
	const struct milter_settings *rows;
	unsigned count;
	struct spool *spool;	/* of the process */
	const char *door;	/* the listener's title */
	const char *quarantine;	/* who gets what is set aside */
};

struct smtp_routes;
struct smtp_partials;

struct smtp_settings {
	char hostname[256];		/* greeting, Received, EHLO reply */
	uint64_t message_octets;	/* SIZE (RFC 1870); 0: no limit */
	unsigned recipients;		/* a message; 0: no limit */
	unsigned hops;			/* Received fields; 0: no limit */
	/* Commands that were wrong, and recipients that do not exist, in one
	 * session: answered a second late from the first figure on, the session
	 * ends at the second. 0: no limit. A trusted peer is not slowed, and its
	 * unknown recipients do not count: it relays for others. */
	unsigned errors_slow;
	unsigned errors_end;
	/* Commands that bring no mail, between two messages, and recipients beyond the
	 * limit: each more counts as wrong. 0: no limit; trusted peers have none. */
	unsigned empty_commands;
	size_t line_octets;		/* a command with its CRLF */
	size_t auth_line_octets;	/* a line of an AUTH exchange */
	size_t text_line_octets;	/* a line of the message with its CRLF */
	/* Milliseconds. */
	int64_t command_ms;		/* between commands (RFC 5321 4.5.3.2.7) */
	int64_t login_ms;		/* on a listener with auth, until AUTH */
	int64_t data_block_ms;		/* without any octet of the data */
	int64_t data_ms;		/* whole data: this, and a second for each */
	unsigned data_rate;		/* so many octets of it */
	int64_t backend_ms;		/* mailboxd's answer to RCPT and AUTH */
	int64_t stored_ms;		/* mailboxd's answer after the data */
	int64_t check_ms;		/* one check at one stage */
	int64_t greeting_ms;		/* held back so long; 0: not at all */
	struct limits *limits;	/* of the process: messages a minute; NULL: none */
	bool greylists;
	bool asks_dns;			/* about the client */
	bool needs_name;		/* clients without one are refused */
	bool watches_pipelining;	/* who does not wait is refused */
	const struct smtp_check_table *checks;	/* NULL: there are none */
	struct slice junk;		/* "X-Spam: Yes", a line each: say junk where our
					 * milters set them, and go from what comes in */
	bool has_scram;			/* accounts have passwords */
	bool tells_refusals;		/* REFUSED goes to mailboxd */
	struct smtp_counts *counts;	/* of the process; NULL: not counted */
	/* How MAIL is answered without asking (decisions.md): ST_OK, or what is
	 * known of the backend: ST_UNAVAILABLE (451 4.3.0), ST_FULL (452 4.3.1).
	 * The daemon writes it whenever that changes; sessions read it. */
	enum status backend_state;
	/* Which domain goes where; NULL: all to mailboxd. */
	const struct smtp_routes *routes;
	struct smtp_partials *partials;	/* of the process; NULL: none are kept */
};

/* What differs between the sockets; outlives the sessions. */
struct smtp_listener {
	bool has_starttls;	/* a certificate is there, and TLS not implicit */
	bool tls_required;	/* nothing but EHLO, STARTTLS, NOOP, QUIT before TLS */
	bool has_auth;		/* submission: no MAIL before AUTH */
	bool xclient;		/* XCLIENT and XFORWARD for trusted clients */
	bool vrfy;		/* VRFY tells those who are trusted or logged in */
	bool teach;		/* says what is wrong to those who type by hand */
	const struct smtp_milter_set *milters;	/* NULL: none */
};

/* The defaults of the server profile. */
#define SMTP_SETTINGS_INIT { \
	.hostname = "localhost", \
	.message_octets = (uint64_t)50 << 20, \
	.recipients = 1000, \
	.hops = 100, \
	.errors_slow = 10, \
	.errors_end = 20, \
	.empty_commands = 100, \
	.line_octets = 2048, \
	.auth_line_octets = 12288, \
	.has_scram = true, \
	.text_line_octets = 65536, \
	.command_ms = 300000, \
	.login_ms = 180000, \
	.data_block_ms = 180000, \
	.data_ms = 600000, \
	.data_rate = 500, \
	.backend_ms = 60000, \
	.stored_ms = 300000, \
	.check_ms = 30000, \
	.backend_state = ST_OK, \
}

#endif
