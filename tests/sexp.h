/*
 * An independent reader of what ENVELOPE and BODYSTRUCTURE look like on the
 * wire, for tests only: parses the octets anew and checks the grammar of RFC
 * 9051 section 9.
 */
#ifndef TESTS_SEXP_H
#define TESTS_SEXP_H

#include "common/arena.h"

#include <stdbool.h>

enum sexp_kind { SEXP_NIL, SEXP_STRING, SEXP_NUMBER, SEXP_LIST };

struct sexp {
	enum sexp_kind kind;
	struct slice text;	/* of a string or a number */
	struct sexp *first, *next;	/* of a list; behind this one */
	size_t count;		/* members of a list */
};

/* NULL where s is not exactly one list. */
struct sexp *sexp_parse(struct slice s, struct arena *arena);
const struct sexp *sexp_at(const struct sexp *list, size_t i);
/* What is wrong with it, or NULL. */
const char *sexp_check_envelope(const struct sexp *e);
/* extended: with the extension data, which must be whole. */
const char *sexp_check_body(const struct sexp *b, bool extended);

#endif
