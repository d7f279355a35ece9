/*
 * Octets of answers. Appending does not fail towards the caller: where the
 * buffer is full or memory is short, failed is set and the session ends, so
 * that handlers need no check a word. Who makes much keeps to
 * imap_out_is_full() of session_priv.h.
 */
#ifndef IMAPD_RESPOND_H
#define IMAPD_RESPOND_H

#include "common/buf.h"
#include "common/ranges.h"

#include <stdbool.h>
#include <stdint.h>

struct respond {
	struct buf *out;	/* the engine's */
	bool is_utf8;		/* UTF8=ACCEPT or IMAP4rev2 is enabled */
	bool failed;
};

/* As they stand. */
void respond_slice(struct respond *r, struct slice s);
void respond_str(struct respond *r, const char *text);
void respond_char(struct respond *r, char c);
void respond_u64(struct respond *r, uint64_t n);
static inline void respond_crlf(struct respond *r)
{
	respond_str(r, "\r\n");
}

/* "..." where the octets allow it, else a literal. */
void respond_string(struct respond *r, struct slice s);
/* The same; NIL for s.data == NULL. */
void respond_nstring(struct respond *r, struct slice s);
/* An atom where possible, else as respond_string. */
void respond_astring(struct respond *r, struct slice s);
/* "{n}" CRLF; the octets follow by respond_slice(). */
void respond_literal(struct respond *r, uint64_t octets);
/* A name in UTF-8 as the client is to see it: modified UTF-7 or UTF-8. */
void respond_mailbox(struct respond *r, struct slice name);
/* "1:3,7" */
void respond_set(struct respond *r, const struct ranges *set);

#endif
