#include "common/config.h"
#include "common/config_priv.h"
#include "common/config_text.h"
#include "common/units.h"

#include <assert.h>
#include <stdlib.h>

void config_section_range(enum section_id section, enum option_id *first,
			  size_t *count)
{
	size_t at = 0, end;

	while (option_section_of((enum option_id)at) != section)
		at++;
	for (end = at; end < OPTION_COUNT; end++)
		if (option_section_of((enum option_id)end) != section)
			break;
	*first = (enum option_id)at;
	*count = end - at;
}

struct config_section *config_section_add(struct config *c,
					  enum section_id section,
					  struct slice title)
{
	struct config_section *s = arena_alloc(&c->arena, sizeof *s);
	struct config_section **link = &c->sections[section];
	enum option_id first;
	size_t count;

	if (!s)
		return NULL;
	config_section_range(section, &first, &count);
	s->values = arena_array(&c->arena, count, sizeof *s->values);
	s->title = arena_str(&c->arena, title);
	if (!s->values || !s->title)
		return NULL;
	while (*link)
		link = &(*link)->next;
	*link = s;
	c->counts[section]++;
	return s;
}

struct config_section *config_section_at(const struct config *c,
					 enum section_id section, size_t at)
{
	struct config_section *s = c->sections[section];

	while (s && at--)
		s = s->next;
	return s;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_clear(&c->arena);
	free(c);
}

enum profile config_profile(const struct config *c)
{
	return c->profile;
}

/* ---- getters ---------------------------------------------------------------- */

static const struct config_value *value_at(const struct config *c,
					   enum option_id id, size_t at)
{
	enum section_id section = option_section_of(id);
	const struct config_section *s = config_section_at(c, section, at);
	enum option_id first;
	size_t count;

	assert(s);
	config_section_range(section, &first, &count);
	return &s->values[id - first];
}

bool config_bool(const struct config *c, enum option_id id)
{
	assert(options[id].type == OPTION_BOOL);
	return value_at(c, id, 0)->number != 0;
}

uint64_t config_number(const struct config *c, enum option_id id)
{
	return config_number_at(c, id, 0);
}

uint64_t config_number_at(const struct config *c, enum option_id id, size_t at)
{
	assert(options[id].type != OPTION_TEXT && options[id].type != OPTION_LIST);
	return value_at(c, id, at)->number;
}

const char *config_text(const struct config *c, enum option_id id)
{
	return config_text_at(c, id, 0);
}

const char *config_text_at(const struct config *c, enum option_id id, size_t at)
{
	assert(options[id].type == OPTION_TEXT);
	return value_at(c, id, at)->text;
}

size_t config_count(const struct config *c, enum option_id id)
{
	return config_count_at(c, id, 0);
}

size_t config_count_at(const struct config *c, enum option_id id, size_t at)
{
	assert(options[id].type == OPTION_LIST);
	return value_at(c, id, at)->count;
}

const char *config_item(const struct config *c, enum option_id id, size_t item)
{
	return config_item_at(c, id, 0, item);
}

const char *config_item_at(const struct config *c, enum option_id id, size_t at,
			   size_t item)
{
	const struct config_value *value = value_at(c, id, at);

	assert(options[id].type == OPTION_LIST && item < value->count);
	return value->items[item];
}

bool config_is_set(const struct config *c, enum option_id id, size_t at)
{
	return value_at(c, id, at)->is_set;
}

size_t config_sections(const struct config *c, enum section_id section)
{
	return c->counts[section];
}

const char *config_title(const struct config *c, enum section_id section, size_t at)
{
	const struct config_section *s = config_section_at(c, section, at);

	assert(s);
	return s->title;
}

bool config_find_title(const struct config *c, enum section_id section,
		       struct slice title, size_t *at)
{
	size_t i = 0;

	for (const struct config_section *s = c->sections[section]; s; s = s->next, i++)
		if (slice_case_eq(slice_str(s->title), title)) {
			*at = i;
			return true;
		}
	return false;
}

struct listen_settings config_listen(const struct config *c, size_t at)
{
	const char *title = config_title(c, SECTION_LISTEN, at);
	const struct known_listener *known = known_listener_find(title);
	uint64_t auth = config_number_at(c, OPTION_LISTEN_AUTH, at);
	struct listen_settings s = {
		.title = title,
		.protocol = config_number_at(c, OPTION_LISTEN_PROTOCOL, at),
		.tls = config_number_at(c, OPTION_LISTEN_TLS, at),
		.asks_certificate = config_number_at(
			c, OPTION_LISTEN_CLIENT_CERTIFICATES, at) != 0,
		.vrfy = config_number_at(c, OPTION_LISTEN_VRFY, at) != 0,
		.xclient = config_number_at(c, OPTION_LISTEN_XCLIENT, at) != 0,
		.is_proxied = config_number_at(c, OPTION_LISTEN_PROXY, at) != 0,
		.teach = config_number_at(c, OPTION_LISTEN_TEACH, at) != 0,
	};

	if (s.protocol == LISTEN_PROTOCOL_AUTO)
		s.protocol = known ? known->protocol : LISTEN_SMTP;
	if (s.protocol == LISTEN_LINK)
		s.tls = LISTEN_TLS_IMPLICIT;
	if (s.tls == LISTEN_TLS_AUTO) {
		s.tls = known ? known->tls : s.protocol == LISTEN_SMTP ?
			LISTEN_TLS_OPTIONAL : LISTEN_TLS_REQUIRED;
		if (s.tls == LISTEN_TLS_REQUIRED && c->profile != PROFILE_SERVER)
			s.tls = LISTEN_TLS_OPTIONAL;
	}
	s.auth_required = auth == LISTEN_AUTH_AUTO ? s.protocol == LISTEN_SUBMISSION
						   : auth == LISTEN_AUTH_YES;
	s.daemon = s.protocol == LISTEN_POP3 ? R_POPD :
		   s.protocol == LISTEN_IMAP ? R_IMAPD :
		   s.protocol == LISTEN_LINK ? R_LINKD : R_SMTPD;
	return s;
}

enum status config_read(struct slice text, struct config **out, struct error *err)
{
	struct config_source source = { .name = "configuration", .text = text };
	struct buf mistakes = BUF_INIT(65536);
	enum status st = config_parse(&source, out, &mistakes);

	if (st != ST_OK)
		error_set(err, st, "%.*s", (int)slice_index(buf_slice(&mistakes), '\n'),
			  mistakes.data ? mistakes.data : "");
	buf_free(&mistakes);
	return st;
}

/* ---- writing it down ----------------------------------------------------------- */

static enum status dump_list(const struct config_value *v, struct buf *out)
{
	enum status st = buf_append_char(out, '{');

	for (size_t i = 0; i < v->count && !st; i++) {
		st = i ? buf_append_str(out, ", ") : ST_OK;
		if (!st)
			st = config_text_quote(out, v->items[i]);
	}
	return st ? st : buf_append_char(out, '}');
}

static enum status dump_value(enum option_id id, const struct config_value *v,
			      struct buf *out)
{
	switch (options[id].type) {
	case OPTION_BOOL:
		return buf_append_str(out, v->number ? "yes" : "no");
	case OPTION_NUMBER:
		return buf_append_u64(out, v->number);
	case OPTION_SIZE:
		return units_append_size(out, v->number);
	case OPTION_TIME:
		return units_append_time(out, v->number);
	case OPTION_CHOICE:
		return buf_append(out, option_word(options[id].unit, v->number));
	case OPTION_LIST:
		return dump_list(v, out);
	case OPTION_TEXT:
		break;
	}
	return config_text_quote(out, v->text);
}

static enum status dump_options(enum section_id id, const struct config_section *s,
				bool only_changed, struct buf *out)
{
	const char *indent = id == SECTION_TOP ? "" : "  ";
	enum option_id first;
	size_t count;

	config_section_range(id, &first, &count);
	for (size_t i = 0; i < count; i++) {
		enum option_id option = (enum option_id)(first + i);
		enum status st;

		if (only_changed && !s->values[i].is_changed)
			continue;
		st = buf_append_fmt(out, "%s%s = ", indent, options[option].name);
		if (!st)
			st = dump_value(option, &s->values[i], out);
		if (!st)
			st = buf_append_char(out, '\n');
		if (st)
			return st;
	}
	return ST_OK;
}

static bool has_changes(const struct config *c, enum section_id id,
			const struct config_section *s)
{
	enum option_id first;
	size_t count;

	config_section_range(id, &first, &count);
	for (size_t i = 0; i < count; i++)
		if (s->values[i].is_changed)
			return true;
	return option_sections[id].title &&
	       !(id == SECTION_LISTEN && c->has_default_listeners);
}

static enum status dump_section(const struct config *c, enum section_id id,
				const struct config_section *s, bool only_changed,
				struct buf *out)
{
	enum status st;

	if (only_changed && !has_changes(c, id, s))
		return ST_OK;
	if (id == SECTION_TOP)
		return dump_options(id, s, only_changed, out);
	st = buf_append_str(out, option_sections[id].name);
	if (!st && option_sections[id].title) {
		st = buf_append_char(out, ' ');
		if (!st)
			st = config_text_quote(out, s->title);
	}
	if (!st)
		st = buf_append_str(out, " {\n");
	if (!st)
		st = dump_options(id, s, only_changed, out);
	return st ? st : buf_append_str(out, "}\n");
}

enum status config_dump(const struct config *c, bool only_changed, struct buf *out)
{
	for (size_t id = 0; id < SECTION_COUNT; id++)
		for (struct config_section *s = c->sections[id]; s; s = s->next) {
			enum status st = dump_section(c, (enum section_id)id, s,
						      only_changed, out);

			if (st)
				return st;
		}
	return ST_OK;
}
