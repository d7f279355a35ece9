#include "popd/session_priv.h"

/* A capability (RFC 2449 section 5): its line, and when it is shown. */
struct capability {
	const char *line;
	bool (*is_shown)(const struct pop_session *s);
};

static bool can_stls(const struct pop_session *s)
{
	return s->state == POP_STATE_AUTHORIZATION && s->listener->has_stls &&
	       !s->engine.peer->is_secure;
}

static bool never_expires(const struct pop_session *s)
{
	return s->settings->expire_days == INT32_MAX;
}

/* line, when; NULL: always. SASL, EXPIRE and LOGIN-DELAY with what follows them are
 * below. */
static const struct capability capabilities[] = {
	{ "TOP", NULL },			/* RFC 2449 section 6.2 */
	{ "UIDL", NULL },			/* 6.8 */
	{ "RESP-CODES", NULL },			/* 6.4 */
	{ "AUTH-RESP-CODE", NULL },		/* RFC 3206 */
	{ "PIPELINING", NULL },			/* RFC 2449 section 6.6 */
	{ "USER", pop_may_login },		/* 6.3 */
	{ "STLS", can_stls },			/* RFC 2595 section 4 */
	{ "LANG", NULL },			/* RFC 6856 section 3 */
	{ "EXPIRE NEVER", never_expires },	/* RFC 2449 section 6.7 */
	{ "IMPLEMENTATION Postroom", NULL },	/* 6.9 */
};

/* RFC 2449 section 6.3, RFC 5034 */
static void sasl_row(struct pop_session *s)
{
	struct buf names = BUF_INIT(256);

	sasl_list(s->settings->has_scram, s->engine.peer, " ", "", &names);
	pop_put(s, SLICE("SASL"));
	pop_put(s, buf_slice(&names));
	pop_put(s, SLICE("\r\n"));
	buf_free(&names);
}

static void number_row(struct pop_session *s, struct slice word, long number)
{
	if (number < 0 || number == INT32_MAX)
		return;
	pop_put(s, word);
	pop_put_number(s, (uint64_t)number);
	pop_put(s, SLICE("\r\n"));
}

void pop_cmd_capa(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	pop_ok(s, "Capabilities follow");
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
		const struct capability *c = &capabilities[i];

		if (c->is_shown && !c->is_shown(s))
			continue;
		pop_put(s, slice_str(c->line));
		pop_put(s, SLICE("\r\n"));
	}
	if (pop_may_login(s))
		sasl_row(s);
	number_row(s, SLICE("EXPIRE "), s->settings->expire_days);
	number_row(s, SLICE("LOGIN-DELAY "), s->settings->login_delay_s);
	pop_put(s, SLICE(".\r\n"));
}

void pop_cmd_noop(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	pop_ok(s, "Done");
}
