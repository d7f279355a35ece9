/*
 * What a sender asks for by DSN (RFC 3461 section 4): the values of NOTIFY, ORCPT,
 * RET and ENVID. No I/O.
 */
#ifndef COMMON_DSN_H
#define COMMON_DSN_H

#include "common/arena.h"
#include "common/buf.h"

#include <stdbool.h>

#define DSN_ENVID_MAX	100	/* as written, section 4.4 */
#define DSN_ORCPT_MAX	500	/* section 4.2 */

enum dsn_notify {
	DSN_NEVER = 1,
	DSN_SUCCESS = 2,
	DSN_FAILURE = 4,
	DSN_DELAY = 8,
};

/* Section 4.1: NEVER alone, or a list. False: malformed. */
bool dsn_notify(struct slice value, unsigned *notify);
/* Appends it as a list. */
void dsn_notify_render(unsigned notify, struct buf *out);

enum dsn_ret { DSN_RET_NONE, DSN_RET_FULL, DSN_RET_HDRS };
/* Section 4.3: FULL or HDRS. */
bool dsn_ret(struct slice value, enum dsn_ret *ret);
/* Section 4.4: appends the identifier, decoded: printable ASCII. */
bool dsn_envid(struct slice value, struct buf *out);
/* Section 4.2: appends "rfc822;ann@example.org", decoded: printable ASCII. */
bool dsn_orcpt(struct slice value, struct buf *out);
/* The value as read(), one of the two above, means it, in the arena. False: malformed, or
 * the arena is full; then *text is as it was. */
bool dsn_decode(struct slice value, bool (*read)(struct slice value, struct buf *out),
		struct arena *arena, struct slice *text);
/* Appends it as it was written. */
void dsn_orcpt_render(struct slice text, struct buf *out);

#endif
