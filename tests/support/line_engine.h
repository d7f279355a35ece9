/*
 * A protocol small enough to test what carries engines. Lines end in LF; each
 * is a command:
 *
 *   echo TEXT     TEXT
 *   fill N        N octets "x" and a line end, in as many turns as out needs
 *   tls           "go ahead", then WANT_TLS; "secured" after the handshake
 *   deflate       "ok", then WANT_DEFLATE
 *   wait N        expired() answers "expired" after N ms; WANT_ANSWER till then
 *   ask TEXT      CONTROL {TEXT} to the backend; each answer is a line
 *   tell          sets wants_told; told() is counted
 *   login         is_authenticated
 *   quit          "bye", WANT_CLOSE
 */
#ifndef TESTS_SUPPORT_LINE_ENGINE_H
#define TESTS_SUPPORT_LINE_ENGINE_H

#include "common/engine.h"

struct line_engine {
	struct engine engine;
	enum want want;		/* as last told */
	size_t fill;		/* octets still to be put into out */
	unsigned told, events, secured;
	uint32_t last_id;
	bool *freed;		/* set by free; may be NULL */
};

/* How often any of them was told; they are gone when the test looks. */
extern unsigned line_engine_told_all;

/* Greets with "hello". NULL: memory is short. */
struct engine *line_engine_new(void *context, const struct peer_info *peer);

#endif
