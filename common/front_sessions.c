/*
 * The service connection of a front: every session is told when it begins, logs
 * in and ends, the figures each second, and kicks are passed to the engines.
 */
#include "common/front_priv.h"

#include <unistd.h>

static void tell(struct front *f, const struct conn *c, const struct engine *e)
{
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_SESSION };
	const struct peer_info *peer = conn_peer(c);

	m.service_session = (struct ipc_service_session){
		.sid = e->sid,
		.service = slice_str(f->ops->protocol),
		.door = slice_str(e->door),
		.address = slice_str(peer->address),
		.tls = slice_str(peer->tls_version),
		.login = e->login,
		.account = e->account,
		.since = e->since_ms,
	};
	service_link_tell(f->link, &m);
}

void front_session_began(struct front_door *door, struct conn *c,
			 struct engine *e)
{
	e->door = door->title;
	door->front->counts.sessions++;
	tell(door->front, c, e);
}

void front_session_logged_in(struct front_door *door, struct conn *c)
{
	door->front->counts.logins++;
	tell(door->front, c, conn_engine(c));
}

void front_session_ended(struct front_door *door, struct conn *c)
{
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_END };

	m.service_end.sid = conn_engine(c)->sid;
	service_link_tell(door->front->link, &m);
}

/* ---- the link ------------------------------------------------------------------- */

static void tell_again(struct conn *c, void *data)
{
	struct front *f = data;
	const struct engine *e = conn_engine(c);

	if (e)
		tell(f, c, e);
}

/* mailboxd knows nothing of us: all sessions, and the figures as they come. */
static void link_up(void *context)
{
	struct front *f = context;

	f->figures.len = 0;
	conn_each(f->daemon->conns, tell_again, f);
}

static void pass_event(struct conn *c, void *data)
{
	conn_event(c, data);
}

static void link_event(void *context, const struct ipc_message *m)
{
	struct front *f = context;
	struct ipc_message event = *m;

	if (m->type == IPC_TYPE_SERVICE_KICK)
		conn_each(f->daemon->conns, pass_event, &event);
}

enum status front_sessions_open(struct front *f, struct daemon *d)
{
	if (f->link)
		return ST_OK;
	f->daemon = d;
	f->figures.max = IPC_PIECE_MAX;
	f->link_settings = (struct service_link_settings){
		.path = f->ops->service_socket, .name = d->ops->name,
		.up = link_up, .event = link_event, .context = f,
	};
	f->link = service_link_open(d->conns, &f->link_settings);
	return f->link ? ST_OK : ST_NO_MEMORY;
}

enum status front_tell(struct front *f, const struct ipc_message *m)
{
	return service_link_is_pressed(f->link) ? ST_UNAVAILABLE
						: service_link_tell(f->link, m);
}

/* ---- for struct daemon_ops ---------------------------------------------------------- */

void front_counters(struct daemon *d, struct buf *cells)
{
	const struct front *f = d->state;

	daemon_count(cells, "sessions", f->counts.sessions);
	daemon_count(cells, "logins", f->counts.logins);
}

void front_ticked(struct daemon *d, struct slice cells)
{
	struct front *f = d->state;
	struct ipc_message m = { .type = IPC_TYPE_COUNTERS };

	if (slice_eq(cells, buf_slice(&f->figures)))
		return;
	m.counters = (struct ipc_counters){
		.daemon = slice_str(d->ops->name), .pid = (uint32_t)getpid(),
		.cells = cells,
	};
	if (service_link_tell(f->link, &m) != ST_OK)
		return;
	f->figures.len = 0;
	buf_append(&f->figures, cells);
}

void front_close(struct daemon *d)
{
	struct front *f = d->state;

	service_link_close(f->link);
	f->link = NULL;
	buf_free(&f->figures);
}
