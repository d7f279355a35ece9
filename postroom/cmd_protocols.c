/* protocols: the rows of common/protocol_rows.h. */
#include "common/protocols.h"
#include "postroom/commands.h"
#include "postroom/output.h"

#include <stdio.h>
#include <strings.h>
#include <sysexits.h>

static bool is_protocol(const char *word)
{
	for (int p = 0; p < PROTOCOL_COUNT; p++)
		if (strcasecmp(word, protocol_name((enum protocol)p)) == 0)
			return true;
	return false;
}

/* "SIZE", and "APPENDLIMIT" of "APPENDLIMIT=". */
static struct slice word_of(const struct protocol_row *row)
{
	struct slice word = slice_str(row->word);

	if (word.len && word.data[word.len - 1] == '=')
		word.len--;
	return word;
}

int cmd_protocols(const struct invocation *i)
{
	const char *only = i->count ? i->words[0] : NULL;
	const struct protocol_row *row;
	struct output o;

	if (only && !is_protocol(only)) {
		fprintf(stderr, "postroom protocols: %s is none of SMTP, LMTP, POP3, "
			"IMAP\n", only);
		return EX_USAGE;
	}
	output_init(&o, output_form_of(i->json, stdout),
		    "protocol kind word source test");
	for (size_t k = 0; (row = protocol_row(k)) != NULL; k++) {
		const char *name = protocol_name(row->protocol);
		struct slice cells[] = {
			slice_str(name), slice_str(protocol_kind_name(row->kind)),
			word_of(row), slice_str(row->source), slice_str(row->test),
		};

		if (!only || strcasecmp(only, name) == 0)
			output_row(&o, cells);
	}
	output_write(&o, stdout);
	output_clear(&o);
	return EX_OK;
}
