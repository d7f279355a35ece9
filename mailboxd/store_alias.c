/*
 * Where mail for an address goes: domains, accounts, aliases, details,
 * catch-alls, postmaster and abuse. Without recursion: a list of addresses that
 * still have to be looked at.
 */
#include "mailboxd/store_priv.h"

#include "common/utf8.h"

#define DEPTH_MAX 10		/* of aliases that lead to aliases */
#define LOOKED_AT_MAX 4000	/* addresses in one expansion */

/* An address to be looked at. */
struct item {
	struct item *next;
	struct address address;
	struct slice text;	/* as it is shown */
	struct slice detail;	/* carried along from an alias that had one */
	unsigned depth;
	bool is_fallback;	/* a catch-all or postmaster led here: no second
				 * one */
};

struct expanded {
	struct expanded *next;
	struct slice key;
};

struct expansion {
	struct tx *tx;
	store_resolve_fn *step;
	void *arg;
	uint64_t octets;
	struct slice barred;	/* key that must not be reached: a loop */
	struct slice recipient;	/* rendered for Delivered-To */
	struct item *first, **end;
	size_t looked_at;
	struct expanded *expanded;	/* aliases that were replaced already */
	struct store_target *targets;
	size_t count, cap;
	bool saw_disabled;
};

/* What a lookup of one address found out about its domain. */
struct domain_row {
	uint64_t id;
	struct slice name, separator, catchall, postmaster;
};

static void tell(struct expansion *x, const struct item *item, const char *how,
		 struct slice to)
{
	struct store_resolve_step step = { item->text, how, to, item->depth };

	if (x->step)
		x->step(x->arg, &step);
}

/* Grows an array in the transaction's memory by doubling. */
static enum status grow(struct expansion *x)
{
	size_t cap = x->cap ? x->cap * 2 : 8;
	struct store_target *grown =
		arena_array(&x->tx->arena, cap, sizeof *grown);

	if (!grown)
		return tx_no_memory(x->tx);
	if (x->count)
		memcpy(grown, x->targets, x->count * sizeof *grown);
	x->targets = grown;
	x->cap = cap;
	return ST_OK;
}

static enum status push(struct expansion *x, const struct item *from,
			struct slice text, struct slice detail,
			bool is_fallback)
{
	struct item *item;

	if (++x->looked_at > LOOKED_AT_MAX || from->depth >= DEPTH_MAX)
		return tx_error(x->tx, ST_LIMIT, "aliases lead too far");
	item = tx_alloc(x->tx, sizeof *item);
	if (!item)
		return ST_NO_MEMORY;
	*item = (struct item){ .text = text, .detail = detail,
			       .depth = from->depth + 1,
			       .is_fallback = is_fallback };
	if (address_parse(text, ADDRESS_UTF8 | ADDRESS_NO_DOMAIN,
			  &x->tx->arena, &item->address))
		return ST_OK;	/* what the file says is no address: skipped */
	*x->end = item;
	x->end = &item->next;
	return ST_OK;
}

static bool was_expanded(const struct expansion *x, struct slice key)
{
	for (const struct expanded *e = x->expanded; e; e = e->next)
		if (slice_eq(e->key, key))
			return true;
	return false;
}

static enum status mark_expanded(struct expansion *x, struct slice key)
{
	struct expanded *e = tx_alloc(x->tx, sizeof *e);

	if (!e)
		return ST_NO_MEMORY;
	*e = (struct expanded){ x->expanded, key };
	x->expanded = e;
	return ST_OK;
}

/* ST_OK: the key is an alias and its targets were pushed; ST_NOT_FOUND. */
static enum status try_alias(struct expansion *x, const struct item *item,
			     struct slice key, struct slice detail)
{
	struct tx *tx = x->tx;
	struct sqlite3_stmt *row;
	struct slice target;
	bool any = false;
	enum status st;

	if (slice_eq(key, x->barred))
		return tx_error(tx, ST_DENIED, "that makes a loop of aliases");
	if (was_expanded(x, key))
		return ST_NOT_FOUND;
	st = sql_query(tx, &row, "SELECT target FROM alias WHERE key = ?1",
		       SQL_ARGS(sql_t(key)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = sql_column_copy(tx, row, 0, &target);
		if (!st)
			st = push(x, item, target, detail, item->is_fallback);
		if (st)
			break;
		tell(x, item, "alias", target);
		any = true;
	}
	sql_end(row);
	if (st != ST_NOT_FOUND)
		return st;
	return any ? mark_expanded(x, key) : ST_NOT_FOUND;
}

static enum status add_target(struct expansion *x, uint64_t account,
			      struct slice login, struct slice detail)
{
	struct tx *tx = x->tx;
	struct store_target *t;
	enum status st = ST_OK;

	for (size_t i = 0; i < x->count; i++)
		if (x->targets[i].account == account)
			return ST_OK;
	if (x->count == STORE_TARGETS_MAX)
		return tx_error(tx, ST_LIMIT, "an address of too many accounts");
	if (x->octets != UINT64_MAX)
		st = store_quota_check(tx, account, x->octets, 1);
	if (!st && x->count == x->cap)
		st = grow(x);
	if (st)
		return st;
	t = &x->targets[x->count++];
	*t = (struct store_target){ .account = account, .login = login,
				    .recipient = x->recipient,
				    .detail = detail };
	return sql_number(tx, &t->mailbox, "SELECT id FROM mailbox"
			  " WHERE owner = ?1 AND name = 'INBOX'",
			  SQL_ARGS(sql_i(account)));
}

/* ST_OK: there is such an account; ST_NOT_FOUND. */
static enum status try_account(struct expansion *x, const struct item *item,
			       struct slice key, struct slice detail)
{
	struct tx *tx = x->tx;
	struct sqlite3_stmt *row;
	struct slice login;
	uint64_t id;
	bool is_disabled;
	enum status st = sql_first(tx, &row, "SELECT id, name, state"
				   " FROM account WHERE key = ?1",
				   SQL_ARGS(sql_t(key)));

	if (st)
		return st;
	id = sql_column(row, 0);
	is_disabled = sql_column(row, 2) != 0;
	st = sql_column_copy(tx, row, 1, &login);
	sql_end(row);
	if (st)
		return st;
	tell(x, item, is_disabled ? "disabled account" : "account", login);
	if (is_disabled && x->octets != UINT64_MAX) {
		x->saw_disabled = true;
		return ST_OK;
	}
	return add_target(x, id, login, detail);
}

static enum status try_key(struct expansion *x, const struct item *item,
			   const struct address *address, struct slice detail)
{
	struct slice key;
	enum status st = account_key(x->tx, address, &key);

	if (!st)
		st = try_alias(x, item, key, detail);
	if (st == ST_NOT_FOUND)
		st = try_account(x, item, key, detail);
	return st;
}

/* The part in front of the first separator, with the rest as detail. */
static enum status try_detail(struct expansion *x, const struct item *item,
			      const struct domain_row *d)
{
	struct address base = item->address;
	struct slice local = base.local, sep = d->separator;
	struct slice detail;
	size_t at = 1;

	if (sep.len == 0 || local.len <= sep.len)
		return ST_NOT_FOUND;
	while (at + sep.len <= local.len &&
	       memcmp(local.data + at, sep.data, sep.len) != 0)
		at++;
	if (at + sep.len > local.len)
		return ST_NOT_FOUND;
	base.local = slice_head(local, at);
	detail = slice_from(local, at + sep.len);
	tell(x, item, "detail", base.local);
	return try_key(x, item, &base, detail);
}

/* postmaster and abuse are always there: RFC 5321 section 4.5.1, RFC 2142. */
static enum status try_role(struct expansion *x, const struct item *item,
			    const struct domain_row *d)
{
	struct tx *tx = x->tx;
	struct address postmaster = item->address;
	struct sqlite3_stmt *row;
	struct slice login, key;
	enum status st;

	if (slice_case_eq(item->address.local, SLICE("abuse"))) {
		postmaster.local = SLICE("postmaster");
		tell(x, item, "postmaster", postmaster.local);
		st = try_key(x, item, &postmaster, SLICE_EMPTY);
		if (st != ST_NOT_FOUND)
			return st;
	} else if (!slice_case_eq(item->address.local, SLICE("postmaster"))) {
		return ST_NOT_FOUND;
	}
	if (d->postmaster.len && !item->is_fallback) {
		tell(x, item, "postmaster", d->postmaster);
		return push(x, item, d->postmaster, SLICE_EMPTY, true);
	}
	/* its first account, or where it has none the first of all */
	st = sql_first(tx, &row, "SELECT name, key FROM account"
		       " ORDER BY domain <> ?1, id LIMIT 1",
		       SQL_ARGS(sql_i(d->id)));
	if (st)
		return st;
	st = sql_column_copy(tx, row, 0, &login);
	if (!st)
		st = sql_column_copy(tx, row, 1, &key);
	sql_end(row);
	if (st)
		return st;
	tell(x, item, "first account", login);
	return try_account(x, item, key, SLICE_EMPTY);
}

/* The row of the address's domain. A postmaster without a domain, or at an
 * address literal, is that of the first domain. */
static enum status find_domain(struct expansion *x, struct item *item,
			       struct domain_row *d)
{
	static const char by_name[] =
		"SELECT id, name, separator, catchall, postmaster FROM domain"
		" WHERE name = ?1";
	static const char first[] =
		"SELECT id, name, separator, catchall, postmaster FROM domain"
		" ORDER BY id LIMIT 1";
	struct address *a = &item->address;
	struct tx *tx = x->tx;
	struct sqlite3_stmt *row;
	bool is_bare = (a->ascii.len == 0 || a->is_literal) &&
		       slice_case_eq(a->local, SLICE("postmaster"));
	enum status st = is_bare ? sql_first(tx, &row, first, SQL_ARGS()) :
		sql_first(tx, &row, by_name, SQL_ARGS(sql_t(a->ascii)));

	if (st)
		return st;
	d->id = sql_column(row, 0);
	st = sql_column_copy(tx, row, 1, &d->name);
	if (!st)
		st = sql_column_copy(tx, row, 2, &d->separator);
	if (!st)
		st = sql_column_copy(tx, row, 3, &d->catchall);
	if (!st)
		st = sql_column_copy(tx, row, 4, &d->postmaster);
	sql_end(row);
	if (!st && is_bare) {
		a->domain = a->ascii = d->name;
		a->is_literal = false;
	}
	return st;
}

static enum status look_at(struct expansion *x, struct item *item)
{
	struct domain_row d;
	enum status st = find_domain(x, item, &d);

	if (st == ST_NOT_FOUND) {
		tell(x, item, "unknown domain", SLICE_EMPTY);
		return ST_OK;
	}
	if (!st && x->recipient.len == 0)
		st = account_render(x->tx, &item->address, &x->recipient);
	if (!st)
		st = try_key(x, item, &item->address, item->detail);
	if (st == ST_NOT_FOUND)
		st = try_detail(x, item, &d);
	if (st == ST_NOT_FOUND)
		st = try_role(x, item, &d);
	if (st == ST_NOT_FOUND && d.catchall.len && !item->is_fallback) {
		tell(x, item, "catch-all", d.catchall);
		st = push(x, item, d.catchall, SLICE_EMPTY, true);
	}
	if (st == ST_NOT_FOUND) {
		tell(x, item, "unknown", SLICE_EMPTY);
		st = ST_OK;
	}
	return st;
}

static enum status expand(struct expansion *x, const struct address *address)
{
	struct tx *tx = x->tx;
	struct item *item = tx_alloc(tx, sizeof *item);
	enum status st;

	x->end = &x->first;
	if (!item)
		return ST_NO_MEMORY;
	*item = (struct item){ .address = *address, .detail = SLICE_EMPTY };
	st = account_render(tx, address, &item->text);
	if (st)
		return st;
	*x->end = item;
	x->end = &item->next;
	for (; item && !st; item = item->next)
		st = look_at(x, item);
	if (st)
		return st;
	if (x->count)
		return ST_OK;
	return x->saw_disabled ? tx_error(tx, ST_DENIED, "disabled") :
				 tx_error(tx, ST_NOT_FOUND, "no such address");
}

enum status store_resolve(struct tx *tx, const struct address *address,
			  uint64_t octets, store_resolve_fn *step, void *arg,
			  const struct store_target **targets, size_t *count)
{
	struct expansion x = { .tx = tx, .step = step, .arg = arg,
			       .octets = octets, .barred = SLICE_EMPTY,
			       .recipient = SLICE_EMPTY };
	enum status st = expand(&x, address);

	*targets = x.targets;
	*count = x.count;
	return st;
}

enum status store_may_send_as(struct tx *tx, uint64_t account,
			      const struct address *address)
{
	const struct store_target *targets;
	size_t count;
	enum status st = store_resolve(tx, address, UINT64_MAX, NULL, NULL,
				       &targets, &count);

	if (st && st != ST_NOT_FOUND)
		return st;
	for (size_t i = 0; i < count; i++)
		if (targets[i].account == account)
			return ST_OK;
	return tx_error(tx, ST_DENIED, "the address is not the account's");
}

/* ---- the table ------------------------------------------------------------------- */

/* Its own account is no loop: ann also gets what her alias sends to bob. */
static enum status check_alias_target(struct tx *tx, struct slice alias_key,
				      struct slice target_key,
				      const struct address *target)
{
	struct expansion x = { .tx = tx, .octets = UINT64_MAX,
			       .barred = alias_key, .recipient = SLICE_EMPTY };
	uint64_t id;
	enum status st;

	if (slice_eq(alias_key, target_key)) {
		st = sql_number(tx, &id, "SELECT id FROM account WHERE key = ?1",
				SQL_ARGS(sql_t(alias_key)));
		return st == ST_NOT_FOUND ?
			tx_error(tx, ST_DENIED, "an alias of itself") : st;
	}
	st = expand(&x, target);
	if (st == ST_NOT_FOUND && tx->store->options.first_use)
		return store_account_ensure(tx, target, &id);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "the target is not local: mail is not "
				"sent to other servers");
	return st;
}

enum status store_alias_add(struct tx *tx, const struct address *alias,
			    const struct address *target)
{
	struct slice key, target_key, name, text;
	uint64_t domain, known;
	enum status st = account_key(tx, alias, &key);

	if (!st)
		st = account_key(tx, target, &target_key);
	if (!st)
		st = account_render(tx, alias, &name);
	if (!st)
		st = account_render(tx, target, &text);
	if (!st)
		st = sql_number(tx, &domain, "SELECT id FROM domain"
				" WHERE name = ?1",
				SQL_ARGS(sql_t(alias->ascii)));
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "%.*s is none of our domains",
				SLICE_ARG(alias->ascii));
	if (!st)
		st = check_alias_target(tx, key, target_key, target);
	if (st)
		return st;
	st = sql_number(tx, &known, "SELECT 1 FROM alias WHERE key = ?1"
			" AND target_key = ?2",
			SQL_ARGS(sql_t(key), sql_t(target_key)));
	if (st == ST_OK)
		return tx_error(tx, ST_EXISTS, "that alias is there already");
	if (st != ST_NOT_FOUND)
		return st;
	st = sql_run(tx, "INSERT INTO alias (key, target_key, domain, name,"
		     " target) VALUES (?1, ?2, ?3, ?4, ?5)",
		     SQL_ARGS(sql_t(key), sql_t(target_key), sql_i(domain),
			      sql_t(name), sql_t(text)));
	return st ? st : journal_add(tx, "alias.add", 0, SLICE_EMPTY, NULL,
				     name);
}

enum status store_alias_remove(struct tx *tx, const struct address *alias,
			       const struct address *target)
{
	struct slice key, target_key = SLICE_EMPTY;
	enum status st = account_key(tx, alias, &key);

	if (!st && target)
		st = account_key(tx, target, &target_key);
	if (!st)
		st = sql_run(tx, "DELETE FROM alias WHERE key = ?1"
			     " AND (?2 IS NULL OR target_key = ?2)",
			     SQL_ARGS(sql_t(key), sql_t_or_null(target_key)));
	if (st)
		return st;
	if (sql_changes(tx) == 0)
		return tx_error(tx, ST_NOT_FOUND, "no such alias");
	return journal_add(tx, "alias.remove", 0, SLICE_EMPTY, NULL, key);
}

enum status store_alias_list(struct tx *tx, store_alias_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	struct slice name, target;
	enum status st = sql_query(tx, &row, "SELECT name, target FROM alias"
				   " ORDER BY key, target_key", SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = sql_column_copy(tx, row, 0, &name);
		if (!st)
			st = sql_column_copy(tx, row, 1, &target);
		if (!st)
			st = fn(arg, name, target);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
