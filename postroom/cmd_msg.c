/* msg list with --to, --wait and --expunged, msg undelete, msg deliver. */
#include "common/clock.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/files.h"
#include "postroom/lmtp_send.h"
#include "postroom/where.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* How often a mailbox is looked at that has nothing new. */
#define LOOK_MS 50

/* ADDRESS [MAILBOX] [after=UID] */
static size_t list_words(const struct invocation *i, struct slice words[3],
			 char after[48])
{
	size_t count = 0, from = i->to ? 0 : 1;

	words[count++] = slice_str(i->to ? i->to : i->words[0]);
	words[count++] = i->count > from ? slice_str(i->words[from]) : SLICE("INBOX");
	if (i->after) {
		snprintf(after, 48, "after=%s", i->after);
		words[count++] = slice_str(after);
	}
	return count;
}

/* An account made on first use is not there until its first message. */
static bool may_come(const struct answer *a)
{
	return (a->status == ST_OK && a->row_count == 0) || a->status == ST_NOT_FOUND;
}

/* What could come back, of one mailbox or of all. */
static int list_expunged(const struct invocation *i)
{
	struct slice words[2];
	struct control_client *c;
	size_t count = 0;
	int code;

	if (i->to)
		words[count++] = slice_str(i->to);
	for (size_t k = 0; k < i->count && count < 2; k++)
		words[count++] = slice_str(i->words[k]);
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = ask(c, i, "msg expunged", words, count, NULL);
	control_client_close(c);
	return code;
}

int cmd_msg_list(const struct invocation *i)
{
	struct slice words[3];
	struct control_client *c;
	int64_t end = clock_ms() + (i->wait_s > 0 ? i->wait_s * 1000 : 0);
	char after[48];
	size_t count;
	int code;

	if (!i->to && i->count == 0) {
		invocation_usage(i->verb, stderr);
		return EX_USAGE;
	}
	if (i->expunged)
		return list_expunged(i);
	c = ask_open(i, &code);
	if (!c)
		return code;
	count = list_words(i, words, after);
	for (;;) {
		struct output rows = { .form = OUTPUT_TABS };
		bool is_last = i->wait_s < 0 || clock_ms() >= end;
		struct answer answer = { .rows = &rows, .quiet_errors = !is_last };

		code = ask(c, i, "msg list", words, count, &answer);
		if (!is_last && may_come(&answer)) {
			output_clear(&rows);
			poll(NULL, 0, LOOK_MS);
			continue;
		}
		if (!code)
			output_write(&rows, stdout);
		if (!code && i->wait_s >= 0 && answer.row_count == 0) {
			fprintf(stderr, "postroom: nothing came within %ld s\n", i->wait_s);
			code = EX_TEMPFAIL;
		}
		output_clear(&rows);
		break;
	}
	control_client_close(c);
	return code;
}

int cmd_msg_undelete(const struct invocation *i)
{
	struct slice words[INVOCATION_WORDS_MAX + 3];
	char since[40], into[1100];
	struct control_client *c;
	size_t count = 0;
	int code;

	for (size_t k = 0; k < i->count; k++)
		words[count++] = slice_str(i->words[k]);
	snprintf(since, sizeof since, "since=%lld", (long long)i->since);
	snprintf(into, sizeof into, "into=%s", i->into ? i->into : "");
	if (i->since)
		words[count++] = slice_str(since);
	if (i->into)
		words[count++] = slice_str(into);
	if (i->all)
		words[count++] = SLICE("all=yes");
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = ask(c, i, "msg undelete", words, count, NULL);
	control_client_close(c);
	return code;
}

/* FILE ADDRESS...: through lmtp.sock, as any other delivery agent would. */
int cmd_msg_deliver(const struct invocation *i)
{
	struct buf message = BUF_INIT((size_t)1 << 30);
	struct error err = { 0 };
	char *run = where_is_run(i);
	bool is_stdin = strcmp(i->words[0], "-") == 0;
	enum status st;
	int code = EX_UNAVAILABLE;

	if (!run)
		return code;
	st = file_read(is_stdin ? "/dev/stdin" : i->words[0], &message, &err);
	if (st) {
		fprintf(stderr, "postroom: %s\n", err.text);
		code = EX_NOINPUT;
	} else {
		code = lmtp_send(run, buf_slice(&message), i->words + 1, i->count - 1);
	}
	buf_free(&message);
	free(run);
	return code;
}
