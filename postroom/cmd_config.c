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
		fputs("postroom: name a file: postroom config check -c FILE\n", stderr);
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

static int unknown(const char *name)
{
	struct nearest nearest = { 0 };
	struct slice wanted = slice_str(name), last = wanted;
	bool is_found = false;

	for (size_t k = 0; k < wanted.len; k++)
		if (wanted.data[k] == '.')
			last = slice_from(wanted, k + 1);
	for (size_t k = 0; k < OPTION_COUNT; k++) {
		struct buf full = BUF_INIT(200);

		nearest_offer(&nearest, last, slice_str(options[k].name));
		if (slice_eq(slice_str(options[k].name), last) &&
		    explain_name((enum option_id)k, &full) == ST_OK) {
			fprintf(stderr, "%s%.*s", is_found ? ", " :
				"postroom: did you mean ", SLICE_ARG(buf_slice(&full)));
			is_found = true;
		}
		buf_free(&full);
	}
	if (is_found)
		fputs("?\n", stderr);
	else if (nearest.is_found)
		fprintf(stderr, "postroom: there is no option %s; did you mean %.*s?\n",
			name, SLICE_ARG(nearest.name));
	else
		fprintf(stderr, "postroom: there is no option %s; postroom config explain "
			"lists all\n", name);
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
