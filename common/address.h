/*
 * Envelope addresses (RFC 5321 section 4.1.2, RFC 6531 section 3.3). An address
 * is parsed to its parts and rendered anew; what came is never copied through.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include "common/arena.h"
#include "common/buf.h"

#include <stdbool.h>

/* In octets. RFC 5321 section 4.5.3.1 wants at least 64 for a local part; what
 * mailing lists send from is often longer. A quoted one is measured without its
 * quotes. */
#define ADDRESS_LOCAL_MAX	256
#define ADDRESS_DOMAIN_MAX	255
#define ADDRESS_PATH_MAX	1024	/* with a source route */
/* Any rendered address or comparison key is shorter. */
#define ADDRESS_OCTETS_MAX	((size_t)1024)

struct address {
	struct slice local;	/* unquoted; empty: the null sender */
	struct slice domain;	/* as written, without a final dot; a literal with
				 * its brackets; empty for <postmaster> */
	struct slice ascii;	/* the domain as A-labels in lower case; a literal
				 * in its shortest form */
	bool is_null;		/* <> */
	bool is_literal;	/* [192.0.2.1], [IPv6:2001:db8::1] */
	bool has_utf8;		/* local or domain as written is not ASCII */
};

enum address_flag {
	ADDRESS_NULL = 1,	/* <> is allowed: a reverse path */
	ADDRESS_NO_DOMAIN = 2,	/* "postmaster" in any case may stand alone */
	ADDRESS_UTF8 = 4,	/* SMTPUTF8 was asked for */
};

/*
 * Takes the path at the beginning of *in, "<ann@example.org>", and leaves what
 * is behind its ">" in *in. A source route is read and ignored (section 4.1.1.3,
 * appendix C). The parts live in the arena. ST_SYNTAX: malformed, a control
 * character, 8-bit without ADDRESS_UTF8, a domain that IDNA refuses; ST_LIMIT:
 * a part is too long; ST_NO_MEMORY.
 */
enum status address_parse_path(struct slice *in, unsigned flags,
			       struct arena *arena, struct address *address);
/* The same for a bare Mailbox that is all of text: "ann@example.org". */
enum status address_parse(struct slice text, unsigned flags,
			  struct arena *arena, struct address *address);
/* Appends local@domain, the local part quoted where it must be, without angle
 * brackets; nothing for the null sender. ST_LIMIT, ST_NO_MEMORY. */
enum status address_render(const struct address *address, struct buf *out);
/* The same with the domain as A-labels, for a next hop without SMTPUTF8. */
enum status address_render_ascii(const struct address *address,
				 struct buf *out);
/*
 * Appends the key under which addresses are equal: the local part folded
 * (utf8_fold), "@", the domain as A-labels. Without quotes, so that "ann"@x and
 * ann@x are one; only for comparing, never for rendering.
 */
enum status address_key(const struct address *address, struct buf *out);

/* A domain name alone, as A-labels in lower case without a final dot. U-labels
 * are taken whatever the flags. ST_SYNTAX, ST_LIMIT, ST_NO_MEMORY. */
enum status address_domain_ascii(struct slice domain, struct buf *out);
/*
 * An address literal with its brackets, in its shortest form, "[192.0.2.1]" or
 * "[IPv6:2001:db8::1]". ST_SYNTAX for other tags, ST_LIMIT, ST_NO_MEMORY.
 */
enum status address_literal(struct slice literal, struct buf *out);
/* The same without brackets, in and out, and "IPv6:" may stand in front or not:
 * "192.0.2.1", "2001:db8::1". */
enum status address_ip(struct slice text, struct buf *out);
/* What may stand behind EHLO: a domain or an address literal. */
bool address_is_host(struct slice text);

#endif
