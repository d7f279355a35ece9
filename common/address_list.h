/*
 * Walks the addresses of From:, To: and the like (RFC 5322 section 3.4 with the
 * obsolete forms of 4.4), as ENVELOPE shows them. Encoded words stay as they
 * are. Whatever stands there yields addresses, with empty parts if need be.
 */
#ifndef COMMON_ADDRESS_LIST_H
#define COMMON_ADDRESS_LIST_H

#include "common/buf.h"

#include <stdbool.h>

enum list_address_kind {
	LIST_MAILBOX,
	LIST_GROUP,		/* a group begins: its name in mailbox */
	LIST_GROUP_END,
};

/* Texts are good until the next call. */
struct list_address {
	enum list_address_kind kind;
	struct slice name;	/* display name, else a comment; empty: none */
	struct slice route;	/* "@a,@b"; empty: none */
	struct slice mailbox;	/* local part, without quotes */
	struct slice host;	/* empty where there is none */
};

struct address_list {
	struct slice in;
	bool in_group;
	struct buf name, comment, route, mailbox, host;
};

void address_list_init(struct address_list *l);
void address_list_clear(struct address_list *l);
/* Another field body begins; an open group of the last one is over. */
void address_list_begin(struct address_list *l, struct slice body);
/* ST_OK: the next address. ST_NOT_FOUND: there is none. ST_NO_MEMORY. */
enum status address_list_next(struct address_list *l, struct list_address *a);

#endif
