#include "imapd/session.h"
#include "tests/dialogue.h"

#include <criterion/criterion.h>

/* imapd's engine against a mailboxd whose answers are written out. */
static const struct imap_settings settings = IMAP_SETTINGS_INIT;

static struct engine *start(const struct dialogue *d, const struct peer_info *peer,
			    void **context)
{
	*context = NULL;
	return imap_session_new(&settings, peer, "s0");
}

Test(imap_engine, dialogues, .timeout = 120)
{
	static const struct dialogue_protocol protocol = { .start = start };

	dialogue_play_folder("imap-engine", &protocol);
}
