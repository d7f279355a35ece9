/* mailbox import ADDRESS [MAILBOX] PATH. */
#include "postroom/commands.h"
#include "postroom/mail_files.h"

#include <stdio.h>
#include <sysexits.h>

int cmd_mailbox_import(const struct invocation *i)
{
	const struct slice words[] = { slice_str(i->words[0]) };
	struct progress progress;
	struct ipc_mail_sum sum = { 0 };
	struct import_files f = {
		.invocation = i, .progress = &progress,
		.mailbox = i->count > 2 ? i->words[1] : "",
	};
	enum status st;
	int code;

	if (i->format && !mail_format_find(i->format, &f.format)) {
		fprintf(stderr, "postroom mailbox import: %s is no format: auto, maildir, "
			"mbox, mboxo, mboxcl2 or eml\n", i->format);
		return EX_USAGE;
	}
	progress_begin(&progress, i->words[0], false);
	f.sink = mail_sink_open(i, words, 1, &progress, &code);
	if (!f.sink)
		return code;
	st = import_files(&f, i->words[i->count - 1]);
	if (st == ST_OK)
		st = mail_sink_end(f.sink, &sum);
	progress_end(&progress);
	code = st == ST_OK ? mail_sink_report(i, &sum, f.failed, progress_ms(&progress))
	     : st == ST_NOT_FOUND ? EX_NOINPUT : ask_exit_code(st);
	mail_sink_close(f.sink);
	return code;
}
