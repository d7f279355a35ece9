/* Any octets in pieces of any size: the same parts, one within the other. */
#include "fuzz/fuzz.h"

#include "common/mime.h"

#include <stdbool.h>
#include <stdlib.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct mime *parse(struct slice in, size_t piece)
{
	struct mime *m = mime_new();

	must(m != NULL);
	while (in.len > 0) {
		struct slice head = slice_head(in, piece);

		must(mime_feed(m, head) == ST_OK);
		in = slice_from(in, head.len);
	}
	must(mime_end(m) == ST_OK);
	return m;
}

static struct buf encode(const struct mime *m)
{
	struct buf record = BUF_INIT(64 << 20);
	size_t count;
	const struct part *parts = mime_parts(m, &count);

	must(part_record_encode(&record, parts, count) == ST_OK);
	return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 2, 5, 61 };
	struct slice in = slice_of(size ? (const char *)data : "", size);
	struct mime *whole = parse(in, size + 1);
	struct buf record = encode(whole);
	struct arena arena = ARENA_INIT(64 << 20);
	struct part *parts;
	size_t count;

	must(part_record_decode(buf_slice(&record), size, &arena, &parts,
				      &count) == ST_OK);
	must(parts[0].end == size);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct mime *other = parse(in, pieces[i]);
		struct buf again = encode(other);

		must(slice_eq(buf_slice(&record), buf_slice(&again)));
		for (size_t n = 0; n < count; n++)
			must(slice_eq(mime_header(whole, n), mime_header(other, n)));
		buf_free(&again);
		mime_free(other);
	}
	arena_clear(&arena);
	buf_free(&record);
	mime_free(whole);
	return 0;
}
