#include <config.h>

#include "postroom/supervise.h"

#include "common/clock.h"
#include "common/date.h"
#include "postroom/files.h"
#include "postroom/provision.h"
#include "postroom/ready.h"
#include "postroom/supervise_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CONFIG_TEXT_MAX ((size_t)16 << 20)
/* After the grace the daemons end by themselves; then they are killed. */
#define LAST_PATIENCE_MS 3000

void suite_say(struct suite *s, const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	dprintf(s->phase == SUITE_STARTING || !s->log ? STDERR_FILENO
						      : log_sink_fd(s->log),
		"postroom: %s\n", text);
}

/* ---- the end -------------------------------------------------------------------- */

static bool is_front(const struct child *c)
{
	return c->kind->daemon != R_MAILBOXD && c->kind->daemon != R_LINKD;
}

/* Whether one of this side still runs. */
static bool has_running(const struct suite *s, bool front)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].has_control && is_front(&s->children[i]) == front)
			return true;
	return false;
}

static void stop_side(struct suite *s, bool front)
{
	uint64_t grace = config_number(s->launch->config, OPTION_TIMES_GRACE);

	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].has_control && is_front(&s->children[i]) == front)
			child_stop(&s->children[i], (uint32_t)grace);
}

static void kill_all(struct suite *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].pid)
			kill(s->children[i].pid, SIGKILL);
}

static void on_last(uv_timer_t *timer)
{
	kill_all(timer->data);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void end(struct suite *s)
{
	s->phase = SUITE_ENDED;
	log_sink_close(s->log);
	s->log = NULL;
	suite_close_children(s);
	uv_walk(&s->loop, close_handle, NULL);
}

/*
 * The front daemons first, so that what they have in flight is still answered by
 * mailboxd; then mailboxd, and linkd which may lead to it. Called again whenever one has ended.
 */
void suite_stop(struct suite *s, int exit_status)
{
	uint64_t grace = config_number(s->launch->config, OPTION_TIMES_GRACE);

	if (s->phase < SUITE_ENDING_FRONT) {
		s->exit_status = exit_status;
		s->phase = SUITE_ENDING_FRONT;
		ready_notify("STOPPING=1");
		uv_timer_start(&s->last, on_last, 2 * grace + LAST_PATIENCE_MS, 0);
		stop_side(s, true);
	}
	if (s->phase == SUITE_ENDING_FRONT && !has_running(s, true)) {
		s->phase = SUITE_ENDING_STORE;
		stop_side(s, false);
	}
	if (s->phase == SUITE_ENDING_STORE && !has_running(s, false))
		end(s);
}

static void on_stop_signal(uv_signal_t *handle, int number)
{
	struct suite *s = handle->data;

	(void)number;
	if (s->phase >= SUITE_ENDING_FRONT)
		kill_all(s);
	else
		suite_stop(s, EX_OK);
}

void suite_write_state(const struct suite *s)
{
	ready_write_state(s->launch->run, s->children, s->count,
			  &s->certificate_set);
}

/* ---- configuration and certificates ----------------------------------------------- */

static enum status render_config(struct suite *s, const struct config *config,
				 struct error *err)
{
	struct buf text = BUF_INIT(CONFIG_TEXT_MAX);

	if (config_dump(config, false, &text) != ST_OK) {
		buf_free(&text);
		return error_set(err, ST_NO_MEMORY, "the configuration is too large");
	}
	buf_free(&s->config_text);
	s->config_text = text;
	return ST_OK;
}

static void send_all(struct suite *s)
{
	s->generation++;
	suite_configure_children(s);
}

/* What cannot be taken up leaves everything as it is. */
static void reload(struct suite *s)
{
	struct launch *l = s->launch;
	struct buf mistakes = BUF_INIT(100000);
	struct error err = { 0 };
	struct config *fresh = NULL;

	if (log_sink_reopen(s->log, &err) != ST_OK)
		suite_say(s, "reload: %s; the log goes on in the old file", err.text);
	if (launch_configure(l, &fresh, &mistakes) != ST_OK) {
		suite_say(s, "reload: the configuration stays as it was:\n%.*s",
			  SLICE_ARG(buf_slice(&mistakes)));
	} else if (render_config(s, fresh, &err) == ST_OK) {
		config_free(l->config);
		l->config = fresh;
		fresh = NULL;
	}
	config_free(fresh);
	buf_free(&mistakes);
	if (certificates_read(&s->certificate_set, l->config, l->cert, l->key, &err) != ST_OK)
		suite_say(s, "reload: the certificates stay as they were: %s", err.text);
	send_all(s);
}

static void on_reload_signal(uv_signal_t *handle, int number)
{
	struct suite *s = handle->data;

	(void)number;
	if (s->phase == SUITE_SERVING)
		reload(s);
}

/* Once a day. */
static void warn_of_ends(struct suite *s)
{
	int64_t today = date_day_at(clock_wall_seconds(), 0);

	if (s->warned_day == today)
		return;
	s->warned_day = today;
	suite_write_state(s);
	for (size_t i = 0; i < s->certificate_set.count; i++) {
		const struct certificate *c = &s->certificate_set.items[i];
		long days = certificate_days(c);

		if (days < 0)
			suite_say(s, "the %s certificate has ended: put a new one at "
				  "%s; no reload is needed", certificate_title(c),
				  c->chain_path);
		else if (days <= CERTIFICATE_WARN_DAYS)
			suite_say(s, "the %s certificate ends in %ld days: put a new "
				  "one at %s; no reload is needed",
				  certificate_title(c), days, c->chain_path);
	}
}

static void on_certificates(uv_timer_t *timer)
{
	struct suite *s = timer->data;
	struct launch *l = s->launch;
	struct error err = { 0 };

	if (s->phase != SUITE_SERVING)
		return;
	warn_of_ends(s);
	if (!certificates_changed(&s->certificate_set))
		return;
	/* chain and key are written one after the other: a pair that does not
	 * match yet is looked at again */
	if (certificates_read(&s->certificate_set, l->config, l->cert, l->key,
			      &err) != ST_OK)
		return;
	s->warned_day = 0;
	suite_write_state(s);
	send_all(s);
}

/* ---- ready ---------------------------------------------------------------------------- */

static void tell_ready(struct suite *s)
{
	const struct launch *l = s->launch;
	struct buf line = BUF_INIT(65536);
	struct error err = { 0 };

	if (ready_line(&s->sockets, s->children, s->count, l->state, l->ca, &line) != ST_OK)
		suite_say(s, "no memory for the ready line");
	if (l->ready && file_write(l->ready, buf_slice(&line), 0644, &err) != ST_OK)
		suite_say(s, "--ready: %s", err.text);
	if (l->profile == PROFILE_TEST) {
		fwrite(line.data, 1, line.len, stdout);
		fflush(stdout);
	} else {
		suite_say(s, "ready: %s", l->profile == PROFILE_LAB
				? sockets_address(&s->sockets, "smtp")
				: config_text(l->config, OPTION_HOSTNAME));
	}
	buf_free(&line);
	ready_notify("READY=1");
}

static void on_all_ready(struct suite *s)
{
	const struct launch *l = s->launch;
	struct error err = { 0 };

	if (provision(l->run, l->users, l->user_count,
		      &err) != ST_OK) {
		suite_say(s, "%s", err.text);
		suite_stop(s, EX_SOFTWARE);
		return;
	}
	tell_ready(s);
	s->phase = SUITE_SERVING;
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct suite *s = prepare->data;

	if (s->phase == SUITE_STARTING && suite_all_ready(s))
		on_all_ready(s);
}

static void on_child_signal(uv_signal_t *handle, int number)
{
	(void)number;
	suite_reap(handle->data);
}

/* ---- standard input ---------------------------------------------------------------------- */

static void on_input(uv_poll_t *poll, int status, int got)
{
	struct suite *s = poll->data;
	char piece[4096];
	ssize_t n = read(STDIN_FILENO, piece, sizeof piece);

	(void)status;
	(void)got;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	uv_poll_stop(poll);
	suite_stop(s, EX_OK);
}

/* Only a pipe or a socket says by its end that the one who started us is gone. */
static void watch_input(struct suite *s)
{
	struct stat st;

	if (s->launch->profile != PROFILE_TEST || s->launch->stay ||
	    fstat(STDIN_FILENO, &st) || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	if (uv_poll_init(&s->loop, &s->input, STDIN_FILENO) == 0) {
		s->input.data = s;
		uv_poll_start(&s->input, UV_READABLE, on_input);
	}
}

/* ---- start --------------------------------------------------------------------------------- */

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void watch_signal(struct suite *s, uv_signal_t *handle, uv_signal_cb cb,
			 int number)
{
	uv_signal_init(&s->loop, handle);
	handle->data = s;
	uv_signal_start(handle, cb, number);
}

static int start_failed(struct suite *s, const struct error *err)
{
	suite_say(s, "%s", err->text);
	return err->status == ST_NOT_FOUND || err->status == ST_SYNTAX ? EX_CONFIG
	     : err->status == ST_DENIED ? EX_NOPERM : EX_OSERR;
}

static enum status prepare_suite(struct suite *s, struct error *err)
{
	struct proc_socket passed[PROC_SOCKETS_MAX];
	struct launch *l = s->launch;
	size_t count = 0;
	enum status st = ready_lock(l->run, &s->lock, err);

	if (st == ST_OK)
		st = render_config(s, l->config, err);
	if (st == ST_OK)
		st = certificates_read(&s->certificate_set, l->config, l->cert,
				       l->key, err);
	if (st == ST_OK)
		st = suite_find_users(s, err);
	if (st == ST_OK)
		st = proc_sockets(passed, &count, err);
	if (st == ST_OK)
		st = sockets_open(&s->sockets, l->config, passed, count, l->run,
				  &s->owners, err);
	if (st == ST_OK)
		st = log_sink_open(&s->loop, config_text(l->config, OPTION_LOG), &s->log,
				   err);
	if (st == ST_OK)
		st = suite_make_children(s, err);
	return st;
}

static void start_all(struct suite *s, uv_prepare_t *prepare)
{
	watch_signal(s, &s->on_term, on_stop_signal, SIGTERM);
	watch_signal(s, &s->on_int, on_stop_signal, SIGINT);
	watch_signal(s, &s->on_hup, on_reload_signal, SIGHUP);
	watch_signal(s, &s->on_child, on_child_signal, SIGCHLD);
	uv_timer_init(&s->loop, &s->last);
	s->last.data = s;
	uv_timer_init(&s->loop, &s->certificates);
	s->certificates.data = s;
	uv_timer_start(&s->certificates, on_certificates, CERTIFICATE_LOOK_MS,
		       CERTIFICATE_LOOK_MS);
	uv_prepare_init(&s->loop, prepare);
	prepare->data = s;
	uv_prepare_start(prepare, on_prepare);
	watch_input(s);
	s->generation = 1;
	for (size_t i = 0; i < s->count && s->phase == SUITE_STARTING; i++)
		suite_start_child(s, &s->children[i]);
}

static void forget_files(const struct launch *l)
{
	static const char *const names[] = { "state", "postroom.pid" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = path_join(l->run, names[i]);

		if (path)
			unlink(path);
		free(path);
	}
}

int supervise(struct launch *l)
{
	struct suite *s = calloc(1, sizeof *s);
	uv_prepare_t prepare;
	struct error err = { 0 };
	int status;

	if (!s)
		return EX_OSERR;
	s->launch = l;
	s->lock = -1;
	uv_loop_init(&s->loop);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	if (prepare_suite(s, &err) == ST_OK) {
		start_all(s, &prepare);
		uv_run(&s->loop, UV_RUN_DEFAULT);
	} else {
		s->exit_status = start_failed(s, &err);
		log_sink_close(s->log);
		suite_close_children(s);
		uv_run(&s->loop, UV_RUN_DEFAULT);
	}
	sockets_close(&s->sockets);
	if (s->lock >= 0) {
		forget_files(l);
		close(s->lock);
	}
	certificates_clear(&s->certificate_set);
	buf_free(&s->config_text);
	uv_loop_close(&s->loop);
	status = s->exit_status;
	free(s);
	return status;
}
