/* Any octets give a record that the decoder takes and a reader understands; the
 * input as a record is refused or read, never more. */
#include "fuzz/fuzz.h"

#include "common/part_record.h"
#include "mailboxd/prepare.h"
#include "tests/sexp.h"

#include <stdbool.h>
#include <stdlib.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct buf prepare(struct slice in, size_t piece)
{
	struct prepare *p = prepare_new();
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);

	must(p != NULL);
	while (in.len > 0) {
		struct slice head = slice_head(in, piece);

		must(prepare_feed(p, head) == ST_OK);
		in = slice_from(in, head.len);
	}
	must(prepare_end(p, &record) == ST_OK);
	prepare_free(p);
	return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(size ? (const char *)data : "", size);
	struct buf record = prepare(in, size + 1), again = prepare(in, 13);
	struct arena arena = ARENA_INIT(256 << 20);
	struct prepared p;
	struct part *parts;
	size_t count;

	must(slice_eq(buf_slice(&record), buf_slice(&again)));
	must(prepare_record_decode(buf_slice(&record), &p) == ST_OK);
	must(p.size == size);
	must(part_record_decode(p.parts, size, &arena, &parts, &count) == ST_OK);
	must(!sexp_check_envelope(sexp_parse(p.envelope, &arena)));
	must(!sexp_check_body(sexp_parse(p.bodystructure, &arena), true));
	must(!sexp_check_body(sexp_parse(p.body, &arena), false));
	prepare_record_decode(in, &p);
	arena_clear(&arena);
	buf_free(&again);
	buf_free(&record);
	return 0;
}
