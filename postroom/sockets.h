/*
 * The listening sockets of the suite: TCP as the configuration says, and the
 * Unix sockets of mailboxd and linkd. postroom binds them all before it starts a daemon,
 * which is the only step that may need root; systemd may have bound some
 * already (LISTEN_FDS).
 */
#ifndef POSTROOM_SOCKETS_H
#define POSTROOM_SOCKETS_H

#include "common/config.h"
#include "common/proc.h"
#include "common/status.h"

#include <sys/types.h>

#define SOCKETS_MAX 128

struct suite_socket {
	int fd;
	char name[64];		/* the listen title, or lmtp auth store control */
	enum option_reader daemon;
	char address[128];	/* "127.0.0.1:2525", "[::1]:2525"; of a Unix socket
				 * its path */
};

struct sockets {
	struct suite_socket items[SOCKETS_MAX];
	size_t count;
};

/* Who may connect to the Unix sockets when the daemons have users of their own;
 * (gid_t)-1 leaves the group, (uid_t)-1 the owner, as they are. */
struct socket_owners {
	uid_t owner;
	uid_t link;	/* of what linkd offers */
	gid_t lmtp, auth, access;
};

/*
 * Binds and listens. passed: what systemd handed over, taken by name instead of
 * binding. run: the directory of the Unix sockets, absolute. On failure err says
 * which address, why, and what to do; sockets_close() is still due.
 */
enum status sockets_open(struct sockets *s, const struct config *config,
			 const struct proc_socket *passed, size_t passed_count,
			 const char *run, const struct socket_owners *owners,
			 struct error *err);
void sockets_close(struct sockets *s);
/* The address of the first socket of that name, or NULL. */
const char *sockets_address(const struct sockets *s, const char *name);

#endif
