/*
 * From text to values. libconfuse does the grammar; it calls back for each
 * value, with the line, and for each mistake. It has no place for a context
 * pointer, so the parse in progress is a variable of the thread.
 */
#include "common/config_mistakes.h"
#include "common/config_priv.h"
#include "common/config_text.h"
#include "common/nearest.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>

/* how often a text is parsed again after a mistake was blanked */
#define PASSES_MAX 50
/* a bit of cfg_opt_t.flags that libconfuse does not use: it was given */
#define SEEN (1 << 24)

struct parse {
	struct config *config;
	struct config_mistakes *mistakes;
	/* of this pass: the mistake that libconfuse stopped at */
	bool stopped;
	unsigned line;
	char word[128];
	cfg_opt_t root[OPTION_COUNT + SECTION_COUNT + 1];
	cfg_opt_t subs[SECTION_COUNT][OPTION_COUNT + 1];
	char *list_defaults[OPTION_COUNT];
};

static _Thread_local struct parse *current;

static void mistake(unsigned line, const char *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void mistake(unsigned line, const char *place, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	config_mistakes_add(current->mistakes, line, place, slice_str(text));
}

/* ---- what may stand where --------------------------------------------------------- */

/* Names the nearest option, or where the name belongs. */
static void unknown_name(unsigned line, const char *place, const char *section,
			 const char *name)
{
	struct nearest nearest = { 0 };
	const char *in = *section ? section : "the top level";
	struct slice wanted = slice_str(name);

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].section, section) == 0)
			nearest_offer(&nearest, wanted, slice_str(options[i].name));
	if (!*section)
		for (size_t i = 1; i < SECTION_COUNT; i++)
			nearest_offer(&nearest, wanted,
				      slice_str(option_sections[i].name));
	for (size_t i = 0; i < OPTION_COUNT && !nearest.is_found; i++)
		if (strcmp(options[i].name, name) == 0) {
			mistake(line, place, "there is no option \"%s\" in %s; it "
				"belongs %s%s", name, in,
				*options[i].section ? "into " : "to the top level",
				options[i].section);
			return;
		}
	if (nearest.is_found)
		mistake(line, place, "there is no option \"%s\" in %s; did you mean "
			"\"%.*s\"?", name, in, SLICE_ARG(nearest.name));
	else if (strpbrk(name, "@:/.*-"))
		mistake(line, place, "\"%s\" is no option of %s; a value with a "
			"space or one of + , = { } ( ) # stands in double quotes",
			name, in);
	else
		mistake(line, place, "there is no option \"%s\" in %s; see: postroom "
			"config explain", name, in);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const char unknown[] = "no such option '";
	char text[300];
	const char *word;
	struct slice name = SLICE_EMPTY;
	const char *section = strcmp(cfg->name, "root") == 0 ? "" : cfg->name;

	vsnprintf(text, sizeof text, fmt, ap);
	current->stopped = true;
	current->line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	/* a title is not the beginning of what is wrong: the whole line goes */
	word = strstr(text, "title") ? NULL : strchr(text, '\'');
	if (word) {
		name = slice_str(word + 1);
		name.len = slice_index(name, '\'');
	}
	snprintf(current->word, sizeof current->word, "%.*s", SLICE_ARG(name));
	if (strncmp(text, unknown, sizeof unknown - 1) == 0)
		unknown_name(current->line, NULL, section, current->word);
	else
		mistake(current->line, NULL, "%s", text);
}

static void check_value(unsigned line, const char *place, enum option_id id,
			struct slice value)
{
	struct buf why = BUF_INIT(200);
	char shown[64];

	if (config_value_check(id, value, &why)) {
		snprintf(shown, sizeof shown, "%.*s", SLICE_ARG(value));
		mistake(line, place, "%s%s%s = \"%s\" is not right: %.*s",
			options[id].section, *options[id].section ? "." : "",
			options[id].name, shown, SLICE_ARG(buf_slice(&why)));
	}
	buf_free(&why);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
	enum option_id id = option_find(section, opt->name);
	unsigned line = cfg->line > 0 ? (unsigned)cfg->line : 0;

	*(const char **)result = value;
	if (id == OPTION_COUNT || line == 0)
		return 0;	/* a default, set before the first line */
	if ((opt->flags & SEEN) && options[id].type != OPTION_LIST)
		mistake(line, NULL, "%s is given a second time", opt->name);
	opt->flags |= SEEN;
	check_value(line, NULL, id, slice_str(value));
	return 0;
}

static char *list_default(const char *words)
{
	struct buf text = BUF_INIT(1000);
	struct slice word;

	buf_append_char(&text, '{');
	for (size_t i = 0; word = option_word(words, i), word.len; i++)
		buf_append_fmt(&text, "%s\"%.*s\"", i ? "," : "", SLICE_ARG(word));
	buf_append(&text, (struct slice){ "}", 2 });	/* with its NUL */
	return text.data;
}

static void build_options(struct parse *p)
{
	size_t counts[SECTION_COUNT] = { 0 }, root = 0;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		enum section_id id = option_section_of((enum option_id)i);
		cfg_opt_t *to = id == SECTION_TOP ? &p->root[root++]
						  : &p->subs[id][counts[id]++];
		cfg_opt_t one = CFG_STR_CB(options[i].name, NULL, CFGF_NODEFAULT,
					   on_value);
		cfg_opt_t list = CFG_STR_LIST_CB(options[i].name, NULL, CFGF_NONE,
						 on_value);

		*to = one;
		if (options[i].type != OPTION_LIST)
			continue;
		p->list_defaults[i] = list_default(options[i].defaults[0]);
		*to = list;
		to->def.parsed = p->list_defaults[i];
	}
	for (size_t id = 1; id < SECTION_COUNT; id++) {
		cfg_opt_t end = CFG_END();
		cfg_opt_t section = CFG_SEC(option_sections[id].name, p->subs[id],
					    CFGF_NONE);

		if (option_sections[id].title)
			section.flags = CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES;
		p->subs[id][counts[id]] = end;
		p->root[root++] = section;
	}
	p->root[root] = (cfg_opt_t)CFG_END();
}

/* ---- braces: libconfuse takes the end of the file for a closing one ------------------ */

static void check_braces(const char *text, size_t len)
{
	unsigned line = 1, opened[16] = { 0 };
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		line += c == '\n';
		if (c == '"' || c == '\'')
			while (++i < len && text[i] != c) {
				line += text[i] == '\n';
				i += text[i] == '\\';
			}
		if (c == '{' && depth++ < 16)
			opened[depth - 1] = line;
		if (c == '}' && depth > 0)
			depth--;
	}
	if (depth > 0 && depth <= 16)
		mistake(opened[depth - 1], NULL, "this brace { is never closed by a }");
}

/* ---- values ----------------------------------------------------------------------------- */

static enum status keep_option(struct config *c, enum option_id id,
			       struct config_value *value, cfg_opt_t *opt)
{
	struct slice items[CONFIG_ITEMS_MAX];
	struct buf why = BUF_INIT(200);
	size_t count = cfg_opt_size(opt);
	enum status st;

	if (!(opt->flags & CFGF_MODIFIED))
		return ST_OK;
	if (count > CONFIG_ITEMS_MAX)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++)
		items[i] = slice_str(cfg_opt_getnstr(opt, (unsigned)i));
	st = config_value_parse(c, id, items, count, value, &why);
	value->is_set = st == ST_OK;
	buf_free(&why);
	return st == ST_SYNTAX ? ST_OK : st;	/* that was told already */
}

static enum status keep_section(struct config *c, enum section_id id, cfg_t *cfg)
{
	struct config_section *s = id == SECTION_TOP || !option_sections[id].title ?
		config_section_at(c, id, 0) :
		config_section_add(c, id, slice_str(cfg_title(cfg)));
	enum option_id first;
	enum status st = ST_OK;
	size_t count;

	if (!s)
		return ST_NO_MEMORY;
	config_section_range(id, &first, &count);
	for (size_t i = 0; i < count && !st; i++)
		st = keep_option(c, (enum option_id)(first + i), &s->values[i],
				 cfg_getopt(cfg, options[first + i].name));
	return st;
}

static enum status keep_values(struct config *c, cfg_t *root)
{
	enum status st = ST_OK;

	for (size_t id = 0; id < SECTION_COUNT && !st; id++) {
		const char *name = option_sections[id].name;
		size_t count = id == SECTION_TOP ? 1 : cfg_size(root, name);

		if (count > CONFIG_TITLES_MAX)
			return ST_LIMIT;
		for (size_t i = 0; i < count && !st; i++)
			st = keep_section(c, (enum section_id)id, id == SECTION_TOP ?
					  root : cfg_getnsec(root, name, (unsigned)i));
	}
	return st;
}

/* One pass after the other, until nothing is wrong or nothing is left. */
static enum status parse_text(struct config *c, char *text, size_t len)
{
	enum status st = ST_OK;

	for (int pass = 0; pass < PASSES_MAX && !st; pass++) {
		cfg_t *cfg = cfg_init(current->root, CFGF_NONE);
		size_t told = current->mistakes->count;
		int result;

		if (!cfg)
			return ST_NO_MEMORY;
		current->stopped = false;
		cfg_set_error_function(cfg, on_error);
		result = cfg_parse_buf(cfg, text);
		if (result == CFG_SUCCESS) {
			st = keep_values(c, cfg);
			cfg_free(cfg);
			return st;
		}
		cfg_free(cfg);
		/* What stands before the mistake is told again by the next pass. */
		if (!current->stopped)
			mistake(0, NULL, "this is not the syntax of a configuration");
		if (!config_text_blank_item(text, len, current->line,
					    slice_str(current->word)) &&
		    told == current->mistakes->count)
			return ST_OK;
	}
	return st;
}

/* ---- --set NAME=VALUE ---------------------------------------------------------------------- */

/* Takes the part before the next dot off *name; quotes are honoured. */
static struct slice take_part(struct slice *name)
{
	struct slice part;
	size_t n;

	if (name->len && name->data[0] == '"') {
		n = slice_index(slice_from(*name, 1), '"');
		part = slice_head(slice_from(*name, 1), n);
		*name = slice_from(*name, n + 2 < name->len ? n + 2 : name->len);
		if (name->len && name->data[0] == '.')
			*name = slice_from(*name, 1);
		return part;
	}
	n = slice_index(*name, '.');
	part = slice_head(*name, n);
	*name = slice_from(*name, n < name->len ? n + 1 : n);
	return part;
}

/* The '=' that ends the name: not one inside quotes. */
static size_t name_end(struct slice set)
{
	bool quoted = false;

	for (size_t i = 0; i < set.len; i++) {
		if (set.data[i] == '"')
			quoted = !quoted;
		if (set.data[i] == '=' && !quoted)
			return i;
	}
	return set.len;
}

static struct config_value *set_place(struct config *c, enum option_id id,
				      struct slice title)
{
	enum section_id section = option_section_of(id);
	struct config_section *s;
	enum option_id first;
	size_t count, at = 0;

	if (!option_sections[section].title)
		s = config_section_at(c, section, 0);
	else if (config_find_title(c, section, title, &at))
		s = config_section_at(c, section, at);
	else
		s = config_section_add(c, section, title);
	config_section_range(section, &first, &count);
	return s ? &s->values[id - first] : NULL;
}

static size_t split_items(struct slice value, struct slice items[CONFIG_ITEMS_MAX])
{
	struct slice item;
	size_t count = 0;

	value = slice_trim(value);
	if (value.len >= 2 && value.data[0] == '{' && value.data[value.len - 1] == '}')
		value = slice_trim(slice_head(slice_from(value, 1), value.len - 2));
	if (value.len == 0)
		return 0;
	while (count < CONFIG_ITEMS_MAX && slice_split(&value, ',', &item)) {
		item = slice_trim(item);
		if (item.len >= 2 && item.data[0] == '"' &&
		    item.data[item.len - 1] == '"')
			item = slice_head(slice_from(item, 1), item.len - 2);
		items[count++] = item;
	}
	return count;
}

static enum status apply_set(struct config *c, const char *set)
{
	struct slice items[CONFIG_ITEMS_MAX];
	struct slice all = slice_of(set, strlen(set)), name = slice_head(all, name_end(all));
	struct slice title = SLICE_EMPTY, part;
	struct slice value = slice_from(all, name.len < all.len ? name.len + 1 : all.len);
	struct buf why = BUF_INIT(200);
	char place[96], section[64] = "", option[64];
	struct config_value *to;
	enum section_id section_id = SECTION_TOP;
	enum option_id id;
	enum status st;
	size_t count = 1;

	snprintf(place, sizeof place, "--set %.*s", SLICE_ARG(all));
	if (name.len == all.len) {
		mistake(0, place, "write it as NAME=VALUE");
		return ST_OK;
	}
	if (slice_index(name, '.') < name.len) {
		part = take_part(&name);
		snprintf(section, sizeof section, "%.*s", SLICE_ARG(part));
		section_id = option_section_find(section);
		if (section_id == SECTION_COUNT || section_id == SECTION_TOP) {
			unknown_name(0, place, "", section);
			return ST_OK;
		}
		if (option_sections[section_id].title)
			title = take_part(&name);
	}
	snprintf(option, sizeof option, "%.*s", SLICE_ARG(name));
	id = option_find(section, option);
	if (id == OPTION_COUNT) {
		unknown_name(0, place, section, option);
		return ST_OK;
	}
	to = set_place(c, id, title);
	if (!to)
		return ST_NO_MEMORY;
	items[0] = value;
	if (options[id].type == OPTION_LIST)
		count = split_items(value, items);
	for (size_t i = 0; i < count; i++)
		check_value(0, place, id, items[i]);
	st = config_value_parse(c, id, items, count, to, &why);
	to->is_set = st == ST_OK;
	buf_free(&why);
	return st == ST_SYNTAX ? ST_OK : st;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static enum status fill_defaults(struct config *c)
{
	for (size_t id = 0; id < SECTION_COUNT; id++)
		for (struct config_section *s = c->sections[id]; s; s = s->next) {
			enum option_id first;
			size_t count;

			config_section_range((enum section_id)id, &first, &count);
			for (size_t i = 0; i < count; i++) {
				struct config_value standard = { 0 };
				enum option_id option = (enum option_id)(first + i);
				enum status st;

				st = config_value_default(c, option, s->title, &standard);
				if (st)
					return st;
				if (!s->values[i].is_set)
					s->values[i] = standard;
				s->values[i].is_changed = !config_value_equal(
					option, &s->values[i], &standard);
			}
		}
	return ST_OK;
}

static enum status add_listeners(struct config *c)
{
	if (c->counts[SECTION_LISTEN])
		return ST_OK;
	c->has_default_listeners = true;
	for (size_t i = 0; i < KNOWN_LISTENER_COUNT; i++)
		if (!config_section_add(c, SECTION_LISTEN,
					slice_str(known_listeners[i].title)))
			return ST_NO_MEMORY;
	return ST_OK;
}

static void check_listeners(const struct config *c)
{
	for (size_t i = 0; i < c->counts[SECTION_LISTEN]; i++) {
		const char *title = config_title(c, SECTION_LISTEN, i);
		char place[96];

		snprintf(place, sizeof place, "listen %s", title);
		if (!known_listener_find(title) &&
		    config_number_at(c, OPTION_LISTEN_PROTOCOL, i) ==
		    LISTEN_PROTOCOL_AUTO)
			mistake(0, place, "the title does not say what is spoken: add "
				"protocol = smtp, submission, pop3 or imap");
		if (config_count_at(c, OPTION_LISTEN_ADDRESS, i) == 0)
			mistake(0, place, "it has no address: add address = {\"*:25\"}");
	}
}

static enum status find_profile(struct config *c, const struct config_source *source)
{
	struct config_value *value = &c->sections[SECTION_TOP]->values[OPTION_PROFILE];

	c->profile = source->profile;
	if (value->is_set && !source->profile_fixed)
		c->profile = (enum profile)value->number;
	if (value->is_set && source->profile_fixed && value->number != c->profile)
		mistake(0, NULL, "profile = %s: `postroom %s` is profile %s always; "
			"leave the line out", profile_name((enum profile)value->number),
			profile_name(c->profile), profile_name(c->profile));
	value->number = c->profile;
	value->is_set = true;
	return ST_OK;
}

static enum status parse_all(struct config *c, const struct config_source *source)
{
	char *text = malloc(source->text.len + 1);
	enum status st = ST_OK;

	if (!text)
		return ST_NO_MEMORY;
	memcpy(text, source->text.data, source->text.len);
	text[source->text.len] = '\0';
	if (memchr(text, '\0', source->text.len)) {
		mistake(1, NULL, "there is a NUL octet in it: this is not a text file");
	} else {
		config_text_blank_comments(text, source->text.len);
		check_braces(text, source->text.len);
		st = parse_text(c, text, source->text.len);
	}
	free(text);
	if (!st)
		st = find_profile(c, source);
	if (!st && source->set_count) {
		/* --set can name a listener that only the defaults have */
		st = add_listeners(c);
		for (size_t i = 0; i < source->set_count && !st; i++)
			st = apply_set(c, source->sets[i]);
	}
	if (!st)
		st = add_listeners(c);
	if (!st)
		st = fill_defaults(c);
	if (!st)
		check_listeners(c);
	return st;
}

enum status config_parse(const struct config_source *source, struct config **out,
			 struct buf *mistakes)
{
	struct config *c = calloc(1, sizeof *c);
	struct parse *p = calloc(1, sizeof *p);
	enum status st = ST_NO_MEMORY;

	*out = NULL;
	if (!c || !p)
		goto cleanup;
	c->arena.max = (size_t)64 * 1024 * 1024;
	p->config = c;
	p->mistakes = calloc(1, sizeof *p->mistakes);
	if (!p->mistakes)
		goto cleanup;
	current = p;
	build_options(p);
	for (size_t id = 0; id < SECTION_COUNT; id++)
		if (!option_sections[id].title &&
		    !config_section_add(c, (enum section_id)id, SLICE_EMPTY))
			goto cleanup;
	st = parse_all(c, source);
	if (!st && p->mistakes->count) {
		st = config_mistakes_tell(p->mistakes, source->name, mistakes);
		st = st ? st : ST_SYNTAX;
	}
	if (!st) {
		*out = c;
		c = NULL;
	}
cleanup:
	for (size_t i = 0; p && i < OPTION_COUNT; i++)
		free(p->list_defaults[i]);
	if (p)
		free(p->mistakes);
	current = NULL;
	free(p);
	config_free(c);
	return st;
}
