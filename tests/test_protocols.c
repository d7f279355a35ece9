#include <config.h>	/* strcasestr */
/*
 * The table of what is spoken against what there is: the commands of each daemon, the
 * mechanisms of SASL, the tests it names, and doc/rfc.md.
 */
#include "common/buf.h"
#include "common/protocols.h"
#include "common/sasl.h"
#include "imapd/commands.h"
#include "mailboxd/lmtp_session_priv.h"
#include "popd/session_priv.h"
#include "smtpd/session_priv.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static char *read_file(const char *path)
{
	struct buf out = BUF_INIT((size_t)4 << 20);
	char block[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		cr_assert_eq(buf_append(&out, slice_of(block, n)), ST_OK);
	fclose(f);
	cr_assert_eq(buf_append_char(&out, '\0'), ST_OK);
	return out.data;
}

/* ---- each row has a test ------------------------------------------------------------ */

/* "smtp/help" and the like, "system/test_dsn", "test_dsn". */
static void path_of(const char *test, char path[512])
{
	if (strncmp(test, "system/", 7) == 0)
		snprintf(path, 512, "%s/tests/%s.py", SOURCE_DIR, test);
	else if (strchr(test, '/'))
		snprintf(path, 512, "%s/tests/dialogues/%s.txt", SOURCE_DIR, test);
	else
		snprintf(path, 512, "%s/tests/%s.c", SOURCE_DIR, test);
}

Test(protocols, each_row_has_a_test)
{
	const struct protocol_row *row;
	char path[512], *text;

	for (size_t i = 0; (row = protocol_row(i)) != NULL; i++) {
		path_of(row->test, path);
		text = read_file(path);
		cr_expect(text, "%s %s: there is no %s", protocol_name(row->protocol),
			  row->word, path);
		/* a command at least stands in it */
		if (text && row->kind == PROTOCOL_KIND_COMMAND)
			cr_expect(strcasestr(text, row->word), "%s %s is not in %s",
				  protocol_name(row->protocol), row->word, path);
		free(text);
	}
}

/* ---- and a row in doc/rfc.md -------------------------------------------------------- */

static bool is_word_of(struct slice cell, struct slice word)
{
	struct slice one;

	while (slice_split(&cell, ' ', &one)) {
		if (one.len && one.data[one.len - 1] == ',')
			one.len--;
		if (slice_eq(one, word))
			return true;
	}
	return false;
}

/* Whether the first column of a row names it: the number of an RFC, or its words. */
static bool is_documented(struct slice text, struct slice source)
{
	bool is_rfc = slice_starts(source, SLICE("RFC "));
	struct slice line, cell;

	while (slice_split(&text, '\n', &line)) {
		if (!slice_starts(line, SLICE("| ")))
			continue;
		cell = slice_from(line, 2);
		cell = slice_head(cell, slice_index(cell, '|'));
		if (is_rfc ? is_word_of(cell, slice_from(source, 4))
			   : slice_starts(cell, source))
			return true;
	}
	return false;
}

Test(protocols, each_row_is_documented)
{
	char *text = read_file(SOURCE_DIR "/doc/rfc.md");
	const struct protocol_row *row;

	cr_assert(text);
	for (size_t i = 0; (row = protocol_row(i)) != NULL; i++)
		cr_expect(is_documented(slice_str(text), slice_str(row->source)),
			  "%s %s: doc/rfc.md has no row for %s",
			  protocol_name(row->protocol), row->word, row->source);
	free(text);
}

/* ---- all that is there has a row ------------------------------------------------------ */

static size_t count_of(enum protocol protocol, enum protocol_kind kind)
{
	const struct protocol_row *row;
	size_t n = 0;

	for (size_t i = 0; (row = protocol_row(i)) != NULL; i++)
		n += row->protocol == protocol && row->kind == kind;
	return n;
}

static bool has_row(enum protocol protocol, enum protocol_kind kind, const char *word)
{
	const struct protocol_row *row;

	for (size_t i = 0; (row = protocol_row(i)) != NULL; i++)
		if (row->protocol == protocol && row->kind == kind &&
		    strcmp(row->word, word) == 0)
			return true;
	return false;
}

static void expect_command(enum protocol protocol, const char *name)
{
	cr_expect(has_row(protocol, PROTOCOL_KIND_COMMAND, name), "%s %s has no row",
		  protocol_name(protocol), name);
}

Test(protocols, commands)
{
	const struct imap_command_row *imap;
	const char *lmtp;
	size_t i;

	for (i = 0; i < smtp_command_count; i++)
		expect_command(PROTOCOL_SMTP, smtp_commands[i].name);
	cr_expect_eq(count_of(PROTOCOL_SMTP, PROTOCOL_KIND_COMMAND), i);
	for (i = 0; (lmtp = lmtp_command_name(i)) != NULL; i++)
		expect_command(PROTOCOL_LMTP, lmtp);
	cr_expect_eq(count_of(PROTOCOL_LMTP, PROTOCOL_KIND_COMMAND), i);
	for (i = 0; i < pop_command_count; i++)
		expect_command(PROTOCOL_POP3, pop_commands[i].name);
	cr_expect_eq(count_of(PROTOCOL_POP3, PROTOCOL_KIND_COMMAND), i);
	for (i = 0; (imap = imap_command_row(i)) != NULL; i++)
		expect_command(PROTOCOL_IMAP, imap->name);
	cr_expect_eq(count_of(PROTOCOL_IMAP, PROTOCOL_KIND_COMMAND), i);
}

Test(protocols, mechanisms)
{
	char word[64];

	for (int m = SASL_NONE + 1; m < (int)SASL_MECHANISMS; m++) {
		const char *name = sasl_name((enum sasl_mechanism)m);

		cr_expect(has_row(PROTOCOL_SMTP, PROTOCOL_KIND_MECHANISM, name), "%s",
			  name);
		cr_expect(has_row(PROTOCOL_POP3, PROTOCOL_KIND_MECHANISM, name), "%s",
			  name);
		snprintf(word, sizeof word, "AUTH=%s", name);
		cr_expect(has_row(PROTOCOL_IMAP, PROTOCOL_KIND_CAPABILITY, word), "%s",
			  word);
	}
	cr_expect_eq(count_of(PROTOCOL_SMTP, PROTOCOL_KIND_MECHANISM),
		     SASL_MECHANISMS - 1u);
	cr_expect_eq(count_of(PROTOCOL_POP3, PROTOCOL_KIND_MECHANISM),
		     SASL_MECHANISMS - 1u);
}
