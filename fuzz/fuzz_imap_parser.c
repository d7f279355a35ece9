/*
 * IMAP commands: the parser at two splits of the same octets must say the same,
 * and every argument reader is tried at every token of what it gave.
 */
#include "fuzz/fuzz.h"

#include "imapd/args.h"
#include "imapd/fetch.h"
#include "imapd/list_match.h"
#include "imapd/mailbox_name.h"
#include "imapd/parser.h"
#include "imapd/resync.h"
#include "imapd/search.h"

#include <stdlib.h>

static const struct parser_limits limits = {
	.line = 512, .total = 2048, .literal = 1024, .literals = 8, .skip = 4096,
};

/* Takes whatever there is at the cursor, each reader from the same place. */
static void read_all(struct imap_args at)
{
	struct numset set = NUMSET_INIT;
	struct list_pattern *pattern;
	struct imap_args a;
	struct slice s, parent;
	uint32_t n;
	uint64_t n64;
	int64_t seconds;
	int32_t zone;

	a = at, args_atom(&a, &s);
	a = at, args_name(&a, &s);
	a = at, args_nstring(&a, &s);
	a = at, args_astring(&a, &s);
	a = at;
	if (args_mailbox(&a, &s))
		mailbox_name_fault(s);
	a = at;
	if (args_pattern(&a, &s)) {
		pattern = list_pattern_new(a.arena, s, '/');
		if (pattern)
			list_pattern_match(pattern, at.rest, &parent);
	}
	a = at, args_number(&a, &n);
	a = at, args_nz_number(&a, &n);
	a = at, args_number64(&a, &n64);
	a = at, args_flags(&a, true, &n, &s);
	a = at, args_date_time(&a, &seconds, &zone);
	a = at, args_date(&a, &seconds);
	a = at;
	if (args_set(&a, &set))
		numset_clear(&set);
}

/* FETCH's items and SEARCH's keys, if that is what stands here. */
static void read_lists(struct imap_args at)
{
	static struct fetch_plan plan;
	struct search_request request = SEARCH_REQUEST_INIT;
	struct imap_args a = at;
	struct resync resync = RESYNC_INIT;
	struct view view;

	if (fetch_plan_read(&a, &plan))
		fetch_plan_finish(&plan);
	a = at;
	view_init(&view);
	search_request_read(&a, &view, &request);
	buf_free(&request.program);
	a = at;
	request = (struct search_request)SEARCH_REQUEST_INIT;
	search_criteria_read(&a, &view, &request);
	buf_free(&request.program);
	a = at;
	if (resync_read(&a, &resync))
		resync_matched(&resync, &view);
	resync_clear(&resync);
	view_clear(&view);
}

static void read_command(struct slice text, bool is_utf8)
{
	struct arena arena = ARENA_INIT(4 * 1024 * 1024);
	struct imap_args a = { .rest = text, .arena = &arena, .is_utf8 = is_utf8,
			       .takes_8bit = is_utf8 };
	struct slice s;

	while (!args_end(&a)) {
		read_all(a);
		read_lists(a);
		/* what an astring takes is gone in one, else an octet */
		if (!args_astring(&a, &s) && !args_char(&a, args_peek(&a)))
			a.rest = slice_from(a.rest, 1);
	}
	arena_clear(&arena);
}

/* The events as letters, and the texts, of one split. */
static void parse(struct slice in, size_t chunk, bool is_utf8, struct buf *said)
{
	struct parser p;

	parser_init(&p, &limits);
	while (in.len) {
		size_t used;
		enum parser_event event = parser_feed(&p, slice_head(in, chunk), &used);

		in = slice_from(in, used);
		if (event == PARSER_LITERAL) {
			buf_append_char(said, 'l');
			event = parser_collect(&p);
		}
		if (event == PARSER_MORE)
			continue;
		buf_append_char(said, (char)('0' + event));
		if (event == PARSER_END || event == PARSER_NO_MEMORY)
			break;
		if (event == PARSER_COMMAND) {
			buf_append(said, buf_slice(&p.text));
			if (chunk > 1)
				read_command(buf_slice(&p.text), is_utf8);
		}
		parser_next(&p);
	}
	parser_clear(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(4 * 1024 * 1024), octets = BUF_INIT(4 * 1024 * 1024);
	struct slice in;

	if (size < 1)
		return 0;
	in = slice_of((const char *)data + 1, size - 1);
	parse(in, in.len + 1, data[0] & 1, &whole);
	parse(in, 1, data[0] & 1, &octets);
	if (!slice_eq(buf_slice(&whole), buf_slice(&octets)))
		abort();
	buf_free(&whole);
	buf_free(&octets);
	return 0;
}
