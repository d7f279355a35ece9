/* restore FILE: of the whole store, or with --account into the one that runs. */
#include "common/ipc_codec.h"
#include "postroom/commands.h"
#include "postroom/files.h"
#include "postroom/mail_sink.h"
#include "postroom/programs.h"
#include "postroom/where.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BLOCK 65536

static int open_backup(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		fprintf(stderr, "postroom restore: %s: %s\n", path, strerror(errno));
	return fd;
}

static int offline(const struct where_store *where, const char *const *words, size_t count,
		   int in)
{
	struct error err = { 0 };
	pid_t pid;

	if (program_offline(where->data, &where->user, words, count, in, NULL, &pid, &err)) {
		fprintf(stderr, "postroom: %s\n", err.text);
		return EX_OSERR;
	}
	return program_wait(pid);
}

/* ---- all of it ---------------------------------------------------------------------- */

static int restore_whole(const struct invocation *i, int backup)
{
	static const char *const words[] = { "restore" };
	struct where_store where;
	char *run = where_is_run(i);
	int code = EX_CONFIG;

	if (run && where_is_postroom(run)) {
		fputs("postroom restore: the suite runs; stop it first: postroom stop\n"
		      "(one account is restored while it runs: --account ADDRESS)\n", stderr);
		code = EX_TEMPFAIL;
	} else if (run && where_is_store(i, &where)) {
		code = offline(&where, words, 1, backup);
		where_store_clear(&where);
	}
	free(run);
	return code;
}

/* ---- one account or mailbox ------------------------------------------------------------ */

struct restoring {
	const struct invocation *i;
	struct mail_sink *sink;
	struct progress progress;
	uint64_t expected, done;
	bool is_whole;		/* MAIL_END came */
	int code;
};

static enum status open_sink(struct restoring *r, uint64_t lineage)
{
	char number[40], into[1100];
	struct slice words[4] = { slice_str(r->i->account), SLICE("restore=yes") };
	size_t count = 2;

	snprintf(number, sizeof number, "lineage=%llu", (unsigned long long)lineage);
	words[count++] = slice_str(number);
	/* where it must not be doubled: in that mailbox, or in all of the account */
	snprintf(into, sizeof into, "into=%s", r->i->into ? r->i->into :
		 r->i->mailbox ? r->i->mailbox : "");
	if (r->i->mailbox)
		words[count++] = slice_str(into);
	r->sink = mail_sink_open(r->i, words, count, &r->progress, &r->code);
	return r->sink ? ST_OK : ST_CLOSED;
}

static enum status take_box(struct restoring *r, const struct ipc_mail_box *m)
{
	struct ipc_mail_box box = *m;
	char name[2200];

	if (r->i->into && r->i->mailbox) {
		box.name = slice_str(r->i->into);
	} else if (r->i->into) {
		snprintf(name, sizeof name, "%s/%.*s", r->i->into, SLICE_ARG(m->name));
		box.name = slice_str(name);
	}
	r->expected = m->messages;
	r->done = 0;
	return mail_sink_box(r->sink, &box);
}

static enum status take(struct restoring *r, const struct ipc_message *m)
{
	if (m->type == IPC_TYPE_DONE)
		return open_sink(r, m->done.value);
	if (!r->sink)
		return ST_SYNTAX;
	switch (m->type) {
	case IPC_TYPE_MAIL_BOX:
		return take_box(r, &m->mail_box);
	case IPC_TYPE_MAIL:
		progress_show(&r->progress, ++r->done, r->expected);
		return mail_sink_mail(r->sink, &m->mail);
	case IPC_TYPE_PIECE:
		return mail_sink_octets(r->sink, m->piece.octets);
	case IPC_TYPE_MAIL_END:
		r->is_whole = true;
		return ST_OK;
	default:
		return ST_SYNTAX;
	}
}

static enum status take_frames(struct restoring *r, struct buf *in)
{
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used, taken = 0;
	enum status st = ST_OK;

	while (!st) {
		st = ipc_frame_next(slice_from(buf_slice(in), taken), &frame, &used);
		if (!st)
			st = ipc_decode(&frame, &m);
		if (!st)
			st = take(r, &m);
		if (!st)
			taken += used;
	}
	buf_consume(in, taken);
	return st == ST_MORE ? ST_OK : st;
}

static enum status pass_on(struct restoring *r, int from)
{
	struct buf in = BUF_INIT(4 * IPC_FRAME_MAX);
	enum status st = ST_OK;
	ssize_t n = 1;
	char *at;

	while (!st && n > 0) {
		st = buf_reserve(&in, BLOCK, &at);
		if (st)
			break;
		n = read(from, at, BLOCK);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			in.len += (size_t)n;
			st = take_frames(r, &in);
		}
	}
	buf_free(&in);
	return st;
}

static int restore_part(const struct invocation *i, int backup)
{
	const char *words[] = { "read", i->account, i->mailbox };
	struct restoring r = { .i = i };
	struct ipc_mail_sum sum = { 0 };
	struct where_store where;
	struct error err = { 0 };
	enum status st;
	pid_t pid;
	int out, code;

	if (!where_is_store(i, &where))
		return EX_CONFIG;
	progress_begin(&r.progress, i->account, false);
	st = program_offline(where.data, &where.user, words, i->mailbox ? 3 : 2, backup,
			     &out, &pid, &err);
	where_store_clear(&where);
	if (st) {
		fprintf(stderr, "postroom: %s\n", err.text);
		return EX_OSERR;
	}
	st = pass_on(&r, out);
	close(out);
	code = program_wait(pid);
	if (!st && !code && r.is_whole)
		st = mail_sink_end(r.sink, &sum);
	progress_end(&r.progress);
	if (r.code)
		code = r.code;
	else if (st)
		code = ask_exit_code(st);
	else if (!code)
		code = mail_sink_report(i, &sum, 0, progress_ms(&r.progress));
	mail_sink_close(r.sink);
	return code;
}

int cmd_restore(const struct invocation *i)
{
	int backup, code;

	if (!i->account && (i->mailbox || i->into)) {
		fputs("postroom restore: --mailbox and --into need --account\n", stderr);
		return EX_USAGE;
	}
	backup = open_backup(i->words[0]);
	if (backup < 0)
		return EX_NOINPUT;
	code = i->account ? restore_part(i, backup) : restore_whole(i, backup);
	close(backup);
	return code;
}

/* ---- check ------------------------------------------------------------------------------- */

/* A store that nobody serves is looked at as it lies there. */
static int check_offline(const struct invocation *i)
{
	const char *words[3] = { "check" };
	struct where_store where;
	size_t count = 1;
	int code;

	if (!where_is_store(i, &where))
		return EX_CONFIG;
	if (i->quick)
		words[count++] = "quick";
	if (i->repair)
		words[count++] = "repair";
	code = offline(&where, words, count, -1);
	where_store_clear(&where);
	return code;
}

static int check_running(const struct invocation *i, struct control_client *c,
			 uint64_t *found)
{
	struct slice words[1] = { SLICE("depth=quick") };
	struct answer answer = { .status = ST_OK };
	int code = ask(c, i, "check", words, i->quick, &answer);

	*found = answer.value;
	return code;
}

static int check_and_repair(const struct invocation *i, struct control_client *c)
{
	struct answer answer = { .status = ST_OK };
	uint64_t found;
	int code = check_running(i, c, &found);

	if (!code && found && i->repair) {
		code = ask(c, i, "repair", NULL, 0, &answer);
		if (!code)
			printf("%llu findings were repaired; what is left:\n",
			       (unsigned long long)answer.value);
		if (!code)
			code = check_running(i, c, &found);
		if (!code && !found)
			puts("nothing");
	} else if (!code && !found) {
		puts("the store is sound");
	}
	return code ? code : found ? EX_DATAERR : EX_OK;
}

int cmd_check(const struct invocation *i)
{
	struct control_client *c;
	char *run = where_is_run(i);
	bool is_running = run && where_is_postroom(run);
	int code;

	free(run);
	if (!run)
		return EX_UNAVAILABLE;
	if (!is_running)
		return check_offline(i);
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = check_and_repair(i, c);
	control_client_close(c);
	return code;
}
