#include "common/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define LINE_MAX_OCTETS	107	/* section 2.1, with its CRLF */
#define BINARY_OCTETS	16	/* section 2.2: the fixed part */

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* An IPv6 address that is an IPv4 one is told as such, as accept() does. */
static bool render(int family, const void *octets, char text[static 48])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6 && memcmp(octets, mapped, sizeof mapped) == 0)
		return inet_ntop(AF_INET, (const char *)octets + 12, text, 48);
	return inet_ntop(family, octets, text, 48);
}

/* ---- version 1 ----------------------------------------------------------------- */

static bool read_address(struct slice text, int family, char out[static 48])
{
	unsigned char octets[16];
	char copy[48];

	if (text.len == 0 || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	/* a NUL inside would hide what is behind it */
	return strlen(copy) == text.len && inet_pton(family, copy, octets) == 1 &&
	       render(family, octets, out);
}

static bool read_port(struct slice text, uint16_t *port)
{
	unsigned long long number;

	if (!slice_number(text, UINT16_MAX, &number) ||
	    (text.len > 1 && text.data[0] == '0'))
		return false;
	*port = (uint16_t)number;
	return true;
}

static enum status read_client(struct slice words, int family,
			       struct proxy_header *h)
{
	struct slice word[4];

	for (size_t i = 0; i < 4; i++)
		if (!slice_split(&words, ' ', &word[i]))
			return ST_SYNTAX;
	if (words.data || !read_address(word[0], family, h->address) ||
	    !read_address(word[1], family, h->local_address) ||
	    !read_port(word[2], &h->port) || !read_port(word[3], &h->local_port))
		return ST_SYNTAX;
	h->has_client = true;
	return ST_OK;
}

static enum status read_line(struct slice in, size_t *used,
			     struct proxy_header *h)
{
	size_t end = slice_crlf(in);
	struct slice line = slice_head(in, end);

	if (end == in.len)
		return in.len < LINE_MAX_OCTETS ? ST_MORE : ST_SYNTAX;
	if (end + 2 > LINE_MAX_OCTETS)
		return ST_SYNTAX;
	*used = end + 2;
	if (slice_starts(line, SLICE("PROXY TCP4 ")))
		return read_client(slice_from(line, 11), AF_INET, h);
	if (slice_starts(line, SLICE("PROXY TCP6 ")))
		return read_client(slice_from(line, 11), AF_INET6, h);
	/* whatever follows UNKNOWN is to be ignored */
	return slice_eq(line, SLICE("PROXY UNKNOWN")) ||
	       slice_starts(line, SLICE("PROXY UNKNOWN ")) ? ST_OK : ST_SYNTAX;
}

/* ---- version 2 ----------------------------------------------------------------- */

/* Family and transport in one octet; those of length 0 carry no client that we
 * could name. */
static const struct kind {
	unsigned char octet;
	int family;		/* 0: not told */
	size_t octets;		/* of one address */
} kinds[] = {
	{ 0x00, 0, 0 }, { 0x11, AF_INET, 4 }, { 0x21, AF_INET6, 16 },
	{ 0x12, 0, 0 }, { 0x22, 0, 0 }, { 0x31, 0, 0 }, { 0x32, 0, 0 },
};

static uint16_t number_at(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static enum status read_octets(const unsigned char *at, size_t octets,
			       const struct kind *kind, struct proxy_header *h)
{
	size_t n = kind->octets;

	if (!kind->family)
		return ST_OK;
	if (octets < 2 * n + 4 || !render(kind->family, at, h->address) ||
	    !render(kind->family, at + n, h->local_address))
		return ST_SYNTAX;
	h->port = number_at(at + 2 * n);
	h->local_port = number_at(at + 2 * n + 2);
	h->has_client = true;
	return ST_OK;
}

static enum status read_binary(struct slice in, size_t *used,
			       struct proxy_header *h)
{
	const unsigned char *at = (const unsigned char *)in.data;
	const struct kind *kind = NULL;
	size_t octets;

	if (in.len < BINARY_OCTETS)
		return ST_MORE;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].octet == at[13])
			kind = &kinds[i];
	octets = number_at(at + 14);
	if ((at[12] != 0x20 && at[12] != 0x21) ||
	    octets > PROXY_HEADER_MAX - BINARY_OCTETS)
		return ST_SYNTAX;
	if (in.len < BINARY_OCTETS + octets)
		return ST_MORE;
	*used = BINARY_OCTETS + octets;
	if (at[12] == 0x20)	/* LOCAL: whatever the family */
		return ST_OK;
	return kind ? read_octets(at + BINARY_OCTETS, octets, kind, h)
		    : ST_SYNTAX;
}

enum status proxy_header_read(struct slice in, size_t *used,
			      struct proxy_header *header)
{
	struct slice line = SLICE("PROXY "), binary = slice_of(signature, 12);

	*header = (struct proxy_header){ 0 };
	*used = 0;
	if (slice_eq(slice_head(in, line.len), slice_head(line, in.len)))
		return in.len < line.len ? ST_MORE : read_line(in, used, header);
	if (slice_eq(slice_head(in, binary.len), slice_head(binary, in.len)))
		return read_binary(in, used, header);
	return ST_SYNTAX;
}
