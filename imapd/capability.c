#include "imapd/capability.h"

#include "common/sasl.h"

#define LOGIN	IMAP_WHEN_LOGIN
#define SESSION	IMAP_WHEN_SESSION
#define BOTH	(LOGIN | SESSION)

/* A word that ends in "=" is followed by the largest message. */
static const struct imap_capability rows[] = {
	{ "IMAP4rev1",		BOTH,			"RFC 3501", "session" },
	{ "IMAP4rev2",		BOTH,			"RFC 9051", "rev2" },
	{ "STARTTLS",		IMAP_WHEN_STARTTLS,	"RFC 3501", "starttls" },
	{ "LOGINDISABLED",	IMAP_WHEN_NO_LOGIN,	"RFC 3501", "starttls" },
	{ "AUTH=EXTERNAL",	IMAP_WHEN_EXTERNAL,	"RFC 4422", "external" },
	{ "AUTH=SCRAM-SHA-256-PLUS", IMAP_WHEN_PLUS,	"RFC 7677", "scram" },
	{ "AUTH=SCRAM-SHA-256",	IMAP_WHEN_SCRAM,	"RFC 7677", "scram" },
	{ "AUTH=PLAIN",		IMAP_WHEN_MAY_LOGIN,	"RFC 4616", "login" },
	{ "AUTH=LOGIN",		IMAP_WHEN_MAY_LOGIN,
	  "draft-murchison-sasl-login", "login" },
	{ "SASL-IR",		LOGIN,			"RFC 4959", "login" },
	{ "LITERAL-",		LOGIN,			"RFC 7888", "login" },
	{ "LITERAL+",		SESSION,		"RFC 7888", "literal" },
	{ "ID",			BOTH,			"RFC 2971", "session" },
	{ "UTF8=ACCEPT",	SESSION,		"RFC 6855", "utf8" },
	{ "ENABLE",		BOTH,			"RFC 5161", "enable" },
	{ "IDLE",		BOTH,			"RFC 2177", "idle" },
	{ "NAMESPACE",		SESSION,		"RFC 2342", "list" },
	{ "CHILDREN",		SESSION,		"RFC 3348", "list" },
	{ "LIST-EXTENDED",	SESSION,		"RFC 5258", "list_extended" },
	{ "LIST-STATUS",	SESSION,		"RFC 5819", "list_extended" },
	{ "SPECIAL-USE",	SESSION,		"RFC 6154", "list_extended" },
	{ "CREATE-SPECIAL-USE",	SESSION,		"RFC 6154", "mailboxes" },
	{ "CONDSTORE",		SESSION,		"RFC 7162", "condstore" },
	{ "QRESYNC",		SESSION,		"RFC 7162", "qresync" },
	{ "ESEARCH",		SESSION,		"RFC 4731", "esearch" },
	{ "SEARCHRES",		SESSION,		"RFC 5182", "searchres" },
	{ "SORT",		SESSION,		"RFC 5256", "sort" },
	{ "SORT=DISPLAY",	SESSION,		"RFC 5957", "sort" },
	{ "ESORT",		SESSION,		"RFC 5267", "sort" },
	{ "THREAD=ORDEREDSUBJECT", SESSION,		"RFC 5256", "thread" },
	{ "THREAD=REFERENCES",	SESSION,		"RFC 5256", "thread" },
	{ "I18NLEVEL=1",	SESSION,		"RFC 5255", "sort" },
	{ "WITHIN",		SESSION,		"RFC 5032", "esearch" },
	{ "OBJECTID",		SESSION,		"RFC 8474", "objectid" },
	{ "SAVEDATE",		SESSION,		"RFC 8514", "savedate" },
	{ "PREVIEW",		SESSION,		"RFC 8970", "preview" },
	{ "STATUS=SIZE",	SESSION,		"RFC 8438", "status" },
	{ "METADATA",		SESSION,		"RFC 5464", "metadata" },
	{ "QUOTA",		SESSION,		"RFC 9208", "quota" },
	{ "QUOTA=RES-STORAGE",	SESSION,		"RFC 9208", "quota" },
	{ "QUOTA=RES-MESSAGE",	SESSION,		"RFC 9208", "quota" },
	{ "QUOTA=RES-MAILBOX",	SESSION,		"RFC 9208", "quota" },
	{ "BINARY",		SESSION,		"RFC 3516", "binary" },
	{ "UNSELECT",		SESSION,		"RFC 3691", "select" },
	{ "UIDPLUS",		SESSION,		"RFC 4315", "uidplus" },
	{ "MOVE",		SESSION,		"RFC 6851", "move" },
	{ "MULTIAPPEND",	SESSION,		"RFC 3502", "append" },
	{ "COMPRESS=DEFLATE",	SESSION,		"RFC 4978", "compress" },
	{ "APPENDLIMIT=",	SESSION,		"RFC 7889", "append" },
};

const struct imap_capability *imap_capability_row(size_t i)
{
	return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

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
	const struct imap_capability *row;

	respond_str(r, "CAPABILITY");
	for (size_t i = 0; (row = imap_capability_row(i)) != NULL; i++) {
		if (!(row->when & when))
			continue;
		respond_char(r, ' ');
		respond_str(r, row->word);
		if (row->word[strlen(row->word) - 1] == '=')
			respond_u64(r, settings->message_octets);
	}
}
