/*
 * LIST with its extensions and LSUB (RFC 9051 section 6.3.9, RFC 3501 section
 * 6.3.9, RFC 5258, 5819, 6154). mailboxd gives all names of the account; which
 * of them are shown is decided here, when all are there.
 */
#include "imapd/limits.h"
#include "imapd/list_attributes.h"
#include "imapd/list_match.h"
#include "imapd/mailbox_name.h"
#include "imapd/session_priv.h"
#include "imapd/status_items.h"

#include <stdlib.h>

enum list_option {
	LIST_SUBSCRIBED = 1,		/* selection */
	LIST_REMOTE = 2,
	LIST_RECURSIVEMATCH = 4,
	LIST_SPECIAL_USE = 8,
	LIST_RETURN_SUBSCRIBED = 16,	/* return */
	LIST_RETURN_CHILDREN = 32,
	LIST_RETURN_SPECIAL_USE = 64,
	LIST_RETURN_STATUS = 128,
	LIST_LSUB = 256,
	LIST_EXTENDED = 512,		/* the extended form was used */
};

struct list_row {
	struct ipc_mailbox mailbox;	/* its texts are in the arena */
	bool is_shown;
	bool is_made;			/* by us: mailboxd has no such name */
	bool has_child_info;		/* a selected mailbox below is not shown */
	struct list_row *next;
};

struct list {
	unsigned options;
	unsigned status_items;
	struct list_pattern *patterns[LIMIT_PATTERNS];
	size_t pattern_count;
	struct list_row *last;		/* as they came, backwards */
	struct list_row **rows;		/* in name order, once all are there */
	size_t count, shown;
};

/* ---- arguments ---- */

static const struct {
	const char *word;
	unsigned option;
} selections[] = {
	{ "SUBSCRIBED",		LIST_SUBSCRIBED | LIST_RETURN_SUBSCRIBED },
	{ "REMOTE",		LIST_REMOTE },
	{ "RECURSIVEMATCH",	LIST_RECURSIVEMATCH },
	{ "SPECIAL-USE",	LIST_SPECIAL_USE | LIST_RETURN_SPECIAL_USE },
}, returns[] = {
	{ "SUBSCRIBED",		LIST_RETURN_SUBSCRIBED },
	{ "CHILDREN",		LIST_RETURN_CHILDREN },
	{ "SPECIAL-USE",	LIST_RETURN_SPECIAL_USE },
};

static bool take_selections(struct imap_args *a, struct list *l)
{
	struct slice word;
	unsigned option;

	if (args_char(a, ')'))
		return true;
	do {
		if (!args_atom(a, &word))
			return false;
		option = 0;
		for (size_t i = 0; i < sizeof selections / sizeof *selections; i++)
			if (slice_case_eq(word, slice_str(selections[i].word)))
				option = selections[i].option;
		if (!option)
			return false;
		l->options |= option;
	} while (args_char(a, ' '));
	/* RECURSIVEMATCH needs something to look for (RFC 5258 section 3.1) */
	return args_char(a, ')') &&
	       (!(l->options & LIST_RECURSIVEMATCH) ||
		l->options & (LIST_SUBSCRIBED | LIST_SPECIAL_USE));
}

static bool take_returns(struct imap_args *a, struct list *l)
{
	struct slice word;
	unsigned option;

	if (!args_word(a, "RETURN") || !args_space(a) || !args_char(a, '('))
		return false;
	if (args_char(a, ')'))
		return true;
	do {
		if (!args_atom(a, &word))
			return false;
		option = 0;
		for (size_t i = 0; i < sizeof returns / sizeof *returns; i++)
			if (slice_case_eq(word, slice_str(returns[i].word)))
				option = returns[i].option;
		if (slice_case_eq(word, SLICE("STATUS"))) {
			option = LIST_RETURN_STATUS;
			if (!args_space(a) || !status_items_take(a, &l->status_items))
				return false;
		}
		if (!option)
			return false;
		l->options |= option;
	} while (args_char(a, ' '));
	return args_char(a, ')');
}

/* The reference is put in front of the pattern as it stands. */
static bool add_pattern(struct imap_command *c, struct slice reference,
			struct slice pattern)
{
	struct list *l = c->data;
	size_t len = reference.len + pattern.len;
	char *text = arena_alloc(&c->arena, len);

	if (l->pattern_count == LIMIT_PATTERNS || !text)
		return false;
	if (reference.len)
		memcpy(text, reference.data, reference.len);
	if (pattern.len)
		memcpy(text + reference.len, pattern.data, pattern.len);
	l->patterns[l->pattern_count] =
		list_pattern_new(&c->arena, slice_of(text, len), MAILBOX_SEPARATOR);
	return l->patterns[l->pattern_count++] != NULL;
}

static bool take_patterns(struct imap_command *c, struct slice reference)
{
	struct imap_args *a = &c->args;
	struct slice pattern;

	do
		if (!args_pattern(a, &pattern) || !add_pattern(c, reference, pattern))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')');
}

/* *is_root: LIST "" "", which asks for the separator. */
static bool take_args(struct imap_command *c, bool *is_root)
{
	struct list *l = c->data;
	struct imap_args *a = &c->args;
	struct slice reference, pattern;

	*is_root = false;
	if (!args_space(a))
		return false;
	if (!(l->options & LIST_LSUB) && args_char(a, '(')) {
		l->options |= LIST_EXTENDED;
		if (!take_selections(a, l) || !args_space(a))
			return false;
	}
	if (!args_pattern(a, &reference) || !args_space(a))
		return false;
	if (!(l->options & LIST_LSUB) && args_char(a, '(')) {
		l->options |= LIST_EXTENDED;
		if (!take_patterns(c, reference))
			return false;
	} else {
		if (!args_pattern(a, &pattern) || !add_pattern(c, reference, pattern))
			return false;
		*is_root = pattern.len == 0 && !(l->options & LIST_EXTENDED);
	}
	if (!(l->options & LIST_LSUB) && args_space(a)) {
		l->options |= LIST_EXTENDED;
		if (!take_returns(a, l))
			return false;
	}
	return args_end(a);
}

/* ---- which are shown ---- */

static int compare(const void *a, const void *b)
{
	const struct list_row *const *x = a, *const *y = b;

	return slice_compare((*x)->mailbox.name, (*y)->mailbox.name);
}

static struct list_row *find(const struct list *l, struct slice name)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_compare(l->rows[middle]->mailbox.name, name);

		if (order == 0)
			return l->rows[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_selected(const struct list *l, const struct list_row *row)
{
	uint32_t attributes = row->mailbox.attributes;

	if (l->options & (LIST_SUBSCRIBED | LIST_LSUB) &&
	    !(attributes & IPC_MAILBOX_SUBSCRIBED))
		return false;
	if (l->options & LIST_SPECIAL_USE && !row->mailbox.special_use.len)
		return false;
	if (l->options & (LIST_SUBSCRIBED | LIST_LSUB))
		return true;
	/* a name that is no mailbox is shown for what is below it */
	return !(attributes & IPC_MAILBOX_NONEXISTENT) ||
	       attributes & IPC_MAILBOX_HAS_CHILDREN;
}

/* A parent that is in no row may have been made before, for another child. */
static struct list_row *find_made(const struct list *l, struct slice name)
{
	for (struct list_row *row = l->last; row && row->is_made; row = row->next)
		if (slice_eq(row->mailbox.name, name))
			return row;
	return NULL;
}

/* A selected mailbox that the pattern does not reach shows through a parent that
 * it does: CHILDINFO (RFC 5258 section 3.5), \Noselect in LSUB. */
static bool show_parent(struct imap_command *c, struct slice parent)
{
	struct list *l = c->data;
	struct list_row *row = find(l, parent);

	if (!row)
		row = find_made(l, parent);
	if (!row) {
		row = arena_alloc(&c->arena, sizeof *row);
		if (!row)
			return false;
		row->mailbox.name = parent;
		row->mailbox.special_use = SLICE_EMPTY;
		row->mailbox.attributes = IPC_MAILBOX_NONEXISTENT |
					  IPC_MAILBOX_HAS_CHILDREN;
		row->is_made = true;
		row->next = l->last;
		l->last = row;
	}
	row->has_child_info = true;
	return true;
}

static bool choose(struct imap_command *c, struct list_row *row)
{
	struct list *l = c->data;
	struct slice parent;

	if (!is_selected(l, row))
		return true;
	for (size_t i = 0; i < l->pattern_count; i++)
		switch (list_pattern_match(l->patterns[i], row->mailbox.name, &parent)) {
		case LIST_MATCH_WHOLE:
			row->is_shown = true;
			break;
		case LIST_MATCH_PARENT:
			if (l->options & (LIST_RECURSIVEMATCH | LIST_LSUB) &&
			    !show_parent(c, parent))
				return false;
			break;
		case LIST_MATCH_NONE:
			break;
		}
	return true;
}

/* All rows that are in l->last, in name order, each name once. */
static bool sort_rows(struct imap_command *c)
{
	struct list *l = c->data;
	size_t n = 0;

	for (struct list_row *row = l->last; row; row = row->next)
		n++;
	l->rows = arena_array(&c->arena, n ? n : 1, sizeof *l->rows);
	if (!l->rows)
		return false;
	l->count = 0;
	for (struct list_row *row = l->last; row; row = row->next)
		l->rows[l->count++] = row;
	if (l->count)
		qsort(l->rows, l->count, sizeof *l->rows, compare);
	return true;
}

/* ---- showing ---- */

/* What is shown of a name in LSUB: only its children are subscribed (RFC 3501
 * section 6.3.9). */
static void put_lsub_attributes(struct respond *r, const struct list_row *row)
{
	respond_str(r, !row->is_shown || row->mailbox.attributes & IPC_MAILBOX_NOSELECT
			       ? "(\\Noselect)" : "()");
}

static void put_row(struct imap_command *c, const struct list_row *row)
{
	const struct list *l = c->data;
	struct respond *r = imap_out(c);

	respond_str(r, l->options & LIST_LSUB ? "* LSUB " : "* LIST ");
	if (l->options & LIST_LSUB)
		put_lsub_attributes(r, row);
	else
		list_attributes_put(r, &row->mailbox, l->options & LIST_EXTENDED,
				    l->options & LIST_RETURN_SUBSCRIBED);
	respond_str(r, " \"/\" ");
	respond_mailbox(r, row->mailbox.name);
	if (row->has_child_info && l->options & LIST_RECURSIVEMATCH)
		respond_str(r, l->options & LIST_SUBSCRIBED
				       ? " (\"CHILDINFO\" (\"SUBSCRIBED\"))"
				       : " (\"CHILDINFO\" (\"SPECIAL-USE\"))");
	respond_crlf(r);
	if (l->options & LIST_RETURN_STATUS && row->is_shown &&
	    !(row->mailbox.attributes & (IPC_MAILBOX_NOSELECT | IPC_MAILBOX_NONEXISTENT)))
		status_items_put(r, l->status_items, &row->mailbox,
				 c->session->settings->message_octets);
}

/* As many as the client has read room for; again when it has read. */
static void show(struct imap_command *c)
{
	struct list *l = c->data;

	if (!l->rows)
		return;
	while (l->shown < l->count && !imap_out_is_full(c->session)) {
		const struct list_row *row = l->rows[l->shown++];

		if (row->is_shown || row->has_child_info)
			put_row(c, row);
	}
	if (l->shown == l->count)
		imap_finish(c, IMAP_OK, NULL, l->options & LIST_LSUB
						      ? "LSUB completed"
						      : "LIST completed");
}

static void all_there(struct imap_command *c)
{
	struct list *l = c->data;
	bool good = sort_rows(c);
	size_t count = l->count;

	for (size_t i = 0; good && i < count; i++)
		good = choose(c, l->rows[i]);
	/* with the parents that no row was for */
	if (good && sort_rows(c))
		show(c);
	else
		imap_finish_short(c);
}

static void list_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct list *l = c->data;
	struct list_row *row;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_MAILBOX) {
		row = arena_alloc(&c->arena, sizeof *row);
		if (row) {
			row->mailbox = m->mailbox;
			row->mailbox.name = arena_copy(&c->arena, m->mailbox.name);
			row->mailbox.special_use =
				arena_copy(&c->arena, m->mailbox.special_use);
		}
		if (!row || !row->mailbox.name.data || !row->mailbox.special_use.data) {
			imap_finish_short(c);
			return;
		}
		row->next = l->last;
		l->last = row;
	}
	if (last)
		all_there(c);
}

static void begin(struct imap_command *c, unsigned options)
{
	struct ipc_message m = { .type = IPC_TYPE_LIST };
	struct list *l = arena_alloc(&c->arena, sizeof *l);
	bool is_root;

	if (!l) {
		imap_finish_short(c);
		return;
	}
	l->options = options;
	c->data = l;
	c->drained = show;
	if (!take_args(c, &is_root)) {
		imap_bad_args(c, "A reference and a mailbox pattern expected");
		return;
	}
	if (is_root) {
		respond_str(imap_out(c), options & LIST_LSUB
						 ? "* LSUB (\\Noselect) \"/\" \"\"\r\n"
						 : "* LIST (\\Noselect) \"/\" \"\"\r\n");
		imap_finish(c, IMAP_OK, NULL, "Completed");
		return;
	}
	if (l->options & LIST_RETURN_STATUS)
		m.list.what = IPC_LIST_COUNTS;
	imap_ask(c, &m, list_step);
}

void imap_cmd_list(struct imap_command *c)
{
	begin(c, 0);
}

void imap_cmd_lsub(struct imap_command *c)
{
	begin(c, LIST_LSUB);
}
