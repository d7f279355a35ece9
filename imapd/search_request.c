/* What stands around the keys of search.h: RETURN, CHARSET, and how SORT and THREAD ask. */
#include "imapd/search.h"

static enum status fail(struct imap_args *a, const char *why)
{
	a->why = why;
	return ST_SYNTAX;
}

static const struct { const char *name; unsigned bit; } returns[] = {
	{ "MIN", SEARCH_RETURN_MIN }, { "MAX", SEARCH_RETURN_MAX },
	{ "ALL", SEARCH_RETURN_ALL }, { "COUNT", SEARCH_RETURN_COUNT },
	{ "SAVE", SEARCH_RETURN_SAVE },
};

bool search_return_find(struct slice word, unsigned *found)
{
	for (size_t i = 0; i < sizeof returns / sizeof *returns; i++)
		if (slice_case_eq(word, slice_str(returns[i].name))) {
			*found |= returns[i].bit;
			return true;
		}
	return false;
}

/* RETURN (MIN COUNT); RETURN () is RETURN (ALL). */
enum status search_returns_read(struct imap_args *a, struct search_request *request)
{
	struct slice word;

	if (!args_word(a, "RETURN"))
		return ST_OK;
	if (!args_space(a) || !args_char(a, '('))
		return fail(a, "List of results expected");
	if (!args_char(a, ')')) {
		do
			if (!args_name(a, &word) ||
			    !search_return_find(word, &request->returns))
				return fail(a, "Unknown result");
		while (args_char(a, ' '));
		if (!args_char(a, ')'))
			return fail(a, "List of results is not closed");
	}
	if (!request->returns)
		request->returns = SEARCH_RETURN_ALL;
	return args_space(a) ? ST_OK : fail(a, "Search key expected");
}

/* A name of a charset, and the space behind it. */
static enum status read_charset_name(struct imap_args *a)
{
	struct slice name;

	if (!args_astring(a, &name))
		return fail(a, "Charset expected");
	if (!slice_case_eq(name, SLICE("UTF-8")) &&
	    !slice_case_eq(name, SLICE("US-ASCII")))
		return ST_NOT_FOUND;
	return args_space(a) ? ST_OK : fail(a, "Search key expected");
}

static enum status read_charset(struct imap_args *a, const struct search_request *request)
{
	if (!args_word(a, "CHARSET"))
		return ST_OK;
	if (request->no_charset)
		return fail(a, "No CHARSET where UTF8=ACCEPT is enabled");
	return args_space(a) ? read_charset_name(a) : fail(a, "Charset expected");
}

enum status search_request_read(struct imap_args *a, const struct view *view,
				struct search_request *request)
{
	enum status st = search_returns_read(a, request);

	if (st == ST_OK)
		st = read_charset(a, request);
	return st == ST_OK ? search_keys_read(a, view, request) : st;
}

/* What the program finds, and the client knows. */
static enum status limit_to_view(const struct view *view, struct search_request *request)
{
	uint32_t last = view_last_uid(view);
	struct ranges known = RANGES_INIT(1);
	struct buf set = BUF_INIT(16);
	struct search_step step = { .op = last ? SEARCH_OP_UID : SEARCH_OP_NONE };
	enum status st = last ? ranges_add(&known, 1, last) : ST_OK;

	if (st == ST_OK && last)
		st = ranges_encode(&known, &set);
	step.text = buf_slice(&set);
	if (st == ST_OK)
		st = search_program_append(&request->program, &step);
	ranges_free(&known);
	buf_free(&set);
	step = (struct search_step){ .op = SEARCH_OP_AND, .number = 2 };
	return st == ST_OK ? search_program_append(&request->program, &step) : st;
}

enum status search_criteria_read(struct imap_args *a, const struct view *view,
				 struct search_request *request)
{
	enum status st = read_charset_name(a);

	if (st == ST_OK)
		st = search_keys_read(a, view, request);
	return st == ST_OK ? limit_to_view(view, request) : st;
}
