#include "postroom/ask.h"

#include "postroom/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int ask_exit_code(enum status st)
{
	static const int codes[ST_COUNT] = {
		[ST_OK] = EX_OK,		[ST_MORE] = EX_SOFTWARE,
		[ST_SYNTAX] = EX_USAGE,		[ST_LIMIT] = EX_DATAERR,
		[ST_IO] = EX_IOERR,		[ST_NOT_FOUND] = EX_NOUSER,
		[ST_EXISTS] = EX_DATAERR,	[ST_DENIED] = EX_NOPERM,
		[ST_QUOTA] = EX_DATAERR,	[ST_FULL] = EX_TEMPFAIL,
		[ST_UNAVAILABLE] = EX_TEMPFAIL,	[ST_NO_MEMORY] = EX_OSERR,
		[ST_CLOSED] = EX_UNAVAILABLE,
	};

	return st < ST_COUNT ? codes[st] : EX_SOFTWARE;
}

struct control_client *ask_open(const struct invocation *i, int *code)
{
	char *run = where_is_run(i);
	struct control_client *c = NULL;
	struct error err = { 0 };
	enum status st;

	*code = EX_UNAVAILABLE;
	if (!run)
		return NULL;
	st = control_client_open(run, 0, &c, &err);
	if (st == ST_CLOSED)
		fprintf(stderr, "postroom: mailboxd does not run (%s); start it: postroom "
			"run, or postroom lab\n", run);
	else if (st)
		fprintf(stderr, "postroom: %s\n", err.text);
	free(run);
	*code = st == ST_IO && err.sys == 13 ? EX_NOPERM : ask_exit_code(st);
	return c;
}

void ask_tell_error(const struct invocation *i, const struct ipc_error *e)
{
	char name[64];

	verb_full_name(i->verb, name);
	fprintf(stderr, "postroom %s: ", name);
	if (e->detail.len) {
		fputc('"', stderr);
		for (size_t k = 0; k < e->detail.len; k++) {
			char c = e->detail.data[k];

			fputc((unsigned char)c < ' ' || c == 0x7f ? '?' : c, stderr);
		}
		fputs("\": ", stderr);
	}
	output_line(stderr, e->text.len ? e->text :
		    slice_str(status_name((enum status)e->code)));
}

static void begin_table(struct output *o, const struct invocation *i,
			struct slice columns)
{
	struct buf names = BUF_INIT(2048);
	struct slice name;

	while (ipc_list_next(&columns, &name) == ST_OK) {
		buf_append(&names, name);
		buf_append_char(&names, ' ');
	}
	buf_append_char(&names, '\0');
	output_init(o, output_form_of(i->json, stdout), names.data ? names.data : "");
	buf_free(&names);
}

static enum status take_record(struct output *o, struct slice packed)
{
	struct slice cells[OUTPUT_COLUMNS_MAX], cell;
	size_t count = 0;

	while (count < OUTPUT_COLUMNS_MAX && ipc_list_next(&packed, &cell) == ST_OK)
		cells[count++] = cell;
	while (count < o->count)
		cells[count++] = SLICE_EMPTY;
	return output_row(o, cells);
}

static enum status write_out(struct slice octets)
{
	if (fwrite(octets.data, 1, octets.len, stdout) == octets.len)
		return ST_OK;
	perror("postroom: standard output");
	return ST_IO;
}

static void cancel(struct control_client *c, uint32_t id)
{
	struct ipc_message m = { .type = IPC_TYPE_CANCEL };
	struct error err;

	control_client_send(c, id, false, &m, &err);
}

static enum status take(struct output *o, const struct invocation *i,
			const struct ipc_message *m, struct answer *answer)
{
	switch (m->type) {
	case IPC_TYPE_TABLE:
		begin_table(o, i, m->table.columns);
		return ST_OK;
	case IPC_TYPE_RECORD:
		answer->row_count++;
		return take_record(o, m->record.cells);
	case IPC_TYPE_NOTE:
		/* beside JSON, notes are for people */
		output_line(i->json || answer->rows ? stderr : stdout, m->note.text);
		return ST_OK;
	case IPC_TYPE_PIECE:
		return answer->piece ? answer->piece(answer->arg, m->piece.octets)
				     : write_out(m->piece.octets);
	case IPC_TYPE_PROGRESS:
		if (answer->progress)
			answer->progress(answer->arg, m->progress.done,
					 m->progress.total);
		return ST_OK;
	case IPC_TYPE_DONE:
		answer->value = m->done.value;
		return ST_OK;
	case IPC_TYPE_ERROR:
		answer->status = m->error.code && m->error.code < ST_COUNT ?
				 (enum status)m->error.code : ST_SYNTAX;
		if (!answer->quiet_errors)
			ask_tell_error(i, &m->error);
		return ST_OK;
	default:
		return ST_OK;
	}
}

int ask(struct control_client *c, const struct invocation *i, const char *verb,
	const struct slice *words, size_t count, struct answer *answer)
{
	struct answer own = { 0 };
	struct output rows = { .form = OUTPUT_TABS };
	struct error err = { 0 };
	struct ipc_message m;
	uint32_t id, got;
	bool last = false;
	enum status st = control_client_ask(c, verb, words, count, &id, &err);
	enum status taken = ST_OK;

	answer = answer ? answer : &own;
	answer->status = ST_OK;
	if (!st && answer->piece)
		st = control_client_widen(c, id, &err);
	while (!st && !last) {
		st = control_client_next(c, &m, &got, &last, &err);
		if (st)
			break;
		if (got != id) {
			last = false;
			continue;
		}
		taken = take(&rows, i, &m, answer);
		if (taken) {
			cancel(c, id);
			break;
		}
	}
	if (st && !answer->quiet_errors)
		fprintf(stderr, "postroom: %s\n", err.text[0] ? err.text :
			status_name(st));
	if (answer->rows)
		*answer->rows = rows;
	else {
		if (!st && !answer->status && rows.count)
			output_write(&rows, stdout);
		output_clear(&rows);
	}
	if (st || taken)
		answer->status = st ? st : taken;
	return ask_exit_code(answer->status);
}

size_t ask_options(const struct invocation *i, struct slice *words, size_t count)
{
	if (i->keep_sessions)
		words[count++] = SLICE("sessions=keep");
	if (i->verifier_stdin)
		words[count++] = SLICE("form=verifier");
	return count;
}

int ask_verb(const struct invocation *i)
{
	struct slice words[INVOCATION_WORDS_MAX + ASK_OPTIONS_MAX];
	struct control_client *c;
	char name[64];
	int code;

	c = ask_open(i, &code);
	if (!c)
		return code;
	for (size_t k = 0; k < i->count; k++)
		words[k] = slice_str(i->words[k]);
	verb_full_name(i->verb, name);
	code = ask(c, i, name, words, ask_options(i, words, i->count), NULL);
	control_client_close(c);
	return code;
}
