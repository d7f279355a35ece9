/*
 * The one table of options: name, type, unit, default in each profile, who
 * reads it and what it means. common/option_rows.h has the rows.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include "common/option_rows.h"
#include "common/slice.h"

#include <stdint.h>

enum profile { PROFILE_SERVER, PROFILE_LAB, PROFILE_TEST, PROFILE_COUNT };

enum option_type {
	OPTION_BOOL,	/* yes or no */
	OPTION_NUMBER,
	OPTION_SIZE,	/* octets: 50MB; KB MB GB TB are powers of 1024 */
	OPTION_TIME,	/* milliseconds: 500ms 30s 10m 2h 14d */
	OPTION_TEXT,
	OPTION_CHOICE,	/* one of the words in choices */
	OPTION_LIST,	/* {"a", "b"} */
};

/* Who reads an option. */
enum option_reader {
	R_POSTROOM = 1,
	R_SMTPD = 2,
	R_MAILBOXD = 4,
	R_POPD = 8,
	R_IMAPD = 16,
	R_LINKD = 32,
	R_NETWORK = R_SMTPD | R_POPD | R_IMAPD,
	R_ALL = R_POSTROOM | R_NETWORK | R_MAILBOXD | R_LINKD,
};

enum option_id {
#define OPTION_ENUM(ID, ...) OPTION_##ID,
	OPTION_ROWS(OPTION_ENUM)
#undef OPTION_ENUM
	OPTION_COUNT
};

struct option_row {
	const char *section;	/* "" at the top level */
	const char *name;
	enum option_type type;
	const char *unit;	/* for CHOICE the words, separated by spaces */
	uint64_t least, most;	/* of the value; of TEXT its octets */
	const char *defaults[PROFILE_COUNT];
	unsigned readers;	/* bits of enum option_reader */
	const char *meaning;
};

extern const struct option_row options[OPTION_COUNT];

/* Sections in the order of the file. A titled one may stand several times. */
enum section_id {
	SECTION_TOP, SECTION_USERS, SECTION_TLS, SECTION_CERTIFICATE,
	SECTION_LISTEN, SECTION_LINKS, SECTION_ROUTE, SECTION_DOMAIN, SECTION_MILTER,
	SECTION_ACCOUNTS, SECTION_LIMITS, SECTION_TIMES, SECTION_KEEP,
	SECTION_EARLY, SECTION_GREYLIST, SECTION_DNS,
	SECTION_COUNT
};

struct option_section {
	const char *name;
	const char *title;	/* what its title is called; NULL: it has none */
	const char *meaning;
};

extern const struct option_section option_sections[SECTION_COUNT];

/* The words of CHOICE options, in the order of the rows. */
enum listen_protocol {
	LISTEN_PROTOCOL_AUTO, LISTEN_SMTP, LISTEN_SUBMISSION, LISTEN_POP3,
	LISTEN_IMAP, LISTEN_LINK,
};

enum listen_tls {
	LISTEN_TLS_AUTO, LISTEN_TLS_NONE, LISTEN_TLS_OPTIONAL,
	LISTEN_TLS_REQUIRED, LISTEN_TLS_IMPLICIT,
};

enum listen_auth { LISTEN_AUTH_AUTO, LISTEN_AUTH_NO, LISTEN_AUTH_YES };
enum quota_reply { QUOTA_REPLY_PERMANENT, QUOTA_REPLY_TEMPORARY };
enum dns_names { DNS_NAMES_NO, DNS_NAMES_NOTE, DNS_NAMES_REQUIRE };
enum tls_least { TLS_LEAST_1_2, TLS_LEAST_1_3 };

/* The listeners everybody knows, and what auto means for them. */
struct known_listener {
	const char *title;
	enum listen_protocol protocol;
	enum listen_tls tls;
	enum listen_auth auth;
	uint16_t port;		/* the well-known one */
	uint16_t lab_port;
	enum option_reader daemon;
};

#define KNOWN_LISTENER_COUNT 7
extern const struct known_listener known_listeners[KNOWN_LISTENER_COUNT];
/* NULL for another title. */
const struct known_listener *known_listener_find(const char *title);

/* OPTION_COUNT where there is none. section "" is the top level. */
enum option_id option_find(const char *section, const char *name);
/* SECTION_COUNT where there is none. */
enum section_id option_section_find(const char *name);
/* The section an option stands in. */
enum section_id option_section_of(enum option_id id);
/* "server", "lab", "test". */
const char *profile_name(enum profile profile);
const char *option_type_name(enum option_type type);
/* The word at index of a list separated by spaces; an empty slice behind the
 * last one. */
struct slice option_word(const char *words, size_t index);

#endif
