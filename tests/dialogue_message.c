#include "tests/dialogue_message.h"

#include "common/fetch_row.h"
#include "common/ipc_codec.h"
#include "common/ranges.h"

#include <stdio.h>

enum kind { KIND_u32, KIND_u64, KIND_i64, KIND_text, KIND_bytes };

struct field {
	const char *name;
	enum kind kind;
	size_t at;	/* in struct ipc_message */
};

struct type {
	const char *name;
	enum ipc_type type;
	const struct field *fields;	/* up to one without a name */
};

#define FIELD(kind, name) { #name, KIND_##kind, \
		offsetof(struct ipc_message, hello) + offsetof(self, name) },

static bool type_find(const char *name, unsigned number, struct type *found)
{
#define TYPE(value, NAME, low) { \
		typedef struct ipc_##low self; \
		static const struct field fields[] = { \
			IPC_##NAME(FIELD) { NULL, KIND_u32, 0 } }; \
		if (name ? strcmp(name, #low) == 0 : number == (value)) { \
			*found = (struct type){ #low, (value), fields }; \
			return true; \
		} \
	}
	IPC_MESSAGES(TYPE)
#undef TYPE
	return false;
}

bool dialogue_like(struct slice text, struct slice pattern)
{
	size_t t = 0, p = 0, star = SIZE_MAX, mark = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len && pattern.data[p] == text.data[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, ascii_lower(c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The octet that an escape stands for; advances *in behind it. */
static bool unescape(struct slice *in, char *out)
{
	static const char names[] = "rnt0\\\"", values[] = "\r\n\t\0\\\"";
	const char *at;

	if (in->len < 2)
		return false;
	if (in->data[1] == 'x') {
		if (in->len < 4 || hex(in->data[2]) < 0 || hex(in->data[3]) < 0)
			return false;
		*out = (char)(hex(in->data[2]) * 16 + hex(in->data[3]));
		*in = slice_from(*in, 4);
		return true;
	}
	at = in->data[1] ? strchr(names, in->data[1]) : NULL;
	if (!at)
		return false;
	*out = values[at - names];
	*in = slice_from(*in, 2);
	return true;
}

bool dialogue_unquote(struct slice *in, struct arena *arena, struct slice *out)
{
	char *text = arena_alloc(arena, in->len + 1);
	size_t n = 0;

	if (!text || in->len == 0 || in->data[0] != '"')
		return false;
	*in = slice_from(*in, 1);
	while (in->len && in->data[0] != '"') {
		if (in->data[0] == '\\') {
			if (!unescape(in, &text[n++]))
				return false;
		} else {
			text[n++] = in->data[0];
			*in = slice_from(*in, 1);
		}
	}
	if (in->len == 0)
		return false;
	*in = slice_from(*in, 1);
	*out = slice_of(text, n);
	return true;
}

/* {1:3,5} as an encoded set. */
static bool parse_set(struct slice text, struct arena *arena, struct slice *out)
{
	struct ranges set = RANGES_INIT(RANGES_MAX);
	struct buf octets = BUF_INIT((size_t)1 << 20);
	struct slice rest = text, item;
	bool good = true;

	while (text.len && good && slice_split(&rest, ',', &item)) {
		unsigned long long low, high;
		size_t colon = slice_index(item, ':');

		good = slice_number(slice_head(item, colon), UINT32_MAX, &low);
		high = low;
		if (good && colon < item.len)
			good = slice_number(slice_from(item, colon + 1),
					    UINT32_MAX, &high);
		good = good && ranges_add(&set, (uint32_t)low,
					  (uint32_t)high) == ST_OK;
	}
	good = good && ranges_encode(&set, &octets) == ST_OK;
	if (good)
		*out = arena_copy(arena, buf_slice(&octets));
	ranges_free(&set);
	buf_free(&octets);
	return good;
}

/* A value: quoted, a set in braces, or up to the next space or "]". */
static bool take_value(struct slice *in, struct arena *arena, struct slice *out)
{
	size_t n = 0;

	if (in->len && in->data[0] == '"')
		return dialogue_unquote(in, arena, out);
	if (in->len && in->data[0] == '{') {
		n = slice_index(*in, '}');
		if (n == in->len ||
		    !parse_set(slice_from(slice_head(*in, n), 1), arena, out))
			return false;
		*in = slice_from(*in, n + 1);
		return true;
	}
	while (n < in->len && in->data[n] != ' ' && in->data[n] != ']')
		n++;
	*out = slice_head(*in, n);
	*in = slice_from(*in, n);
	return true;
}

/* "name=value" or "name~value"; *how is the sign between. */
static bool take_pair(struct slice *in, struct arena *arena, struct slice *name,
		      char *how, struct slice *value)
{
	size_t n = 0;

	while (n < in->len && in->data[n] != '=' && in->data[n] != '~' &&
	       in->data[n] != ' ')
		n++;
	*name = slice_head(*in, n);
	*how = n < in->len ? in->data[n] : ' ';
	if (*how == ' ') {
		*in = slice_from(*in, n);
		return true;
	}
	*in = slice_from(*in, n + 1);
	return take_value(in, arena, value);
}

static bool number(struct slice text, bool negative_allowed, int64_t *value)
{
	unsigned long long n;
	bool negative = negative_allowed && text.len && text.data[0] == '-';

	if (slice_eq(text, SLICE("max"))) {
		*value = -1;	/* UINT64_MAX, or UINT32_MAX */
		return true;
	}
	if (!slice_number(negative ? slice_from(text, 1) : text, UINT64_MAX, &n))
		return false;
	*value = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool set_field(struct ipc_message *m, const struct field *f,
		      struct slice value)
{
	char *at = (char *)m + f->at;
	int64_t n;

	if (f->kind == KIND_text || f->kind == KIND_bytes) {
		memcpy(at, &value, sizeof value);
		return true;
	}
	if (!number(value, true, &n))
		return false;
	if (f->kind == KIND_u32) {
		uint32_t v = (uint32_t)n;

		memcpy(at, &v, sizeof v);
	} else {
		memcpy(at, &n, sizeof n);
	}
	return true;
}

static const struct field *find_field(const struct type *type,
				      struct slice name)
{
	const struct field *f = type->fields;

	while (f->name && !slice_eq(slice_str(f->name), name))
		f++;
	return f->name ? f : NULL;
}

/* ---- rows: [uid=1 size=2 ...] ---------------------------------------------- */

#define COLUMN(bit, kind, name) { #name, bit, KIND_##kind, \
		offsetof(struct fetch_row, name) }
static const struct column {
	const char *name;
	uint32_t item;
	enum kind kind;
	size_t at;
} columns[] = {
	COLUMN(0, u32, uid),
	COLUMN(FETCH_FLAGS, u64, flags),
	COLUMN(FETCH_MODSEQ, u64, modseq),
	COLUMN(FETCH_SIZE, u64, size),
	COLUMN(FETCH_INTERNALDATE, i64, internaldate),
	COLUMN(FETCH_INTERNALDATE, u32, zone),
	COLUMN(FETCH_SAVEDATE, i64, savedate),
	COLUMN(FETCH_EMAILID, u64, emailid),
	COLUMN(FETCH_THREADID, u64, threadid),
	COLUMN(FETCH_PREFIX, u32, prefix),
	COLUMN(FETCH_UIDL, bytes, uidl),
	COLUMN(FETCH_ENVELOPE, bytes, envelope),
	COLUMN(FETCH_BODYSTRUCTURE, bytes, bodystructure),
	COLUMN(FETCH_BODY, bytes, body),
	COLUMN(FETCH_PARTS, bytes, parts),
	COLUMN(FETCH_PREVIEW, bytes, preview),
	{ "total", 0, KIND_u64, offsetof(struct fetch_row, octets_total) },
	{ "header", FETCH_HEADER_OCTETS, KIND_bytes,
	  offsetof(struct fetch_row, octets) },
	{ "text", FETCH_TEXT_OCTETS, KIND_bytes,
	  offsetof(struct fetch_row, octets) },
	{ "octets", FETCH_ALL_OCTETS, KIND_bytes,
	  offsetof(struct fetch_row, octets) },
};

static bool set_column(struct fetch_row *row, uint32_t *items,
		       struct slice name, struct slice value)
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		const struct column *c = &columns[i];
		struct field f = { c->name, c->kind, c->at };
		/* set_field writes at an offset, whatever the struct is */
		void *at = row;

		if (!slice_eq(slice_str(c->name), name))
			continue;
		*items |= c->item;
		return set_field(at, &f, value);
	}
	return false;
}

/* One "[...]"; *items is what it named, or 0 if it was malformed. */
static bool parse_row(struct slice *in, struct arena *arena,
		      struct fetch_row *row, uint32_t *items)
{
	struct slice name, value;
	char how;

	*row = (struct fetch_row){ .octets_total = UINT64_MAX };
	*items = 0;
	*in = slice_from(*in, 1);
	while (in->len && in->data[0] != ']') {
		if (!take_pair(in, arena, &name, &how, &value) || how != '=' ||
		    !set_column(row, items, name, value))
			return false;
		*in = slice_trim(*in);
	}
	if (in->len == 0)
		return false;
	*in = slice_from(*in, 1);
	if (row->octets_total == UINT64_MAX)
		row->octets_total = row->octets.len;
	return true;
}

/* All rows name the same columns; the first decides. */
static const char *parse_rows(struct slice in, struct arena *arena,
			      struct ipc_message *m, bool *last)
{
	struct buf rows = BUF_INIT((size_t)1 << 20);
	struct fetch_row row;
	uint32_t items;
	bool good = true;

	while (good && in.len && in.data[0] == '[') {
		good = parse_row(&in, arena, &row, &items) &&
		       fetch_row_encode(&rows, items, &row) == ST_OK;
		m->rows.items = items;
		in = slice_trim(in);
	}
	m->rows.rows = arena_copy(arena, buf_slice(&rows));
	buf_free(&rows);
	*last = slice_eq(in, SLICE("last"));
	return good && (in.len == 0 || *last) ? NULL : "malformed row";
}

/* ---- whole messages ----------------------------------------------------------- */

static bool take_type(struct slice *text, struct type *type)
{
	size_t n = slice_index(*text, ' ');
	char name[40];

	snprintf(name, sizeof name, "%.*s", (int)n, text->data);
	*text = slice_trim(slice_from(*text, n));
	return type_find(name, 0, type);
}

const char *dialogue_message_parse(struct slice text, struct arena *arena,
				   struct ipc_message *m, bool *last)
{
	struct slice name, value;
	struct type type;
	char how;

	memset(m, 0, sizeof *m);
	*last = false;
	if (!take_type(&text, &type))
		return "no such message";
	m->type = type.type;
	if (m->type == IPC_TYPE_ROWS)
		return parse_rows(text, arena, m, last);
	for (const struct field *f = type.fields; f->name; f++)
		if (f->kind == KIND_text || f->kind == KIND_bytes)
			set_field(m, f, SLICE_EMPTY);
	while (text.len) {
		const struct field *f;

		if (!take_pair(&text, arena, &name, &how, &value))
			return "malformed value";
		text = slice_trim(text);
		if (how == ' ' && slice_eq(name, SLICE("last"))) {
			*last = true;
			continue;
		}
		f = find_field(&type, name);
		if (!f)
			return "no such field";
		if (how != '=' || !set_field(m, f, value))
			return "malformed value";
	}
	return NULL;
}

static bool field_is(const struct ipc_message *m, const struct field *f,
		     char how, struct slice value)
{
	const char *at = (const char *)m + f->at;
	struct ipc_message wanted;
	struct slice text;

	if (f->kind == KIND_text || f->kind == KIND_bytes) {
		memcpy(&text, at, sizeof text);
		return how == '~' ? dialogue_like(text, value)
				  : slice_eq(text, value);
	}
	return set_field(&wanted, f, value) &&
	       memcmp(at, (char *)&wanted + f->at,
		      f->kind == KIND_u32 ? 4 : 8) == 0;
}

const char *dialogue_message_match(struct slice text, struct arena *arena,
				   const struct ipc_message *m)
{
	static char problem[80];
	struct slice name, value;
	struct type type;
	char how;

	if (!take_type(&text, &type))
		return "no such message";
	if (type.type != m->type)
		return "another message came";
	while (text.len) {
		const struct field *f;

		if (!take_pair(&text, arena, &name, &how, &value))
			return "malformed value";
		text = slice_trim(text);
		f = find_field(&type, name);
		if (!f || how == ' ')
			return "no such field";
		if (!field_is(m, f, how, value)) {
			snprintf(problem, sizeof problem, "field %s differs",
				 f->name);
			return problem;
		}
	}
	return NULL;
}

void dialogue_escape(struct slice octets, struct buf *out)
{
	for (size_t i = 0; i < octets.len; i++) {
		unsigned char c = (unsigned char)octets.data[i];

		if (c == '\r')
			buf_append_str(out, "\\r");
		else if (c == '\n')
			buf_append_str(out, "\\n");
		else if (c < ' ' || c >= 127)
			buf_append_fmt(out, "\\x%02x", c);
		else
			buf_append_char(out, (char)c);
	}
}

void dialogue_message_render(const struct ipc_message *m, struct buf *out)
{
	struct type type;

	if (!type_find(NULL, m->type, &type)) {
		buf_append_str(out, "nothing");
		return;
	}
	buf_append_str(out, type.name);
	for (const struct field *f = type.fields; f->name; f++) {
		const char *at = (const char *)m + f->at;
		struct slice text;
		uint64_t n = 0;

		buf_append_fmt(out, " %s=", f->name);
		if (f->kind == KIND_text || f->kind == KIND_bytes) {
			memcpy(&text, at, sizeof text);
			buf_append_char(out, '"');
			dialogue_escape(slice_head(text, 400), out);
			buf_append_char(out, '"');
		} else {
			memcpy(&n, at, f->kind == KIND_u32 ? 4 : 8);
			buf_append_u64(out, n);
		}
	}
}
