/* The part of fetch.h about BODY[...]: section specifications (RFC 9051 section
 * 6.4.5.1) and where they lie in a message. */
#include "common/header.h"
#include "imapd/fetch.h"

#define LABEL_MAX ((size_t)64 * 1024)

static const struct {
	const char *word;
	enum fetch_section_kind kind;
	bool has_names;
	bool needs_path;
} words[] = {
	{ "HEADER",		FETCH_SECTION_HEADER,	  false, false },
	{ "HEADER.FIELDS",	FETCH_SECTION_FIELDS,	  true,	 false },
	{ "HEADER.FIELDS.NOT",	FETCH_SECTION_FIELDS_NOT, true,	 false },
	{ "TEXT",		FETCH_SECTION_TEXT,	  false, false },
	{ "MIME",		FETCH_SECTION_MIME,	  false, true },
};

static bool fail(struct imap_args *a, const char *why)
{
	a->why = why;
	return false;
}

/* Takes the part numbers off the front of spec, with the dot behind them. */
static bool read_path(struct imap_args *a, struct slice *spec,
		      struct fetch_section *s)
{
	uint32_t path[FETCH_PATH_MAX];
	struct slice rest = *spec, number;
	unsigned long long n;

	while (rest.len && ascii_is_digit(rest.data[0])) {
		if (s->path_len == FETCH_PATH_MAX)
			return fail(a, "[LIMIT] Part number is too deep");
		slice_split(&rest, '.', &number);
		if (!slice_number(number, UINT32_MAX, &n) || n == 0)
			return fail(a, "Bad part number");
		path[s->path_len++] = (uint32_t)n;
		if (!rest.data)		/* nothing was behind the number */
			rest = SLICE_EMPTY;
		else if (rest.len == 0)
			return fail(a, "Bad section");
	}
	*spec = rest;
	s->path = arena_array(a->arena, s->path_len, sizeof *s->path);
	if (!s->path)
		return fail(a, "Too much memory");
	memcpy(s->path, path, s->path_len * sizeof *path);
	return true;
}

static bool read_names(struct imap_args *a, struct fetch_section *s)
{
	struct slice names[FETCH_NAMES_MAX];

	if (!args_space(a) || !args_char(a, '('))
		return fail(a, "List of header fields expected");
	do {
		if (s->name_count == FETCH_NAMES_MAX)
			return fail(a, "[LIMIT] Too many header fields");
		if (!args_astring(a, &names[s->name_count++]))
			return fail(a, "Header field expected");
	} while (args_char(a, ' '));
	if (!args_char(a, ')'))
		return fail(a, "List of header fields is not closed");
	s->names = arena_array(a->arena, s->name_count, sizeof *s->names);
	if (!s->names)
		return fail(a, "Too much memory");
	memcpy(s->names, names, s->name_count * sizeof *names);
	return true;
}

static bool read_word(struct imap_args *a, struct slice word,
		      struct fetch_section *s)
{
	if (word.len == 0)
		return true;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!slice_case_eq(word, slice_str(words[i].word)))
			continue;
		if (words[i].needs_path && s->path_len == 0)
			return fail(a, "MIME needs a part number");
		s->kind = words[i].kind;
		return !words[i].has_names || read_names(a, s);
	}
	return fail(a, "Unknown section");
}

static bool read_partial(struct imap_args *a, struct fetch_section *s)
{
	if (!args_char(a, '<'))
		return true;
	s->is_partial = true;
	if (!args_number64(a, &s->from) || !args_char(a, '.') ||
	    !args_number64(a, &s->octets) || !args_char(a, '>') || s->octets == 0)
		return fail(a, "Bad partial range");
	return true;
}

static const char *const forms[] = {
	[FETCH_FORM_BODY] = "BODY",
	[FETCH_FORM_BINARY] = "BINARY",
	[FETCH_FORM_BINARY_SIZE] = "BINARY.SIZE",
};

static void put_label(const struct fetch_section *s, struct respond *r)
{
	const char *word = "";

	respond_str(r, forms[s->form]);
	respond_char(r, '[');
	for (size_t i = 0; i < s->path_len; i++) {
		if (i)
			respond_char(r, '.');
		respond_u64(r, s->path[i]);
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (s->kind != FETCH_SECTION_WHOLE && words[i].kind == s->kind)
			word = words[i].word;
	if (s->path_len && *word)
		respond_char(r, '.');
	respond_str(r, word);
	for (size_t i = 0; i < s->name_count; i++) {
		respond_str(r, i ? " " : " (");
		respond_astring(r, s->names[i]);
	}
	respond_str(r, s->name_count ? ")]" : "]");
	if (s->is_partial) {
		respond_char(r, '<');
		respond_u64(r, s->from);
		respond_char(r, '>');
	}
}

static bool make_label(struct imap_args *a, struct fetch_section *s)
{
	struct buf text = BUF_INIT(LABEL_MAX);
	struct respond r = { .out = &text, .is_utf8 = a->is_utf8 };

	put_label(s, &r);
	if (!r.failed)
		s->label = arena_copy(a->arena, buf_slice(&text));
	buf_free(&text);
	return (!r.failed && s->label.data) || fail(a, "Section is too long");
}

bool fetch_section_read(struct imap_args *a, enum fetch_form form,
			struct fetch_section *s)
{
	struct slice spec = SLICE_EMPTY;

	*s = (struct fetch_section){ .kind = FETCH_SECTION_WHOLE, .form = form };
	if (!args_char(a, '['))
		return fail(a, "Section expected");
	if (args_peek(a) != ']' && !args_name(a, &spec))
		return fail(a, "Bad section");
	if (!read_path(a, &spec, s) || !read_word(a, spec, s))
		return false;
	if (!args_char(a, ']'))
		return fail(a, "Section is not closed");
	if (form != FETCH_FORM_BODY && s->kind != FETCH_SECTION_WHOLE)
		return fail(a, "BINARY takes part numbers only");
	if (form == FETCH_FORM_BINARY_SIZE)
		return make_label(a, s);
	return read_partial(a, s) && make_label(a, s);
}

bool fetch_section_same(const struct fetch_section *a,
			const struct fetch_section *b)
{
	return slice_eq(a->label, b->label) && a->octets == b->octets;
}

/*
 * A part on the way down the path. is_self: it is the only part of a message
 * that is no multipart, which number 1 names; its header is the message's.
 */
struct place {
	const struct part *part;
	bool is_self;
};

/* The n-th child (from 1) of parts[index], or NULL. */
static const struct part *child(const struct part *parts, size_t count,
				size_t index, uint32_t n)
{
	if (n > parts[index].children)
		return NULL;
	for (size_t i = index + 1; i < count; i++)
		if (parts[i].parent == index && --n == 0)
			return &parts[i];
	return NULL;
}

/* Part n of the message that begins with this part. */
static struct place part_of_message(const struct part *parts, size_t count,
				    const struct part *message, uint32_t n)
{
	if (message->kind == PART_MULTIPART)
		return (struct place){
			child(parts, count, (size_t)(message - parts), n), false };
	return (struct place){ n == 1 ? message : NULL, true };
}

/* The message inside a message/rfc822; NULL for other parts, and where mailboxd
 * stopped looking. */
static const struct part *message_in(const struct part *parts, size_t count,
				     const struct part *part)
{
	return part->kind == PART_MESSAGE
		       ? child(parts, count, (size_t)(part - parts), 1) : NULL;
}

static struct place walk_path(const struct fetch_section *s,
			      const struct part *parts, size_t count)
{
	struct place at = part_of_message(parts, count, &parts[0], s->path[0]);

	for (size_t i = 1; at.part && i < s->path_len; i++) {
		const struct part *message = message_in(parts, count, at.part);

		if (message)
			at = part_of_message(parts, count, message, s->path[i]);
		else if (!at.is_self)
			at = (struct place){ child(parts, count,
						   (size_t)(at.part - parts),
						   s->path[i]), false };
		else
			at.part = NULL;
	}
	return at;
}

static bool set_range(struct fetch_range *range, uint64_t from, uint64_t to,
		      uint64_t size)
{
	/* a size that does not fit the record is mailboxd's mistake */
	to = to < size ? to : size;
	*range = (struct fetch_range){ from, from < to ? to - from : 0 };
	return true;
}

/* Of the whole message, whose header includes the prefix. */
static bool find_in_message(enum fetch_section_kind kind, const struct part *root,
			    const struct fetch_row *row, struct fetch_range *range)
{
	if (kind == FETCH_SECTION_WHOLE)
		return set_range(range, 0, row->size, row->size);
	if (!root)
		return false;
	if (kind == FETCH_SECTION_TEXT)
		return set_range(range, row->prefix + root->body, row->size, row->size);
	return set_range(range, 0, row->prefix + root->body, row->size);
}

bool fetch_section_find(const struct fetch_section *s, const struct part *parts,
			size_t count, const struct fetch_row *row,
			struct fetch_range *range)
{
	const struct part *part;
	struct place at;
	uint64_t add = row->prefix;

	if (s->path_len == 0)
		return find_in_message(s->kind, count ? &parts[0] : NULL, row, range);
	if (count == 0)
		return false;
	at = walk_path(s, parts, count);
	part = at.part;
	if (!part)
		return false;
	if (s->kind == FETCH_SECTION_WHOLE)
		return set_range(range, add + part->body, add + part->end, row->size);
	if (s->kind == FETCH_SECTION_MIME) {
		uint64_t from = part == &parts[0] ? 0 : add + part->header;

		return set_range(range, from, add + part->body, row->size);
	}
	/* HEADER and TEXT are of the message inside (section 6.4.5.1) */
	part = message_in(parts, count, part);
	if (!part)
		return false;
	if (s->kind == FETCH_SECTION_TEXT)
		return set_range(range, add + part->body, add + part->end, row->size);
	return set_range(range, add + part->header, add + part->body, row->size);
}

enum part_encoding fetch_section_encoding(const struct fetch_section *s,
					  const struct part *parts, size_t count)
{
	const struct part *part = s->path_len && count ? walk_path(s, parts, count).part
						       : NULL;

	return part && part->kind == PART_LEAF ? part->encoding : PART_8BIT;
}

void fetch_section_cut(const struct fetch_section *s, struct fetch_range *range)
{
	uint64_t skip;

	if (!s->is_partial)
		return;
	skip = s->from < range->octets ? s->from : range->octets;
	range->offset += skip;
	range->octets -= skip;
	if (range->octets > s->octets)
		range->octets = s->octets;
}

static bool is_named(const struct fetch_section *s, struct slice name)
{
	for (size_t i = 0; i < s->name_count; i++)
		if (slice_case_eq(s->names[i], name))
			return true;
	return false;
}

enum status fetch_section_filter(const struct fetch_section *s,
				 struct slice header, struct buf *out)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	bool wants_named = s->kind == FETCH_SECTION_FIELDS;
	struct header_field field;
	enum status st = ST_OK;

	while (st == ST_OK && header_next(&walk, &field) == ST_OK)
		if (is_named(s, field.name) == wants_named)
			st = buf_append(out, field.whole);
	return st == ST_OK ? buf_append_str(out, "\r\n") : st;
}
