#include "imapd/limits.h"
#include "imapd/list_match.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct { const char *pattern, *name, *parent; enum list_match match; } rows[] = {
	{ "*",		"a/b",		"",	LIST_MATCH_WHOLE },
	{ "%",		"a",		"",	LIST_MATCH_WHOLE },
	{ "%",		"a/b",		"a",	LIST_MATCH_PARENT },
	{ "%/%",	"a/b/c",	"a/b",	LIST_MATCH_PARENT },
	{ "%/%",	"a",		"",	LIST_MATCH_NONE },
	{ "a*",		"a",		"",	LIST_MATCH_WHOLE },
	{ "a*",		"b",		"",	LIST_MATCH_NONE },
	{ "*b",		"aab/bb",	"",	LIST_MATCH_WHOLE },
	{ "a%c",	"abc",		"",	LIST_MATCH_WHOLE },
	{ "a%c",	"ab/c",		"",	LIST_MATCH_NONE },
	{ "a*c",	"ab/c",		"",	LIST_MATCH_WHOLE },
	{ "%*",		"a/b",		"",	LIST_MATCH_WHOLE },
	{ "*%",		"a/b",		"",	LIST_MATCH_WHOLE },
	{ "%%%",	"abc",		"",	LIST_MATCH_WHOLE },
	{ "inbox",	"INBOX",	"",	LIST_MATCH_WHOLE },
	{ "InBox/%",	"INBOX/a",	"",	LIST_MATCH_WHOLE },
	{ "inb*",	"INBOX",	"",	LIST_MATCH_NONE },
	{ "inboxes",	"inboxes",	"",	LIST_MATCH_WHOLE },
	{ "",		"",		"",	LIST_MATCH_WHOLE },
	{ "",		"a",		"",	LIST_MATCH_NONE },
	{ "a",		"a/",		"a",	LIST_MATCH_PARENT },
};

Test(list_match, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = ARENA_INIT(1024 * 1024);
		struct slice parent = SLICE_EMPTY;
		struct list_pattern *p =
			list_pattern_new(&arena, slice_str(rows[i].pattern), '/');

		cr_assert(p);
		cr_expect_eq(list_pattern_match(p, slice_str(rows[i].name), &parent),
			     rows[i].match, "%s on %s", rows[i].pattern, rows[i].name);
		cr_expect(rows[i].match != LIST_MATCH_PARENT ||
			  slice_eq(parent, slice_str(rows[i].parent)), "%s on %s: %.*s",
			  rows[i].pattern, rows[i].name, SLICE_ARG(parent));
		arena_clear(&arena);
	}
}

/* By recursion, which is short and needs exponential time. */
static bool plain(struct slice pattern, struct slice name)
{
	if (pattern.len == 0)
		return name.len == 0;
	if (pattern.data[0] == '*' || pattern.data[0] == '%') {
		for (size_t n = 0; n <= name.len; n++) {
			if (plain(slice_from(pattern, 1), slice_from(name, n)))
				return true;
			if (n < name.len && pattern.data[0] == '%' && name.data[n] == '/')
				return false;
		}
		return false;
	}
	return name.len && name.data[0] == pattern.data[0] &&
	       plain(slice_from(pattern, 1), slice_from(name, 1));
}

Test(list_match, as_by_recursion)
{
	unsigned seed = 42;

	for (unsigned round = 0; round < 20000; round++) {
		struct arena arena = ARENA_INIT(256 * 1024);
		struct slice parent;
		char pattern[8], name[10];
		struct list_pattern *p;
		bool is;

		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = "ab/*%*%a"[(seed = seed * 1103515245u + 12345u) >> 16 & 7];
		for (size_t i = 0; i < sizeof name; i++)
			name[i] = "ab/a"[(seed = seed * 1103515245u + 12345u) >> 16 & 3];
		p = list_pattern_new(&arena, slice_of(pattern, sizeof pattern), '/');
		cr_assert(p);
		is = list_pattern_match(p, slice_of(name, sizeof name), &parent) ==
		     LIST_MATCH_WHOLE;
		cr_expect_eq(is, plain(slice_of(pattern, sizeof pattern),
				       slice_of(name, sizeof name)),
			     "%.8s on %.10s", pattern, name);
		arena_clear(&arena);
	}
}

Test(list_match, long_ones, .timeout = 10)
{
	struct arena arena = ARENA_INIT(1024 * 1024);
	char text[LIMIT_PATTERN_OCTETS + 2], name[1000];
	struct slice parent;
	struct list_pattern *p;

	memset(name, 'a', sizeof name);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? 'a' : '*';
	text[LIMIT_PATTERN_OCTETS - 2] = 'b';
	p = list_pattern_new(&arena, slice_of(text, LIMIT_PATTERN_OCTETS - 1), '/');
	cr_assert(p);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(list_pattern_match(p, slice_of(name, sizeof name), &parent),
			     LIST_MATCH_NONE);
	cr_expect(!list_pattern_new(&arena, slice_of(text, LIMIT_PATTERN_OCTETS), '/'));
	arena_clear(&arena);
}
