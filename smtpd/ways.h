/*
 * The LMTP servers of this process by route (smtpd/route.h): mailboxd is 0, each
 * `route` section one more, reached through its socket of linkd's. A route keeps its
 * number and its client for as long as the process lives; what domains go there is
 * read again at each reload. One that a reload leads another way (over TLS, in clear)
 * is another one: no promise of the old holds for it.
 */
#ifndef SMTPD_WAYS_H
#define SMTPD_WAYS_H

#include "common/config.h"
#include "common/lmtp_client.h"
#include "smtpd/route.h"

struct ways {
	struct conn_loop *loop;
	struct lmtp_client_settings settings;	/* of all, but for path, way, state */
	struct way {
		struct ways *of;
		char title[64];		/* "": mailboxd */
		enum lmtp_way how;
		struct lmtp_client *client;
	} rows[SMTP_ROUTES_MAX];
	size_t count;
	enum status states[SMTP_ROUTES_MAX];
	/* Called when states[0] changed. */
	void (*changed)(void *context, enum status state);
	void *context;
};

/* Opens that of mailboxd; settings as they are for all, w->changed is set.
 * ST_NO_MEMORY. */
enum status ways_open(struct ways *w, struct conn_loop *loop, const struct config *c,
		      const struct lmtp_client_settings *settings);
/* The table of c, whose servers are opened where they are new. *out: NULL where c has
 * no route. ST_SYNTAX, ST_LIMIT, ST_NO_MEMORY: err says why. */
enum status ways_read(struct ways *w, const struct config *c, struct smtp_routes **out,
		      struct error *err);
struct lmtp_client *ways_client(void *ways, unsigned route);
void ways_close(struct ways *w);

#endif
