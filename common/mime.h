/*
 * Finds the parts of a message as its octets come (RFC 2045, RFC 2046): an
 * array of struct part with offsets, parents before children, in the order of
 * the message. It copies only headers. The split of the octets into calls makes
 * no difference, time is linear, nothing recurses, and no content is an error:
 *
 * - A multipart without a boundary, or in which none was found, is text/plain
 *   (RFC 2045 section 5.2), so that its reader sees what there is.
 * - A final boundary may be missing; an outer boundary ends inner parts. A line
 *   is a boundary if it begins with one (RFC 2046 section 5.1.1), the longest of
 *   those that are open.
 * - The CRLF in front of a boundary is not the part's, even if it is the empty
 *   line behind the part's header.
 * - A multipart or a message that would exceed MIME_DEPTH_MAX, or a message with
 *   an encoding, is an application/octet-stream leaf. From the part on that would
 *   exceed PART_COUNT_MAX or MIME_HEADERS_MAX the rest of the octets are one.
 */
#ifndef COMMON_MIME_H
#define COMMON_MIME_H

#include "common/part_record.h"

#define MIME_DEPTH_MAX 100
/* Octets of all headers together that are looked at; a header goes on to its
 * empty line, but what is beyond is not seen. */
#define MIME_HEADERS_MAX ((size_t)1 << 20)
/* Octets of a boundary that count (RFC 2046 allows 70). */
#define MIME_BOUNDARY_MAX 250

struct mime;
/* Owned by the caller, ended with mime_free(); NULL when memory is short. */
struct mime *mime_new(void);
void mime_free(struct mime *m);
/* Forgets the message; another one begins. */
void mime_reset(struct mime *m);
/* The next octets. ST_NO_MEMORY: give the message up. */
enum status mime_feed(struct mime *m, struct slice octets);
/* The message is over: the parts are final. ST_NO_MEMORY. */
enum status mime_end(struct mime *m);
/*
 * The parts found so far, valid until the next call that changes m. Before
 * mime_end() a part that is still open has end 0, and its body is 0 while its
 * header goes on; a multipart stays one until mime_end() finds it empty.
 */
const struct part *mime_parts(const struct mime *m, size_t *count);
/* The header of part i as it stands, up to the limit, with or without its empty
 * line. */
struct slice mime_header(const struct mime *m, size_t i);

#endif
