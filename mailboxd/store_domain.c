/* Our domains (doc/store.md, issue 2 "Addresses"). */
#include "mailboxd/store_priv.h"

#define COLUMNS "SELECT d.id, d.name, d.separator, d.catchall, d.postmaster," \
	" d.configured," \
	" (SELECT count(*) FROM account a WHERE a.domain = d.id)," \
	" (SELECT count(*) FROM alias l WHERE l.domain = d.id) FROM domain d "

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_domain *d)
{
	enum status st;

	d->id = sql_column(row, 0);
	st = sql_column_copy(tx, row, 1, &d->name);
	if (!st)
		st = sql_column_copy(tx, row, 2, &d->separator);
	if (!st)
		st = sql_column_copy(tx, row, 3, &d->catchall);
	if (!st)
		st = sql_column_copy(tx, row, 4, &d->postmaster);
	d->is_configured = sql_column(row, 5) != 0;
	d->accounts = sql_column(row, 6);
	d->aliases = sql_column(row, 7);
	return st;
}

/* A domain as typed, as A-labels in the transaction's memory. */
static enum status domain_name(struct tx *tx, struct slice in,
			       struct slice *name)
{
	struct buf b = BUF_INIT(ADDRESS_DOMAIN_MAX + 1);
	enum status st = address_domain_ascii(in, &b);

	if (st)
		tx_error(tx, st, "that is no domain name");
	else
		st = tx_copy(tx, buf_slice(&b), name);
	buf_free(&b);
	return st;
}

enum status store_domain_find(struct tx *tx, struct slice in,
			      struct store_domain *domain)
{
	struct sqlite3_stmt *row;
	struct slice name;
	enum status st = domain_name(tx, in, &name);

	if (!st)
		st = sql_first(tx, &row, COLUMNS "WHERE d.name = ?1",
			       SQL_ARGS(sql_t(name)));
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such domain");
	if (st)
		return st;
	st = read_row(tx, row, domain);
	sql_end(row);
	return st;
}

/* A catch-all or postmaster: empty, or an address that resolves. */
static enum status check_target(struct tx *tx, struct slice text,
				const char *what)
{
	const struct store_target *targets;
	struct address address;
	size_t count;
	enum status st;

	if (text.len == 0)
		return ST_OK;
	if (address_parse(text, ADDRESS_UTF8, &tx->arena, &address))
		return tx_error(tx, ST_SYNTAX, "the %s is no address", what);
	st = store_resolve(tx, &address, UINT64_MAX, NULL, NULL, &targets,
			   &count);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "the %s is not a local address", what);
	return st;
}

enum status store_domain_add(struct tx *tx, const struct store_domain *d,
			     uint64_t *id)
{
	struct slice name;
	uint64_t known;
	enum status st = domain_name(tx, d->name, &name);

	if (st)
		return st;
	st = sql_number(tx, &known, "SELECT id FROM domain WHERE name = ?1",
			SQL_ARGS(sql_t(name)));
	if (st == ST_OK)
		return tx_error(tx, ST_EXISTS, "that domain is there already");
	if (st != ST_NOT_FOUND)
		return st;
	st = sql_run(tx, "INSERT INTO domain (name, separator, catchall,"
		     " postmaster, configured) VALUES (?1, ?2, '', '', ?3)",
		     SQL_ARGS(sql_t(name), sql_t(d->separator),
			      sql_i(d->is_configured)));
	if (st)
		return st;
	if (id)
		st = sql_number(tx, id, "SELECT id FROM domain WHERE name = ?1",
				SQL_ARGS(sql_t(name)));
	/* its own accounts come later: these two may name others' */
	if (!st && (d->catchall.len || d->postmaster.len))
		st = store_domain_set(tx, d);
	return st ? st : journal_add(tx, "domain.add", 0, SLICE_EMPTY, NULL,
				     name);
}

enum status store_domain_set(struct tx *tx, const struct store_domain *d)
{
	struct slice name;
	uint64_t id;
	enum status st = domain_name(tx, d->name, &name);

	if (st)
		return st;
	st = sql_number(tx, &id, "SELECT id FROM domain WHERE name = ?1",
			SQL_ARGS(sql_t(name)));
	if (st == ST_NOT_FOUND) {
		struct store_domain bare = *d;

		bare.catchall = bare.postmaster = SLICE_EMPTY;
		st = store_domain_add(tx, &bare, &id);
	}
	if (!st)
		st = check_target(tx, d->catchall, "catch-all");
	if (!st)
		st = check_target(tx, d->postmaster, "postmaster");
	return st ? st :
		sql_run(tx, "UPDATE domain SET separator = ?2, catchall = ?3,"
			" postmaster = ?4, configured = ?5 WHERE id = ?1",
			SQL_ARGS(sql_i(id), sql_t(d->separator),
				 sql_t(d->catchall), sql_t(d->postmaster),
				 sql_i(d->is_configured)));
}

enum status store_domain_remove(struct tx *tx, struct slice name)
{
	struct store_domain d;
	enum status st = store_domain_find(tx, name, &d);

	if (st)
		return st;
	if (d.accounts)
		return tx_error(tx, ST_DENIED, "the domain has %llu accounts",
				(unsigned long long)d.accounts);
	st = sql_run(tx, "DELETE FROM alias WHERE domain = ?1",
		     SQL_ARGS(sql_i(d.id)));
	if (!st)
		st = sql_run(tx, "DELETE FROM domain WHERE id = ?1",
			     SQL_ARGS(sql_i(d.id)));
	return st ? st : journal_add(tx, "domain.remove", 0, SLICE_EMPTY, NULL,
				     d.name);
}

enum status store_domain_list(struct tx *tx, store_domain_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	struct store_domain d;
	enum status st = sql_query(tx, &row, COLUMNS "ORDER BY d.name",
				   SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_row(tx, row, &d);
		if (!st)
			st = fn(arg, &d);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
