/*
 * Makes of a message with binary parts one of lines (RFC 3516 section 4.4: a server
 * may change the Content-Transfer-Encoding of what is appended, without loss). The
 * body of each part that says "binary" comes out in base64, and its header says so;
 * a multipart or a message inside that says "binary" says "8bit" afterwards (RFC
 * 2045 section 6.4). All else is given out as it came.
 *
 * Octets in, octets out, whatever the pieces; of the message nothing is kept but
 * the headers of its parts (common/mime.h bounds them), one field and one line of
 * base64. A NUL in a part that does not say "binary" is given out like any octet:
 * whoever stores it decides.
 */
#ifndef MAILBOXD_BINARY_DOOR_H
#define MAILBOXD_BINARY_DOOR_H

#include "common/slice.h"
#include "common/status.h"

struct binary_door;
/* Gets what comes out; anything but ST_OK ends the feeding with it. */
typedef enum status binary_door_out(void *arg, struct slice octets);

/* Owned by the caller, ended with binary_door_free(), which takes NULL; NULL when
 * memory is short. */
struct binary_door *binary_door_new(binary_door_out *out, void *arg);
void binary_door_free(struct binary_door *d);
/* ST_OK; ST_SYNTAX: a field that says "binary" is longer than it is followed;
 * ST_NO_MEMORY; or what out said. Give the message up then. */
enum status binary_door_feed(struct binary_door *d, struct slice octets);
/* The message is over: what was held comes out. As binary_door_feed(). */
enum status binary_door_end(struct binary_door *d);

#endif
