/* A first line of needle, then a message: the outcome does not depend on pieces
 * or on whether what is no text is passed over; what is found, the signature may
 * hold. */
#include "fuzz/fuzz.h"

#include "common/mime.h"
#include "mailboxd/search_match.h"
#include "mailboxd/signature.h"

#include <stdbool.h>
#include <stdlib.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static unsigned run(struct search_match *m, struct slice prefix,
		    const struct part *parts, size_t count, struct slice in,
		    size_t piece, bool seeks)
{
	uint64_t at = 0;
	unsigned found = 0;

	must(search_match_begin(m, prefix, parts, count) == ST_OK);
	while (at < in.len) {
		struct slice next = slice_head(slice_from(in, (size_t)at), piece);

		must(search_match_feed(m, next) == ST_OK);
		at += next.len;
		if (!seeks)
			continue;
		if (search_match_needs(m) == UINT64_MAX)
			break;
		at = search_match_needs(m);
		search_match_seek(m, at);
	}
	must(search_match_end(m) == ST_OK);
	for (size_t i = 0; i < 3; i++)
		found |= (unsigned)search_match_found(m, i) << i;
	return found;
}

static void look_at_signature(const struct search_key *keys, const struct part *parts,
			      size_t count, struct slice in, unsigned found)
{
	struct buf head = BUF_INIT(1 << 20), body = BUF_INIT(1 << 20);
	struct signature_maker *m = signature_maker_new();
	struct signature_query *q = signature_query_new(keys, 3);

	must(m && q && signature_begin(m, parts, count) == ST_OK);
	must(signature_feed(m, in) == ST_OK && signature_end(m, &head, &body) == ST_OK);
	for (size_t i = 0; i < 3; i++)
		must(!(found >> i & 1) ||
		     signature_may_hold(q, i, buf_slice(&head), buf_slice(&body)));
	buf_free(&head);
	buf_free(&body);
	signature_query_free(q);
	signature_maker_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice prefix = SLICE("Delivered-To: a\r\n");
	struct slice in = slice_of(size ? (const char *)data : "", size);
	struct slice needle = slice_head(slice_head(in, 64), slice_index(in, '\n'));
	struct search_key keys[] = {
		{ SEARCH_OP_HEADER, SLICE("Subject"), needle },
		{ SEARCH_OP_BODY, SLICE_EMPTY, needle },
		{ SEARCH_OP_TEXT, SLICE_EMPTY, needle },
	};
	struct search_match *m = search_match_new(keys, 3);
	struct mime *mime = mime_new();
	const struct part *parts;
	size_t count;
	unsigned found;

	in = slice_from(in, needle.len < in.len ? needle.len + 1 : in.len);
	must(m && mime);
	must(mime_feed(mime, in) == ST_OK && mime_end(mime) == ST_OK);
	parts = mime_parts(mime, &count);
	found = run(m, prefix, parts, count, in, in.len + 1, false);
	must(run(m, prefix, parts, count, in, 1, true) == found);
	must(run(m, prefix, parts, count, in, 17, true) == found);
	must(run(m, prefix, parts, count, in, 17, false) == found);
	/* of the prefix no signature knows */
	look_at_signature(keys, parts, count, in,
			  run(m, SLICE_EMPTY, parts, count, in, in.len + 1, false));
	mime_free(mime);
	search_match_free(m);
	return 0;
}
