#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

enum status buf_reserve(struct buf *b, size_t n, char **at)
{
	if (n > b->max - b->len)
		return ST_LIMIT;
	if (n > b->cap - b->len) {
		size_t cap = b->cap ? b->cap : 128;
		char *data;

		while (cap < b->len + n)
			cap *= 2;
		if (cap > b->max)
			cap = b->max;
		data = realloc(b->data, cap);
		if (!data)
			return ST_NO_MEMORY;
		b->data = data;
		b->cap = cap;
	}
	if (at)
		*at = b->data ? b->data + b->len : NULL;	/* only for n 0 */
	return ST_OK;
}

enum status buf_append(struct buf *b, struct slice bytes)
{
	char *at;
	enum status st;

	if (bytes.len == 0)
		return ST_OK;
	st = buf_reserve(b, bytes.len, &at);
	if (st == ST_OK) {
		memcpy(at, bytes.data, bytes.len);
		b->len += bytes.len;
	}
	return st;
}

enum status buf_append_str(struct buf *b, const char *text)
{
	return buf_append(b, slice_str(text));
}

enum status buf_append_char(struct buf *b, char c)
{
	return buf_append(b, slice_of(&c, 1));
}

enum status buf_append_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;
	char *at;
	enum status st;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return ST_SYNTAX;
	/* vsnprintf writes a NUL behind the text, which needs its octet too */
	b->max++;
	st = buf_reserve(b, (size_t)n + 1, &at);
	b->max--;
	if (st != ST_OK)
		return st;
	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return ST_OK;
}

enum status buf_append_u64(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	return buf_append(b, slice_of(digits + at, sizeof digits - at));
}

void buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	if (b->len && n)
		memmove(b->data, b->data + n, b->len);
}
