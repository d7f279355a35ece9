/*
 * Octets that somebody else owns. Text from outside is always a slice: it may
 * hold NULs and has no end mark, so it is never printed with %s.
 */
#ifndef COMMON_SLICE_H
#define COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *data;
	size_t len;	/* octets */
};

#define SLICE_EMPTY ((struct slice){ "", 0 })
/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
/* For printf("%.*s", SLICE_ARG(s)); only where the octets are known clean. */
#define SLICE_ARG(s) (int)(s).len, (s).data

static inline struct slice slice_of(const char *data, size_t len)
{
	return (struct slice){ data, len };
}

/* text is a C string, or NULL for the empty slice. */
static inline struct slice slice_str(const char *text)
{
	return text ? (struct slice){ text, strlen(text) } : SLICE_EMPTY;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* What is left behind the first n octets; n is at most s.len. Data may be NULL
 * where n is 0, which clang's sanitizer would not have added up. */
static inline struct slice slice_from(struct slice s, size_t n)
{
	return (struct slice){ n ? s.data + n : s.data, s.len - n };
}

/* The first n octets, or all if there are fewer. */
static inline struct slice slice_head(struct slice s, size_t n)
{
	return (struct slice){ s.data, n < s.len ? n : s.len };
}

/* ASCII letters compare without case; other octets must be equal. */
bool slice_case_eq(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_case_starts(struct slice s, struct slice prefix);
/* Order by octets, the shorter first where one begins the other: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);
/* Index of the first such octet, or s.len. */
size_t slice_index(struct slice s, char c);
/* Index of the first CRLF, or s.len where there is none. */
size_t slice_crlf(struct slice s);
/* Without spaces and tabs at either end. */
struct slice slice_trim(struct slice s);
/*
 * Takes the part before the first sep off s into *part and leaves what is
 * behind it in *s; the last part is taken whole. False when *s->data is NULL:
 * all parts were taken. "a,,b" gives "a", "", "b"; "" gives "".
 */
bool slice_split(struct slice *s, char sep, struct slice *part);

/*
 * The one parser of decimal numbers: digits only, the whole token, at most
 * max. False for anything else; *value is then untouched.
 */
bool slice_number(struct slice s, unsigned long long max,
		  unsigned long long *value);

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

#endif
