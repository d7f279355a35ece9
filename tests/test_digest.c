#include "common/digest.h"

#include <criterion/criterion.h>

static const struct { const char *in, *hex; } rows[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

Test(digest, sha256_in_pieces)
{
	struct digest *d = digest_new();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in) + 1; chunk++) {
			struct slice in = slice_str(rows[i].in);
			unsigned char out[DIGEST_OCTETS], whole[DIGEST_OCTETS];
			char hex[DIGEST_OCTETS * 2 + 1];

			cr_expect(digest_of(in, whole));
			while (in.len) {
				struct slice piece = slice_head(in, chunk);

				digest_feed(d, piece);
				in = slice_from(in, piece.len);
			}
			digest_finish(d, out);
			digest_hex(out, hex);
			cr_expect_str_eq(hex, rows[i].hex);
			cr_expect_arr_eq(out, whole, sizeof out);
		}
	digest_free(d);
}

/* RFC 4231 section 4.3 */
Test(digest, hmac)
{
	unsigned char out[DIGEST_OCTETS];
	char hex[DIGEST_OCTETS * 2 + 1];

	cr_expect(digest_hmac(SLICE("Jefe"), SLICE("what do ya want for nothing?"),
			      out));
	digest_hex(out, hex);
	cr_expect_str_eq(hex, "5bdcc146bf60754e6a042426089575c7"
			      "5a003f089d2739839dec58b964ec3843");
}
