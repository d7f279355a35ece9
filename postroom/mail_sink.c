#include "postroom/mail_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct mail_sink {
	struct control_client *client;
	const struct invocation *invocation;
	struct progress *progress;
	uint32_t id;
	uint32_t messages;
	int64_t credit;
	enum status failed;
	bool is_over;		/* the last answer came */
	struct ipc_mail_sum sum;
};

void mail_sink_tell(struct mail_sink *s, struct slice label, const char *text)
{
	char name[64];

	progress_end(s->progress);
	verb_full_name(s->invocation->verb, name);
	fprintf(stderr, "postroom %s: ", name);
	output_line(stderr, label);
	fprintf(stderr, "    %s\n", text);
}

static void take_state(struct mail_sink *s, const struct ipc_mail_state *m)
{
	char text[200];

	if (m->code == ST_EXISTS)
		return;
	snprintf(text, sizeof text, "%.*s",
		 (int)(m->text.len < sizeof text - 1 ? m->text.len : sizeof text - 1),
		 m->text.data);
	mail_sink_tell(s, m->label, text);
}

/* One message from mailboxd. */
static enum status take(struct mail_sink *s)
{
	struct error err = { 0 };
	struct ipc_message m;
	uint32_t id;
	bool last;
	enum status st = control_client_next(s->client, &m, &id, &last, &err);

	if (st) {
		progress_end(s->progress);
		fprintf(stderr, "postroom: %s\n", err.text[0] ? err.text : status_name(st));
		return s->failed = st;
	}
	if (id != s->id)
		return ST_OK;
	s->is_over = s->is_over || last;
	if (m.type == IPC_TYPE_CREDIT) {
		s->credit += m.credit.octets;
	} else if (m.type == IPC_TYPE_MAIL_STATE) {
		take_state(s, &m.mail_state);
	} else if (m.type == IPC_TYPE_MAIL_SUM) {
		s->sum = m.mail_sum;
	} else if (m.type == IPC_TYPE_ERROR) {
		progress_end(s->progress);
		ask_tell_error(s->invocation, &m.error);
		s->failed = m.error.code && m.error.code < ST_COUNT ?
			    (enum status)m.error.code : ST_SYNTAX;
	}
	return s->failed;
}

struct mail_sink *mail_sink_open(const struct invocation *i,
				 const struct slice *words, size_t count,
				 struct progress *progress, int *code)
{
	struct mail_sink *s = calloc(1, sizeof *s);
	struct error err = { 0 };

	*code = EX_OSERR;
	if (!s)
		return NULL;
	s->invocation = i;
	s->progress = progress;
	s->client = ask_open(i, code);
	if (s->client && control_client_ask(s->client, "mailbox import", words, count,
					    &s->id, &err)) {
		fprintf(stderr, "postroom: %s\n", err.text);
		*code = EX_UNAVAILABLE;
	} else if (s->client) {
		/* credit says that it may begin */
		while (!s->failed && s->credit == 0)
			take(s);
		*code = ask_exit_code(s->failed);
	}
	if (*code == EX_OK)
		return s;
	mail_sink_close(s);
	return NULL;
}

static enum status put(struct mail_sink *s, const struct ipc_message *m, uint32_t cost)
{
	struct error err = { 0 };

	while (!s->failed && s->credit < (int64_t)cost)
		take(s);
	if (s->failed)
		return s->failed;
	s->credit -= cost;
	s->failed = control_client_put(s->client, s->id, m, &err);
	if (s->failed)
		fprintf(stderr, "postroom: %s\n", err.text);
	return s->failed;
}

enum status mail_sink_box(struct mail_sink *s, const struct ipc_mail_box *box)
{
	const struct ipc_message m = { .type = IPC_TYPE_MAIL_BOX, .mail_box = *box };

	return put(s, &m, IPC_MAIL_COST);
}

enum status mail_sink_mail(struct mail_sink *s, const struct ipc_mail *mail)
{
	const struct ipc_message m = { .type = IPC_TYPE_MAIL, .mail = *mail };

	s->messages++;
	return put(s, &m, IPC_MAIL_COST);
}

enum status mail_sink_octets(struct mail_sink *s, struct slice octets)
{
	struct ipc_message m = { .type = IPC_TYPE_PIECE };
	enum status st = ST_OK;

	while (octets.len && !st) {
		m.piece.octets = slice_head(octets, IPC_PIECE_MAX);
		octets = slice_from(octets, m.piece.octets.len);
		st = put(s, &m, (uint32_t)m.piece.octets.len);
	}
	return st;
}

enum status mail_sink_end(struct mail_sink *s, struct ipc_mail_sum *sum)
{
	struct ipc_message m = { .type = IPC_TYPE_MAIL_END };
	enum status st;

	m.mail_end.messages = s->messages;
	st = put(s, &m, 0);
	while (!st && !s->is_over)
		st = take(s);
	*sum = s->sum;
	return st;
}

void mail_sink_close(struct mail_sink *s)
{
	if (!s)
		return;
	control_client_close(s->client);
	free(s);
}

int mail_sink_report(const struct invocation *i, const struct ipc_mail_sum *sum,
		     uint64_t failed, int64_t ms)
{
	double seconds = (double)(ms > 0 ? ms : 1) / 1000;

	failed += sum->failed;
	if (i->json)
		printf("{\"stored\":%" PRIu64 ",\"present\":%" PRIu64 ",\"failed\":%" PRIu64
		       ",\"octets\":%" PRIu64 ",\"seconds\":%.3f}\n", sum->stored,
		       sum->present, failed, sum->octets, seconds);
	else
		printf("%" PRIu64 " messages stored, %" PRIu64 " were there already, "
		       "%" PRIu64 " failed; %.1f MB in %.1f s, %.0f messages a second\n",
		       sum->stored, sum->present, failed,
		       (double)sum->octets / (1024 * 1024), seconds,
		       (double)sum->stored / seconds);
	return failed ? EX_DATAERR : EX_OK;
}
