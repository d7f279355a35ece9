#include "common/slice.h"

bool slice_case_eq(struct slice a, struct slice b)
{
	return a.len == b.len && slice_case_starts(a, b);
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_head(s, prefix.len), prefix);
}

bool slice_case_starts(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (ascii_lower(s.data[i]) != ascii_lower(prefix.data[i]))
			return false;
	return true;
}

int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.data, b.data, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

size_t slice_index(struct slice s, char c)
{
	const char *at = s.len ? memchr(s.data, c, s.len) : NULL;

	return at ? (size_t)(at - s.data) : s.len;
}

size_t slice_crlf(struct slice s)
{
	size_t from = 0;

	while (from < s.len) {
		size_t at = from + slice_index(slice_from(s, from), '\r');

		if (at + 1 >= s.len)
			break;
		if (s.data[at + 1] == '\n')
			return at;
		from = at + 1;
	}
	return s.len;
}

struct slice slice_trim(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool slice_split(struct slice *s, char sep, struct slice *part)
{
	size_t at;

	if (!s->data)
		return false;
	at = slice_index(*s, sep);
	*part = slice_head(*s, at);
	*s = at < s->len ? slice_from(*s, at + 1) : (struct slice){ NULL, 0 };
	return true;
}

bool slice_number(struct slice s, unsigned long long max,
		  unsigned long long *value)
{
	unsigned long long n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.data[i] - '0';

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}
