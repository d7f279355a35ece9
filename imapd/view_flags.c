/* The part of view.h about flags and keywords. */
#include "imapd/view.h"

#include "common/flags.h"
#include "common/flag_names.h"

#include <stdlib.h>

static bool has_word(struct slice words, struct slice word)
{
	struct slice w;

	while (slice_split(&words, ' ', &w))
		if (slice_case_eq(w, word))
			return true;
	return false;
}

/* Whether one of the first n sets has the keyword. */
static bool is_known(const struct view *v, size_t n, struct slice word)
{
	for (size_t i = 0; i < n; i++)
		if (has_word(slice_str(v->keywords[i].names), word))
			return true;
	return false;
}

enum status view_keywords_add(struct view *v, const struct ipc_keywords *k,
			      bool *is_new)
{
	struct slice names = k->names, name;
	struct view_keywords *keywords;
	char *copy;

	*is_new = false;
	for (size_t i = 0; i < v->keyword_count; i++)
		if (v->keywords[i].set == k->set)
			return ST_OK;
	keywords = realloc(v->keywords, (v->keyword_count + 1) * sizeof *keywords);
	if (!keywords)
		return ST_NO_MEMORY;
	v->keywords = keywords;
	copy = malloc(names.len + 1);
	if (!copy)
		return ST_NO_MEMORY;
	if (names.len)
		memcpy(copy, names.data, names.len);
	copy[names.len] = '\0';
	v->keywords[v->keyword_count] = (struct view_keywords){ k->set, copy };
	while (slice_split(&names, ' ', &name))
		if (name.len && !is_known(v, v->keyword_count, name))
			*is_new = true;
	v->keyword_count++;
	return ST_OK;
}

struct slice view_keywords_of(const struct view *v, uint32_t set)
{
	if (set)
		for (size_t i = 0; i < v->keyword_count; i++)
			if (v->keywords[i].set == set)
				return slice_str(v->keywords[i].names);
	return SLICE_EMPTY;
}

static void put_word(struct respond *r, bool *is_first, struct slice word)
{
	if (!*is_first)
		respond_char(r, ' ');
	*is_first = false;
	respond_slice(r, word);
}

void view_put_flags(const struct view *v, struct respond *r, uint32_t uid,
		    uint64_t flags)
{
	struct slice keywords = view_keywords_of(v, flags_keyword_set(flags));
	bool is_first = true;

	respond_char(r, '(');
	for (size_t i = 0; i < FLAG_NAME_COUNT; i++)
		if (flags_system(flags) & flag_names[i].flag)
			put_word(r, &is_first, flag_names[i].name);
	if (keywords.len)
		put_word(r, &is_first, keywords);
	if (view_is_recent(v, uid))
		put_word(r, &is_first, SLICE("\\Recent"));
	respond_char(r, ')');
}

/* What every client may set (RFC 9051 section 2.3.2, RFC 8457): shown before
 * anyone has, as far as there is room for them. */
static const char *const common_keywords[] = {
	"$MDNSent", "$Forwarded", "$Junk", "$NotJunk", "$Phishing", "$Important",
};

void view_put_all_flags(const struct view *v, struct respond *r, bool any)
{
	bool is_first = true;

	respond_char(r, '(');
	for (size_t i = 0; i < FLAG_NAME_COUNT; i++)
		put_word(r, &is_first, flag_names[i].name);
	for (size_t i = 0; i < v->keyword_count; i++) {
		struct slice names = slice_str(v->keywords[i].names), name;

		while (slice_split(&names, ' ', &name))
			if (name.len && !is_known(v, i, name))
				put_word(r, &is_first, name);
	}
	for (size_t i = 0; any && i < sizeof common_keywords / sizeof *common_keywords; i++)
		if (!is_known(v, v->keyword_count, slice_str(common_keywords[i])))
			put_word(r, &is_first, slice_str(common_keywords[i]));
	if (any)
		put_word(r, &is_first, SLICE("\\*"));
	respond_char(r, ')');
}

void view_own_change(struct view *v, uint64_t modseq, bool is_told)
{
	/* nobody else's change lies between: all up to here is known */
	if (modseq == v->modseq + 1) {
		v->modseq = modseq;
		return;
	}
	if (!is_told || modseq <= v->modseq || view_is_own(v, modseq))
		return;
	v->own[v->own_count % VIEW_OWN_MAX] = modseq;
	v->own_count++;
}

bool view_is_own(const struct view *v, uint64_t modseq)
{
	unsigned n = v->own_count < VIEW_OWN_MAX ? v->own_count : VIEW_OWN_MAX;

	for (unsigned i = 0; i < n; i++)
		if (v->own[i] == modseq)
			return true;
	return false;
}
