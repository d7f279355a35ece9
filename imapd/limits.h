/*
 * Limits of the IMAP grammar that are not configured (trust.md section 5); each
 * is answered in its own words where it is checked.
 */
#ifndef IMAPD_LIMITS_H
#define IMAPD_LIMITS_H

#define LIMIT_KEYWORDS_MESSAGE	64
#define LIMIT_KEYWORD_OCTETS	64
/* Mailbox names, in UTF-8. */
#define LIMIT_NAME_OCTETS	1000
#define LIMIT_LEVEL_OCTETS	255
#define LIMIT_LEVELS		32
/* Patterns of one LIST. */
#define LIMIT_PATTERNS		32
#define LIMIT_PATTERN_OCTETS	1024
/* One SASL response, base64, with its CRLF. */
#define LIMIT_SASL_LINE		12288
/* Before the login: a command with its literals, and one literal. */
#define LIMIT_LOGIN_COMMAND	8192
#define LIMIT_LOGIN_LITERAL	4096
/* Fields of ID, and octets of a value (RFC 2971 section 3.3). */
#define LIMIT_ID_FIELDS		30
#define LIMIT_ID_OCTETS		1024

#endif
