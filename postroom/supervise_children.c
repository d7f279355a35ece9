#include <config.h>

#include "postroom/supervise_priv.h"

#include "postroom/programs.h"
#include "postroom/ready.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const struct child_kind kinds[] = {
	{ "mailboxd", R_MAILBOXD },
	{ "smtpd", R_SMTPD },
	{ "popd", R_POPD },
	{ "imapd", R_IMAPD },
	{ "linkd", R_LINKD },
};

static struct suite *suite_of(struct child *c)
{
	return c->owner;
}

static bool is_ending(const struct suite *s)
{
	return s->phase >= SUITE_ENDING_FRONT;
}

void suite_start_child(struct suite *s, struct child *c)
{
	struct error err = { 0 };
	char program[PATH_MAX + 64];

	if (program_find(c->kind->name, program, sizeof program, &err) != ST_OK ||
	    child_start(c, program, &s->sockets, log_sink_fd(s->log),
			log_sink_wants_time(s->log), &err) != ST_OK) {
		suite_say(s, "%s", err.text);
		suite_stop(s, EX_OSERR);
		return;
	}
	child_configure(c, buf_slice(&s->config_text), &s->certificate_set, s->generation);
	suite_write_state(s);
}

static void on_restart(uv_timer_t *timer)
{
	struct child *c = timer->data;

	if (!is_ending(suite_of(c)))
		suite_start_child(suite_of(c), c);
}

/* Before all of it served, a daemon that cannot start ends the start. */
static void on_ready(struct child *c, enum status code, struct slice text)
{
	struct suite *s = suite_of(c);

	if (code != ST_OK)
		suite_say(s, "%s: %.*s", c->kind->name, SLICE_ARG(text));
	if (code != ST_OK && s->phase == SUITE_STARTING)
		suite_stop(s, EX_CONFIG);
	suite_write_state(s);
}

static void describe(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(text, room, "signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 127)
		snprintf(text, room, "its program was not found");
	else
		snprintf(text, room, "status %d", WEXITSTATUS(status));
}

static void on_ended(struct child *c, int status)
{
	struct suite *s = suite_of(c);
	char why[80];
	int64_t pause;

	describe(status, why, sizeof why);
	if (s->phase == SUITE_STARTING) {
		suite_say(s, "%s ended before it was ready: %s", c->kind->name, why);
		suite_stop(s, EX_SOFTWARE);
	}
	if (is_ending(s)) {
		suite_stop(s, s->exit_status);	/* perhaps that was the last one */
		return;
	}
	pause = backoff_pause(&c->backoff, child_served(c),
			      s->launch->profile == PROFILE_TEST ? BACKOFF_TEST_MS
								 : BACKOFF_MOST_MS);
	c->restarts++;
	suite_say(s, "%s ended: %s; it starts again in %lld ms", c->kind->name, why,
		  (long long)pause);
	suite_write_state(s);
	uv_timer_start(&c->restart, on_restart, (uint64_t)pause, 0);
}

static const struct child_events events = { .ready = on_ready, .ended = on_ended };

static bool has_socket(const struct suite *s, enum option_reader daemon)
{
	for (size_t i = 0; i < s->sockets.count; i++)
		if (s->sockets.items[i].daemon == daemon)
			return true;
	return false;
}

/* Those whose sockets are there; a server without POP3 needs no popd. */
enum status suite_make_children(struct suite *s, struct error *err)
{
	uint64_t workers = config_number(s->launch->config, OPTION_WORKERS);
	char program[PATH_MAX + 64];
	enum status st = program_find("mailboxd", program, sizeof program, err);

	for (size_t i = 0; st == ST_OK && i < sizeof kinds / sizeof *kinds; i++) {
		bool is_store = kinds[i].daemon == R_MAILBOXD;
		bool is_one = is_store || kinds[i].daemon == R_LINKD;

		if (!has_socket(s, kinds[i].daemon))
			continue;
		for (unsigned w = 0; w < (is_one ? 1 : workers) &&
		     s->count < CHILDREN_MAX; w++) {
			struct child *c = &s->children[s->count++];

			c->kind = &kinds[i];
			c->events = &events;
			c->owner = s;
			c->worker = w;
			c->user = suite_user_of(s, kinds[i].daemon);
			c->directory = is_store ? s->launch->data : s->launch->run;
			/* the run directory is memory on most hosts */
			if (c->kind->daemon == R_SMTPD)
				c->spool = s->launch->data;
			child_init(c, &s->loop);
		}
	}
	return st;
}

void suite_configure_children(struct suite *s)
{
	for (size_t i = 0; i < s->count; i++)
		child_configure(&s->children[i], buf_slice(&s->config_text),
				&s->certificate_set, s->generation);
}

bool suite_all_ready(const struct suite *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->children[i].state != CHILD_READY)
			return false;
	return true;
}

void suite_reap(struct suite *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < s->count; i++)
			if (s->children[i].pid == pid)
				child_reaped(&s->children[i], status);
}

void suite_close_children(struct suite *s)
{
	for (size_t i = 0; i < s->count; i++)
		child_close(&s->children[i]);
}
