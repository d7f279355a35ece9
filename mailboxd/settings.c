#include "mailboxd/settings.h"

#include "common/config.h"
#include "common/links.h"
#include "common/log.h"
#include "common/user_id.h"

#include <stdlib.h>

void settings_free(struct settings *s)
{
	if (!s)
		return;
	netset_free(s->trusted);
	config_free(s->config);
	free(s);
}

/* On a reload names cannot be looked up any more, and the old ones stay. */
static void add_uid(struct settings_uids *list, const char *name)
{
	if (list->count < SETTINGS_UIDS_MAX &&
	    user_id_find(name, &list->uids[list->count]))
		list->count++;
}

/* About 100 MB. */
#define GREYLIST_ROWS 500000

static int64_t seconds(const struct config *c, enum option_id id)
{
	return (int64_t)(config_number(c, id) / 1000);
}

static void take_limits(struct settings *s, const struct config *c)
{
	s->lmtp = (struct lmtp_settings)LMTP_SETTINGS_DEFAULT;
	s->lmtp.hostname = config_text(c, OPTION_HOSTNAME);
	if (!*s->lmtp.hostname)
		s->lmtp.hostname = "localhost";
	s->lmtp.message_max = config_number(c, OPTION_LIMITS_MESSAGE);
	s->lmtp.recipients_max =
		(uint32_t)config_number(c, OPTION_LIMITS_RECIPIENTS);
	s->quota_warning =
		(unsigned)config_number(c, OPTION_LIMITS_QUOTA_WARNING);
	s->quota_is_temporary = config_number(c, OPTION_QUOTA_REPLY) ==
				QUOTA_REPLY_TEMPORARY;
	s->any_password = config_bool(c, OPTION_ACCOUNTS_ANY_PASSWORD);
	s->throttle = config_bool(c, OPTION_ACCOUNTS_THROTTLE);
	s->keeps_given = config_profile(c) != PROFILE_SERVER;
	s->rounds = (uint32_t)config_number(c, OPTION_ACCOUNTS_ITERATIONS);
	s->imap_per_account =
		(unsigned)config_number(c, OPTION_LIMITS_IMAP_PER_ACCOUNT);
	s->pop3_per_account =
		(unsigned)config_number(c, OPTION_LIMITS_POP3_PER_ACCOUNT);
	s->body_memory = config_number(c, OPTION_LIMITS_BODY_MEMORY);
	s->debug = config_bool(c, OPTION_LOG_DEBUG);
	s->greylist = (struct greylist_rules){
		.delay = seconds(c, OPTION_GREYLIST_DELAY),
		.window = seconds(c, OPTION_GREYLIST_WINDOW),
		.lifetime = seconds(c, OPTION_GREYLIST_LIFETIME),
		.allow = (unsigned)config_number(c, OPTION_GREYLIST_ALLOW),
		.rows = GREYLIST_ROWS,
	};
}

static void take_store(struct settings *s, const struct config *c)
{
	s->store = (struct store_options){
		.dir = ".",
		.array_octets =
			(size_t)config_number(c, OPTION_LIMITS_ARRAY_MEMORY),
		.ephemeral = config_profile(c) == PROFILE_TEST,
		.first_use = config_bool(c, OPTION_ACCOUNTS_ANY_RECIPIENT),
		.special_names = {
			config_text(c, OPTION_ACCOUNTS_DRAFTS),
			config_text(c, OPTION_ACCOUNTS_SENT),
			config_text(c, OPTION_ACCOUNTS_JUNK),
			config_text(c, OPTION_ACCOUNTS_TRASH),
			config_text(c, OPTION_ACCOUNTS_ARCHIVE),
		},
		.keep_expunged = seconds(c, OPTION_KEEP_EXPUNGED),
		.keep_journal = seconds(c, OPTION_KEEP_JOURNAL),
		.keep_journal_octets = config_number(c, OPTION_KEEP_JOURNAL_SIZE),
		.quota_octets = config_number(c, OPTION_LIMITS_MAILBOX),
		.reserve_octets = config_number(c, OPTION_LIMITS_RESERVE),
	};
}

/* Whoever linkd lets in is believed as our own daemons are. */
static void add_linkd(struct settings *s, const struct config *c)
{
	const char *user = config_text(c, OPTION_USERS_LINKD);

	if (!links_has_door(c))
		return;
	for (size_t i = 0; i < config_count(c, OPTION_LINKS_OFFERS); i++) {
		const char *name = config_item(c, OPTION_LINKS_OFFERS, i);

		if (strcmp(name, "lmtp") == 0)
			add_uid(&s->lmtp_links, user);
		else if (strcmp(name, "auth") == 0)
			add_uid(&s->auth_links, user);
		else if (strcmp(name, "store") == 0)
			add_uid(&s->access, user);
	}
}

static enum status take_all(struct settings *s, struct error *err)
{
	const struct config *c = s->config;

	take_limits(s, c);
	take_store(s, c);
	s->trusted = netset_new();
	if (!s->trusted)
		return error_set(err, ST_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < config_count(c, OPTION_TRUSTED); i++) {
		const char *network = config_item(c, OPTION_TRUSTED, i);

		if (netset_add(s->trusted, slice_str(network)) != ST_OK)
			return error_set(err, ST_SYNTAX, "trusted: %s is no network",
					 network);
	}
	if (config_count(c, OPTION_ADMINS) > SETTINGS_ADMINS_MAX)
		return error_set(err, ST_SYNTAX, "admins: at most %d",
				 SETTINGS_ADMINS_MAX);
	for (size_t i = 0; i < config_count(c, OPTION_ADMINS); i++)
		s->admins[i] = config_item(c, OPTION_ADMINS, i);
	add_uid(&s->ours, config_text(c, OPTION_USERS_SMTPD));
	add_uid(&s->access, config_text(c, OPTION_USERS_POPD));
	add_uid(&s->access, config_text(c, OPTION_USERS_IMAPD));
	add_linkd(s, c);
	for (size_t i = 0; i < config_count(c, OPTION_USERS_LMTP); i++)
		add_uid(&s->lmtp_guests, config_item(c, OPTION_USERS_LMTP, i));
	return ST_OK;
}

bool settings_is_admin(const struct settings *settings, struct slice name)
{
	for (size_t i = 0; i < SETTINGS_ADMINS_MAX && settings->admins[i]; i++)
		if (slice_case_eq(slice_str(settings->admins[i]), name))
			return true;
	return false;
}

static enum status parse(const struct config_source *source,
			 struct settings **settings, struct error *err)
{
	struct settings *s = calloc(1, sizeof *s);
	struct buf mistakes = BUF_INIT(65536);
	enum status st;

	if (!s)
		return error_set(err, ST_NO_MEMORY, "out of memory");
	st = config_parse(source, &s->config, &mistakes);
	if (st != ST_OK)
		error_set(err, st, "configuration: %.*s",
			  (int)slice_index(buf_slice(&mistakes), '\n'),
			  buf_slice(&mistakes).data);
	if (st == ST_OK)
		st = take_all(s, err);
	buf_free(&mistakes);
	if (st != ST_OK) {
		settings_free(s);
		return st;
	}
	*settings = s;
	return ST_OK;
}

enum status settings_new(struct slice text, struct settings **settings,
			 struct error *err)
{
	struct config_source source = {
		.name = "configuration", .text = text,
		.profile = PROFILE_SERVER,
	};

	return parse(&source, settings, err);
}

struct settings *settings_default(void)
{
	struct config_source source = {
		.name = "defaults", .text = SLICE_EMPTY,
		.profile = PROFILE_SERVER,
	};
	struct settings *s = NULL;

	return parse(&source, &s, NULL) == ST_OK ? s : NULL;
}

/* ---- domains of the configuration --------------------------------------------------- */

static enum status apply_domain(struct tx *tx, const struct config *c,
				size_t at)
{
	struct store_domain d = {
		.name = slice_str(config_title(c, SECTION_DOMAIN, at)),
		.separator = slice_str(config_text_at(c, OPTION_DOMAIN_SEPARATOR,
						      at)),
		.catchall = slice_str(config_text_at(c, OPTION_DOMAIN_CATCHALL,
						     at)),
		.postmaster = slice_str(config_text_at(c,
						OPTION_DOMAIN_POSTMASTER, at)),
		.is_configured = true,
	};
	enum status st = store_domain_set(tx, &d);

	if (st != ST_NOT_FOUND)
		return st;
	log_warning("domain.target", log_slice("domain", d.name),
		    log_slice("catchall", d.catchall),
		    log_slice("postmaster", d.postmaster),
		    log_error(store_error(tx)));
	d.catchall = d.postmaster = SLICE_EMPTY;
	return store_domain_set(tx, &d);
}

enum status settings_apply_domains(const struct settings *settings,
				   struct tx *tx)
{
	const struct config *c = settings->config;
	enum status st = ST_OK;

	for (size_t i = 0; i < config_sections(c, SECTION_DOMAIN) && st == ST_OK;
	     i++)
		st = apply_domain(tx, c, i);
	return st;
}
