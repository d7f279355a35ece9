/*
 * Every reply of the SMTP engine in one table: code (RFC 5321 section 4.2),
 * enhanced code (RFC 3463, RFC 2034: none with 220, 334, 354 and the answers to
 * HELO and EHLO) and text. A "%" in the text stands for the one argument.
 * Only what mailboxd says about a recipient or a message is passed on and does
 * not stand here.
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "common/buf.h"

#include <stdbool.h>

/* name, code, enhanced code, kind, text */
#define SMTP_REPLIES(X) \
	X(GREETING, 220, "", FINE, "% ESMTP Postroom") \
	X(HELO, 250, "", FINE, "%") \
	X(CHALLENGE, 334, "", FINE, "%") \
	X(SEND_DATA, 354, "", FINE, "End data with <CR><LF>.<CR><LF>") \
	X(BYE, 221, "2.0.0", FINE, "Bye") \
	X(OK, 250, "2.0.0", FINE, "Ok") \
	X(SENDER_OK, 250, "2.1.0", FINE, "Sender ok") \
	X(CHUNK_OK, 250, "2.0.0", FINE, "% octets received") \
	X(STORED, 250, "2.0.0", FINE, "Stored as %") \
	X(READY_TLS, 220, "2.0.0", FINE, "Ready to start TLS") \
	X(AUTHENTICATED, 235, "2.7.0", FINE, "Authentication successful") \
	X(VRFY, 252, "2.1.5", FINE, "Send some mail, it will be tried") \
	X(VRFY_SYNTAX, 501, "5.5.4", BAD, "Syntax: VRFY address") \
	X(VERIFIED, 250, "2.1.5", FINE, "<%>") \
	X(NOT_VERIFIED, 550, "5.1.1", BAD, "<%>: no such mailbox") \
	X(VERIFIED_DISABLED, 550, "5.2.1", BAD, "<%>: mailbox is disabled") \
	X(HELP, 214, "2.0.0", FINE, "%") \
	X(HELP_UNKNOWN, 504, "5.5.1", BAD, "No help for that") \
	X(UNKNOWN_COMMAND, 500, "5.5.1", BAD, "Command unrecognized") \
	X(NOT_OFFERED, 502, "5.5.1", BAD, "Command not offered here") \
	X(LINE_TOO_LONG, 500, "5.5.2", BAD, "Line too long: at most % octets") \
	X(AUTH_LINE_TOO_LONG, 500, "5.5.6", BAD, "Line too long: at most % octets") \
	X(BARE_CR_LF, 500, "5.5.2", BAD, "Bare CR or LF, or NUL, in a command") \
	X(TEACH_CRLF, 500, "5.5.2", BAD, "lines end with CR LF: use nc -C") \
	X(NO_ARGUMENTS, 501, "5.5.4", BAD, "% takes no arguments") \
	X(HOST_NAME, 501, "5.5.4", BAD, "Syntax: % hostname") \
	X(MAIL_SYNTAX, 501, "5.5.4", BAD, "Syntax: MAIL FROM:<address> [parameters]") \
	X(RCPT_SYNTAX, 501, "5.5.4", BAD, "Syntax: RCPT TO:<address> [parameters]") \
	X(SENDER_SYNTAX, 501, "5.1.7", BAD, "Bad sender address syntax") \
	X(RECIPIENT_SYNTAX, 501, "5.1.3", BAD, "Bad recipient address syntax") \
	X(SENDER_UTF8, 550, "5.6.7", BAD, "Non-ASCII sender needs SMTPUTF8") \
	X(RECIPIENT_UTF8, 553, "5.6.7", BAD, "Non-ASCII recipient needs SMTPUTF8") \
	X(PARAMETER_UNKNOWN, 555, "5.5.4", BAD, "Parameter % not recognized") \
	X(PARAMETER_SYNTAX, 501, "5.5.4", BAD, "Bad value of parameter %") \
	X(PARAMETER_TWICE, 501, "5.5.4", BAD, "Parameter % given twice") \
	X(BDAT_SYNTAX, 501, "5.5.4", BAD, "Syntax: BDAT octets [LAST]") \
	X(AUTH_SYNTAX, 501, "5.5.4", BAD, "Syntax: AUTH mechanism [initial-response]") \
	X(NOT_TRUSTED, 550, "5.7.1", BAD, "Not for this client") \
	X(ATTRIBUTES, 501, "5.5.4", BAD, "Bad or missing attributes") \
	X(ONLY_QUIT, 503, "5.5.1", BAD, "The connection was refused: only QUIT may come") \
	X(EHLO_FIRST, 503, "5.5.1", BAD, "Send EHLO first") \
	X(MAIL_FIRST, 503, "5.5.1", BAD, "Need MAIL first") \
	X(RCPT_FIRST, 503, "5.5.1", BAD, "Need RCPT first") \
	X(BDAT_GOES_ON, 503, "5.5.1", BAD, "BDAT was begun: go on with BDAT") \
	X(NESTED_MAIL, 503, "5.5.1", BAD, "Sender already given: RSET first") \
	X(IN_TRANSACTION, 503, "5.5.1", BAD, "Not during a mail transaction") \
	X(ALREADY_SECURE, 503, "5.5.1", BAD, "TLS is active already") \
	X(ALREADY_LOGGED_IN, 503, "5.5.1", BAD, "Already authenticated") \
	X(NO_AUTH_HERE, 503, "5.5.1", BAD, "No AUTH on this port: use submission, 587 or 465") \
	X(NO_RECIPIENTS, 554, "5.5.1", FINE, "No valid recipients") \
	X(TLS_FIRST, 530, "5.7.0", BAD, "Must issue a STARTTLS command first") \
	X(AUTH_FIRST, 530, "5.7.0", BAD, "Authentication required") \
	X(MECHANISM, 504, "5.5.4", BAD, "Mechanism not offered") \
	X(AUTH_CANCELLED, 501, "5.7.0", BAD, "Authentication cancelled") \
	X(AUTH_BASE64, 501, "5.5.2", BAD, "Cannot decode this base64") \
	X(AUTH_RESPONSE, 501, "5.5.2", BAD, "Cannot make sense of the response") \
	X(AUTH_FAILED, 535, "5.7.8", BAD, "Authentication failed.") \
	X(AUTH_TEMPORARY, 454, "4.7.0", FINE, "Temporary authentication failure") \
	X(SENDER_DENIED, 553, "5.7.1", FINE, "% is not an address of this account") \
	X(FROM_DENIED, 550, "5.7.1", FINE, "From: % is not an address of this account") \
	X(FROM_MISSING, 550, "5.7.1", FINE, "From: is missing or names nobody") \
	X(FROM_MANY, 550, "5.7.1", FINE, "From: names more than % authors") \
	X(LOOP, 554, "5.4.6", FINE, "Mail loop: more than % Received fields") \
	X(LOOP_DELIVERED, 554, "5.4.6", FINE, "Mail loop: delivered to this recipient before") \
	X(HEADER_TOO_LARGE, 552, "5.3.4", FINE, "Header too large: at most % octets") \
	X(TOO_LARGE, 552, "5.3.4", FINE, "Message too large: at most % octets") \
	X(TEXT_LINE_TOO_LONG, 550, "5.6.0", FINE, "A line is longer than % octets") \
	X(TEXT_BARE, 554, "5.6.0", FINE, "Bare CR or LF, or NUL, in the message") \
	X(TOO_MANY_RECIPIENTS, 452, "4.5.3", FINE, "Too many recipients: at most %") \
	X(RECIPIENT_OK, 250, "2.1.5", FINE, "Recipient ok") \
	X(OTHER_ROUTE, 452, "4.5.3", FINE, "This recipient goes another way: send separately") \
	X(ROUTE_AWAY, 451, "4.3.0", FINE, "The next server is away: try again later") \
	X(UNAVAILABLE, 451, "4.3.0", FINE, "Mailbox server away: try again later") \
	X(MILTER_REJECTS, 550, "5.7.1", FINE, "Not accepted by the filters here") \
	X(MILTER_LATER, 451, "4.7.1", FINE, "Not accepted now: try again later") \
	X(MILTER_AWAY, 451, "4.7.1", FINE, "A filter is away: try again later") \
	X(MILTER_SHUTDOWN, 421, "4.7.0", FINE, "Closing connection") \
	X(MILTER_HEADER, 552, "5.3.4", FINE, "Header too large for the filters here") \
	X(SPOOL_FULL, 452, "4.3.1", FINE, "No room for the message now") \
	X(STORAGE_FULL, 452, "4.3.1", FINE, "Insufficient system storage") \
	X(NO_MEMORY, 451, "4.3.0", FINE, "Out of memory: try again later") \
	X(CHECK_LATE, 451, "4.3.0", FINE, "A check takes too long: try again later") \
	X(MESSAGE_RATE, 450, "4.7.1", FINE, "Too much mail from your address: at most % messages a minute") \
	X(RECIPIENT_RATE, 450, "4.7.1", FINE, "Too much mail from your address: at most % recipients a minute") \
	X(LISTED, 550, "5.7.1", FINE, "Your address is on the list %") \
	X(NAMELESS, 550, "5.7.25", FINE, "% has no name in the DNS that leads back to it") \
	X(GREYLISTED, 451, "4.7.1", FINE, "Greylisted: come again in % seconds") \
	X(SPOKE_EARLY, 554, "5.5.1", FINE, "You spoke before the greeting") \
	X(SPOKE_AHEAD, 554, "5.5.1", FINE, "You do not wait for replies (RFC 2920)") \
	X(TOO_MANY_ERRORS, 421, "4.7.0", FINE, "Too many errors") \
	X(TIMEOUT, 421, "4.4.2", FINE, "Timeout: closing connection") \
	X(LOGIN_TIMEOUT, 421, "4.7.0", FINE, "No login in time: closing connection") \
	X(SLOW_DATA, 421, "4.4.2", FINE, "Data comes too slowly: closing connection") \
	X(SHUTTING_DOWN, 421, "4.3.2", FINE, "%") \
	X(KICKED, 421, "4.7.0", FINE, "%") \
	X(NO_HTTP, 554, "5.5.1", FINE, "This is SMTP, not HTTP")

enum smtp_reply {
#define SMTP_REPLY_ENUM(name, code, enhanced, kind, text) SMTP_REPLY_##name,
	SMTP_REPLIES(SMTP_REPLY_ENUM)
#undef SMTP_REPLY_ENUM
	SMTP_REPLY_COUNT
};

struct smtp_reply_row {
	unsigned code;
	const char *enhanced;
	bool is_bad;	/* counts against the client (limits errors_*) */
	const char *text;
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply);

/* Appends the reply as one line. Octets of the argument that are no printable
 * ASCII become "?". ST_LIMIT, ST_NO_MEMORY: nothing is appended. */
enum status smtp_reply_append(struct buf *out, enum smtp_reply reply,
			      struct slice argument);
/* The text of a row with its argument, cut to what a reply line holds. */
enum status smtp_reply_text(struct buf *out, enum smtp_reply reply,
			    struct slice argument);
/* One line of a reply; more follow where goes_on. enhanced may be empty. */
enum status smtp_reply_line(struct buf *out, unsigned code,
			    struct slice enhanced, struct slice text,
			    bool goes_on);

#endif
