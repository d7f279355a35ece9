#include "tests/dialogue.h"

#include "mailboxd/lmtp_session.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* Settings that a dialogue may name: ours (yes: XPOSTROOM is offered), message
 * (octets), recipients. */
static struct engine *start(const struct dialogue *d,
			    const struct peer_info *peer, void **context)
{
	struct lmtp_settings *s = malloc(sizeof *s);

	cr_assert(s);
	*s = (struct lmtp_settings)LMTP_SETTINGS_DEFAULT;
	s->hostname = "lmtp.example.org";
	s->message_max = dialogue_number(d, "message", 10000);
	s->recipients_max = (uint32_t)dialogue_number(d, "recipients", 1000);
	*context = s;
	return lmtp_session_new(s, peer,
				dialogue_setting(d, "ours", "no")[0] == 'y');
}

static const struct dialogue_protocol lmtp = { start, free };

Test(lmtp, dialogues)
{
	dialogue_play_folder("lmtp", &lmtp);
}
