/*
 * The base subject of RFC 5256 section 2.1: what is left of a subject without
 * "Re:", "[list]", "(fwd)" and the like.
 */
#ifndef MAILBOXD_SUBJECT_BASE_H
#define MAILBOXD_SUBJECT_BASE_H

#include "common/buf.h"

#include <stdbool.h>

/* Octets of a decoded subject that are looked at. */
#define SUBJECT_OCTETS_MAX ((size_t)4096)

/*
 * Step (1), in place: white space becomes single spaces. subject is UTF-8,
 * encoded words decoded; it is cut to SUBJECT_OCTETS_MAX between two characters.
 */
void subject_normalise(struct buf *subject);
/*
 * Steps (2) to (7): the base, a part of subject. *is_reply tells whether a
 * subj-refwd, "(fwd)" or "[fwd:" was removed (section 3, THREAD).
 */
struct slice subject_base(struct slice subject, bool *is_reply);

#endif
