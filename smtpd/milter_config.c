#include "smtpd/milter_config.h"

#include "common/links.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_for(const struct config *c, size_t at, const char *door)
{
	size_t count = config_count_at(c, OPTION_MILTER_LISTEN, at);

	for (size_t i = 0; i < count; i++)
		if (slice_case_eq(slice_str(config_item_at(c, OPTION_MILTER_LISTEN,
							   at, i)),
				  slice_str(door)))
			return true;
	return count == 0;
}

/* smtpd stands in the run directory, which may be its root. */
static const char *below(const char *path, const char *directory)
{
	size_t n = directory ? strlen(directory) : 0;

	return n && strncmp(path, directory, n) == 0 && path[n] == '/'
		? path + n + 1 : path;
}

/* The socket that smtpd connects to. */
static const char *place_of(const struct config *c, size_t at,
			    const char *directory, char text[MILTER_PATH_MAX])
{
	const char *socket = config_text_at(c, OPTION_MILTER_SOCKET, at);

	if (!links_has_milter(socket))
		return below(socket, directory);
	snprintf(text, MILTER_PATH_MAX, LINK_MILTER_PREFIX "%.*s.sock",
		 LINK_MILTER_TITLE, config_title(c, SECTION_MILTER, at));
	return text;
}

/* The items of a list, a line each. */
static char *lines(const struct config *c, enum option_id id, size_t at)
{
	struct buf text = BUF_INIT(65536);
	size_t count = config_count_at(c, id, at);

	for (size_t i = 0; i < count; i++) {
		buf_append_str(&text, i ? "\n" : "");
		buf_append_str(&text, config_item_at(c, id, at, i));
	}
	if (buf_append_char(&text, '\0') == ST_OK)
		return text.data;
	buf_free(&text);
	return NULL;
}

static enum status add(struct milter_config *m, const struct config *c, size_t at,
		       const char *directory, struct milter_places *places)
{
	struct milter_settings *row = &m->rows[m->set.count];
	char path[MILTER_PATH_MAX];
	char *macros = lines(c, OPTION_MILTER_MACROS, at);

	m->macros[m->set.count++] = macros;
	if (!macros)
		return ST_NO_MEMORY;
	*row = (struct milter_settings){
		.failing = (enum milter_default)config_number_at(
			c, OPTION_MILTER_FAILING, at),
		.version = (unsigned)config_number_at(c, OPTION_MILTER_PROTOCOL, at),
		.connect_ms = (int64_t)config_number_at(c, OPTION_MILTER_CONNECT, at),
		.command_ms = (int64_t)config_number_at(c, OPTION_MILTER_COMMAND, at),
		.content_ms = (int64_t)config_number_at(c, OPTION_MILTER_CONTENT, at),
		.macros = slice_str(macros),
	};
	snprintf(row->title, sizeof row->title, "%s",
		 config_title(c, SECTION_MILTER, at));
	return milter_place(places, place_of(c, at, directory, path), &row->number);
}

static enum status read_junk(struct milter_config *m, const struct config *c)
{
	enum status st = ST_OK;

	m->junk.max = 65536;
	for (size_t i = 0; i < config_count(c, OPTION_JUNK_HEADER) && st == ST_OK; i++) {
		st = buf_append_str(&m->junk, i ? "\n" : "");
		if (st == ST_OK)
			st = buf_append_str(&m->junk,
					    config_item(c, OPTION_JUNK_HEADER, i));
	}
	return st;
}

enum status milter_config_read(struct milter_config *m, const struct config *c,
			       const char *door, const char *directory,
			       struct milter_places *places)
{
	size_t count = config_sections(c, SECTION_MILTER);
	enum status st = read_junk(m, c);

	m->rows = calloc(count + 1, sizeof *m->rows);
	m->macros = calloc(count + 1, sizeof *m->macros);
	m->door = strdup(door);
	m->quarantine = strdup(config_text(c, OPTION_QUARANTINE));
	if (!m->rows || !m->macros || !m->door || !m->quarantine)
		return ST_NO_MEMORY;
	m->set.rows = m->rows;
	m->set.door = m->door;
	m->set.quarantine = m->quarantine;
	for (size_t i = 0; i < count && st == ST_OK; i++)
		if (is_for(c, i, door))
			st = add(m, c, i, directory, places);
	return st;
}

void milter_config_clear(struct milter_config *m)
{
	for (unsigned i = 0; m->macros && i < m->set.count; i++)
		free(m->macros[i]);
	free(m->macros);
	free(m->rows);
	free(m->door);
	free(m->quarantine);
	buf_free(&m->junk);
}
