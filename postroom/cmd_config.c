/* config check, show, explain. */
#include "common/nearest.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/explain.h"
#include "postroom/launch.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define USUAL_FILE SYSCONFDIR "/postroom/postroom.conf"
#define TEXT_MAX ((size_t)4 * 1024 * 1024)

static void fill_launch(const struct invocation *i, struct launch *l)
{
	*l = (struct launch){
		.profile = i->has_profile ? i->profile : PROFILE_SERVER,
		.file = i->file ? i->file : i->count ? i->words[0] : NULL,
	};
	for (size_t k = 0; k < i->set_count; k++)
		l->sets[l->set_count++] = i->sets[k];
	/* of lab and test the defaults are of interest too */
	if (!l->file && !i->has_profile)
		l->file = USUAL_FILE;
}

/* EX_OK, or the exit status after all mistakes were printed. */
static int read_config(struct launch *l)
{
	struct buf mistakes = BUF_INIT(100000);
	enum status st = launch_configure(l, &l->config, &mistakes);

	if (mistakes.len)
		fwrite(mistakes.data, 1, mistakes.len, stderr);
	buf_free(&mistakes);
	if (st == ST_IO)
		fputs("postroom: name a file with -c FILE, or a --profile\n", stderr);
	return st == ST_OK ? EX_OK : st == ST_SYNTAX ? EX_CONFIG : EX_NOINPUT;
}

int cmd_config_check(const struct invocation *i)
{
	struct launch l;
	int code;

	fill_launch(i, &l);
	code = read_config(&l);
	if (!code)
		code = launch_check(&l);
	if (!code)
		printf("%s: no mistakes; separation: %s\n",
		       l.file ? l.file : profile_name(l.profile),
		       *config_text(l.config, OPTION_USERS_MAILBOXD) ?
		       "a user for each daemon, when root starts it" : "off");
	launch_clear(&l);
	return code;
}

int cmd_config_show(const struct invocation *i)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	struct launch l;
	int code;

	fill_launch(i, &l);
	code = read_config(&l);
	if (!code && config_dump(l.config, i->non_default, &text) == ST_OK)
		fwrite(buf_slice(&text).data, 1, text.len, stdout);
	buf_free(&text);
	launch_clear(&l);
	return code;
}

static int list_options(const struct invocation *i)
{
	struct output o;

	output_init(&o, output_form_of(i->json, stdout), "option type meaning");
	for (size_t k = 0; k < OPTION_COUNT; k++) {
		struct buf name = BUF_INIT(200);
		struct slice cells[3];

		explain_name((enum option_id)k, &name);
		cells[0] = buf_slice(&name);
		cells[1] = slice_str(option_type_name(options[k].type));
		cells[2] = slice_str(options[k].meaning);
		output_row(&o, cells);
		buf_free(&name);
	}
	output_write(&o, stdout);
	output_clear(&o);
	return EX_OK;
}

/* The option nearest to that name, of the section where one is named;
 * OPTION_COUNT: none is near. */
static enum option_id nearest_option(struct slice section, struct slice name)
{
	struct nearest nearest = { 0 };
	enum option_id found = OPTION_COUNT;

	for (size_t k = 0; k < OPTION_COUNT; k++) {
		struct nearest before = nearest;

		if (section.len && !slice_eq(slice_str(options[k].section), section))
			continue;
		nearest_offer(&nearest, name, slice_str(options[k].name));
		if (nearest.is_found &&
		    (!before.is_found || nearest.distance < before.distance))
			found = (enum option_id)k;
	}
	return found;
}

/* Prints the full name of an option behind some words. */
static void offer_option(const char *words, enum option_id id)
{
	struct buf full = BUF_INIT(200);

	if (explain_name(id, &full) == ST_OK)
		fprintf(stderr, "%s%.*s", words, SLICE_ARG(buf_slice(&full)));
	buf_free(&full);
}

static int unknown(const char *name)
{
	struct slice wanted = slice_str(name), last = wanted, section = { 0 };
	const char *words = "postroom: did you mean ";
	enum option_id near;

	for (size_t k = 0; k < wanted.len; k++)
		if (wanted.data[k] == '.')
			last = slice_from(wanted, k + 1);
	if (last.len != wanted.len)
		section = slice_head(wanted, slice_index(wanted, '.'));
	for (size_t k = 0; k < OPTION_COUNT; k++)
		if (slice_eq(slice_str(options[k].name), last)) {
			offer_option(words, (enum option_id)k);
			words = ", ";
		}
	if (words[0] == ',') {
		fputs("?\n", stderr);
		return EX_USAGE;
	}
	fprintf(stderr, "postroom: there is no option %s; ", name);
	near = nearest_option(section, last);
	if (near != OPTION_COUNT)
		offer_option("did you mean ", near);
	fputs(near != OPTION_COUNT ? "?\n" : "postroom config explain lists all\n", stderr);
	return EX_USAGE;
}

static int explain_section(enum section_id id)
{
	printf("%s: %s\n", option_sections[id].name, option_sections[id].meaning);
	for (size_t k = 0; k < OPTION_COUNT; k++)
		if (option_section_of((enum option_id)k) == id)
			printf("  %s\n", options[k].name);
	return EX_OK;
}

int cmd_config_explain(const struct invocation *i)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	enum option_id id;

	if (i->count == 0)
		return list_options(i);
	id = explain_find(slice_str(i->words[0]));
	if (id == OPTION_COUNT) {
		enum section_id section = option_section_find(i->words[0]);

		return section == SECTION_COUNT || section == SECTION_TOP ?
			unknown(i->words[0]) : explain_section(section);
	}
	explain_option(id, &text);
	fwrite(buf_slice(&text).data, 1, text.len, stdout);
	buf_free(&text);
	return EX_OK;
}

static int print(enum status (*make)(struct buf *out))
{
	struct buf text = BUF_INIT(TEXT_MAX);

	make(&text);
	fwrite(buf_slice(&text).data, 1, text.len, stdout);
	buf_free(&text);
	return EX_OK;
}

int cmd_config_man(const struct invocation *i)
{
	return print(explain_man);
}

int cmd_config_sample(const struct invocation *i)
{
	return print(explain_sample);
}
