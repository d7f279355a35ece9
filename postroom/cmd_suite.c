/* status, stop, reload: about the processes. */
#include <config.h>

#include "common/clock.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/files.h"
#include "postroom/where.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define STOP_MS 60000
#define STOP_LOOK_MS 20

static pid_t find(const struct invocation *i, char **run)
{
	pid_t pid = 0;

	*run = where_is_run(i);
	if (*run)
		pid = where_is_postroom(*run);
	if (*run && !pid)
		fprintf(stderr, "postroom: nothing runs in %s; start it: postroom run, or "
			"postroom lab\n", *run);
	return pid;
}

static int send_signal(pid_t pid, int number)
{
	if (kill(pid, number) == 0)
		return EX_OK;
	fprintf(stderr, "postroom: process %d: %s; try it as root or as the user who "
		"started it\n", (int)pid, strerror(errno));
	return EX_NOPERM;
}

int cmd_stop(const struct invocation *i)
{
	char *run;
	pid_t pid = find(i, &run);
	int code = pid ? send_signal(pid, SIGTERM) : EX_UNAVAILABLE;
	int64_t end = clock_ms() + STOP_MS;

	while (!code && where_is_postroom(run) == pid) {
		if (clock_ms() > end) {
			fprintf(stderr, "postroom: process %d still runs after a minute\n",
				(int)pid);
			code = EX_TEMPFAIL;
		}
		poll(NULL, 0, STOP_LOOK_MS);
	}
	free(run);
	return code;
}

int cmd_reload(const struct invocation *i)
{
	char *run;
	pid_t pid = find(i, &run);
	int code = pid ? send_signal(pid, SIGHUP) : EX_UNAVAILABLE;

	if (!code)
		puts("asked; the log tells what came of it");
	free(run);
	return code;
}

/* ---- status -------------------------------------------------------------------------- */

/* "certificate name days"; false: the line is about something else. */
static bool take_certificate(struct slice line, struct output *certificates,
			     enum status *st)
{
	struct slice word = SLICE("certificate "), cells[2];
	const char *last = memrchr(line.data, ' ', line.len);

	if (!slice_starts(line, word) || last < line.data + word.len)
		return false;
	cells[0] = slice_from(slice_head(line, (size_t)(last - line.data)), word.len);
	cells[1] = slice_from(line, (size_t)(last - line.data) + 1);
	*st = output_row(certificates, cells);
	return true;
}

/* The rows of run/state: "name worker pid state restarts", and certificates. */
static enum status read_state(const char *run, struct output *o,
			      struct output *certificates)
{
	struct buf text = BUF_INIT(1 << 20);
	char *path = path_join(run, "state");
	enum status st = path ? file_read(path, &text, NULL) : ST_NO_MEMORY;
	struct slice rest = buf_slice(&text), line, cells[5];

	while (!st && slice_split(&rest, '\n', &line)) {
		size_t n = 0;

		if (take_certificate(line, certificates, &st))
			continue;
		while (n < 5 && slice_split(&line, ' ', &cells[n]))
			n++;
		if (n == 5)
			st = output_row(o, cells);
	}
	free(path);
	buf_free(&text);
	return st;
}

/* mailboxd's figures, as far as it answers. */
static bool ask_figures(const struct invocation *i, const char *run,
			struct output *figures)
{
	struct answer answer = { .rows = figures, .quiet_errors = true };
	struct control_client *c;
	bool ok;

	if (control_client_open(run, 5000, &c, NULL))
		return false;
	ok = ask(c, i, "status", NULL, 0, &answer) == EX_OK && figures->count == 2;
	control_client_close(c);
	return ok;
}

/* Of the daemons that speak TLS: what they have. */
static json_t *certificate_list(const struct output *certificates)
{
	struct slice rest = buf_slice(&certificates->cells), name, days;
	json_t *list = json_array();

	while (ipc_list_next(&rest, &name) == ST_OK &&
	       ipc_list_next(&rest, &days) == ST_OK) {
		json_t *one = json_object();
		bool has_ended = slice_starts(days, SLICE("-"));
		unsigned long long n = 0;

		slice_number(slice_from(days, has_ended), INT32_MAX, &n);
		json_object_set_new(one, "name", json_stringn(name.data, name.len));
		json_object_set_new(one, "days",
				    json_integer(has_ended ? -(json_int_t)n
							   : (json_int_t)n));
		json_array_append_new(list, one);
	}
	return list;
}

static void print_json(const struct output *rows, const struct output *figures,
		       const struct output *certificates)
{
	struct slice rest = buf_slice(&rows->cells), cell;
	json_t *list = json_array();
	char *text;

	for (size_t row = 0; row < rows->rows; row++) {
		json_t *object = json_object();

		for (size_t k = 0; k < rows->count; k++) {
			unsigned long long n;

			ipc_list_next(&rest, &cell);
			json_object_set_new(object, rows->columns[k],
				output_is_number(rows->columns[k]) &&
				slice_number(cell, INT32_MAX, &n) ?
				json_integer((json_int_t)n) :
				json_stringn(cell.data, cell.len));
		}
		if (figures->rows &&
		    strcmp(json_string_value(json_object_get(object, "daemon")),
			   "mailboxd") == 0) {
			struct slice all = buf_slice(&figures->cells), name, value;
			json_t *map = json_object();

			while (ipc_list_next(&all, &name) == ST_OK &&
			       ipc_list_next(&all, &value) == ST_OK)
				json_object_setn_new(map, name.data, name.len,
						     json_stringn(value.data, value.len));
			json_object_set_new(object, "figures", map);
		}
		if (strcmp(json_string_value(json_object_get(object, "daemon")),
			   "mailboxd") != 0)
			json_object_set_new(object, "certificates",
					    certificate_list(certificates));
		json_array_append_new(list, object);
	}
	text = json_dumps(list, JSON_INDENT(1));
	puts(text ? text : "[]");
	free(text);
	json_decref(list);
}

int cmd_status(const struct invocation *i)
{
	struct output rows, certificates, figures = { .form = OUTPUT_TABS };
	char *run;
	pid_t pid = find(i, &run);
	int code = EX_OK;

	if (!pid) {
		free(run);
		return EX_UNAVAILABLE;
	}
	output_init(&rows, output_form_of(i->json, stdout),
		    "daemon worker pid state restarts");
	output_init(&certificates, rows.form, "certificate days");
	if (read_state(run, &rows, &certificates)) {
		fprintf(stderr, "postroom: %s/state cannot be read\n", run);
		code = EX_IOERR;
	}
	if (!ask_figures(i, run, &figures) && !code)
		fputs("postroom: mailboxd does not answer now\n", stderr);
	if (i->json) {
		print_json(&rows, &figures, &certificates);
	} else {
		output_write(&rows, stdout);
		if (certificates.rows) {
			if (rows.form == OUTPUT_ALIGNED)
				putchar('\n');
			output_write(&certificates, stdout);
		}
		if (figures.rows) {
			figures.form = rows.form;
			if (figures.form == OUTPUT_ALIGNED)
				putchar('\n');
			output_write(&figures, stdout);
		}
	}
	output_clear(&rows);
	output_clear(&certificates);
	output_clear(&figures);
	free(run);
	return code;
}
