/*
 * i;unicode-casemap (RFC 5051): the form in which texts are compared for SEARCH,
 * SORT and THREAD. Each character is mapped to titlecase, then decomposed fully;
 * no character looks at its neighbours, so pieces can be mapped one by one.
 */
#ifndef MAILBOXD_CASEMAP_H
#define MAILBOXD_CASEMAP_H

#include "common/buf.h"

/*
 * Appends s, mapped. s is UTF-8 in whole characters; malformed octets become
 * U+FFFD. ST_LIMIT, ST_NO_MEMORY: give the text up.
 */
enum status casemap_append(struct buf *out, struct slice s);

/* Changes when a text may be mapped otherwise than before. */
unsigned casemap_version(void);

#endif
