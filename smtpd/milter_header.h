/*
 * The header of a message that milters may change. It is held whole: fields with
 * their CRLF, without the empty line. The trace field that we wrote is in it and
 * is not shown to milters: it counts as a place for an insertion (0 is above it, 1
 * right behind it), and never as a field that is changed (libmilter,
 * smfi_insheader and smfi_chgheader; Postfix does the same).
 */
#ifndef SMTPD_MILTER_HEADER_H
#define SMTPD_MILTER_HEADER_H

#include "common/header.h"

/* Of all fields, with what milters add. */
#define MILTER_HEADER_MAX ((size_t)512 * 1024)

struct milter_header {
	struct buf fields;
	size_t own_at, own_octets;	/* the trace field; 0 octets: none */
};

/* A field of a milter: its value may have LF at folds. */
struct milter_field {
	struct slice name, value;
	bool has_space;		/* the value begins with the space behind the colon
				 * (SMFIP_HDR_LEADSPC); else one is put there */
};

void milter_header_init(struct milter_header *h);
void milter_header_clear(struct milter_header *h);
/*
 * ST_SYNTAX: the name is none; nothing is changed. ST_LIMIT: the header is too
 * large; ST_NO_MEMORY. Line ends become CRLF, a line behind the first begins with
 * white space, empty lines go, and control characters: nothing of a value can end
 * the field or the header.
 */
enum status milter_header_add(struct milter_header *h, const struct milter_field *f);
enum status milter_header_insert(struct milter_header *h, uint32_t index,
				 const struct milter_field *f);
/* The index-th of that name, from 1; an empty value deletes it. One that is not
 * there is added. */
enum status milter_header_change(struct milter_header *h, uint32_t index,
				 const struct milter_field *f);
/* The next field that a milter is told of. ST_NOT_FOUND: that was all. walk is
 * zeroed at first. */
enum status milter_header_next(const struct milter_header *h,
			       struct header_walk *walk, struct header_field *f);

#endif
