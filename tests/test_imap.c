#include "imapd/capability.h"
#include "imapd/commands.h"
#include "tests/imap_play.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

Test(imap, dialogues, .timeout = 300)
{
	imap_play_folder("imap");
}

Test(imap, commands_are_in_order)
{
	const struct imap_command_row *row;

	for (size_t i = 0; (row = imap_command_row(i)) != NULL; i++) {
		cr_expect(row->run, "%s has no handler", row->name);
		if (i)
			cr_expect_lt(strcmp(imap_command_row(i - 1)->name, row->name), 0,
				     "%s is not in its place", row->name);
	}
}

/* Each word that is shown has a dialogue that proves it, and a source. */
Test(imap, capabilities_are_proven)
{
	const struct imap_capability *row;
	char path[512];

	for (size_t i = 0; (row = imap_capability_row(i)) != NULL; i++) {
		snprintf(path, sizeof path, "%s/imap/%s.txt", DIALOGUE_DIR, row->test);
		cr_expect_eq(access(path, R_OK), 0, "%s: %s", row->word, path);
		cr_expect(row->source && *row->source, "%s", row->word);
	}
}
