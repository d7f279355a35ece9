#include "mailboxd/untold.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct slice sid;	/* of the session that sends */

static enum untold_state begin(struct untold *u, int64_t now, unsigned key,
			       unsigned mid, struct id *first)
{
	unsigned char digest[UNTOLD_KEY_OCTETS] = {
		(unsigned char)key, (unsigned char)(key >> 8),
		(unsigned char)(key >> 16),
	};
	char text[ID_OCTETS + 1];

	snprintf(text, sizeof text, "m%020u", mid);
	return untold_begin(u, now, digest, slice_of(text, ID_OCTETS), sid,
			    first);
}

static struct slice mid_of(char text[ID_OCTETS + 1], unsigned mid)
{
	snprintf(text, ID_OCTETS + 1, "m%020u", mid);
	return slice_of(text, ID_OCTETS);
}

Test(untold, again_until_told)
{
	struct untold *u = untold_new();
	char text[ID_OCTETS + 1];
	struct id first;

	cr_expect_eq(begin(u, 1, 7, 100, &first), UNTOLD_NEW);
	cr_expect_eq(begin(u, 1, 7, 101, &first), UNTOLD_BUSY);
	untold_stored(u, mid_of(text, 100), true);
	cr_expect_eq(begin(u, 2, 7, 102, &first), UNTOLD_AGAIN);
	cr_expect(slice_eq(id_slice(&first), mid_of(text, 100)));
	cr_expect_eq(begin(u, 2, 8, 103, &first), UNTOLD_NEW, "another message");
	untold_tell(u, mid_of(text, 100));
	cr_expect_eq(begin(u, 3, 7, 104, &first), UNTOLD_NEW,
		     "sent twice on purpose");
	untold_free(u);
}

Test(untold, twice_in_a_session_is_meant)
{
	struct untold *u = untold_new();
	char text[ID_OCTETS + 1];
	struct id first;

	sid = SLICE("s00000000000000000001");
	cr_expect_eq(begin(u, 1, 7, 100, &first), UNTOLD_NEW);
	untold_stored(u, mid_of(text, 100), true);
	cr_expect_eq(begin(u, 1, 7, 101, &first), UNTOLD_NEW);
	untold_stored(u, mid_of(text, 101), true);
	sid = SLICE("s00000000000000000002");
	cr_expect_eq(begin(u, 2, 7, 102, &first), UNTOLD_AGAIN);
	untold_tell(u, mid_of(text, 100));
	cr_expect_eq(begin(u, 2, 7, 102, &first), UNTOLD_AGAIN);
	untold_tell(u, mid_of(text, 101));
	cr_expect_eq(begin(u, 2, 7, 102, &first), UNTOLD_NEW);
	untold_free(u);
}

Test(untold, failed_is_forgotten)
{
	struct untold *u = untold_new();
	char text[ID_OCTETS + 1];
	struct id first;

	cr_expect_eq(begin(u, 1, 7, 100, &first), UNTOLD_NEW);
	untold_stored(u, mid_of(text, 100), false);
	cr_expect_eq(untold_count(u), 0);
	cr_expect_eq(begin(u, 1, 7, 101, &first), UNTOLD_NEW);
	untold_free(u);
}

Test(untold, an_hour_and_a_bound)
{
	struct untold *u = untold_new();
	char text[ID_OCTETS + 1];
	struct id first;

	for (unsigned i = 0; i < UNTOLD_MAX + 10; i++) {
		begin(u, 1, i, i, &first);
		untold_stored(u, mid_of(text, i), true);
	}
	cr_expect_eq(untold_count(u), UNTOLD_MAX);
	cr_expect_eq(begin(u, 2, UNTOLD_MAX, 999999, &first), UNTOLD_AGAIN);
	cr_expect_eq(begin(u, UNTOLD_KEEP_MS + 2, UNTOLD_MAX, 999999, &first),
		     UNTOLD_NEW);
	cr_expect_eq(untold_count(u), 1);
	untold_free(u);
}
