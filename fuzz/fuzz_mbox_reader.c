/* Any file in pieces of any size: the same messages, and no octet comes from
 * nowhere. */
#include "fuzz/fuzz.h"

#include "postroom/mbox_reader.h"

#include <stdlib.h>

struct seen {
	struct buf text;
	struct slice file;
	bool is_inside;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static enum status begin(void *arg, const struct mbox_message *m)
{
	struct seen *s = arg;

	must(!s->is_inside && m->offset < s->file.len + 1);
	s->is_inside = true;
	must(buf_append_fmt(&s->text, "[%lld %u ", (long long)m->date, m->flags) == ST_OK);
	return buf_append(&s->text, m->keywords);
}

static enum status octets(void *arg, struct slice in)
{
	struct seen *s = arg;

	must(s->is_inside && in.len > 0);
	return buf_append(&s->text, in);
}

static enum status end(void *arg)
{
	struct seen *s = arg;

	must(s->is_inside);
	s->is_inside = false;
	return buf_append_char(&s->text, ']');
}

static bool ends_at(void *arg, uint64_t offset)
{
	struct seen *s = arg;

	return offset <= s->file.len &&
	       (offset == s->file.len || s->file.data[offset] == '\n' ||
		s->file.data[offset] == 'F');
}

static enum status read_file(struct seen *s, enum mbox_kind kind, size_t piece)
{
	static const struct mbox_events events = { begin, octets, end, ends_at };
	struct mbox_reader *r = mbox_reader_new(kind, &events, s);
	struct slice rest = s->file;
	enum status st = ST_OK;

	must(r != NULL);
	s->text.len = 0;
	s->is_inside = false;
	while (rest.len && !st) {
		struct slice head = slice_head(rest, piece);

		st = mbox_reader_feed(r, head);
		rest = slice_from(rest, head.len);
	}
	if (!st) {
		st = mbox_reader_end(r);
		must(st || !s->is_inside);
	}
	mbox_reader_free(r);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 2, 7, 64 };
	struct slice in = slice_of(size ? (const char *)data : "", size);
	size_t room = 40 * size + 1000;

	for (int kind = MBOX_RD; kind <= MBOX_CL2; kind++) {
		struct seen whole = { .text = { .max = room }, .file = in };
		enum status st = read_file(&whole, (enum mbox_kind)kind, size + 1);

		for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
			struct seen part = { .text = { .max = room }, .file = in };

			must(read_file(&part, (enum mbox_kind)kind, pieces[i]) == st);
			must(st || slice_eq(buf_slice(&part.text), buf_slice(&whole.text)));
			buf_free(&part.text);
		}
		buf_free(&whole.text);
	}
	return 0;
}
