/* The header of a balancer, at every length that may have arrived. */
#include "common/proxy_header.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"

#define ROW(name, in, used, status, ...) \
	{ name, in, sizeof(in) - 1, used, status, { __VA_ARGS__ } }

static const struct {
	const char *name, *in;
	size_t octets, used;
	enum status status;
	struct proxy_header header;
} rows[] = {
	/* section 2.1 */
	ROW("TCP4", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET /", 47,
	    ST_OK, true, "192.168.0.1", "192.168.0.11", 56324, 443),
	ROW("TCP6", "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", 36, ST_OK,
	    true, "2001:db8::1", "::1", 1, 65535),
	ROW("longest TCP6", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", 104, ST_OK,
	    true, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535),
	ROW("a mapped address is an IPv4 one",
	    "PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", 37, ST_OK,
	    true, "192.0.2.7", "::1", 1, 2),
	ROW("UNKNOWN", "PROXY UNKNOWN\r\n", 15, ST_OK, false),
	ROW("UNKNOWN and what is to be ignored",
	    "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", 107, ST_OK,
	    false),
	ROW("too long", "PROXY UNKNOWN xffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", 0,
	    ST_SYNTAX),
	ROW("no end", "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 6553555", 0, ST_SYNTAX),
	ROW("a bare LF", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nMAIL\r\n", 0, ST_SYNTAX),
	ROW("two spaces", "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", 0, ST_SYNTAX),
	ROW("a word too many", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", 0, ST_SYNTAX),
	ROW("a space at the end", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", 0,
	    ST_SYNTAX),
	ROW("a word too few", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", 0, ST_SYNTAX),
	ROW("a port that wraps", "PROXY TCP4 1.2.3.4 5.6.7.8 65537 2\r\n", 0,
	    ST_SYNTAX),
	ROW("a port with a zero in front", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", 0,
	    ST_SYNTAX),
	ROW("another family", "PROXY TCP4 ::1 ::2 1 2\r\n", 0, ST_SYNTAX),
	ROW("a NUL", "PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n", 0, ST_SYNTAX),
	ROW("small letters", "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 0, ST_SYNTAX),
	ROW("UDP4 is no word of version 1", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", 0,
	    ST_SYNTAX),
	ROW("no header", "EHLO a\r\n", 0, ST_SYNTAX),
	ROW("nothing", "", 0, ST_MORE),
	/* section 2.2 */
	ROW("TCP over IPv4", V2 "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\x04\0\x19" "EH",
	    28, ST_OK, true, "192.0.2.1", "192.0.2.2", 56324, 25),
	ROW("TCP over IPv6, a vector behind", V2 "\x21\x21\0\x28" V6 V6
	    "\0\1\0\2\4\0\1\0", 56, ST_OK, true, "2001:db8::1", "2001:db8::1", 1, 2),
	ROW("mapped", V2 "\x21\x21\0\x24" MAPPED V6 "\0\1\0\2", 52, ST_OK,
	    true, "192.0.2.7", "2001:db8::1", 1, 2),
	ROW("LOCAL", V2 "\x20\0\0\0EHLO", 16, ST_OK, false),
	ROW("LOCAL, an unknown family, octets", V2 "\x20\xff\0\3abcd", 19, ST_OK,
	    false),
	ROW("UNSPEC", V2 "\x21\0\0\1a", 17, ST_OK, false),
	ROW("UDP", V2 "\x21\x12\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\2", 28, ST_OK, false),
	ROW("too few octets", V2 "\x21\x11\0\x0b\xc0\0\2\1\xc0\0\2\2\0\1\0", 0,
	    ST_SYNTAX),
	ROW("version 1", V2 "\x11\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\2", 0,
	    ST_SYNTAX),
	ROW("another command", V2 "\x22\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\2", 0,
	    ST_SYNTAX),
	ROW("another family", V2 "\x21\x41\0\0", 0, ST_SYNTAX),
	ROW("another transport", V2 "\x21\x13\0\0", 0, ST_SYNTAX),
	ROW("larger than anything", V2 "\x21\x11\xff\xff", 0, ST_SYNTAX),
	ROW("nearly the signature", "\r\n\r\n\0\r\nQUIT\r\n\x21\x11\0\0", 0, ST_SYNTAX),
};

Test(proxy_header, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice in = slice_of(rows[i].in, rows[i].octets);
		struct proxy_header h;
		size_t used;

		cr_expect_eq(proxy_header_read(in, &used, &h), rows[i].status,
			     "%s", rows[i].name);
		if (rows[i].status != ST_OK)
			continue;
		cr_expect_eq(used, rows[i].used, "%s: %zu", rows[i].name, used);
		cr_expect_eq(h.has_client, rows[i].header.has_client, "%s",
			     rows[i].name);
		cr_expect_str_eq(h.address, rows[i].header.address, "%s",
				 rows[i].name);
		cr_expect_str_eq(h.local_address, rows[i].header.local_address);
		cr_expect_eq(h.port, rows[i].header.port);
		cr_expect_eq(h.local_port, rows[i].header.local_port);
		/* before it is whole it is neither good nor bad */
		for (size_t n = 0; n < used; n++)
			cr_expect_eq(proxy_header_read(slice_head(in, n), &used, &h),
				     ST_MORE, "%s, %zu octets", rows[i].name, n);
	}
}
