/*
 * What an IMAP engine needs to know of the configuration. main.c fills one from
 * the option table for each `listen` section and keeps it as long as the
 * sessions made with it; the engine only reads.
 */
#ifndef IMAPD_SETTINGS_H
#define IMAPD_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the `tls` option of the listener says. */
enum imap_tls {
	IMAP_TLS_NONE,		/* no STARTTLS; passwords in clear are taken */
	IMAP_TLS_OPTIONAL,	/* STARTTLS offered; passwords in clear are taken */
	IMAP_TLS_REQUIRED,	/* STARTTLS offered; no login before it */
	IMAP_TLS_IMPLICIT,	/* TLS from the first octet */
};

struct imap_settings {
	char hostname[256];		/* in the greeting */
	enum imap_tls tls;
	bool xclient;			/* trusted clients may say whose session it is */
	uint64_t message_octets;	/* largest message APPEND takes */
	size_t line_octets;		/* a command line after login */
	size_t command_octets;		/* a command with its literals */
	unsigned command_literals;
	unsigned errors_slow;		/* BAD commands answered at once */
	unsigned errors_max;		/* that end the session; 0: no limit */
	bool has_scram;			/* accounts have passwords */
	int64_t login_idle_ms;		/* before login, between two inputs */
	int64_t login_total_ms;		/* before login, in all */
	int64_t idle_ms;		/* after login */
};

/* The defaults of trust.md section 5; hostname and tls are the caller's. */
#define IMAP_SETTINGS_INIT { \
	.hostname = "localhost", \
	.tls = IMAP_TLS_OPTIONAL, \
	.message_octets = UINT64_C(50) * 1024 * 1024, \
	.line_octets = 64 * 1024, \
	.command_octets = 1024 * 1024, \
	.command_literals = 1000, \
	.errors_slow = 10, \
	.errors_max = 20, \
	.has_scram = true, \
	.login_idle_ms = 60000, \
	.login_total_ms = 180000, \
	.idle_ms = 1800000, \
}

#endif
