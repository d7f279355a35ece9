/*
 * The keys of search.h: a table of them, and a stack of open
 * parentheses, NOTs and ORs in place of recursion. The program is in reverse
 * Polish, so a key's step is appended when its operands are complete.
 */
#include "imapd/search.h"

#include "common/flags.h"
#include "common/utf8.h"
#include "imapd/object_id.h"

/* What stands behind a key's name. */
enum key_kind {
	KEY_PLAIN,	/* nothing */
	KEY_FLAG,	/* nothing; number is a system flag */
	KEY_NOT_FLAG,
	KEY_RECENT,	/* nothing; number: 0 recent, 1 not, 2 recent and unseen */
	KEY_WORD,	/* a keyword */
	KEY_NOT_WORD,
	KEY_STRING,
	KEY_FIELD,	/* a string to look for in the field that is named here */
	KEY_HEADER,	/* a field name and a string */
	KEY_NUMBER,
	KEY_INTERVAL,	/* a number of seconds, not 0 */
	KEY_MODSEQ,	/* [entry name and type] number */
	KEY_OBJECT,	/* an id (RFC 8474); number is its letter */
	KEY_DATE,
	KEY_UID,	/* a set of UIDs */
	KEY_NOT,	/* one key */
	KEY_OR,		/* two keys */
};

struct search_key {
	const char *name;
	enum key_kind kind;
	enum search_op op;
	uint32_t number;
	const char *field;
};

#define NO_OP SEARCH_OP_NONE

static const struct search_key keys[] = {
	{ "ALL",	KEY_PLAIN,	SEARCH_OP_ALL,		0, NULL },
	{ "ANSWERED",	KEY_FLAG,	SEARCH_OP_FLAG,		FLAG_ANSWERED, NULL },
	{ "BCC",	KEY_FIELD,	SEARCH_OP_HEADER,	0, "bcc" },
	{ "BEFORE",	KEY_DATE,	SEARCH_OP_BEFORE,	0, NULL },
	{ "BODY",	KEY_STRING,	SEARCH_OP_BODY,		0, NULL },
	{ "CC",		KEY_FIELD,	SEARCH_OP_HEADER,	0, "cc" },
	{ "DELETED",	KEY_FLAG,	SEARCH_OP_FLAG,		FLAG_DELETED, NULL },
	{ "DRAFT",	KEY_FLAG,	SEARCH_OP_FLAG,		FLAG_DRAFT, NULL },
	{ "EMAILID",	KEY_OBJECT,	SEARCH_OP_EMAILID,	OBJECT_ID_EMAIL, NULL },
	{ "FLAGGED",	KEY_FLAG,	SEARCH_OP_FLAG,		FLAG_FLAGGED, NULL },
	{ "FROM",	KEY_FIELD,	SEARCH_OP_HEADER,	0, "from" },
	{ "HEADER",	KEY_HEADER,	SEARCH_OP_HEADER,	0, NULL },
	{ "KEYWORD",	KEY_WORD,	SEARCH_OP_KEYWORD,	0, NULL },
	{ "LARGER",	KEY_NUMBER,	SEARCH_OP_LARGER,	0, NULL },
	{ "MODSEQ",	KEY_MODSEQ,	SEARCH_OP_MODSEQ,	0, NULL },
	{ "NEW",	KEY_RECENT,	NO_OP,			2, NULL },
	{ "NOT",	KEY_NOT,	SEARCH_OP_NOT,		0, NULL },
	{ "OLD",	KEY_RECENT,	NO_OP,			1, NULL },
	{ "OLDER",	KEY_INTERVAL,	SEARCH_OP_OLDER,	0, NULL },
	{ "ON",		KEY_DATE,	SEARCH_OP_ON,		0, NULL },
	{ "OR",		KEY_OR,		SEARCH_OP_OR,		0, NULL },
	{ "RECENT",	KEY_RECENT,	NO_OP,			0, NULL },
	{ "SAVEDATESUPPORTED", KEY_PLAIN, SEARCH_OP_ALL,	0, NULL },
	{ "SAVEDBEFORE", KEY_DATE,	SEARCH_OP_SAVEDBEFORE,	0, NULL },
	{ "SAVEDON",	KEY_DATE,	SEARCH_OP_SAVEDON,	0, NULL },
	{ "SAVEDSINCE",	KEY_DATE,	SEARCH_OP_SAVEDSINCE,	0, NULL },
	{ "SEEN",	KEY_FLAG,	SEARCH_OP_FLAG,		FLAG_SEEN, NULL },
	{ "SENTBEFORE",	KEY_DATE,	SEARCH_OP_SENTBEFORE,	0, NULL },
	{ "SENTON",	KEY_DATE,	SEARCH_OP_SENTON,	0, NULL },
	{ "SENTSINCE",	KEY_DATE,	SEARCH_OP_SENTSINCE,	0, NULL },
	{ "SINCE",	KEY_DATE,	SEARCH_OP_SINCE,	0, NULL },
	{ "SMALLER",	KEY_NUMBER,	SEARCH_OP_SMALLER,	0, NULL },
	{ "SUBJECT",	KEY_FIELD,	SEARCH_OP_HEADER,	0, "subject" },
	{ "TEXT",	KEY_STRING,	SEARCH_OP_TEXT,		0, NULL },
	{ "THREADID",	KEY_OBJECT,	SEARCH_OP_THREADID,	OBJECT_ID_THREAD, NULL },
	{ "TO",		KEY_FIELD,	SEARCH_OP_HEADER,	0, "to" },
	{ "UID",	KEY_UID,	SEARCH_OP_UID,		0, NULL },
	{ "UNANSWERED",	KEY_NOT_FLAG,	SEARCH_OP_FLAG,		FLAG_ANSWERED, NULL },
	{ "UNDELETED",	KEY_NOT_FLAG,	SEARCH_OP_FLAG,		FLAG_DELETED, NULL },
	{ "UNDRAFT",	KEY_NOT_FLAG,	SEARCH_OP_FLAG,		FLAG_DRAFT, NULL },
	{ "UNFLAGGED",	KEY_NOT_FLAG,	SEARCH_OP_FLAG,		FLAG_FLAGGED, NULL },
	{ "UNKEYWORD",	KEY_NOT_WORD,	SEARCH_OP_KEYWORD,	0, NULL },
	{ "UNSEEN",	KEY_NOT_FLAG,	SEARCH_OP_FLAG,		FLAG_SEEN, NULL },
	{ "YOUNGER",	KEY_INTERVAL,	SEARCH_OP_YOUNGER,	0, NULL },
};

/* What waits for operands. */
struct frame {
	enum frame_kind { FRAME_LIST, FRAME_NOT, FRAME_OR } kind;
	uint32_t count;		/* operands so far */
};

struct reader {
	struct imap_args *args;
	const struct view *view;
	struct search_request *request;
	unsigned steps;
	struct frame stack[SEARCH_DEPTH_MAX + 1];
	size_t depth;
};

static enum status fail(struct reader *r, const char *why)
{
	r->args->why = why;
	return ST_SYNTAX;
}

/* Where an args function said no: its own words, or these. */
static enum status fail_or(struct reader *r, const char *why)
{
	if (!r->args->why)
		r->args->why = why;
	return ST_SYNTAX;
}

static enum status emit(struct reader *r, const struct search_step *step)
{
	if (++r->steps > SEARCH_OPS_MAX)
		return ST_LIMIT;
	return search_program_append(&r->request->program, step);
}

static enum status emit_op(struct reader *r, enum search_op op, uint64_t number)
{
	return emit(r, &(struct search_step){ .op = op, .number = number });
}

static enum status emit_ranges(struct reader *r, const struct ranges *uids)
{
	struct buf set = BUF_INIT(SEARCH_PROGRAM_MAX);
	enum status st;

	if (uids->count == 0)
		return emit_op(r, SEARCH_OP_NONE, 0);
	st = ranges_encode(uids, &set);
	if (st == ST_OK)
		st = emit(r, &(struct search_step){ .op = SEARCH_OP_UID,
						    .text = buf_slice(&set) });
	buf_free(&set);
	return st;
}

/* Message numbers to UIDs; those beyond the last message name nothing. */
static enum status numbers_to_uids(const struct view *v, const struct numset *set,
				   struct ranges *uids)
{
	struct ranges named = RANGES_INIT(NUMSET_MAX + 1);
	uint32_t last = view_count(v);
	enum status st;

	if (set->is_saved)
		return view_resolve(v, set, false, uids);
	st = numset_resolve(set, last, &named);
	for (size_t i = 0; st == ST_OK && i < named.count; i++) {
		struct range n = named.items[i];

		if (n.low <= last)
			st = ranges_add(uids, view_uid(v, n.low),
					view_uid(v, n.high < last ? n.high : last));
	}
	ranges_free(&named);
	return st;
}

static enum status emit_set(struct reader *r, bool is_uid)
{
	struct numset set = NUMSET_INIT;
	struct ranges uids = RANGES_INIT(NUMSET_MAX + 1);
	enum status st;

	if (!args_set(r->args, &set))
		return fail_or(r, "Message set expected");
	r->request->has_numbers |= !is_uid && !set.is_saved;
	st = is_uid ? view_resolve(r->view, &set, true, &uids)
		    : numbers_to_uids(r->view, &set, &uids);
	if (st == ST_OK)
		st = emit_ranges(r, &uids);
	numset_clear(&set);
	ranges_free(&uids);
	return st;
}

/* \Recent is the session's, so it is a range of UIDs here. */
static enum status emit_recent(struct reader *r, uint32_t which)
{
	struct ranges uids = RANGES_INIT(1);
	enum status st = ST_OK;

	if (r->view->recent_low)
		st = ranges_add(&uids, r->view->recent_low, r->view->recent_high);
	if (st == ST_OK)
		st = emit_ranges(r, &uids);
	ranges_free(&uids);
	if (st == ST_OK && which == 1)
		st = emit_op(r, SEARCH_OP_NOT, 0);
	if (st != ST_OK || which != 2)
		return st;
	st = emit_op(r, SEARCH_OP_FLAG, FLAG_SEEN);
	if (st == ST_OK)
		st = emit_op(r, SEARCH_OP_NOT, 0);
	return st == ST_OK ? emit_op(r, SEARCH_OP_AND, 2) : st;
}

/* A string to look for: UTF-8, whatever CHARSET said, for US-ASCII is that too. */
static enum status take_text(struct reader *r, struct slice *text)
{
	if (!args_astring(r->args, text))
		return fail_or(r, "String expected");
	return utf8_is_valid(*text) ? ST_OK : fail(r, "String is not UTF-8");
}

static enum status emit_text(struct reader *r, const struct search_key *key)
{
	struct search_step step = { .op = key->op };
	enum status st = ST_OK;

	step.text = slice_str(key->field);
	if (key->kind == KEY_HEADER) {
		st = take_text(r, &step.text);
		if (st == ST_OK && !args_space(r->args))
			st = fail_or(r, "String expected");
	}
	if (st == ST_OK)
		st = take_text(r, key->kind == KEY_STRING ? &step.text : &step.value);
	return st == ST_OK ? emit(r, &step) : st;
}

static enum status emit_keyword(struct reader *r, const struct search_key *key)
{
	struct search_step step = { .op = key->op };

	if (!args_atom(r->args, &step.text))
		return fail_or(r, "Keyword expected");
	return emit(r, &step);
}

static enum status emit_number(struct reader *r, const struct search_key *key)
{
	uint64_t number;

	if (!args_number64(r->args, &number))
		return fail_or(r, "Number expected");
	if (key->kind == KEY_INTERVAL && number == 0)
		return fail(r, "Interval must not be 0");
	return emit_op(r, key->op, number);
}

/* MODSEQ ["/flags/\\Draft" all] 12345 (RFC 7162 section 3.1.5): whose the
 * modseq of one flag is, nobody knows; the message's is at least that. */
static enum status emit_modseq(struct reader *r, const struct search_key *key)
{
	struct slice entry;

	r->request->has_modseq = true;
	if (args_peek(r->args) == '"' &&
	    (!args_string(r->args, &entry) || !args_space(r->args) ||
	     !(args_word(r->args, "all") || args_word(r->args, "priv") ||
	       args_word(r->args, "shared")) ||
	     !args_space(r->args)))
		return fail_or(r, "Entry type expected");
	return emit_number(r, key);
}

static enum status emit_object(struct reader *r, const struct search_key *key)
{
	struct slice id;
	uint64_t number;

	if (!args_astring(r->args, &id))
		return fail_or(r, "Id expected");
	/* an id that we could not have given is in no message */
	if (!object_id_parse((char)key->number, id, &number))
		return emit_op(r, SEARCH_OP_NONE, 0);
	return emit_op(r, key->op, number);
}

static enum status emit_date(struct reader *r, const struct search_key *key)
{
	struct search_step step = { .op = key->op };

	if (!args_date(r->args, &step.day))
		return fail_or(r, "Date expected");
	return emit(r, &step);
}

static enum status push(struct reader *r, enum frame_kind kind)
{
	if (r->depth > SEARCH_DEPTH_MAX)
		return ST_LIMIT;
	r->stack[r->depth++] = (struct frame){ kind, 0 };
	return ST_OK;
}

/* An operand is complete: it counts in the frame below, which may be complete
 * with it, and so on down. */
static enum status operand(struct reader *r)
{
	for (;;) {
		struct frame *top = &r->stack[r->depth - 1];
		enum status st;

		top->count++;
		if (top->kind == FRAME_LIST ||
		    (top->kind == FRAME_OR && top->count < 2))
			return ST_OK;
		st = top->kind == FRAME_NOT ? emit_op(r, SEARCH_OP_NOT, 0)
					    : emit_op(r, SEARCH_OP_OR, 2);
		if (st != ST_OK)
			return st;
		r->depth--;
	}
}

static enum status close_list(struct reader *r)
{
	struct frame top = r->stack[r->depth - 1];

	if (top.kind != FRAME_LIST || top.count == 0)
		return fail(r, "Search key expected");
	r->depth--;
	return top.count > 1 ? emit_op(r, SEARCH_OP_AND, top.count) : ST_OK;
}

static enum status emit_key(struct reader *r, const struct search_key *key)
{
	enum status st;

	switch (key->kind) {
	case KEY_FLAG:
	case KEY_PLAIN:
		return emit_op(r, key->op, key->number);
	case KEY_NOT_FLAG:
		st = emit_op(r, key->op, key->number);
		return st == ST_OK ? emit_op(r, SEARCH_OP_NOT, 0) : st;
	case KEY_RECENT:
		return emit_recent(r, key->number);
	case KEY_WORD:
		return emit_keyword(r, key);
	case KEY_NOT_WORD:
		st = emit_keyword(r, key);
		return st == ST_OK ? emit_op(r, SEARCH_OP_NOT, 0) : st;
	case KEY_STRING:
	case KEY_FIELD:
	case KEY_HEADER:
		return emit_text(r, key);
	case KEY_NUMBER:
	case KEY_INTERVAL:
		return emit_number(r, key);
	case KEY_MODSEQ:
		return emit_modseq(r, key);
	case KEY_OBJECT:
		return emit_object(r, key);
	case KEY_DATE:
		return emit_date(r, key);
	case KEY_UID:
		return emit_set(r, true);
	case KEY_NOT:
	case KEY_OR:
		break;
	}
	return ST_SYNTAX;
}

static const struct search_key *find_key(struct slice name)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (slice_case_eq(name, slice_str(keys[i].name)))
			return &keys[i];
	return NULL;
}

/* One key with its arguments. *is_open: it was "(", NOT or OR, whose operands
 * are still to come; a space is behind NOT and OR. */
static enum status read_key(struct reader *r, bool *is_open)
{
	const struct search_key *key;
	struct slice name;
	char c = args_peek(r->args);

	*is_open = c == '(';
	if (args_char(r->args, '('))
		return push(r, FRAME_LIST);
	if (ascii_is_digit(c) || c == '*' || c == '$')
		return emit_set(r, false);
	if (!args_name(r->args, &name))
		return fail(r, "Search key expected");
	key = find_key(name);
	if (!key)
		return fail(r, "Unknown search key");
	*is_open = key->kind == KEY_NOT || key->kind == KEY_OR;
	if (key->kind > KEY_RECENT && !args_space(r->args))
		return fail(r, "Search key lacks its argument");
	if (*is_open)
		return push(r, key->kind == KEY_NOT ? FRAME_NOT : FRAME_OR);
	return emit_key(r, key);
}

static enum status read_keys(struct reader *r)
{
	bool is_open;
	enum status st = push(r, FRAME_LIST);

	for (;;) {
		if (st == ST_OK)
			st = read_key(r, &is_open);
		if (st == ST_OK && is_open)
			continue;
		if (st == ST_OK)
			st = operand(r);
		while (st == ST_OK && r->depth > 1 && args_char(r->args, ')')) {
			st = close_list(r);
			if (st == ST_OK)
				st = operand(r);
		}
		if (st != ST_OK)
			return st;
		if (args_end(r->args))
			break;
		if (!args_space(r->args))
			return fail(r, "Search key expected");
	}
	if (r->depth != 1)
		return fail(r, "Parenthesis is not closed");
	return close_list(r);
}

enum status search_keys_read(struct imap_args *a, const struct view *view,
			     struct search_request *request)
{
	struct reader r = { .args = a, .view = view, .request = request };

	return read_keys(&r);
}
