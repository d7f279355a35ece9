#include "common/address.h"

#include "common/utf8.h"

#include <arpa/inet.h>
#include <idn2.h>

#define LABEL_MAX 63
/* The longest U-label form of a name whose A-label form fits; a bound for
 * copies, the exact limit is on the A-labels. */
#define DOMAIN_UTF8_MAX ((size_t)4 * ADDRESS_DOMAIN_MAX)

static bool is_atext(char c)
{
	static const char marks[] = "!#$%&'*+-/=?^_`{|}~";

	return ascii_is_alpha(c) || ascii_is_digit(c) || (c & 0x80) ||
	       memchr(marks, c, sizeof marks - 1);
}

/* Whether s is free of controls (C1 too) and, where it is 8-bit, UTF-8. */
static bool is_clean(struct slice s, bool utf8_allowed)
{
	uint32_t c;

	if (!utf8_is_ascii(s) && (!utf8_allowed || !utf8_is_valid(s)))
		return false;
	while (utf8_next(&s, &c))
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	return true;
}

/* Letters, digits and hyphens between dots. An underscore is no host name, but
 * names with one send mail. */
static bool is_ldh(struct slice name)
{
	struct slice label;

	if (name.len == 0 || name.len > ADDRESS_DOMAIN_MAX)
		return false;
	while (slice_split(&name, '.', &label)) {
		if (label.len == 0 || label.len > LABEL_MAX ||
		    label.data[0] == '-' || label.data[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!ascii_is_alpha(label.data[i]) && label.data[i] != '-' &&
			    !ascii_is_digit(label.data[i]) && label.data[i] != '_')
				return false;
	}
	return true;
}

static struct slice without_final_dot(struct slice domain)
{
	if (domain.len > 1 && domain.data[domain.len - 1] == '.')
		domain.len--;
	return domain;
}

static enum status append_lower(struct slice name, struct buf *out)
{
	char *at;
	enum status st = buf_reserve(out, name.len, &at);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < name.len; i++)
		at[i] = ascii_lower(name.data[i]);
	out->len += name.len;
	return ST_OK;
}

enum status address_domain_ascii(struct slice domain, struct buf *out)
{
	char name[DOMAIN_UTF8_MAX + 1], *ascii = NULL;
	enum status st;
	int rc;

	domain = without_final_dot(domain);
	if (domain.len > DOMAIN_UTF8_MAX)
		return ST_LIMIT;
	if (utf8_is_ascii(domain)) {
		if (domain.len > ADDRESS_DOMAIN_MAX)
			return ST_LIMIT;
		return is_ldh(domain) ? append_lower(domain, out) : ST_SYNTAX;
	}
	if (!is_clean(domain, true))
		return ST_SYNTAX;
	memcpy(name, domain.data, domain.len);
	name[domain.len] = '\0';
	rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return rc == IDN2_MALLOC ? ST_NO_MEMORY
		     : rc == IDN2_TOO_BIG_LABEL || rc == IDN2_TOO_BIG_DOMAIN
				? ST_LIMIT : ST_SYNTAX;
	st = is_ldh(slice_str(ascii)) ? append_lower(slice_str(ascii), out)
				      : ST_SYNTAX;
	idn2_free(ascii);
	return st;
}

static const struct slice tag_v6 = { "IPv6:", 5 };

/* The shortest form of in, ended with a NUL. */
static bool shorten_ip(struct slice in, bool is_v6, char text[INET6_ADDRSTRLEN])
{
	char octets[16];

	if (in.len >= INET6_ADDRSTRLEN || slice_index(in, '\0') < in.len)
		return false;
	memcpy(text, in.data, in.len);
	text[in.len] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, octets) == 1 &&
	       inet_ntop(is_v6 ? AF_INET6 : AF_INET, octets, text, INET6_ADDRSTRLEN);
}

enum status address_literal(struct slice literal, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	bool is_v6;

	if (literal.len < 3 || literal.data[0] != '[' ||
	    literal.data[literal.len - 1] != ']')
		return ST_SYNTAX;
	literal = slice_of(literal.data + 1, literal.len - 2);
	is_v6 = slice_case_starts(literal, tag_v6);
	if (is_v6)
		literal = slice_from(literal, tag_v6.len);
	if (!shorten_ip(literal, is_v6, text))
		return ST_SYNTAX;
	return buf_append_fmt(out, "[%s%s]", is_v6 ? tag_v6.data : "", text);
}

enum status address_ip(struct slice in, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (slice_case_starts(in, tag_v6))
		in = slice_from(in, tag_v6.len);
	if (!shorten_ip(in, slice_index(in, ':') < in.len, text))
		return ST_SYNTAX;
	return buf_append_str(out, text);
}

bool address_is_host(struct slice text)
{
	char memory[ADDRESS_DOMAIN_MAX + 1];
	struct buf out = { memory, 0, sizeof memory, sizeof memory };

	return address_domain_ascii(text, &out) == ST_OK ||
	       address_literal(text, &out) == ST_OK;
}

/* Takes a Dot-string or a Quoted-string off *in and unquotes it into local. */
static enum status take_local(struct slice *in, struct buf *local)
{
	bool is_quoted = in->len && in->data[0] == '"';
	size_t i = is_quoted ? 1 : 0;
	enum status st = ST_OK;

	for (; st == ST_OK && i < in->len; i++) {
		char c = in->data[i];

		if (is_quoted && c == '"')
			break;
		if (is_quoted && c == '\\' && ++i == in->len)
			return ST_SYNTAX;
		if (!is_quoted && c != '.' && !is_atext(c))
			break;
		/* no empty atom: at the start, doubled, before the "@" */
		if (!is_quoted && c == '.' &&
		    (i == 0 || in->data[i - 1] == '.' || i + 1 == in->len ||
		     in->data[i + 1] == '@'))
			return ST_SYNTAX;
		st = buf_append_char(local, in->data[i]);
	}
	if (st != ST_OK)
		return st;
	if (is_quoted && i++ == in->len)
		return ST_SYNTAX;	/* no closing quote */
	*in = slice_from(*in, i);
	return local->len || is_quoted ? ST_OK : ST_SYNTAX;
}

/* domain is all that is behind the "@". */
static enum status parse_domain(struct slice domain, struct arena *arena,
				struct address *address)
{
	char memory[ADDRESS_DOMAIN_MAX + 1];
	struct buf ascii = { memory, 0, sizeof memory, sizeof memory };
	enum status st;

	address->is_literal = domain.len && domain.data[0] == '[';
	st = address->is_literal ? address_literal(domain, &ascii)
				 : address_domain_ascii(domain, &ascii);
	if (st != ST_OK)
		return st;
	address->domain = arena_copy(arena, address->is_literal
						? buf_slice(&ascii)
						: without_final_dot(domain));
	address->ascii = arena_copy(arena, buf_slice(&ascii));
	return address->domain.data && address->ascii.data ? ST_OK : ST_NO_MEMORY;
}

enum status address_parse(struct slice text, unsigned flags,
			  struct arena *arena, struct address *address)
{
	char memory[ADDRESS_LOCAL_MAX];
	struct buf local = { memory, 0, sizeof memory, sizeof memory };
	enum status st;

	*address = (struct address){ .local = SLICE_EMPTY, .domain = SLICE_EMPTY,
				     .ascii = SLICE_EMPTY };
	if (text.len == 0) {
		address->is_null = true;
		return flags & ADDRESS_NULL ? ST_OK : ST_SYNTAX;
	}
	if (text.len > ADDRESS_PATH_MAX)
		return ST_LIMIT;
	if (!is_clean(text, flags & ADDRESS_UTF8))
		return ST_SYNTAX;
	address->has_utf8 = !utf8_is_ascii(text);
	st = take_local(&text, &local);
	if (st != ST_OK)
		return st;
	address->local = arena_copy(arena, buf_slice(&local));
	if (!address->local.data)
		return ST_NO_MEMORY;
	if (text.len == 0 && flags & ADDRESS_NO_DOMAIN &&
	    slice_case_eq(address->local, SLICE("postmaster")))
		return ST_OK;
	if (text.len == 0 || text.data[0] != '@')
		return ST_SYNTAX;
	return parse_domain(slice_from(text, 1), arena, address);
}

/* "@a,@b:" in front of a mailbox: hosts that nobody goes through any more. */
static enum status skip_route(struct slice *path)
{
	size_t colon = slice_index(*path, ':');
	struct slice route = slice_head(*path, colon), host;

	if (path->len == 0 || path->data[0] != '@')
		return ST_OK;
	if (colon == path->len)
		return ST_SYNTAX;
	while (slice_split(&route, ',', &host))
		if (host.len < 2 || host.data[0] != '@' ||
		    !address_is_host(slice_from(host, 1)))
			return ST_SYNTAX;
	*path = slice_from(*path, colon + 1);
	return path->len ? ST_OK : ST_SYNTAX;
}

/* Index of the ">" that ends the path: not one in quotes. in.len: none. */
static size_t path_end(struct slice in)
{
	bool is_quoted = false;

	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && in.data[i] == '\\')
			i++;
		else if (!is_quoted && in.data[i] == '>')
			return i;
	}
	return in.len;
}

enum status address_parse_path(struct slice *in, unsigned flags,
			       struct arena *arena, struct address *address)
{
	size_t end = path_end(*in);
	struct slice path;
	enum status st;

	if (in->len == 0 || in->data[0] != '<' || end == in->len)
		return ST_SYNTAX;
	if (end > ADDRESS_PATH_MAX)
		return ST_LIMIT;
	path = slice_of(in->data + 1, end - 1);
	if (!is_clean(path, flags & ADDRESS_UTF8))
		return ST_SYNTAX;
	st = skip_route(&path);
	if (st == ST_OK)
		st = address_parse(path, flags, arena, address);
	if (st == ST_OK)
		*in = slice_from(*in, end + 1);
	return st;
}

static bool is_dot_string(struct slice local)
{
	for (size_t i = 0; i < local.len; i++)
		if (!is_atext(local.data[i]) &&
		    (local.data[i] != '.' || i == 0 || i + 1 == local.len ||
		     local.data[i - 1] == '.'))
			return false;
	return local.len > 0;
}

static enum status append_local(struct slice local, struct buf *out)
{
	enum status st;

	if (is_dot_string(local))
		return buf_append(out, local);
	st = buf_append_char(out, '"');
	for (size_t i = 0; st == ST_OK && i < local.len; i++) {
		if (local.data[i] == '"' || local.data[i] == '\\')
			st = buf_append_char(out, '\\');
		if (st == ST_OK)
			st = buf_append_char(out, local.data[i]);
	}
	return st == ST_OK ? buf_append_char(out, '"') : st;
}

static enum status append_at(struct slice domain, struct buf *out)
{
	enum status st;

	if (domain.len == 0)
		return ST_OK;
	st = buf_append_char(out, '@');
	return st == ST_OK ? buf_append(out, domain) : st;
}

static enum status render(const struct address *address, struct slice domain,
			  struct buf *out)
{
	size_t before = out->len;
	enum status st;

	if (address->is_null)
		return ST_OK;
	st = append_local(address->local, out);
	if (st == ST_OK)
		st = append_at(domain, out);
	if (st != ST_OK)
		out->len = before;
	return st;
}

enum status address_render(const struct address *address, struct buf *out)
{
	return render(address, address->domain, out);
}

enum status address_render_ascii(const struct address *address,
				 struct buf *out)
{
	return render(address, address->ascii, out);
}

enum status address_key(const struct address *address, struct buf *out)
{
	size_t before = out->len;
	enum status st = utf8_fold(address->local, out);

	if (st == ST_OK)
		st = append_at(address->ascii, out);
	if (st != ST_OK)
		out->len = before;
	return st;
}
