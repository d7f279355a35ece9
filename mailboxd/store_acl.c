/* Rights of accounts on mailboxes (RFC 4314). The owner has all and no row. */
#include "mailboxd/store_priv.h"

static const char letters[] = "lrswipkxtea";	/* by bit */

/* Section 2.1.1: what older clients say, and are told beside it. */
static const struct {
	char letter;
	uint32_t rights;
} obsolete[] = {
	{ 'c', STORE_RIGHT_CREATE | STORE_RIGHT_DELETE },
	{ 'd', STORE_RIGHT_TRASH | STORE_RIGHT_EXPUNGE },
};

static uint32_t rights_of(char letter)
{
	const char *at = letter ? strchr(letters, letter) : NULL;

	for (size_t i = 0; i < 2; i++)
		if (obsolete[i].letter == letter)
			return obsolete[i].rights;
	return at ? 1u << (at - letters) : 0;
}

enum status store_rights_parse(struct slice text, uint32_t *rights)
{
	uint32_t found = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint32_t one = rights_of(text.data[i]);

		if (!one)
			return ST_SYNTAX;
		found |= one;
	}
	*rights = found;
	return ST_OK;
}

static size_t put_letters(uint32_t rights, char text[static STORE_RIGHTS_OCTETS])
{
	size_t len = 0;

	for (size_t i = 0; letters[i]; i++)
		if (rights & 1u << i)
			text[len++] = letters[i];
	return len;
}

enum status store_rights_render(uint32_t rights, struct buf *out)
{
	char text[STORE_RIGHTS_OCTETS];
	size_t len = put_letters(rights, text);

	for (size_t i = 0; i < 2; i++)
		if (rights & obsolete[i].rights)
			text[len++] = obsolete[i].letter;
	return buf_append(out, slice_of(text, len));
}

/* ---- rows ------------------------------------------------------------------------ */

static enum status owner_of(struct tx *tx, uint64_t mailbox, uint64_t *owner)
{
	enum status st = sql_number(tx, owner, "SELECT owner FROM mailbox"
				    " WHERE id = ?1", SQL_ARGS(sql_i(mailbox)));

	return st == ST_NOT_FOUND ? tx_error(tx, st, "no such mailbox") : st;
}

static enum status read_rights(struct tx *tx, struct sqlite3_stmt *row, int column,
			       uint32_t *rights)
{
	enum status st = store_rights_parse(sql_column_bytes(row, column), rights);

	return st ? tx_error(tx, ST_UNAVAILABLE, "a row of acl is damaged") : ST_OK;
}

static enum status given(struct tx *tx, uint64_t mailbox, uint64_t account,
			 uint32_t *rights)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT rights FROM acl"
		" WHERE mailbox = ?1 AND account = ?2",
		SQL_ARGS(sql_i(mailbox), sql_i(account)));

	*rights = 0;
	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	st = read_rights(tx, row, 0, rights);
	sql_end(row);
	return st;
}

enum status store_acl_rights(struct tx *tx, uint64_t mailbox, uint64_t account,
			     uint32_t *rights)
{
	uint64_t owner;
	enum status st = owner_of(tx, mailbox, &owner);

	*rights = STORE_RIGHTS_ALL;
	return st || owner == account ? st
				      : given(tx, mailbox, account, rights);
}

static enum status may_administer(struct tx *tx, uint64_t by, uint64_t mailbox)
{
	uint32_t rights;
	enum status st = store_acl_rights(tx, mailbox, by, &rights);

	if (!st && !(rights & STORE_RIGHT_ADMIN))
		st = tx_error(tx, ST_DENIED, "it may not administer the mailbox");
	return st;
}

static enum status may_be_given(struct tx *tx, uint64_t mailbox, uint64_t account)
{
	uint64_t owner, found, others;
	enum status st = owner_of(tx, mailbox, &owner);

	if (!st && owner == account)
		st = tx_error(tx, ST_DENIED, "the owner has all rights");
	if (!st)
		st = sql_number(tx, &found, "SELECT id FROM account WHERE id = ?1",
				SQL_ARGS(sql_i(account)));
	if (!st)
		st = sql_number(tx, &others, "SELECT count(*) FROM acl"
				" WHERE mailbox = ?1 AND account <> ?2",
				SQL_ARGS(sql_i(mailbox), sql_i(account)));
	if (!st && others >= STORE_ACL_MAX)
		st = tx_error(tx, ST_LIMIT, "more than %u have rights on it",
			      STORE_ACL_MAX);
	return st;
}

enum status store_acl_set(struct tx *tx, uint64_t by, uint64_t mailbox,
			  uint64_t account, enum ipc_store_mode mode,
			  uint32_t rights)
{
	char text[STORE_RIGHTS_OCTETS];
	uint32_t now = 0;
	enum status st = may_administer(tx, by, mailbox);

	if (!st)
		st = may_be_given(tx, mailbox, account);
	if (!st)
		st = given(tx, mailbox, account, &now);
	if (st)
		return st;
	now = mode == IPC_STORE_REPLACE ? rights
	    : mode == IPC_STORE_ADD	? now | rights
					: now & ~rights;
	rights_changed(tx);
	if (!(now & STORE_RIGHTS_ALL))
		return sql_run(tx, "DELETE FROM acl WHERE mailbox = ?1"
			       " AND account = ?2",
			       SQL_ARGS(sql_i(mailbox), sql_i(account)));
	/* without c and d: each stands for more than one of two rights */
	st = tx_take_room(tx, sizeof text);
	return st ? st : sql_run(tx, "INSERT OR REPLACE INTO acl (mailbox, account,"
		" rights) VALUES (?1, ?2, ?3)",
		SQL_ARGS(sql_i(mailbox), sql_i(account),
			 sql_t(slice_of(text, put_letters(now, text)))));
}

enum status store_acl_list(struct tx *tx, uint64_t by, uint64_t mailbox,
			   store_acl_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	uint32_t rights;
	enum status st = may_administer(tx, by, mailbox);

	if (!st)
		st = sql_query(tx, &row, "SELECT a.id, a.name, ?2, 0 AS other"
			" FROM mailbox m JOIN account a ON a.id = m.owner"
			" WHERE m.id = ?1 UNION ALL"
			" SELECT a.id, a.name, c.rights, 1 FROM acl c"
			" JOIN account a ON a.id = c.account"
			" WHERE c.mailbox = ?1 ORDER BY other, a.name",
			SQL_ARGS(sql_i(mailbox), sql_t(slice_str(letters))));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_rights(tx, row, 2, &rights);
		if (!st)
			st = fn(arg, sql_column(row, 0), sql_column_bytes(row, 1),
				rights);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
