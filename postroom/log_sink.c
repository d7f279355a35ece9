#include <config.h>

#include "postroom/log_sink.h"

#include "common/buf.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

struct log_sink {
	enum { SINK_STDERR, SINK_SYSLOG, SINK_FILE } kind;
	char path[PATH_MAX];
	int file;		/* SINK_FILE */
	int pipe_in;		/* what the daemons write to; -1: standard error */
	int pipe_out;
	uv_poll_t poll;
	struct buf partial;	/* a line without its end */
};

static void put_line(struct log_sink *s, struct slice line)
{
	if (s->kind == SINK_SYSLOG)
		syslog(LOG_INFO, "%.*s", SLICE_ARG(slice_head(line, 8000)));
}

static void put(struct log_sink *s, struct slice octets)
{
	if (s->kind == SINK_FILE) {
		/* a log that cannot be written must not stop the mail */
		if (write(s->file, octets.data, octets.len) < 0)
			return;
		return;
	}
	buf_append(&s->partial, octets);
	for (;;) {
		struct slice have = buf_slice(&s->partial);
		size_t end = slice_index(have, '\n');

		if (end == have.len)
			break;
		put_line(s, slice_head(have, end));
		buf_consume(&s->partial, end + 1);
	}
	if (buf_room(&s->partial) < 4096)
		s->partial.len = 0;
}

static void drain(struct log_sink *s)
{
	char piece[8192];
	ssize_t n;

	while ((n = read(s->pipe_out, piece, sizeof piece)) > 0)
		put(s, slice_of(piece, (size_t)n));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	drain(poll->data);
}

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

enum status log_sink_open(uv_loop_t *loop, const char *where,
			  struct log_sink **sink, struct error *err)
{
	struct log_sink *s = calloc(1, sizeof *s);
	int fds[2];

	if (!s)
		return error_set(err, ST_NO_MEMORY, "no memory for the log");
	s->file = s->pipe_in = s->pipe_out = -1;
	s->partial.max = 16384;
	*sink = s;
	if (strcmp(where, "stderr") == 0)
		return ST_OK;
	s->kind = strcmp(where, "syslog") == 0 ? SINK_SYSLOG : SINK_FILE;
	if (s->kind == SINK_SYSLOG) {
		openlog("postroom", LOG_NDELAY, LOG_MAIL);
	} else {
		snprintf(s->path, sizeof s->path, "%s", where);
		s->file = open_file(where);
	}
	if ((s->kind == SINK_FILE && s->file < 0) || pipe2(fds, O_CLOEXEC)) {
		error_set(err, ST_IO, "log: %s", where);
		log_sink_close(s);
		*sink = NULL;
		return ST_IO;
	}
	s->pipe_out = fds[0];
	s->pipe_in = fds[1];
	fcntl(s->pipe_out, F_SETFL, O_NONBLOCK);
	uv_poll_init(loop, &s->poll, s->pipe_out);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	return ST_OK;
}

int log_sink_fd(const struct log_sink *s)
{
	return s->pipe_in < 0 ? STDERR_FILENO : s->pipe_in;
}

bool log_sink_wants_time(const struct log_sink *s)
{
	return s->kind == SINK_FILE ||
	       (s->kind == SINK_STDERR && !getenv("JOURNAL_STREAM"));
}

enum status log_sink_reopen(struct log_sink *s, struct error *err)
{
	int fresh;

	if (s->kind != SINK_FILE)
		return ST_OK;
	fresh = open_file(s->path);
	if (fresh < 0)
		return error_set(err, ST_IO, "log: %s", s->path);
	close(s->file);
	s->file = fresh;
	return ST_OK;
}

static void end(struct log_sink *s)
{
	if (s->file >= 0)
		close(s->file);
	if (s->pipe_in >= 0)
		close(s->pipe_in);
	if (s->pipe_out >= 0)
		close(s->pipe_out);
	buf_free(&s->partial);
	free(s);
}

static void on_closed(uv_handle_t *handle)
{
	end(handle->data);
}

void log_sink_close(struct log_sink *s)
{
	if (!s)
		return;
	if (s->pipe_out < 0) {
		end(s);
		return;
	}
	drain(s);
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}
