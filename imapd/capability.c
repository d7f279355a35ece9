#include "imapd/capability.h"

#include "common/protocols.h"
#include "common/sasl.h"

#define LOGIN	IMAP_WHEN_LOGIN
#define SESSION	IMAP_WHEN_SESSION
#define BOTH	(LOGIN | SESSION)

/* When a word of common/protocol_rows.h is shown; where nothing stands here, after
 * the login. */
static const unsigned when_shown[PROTOCOL_CAPABILITY_COUNT] = {
	[PROTOCOL_IMAP_IMAP4REV1] = BOTH,
	[PROTOCOL_IMAP_IMAP4REV2] = BOTH,
	[PROTOCOL_IMAP_STARTTLS] = IMAP_WHEN_STARTTLS,
	[PROTOCOL_IMAP_LOGINDISABLED] = IMAP_WHEN_NO_LOGIN,
	[PROTOCOL_IMAP_AUTH_EXTERNAL] = IMAP_WHEN_EXTERNAL,
	[PROTOCOL_IMAP_AUTH_SCRAM_SHA_256_PLUS] = IMAP_WHEN_PLUS,
	[PROTOCOL_IMAP_AUTH_SCRAM_SHA_256] = IMAP_WHEN_SCRAM,
	[PROTOCOL_IMAP_AUTH_PLAIN] = IMAP_WHEN_MAY_LOGIN,
	[PROTOCOL_IMAP_AUTH_LOGIN] = IMAP_WHEN_MAY_LOGIN,
	[PROTOCOL_IMAP_SASL_IR] = LOGIN,
	[PROTOCOL_IMAP_LITERAL_MINUS] = LOGIN,
	[PROTOCOL_IMAP_ID] = BOTH,
	[PROTOCOL_IMAP_ENABLE] = BOTH,
	[PROTOCOL_IMAP_IDLE] = BOTH,
	[PROTOCOL_IMAP_QUOTASET] = IMAP_WHEN_ADMIN,
};

static unsigned may_login(const struct imap_settings *settings,
			  const struct peer_info *peer)
{
	unsigned when = IMAP_WHEN_MAY_LOGIN;

	if (sasl_is_offered(SASL_SCRAM, settings->has_scram, peer))
		when |= IMAP_WHEN_SCRAM;
	if (sasl_is_offered(SASL_SCRAM_PLUS, settings->has_scram, peer))
		when |= IMAP_WHEN_PLUS;
	if (sasl_is_offered(SASL_EXTERNAL, settings->has_scram, peer))
		when |= IMAP_WHEN_EXTERNAL;
	return when;
}

unsigned imap_capability_login(const struct imap_settings *settings,
			       const struct peer_info *peer)
{
	unsigned when = IMAP_WHEN_LOGIN;
	bool is_secure = peer->is_secure;

	if (!is_secure && (settings->tls == IMAP_TLS_OPTIONAL ||
			   settings->tls == IMAP_TLS_REQUIRED))
		when |= IMAP_WHEN_STARTTLS;
	if (!is_secure && settings->tls == IMAP_TLS_REQUIRED)
		when |= IMAP_WHEN_NO_LOGIN;
	else
		when |= may_login(settings, peer);
	return when;
}

void imap_capability_put(struct respond *r, const struct imap_settings *settings,
			 unsigned when)
{
	respond_str(r, "CAPABILITY");
	for (int i = 0; i < PROTOCOL_CAPABILITY_COUNT; i++) {
		const struct protocol_row *row = protocol_capability(i);
		unsigned shown = when_shown[i] ? when_shown[i] : SESSION;

		if (row->protocol != PROTOCOL_IMAP || !(shown & when))
			continue;
		respond_char(r, ' ');
		respond_str(r, row->word);
		if (row->word[strlen(row->word) - 1] == '=')
			respond_u64(r, settings->message_octets);
	}
}
