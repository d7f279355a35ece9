/*
 * Plays text dialogues at a protocol engine (common/engine.h) and checks what
 * it says and asks for, at every chunk size: one octet a call, two, ... whole,
 * and with all that the client says up to the next barrier sent at once.
 *
 * A file in tests/dialogues/PROTOCOL/NAME.txt; a line each:
 *
 *   # comment
 *   set NAME VALUE	at the head: read by the test's start function. Known to
 *			the player itself: "set pipelined no", "set credit no"
 *			(LMTP_DATA is not acknowledged by itself), "set early yes"
 *			(what is said before a barrier may stand behind it here:
 *			where it is said depends on the chunks).
 *   C: text		the client sends text and CRLF
 *   C* "raw" [x N]	the client sends the octets (N times), with escapes
 *			\r \n \t \0 \\ \" \xHH
 *   S: text		the engine says exactly this line
 *   S~ pattern		a line; each * stands for any octets
 *   S+ pattern		any lines, up to the first that is like this
 *   S* "raw" [x N]	exactly these octets, which need not be a line
 *   R: type f=v ...	the engine asks for this next. Fields that are not named
 *			are not compared. f=v is exact, f~v has * wildcards
 *   A: type f=v ... [last]	answers the last request. Fields not named are 0
 *			or empty. Without "last" more answers follow
 *   R[x]: A[x]:	the same, naming the request, where several are open
 *   E: type f=v ...	an event
 *   T: 1000		so many milliseconds pass
 *   T: expired		time passes until the engine's deadline
 *   TLS [version]	the engine wants a handshake, and it went well
 *   X			the engine wants to close
 *   ---		a barrier: what follows is not sent before this point
 *
 * T, TLS, E and X are barriers too. Values: a number, word, "quoted text" with
 * the escapes above, or {1:3,5} for a set as common/ranges.h encodes it. In
 * A: rows each row is [uid=1 size=2 octets="..." total=9]; `items` is computed.
 * In R: pieces of one request that follow each other (lmtp_data, append_data)
 * are compared as one.
 *
 * Both clocks are faked: monotonic from 1000 s, wall 2026-11-24 07:08:47 UTC.
 */
#ifndef TESTS_DIALOGUE_H
#define TESTS_DIALOGUE_H

#include "common/engine.h"

struct dialogue;

struct dialogue_protocol {
	/* Makes the session; what it needs besides may hang on *context. */
	struct engine *(*start)(const struct dialogue *d,
				const struct peer_info *peer, void **context);
	/* Called after engine->ops->free(). */
	void (*finish)(void *context);
};

/* The value of a `set` line, or fallback. */
const char *dialogue_setting(const struct dialogue *d, const char *name,
			     const char *fallback);
uint64_t dialogue_number(const struct dialogue *d, const char *name,
			 uint64_t fallback);

/*
 * Plays each file of tests/dialogues/FOLDER, reporting through Criterion with
 * file, line and chunk size. Settings that fill peer_info: "address"; "trusted",
 * "secure", "binding" (TLS has channel bindings), all three "yes".
 */
void dialogue_play_folder(const char *folder,
			  const struct dialogue_protocol *protocol);
/* One dialogue from memory, for tables and for the player's own test; returns
 * NULL, or what went wrong (static). Nothing is reported. */
const char *dialogue_play_text(const char *text,
			       const struct dialogue_protocol *protocol);

#endif
