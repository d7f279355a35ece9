#include "tests/support/parsed.h"

#include <criterion/criterion.h>

struct parsed parsed_of(struct slice message)
{
	struct parsed p = { .mime = mime_new() };

	cr_assert_eq(mime_feed(p.mime, message), ST_OK);
	cr_assert_eq(mime_end(p.mime), ST_OK);
	p.parts = mime_parts(p.mime, &p.count);
	return p;
}
