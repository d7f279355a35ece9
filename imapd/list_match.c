#include "imapd/list_match.h"

#include "imapd/limits.h"

#include <stdint.h>

#define WORD_BITS ((size_t)64)
/* One bit more than octets: the end of the pattern. */
#define WORDS (LIMIT_PATTERN_OCTETS / WORD_BITS + 1)

/* A set of places in the pattern. */
struct places {
	uint64_t word[WORDS];
};

struct list_pattern {
	char separator;
	size_t len;
	char text[LIMIT_PATTERN_OCTETS];
	size_t words;			/* in use */
	struct places stars;		/* where "*" stands */
	struct places percents;
	struct places wild;		/* either */
	struct places *of[256];	/* where that octet stands; NULL: nowhere */
};

static void set_bit(struct places *p, size_t i)
{
	p->word[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
}

static bool has_bit(const struct places *p, size_t i)
{
	return p->word[i / WORD_BITS] >> i % WORD_BITS & 1;
}

/* "inbox" in front becomes "INBOX", as names have it. */
static void fold_inbox(struct list_pattern *p)
{
	struct slice text = slice_of(p->text, p->len);
	size_t n = 5;

	if (slice_case_starts(text, SLICE("INBOX")) &&
	    (p->len == n || strchr("*%", p->text[n]) || p->text[n] == p->separator))
		memcpy(p->text, "INBOX", n);
}

struct list_pattern *list_pattern_new(struct arena *arena, struct slice text,
				      char separator)
{
	struct list_pattern *p = arena_alloc(arena, sizeof *p);

	if (!p)
		return NULL;
	p->separator = separator;
	for (size_t i = 0; i < text.len; i++) {
		char before = p->len ? p->text[p->len - 1] : '\0';

		/* "**" and "*%" are "*", "%%" is "%" */
		if ((text.data[i] == '*' && before == '*') ||
		    (text.data[i] == '%' && (before == '*' || before == '%')))
			continue;
		if (p->len == LIMIT_PATTERN_OCTETS - 1)
			return NULL;
		p->text[p->len++] = text.data[i];
	}
	fold_inbox(p);
	p->words = p->len / WORD_BITS + 1;
	for (size_t i = 0; i < p->len; i++) {
		unsigned char c = (unsigned char)p->text[i];
		struct places *at = p->of[c];

		if (c == '*' || c == '%') {
			set_bit(c == '*' ? &p->stars : &p->percents, i);
			set_bit(&p->wild, i);
			continue;
		}
		if (!at) {
			at = arena_alloc(arena, sizeof *at);
			if (!at)
				return NULL;
			p->of[c] = at;
		}
		set_bit(at, i);
	}
	return p;
}

/* A wildcard may stand for nothing: who is at one is also behind it. */
static void pass_wildcards(const struct list_pattern *p, struct places *now)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < p->words; i++) {
		uint64_t word = now->word[i] | carry, wild = p->wild.word[i];

		/* runs of wildcards are short: "*%" at most a few */
		for (uint64_t more = word & wild; more; ) {
			uint64_t next = word | more << 1;

			if (next == word)
				break;
			word = next;
			more = word & wild;
		}
		carry = (word & wild) >> (WORD_BITS - 1);
		now->word[i] = word;
	}
}

/* The places after one more octet of the name. */
static void step(const struct list_pattern *p, struct places *now, char c)
{
	const struct places *of = p->of[(unsigned char)c];
	uint64_t carry = 0;

	for (size_t i = 0; i < p->words; i++) {
		uint64_t was = now->word[i];
		uint64_t moves = of ? was & of->word[i] : 0;
		uint64_t stays = was & p->stars.word[i];

		if (c != p->separator)
			stays |= was & p->percents.word[i];
		now->word[i] = moves << 1 | carry | stays;
		carry = moves >> (WORD_BITS - 1);
	}
	pass_wildcards(p, now);
}

enum list_match list_pattern_match(const struct list_pattern *p, struct slice name,
				   struct slice *parent)
{
	struct places now = { 0 };
	enum list_match match = LIST_MATCH_NONE;

	set_bit(&now, 0);
	pass_wildcards(p, &now);
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == p->separator && match == LIST_MATCH_NONE &&
		    has_bit(&now, p->len)) {
			*parent = slice_head(name, i);
			match = LIST_MATCH_PARENT;
		}
		step(p, &now, name.data[i]);
	}
	return has_bit(&now, p->len) ? LIST_MATCH_WHOLE : match;
}
