/*
 * Where linkd may carry connections, as one configuration has it: a target for
 * each socket that it offers (common/links.h), and the sockets of mailboxd that
 * other hosts reach through a listener with protocol link.
 */
#ifndef LINKD_TARGETS_H
#define LINKD_TARGETS_H

#include "common/buf.h"
#include "common/links.h"
#include "common/tls_peer.h"

#include <sys/socket.h>
#include <sys/types.h>

#define TARGET_UIDS_MAX		8
#define TARGET_OFFERS_MAX	8
#define TARGET_ADDRESSES_MAX	8

struct target {
	struct link_row row;
	struct sockaddr_storage addresses[TARGET_ADDRESSES_MAX];
	size_t address_count, address;	/* the one that is used */
	struct tls_peer *tls;	/* NULL: in clear */
	char alpn[64];		/* "": none */
	uid_t uids[TARGET_UIDS_MAX];	/* who may connect; never none */
	size_t uid_count;
	/* It could not be reached: until then nobody waits for another attempt. */
	int64_t away_until_ms;
	bool is_away;		/* and that was logged */
};

struct targets {
	unsigned references;
	struct config *config;
	struct target rows[LINK_ROWS_MAX];
	size_t count;
	struct target offers[TARGET_OFFERS_MAX];	/* row.socket: their names */
	size_t offer_count;
	struct tls_peer *door;	/* towards those who connect; NULL: nobody may */
	int64_t connect_ms, handshake_ms, stalled_ms;
	unsigned connections;	/* carried at once */
};

/* What postroom sent beside the configuration. */
struct target_files {
	struct buf chain, key;	/* ours */
	struct {
		char name[64];
		struct buf pem;
	} authorities[LINK_ROWS_MAX];
	size_t authority_count;
};

/*
 * Of this configuration, with one reference. Names of hosts and users are looked up
 * at the start, when before is NULL: there may be no file to open and no other
 * thread later. before: those in use, whose addresses and uids go on.
 * ST_SYNTAX, ST_NO_MEMORY: err says what is wrong.
 */
enum status targets_new(struct slice text, const struct target_files *files,
			const struct targets *before, struct targets **out,
			struct error *err);
struct targets *targets_hold(struct targets *t);
void targets_release(struct targets *t);
/* What other hosts know as that name; NULL: it is not offered. */
struct target *targets_offer(struct targets *t, struct slice name);

/* Takes a piece of an authority. ST_LIMIT, ST_NO_MEMORY. */
enum status target_files_add(struct target_files *f, struct slice name,
			     struct slice pem);
void target_files_clear(struct target_files *f);

#endif
