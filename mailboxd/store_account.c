/* Accounts and their credentials. */
#include "mailboxd/store_priv.h"

#include "common/utf8.h"

enum account_row_state { ACCOUNT_ENABLED = 0, ACCOUNT_DISABLED = 1 };

#define COLUMNS "SELECT id, name, state, any_password, quota_octets," \
	" quota_messages, used_octets, used_messages, created FROM account "

enum status account_key(struct tx *tx, const struct address *address,
			struct slice *key)
{
	struct buf b = BUF_INIT(ADDRESS_OCTETS_MAX);
	enum status st = address_key(address, &b);

	if (st)
		tx_error(tx, st, "that is no address");
	else
		st = tx_copy(tx, buf_slice(&b), key);
	buf_free(&b);
	return st;
}

enum status account_render(struct tx *tx, const struct address *address,
			   struct slice *text)
{
	struct buf b = BUF_INIT(ADDRESS_OCTETS_MAX);
	enum status st = address_render_ascii(address, &b);

	if (st)
		tx_error(tx, st, "that is no address");
	else
		st = tx_copy(tx, buf_slice(&b), text);
	buf_free(&b);
	return st;
}

static uint64_t quota_column(struct sqlite3_stmt *row, int i, uint64_t other)
{
	return sql_column_is_null(row, i) ? other : sql_column(row, i);
}

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_account *a)
{
	const struct store_options *o = &tx->store->options;

	a->id = sql_column(row, 0);
	a->is_disabled = sql_column(row, 2) == ACCOUNT_DISABLED;
	a->any_password = sql_column(row, 3) != 0;
	a->quota_octets = quota_column(row, 4, o->quota_octets);
	a->quota_messages = quota_column(row, 5, o->quota_messages);
	a->used_octets = sql_column(row, 6);
	a->used_messages = sql_column(row, 7);
	a->created = sql_column_signed(row, 8);
	return sql_column_copy(tx, row, 1, &a->name);
}

static enum status first_account(struct tx *tx, const char *sql,
				 const struct sql_value *values,
				 struct store_account *a)
{
	struct sqlite3_stmt *row;
	enum status st;

	if (tx->mode == TX_WRITE) {
		st = hot_flush(tx);
		if (st)
			return st;
	}
	st = sql_first(tx, &row, sql, values);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such account");
	if (st)
		return st;
	st = read_row(tx, row, a);
	sql_end(row);
	return st;
}

/* Makes the account in a domain that is there. */
static enum status insert_account(struct tx *tx, const struct address *address,
				  struct slice key, bool any_password,
				  uint64_t *id)
{
	struct slice name;
	uint64_t domain;
	enum status st;

	if (address->local.len == 0 || address->is_literal)
		return tx_error(tx, ST_SYNTAX, "an account is local@domain");
	st = sql_number(tx, &domain, "SELECT id FROM domain WHERE name = ?1",
			SQL_ARGS(sql_t(address->ascii)));
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "%.*s is none of our domains",
				SLICE_ARG(address->ascii));
	if (!st)
		st = account_render(tx, address, &name);
	if (!st)
		st = sql_run(tx, "INSERT INTO account (domain, name, key, state,"
			" any_password, used_octets, used_messages, created)"
			" VALUES (?1, ?2, ?3, 0, ?4, 0, 0, ?5)",
			SQL_ARGS(sql_i(domain), sql_t(name), sql_t(key),
				 sql_i(any_password),
				 sql_i((uint64_t)store_now())));
	if (!st)
		st = sql_number(tx, id, "SELECT id FROM account WHERE key = ?1",
				SQL_ARGS(sql_t(key)));
	if (!st)
		st = mailbox_make_defaults(tx, *id);
	return st ? st : journal_add(tx, "account.add", 0, SLICE_EMPTY, NULL,
				     name);
}

enum status store_account_add(struct tx *tx, const struct address *address,
			      uint64_t *id)
{
	struct slice key;
	uint64_t known;
	enum status st = account_key(tx, address, &key);

	if (st)
		return st;
	st = sql_number(tx, &known, "SELECT id FROM account WHERE key = ?1",
			SQL_ARGS(sql_t(key)));
	if (st == ST_OK)
		return tx_error(tx, ST_EXISTS, "that account is there already");
	return st == ST_NOT_FOUND ?
		insert_account(tx, address, key, false, id) : st;
}

/* Without its detail: ann+x@ is made as ann@. */
static struct address without_detail(const struct address *address)
{
	struct address base = *address;
	size_t at = slice_index(base.local, '+');

	if (at > 0)
		base.local = slice_head(base.local, at);
	return base;
}

enum status store_account_ensure(struct tx *tx, const struct address *address,
				 uint64_t *id)
{
	struct store_domain domain = { .name = address->ascii,
				       .separator = SLICE("+"),
				       .catchall = SLICE_EMPTY,
				       .postmaster = SLICE_EMPTY };
	struct address base = without_detail(address);
	struct slice key;
	uint64_t known;
	enum status st = account_key(tx, address, &key);

	if (!st)
		st = sql_number(tx, id, "SELECT id FROM account WHERE key = ?1",
				SQL_ARGS(sql_t(key)));
	if (st == ST_NOT_FOUND) {
		st = account_key(tx, &base, &key);
		if (!st)
			st = sql_number(tx, id, "SELECT id FROM account"
					" WHERE key = ?1",
					SQL_ARGS(sql_t(key)));
	}
	if (st != ST_NOT_FOUND)
		return st;
	st = sql_number(tx, &known, "SELECT id FROM domain WHERE name = ?1",
			SQL_ARGS(sql_t(address->ascii)));
	if (st == ST_NOT_FOUND && tx->store->options.first_use)
		st = store_domain_add(tx, &domain, NULL);
	return st ? st : insert_account(tx, &base, key, true, id);
}

enum status store_account_remove(struct tx *tx, uint64_t id)
{
	struct store_account a;
	struct hot *hot;
	enum status st = store_account_get(tx, id, &a);

	if (!st)
		st = mailbox_remove_all(tx, id);
	if (!st)
		st = sql_run(tx, "DELETE FROM subscription WHERE owner = ?1",
			     SQL_ARGS(sql_i(id)));
	if (!st)
		st = metadata_forget_account(tx, id);
	if (!st)
		st = sql_run(tx, "DELETE FROM acl WHERE account = ?1",
			     SQL_ARGS(sql_i(id)));
	rights_changed(tx);
	if (!st)
		st = sql_run(tx, "DELETE FROM seen WHERE account = ?1",
			     SQL_ARGS(sql_i(id)));
	if (!st)
		st = sql_run(tx, "DELETE FROM credential WHERE account = ?1",
			     SQL_ARGS(sql_i(id)));
	if (!st)
		st = hot_get(tx, HOT_ACCOUNT, id, &hot);
	if (!st)
		st = hot_remove(tx, hot);
	if (!st)
		st = sql_run(tx, "DELETE FROM account WHERE id = ?1",
			     SQL_ARGS(sql_i(id)));
	return st ? st : journal_add(tx, "account.remove", 0, SLICE_EMPTY, NULL,
				     a.name);
}

enum status store_account_set_disabled(struct tx *tx, uint64_t id, bool on)
{
	struct store_account a;
	enum status st = store_account_get(tx, id, &a);

	if (!st)
		st = sql_run(tx, "UPDATE account SET state = ?2 WHERE id = ?1",
			     SQL_ARGS(sql_i(id), sql_i(on ? ACCOUNT_DISABLED :
						       ACCOUNT_ENABLED)));
	return st ? st : journal_add(tx, on ? "account.disable" :
				     "account.enable", 0, SLICE_EMPTY, NULL,
				     a.name);
}

enum status store_account_set_quota(struct tx *tx, uint64_t id,
				    uint64_t octets, uint64_t messages)
{
	const struct store_options *o = &tx->store->options;
	struct account_state *a;
	struct hot *hot;
	enum status st = hot_get(tx, HOT_ACCOUNT, id, &hot);

	if (!st)
		st = hot_touch(tx, hot);
	if (!st)
		st = sql_run(tx, "UPDATE account SET quota_octets = ?2,"
			" quota_messages = ?3 WHERE id = ?1",
			SQL_ARGS(sql_i(id), octets == UINT64_MAX ? sql_null() :
				 sql_i(octets), messages == UINT64_MAX ?
				 sql_null() : sql_i(messages)));
	if (st)
		return st;
	a = &hot->now.account;
	a->quota_octets = octets == UINT64_MAX ? o->quota_octets : octets;
	a->quota_messages = messages == UINT64_MAX ? o->quota_messages :
						     messages;
	return journal_add(tx, "account.quota", 0, SLICE_EMPTY, NULL,
			   SLICE_EMPTY);
}

enum status store_account_list(struct tx *tx, store_account_fn *fn, void *arg)
{
	struct store_account a;
	struct sqlite3_stmt *row;
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = sql_query(tx, &row, COLUMNS "ORDER BY key", SQL_ARGS());
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_row(tx, row, &a);
		if (!st)
			st = fn(arg, &a);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_account_get(struct tx *tx, uint64_t id,
			      struct store_account *account)
{
	return first_account(tx, COLUMNS "WHERE id = ?1", SQL_ARGS(sql_i(id)),
			     account);
}

/* The bare local part is enough where there is one domain. */
static enum status bare_key(struct tx *tx, struct slice login,
			    struct slice *key)
{
	struct buf folded = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct sqlite3_stmt *row;
	enum status st = utf8_fold(login, &folded);

	if (st == ST_SYNTAX || st == ST_LIMIT)
		st = buf_append(&folded, login);
	if (!st && slice_index(login, '@') == login.len &&
	    sql_first(tx, &row, "SELECT '@' || min(name) FROM domain"
		      " HAVING count(*) = 1", SQL_ARGS()) == ST_OK) {
		buf_append(&folded, sql_column_bytes(row, 0));
		sql_end(row);
	}
	if (!st)
		st = tx_copy(tx, buf_slice(&folded), key);
	buf_free(&folded);
	return st;
}

enum status store_account_canonical(struct tx *tx, struct slice login,
				    struct slice *key)
{
	struct address address;

	if (login.len == 0 || login.len >= ADDRESS_OCTETS_MAX)
		return tx_error(tx, ST_NOT_FOUND, "no such account");
	if (address_parse(login, ADDRESS_UTF8, &tx->arena, &address) ||
	    address.ascii.len == 0)
		return bare_key(tx, login, key);
	return account_key(tx, &address, key);
}

enum status store_account_find(struct tx *tx, struct slice login,
			       struct store_account *account)
{
	struct slice key;
	enum status st = store_account_canonical(tx, login, &key);

	return st ? st : first_account(tx, COLUMNS "WHERE key = ?1",
				       SQL_ARGS(sql_t(key)), account);
}

/* ---- quota ---------------------------------------------------------------------- */

enum status account_check_quota(struct tx *tx, const struct account_state *a,
				uint64_t octets, uint64_t messages)
{
	if (a->quota_octets && (octets > a->quota_octets ||
				a->used_octets > a->quota_octets - octets))
		return tx_error(tx, ST_QUOTA, "over the quota of %llu octets",
				(unsigned long long)a->quota_octets);
	if (a->quota_messages && (messages > a->quota_messages ||
				  a->used_messages >
				  a->quota_messages - messages))
		return tx_error(tx, ST_QUOTA, "over the quota of %llu messages",
				(unsigned long long)a->quota_messages);
	return ST_OK;
}

enum status store_quota(struct tx *tx, uint64_t account,
			struct store_quota *quota)
{
	const struct account_state *a;
	struct hot *hot;
	enum status st = hot_get(tx, HOT_ACCOUNT, account, &hot);

	if (st)
		return st;
	a = &hot->now.account;
	*quota = (struct store_quota){ a->used_octets, a->quota_octets,
				       a->used_messages, a->quota_messages };
	return ST_OK;
}

enum status store_quota_mailboxes(struct tx *tx, uint64_t account,
				  uint64_t *used, uint64_t *limit)
{
	*limit = STORE_MAILBOXES;
	return sql_number(tx, used, "SELECT count(*) FROM mailbox"
			  " WHERE owner = ?1", SQL_ARGS(sql_i(account)));
}

enum status store_quota_check(struct tx *tx, uint64_t account, uint64_t octets,
			      uint64_t messages)
{
	struct hot *hot;
	enum status st = hot_get(tx, HOT_ACCOUNT, account, &hot);

	return st ? st : account_check_quota(tx, &hot->now.account, octets,
					     messages);
}

/* ---- credentials ----------------------------------------------------------------- */

enum status store_credential_put(struct tx *tx,
				 const struct store_credential *c, uint64_t *id)
{
	struct store_account a;
	enum status st = store_account_get(tx, c->account, &a);

	/* a replaced one is a new one: its id says so to whoever cached it */
	if (!st)
		st = sql_run(tx, "DELETE FROM credential WHERE account = ?1"
			     " AND label = ?2",
			     SQL_ARGS(sql_i(c->account), sql_t(c->label)));
	if (!st)
		st = sql_run(tx, "INSERT INTO credential (account, label,"
			" scopes, verifier, created, last_used, expires)"
			" VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
			SQL_ARGS(sql_i(c->account), sql_t(c->label),
				 sql_i(c->scopes), sql_b(c->verifier),
				 sql_i((uint64_t)store_now()),
				 sql_i((uint64_t)c->expires)));
	if (!st && c->label.len == 0)
		st = sql_run(tx, "UPDATE account SET any_password = 0"
			     " WHERE id = ?1", SQL_ARGS(sql_i(c->account)));
	if (!st && id)
		st = sql_number(tx, id, "SELECT id FROM credential"
				" WHERE account = ?1 AND label = ?2",
				SQL_ARGS(sql_i(c->account), sql_t(c->label)));
	return st ? st : journal_add(tx, "credential.put", 0, SLICE_EMPTY, NULL,
				     a.name);
}

enum status store_credential_remove(struct tx *tx, uint64_t account,
				    struct slice label)
{
	enum status st = sql_run(tx, "DELETE FROM credential"
				 " WHERE account = ?1 AND label = ?2",
				 SQL_ARGS(sql_i(account), sql_t(label)));

	if (st)
		return st;
	if (sql_changes(tx) == 0)
		return tx_error(tx, ST_NOT_FOUND, "no such password");
	return journal_add(tx, "credential.remove", 0, SLICE_EMPTY, NULL,
			   SLICE_EMPTY);
}

enum status store_credential_used(struct tx *tx, uint64_t id, int64_t at)
{
	return sql_run(tx, "UPDATE credential SET last_used = ?2 WHERE id = ?1",
		       SQL_ARGS(sql_i(id), sql_i((uint64_t)at)));
}

enum status store_credential_upgrade(struct tx *tx, uint64_t id,
				     struct slice from, struct slice to)
{
	return sql_run(tx, "UPDATE credential SET verifier = ?3 WHERE id = ?1"
		       " AND verifier = ?2",
		       SQL_ARGS(sql_i(id), sql_b(from), sql_b(to)));
}

static enum status read_credential(struct tx *tx, struct sqlite3_stmt *row,
				   struct store_credential *c)
{
	enum status st;

	c->id = sql_column(row, 0);
	c->account = sql_column(row, 1);
	st = sql_column_copy(tx, row, 2, &c->label);
	c->scopes = (uint32_t)sql_column(row, 3);
	if (!st)
		st = sql_column_copy(tx, row, 4, &c->verifier);
	c->created = sql_column_signed(row, 5);
	c->last_used = sql_column_signed(row, 6);
	c->expires = sql_column_signed(row, 7);
	return st;
}

enum status store_credential_list(struct tx *tx, uint64_t account,
				  store_credential_fn *fn, void *arg)
{
	struct store_credential c;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT id, account, label, scopes,"
		" verifier, created, last_used, expires FROM credential"
		" WHERE account = ?1 AND key IS NULL ORDER BY label",
		SQL_ARGS(sql_i(account)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_credential(tx, row, &c);
		if (!st)
			st = fn(arg, &c);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
