/* mailbox export ADDRESS [MAILBOX] PATH. */
#include "postroom/commands.h"
#include "postroom/mail_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

struct exporting {
	const struct invocation *invocation;
	struct control_client *client;
	struct export_files *files;
	struct progress progress;
	uint64_t messages, failed, octets;
	uint64_t expected, done;	/* of the mailbox */
};

static enum status take(struct exporting *x, const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_TYPE_MAIL_BOX:
		x->expected = m->mail_box.messages;
		x->done = 0;
		return export_box(x->files, &m->mail_box);
	case IPC_TYPE_MAIL:
		x->messages++;
		progress_show(&x->progress, ++x->done, x->expected);
		return export_mail(x->files, &m->mail);
	case IPC_TYPE_PIECE:
		x->octets += m->piece.octets.len;
		return export_octets(x->files, m->piece.octets);
	case IPC_TYPE_MAIL_STATE:
		progress_end(&x->progress);
		fputs("postroom mailbox export: ", stderr);
		output_line(stderr, m->mail_state.label);
		fputs("    cannot be read: ", stderr);
		output_line(stderr, m->mail_state.text);
		x->messages--;
		x->failed++;
		return export_give_up(x->files);
	case IPC_TYPE_ERROR:
		progress_end(&x->progress);
		ask_tell_error(x->invocation, &m->error);
		return m->error.code && m->error.code < ST_COUNT ?
		       (enum status)m->error.code : ST_SYNTAX;
	default:
		return ST_OK;
	}
}

static enum status export_one(struct exporting *x, struct slice mailbox)
{
	const struct slice words[] = { slice_str(x->invocation->words[0]), mailbox };
	struct error err = { 0 };
	struct ipc_message m;
	uint32_t id, got;
	bool last = false;
	enum status st = control_client_ask(x->client, "mailbox export", words, 2, &id,
					    &err), taken = ST_OK;

	if (!st)
		st = control_client_widen(x->client, id, &err);
	while (!st && !last && !taken) {
		st = control_client_next(x->client, &m, &got, &last, &err);
		if (!st && got == id)
			taken = take(x, &m);
	}
	if (st)
		fprintf(stderr, "postroom: %s\n", err.text[0] ? err.text : status_name(st));
	return st ? st : taken;
}

/* All mailboxes of the account, by name. */
static enum status export_all(struct exporting *x)
{
	const struct slice words[] = { slice_str(x->invocation->words[0]) };
	struct output rows = { .form = OUTPUT_TABS };
	struct answer answer = { .rows = &rows };
	struct slice rest, cell;
	enum status st;

	ask(x->client, x->invocation, "mailbox list", words, 1, &answer);
	st = answer.status;
	rest = buf_slice(&rows.cells);
	for (size_t n = 0; n < rows.rows * rows.count && !st; n++) {
		ipc_list_next(&rest, &cell);
		if (n % rows.count == 0)
			st = export_one(x, cell);
	}
	output_clear(&rows);
	return st;
}

static void report(const struct exporting *x)
{
	/* beside an mbox on standard output */
	FILE *to = strcmp(x->invocation->words[x->invocation->count - 1], "-") == 0 ?
		   stderr : stdout;
	double seconds = (double)(progress_ms(&x->progress) + 1) / 1000;

	if (x->invocation->json)
		fprintf(to, "{\"messages\":%" PRIu64 ",\"failed\":%" PRIu64
			",\"octets\":%" PRIu64 ",\"seconds\":%.3f}\n", x->messages, x->failed,
			x->octets, seconds);
	else
		fprintf(to, "%" PRIu64 " messages, %" PRIu64 " failed; %.1f MB in %.1f s\n",
			x->messages, x->failed, (double)x->octets / (1024 * 1024), seconds);
	if (export_lost(x->files))
		fprintf(stderr, "postroom mailbox export: %" PRIu64 " messages lost keywords: "
			"a Maildir has letters for %d of a folder\n", export_lost(x->files), 26);
}

int cmd_mailbox_export(const struct invocation *i)
{
	struct exporting x = { .invocation = i };
	enum mail_format format = MAIL_AUTO;
	bool is_whole = i->count == 2;
	enum status st;
	int code;

	if (i->format && (!mail_format_find(i->format, &format) || format == MAIL_MBOXO ||
			  format == MAIL_MBOXCL2)) {
		fprintf(stderr, "postroom mailbox export: %s is no format to write: maildir, "
			"mbox or eml\n", i->format);
		return EX_USAGE;
	}
	x.client = ask_open(i, &code);
	if (!x.client)
		return code;
	x.files = export_files_new(format, i->words[i->count - 1], is_whole, i->force, &code);
	if (x.files) {
		progress_begin(&x.progress, i->words[0], false);
		st = is_whole ? export_all(&x) : export_one(&x, slice_str(i->words[1]));
		if (!st)
			st = export_finish(x.files);
		progress_end(&x.progress);
		if (!st)
			report(&x);
		code = st ? ask_exit_code(st) : x.failed ? EX_DATAERR : EX_OK;
	}
	export_files_free(x.files);
	control_client_close(x.client);
	return code;
}
