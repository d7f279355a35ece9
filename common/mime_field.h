/*
 * The structured fields of MIME: Content-Type and Content-Disposition with
 * their parameters (RFC 2045 section 5.1, RFC 2183), continued and encoded ones
 * joined (RFC 2231). What is malformed is understood as far as it goes.
 */
#ifndef COMMON_MIME_FIELD_H
#define COMMON_MIME_FIELD_H

#include "common/arena.h"

#include <stdbool.h>

/* Parameters of a field that are looked at; more are passed over. */
#define MIME_PARAMS_MAX 100
/* Octets of a type or a subtype; with more it is no type. */
#define MIME_TYPE_MAX 255

/*
 * Moves *s past folds, spaces and comments, however deep (RFC 5322 CFWS).
 */
void mime_skip_cfws(struct slice *s);
/* Takes an RFC 2045 token off *s; empty if there is none. */
struct slice mime_token(struct slice *s);

struct mime_type {
	struct slice type, subtype;	/* as written */
	struct slice params;		/* what follows, for mime_params() */
};
/* False: not of the form type/subtype, so that text/plain is meant (RFC 2045
 * section 5.2). "text" alone has an empty subtype and is false. */
bool mime_type_parse(struct slice body, struct mime_type *type);

struct mime_param {
	struct slice name;	/* as written, without "*0"; ends in "*" if encoded */
	struct slice value;	/* of "name*": charset'language'text%20in%20hex, all
				 * continuations joined; else without its quotes */
};
/*
 * An array in the arena, in the order of the field, continuations at the place
 * of the first. NULL when memory is short; *count 0 is no such failure.
 */
struct mime_param *mime_params(struct slice params, struct arena *arena,
			       size_t *count);
/* The first of that name (no "*"), else NULL. */
const struct mime_param *mime_param_find(const struct mime_param *params,
					 size_t count, struct slice name);
/*
 * Takes an RFC 2231 value apart. False: it has not two quotes; then text is all
 * of it and charset empty.
 */
bool mime_extended_split(struct slice value, struct slice *charset,
			 struct slice *language, struct slice *text);

#endif
