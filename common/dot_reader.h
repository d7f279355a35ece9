/*
 * Undoes dot-stuffing and finds the end of mail data (RFC 5321 section 4.5.2).
 * Bytes in, message bytes out; it knows no socket and no session. Only
 * CRLF "." CRLF ends the data. A bare CR or LF (section 2.3.8) or a NUL spoils
 * the message, which is then read to its true end, and nothing of it is obeyed:
 * that closes the door on smuggling a second message inside the first.
 */
#ifndef COMMON_DOT_READER_H
#define COMMON_DOT_READER_H

#include "common/buf.h"

#include <stdbool.h>

struct dot_reader;

/* Returns a reader the caller owns and ends with dot_reader_free(); NULL when
 * memory is short. */
struct dot_reader *dot_reader_new(void);
void dot_reader_free(struct dot_reader *r);
/* Makes it as new, for the next message. */
void dot_reader_reset(struct dot_reader *r);
/*
 * Takes octets from in, counts them in *used, and appends what belongs to the
 * message to out. The split of the stream into calls makes no difference. A
 * call appends at most in.len + 1 octets, and none once the message is spoilt.
 *
 * ST_OK: the end was seen, in beyond *used belongs to the next command.
 * ST_MORE: all of in was taken, more is needed.
 * ST_SYNTAX: the end was seen as for ST_OK, but the message is spoilt.
 * ST_LIMIT (out is full), ST_NO_MEMORY: give the message up.
 */
enum status dot_reader_feed(struct dot_reader *r, struct slice in,
			    size_t *used, struct buf *out);
/* Whether ST_SYNTAX is already certain. */
bool dot_reader_is_spoilt(const struct dot_reader *r);
/* Goes on to the true end without output: the message is refused anyhow (too
 * large, no room). The end then gives ST_OK or ST_SYNTAX as before. */
void dot_reader_discard(struct dot_reader *r);

#endif
