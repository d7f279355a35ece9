/*
 * What the supervise_*.c files share.
 */
#ifndef POSTROOM_SUPERVISE_PRIV_H
#define POSTROOM_SUPERVISE_PRIV_H

#include "postroom/certificates.h"
#include "postroom/children.h"
#include "postroom/launch.h"
#include "postroom/log_sink.h"
#include "postroom/sockets.h"

#include <limits.h>

#define CHILDREN_MAX 200
/* How often the certificate files are looked at. */
#define CERTIFICATE_LOOK_MS 2000

enum suite_phase {
	SUITE_STARTING,
	SUITE_SERVING,
	SUITE_ENDING_FRONT,	/* smtpd, popd, imapd finish */
	SUITE_ENDING_STORE,	/* then mailboxd and linkd */
	SUITE_ENDED,
};

struct suite {
	uv_loop_t loop;
	struct launch *launch;
	enum suite_phase phase;
	int exit_status;
	int lock;		/* of RUN/postroom.pid */
	struct buf config_text;	/* effective, as the daemons get it */
	struct certificates certificate_set;
	int64_t warned_day;	/* when one was last said to end soon */
	struct sockets sockets;
	struct socket_owners owners;
	struct log_sink *log;
	struct child children[CHILDREN_MAX];
	size_t count;
	uint32_t generation;
	uv_signal_t on_term, on_int, on_hup, on_child;
	uv_timer_t certificates;	/* looks at the files */
	uv_timer_t last;		/* the end of all patience */
	uv_poll_t input;		/* standard input, where its end ends us */
	bool has_input;
};

/* supervise.c: a line on standard error, or in the log once it serves. */
void suite_say(struct suite *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Begins the end; the process will return exit_status. */
void suite_stop(struct suite *s, int exit_status);

/* Writes RUN/state, which `postroom status` reads. */
void suite_write_state(const struct suite *s);

/* supervise_children.c */
enum status suite_make_children(struct suite *s, struct error *err);
/* Starts one; on failure it is tried again later. */
void suite_start_child(struct suite *s, struct child *c);
void suite_configure_children(struct suite *s);
bool suite_all_ready(const struct suite *s);
/* Reaps whatever ended. */
void suite_reap(struct suite *s);
void suite_close_children(struct suite *s);

/* supervise_users.c: whom the daemons become, who may connect. ST_NOT_FOUND: a
 * user does not exist, err says what to do. */
enum status suite_find_users(struct suite *s, struct error *err);
struct child_user suite_user_of(const struct suite *s, enum option_reader daemon);

#endif
