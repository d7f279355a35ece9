/* Whatever a milter says: the first octet chooses what it was asked. */
#include "fuzz/fuzz.h"

#include "smtpd/milter_dialogue.h"

#include <stdlib.h>

static void answered(void *context, const struct milter_answer *a)
{
	size_t *edits = context;

	if (a->kind >= MILTER_ANSWER_COUNT)
		abort();
	if (a->kind == MILTER_REPLY && (a->code < 400 || a->code > 559))
		abort();
	*edits += milter_answer_row(a->kind)->is_edit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct milter_settings settings = {
		.title = "fuzz", .version = MILTER_VERSION_MAX,
		.connect_ms = 1000, .command_ms = 1000, .content_ms = 1000,
	};
	struct slice in = slice_of(size ? (const char *)data + 1 : "",
				   size ? size - 1 : 0);
	enum milter_event event = size ? data[0] % MILTER_EVENT_COUNT : 0;
	size_t step = size ? (size_t)(data[0] >> 4) + 1 : 1, edits = 0;
	struct milter_dialogue d;
	enum status st = ST_OK;

	milter_dialogue_init(&d, &settings);
	d.answered = answered;
	d.context = &edits;
	milter_begin(&d);
	while (in.len && st == ST_OK) {
		struct slice part = slice_head(in, step);

		st = milter_dialogue_feed(&d, part);
		in = slice_from(in, part.len);
		if (st == ST_OK && d.is_ready && !d.is_waiting && milter_wants(&d, event))
			st = milter_say(&d, event);
		d.out.len = 0;
		if (edits && event != MILTER_END)
			abort();
	}
	milter_dialogue_clear(&d);
	return 0;
}
