#include "popd/session_priv.h"

/* UTF8 (RFC 6856 section 2.1): headers go out as they are from then on; cmd_retr.c
 * has what becomes of them else. */
void pop_cmd_utf8(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	s->is_utf8 = true;
	pop_ok(s, "UTF-8 it is");
}
