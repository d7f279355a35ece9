#include "mailboxd/given.h"

#include "common/digest.h"

#include <criterion/criterion.h>
#include <stdio.h>

static enum status check(const struct given *g, const char *name, const char *challenge,
			 const char *digest, const char *password)
{
	struct buf out = BUF_INIT(64);
	enum status st = given_check(g, slice_str(name), slice_str(challenge),
				     slice_str(digest), &out);

	if (st == ST_OK)
		cr_expect(slice_eq(buf_slice(&out), slice_str(password)));
	buf_wipe(&out);
	return st;
}

/* The example of RFC 1939 section 7. */
#define CHALLENGE "<1896.697170952@dbc.mtview.ca.us>"
#define DIGEST "c4c9334bac560ecc979e58001b3e22fb"

Test(given, the_example)
{
	struct given *g = given_new();

	cr_assert(g);
	cr_expect_eq(check(g, "mrose@x", CHALLENGE, DIGEST, ""), ST_DENIED);
	cr_expect_eq(given_keep(g, SLICE("MRose@x"), SLICE("other")), ST_OK);
	cr_expect_eq(check(g, "mrose@x", CHALLENGE, DIGEST, ""), ST_DENIED);
	cr_expect_eq(given_keep(g, SLICE("mrose@x"), SLICE("tanstaaf")), ST_OK);
	cr_expect_eq(check(g, "mrose@X", CHALLENGE, DIGEST, "tanstaaf"), ST_OK);
	cr_expect_eq(check(g, "mrose@x", "<another@x>", DIGEST, ""), ST_DENIED);
	cr_expect_eq(check(g, "mros@x", CHALLENGE, DIGEST, ""), ST_DENIED);
	cr_expect_eq(check(g, "mrose@x", CHALLENGE, "", ""), ST_DENIED);
	given_free(g);
	given_free(NULL);
}

Test(given, has_an_end)
{
	struct given *g = given_new();
	char name[32];

	for (int i = 0; i <= GIVEN_MAX; i++) {
		snprintf(name, sizeof name, "u%d@x", i);
		cr_expect_eq(given_keep(g, slice_str(name), SLICE("p")),
			     i < GIVEN_MAX ? ST_OK : ST_LIMIT);
	}
	cr_expect_eq(given_keep(g, SLICE("u0@x"), SLICE("q")), ST_OK);
	given_free(g);
}

/* RFC 1321 appendix A.5 */
Test(given, md5)
{
	char out[33];

	cr_assert(digest_md5_hex(SLICE(""), out));
	cr_expect_str_eq(out, "d41d8cd98f00b204e9800998ecf8427e");
	cr_assert(digest_md5_hex(SLICE("message digest"), out));
	cr_expect_str_eq(out, "f96b697d7cb7938d525a2f31aaf161d0");
}
