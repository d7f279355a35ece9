/* trace [-f]. */
#include "postroom/ask.h"
#include "postroom/commands.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define FOLLOW_MS 300

/* The highest number in the first column: where to go on. */
static void note_last(const struct output *rows, unsigned long long *last)
{
	struct slice rest = buf_slice(&rows->cells), cell;
	unsigned long long row;

	for (size_t n = 0; n < rows->rows * rows->count; n++) {
		if (ipc_list_next(&rest, &cell) != ST_OK)
			return;
		if (n % rows->count == 0 && slice_number(cell, INT64_MAX, &row) &&
		    row > *last)
			*last = row;
	}
}

int cmd_trace(const struct invocation *i)
{
	struct control_client *c;
	unsigned long long last = 0;
	char after[48];
	int code;

	c = ask_open(i, &code);
	if (!c)
		return code;
	do {
		struct output rows = { .form = OUTPUT_TABS };
		struct answer answer = { .rows = &rows };
		struct slice words[2] = { slice_str(i->words[0]) };

		snprintf(after, sizeof after, "after=%llu", last);
		words[1] = slice_str(after);
		code = ask(c, i, "trace", words, 2, &answer);
		if (!code && rows.rows) {
			note_last(&rows, &last);
			output_write(&rows, stdout);
			fflush(stdout);
		}
		if (!code && !rows.rows && !i->follow) {
			fprintf(stderr, "postroom: the journal has nothing about "
					"%s\n", i->words[0]);
			code = EX_DATAERR;
		}
		output_clear(&rows);
		if (i->follow && !code)
			poll(NULL, 0, FOLLOW_MS);
	} while (i->follow && !code);
	control_client_close(c);
	return code;
}
