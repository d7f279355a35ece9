#include <config.h>

#include "common/daemon_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define DESCRIPTORS	65536
#define GROUPS_MAX	32
#define COUNTERS_MS	1000
#define STOPPING_MS	20	/* how often a stop looks whether it is done */
#define GRACE_MS	10000	/* at SIGTERM */

/* ---- configuration ------------------------------------------------------------ */

enum status daemon_configure(struct daemon *d, struct error *err)
{
	struct daemon_runtime *r = d->runtime;
	enum status st = r->refused.status;

	if (st != ST_OK) {
		*err = r->refused;
		tls_context_discard(d->tls);
	} else {
		st = tls_context_commit(d->tls, err);
	}
	if (st == ST_OK)
		st = d->ops->configure(d, buf_slice(&r->config), err);
	r->refused = (struct error){ 0 };
	r->has_config = false;
	return st;
}

/* ---- start --------------------------------------------------------------------- */

/* "uid:gid[,gid...]" */
static enum status become_user(const char *user, struct error *err)
{
	struct slice rest = slice_str(user), part;
	unsigned long long uid, gid[GROUPS_MAX];
	gid_t groups[GROUPS_MAX];
	size_t count = 0;

	slice_split(&rest, ':', &part);
	if (!slice_number(part, UINT32_MAX - 1, &uid))
		return error_set(err, ST_SYNTAX, "POSTROOM_USER");
	while (slice_split(&rest, ',', &part)) {
		if (count == GROUPS_MAX ||
		    !slice_number(part, UINT32_MAX - 1, &gid[count]))
			return error_set(err, ST_SYNTAX, "POSTROOM_USER");
		groups[count] = (gid_t)gid[count];
		count++;
	}
	if (count == 0)
		return error_set(err, ST_SYNTAX, "POSTROOM_USER");
	return proc_become((uid_t)uid, groups[0], groups + 1, count - 1, err);
}

static enum status drop_rights(struct daemon *d, pid_t parent, struct error *err)
{
	const char *directory = getenv("POSTROOM_DIRECTORY");
	const char *user = geteuid() == 0 ? getenv("POSTROOM_USER") : NULL;
	enum status st = ST_OK;

	if (directory)
		st = proc_enter(directory, user && !d->ops->keeps_root, err);
	if (st == ST_OK && user)
		st = become_user(user, err);
	if (st == ST_OK)
		st = proc_bind(d->ops->name, parent, err);
	return st;
}

static enum status close_others(struct daemon *d, struct error *err)
{
	int keep[PROC_SOCKETS_MAX + 1];
	size_t count = 0;

	keep[count++] = d->runtime->control;
	for (size_t i = 0; i < d->socket_count; i++)
		keep[count++] = d->sockets[i].fd;
	return proc_close_descriptors(keep, count, err);
}

static void preload_done(uv_work_t *work, int status)
{
	free(work);
}

static void preload_nothing(uv_work_t *work)
{
}

/* libuv makes its threads at the first piece of work, and aborts where it
 * cannot: so before the filter. */
static enum status start_threads(struct daemon *d, struct error *err)
{
	uv_work_t *work = calloc(1, sizeof *work);

	if (!work || uv_queue_work(&d->loop, work, preload_nothing, preload_done)) {
		free(work);
		return error_set(err, ST_NO_MEMORY, "threads");
	}
	return ST_OK;
}

static enum status open_loop(struct daemon *d, struct error *err)
{
	if (uv_loop_init(&d->loop))
		return error_set(err, ST_NO_MEMORY, "no loop");
	d->conns = conn_loop_new(&d->loop);
	return d->conns ? ST_OK : error_set(err, ST_NO_MEMORY, "no loop");
}

static enum status start(struct daemon *d, pid_t parent, struct error *err)
{
	enum status st = close_others(d, err);

	if (st == ST_OK)
		st = daemon_control_begin(d, err);
	if (st == ST_OK)
		st = proc_limit(DESCRIPTORS, d->ops->memory, err);
	if (st != ST_OK)
		return st;
	proc_preload();
	st = open_loop(d, err);
	if (st == ST_OK)
		st = daemon_configure(d, err);
	if (st == ST_OK)
		st = drop_rights(d, parent, err);
	if (st == ST_OK && d->ops->sandbox == PROC_SANDBOX_STORE)
		st = start_threads(d, err);
	if (st == ST_OK && d->ops->prepare)
		st = d->ops->prepare(d, err);
	if (st == ST_OK)
		st = proc_sandbox(d->ops->sandbox, err);
	if (st == ST_OK && d->ops->serve)
		st = d->ops->serve(d, err);
	return st;
}

/* ---- listeners ------------------------------------------------------------------- */

static enum status listen_on(struct daemon *d, const struct proc_socket *socket,
			     const struct listener_settings *settings,
			     struct error *err)
{
	struct daemon_runtime *r = d->runtime;
	struct daemon_listener *row = &r->listeners[r->listener_count];

	row->listener = listener_open(d->conns, socket->fd, settings, err);
	if (!row->listener)
		return err ? err->status : ST_NO_MEMORY;
	memcpy(row->name, socket->name, sizeof row->name);
	r->listener_count++;
	return ST_OK;
}

enum status daemon_listen(struct daemon *d, const char *name,
			  const struct listener_settings *settings,
			  struct error *err)
{
	struct daemon_runtime *r = d->runtime;
	enum status st = ST_NOT_FOUND;

	/* once they are open, a call gives them new settings */
	for (size_t i = 0; i < r->listener_count; i++)
		if (strcmp(r->listeners[i].name, name) == 0) {
			st = listener_set(r->listeners[i].listener, settings);
			if (st != ST_OK)
				return error_set(err, st, "listener %s", name);
		}
	if (st == ST_OK)
		return st;
	for (size_t i = 0; i < d->socket_count; i++)
		if (strcmp(d->sockets[i].name, name) == 0) {
			st = listen_on(d, &d->sockets[i], settings, err);
			if (st != ST_OK)
				return st;
		}
	if (st == ST_NOT_FOUND)
		return error_set(err, st, "no socket named %s was passed", name);
	return st;
}

/* ---- figures ----------------------------------------------------------------------- */

void daemon_count(struct buf *cells, const char *name, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);

	ipc_list_append(cells, slice_str(name));
	ipc_list_append(cells, slice_of(text, (size_t)n));
}

static void tell_counters(struct daemon *d)
{
	struct buf cells = BUF_INIT(IPC_PIECE_MAX);
	struct ipc_message m = { .type = IPC_TYPE_COUNTERS };

	daemon_count(&cells, "connections", conn_loop_count(d->conns));
	if (d->ops->counters)
		d->ops->counters(d, &cells);
	if (!slice_eq(buf_slice(&cells), buf_slice(&d->runtime->counters))) {
		m.counters.daemon = slice_str(d->ops->name);
		m.counters.pid = (uint32_t)getpid();
		m.counters.cells = buf_slice(&cells);
		daemon_tell(d, &m);
	}
	buf_free(&d->runtime->counters);
	d->runtime->counters = cells;
	if (d->ops->ticked)
		d->ops->ticked(d, buf_slice(&cells));
}

/* ---- the end ------------------------------------------------------------------------- */

static void second(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	struct daemon_runtime *r = d->runtime;

	if (!r->is_stopping) {
		tell_counters(d);
		return;
	}
	if (!d->ops->stop && conn_loop_count(d->conns) == 0)
		r->is_over = true;
	if (r->is_over || clock_ms() >= r->stop_due_ms)
		uv_stop(&d->loop);
}

static void kick(struct conn *c, void *data)
{
	struct ipc_message m = { .type = IPC_TYPE_KICK };

	m.kick.reason = SLICE("Server is shutting down");
	conn_event(c, &m);
}

void daemon_stop(struct daemon *d, unsigned grace_ms)
{
	struct daemon_runtime *r = d->runtime;

	if (r->is_stopping)
		return;
	r->is_stopping = true;
	r->stop_due_ms = clock_ms() + grace_ms;
	log_event("daemon.stopping", log_u64("ms", grace_ms));
	if (!r->is_started)
		return;
	for (size_t i = 0; i < r->listener_count; i++)
		listener_close(r->listeners[i].listener);
	r->listener_count = 0;
	if (d->ops->stop)
		d->ops->stop(d, grace_ms);
	else
		conn_each(d->conns, kick, NULL);
	uv_timer_start(&r->second, second, 0, STOPPING_MS);
}

void daemon_stopped(struct daemon *d)
{
	d->runtime->is_over = true;
	uv_timer_start(&d->runtime->second, second, 0, STOPPING_MS);
}

void daemon_fail(struct daemon *d, int status)
{
	log_warning("daemon.failed", log_u64("status", (uint64_t)status));
	_exit(status);
}

static void signalled(uv_signal_t *handle, int number)
{
	daemon_stop(handle->data, GRACE_MS);
}

static void open_handles(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	daemon_control_open(d);
	uv_timer_init(&d->loop, &r->second);
	uv_signal_init(&d->loop, &r->terminate);
	uv_signal_init(&d->loop, &r->interrupt);
	r->second.data = r->terminate.data = r->interrupt.data = d;
	uv_timer_start(&r->second, second, COUNTERS_MS, COUNTERS_MS);
	uv_signal_start(&r->terminate, signalled, SIGTERM);
}

/* From the first moment: Ctrl-C goes to the whole group, and postroom says when
 * to stop. */
static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static void close_handles(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	for (size_t i = 0; i < r->listener_count; i++)
		listener_close(r->listeners[i].listener);
	r->listener_count = 0;
	conn_loop_close(d->conns);
	if (d->ops->close)
		d->ops->close(d);
	daemon_control_close(d);
	uv_close((uv_handle_t *)&r->second, NULL);
	uv_close((uv_handle_t *)&r->terminate, NULL);
	uv_close((uv_handle_t *)&r->interrupt, NULL);
	/* a handle that somebody forgot must not keep the process */
	for (int turns = 0; turns < 1000 && uv_run(&d->loop, UV_RUN_NOWAIT); turns++)
		usleep(1000);
	uv_loop_close(&d->loop);
}

static void clear(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	if (d->ops->finish)
		d->ops->finish(d);
	tls_context_free(d->tls);
	buf_wipe(&r->in);
	buf_free(&r->out);
	buf_free(&r->config);
	buf_free(&r->counters);
	close(r->control);
}

static int exit_code(enum status st)
{
	return st == ST_CLOSED ? EX_OK : st == ST_NO_MEMORY ? EX_OSERR : EX_CONFIG;
}

static int run(struct daemon *d, pid_t parent)
{
	struct error err = { 0 };
	enum status st;

	st = start(d, parent, &err);
	daemon_control_ready(d, st, &err);
	if (st != ST_OK) {
		/* the process ends: what was begun ends with it */
		log_warning("daemon.failed", log_error(&err));
		return exit_code(st);
	}
	d->runtime->is_started = true;
	open_handles(d);
	log_event("daemon.ready", log_u64("generation", d->generation));
	uv_run(&d->loop, UV_RUN_DEFAULT);
	log_event("daemon.stopped");
	close_handles(d);
	clear(d);
	return EX_OK;
}

/* ---- main ------------------------------------------------------------------------------ */

static enum status environment(struct daemon *d, struct error *err)
{
	const char *time = getenv("POSTROOM_LOG_TIME");
	unsigned long long number;

	log_open(d->ops->name, 2, !(time && time[0] == '0'));
	if (!slice_number(slice_str(getenv("POSTROOM_CONTROL_FD")), INT32_MAX,
			  &number))
		return error_set(err, ST_NOT_FOUND,
				 "%s is started by postroom: see postroom(1)",
				 d->ops->name);
	d->runtime->control = (int)number;
	if (slice_number(slice_str(getenv("POSTROOM_WORKER")), 1000, &number))
		d->worker = (unsigned)number;
	return proc_sockets(d->sockets, &d->socket_count, err);
}

int daemon_main(const struct daemon_ops *ops, void *state, int argc, char **argv)
{
	static struct daemon_runtime runtime = {
		.in = BUF_INIT(4 * IPC_FRAME_MAX),
		.out = BUF_INIT(4 * IPC_FRAME_MAX),
		.config = BUF_INIT(DAEMON_CONFIG_MAX),
	};
	static struct daemon d;
	pid_t parent = getppid();
	struct error err = { 0 };

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s (postroom) %s\n", ops->name, PACKAGE_VERSION);
		return EX_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--sandbox-selftest") == 0)
		return proc_sandbox_selftest(ops->sandbox);
	d.ops = ops;
	d.state = state;
	d.runtime = &runtime;
	if (argc != 1 || environment(&d, &err) != ST_OK) {
		fprintf(stderr, "%s: %s\n", ops->name,
			argc != 1 ? "takes no arguments" : err.text);
		return EX_USAGE;
	}
	ignore_signals();
	d.tls = tls_context_new();
	if (!d.tls)
		return EX_OSERR;
	return run(&d, parent);
}
