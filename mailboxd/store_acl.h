/* Rights on mailboxes. Part of store.h. */
#ifndef MAILBOXD_STORE_ACL_H
#define MAILBOXD_STORE_ACL_H

#include "common/buf.h"
#include "common/ipc_messages.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

/* What an account may do with a mailbox (RFC 4314 section 2.1), by letter. */
enum store_right {
	STORE_RIGHT_LOOKUP	= 1u << 0,	/* l */
	STORE_RIGHT_READ	= 1u << 1,	/* r */
	STORE_RIGHT_SEEN	= 1u << 2,	/* s */
	STORE_RIGHT_WRITE	= 1u << 3,	/* w */
	STORE_RIGHT_INSERT	= 1u << 4,	/* i */
	STORE_RIGHT_POST	= 1u << 5,	/* p: no verb asks for it */
	STORE_RIGHT_CREATE	= 1u << 6,	/* k */
	STORE_RIGHT_DELETE	= 1u << 7,	/* x */
	STORE_RIGHT_TRASH	= 1u << 8,	/* t: \Deleted */
	STORE_RIGHT_EXPUNGE	= 1u << 9,	/* e */
	STORE_RIGHT_ADMIN	= 1u << 10,	/* a */
};
#define STORE_RIGHTS_ALL	0x7ffu
#define STORE_RIGHTS_OCTETS	13u	/* all letters, with c and d */

/* Letters in any order; c and d stand for what section 2.1.1 says. ST_SYNTAX: an
 * unknown one, an upper case one. */
enum status store_rights_parse(struct slice letters, uint32_t *rights);
/* Appends the letters, with d and c where a right they stand for is there. */
enum status store_rights_render(uint32_t rights, struct buf *out);

/* The owner has all, always; others what they were given. ST_NOT_FOUND: no such
 * mailbox. */
enum status store_acl_rights(struct tx *tx, uint64_t mailbox, uint64_t account,
			     uint32_t *rights);
/*
 * Gives `account` these rights, adds them to its own, or takes them away; who has
 * none is forgotten. by: the account that does it. ST_DENIED: it may not
 * administer the mailbox, or would change what the owner has; ST_NOT_FOUND: no
 * such mailbox or account; ST_LIMIT: STORE_ACL_MAX have rights already.
 */
#define STORE_ACL_MAX 1000u
enum status store_acl_set(struct tx *tx, uint64_t by, uint64_t mailbox,
			  uint64_t account, enum ipc_store_mode mode,
			  uint32_t rights);
typedef enum status store_acl_fn(void *arg, uint64_t account, struct slice name,
				 uint32_t rights);
/* The owner first, then the others by name. ST_DENIED: `by` may not administer
 * it; ST_NOT_FOUND. */
enum status store_acl_list(struct tx *tx, uint64_t by, uint64_t mailbox,
			   store_acl_fn *row, void *arg);

#endif
