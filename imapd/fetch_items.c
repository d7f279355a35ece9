/* The part of fetch.h about items. */
#include "common/date.h"
#include "imapd/fetch.h"
#include "imapd/object_id.h"

static char *put_slice(char *at, struct slice s)
{
	if (s.len)
		memcpy(at, s.data, s.len);
	return at + s.len;
}

static char *put_u64(char *at, uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	return put_slice(at, slice_of(digits + i, sizeof digits - i));
}

static char *put_uid(char *at, const struct fetch_values *v)
{
	return put_u64(put_slice(at, SLICE("UID ")), v->row->uid);
}

static char *put_flags(char *at, const struct fetch_values *v)
{
	return put_slice(put_slice(at, SLICE("FLAGS ")), v->flags);
}

static char *put_internaldate(char *at, const struct fetch_values *v)
{
	at = put_slice(at, SLICE("INTERNALDATE \""));
	date_render_imap(v->row->internaldate, v->row->zone, at);
	return put_slice(at + DATE_IMAP_OCTETS, SLICE("\""));
}

static char *put_size(char *at, const struct fetch_values *v)
{
	return put_u64(put_slice(at, SLICE("RFC822.SIZE ")), v->row->size);
}

/* mailboxd renders these; a message it could not read has none. */
static char *put_rendered(char *at, struct slice name, struct slice value)
{
	return put_slice(put_slice(at, name), value.len ? value : SLICE("NIL"));
}

static char *put_envelope(char *at, const struct fetch_values *v)
{
	return put_rendered(at, SLICE("ENVELOPE "), v->row->envelope);
}

static char *put_bodystructure(char *at, const struct fetch_values *v)
{
	return put_rendered(at, SLICE("BODYSTRUCTURE "), v->row->bodystructure);
}

static char *put_body(char *at, const struct fetch_values *v)
{
	return put_rendered(at, SLICE("BODY "), v->row->body);
}

/* RFC 7162 section 3.1.2.1 */
static char *put_modseq(char *at, const struct fetch_values *v)
{
	at = put_u64(put_slice(at, SLICE("MODSEQ (")), v->row->modseq);
	return put_slice(at, SLICE(")"));
}

/* RFC 8474 section 5 */
static char *put_id(char *at, struct slice name, char letter, uint64_t id)
{
	at = put_slice(put_slice(at, name), SLICE(" ("));
	object_id_render(letter, id, at);
	return put_slice(at + OBJECT_ID_OCTETS, SLICE(")"));
}

static char *put_emailid(char *at, const struct fetch_values *v)
{
	return put_id(at, SLICE("EMAILID"), OBJECT_ID_EMAIL, v->row->emailid);
}

static char *put_threadid(char *at, const struct fetch_values *v)
{
	return put_id(at, SLICE("THREADID"), OBJECT_ID_THREAD, v->row->threadid);
}

/* RFC 8514 section 4.3 */
static char *put_savedate(char *at, const struct fetch_values *v)
{
	at = put_slice(at, SLICE("SAVEDATE \""));
	date_render_imap(v->row->savedate, 0, at);
	return put_slice(at + DATE_IMAP_OCTETS, SLICE("\""));
}

/* RFC 8970 section 3.2: made at delivery, so that it is never NIL. A literal, for
 * what is in it is the sender's. */
static char *put_preview(char *at, const struct fetch_values *v)
{
	if (v->row->preview.len == 0)
		return put_slice(at, SLICE("PREVIEW \"\""));
	at = put_u64(put_slice(at, SLICE("PREVIEW {")), v->row->preview.len);
	return put_slice(put_slice(at, SLICE("}\r\n")), v->row->preview);
}

static const struct fetch_att uid_item = { "UID", 0, put_uid };
static const struct fetch_att modseq_item = { "MODSEQ", FETCH_MODSEQ, put_modseq };

/* name, columns it needs, how it is put */
static const struct fetch_att items[] = {
	{ "BODY",		FETCH_BODY,		put_body },
	{ "BODYSTRUCTURE",	FETCH_BODYSTRUCTURE,	put_bodystructure },
	{ "EMAILID",		FETCH_EMAILID,		put_emailid },
	{ "ENVELOPE",		FETCH_ENVELOPE,		put_envelope },
	{ "FLAGS",		FETCH_FLAGS,		put_flags },
	{ "INTERNALDATE",	FETCH_INTERNALDATE,	put_internaldate },
	{ "PREVIEW",		FETCH_PREVIEW,		put_preview },
	{ "RFC822.SIZE",	FETCH_SIZE,		put_size },
	{ "SAVEDATE",		FETCH_SAVEDATE,		put_savedate },
	{ "THREADID",		FETCH_THREADID,		put_threadid },
};

/* Items of RFC 3501 that are sections under another name, and two of RFC 1730 that
 * Outlook still asks for: what they are called in the answer, kind, whether reading it
 * sets \Seen. */
static const struct {
	const char *name, *label;
	enum fetch_section_kind kind;
	bool sets_seen;
} old_sections[] = {
	{ "RFC822",		"RFC822",	FETCH_SECTION_WHOLE,	true },
	{ "RFC822.PEEK",	"RFC822",	FETCH_SECTION_WHOLE,	false },
	{ "RFC822.HEADER",	"RFC822.HEADER", FETCH_SECTION_HEADER,	false },
	{ "RFC822.TEXT",	"RFC822.TEXT",	FETCH_SECTION_TEXT,	true },
	{ "RFC822.TEXT.PEEK",	"RFC822.TEXT",	FETCH_SECTION_TEXT,	false },
};

static const struct { const char *name, *items; } macros[] = {
	{ "ALL",	"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
	{ "FAST",	"FLAGS INTERNALDATE RFC822.SIZE" },
	{ "FULL",	"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
};

static const struct fetch_att *find_item(struct slice name)
{
	if (slice_case_eq(name, SLICE("UID")))
		return &uid_item;
	if (slice_case_eq(name, SLICE("MODSEQ")))
		return &modseq_item;
	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		if (slice_case_eq(name, slice_str(items[i].name)))
			return &items[i];
	return NULL;
}

static bool add_item(struct fetch_plan *plan, const struct fetch_att *item,
		     bool in_front)
{
	size_t n = plan->item_count;

	for (size_t i = 0; i < n; i++)
		if (plan->items[i] == item)
			return true;
	if (n == FETCH_ITEMS_MAX)
		return false;
	if (in_front)
		memmove(plan->items + 1, plan->items, n * sizeof *plan->items);
	plan->items[in_front ? 0 : n] = item;
	plan->item_count++;
	plan->columns |= item->columns;
	return true;
}

bool fetch_plan_add_uid(struct fetch_plan *plan)
{
	return add_item(plan, &uid_item, true);
}

bool fetch_plan_add_modseq(struct fetch_plan *plan)
{
	return add_item(plan, &modseq_item, false);
}

static bool fail(struct imap_args *a, const char *why)
{
	if (!a->why)
		a->why = why;
	return false;
}

static bool add_section(struct imap_args *a, struct fetch_plan *plan,
			const struct fetch_section *s, bool sets_seen)
{
	plan->sets_seen |= sets_seen;
	for (size_t i = 0; i < plan->section_count; i++)
		if (fetch_section_same(&plan->sections[i], s))
			return true;
	if (plan->section_count == FETCH_SECTIONS_MAX)
		return fail(a, "[LIMIT] Too many sections");
	plan->sections[plan->section_count++] = *s;
	return true;
}

/* Items that a section follows: name, what is told of it, whether reading it sets
 * \Seen. */
static const struct {
	const char *name;
	enum fetch_form form;
	bool sets_seen;
} sections[] = {
	{ "BODY",		FETCH_FORM_BODY,	true },
	{ "BODY.PEEK",		FETCH_FORM_BODY,	false },
	{ "BINARY",		FETCH_FORM_BINARY,	true },
	{ "BINARY.PEEK",	FETCH_FORM_BINARY,	false },
	{ "BINARY.SIZE",	FETCH_FORM_BINARY_SIZE,	false },
};

/* BODY[...], BINARY.SIZE[...] */
static bool read_section(struct imap_args *a, struct fetch_plan *plan,
			 struct slice name)
{
	struct fetch_section s;

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		if (slice_case_eq(name, slice_str(sections[i].name)))
			return fetch_section_read(a, sections[i].form, &s) &&
			       add_section(a, plan, &s, sections[i].sets_seen);
	return fail(a, "Unknown FETCH item");
}

/* "(LAZY)" behind PREVIEW (RFC 8970 section 4): ours is always there. Another
 * list there is one of FETCH's own modifiers, or a mistake. */
static void read_lazy(struct imap_args *a)
{
	struct imap_args before = *a;

	if (!args_char(a, ' ') || !args_char(a, '(') || !args_word(a, "LAZY") ||
	    !args_char(a, ')'))
		*a = before;
}

static bool read_item(struct imap_args *a, struct fetch_plan *plan)
{
	const struct fetch_att *item;
	struct slice name;

	if (!args_name(a, &name))
		return fail(a, "FETCH item expected");
	if (args_peek(a) == '[')
		return read_section(a, plan, name);
	item = find_item(name);
	if (item && item->put == put_preview)
		read_lazy(a);
	if (item)
		return add_item(plan, item, false) || fail(a, "Too many items");
	for (size_t i = 0; i < sizeof old_sections / sizeof *old_sections; i++)
		if (slice_case_eq(name, slice_str(old_sections[i].name))) {
			const struct fetch_section s = {
				.label = slice_str(old_sections[i].label),
				.kind = old_sections[i].kind,
			};

			return add_section(a, plan, &s, old_sections[i].sets_seen);
		}
	return fail(a, "Unknown FETCH item");
}

/* A macro stands alone, never in a list. */
static bool read_macro(struct imap_args *a, struct fetch_plan *plan)
{
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
		struct slice names = slice_str(macros[i].items), name;

		if (!args_word(a, macros[i].name))
			continue;
		while (slice_split(&names, ' ', &name))
			add_item(plan, find_item(name), false);
		return true;
	}
	return false;
}

bool fetch_plan_read(struct imap_args *a, struct fetch_plan *plan)
{
	memset(plan, 0, sizeof *plan);
	if (read_macro(a, plan))
		return true;
	if (!args_char(a, '('))
		return read_item(a, plan);
	do
		if (!read_item(a, plan))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')') || fail(a, "List of items is not closed");
}

static bool is_of_header(const struct fetch_section *s)
{
	return s->path_len == 0 && (s->kind == FETCH_SECTION_HEADER ||
				    s->kind == FETCH_SECTION_FIELDS ||
				    s->kind == FETCH_SECTION_FIELDS_NOT);
}

/* Headers come with the row, for they are small and often asked for. So does a
 * section that stands alone and is whole, or all of the text: its octets follow
 * the row and cannot wait. All others are read one by one. */
void fetch_plan_finish(struct fetch_plan *plan)
{
	plan->stream = FETCH_NO_STREAM;
	for (size_t i = 0; i < plan->section_count; i++) {
		plan->with_header |= is_of_header(&plan->sections[i]);
		plan->sends_body |= !is_of_header(&plan->sections[i]) &&
				    plan->sections[i].form != FETCH_FORM_BINARY_SIZE;
		plan->has_binary |= plan->sections[i].form != FETCH_FORM_BODY;
	}
	for (size_t i = 0; i < plan->section_count; i++) {
		const struct fetch_section *s = &plan->sections[i];
		bool can_stream = plan->section_count == 1 && !s->path_len &&
				  !s->is_partial &&
				  s->form != FETCH_FORM_BINARY_SIZE &&
				  (s->kind == FETCH_SECTION_WHOLE ||
				   s->kind == FETCH_SECTION_TEXT);

		if (can_stream) {
			plan->stream = i;
			plan->columns |= s->kind == FETCH_SECTION_TEXT
						 ? FETCH_TEXT_OCTETS : FETCH_ALL_OCTETS;
		} else if (!is_of_header(s)) {
			plan->columns |= FETCH_SIZE;
			plan->needs_parts |= s->path_len ||
					     s->kind != FETCH_SECTION_WHOLE;
		}
	}
	if (plan->with_header)
		plan->columns |= FETCH_HEADER_OCTETS;
	if (plan->needs_parts)
		plan->columns |= FETCH_PARTS | FETCH_PREFIX;
	if (plan->sets_seen)
		plan->columns |= FETCH_FLAGS;
}

enum status fetch_plan_put(const struct fetch_plan *plan, uint32_t seq,
			   const struct fetch_values *v, struct buf *out)
{
	size_t room = 64 + plan->item_count * FETCH_ITEM_OCTETS + v->flags.len +
		      v->row->envelope.len + v->row->bodystructure.len +
		      v->row->body.len + v->row->preview.len;
	char *begin, *at;
	enum status st = buf_reserve(out, room, &begin);

	if (st != ST_OK)
		return st;
	at = put_slice(begin, SLICE("* "));
	at = put_slice(put_u64(at, seq), SLICE(" FETCH ("));
	for (size_t i = 0; i < plan->item_count; i++) {
		if (i)
			*at++ = ' ';
		at = plan->items[i]->put(at, v);
	}
	out->len += (size_t)(at - begin);
	return ST_OK;
}
