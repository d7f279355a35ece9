#include "common/config.h"
#include "postroom/explain.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TOP DIALOGUE_DIR "/../../"

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	char piece[4096];
	size_t n;

	cr_assert(file, "%s", path);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		cr_assert_eq(buf_append(out, slice_of(piece, n)), ST_OK);
	fclose(file);
	buf_append_char(out, '\0');
}

/* Each row is fit for the parser: its defaults are values it takes. */
Test(options, defaults_are_values)
{
	for (int p = 0; p < PROFILE_COUNT; p++) {
		struct config_source source = {
			.name = "none", .text = SLICE_EMPTY, .profile = (enum profile)p,
		};
		struct buf mistakes = BUF_INIT(65536), text = BUF_INIT(65536);
		struct config *c, *again;

		cr_assert_eq(config_parse(&source, &c, &mistakes), ST_OK, "%.*s",
			     SLICE_ARG(buf_slice(&mistakes)));
		cr_expect_eq(config_profile(c), source.profile);
		cr_expect_eq(config_sections(c, SECTION_LISTEN), KNOWN_LISTENER_COUNT);
		/* what is dumped is bound by least and most again */
		cr_assert_eq(config_dump(c, false, &text), ST_OK);
		source.text = buf_slice(&text);
		cr_expect_eq(config_parse(&source, &again, &mistakes), ST_OK, "%.*s",
			     SLICE_ARG(buf_slice(&mistakes)));
		config_free(c);
		config_free(again);
		buf_free(&text);
		buf_free(&mistakes);
	}
}

Test(options, rows_are_whole)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *o = &options[i];
		size_t len = strlen(o->meaning);

		cr_expect(option_find(o->section, o->name) == (enum option_id)i, "%s.%s",
			  o->section, o->name);
		cr_expect(option_section_of((enum option_id)i) != SECTION_COUNT, "%s",
			  o->name);
		cr_expect(o->readers != 0, "%s", o->name);
		cr_expect(len > 0 && o->meaning[len - 1] == '.', "%s", o->name);
	}
}

Test(options, names_are_found)
{
	cr_expect_eq(explain_find(SLICE("limits.message")), OPTION_LIMITS_MESSAGE);
	cr_expect_eq(explain_find(SLICE("message")), OPTION_LIMITS_MESSAGE);
	cr_expect_eq(explain_find(SLICE("listen.smtp.tls")), OPTION_LISTEN_TLS);
	cr_expect_eq(explain_find(SLICE("log")), OPTION_LOG);
	cr_expect_eq(explain_find(SLICE("nothing")), OPTION_COUNT);
	cr_expect_eq(explain_find(SLICE("smtpd")), OPTION_USERS_SMTPD);
}

/* A change of the table is a change of the page: postroom config man. */
Test(options, man_page_agrees)
{
	struct buf page = BUF_INIT(1 << 20), made = BUF_INIT(1 << 20);

	read_file(TOP "doc/postroom.conf.5", &page);
	cr_assert_eq(explain_man(&made), ST_OK);
	buf_append_char(&made, '\0');
	cr_expect(strstr(page.data, made.data),
		  "doc/postroom.conf.5 is not what `postroom config man` writes");
	buf_free(&page);
	buf_free(&made);
}

Test(options, sample_agrees_and_has_no_mistakes)
{
	struct buf sample = BUF_INIT(1 << 20), made = BUF_INIT(1 << 20);
	struct buf mistakes = BUF_INIT(65536);
	struct config_source source = { .name = "etc/postroom.conf" };
	struct config *c;

	read_file(TOP "etc/postroom.conf", &sample);
	cr_assert_eq(explain_sample(&made), ST_OK);
	buf_append_char(&made, '\0');
	cr_expect_str_eq(sample.data, made.data,
			 "etc/postroom.conf is not what `postroom config sample` writes");
	/* and it is right with everything in it, not only as comments */
	for (size_t i = 0; i + 2 < made.len; i++)
		if (strncmp(made.data + i, "# ", 2) == 0 && strchr("abcdefghijklmnopqrstuvwxyz",
							       made.data[i + 2])) {
			size_t end = i + slice_index(slice_from(buf_slice(&made), i), '\n');
			struct slice line = slice_of(made.data + i + 2, end - i - 2);

			if (slice_index(line, '=') < line.len &&
			    slice_index(line, ' ') + 1 == slice_index(line, '='))
				made.data[i] = ' ';
		}
	source.text = slice_of(made.data, made.len - 1);
	cr_expect_eq(config_parse(&source, &c, &mistakes), ST_OK, "%.*s",
		     SLICE_ARG(buf_slice(&mistakes)));
	config_free(c);
	buf_free(&sample);
	buf_free(&made);
	buf_free(&mistakes);
}
