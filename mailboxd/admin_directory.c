/*
 * Verbs about domains, users and aliases.
 */
#include "mailboxd/control.h"

#include <stdlib.h>
#include <string.h>

/* ---- domain --------------------------------------------------------------------- */

static enum status domain_row(void *arg, const struct store_domain *d)
{
	struct request *r = arg;

	control_text(r, d->name);
	control_u64(r, d->accounts);
	control_u64(r, d->aliases);
	control_text(r, d->separator);
	control_text(r, d->catchall);
	control_text(r, d->postmaster);
	return control_row(r);
}

static enum status domain_list(struct request *r, struct tx *tx)
{
	enum status st = store_domain_list(tx, domain_row, r);

	return control_stored(r, tx, st);
}

/* Says where mail for an address of the new domain goes. */
static enum status note_target(struct request *r, struct tx *tx,
			       const char *local, struct slice domain)
{
	struct buf text = BUF_INIT(1024);
	struct address address;
	const struct store_target *targets;
	size_t count = 0;
	enum status st = buf_append_fmt(&text, "%s@", local);

	if (st == ST_OK)
		st = buf_append(&text, domain);
	if (st == ST_OK)
		st = address_parse(buf_slice(&text), ADDRESS_UTF8,
				   &control_of(r)->arena, &address);
	if (st == ST_OK)
		st = store_resolve(tx, &address, UINT64_MAX, NULL, NULL,
				   &targets, &count);
	if (st == ST_OK && count > 0)
		st = control_note(r, "%.*s goes to %.*s",
				  SLICE_ARG(buf_slice(&text)),
				  SLICE_ARG(targets[0].login));
	else
		st = control_note(r, "%.*s will go to the first user of the domain",
				  SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
	return st;
}

static enum status domain_add(struct request *r, struct tx *tx)
{
	struct slice name = control_of(r)->words[0];
	struct store_domain d = {
		.name = name,
		.separator = control_option(r, "separator", "+"),
		.catchall = control_option(r, "catchall", ""),
		.postmaster = control_option(r, "postmaster", ""),
	};
	uint64_t id;
	enum status st = store_domain_add(tx, &d, &id);

	if (st == ST_EXISTS)
		return control_fail(r, st, name, "that domain is there already");
	if (st == ST_SYNTAX)
		return control_fail(r, st, name, "that is no domain name");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	control_of(r)->rows = 1;
	st = note_target(r, tx, "postmaster", name);
	return st == ST_OK ? note_target(r, tx, "abuse", name) : st;
}

static enum status domain_rm(struct request *r, struct tx *tx)
{
	struct slice name = control_of(r)->words[0];
	enum status st = store_domain_remove(tx, name);

	if (st == ST_NOT_FOUND)
		return control_fail(r, st, name,
				    "no such domain; postroom domain list shows all");
	if (st == ST_DENIED)
		return control_fail(r, st, name,
				    "it has users; remove them first (postroom user rm)");
	control_of(r)->rows = 1;
	return control_stored(r, tx, st);
}

/* ---- user ------------------------------------------------------------------------- */

static enum status user_row(void *arg, const struct store_account *a)
{
	struct request *r = arg;

	control_text(r, a->name);
	control_text(r, a->is_disabled ? SLICE("disabled")
		      : a->any_password ? SLICE("any-password")
					: SLICE("active"));
	control_u64(r, a->used_octets);
	control_u64(r, a->quota_octets);
	control_u64(r, a->used_messages);
	control_u64(r, a->quota_messages);
	control_time(r, a->created * 1000);
	return control_row(r);
}

/* "ann@example.org" is of "example.org". */
static bool is_of_domain(struct slice address, struct slice domain)
{
	size_t at = address.len;

	while (at > 0 && address.data[at - 1] != '@')
		at--;
	return slice_case_eq(slice_from(address, at), domain);
}

static enum status user_list_row(void *arg, const struct store_account *a)
{
	struct request *r = arg;
	const struct control *c = control_of(r);

	if (c->count > 0 && !is_of_domain(a->name, c->words[0]))
		return ST_OK;
	return user_row(r, a);
}

static enum status user_list(struct request *r, struct tx *tx)
{
	enum status st = store_account_list(tx, user_list_row, r);

	return control_stored(r, tx, st);
}

static enum status user_rm(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	control_revoke(r, account.id, 0, "This account was closed");
	control_of(r)->rows = 1;
	return control_stored(r, tx, store_account_remove(tx, account.id));
}

/* user disable, user enable */
static enum status user_disable(struct request *r, struct tx *tx)
{
	struct store_account account;
	bool on = slice_eq(r->message.control.verb, SLICE("user disable"));
	enum status st = control_account(r, tx, 0, &account);

	if (st != ST_OK)
		return st;
	if (on)
		control_revoke(r, account.id, 0, "This account was closed");
	control_of(r)->rows = 1;
	return control_stored(r, tx,
			      store_account_set_disabled(tx, account.id, on));
}

/* "none" is 0, "default" UINT64_MAX. */
static enum status quota_word(struct request *r, size_t word, uint64_t *value)
{
	struct slice text = control_of(r)->words[word];

	if (slice_eq(text, SLICE("none"))) {
		*value = 0;
		return ST_OK;
	}
	if (slice_eq(text, SLICE("default"))) {
		*value = UINT64_MAX;
		return ST_OK;
	}
	return control_number(r, word, INT64_MAX, value);
}

static enum status user_quota(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	uint64_t octets = UINT64_MAX, messages = UINT64_MAX;
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK && c->count > 1)
		st = quota_word(r, 1, &octets);
	if (st == ST_OK && c->count > 2)
		st = quota_word(r, 2, &messages);
	if (st != ST_OK)
		return st;
	if (c->count > 1) {
		st = store_account_set_quota(tx, account.id, octets, messages);
		if (st == ST_OK)
			st = store_account_get(tx, account.id, &account);
	}
	return st == ST_OK ? user_row(r, &account)
			   : request_store_failed(r, st, tx, "");
}

/* ---- alias --------------------------------------------------------------------------- */

static enum status alias_add(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct address alias, target;
	enum status st = control_address(r, c->words[0], 0, &alias);

	for (size_t i = 1; i < c->count && st == ST_OK; i++) {
		st = control_address(r, c->words[i], 0, &target);
		if (st != ST_OK)
			return st;
		st = store_alias_add(tx, &alias, &target);
		c->rows++;
		if (st != ST_OK) {
			control_fail(r, st, c->words[i], "%s",
				     store_error(tx)->text);
			return st;
		}
	}
	/* a catch-all of the configuration may have waited for it */
	return st == ST_OK ? settings_apply_domains(r->service->settings, tx)
			   : st;
}

static enum status alias_rm(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct address alias, target;
	enum status st = control_address(r, c->words[0], 0, &alias);

	if (st == ST_OK && c->count > 1)
		st = control_address(r, c->words[1], 0, &target);
	if (st != ST_OK)
		return st;
	st = store_alias_remove(tx, &alias, c->count > 1 ? &target : NULL);
	if (st == ST_NOT_FOUND)
		return control_fail(r, st, c->words[0],
				    "no such alias; postroom alias list shows all");
	c->rows = 1;
	return control_stored(r, tx, st);
}

static enum status alias_row(void *arg, struct slice alias, struct slice target)
{
	struct request *r = arg;
	const struct control *c = control_of(r);

	if (c->count > 0 && !is_of_domain(alias, c->words[0]))
		return ST_OK;
	control_text(r, alias);
	control_text(r, target);
	return control_row(r);
}

static enum status alias_list(struct request *r, struct tx *tx)
{
	enum status st = store_alias_list(tx, alias_row, r);

	return control_stored(r, tx, st);
}

static void resolve_step(void *arg, const struct store_resolve_step *step)
{
	struct request *r = arg;

	control_u64(r, step->depth);
	control_text(r, step->from);
	control_text(r, slice_str(step->how));
	control_text(r, step->to);
	control_row(r);
}

static enum status alias_resolve(struct request *r, struct tx *tx)
{
	struct slice word = control_of(r)->words[0];
	struct address address;
	const struct store_target *targets;
	size_t count = 0;
	enum status st = control_address(r, word, ADDRESS_NO_DOMAIN, &address);

	if (st != ST_OK)
		return st;
	st = store_resolve(tx, &address, UINT64_MAX, resolve_step, r, &targets,
			   &count);
	if (st == ST_NOT_FOUND)
		return control_note(r, "mail for it is refused: no such mailbox");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	for (size_t i = 0; i < count && st == ST_OK; i++)
		st = control_note(r, "delivered to %.*s, Delivered-To: %.*s",
				  SLICE_ARG(targets[i].login),
				  SLICE_ARG(targets[i].recipient));
	return st;
}

#define USER_COLUMNS \
	"user state octets quota messages message-quota created"
#define DIRECTORY (CONTROL_CHANGES | CONTROL_DIRECTORY)

/* name, words, flags, place, columns, run or start */
const struct control_verb control_directory_verbs[] = {
	{ "domain add", 1, 1, DIRECTORY, PLACE_WRITER, NULL, domain_add, NULL },
	{ "domain rm", 1, 1, DIRECTORY, PLACE_WRITER, NULL, domain_rm, NULL },
	{ "domain list", 0, 0, 0, PLACE_READER,
	  "domain accounts aliases separator catchall postmaster", domain_list,
	  NULL },
	{ "user rm", 1, 1, DIRECTORY, PLACE_WRITER, NULL, user_rm, NULL },
	{ "user disable", 1, 1, DIRECTORY, PLACE_WRITER, NULL,
	  user_disable, NULL },
	{ "user enable", 1, 1, DIRECTORY, PLACE_WRITER, NULL,
	  user_disable, NULL },
	{ "user list", 0, 1, 0, PLACE_READER, USER_COLUMNS, user_list, NULL },
	{ "user quota", 1, 3, DIRECTORY, PLACE_WRITER, USER_COLUMNS, user_quota,
	  NULL },
	{ "alias add", 2, CONTROL_WORDS_MAX, DIRECTORY, PLACE_WRITER, NULL,
	  alias_add, NULL },
	{ "alias rm", 1, 2, DIRECTORY, PLACE_WRITER, NULL, alias_rm, NULL },
	{ "alias list", 0, 1, 0, PLACE_READER, "alias target", alias_list, NULL },
	{ "alias resolve", 1, 1, 0, PLACE_READER, "depth address how leads-to",
	  alias_resolve, NULL },
	{ 0 },
};
