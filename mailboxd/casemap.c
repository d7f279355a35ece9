#include "mailboxd/casemap.h"

#include "common/utf8.h"

#include <unicase.h>
#include <uninorm.h>
#include <unistring/version.h>

/* Characters that one becomes at most (U+FDFA has 18). */
#define MAPPED_MAX 40

/* Decomposes fully, the first code point again and again: what comes behind it
 * waits on a stack. */
static enum status append_decomposed(struct buf *out, ucs4_t c)
{
	ucs4_t waiting[MAPPED_MAX], parts[UC_DECOMPOSITION_MAX_LENGTH];
	size_t n = 0;

	waiting[n++] = c;
	while (n > 0) {
		int tag, count;
		enum status st;

		c = waiting[--n];
		count = uc_decomposition(c, &tag, parts);
		if (count > 0 && n + (size_t)count <= MAPPED_MAX) {
			while (count > 0)
				waiting[n++] = parts[--count];
			continue;
		}
		st = utf8_append(out, c);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* Octets in front of the first that is not ASCII. */
static size_t ascii_run(struct slice s)
{
	size_t n = 0;

	for (; n + 8 <= s.len; n += 8) {
		uint64_t octets;

		memcpy(&octets, s.data + n, sizeof octets);
		if (octets & UINT64_C(0x8080808080808080))
			break;
	}
	while (n < s.len && !(s.data[n] & 0x80))
		n++;
	return n;
}

enum status casemap_append(struct buf *out, struct slice s)
{
	enum status st;
	char *at;
	uint32_t c;

	while (s.len > 0) {
		size_t n = ascii_run(s);

		st = buf_reserve(out, n, &at);
		if (st != ST_OK)
			return st;
		for (size_t i = 0; i < n; i++)
			at[i] = ascii_upper(s.data[i]);
		out->len += n;
		s = slice_from(s, n);
		while (s.len > 0 && s.data[0] & 0x80 && utf8_next(&s, &c)) {
			st = append_decomposed(out, uc_totitle(c));
			if (st != ST_OK)
				return st;
		}
	}
	return ST_OK;
}

unsigned casemap_version(void)
{
	return (unsigned)_libunistring_version;
}
