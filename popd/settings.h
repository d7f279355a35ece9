/*
 * What the POP3 engine is told by the configuration; borrowed as smtpd/settings.h
 * is.
 */
#ifndef POPD_SETTINGS_H
#define POPD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pop_settings {
	char hostname[256];
	/* A second session on one maildrop is refused with [IN-USE] (RFC 2449);
	 * else it has a view of its own. */
	bool exclusive;
	unsigned errors_slow, errors_end;	/* as in smtpd/settings.h */
	size_t login_octets;	/* all that may be sent before the login */
	size_t line_octets;	/* a command with its CRLF (RFC 2449 section 4) */
	size_t auth_line_octets;	/* a line of an AUTH exchange */
	bool has_scram;		/* accounts have passwords */
	bool has_apop;		/* lab and test: some were given in clear */
	/* Told by CAPA (RFC 2449); -1: the row is not shown. */
	long expire_days;	/* 0: right after RETR. INT32_MAX: NEVER */
	long login_delay_s;
	/* Milliseconds. */
	int64_t login_idle_ms;	/* between commands before the login */
	int64_t login_ms;	/* until the login, whatever is sent */
	int64_t idle_ms;	/* after it (RFC 1939 section 3: 10 minutes) */
	int64_t backend_ms;	/* mailboxd's answer */
};

/* What differs between the sockets; outlives the sessions. */
struct pop_listener {
	bool has_stls;		/* a certificate is there, and TLS not implicit */
	bool tls_required;	/* no USER, PASS, AUTH before TLS */
	bool teach;		/* says what is wrong to those who type by hand */
	bool xclient;		/* trusted clients may say whose session it is */
};

/* The defaults of the server profile. */
#define POP_SETTINGS_INIT { \
	.hostname = "localhost", \
	.exclusive = false, \
	.errors_slow = 10, \
	.errors_end = 20, \
	.login_octets = 8192, \
	.line_octets = 255, \
	.auth_line_octets = 12288, \
	.has_scram = true, \
	.has_apop = false, \
	.expire_days = INT32_MAX, \
	.login_delay_s = -1, \
	.login_idle_ms = 60000, \
	.login_ms = 180000, \
	.idle_ms = 600000, \
	.backend_ms = 60000, \
}

#endif
