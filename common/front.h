/*
 * What smtpd, popd and imapd have in common: from the configuration to
 * listeners that make engines, and the service connection over which mailboxd
 * hears of their sessions and ends them. A daemon adds a table (struct front_ops); one
 * *door* is one `listen` section as it is configured now, and lives as long as
 * a connection that came through it.
 */
#ifndef COMMON_FRONT_H
#define COMMON_FRONT_H

#include "common/config.h"
#include "common/daemon.h"
#include "common/service_link.h"

struct front;

struct front_door {
	unsigned references;
	struct front *front;
	struct front_door *next;	/* of all that live */
	char *title;
	struct listen_settings listen;
	bool has_starttls;	/* a certificate is there, and TLS not implicit */
	void *settings;		/* the daemon's own, by ops->settings_new */
};

struct front_ops {
	const char *protocol;		/* log lines, ALPN, `who` */
	const char *service_socket;	/* of the service connection: "auth.sock" */
	enum option_reader reader;	/* whose `listen` sections these are */
	/* Half of the connections at most may be without a login. */
	bool has_login;
	const char *const *refusals;	/* by enum limits_verdict */
	/* What engines of this door are made from; hostname is the one to tell,
	 * and lives as long as the door. NULL: memory is short. */
	void *(*settings_new)(const struct front_door *door,
			      const struct config *c, const char *hostname);
	void (*settings_free)(void *settings);
	struct engine *(*engine_new)(struct front_door *door,
				     const struct peer_info *peer);
	struct backend *(*backend_new)(struct front_door *door, struct conn *c,
				       struct engine *e);
	/* A configuration was taken into use. May be NULL. */
	void (*configured)(struct front *front, const struct config *c);
};

struct front_counts {
	uint64_t sessions, logins;
};

struct front {
	const struct front_ops *ops;
	struct service_link *link;	/* sessions, figures, kicks */
	struct service_link_settings link_settings;
	struct daemon *daemon;
	struct front_counts counts;
	struct buf figures;	/* as mailboxd was told */
	struct config *config;
	char hostname[256];
	struct limits *limits;
	struct netset *trusted;
	struct front_door *doors;
	bool is_serving;
};

/* Tells mailboxd an event (service_link.h). ST_UNAVAILABLE: not now, nor later. */
enum status front_tell(struct front *f, const struct ipc_message *m);

/* For struct daemon_ops; d->state is a struct front whose ops are set. */
enum status front_configure(struct daemon *d, struct slice text,
			    struct error *err);
enum status front_serve(struct daemon *d, struct error *err);
void front_counters(struct daemon *d, struct buf *cells);
void front_ticked(struct daemon *d, struct slice cells);
void front_close(struct daemon *d);
void front_finish(struct daemon *d);

#endif
