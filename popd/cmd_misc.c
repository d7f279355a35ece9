#include "popd/session_priv.h"

#include "common/protocols.h"

static bool can_stls(const struct pop_session *s)
{
	return s->state == POP_STATE_AUTHORIZATION && s->listener->has_stls &&
	       !s->engine.peer->is_secure;
}

static bool has_expiry(const struct pop_session *s)
{
	return s->settings->expire_days >= 0;
}

static bool has_delay(const struct pop_session *s)
{
	return s->settings->login_delay_s >= 0 &&
	       s->settings->login_delay_s != INT32_MAX;
}

/* RFC 2449 section 6.3, RFC 5034 */
static void value_sasl(struct pop_session *s)
{
	const struct peer_info peer = pop_login_peer(s);
	struct buf names = BUF_INIT(256);

	sasl_list(s->settings->has_scram, &peer, " ", "", &names);
	pop_put(s, buf_slice(&names));
	buf_free(&names);
}

/* Section 6.7 */
static void value_expire(struct pop_session *s)
{
	pop_put(s, SLICE(" "));
	if (s->settings->expire_days == INT32_MAX)
		pop_put(s, SLICE("NEVER"));
	else
		pop_put_number(s, (uint64_t)s->settings->expire_days);
}

/* Section 6.5 */
static void value_delay(struct pop_session *s)
{
	pop_put(s, SLICE(" "));
	pop_put_number(s, (uint64_t)s->settings->login_delay_s);
}

/* RFC 6856 section 2.2 */
static void value_utf8(struct pop_session *s)
{
	pop_put(s, SLICE(" USER"));
}

static void value_implementation(struct pop_session *s)
{
	pop_put(s, SLICE(" Postroom"));
}

/* What is behind a word of common/protocol_rows.h: when it holds (NULL: always), and
 * what follows it (RFC 2449 section 5). */
static const struct shown {
	bool (*is_shown)(const struct pop_session *s);
	void (*value)(struct pop_session *s);
} shown[PROTOCOL_CAPABILITY_COUNT] = {
	[PROTOCOL_POP3_USER] = { pop_may_login, NULL },
	[PROTOCOL_POP3_STLS] = { can_stls, NULL },
	[PROTOCOL_POP3_UTF8] = { NULL, value_utf8 },
	[PROTOCOL_POP3_XCLIENT] = { pop_offers_xclient, NULL },
	[PROTOCOL_POP3_SASL] = { pop_may_login, value_sasl },
	[PROTOCOL_POP3_EXPIRE] = { has_expiry, value_expire },
	[PROTOCOL_POP3_LOGIN_DELAY] = { has_delay, value_delay },
	[PROTOCOL_POP3_IMPLEMENTATION] = { NULL, value_implementation },
};

void pop_cmd_capa(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	pop_ok(s, "Capabilities follow");
	for (int id = 0; id < PROTOCOL_CAPABILITY_COUNT; id++) {
		const struct protocol_row *row = protocol_capability(id);

		if (row->protocol != PROTOCOL_POP3 ||
		    (shown[id].is_shown && !shown[id].is_shown(s)))
			continue;
		pop_put(s, slice_str(row->word));
		if (shown[id].value)
			shown[id].value(s);
		pop_put(s, SLICE("\r\n"));
	}
	pop_put(s, SLICE(".\r\n"));
}

void pop_cmd_noop(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	pop_ok(s, "Done");
}
