#include "common/options.h"

#define OPTION_ROW_(ID, section_, name_, type_, unit_, least_, most_, \
		    server, lab, test, readers_, meaning_) \
	[OPTION_##ID] = { section_, name_, OPTION_##type_, unit_, least_, most_, \
			  { server, lab, test }, readers_, meaning_ },
/* once more around, so that SAME() becomes three arguments */
#define OPTION_ROW(...) OPTION_ROW_(__VA_ARGS__)

const struct option_row options[OPTION_COUNT] = { OPTION_ROWS(OPTION_ROW) };

const struct option_section option_sections[SECTION_COUNT] = {
	[SECTION_TOP]	= { "", NULL, "" },
	[SECTION_USERS]	= { "users", NULL,
			    "Whom the daemons run as when postroom is started by root." },
	[SECTION_TLS]	= { "tls", NULL, "Certificate and TLS." },
	[SECTION_CERTIFICATE] = { "certificate", "name",
			    "A certificate for clients that ask for this name, "
			    "\"mail.example.net\", or \"*.example.net\" for one "
			    "label; all others get that of tls." },
	[SECTION_LISTEN] = { "listen", "listener",
			     "A listening socket and what is spoken on it. Without any, "
			     "the seven usual ones." },
	[SECTION_LINKS]	= { "links", NULL,
			    "Other hosts: where the mailboxes are, and who may reach "
			    "those of this one. linkd(8) carries it over TLS." },
	[SECTION_ROUTE]	= { "route", "name",
			    "Domains whose mail is for another LMTP server." },
	[SECTION_DOMAIN] = { "domain", "name", "A local domain." },
	[SECTION_MILTER] = { "milter", "name",
			     "A mail filter that speaks the milter protocol, as "
			     "rspamd, opendkim and clamav-milter do. Filters are told "
			     "of mail in the order in which they stand here." },
	[SECTION_ACCOUNTS] = { "accounts", NULL, "Accounts and their passwords." },
	[SECTION_LIMITS] = { "limits", NULL,
			     "What one client, account or message may take." },
	[SECTION_TIMES]	= { "times", NULL, "How long each wait may last." },
	[SECTION_KEEP]	= { "keep", NULL, "How long things are kept." },
	[SECTION_DNS] = { "dns", NULL,
			    "What name servers are asked about clients on smtp that are "
			    "not trusted; linkd asks them." },
	[SECTION_GREYLIST] = { "greylist", NULL,
			    "Mail from those who were not seen before waits; not from "
			    "trusted and logged-in clients, nor to postmaster." },
	[SECTION_EARLY]	= { "early", NULL,
			    "Clients on smtp that do not wait for their turn; trusted "
			    "ones may, and postmaster gets mail from all." },
};

const struct known_listener known_listeners[KNOWN_LISTENER_COUNT] = {
	{ "smtp", LISTEN_SMTP, LISTEN_TLS_OPTIONAL, LISTEN_AUTH_NO, 25, 2525, R_SMTPD },
	{ "submission", LISTEN_SUBMISSION, LISTEN_TLS_REQUIRED, LISTEN_AUTH_YES,
	  587, 2587, R_SMTPD },
	{ "submissions", LISTEN_SUBMISSION, LISTEN_TLS_IMPLICIT, LISTEN_AUTH_YES,
	  465, 2465, R_SMTPD },
	{ "pop3", LISTEN_POP3, LISTEN_TLS_REQUIRED, LISTEN_AUTH_NO, 110, 2110, R_POPD },
	{ "pop3s", LISTEN_POP3, LISTEN_TLS_IMPLICIT, LISTEN_AUTH_NO, 995, 2995, R_POPD },
	{ "imap", LISTEN_IMAP, LISTEN_TLS_REQUIRED, LISTEN_AUTH_NO, 143, 2143, R_IMAPD },
	{ "imaps", LISTEN_IMAP, LISTEN_TLS_IMPLICIT, LISTEN_AUTH_NO, 993, 2993, R_IMAPD },
};

const struct known_listener *known_listener_find(const char *title)
{
	for (size_t i = 0; i < KNOWN_LISTENER_COUNT; i++)
		if (strcmp(known_listeners[i].title, title) == 0)
			return &known_listeners[i];
	return NULL;
}

enum option_id option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].section, section) == 0 &&
		    strcmp(options[i].name, name) == 0)
			return (enum option_id)i;
	return OPTION_COUNT;
}

enum section_id option_section_find(const char *name)
{
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (strcmp(option_sections[i].name, name) == 0)
			return (enum section_id)i;
	return SECTION_COUNT;
}

enum section_id option_section_of(enum option_id id)
{
	return option_section_find(options[id].section);
}

const char *profile_name(enum profile profile)
{
	static const char *const names[PROFILE_COUNT] = { "server", "lab", "test" };

	return names[profile];
}

const char *option_type_name(enum option_type type)
{
	static const char *const names[] = {
		[OPTION_BOOL] = "yes or no",	[OPTION_NUMBER] = "number",
		[OPTION_SIZE] = "size",		[OPTION_TIME] = "time",
		[OPTION_TEXT] = "text",		[OPTION_CHOICE] = "choice",
		[OPTION_LIST] = "list",
	};

	return names[type];
}

struct slice option_word(const char *words, size_t index)
{
	struct slice rest = slice_str(words), word;

	while (slice_split(&rest, ' ', &word))
		if (word.len && index-- == 0)
			return word;
	return SLICE_EMPTY;
}
