/*
 * Charsets to UTF-8, for search, preview and sort keys. Nothing is an error:
 * octets that cannot be read become U+FFFD, and a charset that is not known is
 * taken as UTF-8 whose malformed octets are windows-1252.
 *
 * All of it is loaded by charset_load(); no file is opened later.
 */
#ifndef MAILBOXD_CHARSET_H
#define MAILBOXD_CHARSET_H

#include "common/buf.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>

/* Makes tables of the charsets of one octet and loads the converters of the
 * others. A second call does nothing. ST_NO_MEMORY. Converters that the system
 * lacks are left out. */
enum status charset_load(void);
/* Changes when a text may be read otherwise than before: which converters there
 * are, and the tables. */
uint64_t charset_fingerprint(void);

struct charset;
/* Never NULL. name in any case, with "x-" or without; "" is us-ascii. */
const struct charset *charset_find(struct slice name);
/* Whether octets below 128 stand for ASCII, wherever they come. */
bool charset_is_ascii_based(const struct charset *charset);

/* The state of one text. */
struct charset_decoder {
	const struct charset *charset;
	iconv_t converter;	/* (iconv_t)-1: not of that kind */
	char hold[16];		/* a character that is not whole */
	size_t held;
};

/* Ended with charset_close(), which gives the converter back. */
void charset_open(struct charset_decoder *d, const struct charset *charset);
void charset_close(struct charset_decoder *d);
/*
 * Appends in as UTF-8, whole characters only; the split of the input into calls
 * makes no difference. At most 3 octets for each of in, and 64 more. ST_LIMIT,
 * ST_NO_MEMORY: give the text up.
 */
enum status charset_feed(struct charset_decoder *d, struct slice in,
			 struct buf *out);
/* The text is over: a character that is not whole is malformed. */
enum status charset_end(struct charset_decoder *d, struct buf *out);

#endif
