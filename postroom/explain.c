#include "postroom/explain.h"

#include "common/units.h"

#define WIDTH 78

static bool is_titled(enum option_id id)
{
	return option_sections[option_section_of(id)].title != NULL;
}

static void upper(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_append_char(out, ascii_upper(*text));
}

enum status explain_name(enum option_id id, struct buf *out)
{
	const struct option_row *o = &options[id];

	if (*o->section)
		buf_append_fmt(out, "%s.", o->section);
	if (is_titled(id)) {
		upper(out, option_sections[option_section_of(id)].title);
		buf_append_char(out, '.');
	}
	return buf_append_str(out, o->name);
}

enum option_id explain_find(struct slice name)
{
	enum option_id found = OPTION_COUNT;
	struct slice section = slice_head(name, slice_index(name, '.'));
	struct slice last = name;

	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == '.')
			last = slice_from(name, i + 1);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!slice_eq(slice_str(options[i].name), last))
			continue;
		if (last.len != name.len &&
		    !slice_eq(slice_str(options[i].section), section))
			continue;
		if (last.len == name.len && !*options[i].section)
			return (enum option_id)i;
		if (found != OPTION_COUNT)
			return OPTION_COUNT;	/* it could be several */
		found = (enum option_id)i;
	}
	return found;
}

/* ---- pieces ---------------------------------------------------------------------- */

/* Whom a text is for: a file of the distribution names /var where this build may
 * have another directory. */
enum reader { FOR_USER, FOR_FILE };

/* A default as the file has it. */
static void append_default(struct buf *out, const struct option_row *o, enum profile p,
			   enum reader reader)
{
	static const char var[] = LOCALSTATEDIR;
	const char *text = o->defaults[p];
	struct slice word;

	if (reader == FOR_FILE && strncmp(text, var, sizeof var - 1) == 0) {
		buf_append_fmt(out, "\"/var%s\"", text + sizeof var - 1);
	} else if (o->type == OPTION_TEXT) {
		buf_append_fmt(out, "\"%s\"", text);
	} else if (o->type == OPTION_LIST) {
		buf_append_char(out, '{');
		for (size_t i = 0; word = option_word(text, i), word.len; i++)
			buf_append_fmt(out, "%s\"%.*s\"", i ? ", " : "", SLICE_ARG(word));
		buf_append_char(out, '}');
	} else {
		buf_append_str(out, text);
	}
}

/* LISTEN_ADDRESS has a default for each title. */
static void append_defaults(struct buf *out, enum option_id id, enum reader reader)
{
	const struct option_row *o = &options[id];

	if (id == OPTION_LISTEN_ADDRESS) {
		buf_append_str(out, "by the title; every address in server, 127.0.0.1 in "
				    "lab and test");
		return;
	}
	append_default(out, o, PROFILE_SERVER, reader);
	for (int p = PROFILE_LAB; p < PROFILE_COUNT; p++) {
		if (strcmp(o->defaults[p], o->defaults[PROFILE_SERVER]) == 0)
			continue;
		buf_append_fmt(out, ", in %s ", profile_name((enum profile)p));
		append_default(out, o, (enum profile)p, reader);
	}
}

static void append_amount(struct buf *out, const struct option_row *o, uint64_t n)
{
	if (o->type == OPTION_SIZE)
		units_append_size(out, n);
	else if (o->type == OPTION_TIME)
		units_append_time(out, n);
	else
		buf_append_u64(out, n);
}

static void append_type(struct buf *out, const struct option_row *o)
{
	if (o->type == OPTION_CHOICE) {
		struct slice word;

		buf_append_str(out, "one of");
		for (size_t i = 0; word = option_word(o->unit, i), word.len; i++)
			buf_append_fmt(out, "%s %.*s", i ? "," : "", SLICE_ARG(word));
		return;
	}
	buf_append_str(out, option_type_name(o->type));
	if (o->type == OPTION_TEXT || o->type == OPTION_LIST || o->type == OPTION_BOOL)
		return;
	if (*o->unit && o->type == OPTION_NUMBER)
		buf_append_fmt(out, " of %s", o->unit);
	buf_append_str(out, ", from ");
	append_amount(out, o, o->least);
	buf_append_str(out, " to ");
	append_amount(out, o, o->most);
}

static void append_readers(struct buf *out, unsigned readers)
{
	static const char *const names[] = { "postroom", "smtpd", "mailboxd", "popd",
					     "imapd", "linkd" };
	bool is_first = true;

	for (size_t i = 0; i < 6; i++)
		if (readers & (1u << i)) {
			buf_append_fmt(out, "%s%s", is_first ? "" : ", ", names[i]);
			is_first = false;
		}
}

/* Breaks text into lines of WIDTH, each behind the indent. */
static void append_wrapped(struct buf *out, const char *indent, const char *text)
{
	struct slice rest = slice_str(text), word;
	size_t column = 0;

	while (slice_split(&rest, ' ', &word)) {
		if (column && column + 1 + word.len > WIDTH) {
			buf_append_char(out, '\n');
			column = 0;
		}
		column += column ? 1 + word.len : strlen(indent) + word.len;
		buf_append_fmt(out, "%s%.*s",
			       column == strlen(indent) + word.len ? indent : " ",
			       SLICE_ARG(word));
	}
	buf_append_char(out, '\n');
}

enum status explain_option(enum option_id id, struct buf *out)
{
	const struct option_row *o = &options[id];

	explain_name(id, out);
	buf_append_str(out, "\n\n");
	append_wrapped(out, "  ", o->meaning);
	buf_append_str(out, "\n  type     ");
	append_type(out, o);
	buf_append_str(out, "\n  default  ");
	append_defaults(out, id, FOR_USER);
	buf_append_str(out, "\n  read by  ");
	append_readers(out, o->readers);
	return buf_append_char(out, '\n');
}

/* ---- man page ------------------------------------------------------------------------ */

/* A hyphen, a backslash and a dot at the beginning mean something to troff. */
static void append_troff(struct buf *out, struct slice text)
{
	if (text.len && (text.data[0] == '.' || text.data[0] == '\''))
		buf_append_str(out, "\\&");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\')
			buf_append_str(out, "\\e");
		else if (text.data[i] == '-')
			buf_append_str(out, "\\-");
		else
			buf_append_char(out, text.data[i]);
	}
}

static void man_section(struct buf *out, const struct option_section *s)
{
	if (!*s->name) {
		buf_append_str(out, ".SS Top level\n");
		return;
	}
	buf_append_fmt(out, ".SS %s", s->name);
	if (s->title) {
		buf_append_char(out, ' ');
		upper(out, s->title);
	}
	buf_append_str(out, " { ... }\n");
	append_troff(out, slice_str(s->meaning));
	buf_append_char(out, '\n');
}

enum status explain_man(struct buf *out)
{
	enum section_id last = SECTION_COUNT;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *o = &options[i];
		struct buf details = BUF_INIT(4096);

		if (option_section_of((enum option_id)i) != last) {
			last = option_section_of((enum option_id)i);
			man_section(out, &option_sections[last]);
		}
		buf_append_fmt(out, ".TP\n.B %s\n", o->name);
		append_troff(out, slice_str(o->meaning));
		buf_append_str(&details, "Type: ");
		append_type(&details, o);
		buf_append_str(&details, ". Default: ");
		append_defaults(&details, (enum option_id)i, FOR_FILE);
		buf_append_char(&details, '.');
		buf_append_str(out, "\n.br\n");
		append_troff(out, buf_slice(&details));
		buf_append_char(out, '\n');
		buf_free(&details);
	}
	return buf_room(out) ? ST_OK : ST_LIMIT;
}

/* ---- sample ---------------------------------------------------------------------------- */

static void sample_option(struct buf *out, enum option_id id, const char *indent)
{
	const struct option_row *o = &options[id];

	if (id == OPTION_PROFILE || option_sections[option_section_of(id)].title)
		return;
	append_wrapped(out, *indent ? "  # " : "# ", o->meaning);
	buf_append_fmt(out, "%s# %s = ", indent, o->name);
	append_default(out, o, PROFILE_SERVER, FOR_FILE);
	buf_append_str(out, "\n\n");
}

static void sample_listeners(struct buf *out)
{
	static const char *const words[] = { "auto", "none", "optional", "required",
					     "implicit" };

	buf_append_str(out, "# Listeners. With none in this file these seven are open; "
			    "with one, only what\n# is written here. * is every IPv4 and "
			    "IPv6 address.\n");
	for (size_t i = 0; i < KNOWN_LISTENER_COUNT; i++) {
		const struct known_listener *k = &known_listeners[i];

		buf_append_fmt(out, "# listen %-11s { address = {\"*:%u\"}  tls = %s%s }\n",
			       k->title, k->port, words[k->tls],
			       k->auth == LISTEN_AUTH_YES ? "  auth = yes" : "");
	}
	buf_append_str(out, "\n# Settings of a domain. Accounts and aliases are in the "
			    "store: see postroom user.\n# domain example.org {\n"
			    "#   separator = \"+\"\n"
			    "#   catchall = \"ann@example.org\"\n"
			    "#   postmaster = \"ann@example.org\"\n# }\n\n");
}

enum status explain_sample(struct buf *out)
{
	enum section_id last = SECTION_TOP;

	buf_append_str(out, "# postroom.conf: see postroom.conf(5). Check it with: postroom "
			    "config check\n# What is commented out is the default. Sizes: "
			    "KB, MB, GB are powers of 1024.\n\nprofile = server\n\n");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		enum section_id id = option_section_of((enum option_id)i);

		if (id != last) {
			if (last != SECTION_TOP && !option_sections[last].title)
				buf_append_str(out, "}\n\n");
			if (id == SECTION_LISTEN)
				sample_listeners(out);
			if (!option_sections[id].title)
				buf_append_fmt(out, "# %s\n%s {\n",
					       option_sections[id].meaning,
					       option_sections[id].name);
			last = id;
		}
		sample_option(out, (enum option_id)i, id == SECTION_TOP ? "" : "  ");
	}
	return buf_append_str(out, "}\n");
}
