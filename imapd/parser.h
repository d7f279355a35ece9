/*
 * Octets to whole commands (RFC 3501 section 2.2, RFC 9051 section 4.3): finds
 * the ends of lines and the literals in them, and keeps to the limits. What the
 * tokens mean is args.h's. The split of the stream into calls makes no
 * difference.
 *
 * A command is kept as it came: its lines with the heads of literals
 * ("{3}" CRLF) and their octets in place, without the last CRLF. So whoever
 * reads it walks one slice. The literal of an APPEND is not kept: at
 * PARSER_LITERAL the caller takes the text, reads the octets itself and lets
 * the parser go on behind them.
 *
 * A line ends in CRLF. A line with a bare CR, a bare LF (which ends it) or a
 * NUL makes its command PARSER_BAD. What is refused is consumed, never run.
 */
#ifndef IMAPD_PARSER_H
#define IMAPD_PARSER_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct parser_limits {
	size_t line;		/* octets between two literals */
	size_t total;		/* octets of a command with its literals */
	size_t literal;		/* octets of one literal that is kept */
	unsigned literals;
	uint64_t skip;		/* octets of a refused command that are read, at
				 * least total; if it has more, the connection has
				 * to end */
};

enum parser_event {
	PARSER_MORE,		/* all of in was taken */
	PARSER_COMMAND,		/* text is a whole command */
	PARSER_LITERAL,		/* text ends in the head of a literal: call one of
				 * parser_collect, parser_pass, parser_drop */
	PARSER_BAD,		/* a whole command was read, and it is malformed;
				 * text begins with what came of it */
	PARSER_TOO_BIG,		/* the same, beyond a limit */
	PARSER_END,		/* beyond all limits: the stream cannot be followed */
	PARSER_NO_MEMORY,
};

struct parser_literal {
	uint64_t octets;
	bool is_sync;		/* the client waits for "+" */
	bool is_binary;		/* "~{" (RFC 3516) */
};

struct parser {
	struct parser_limits limits;
	struct buf text;
	struct parser_literal literal;	/* of the last PARSER_LITERAL */
	/* the rest is parser.c's */
	size_t line;		/* octets in this line */
	unsigned literals;
	uint64_t collect;	/* octets of a literal still to come */
	uint64_t octets;	/* of the command, kept or not */
	unsigned char quote;	/* enum quote_state */
	unsigned char head;	/* enum head_state: of a literal */
	char last;		/* the octet before */
	bool is_cr;		/* so it was */
	bool is_bad, is_big, is_skipping;
};

void parser_init(struct parser *p, const struct parser_limits *limits);
void parser_clear(struct parser *p);
/*
 * Takes octets up to the next event, counts them in *used. After PARSER_COMMAND,
 * _BAD and _TOO_BIG the caller reads or takes text and calls parser_next().
 */
enum parser_event parser_feed(struct parser *p, struct slice in, size_t *used);
/* Ready for a new command; text is emptied, its memory kept if it is small. */
void parser_next(struct parser *p);
/* At PARSER_LITERAL: the literal is kept in text. PARSER_MORE: it comes next (and
 * "+" goes out where is_sync). It does not fit: PARSER_TOO_BIG now where it is
 * synchronising, for then it never comes, else after it was skipped; PARSER_END. */
enum parser_event parser_collect(struct parser *p);
/* At PARSER_LITERAL: the caller reads the literal's octets itself and then feeds
 * what follows them, which is collected into an emptied text. */
void parser_pass(struct parser *p);
/* At PARSER_LITERAL of a command that is refused anyway: PARSER_BAD now, or
 * PARSER_MORE and PARSER_BAD after what is left of it; PARSER_END. */
enum parser_event parser_drop(struct parser *p);
/* Takes text away; *to must be empty. */
void parser_take(struct parser *p, struct buf *to);

#endif
