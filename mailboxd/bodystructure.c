#include "mailboxd/bodystructure.h"

#include "common/mime_field.h"
#include "mailboxd/charset.h"
#include "mailboxd/imap_string.h"

/* Parameters of the fields of one part. */
#define ARENA_MAX ((size_t)8 << 20)

struct render {
	const struct mime *mime;
	struct envelope_state *envelopes;
	struct buf *full, *basic;
	struct arena arena;
	struct message_fields fields;
	enum status st;		/* the first failure; nothing is put after it */
};

static void put_raw(struct render *r, const char *text)
{
	if (r->st == ST_OK)
		r->st = buf_append_str(r->full, text);
}

static void put_string(struct render *r, struct slice text)
{
	if (r->st == ST_OK)
		r->st = imap_put_string(r->full, text);
}

/* " " and the field, or " NIL". */
static void put_field(struct render *r, enum message_field field)
{
	put_raw(r, " ");
	if (r->st == ST_OK)
		r->st = imap_put_field(r->full, message_field_first(&r->fields, field));
}

static void put_number(struct render *r, uint64_t n)
{
	put_raw(r, " ");
	if (r->st == ST_OK)
		r->st = buf_append_u64(r->full, n);
}

/* ---- parameters */

static int hex(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status decode_percent(struct slice text, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < text.len && st == ST_OK; i++)
		if (text.data[i] == '%' && i + 2 < text.len &&
		    hex(text.data[i + 1]) >= 0 && hex(text.data[i + 2]) >= 0) {
			st = buf_append_char(out, (char)(hex(text.data[i + 1]) << 4 |
							 hex(text.data[i + 2])));
			i += 2;
		} else {
			st = buf_append_char(out, text.data[i]);
		}
	return st;
}

static enum status encode_percent(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	enum status st = ST_OK;

	for (size_t i = 0; i < text.len && st == ST_OK; i++) {
		unsigned char c = (unsigned char)text.data[i];
		char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
		bool plain = ascii_is_alpha((char)c) || ascii_is_digit((char)c) ||
			     (c && memchr("!#$&+-.^_`{|}~", c, 14));

		st = plain ? buf_append_char(out, (char)c)
			   : buf_append(out, slice_of(escape, 3));
	}
	return st;
}

/*
 * An RFC 2231 value, its charset made UTF-8 (RFC 9051 section 7.5.2). It stays
 * in the form that the "*" behind its name announces.
 */
static enum status convert_extended(struct slice value, struct buf *out)
{
	struct slice charset, language, text;
	struct charset_decoder d;
	struct buf octets = BUF_INIT(value.len + 1), utf8 = BUF_INIT(value.len * 3 + 512);
	enum status st;

	if (!mime_extended_split(value, &charset, &language, &text) ||
	    charset.len == 0 || charset_find(charset) == charset_find(SLICE("utf-8")))
		return buf_append(out, value);
	st = decode_percent(text, &octets);
	charset_open(&d, charset_find(charset));
	if (st == ST_OK)
		st = charset_feed(&d, buf_slice(&octets), &utf8);
	if (st == ST_OK)
		st = charset_end(&d, &utf8);
	charset_close(&d);
	if (st == ST_OK)
		st = buf_append_str(out, "utf-8'");
	if (st == ST_OK)
		st = buf_append(out, language);
	if (st == ST_OK)
		st = buf_append_char(out, '\'');
	if (st == ST_OK)
		st = encode_percent(buf_slice(&utf8), out);
	buf_free(&octets);
	buf_free(&utf8);
	return st;
}

static void put_param(struct render *r, const struct mime_param *p)
{
	struct buf value = BUF_INIT(p->value.len * 9 + 1024);

	put_string(r, p->name);
	put_raw(r, " ");
	if (p->name.len == 0 || p->name.data[p->name.len - 1] != '*') {
		put_string(r, p->value);
		return;
	}
	if (r->st == ST_OK)
		r->st = convert_extended(p->value, &value);
	put_string(r, buf_slice(&value));
	buf_free(&value);
}

/* " " and the list, or " NIL"; needs_charset: text/plain's default is added. */
static void put_params(struct render *r, struct slice params, bool needs_charset)
{
	size_t count = 0;
	struct mime_param *list = mime_params(params, &r->arena, &count);

	if (!list) {
		r->st = ST_NO_MEMORY;
		return;
	}
	needs_charset = needs_charset && !mime_param_find(list, count, SLICE("charset")) &&
			!mime_param_find(list, count, SLICE("charset*"));
	if (count == 0 && !needs_charset) {
		put_raw(r, " NIL");
		return;
	}
	put_raw(r, " (");
	for (size_t i = 0; i < count; i++) {
		if (i)
			put_raw(r, " ");
		put_param(r, &list[i]);
	}
	if (needs_charset)
		put_raw(r, count ? " \"charset\" \"us-ascii\"" : "\"charset\" \"us-ascii\"");
	put_raw(r, ")");
}

/* ---- extension data */

static void put_disposition(struct render *r)
{
	struct slice body = message_field_first(&r->fields, FIELD_CONTENT_DISPOSITION);
	struct slice word;

	mime_skip_cfws(&body);
	word = mime_token(&body);
	if (word.len == 0) {
		put_raw(r, " NIL");
		return;
	}
	put_raw(r, " (");
	put_string(r, word);
	put_params(r, slice_from(body, slice_index(body, ';')), false);
	put_raw(r, ")");
}

/* RFC 3282: a list of tags with commas between them and comments. */
static void put_language(struct render *r)
{
	struct slice body = message_field_first(&r->fields, FIELD_CONTENT_LANGUAGE);
	struct slice first = { NULL, 0 };
	bool is_list = false;

	while (body.len > 0) {
		struct slice tag;

		mime_skip_cfws(&body);
		tag = mime_token(&body);
		if (tag.len == 0) {
			body = slice_from(body, body.len > 0);
			continue;
		}
		if (!first.data) {
			first = tag;
			continue;
		}
		put_raw(r, is_list ? " " : " (");
		if (!is_list) {
			put_string(r, first);
			put_raw(r, " ");
		}
		is_list = true;
		put_string(r, tag);
	}
	if (is_list) {
		put_raw(r, ")");
		return;
	}
	put_raw(r, " ");
	if (r->st == ST_OK)
		r->st = imap_put_nstring(r->full, first);
}

/* What was put since mark is in both forms; what follows is not. */
static void copy_basic(struct render *r, size_t *mark)
{
	if (r->st == ST_OK)
		r->st = buf_append(r->basic, slice_from(buf_slice(r->full), *mark));
	*mark = r->full->len;
}

static void put_extension(struct render *r, bool has_md5, size_t *mark)
{
	copy_basic(r, mark);
	if (has_md5)
		put_field(r, FIELD_CONTENT_MD5);
	put_disposition(r);
	put_language(r);
	put_field(r, FIELD_CONTENT_LOCATION);
	*mark = r->full->len;
}

/* ---- parts */

/* The Content-Type of the field, unless the part was taken for something else
 * (an encoded message, a multipart without parts). */
static struct mime_type find_type(const struct render *r, const struct part *p)
{
	struct slice body = message_field_first(&r->fields, FIELD_CONTENT_TYPE);
	struct mime_type type;

	if (body.data && mime_type_parse(body, &type) &&
	    slice_case_eq(type.type, p->type) &&
	    slice_case_eq(type.subtype, p->subtype))
		return type;
	return (struct mime_type){ .type = p->type, .subtype = p->subtype,
				   .params = SLICE_EMPTY };
}

static bool is_text(const struct part *p)
{
	return slice_eq(p->type, SLICE("text"));
}

/* "text" "plain" ("charset" "x") id description "7bit" octets */
static void put_basic_fields(struct render *r, const struct part *p)
{
	struct mime_type type = find_type(r, p);
	struct slice encoding = message_field_first(&r->fields, FIELD_CONTENT_ENCODING);

	put_raw(r, "(");
	put_string(r, type.type);
	put_raw(r, " ");
	put_string(r, type.subtype);
	put_params(r, type.params, is_text(p));
	put_field(r, FIELD_CONTENT_ID);
	put_field(r, FIELD_CONTENT_DESCRIPTION);
	mime_skip_cfws(&encoding);
	encoding = mime_token(&encoding);
	put_raw(r, " ");
	put_string(r, encoding.len ? encoding : SLICE("7bit"));
	put_number(r, p->end - p->body);
}

static void put_leaf(struct render *r, const struct part *p, size_t *mark)
{
	put_basic_fields(r, p);
	if (is_text(p))
		put_number(r, p->lines);
	put_extension(r, true, mark);
	put_raw(r, ")");
}

/* What stands in front of the children of part i. */
static void begin_container(struct render *r, const struct part *parts, size_t i)
{
	if (parts[i].kind == PART_MULTIPART) {
		put_raw(r, "(");
		return;
	}
	put_basic_fields(r, &parts[i]);
	put_raw(r, " ");
	message_fields_find(mime_header(r->mime, i + 1), &r->fields);
	if (r->st == ST_OK)
		r->st = envelope_put(r->envelopes, &r->fields, r->full);
	put_raw(r, " ");
}

static void end_container(struct render *r, const struct part *parts, size_t i,
			  size_t *mark)
{
	const struct part *p = &parts[i];

	message_fields_find(mime_header(r->mime, i), &r->fields);
	if (p->kind == PART_MESSAGE) {
		put_number(r, p->lines);
		put_extension(r, true, mark);
	} else {
		struct mime_type type = find_type(r, p);

		put_raw(r, " ");
		put_string(r, type.subtype);
		copy_basic(r, mark);
		put_params(r, type.params, false);
		put_disposition(r);
		put_language(r);
		put_field(r, FIELD_CONTENT_LOCATION);
		*mark = r->full->len;
	}
	put_raw(r, ")");
}

enum status bodystructure_put(const struct mime *m, struct envelope_state *s,
			      struct buf *full, struct buf *basic)
{
	struct render r = { .mime = m, .envelopes = s, .full = full, .basic = basic,
			    .arena = ARENA_INIT(ARENA_MAX) };
	struct { size_t part; uint32_t left; } open[MIME_DEPTH_MAX];
	size_t count, depth = 0, mark = full->len;
	const struct part *parts = mime_parts(m, &count);

	for (size_t i = 0; i < count && r.st == ST_OK; i++) {
		message_fields_find(mime_header(m, i), &r.fields);
		if (parts[i].kind != PART_LEAF) {
			begin_container(&r, parts, i);
			open[depth].part = i;
			open[depth++].left = parts[i].children;
			continue;
		}
		put_leaf(&r, &parts[i], &mark);
		while (depth > 0 && --open[depth - 1].left == 0)
			end_container(&r, parts, open[--depth].part, &mark);
		arena_clear(&r.arena);
	}
	copy_basic(&r, &mark);
	arena_clear(&r.arena);
	return r.st;
}
