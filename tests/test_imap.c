#include "imapd/commands.h"
#include "tests/imap_play.h"

#include <criterion/criterion.h>

Test(imap, dialogues, .timeout = 300)
{
	imap_play_folder("imap");
}

/* What programs say that cannot be run here; each file names where it is from. */
Test(imap, clients, .timeout = 300)
{
	imap_play_folder("clients");
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
