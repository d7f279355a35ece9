#include "imapd/session.h"
#include "tests/dialogue.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* imapd's engine against a mailboxd whose answers are written out. */

static struct engine *start(const struct dialogue *d, const struct peer_info *peer,
			    void **context)
{
	struct imap_settings *settings = malloc(sizeof *settings);

	cr_assert(settings);
	*settings = (struct imap_settings)IMAP_SETTINGS_INIT;
	settings->xclient = strcmp(dialogue_setting(d, "xclient", "no"), "yes") == 0;
	*context = settings;
	return imap_session_new(settings, peer, "s0");
}

Test(imap_engine, dialogues, .timeout = 120)
{
	static const struct dialogue_protocol protocol = { start, free };

	dialogue_play_folder("imap-engine", &protocol);
}
