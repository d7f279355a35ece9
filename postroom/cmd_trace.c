/* trace [-f]. */
#include "postroom/ask.h"
#include "postroom/commands.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define FOLLOW_MS 300

/* The number in the first column of the last row: where to go on. */
static void note_last(const struct output *rows, char last[32])
{
	struct slice rest = buf_slice(&rows->cells), cell;

	for (size_t n = 0; n < rows->rows * rows->count; n++) {
		if (ipc_list_next(&rest, &cell) != ST_OK)
			return;
		if (n % rows->count == 0)
			snprintf(last, 32, "%.*s", SLICE_ARG(cell));
	}
}

int cmd_trace(const struct invocation *i)
{
	struct control_client *c;
	char last[32] = "0", after[48];
	int code;

	c = ask_open(i, &code);
	if (!c)
		return code;
	do {
		struct output rows = { .form = OUTPUT_TABS };
		struct answer answer = { .rows = &rows };
		struct slice words[2] = { slice_str(i->words[0]) };

		snprintf(after, sizeof after, "after=%s", last);
		words[1] = slice_str(after);
		code = ask(c, i, "trace", words, 2, &answer);
		if (!code && (rows.rows || !i->follow)) {
			note_last(&rows, last);
			output_write(&rows, stdout);
			fflush(stdout);
		}
		output_clear(&rows);
		if (i->follow && !code)
			poll(NULL, 0, FOLLOW_MS);
	} while (i->follow && !code);
	control_client_close(c);
	return code;
}
