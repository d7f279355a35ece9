/* Mailboxes: their names, their making and removing, what SELECT asks. */
#include "mailboxd/store_priv.h"

#include "common/utf8.h"

static const struct {
	const char *use;	/* RFC 6154 */
	const char *name;	/* unless an option says otherwise */
} special_uses[STORE_SPECIAL_USES] = {
	{ "\\Drafts", "Drafts" },
	{ "\\Sent", "Sent" },
	{ "\\Junk", "Junk" },
	{ "\\Trash", "Trash" },
	{ "\\Archive", "Archive" },
};

/* ---- names ----------------------------------------------------------------------- */

static enum status check_level(struct tx *tx, struct slice level)
{
	if (level.len == 0)
		return tx_error(tx, ST_SYNTAX, "a level of the name is empty");
	if (level.len > STORE_LEVEL_OCTETS)
		return tx_error(tx, ST_SYNTAX, "a level of the name has more "
				"than %d octets", STORE_LEVEL_OCTETS);
	for (size_t i = 0; i < level.len; i++) {
		unsigned char c = (unsigned char)level.data[i];

		if (c < 0x20 || c == 0x7f || c == '*' || c == '%')
			return tx_error(tx, ST_SYNTAX, "the name has a control "
					"character, * or %%");
	}
	return ST_OK;
}

static enum status check_name(struct tx *tx, struct slice name)
{
	struct slice rest = name, level;
	size_t levels = 0;
	enum status st;

	if (name.len > STORE_NAME_OCTETS)
		return tx_error(tx, ST_SYNTAX, "a name of more than %d octets",
				STORE_NAME_OCTETS);
	while (slice_split(&rest, '/', &level)) {
		if (++levels > STORE_LEVELS)
			return tx_error(tx, ST_SYNTAX, "more than %d levels",
					STORE_LEVELS);
		st = check_level(tx, level);
		if (st)
			return st;
	}
	return ST_OK;
}

enum status mailbox_name(struct tx *tx, struct slice in, struct slice *name)
{
	struct buf b = BUF_INIT(4 * STORE_NAME_OCTETS);
	struct slice text;
	enum status st;

	if (in.len > 0 && in.data[in.len - 1] == '/')
		in.len--;
	if (in.len == 0)
		return tx_error(tx, ST_SYNTAX, "an empty name");
	st = utf8_nfc(in, &b);
	text = buf_slice(&b);
	if (st)
		st = tx_error(tx, st, "the name is no UTF-8 or too long");
	else
		st = check_name(tx, text);
	/* INBOX in any case, alone or as the first level (RFC 9051 5.1) */
	if (!st && slice_case_starts(text, SLICE("INBOX")) &&
	    (text.len == 5 || text.data[5] == '/'))
		memcpy(b.data, "INBOX", 5);
	if (!st)
		st = tx_copy(tx, text, name);
	buf_free(&b);
	return st;
}

static bool is_inbox(struct slice name)
{
	return slice_eq(name, SLICE("INBOX"));
}

/* ---- modseq ------------------------------------------------------------------------ */

uint64_t mailbox_told_modseq(const struct store *store, uint64_t stored)
{
	uint64_t low = store->epoch << 32;

	return stored > low ? stored : low;
}

enum status mailbox_next_modseq(struct tx *tx, struct hot *hot,
				uint64_t *modseq)
{
	struct mailbox_state *m = &hot->now.mailbox;
	uint64_t low = tx->store->epoch << 32;
	enum status st = hot_touch(tx, hot);

	if (st)
		return st;
	if (m->highestmodseq < low) {
		/* a client may hold a modseq between whose change was lost */
		st = sql_run(tx, "INSERT OR REPLACE INTO modseq_gap (mailbox,"
			     " low, high) VALUES (?1, ?2, ?3)",
			     SQL_ARGS(sql_i(hot->id), sql_i(m->highestmodseq),
				      sql_i(low)));
		if (st)
			return st;
		m->highestmodseq = low;
	}
	*modseq = ++m->highestmodseq;
	return ST_OK;
}

enum status mailbox_find_id(struct tx *tx, uint64_t account, struct slice name,
			    uint64_t *id)
{
	return sql_number(tx, id, "SELECT id FROM mailbox WHERE owner = ?1"
			  " AND name = ?2",
			  SQL_ARGS(sql_i(account), sql_t(name)));
}

/* ---- making -------------------------------------------------------------------------- */

static enum status next_uidvalidity(struct tx *tx, uint32_t *value)
{
	uint64_t last, now = (uint64_t)store_now();
	enum status st = store_meta_get(tx, "uidvalidity", &last);

	if (st && st != ST_NOT_FOUND)
		return st;
	if (now > last)
		last = now - 1;
	if (last >= UINT32_MAX)
		return tx_error(tx, ST_LIMIT, "no UIDVALIDITY is left");
	*value = (uint32_t)last + 1;
	return store_meta_set(tx, "uidvalidity", *value);
}

/* RFC 4314 section 4: it gets the rights of the mailbox above. */
static enum status inherit_rights(struct tx *tx, uint64_t account, struct slice name,
				  uint64_t id)
{
	size_t above = name.len;
	uint64_t parent;
	enum status st;

	while (above > 0 && name.data[above - 1] != '/')
		above--;
	if (above == 0)
		return ST_OK;
	st = mailbox_find_id(tx, account, slice_head(name, above - 1), &parent);
	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	return sql_run(tx, "INSERT INTO acl (mailbox, account, rights)"
		       " SELECT ?1, account, rights FROM acl WHERE mailbox = ?2",
		       SQL_ARGS(sql_i(id), sql_i(parent)));
}

static enum status insert_row(struct tx *tx, uint64_t account, struct slice name,
			      const char *special_use, uint64_t *id)
{
	uint32_t uidvalidity = 0;
	enum status st = next_uidvalidity(tx, &uidvalidity);

	if (!st)
		st = sql_run(tx, "INSERT INTO mailbox (owner, name, special_use,"
			" uidvalidity, uidnext, highestmodseq, messages, unseen,"
			" deleted, recent_uid, octets, deleted_octets,"
			" vanished_floor, created) VALUES"
			" (?1, ?2, ?3, ?4, 1, ?5, 0, 0, 0, 0, 0, 0, 0, ?6)",
			SQL_ARGS(sql_i(account), sql_t(name),
				 sql_t(slice_str(special_use)),
				 sql_i(uidvalidity),
				 sql_i(tx->store->epoch << 32),
				 sql_i((uint64_t)store_now())));
	if (!st)
		st = mailbox_find_id(tx, account, name, id);
	return st ? st : inherit_rights(tx, account, name, *id);
}

enum status mailbox_insert(struct tx *tx, uint64_t account, struct slice name,
			   const char *special_use, uint64_t *id)
{
	uint64_t count;
	enum status st = sql_number(tx, &count, "SELECT count(*) FROM mailbox"
				    " WHERE owner = ?1",
				    SQL_ARGS(sql_i(account)));

	if (st)
		return st;
	if (count >= STORE_MAILBOXES)
		return tx_error(tx, ST_LIMIT, "more than %d mailboxes",
				STORE_MAILBOXES);
	return insert_row(tx, account, name, special_use, id);
}

static enum status subscribe(struct tx *tx, uint64_t account, struct slice name)
{
	return sql_run(tx, "INSERT OR IGNORE INTO subscription (owner, name)"
		       " VALUES (?1, ?2)",
		       SQL_ARGS(sql_i(account), sql_t(name)));
}

enum status mailbox_make_defaults(struct tx *tx, uint64_t account)
{
	const struct store_options *o = &tx->store->options;
	struct slice name = SLICE("INBOX");
	uint64_t id;
	enum status st = mailbox_insert(tx, account, name, "", &id);

	if (!st)
		st = subscribe(tx, account, name);
	for (size_t i = 0; i < STORE_SPECIAL_USES && !st; i++) {
		name = slice_str(o->special_names[i] ? o->special_names[i] :
						       special_uses[i].name);
		if (name.len == 0)
			continue;
		st = mailbox_name(tx, name, &name);
		if (!st)
			st = mailbox_insert(tx, account, name,
					    special_uses[i].use, &id);
		if (!st)
			st = subscribe(tx, account, name);
	}
	return st;
}

/* The mailboxes above name that are not there yet. */
static enum status make_parents(struct tx *tx, uint64_t account,
				struct slice name)
{
	uint64_t id;
	enum status st;

	for (size_t i = 1; i < name.len; i++) {
		if (name.data[i] != '/')
			continue;
		st = mailbox_find_id(tx, account, slice_head(name, i), &id);
		if (st == ST_NOT_FOUND)
			st = mailbox_insert(tx, account, slice_head(name, i),
					    "", &id);
		if (st)
			return st;
	}
	return ST_OK;
}

/* The table's own spelling of the use; "" for none. */
static enum status check_special_use(struct tx *tx, uint64_t account,
				     struct slice in, const char **use)
{
	uint64_t id;
	size_t i;
	enum status st;

	*use = "";
	if (in.len == 0)
		return ST_OK;
	for (i = 0; i < STORE_SPECIAL_USES; i++)
		if (slice_case_eq(in, slice_str(special_uses[i].use)))
			break;
	if (i == STORE_SPECIAL_USES)
		return tx_error(tx, ST_DENIED, "no such special use");
	*use = special_uses[i].use;
	st = sql_number(tx, &id, "SELECT id FROM mailbox WHERE owner = ?1"
			" AND special_use = ?2",
			SQL_ARGS(sql_i(account), sql_t(slice_str(*use))));
	if (st == ST_OK)
		return tx_error(tx, ST_DENIED, "another mailbox has that use");
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_mailbox_create(struct tx *tx, uint64_t account,
				 struct slice in, struct slice special_use,
				 uint64_t *id)
{
	struct slice name;
	const char *use;
	uint64_t made;
	enum status st = mailbox_name(tx, in, &name);

	if (!st)
		st = mailbox_find_id(tx, account, name, &made);
	if (!st)
		return tx_error(tx, ST_EXISTS, "that mailbox is there already");
	if (st != ST_NOT_FOUND)
		return st;
	st = check_special_use(tx, account, special_use, &use);
	if (!st)
		st = make_parents(tx, account, name);
	if (!st)
		st = mailbox_insert(tx, account, name, use, &made);
	if (st)
		return st;
	if (id)
		*id = made;
	return journal_add(tx, "mailbox.create", made, SLICE_EMPTY, NULL, name);
}

/* ---- removing -------------------------------------------------------------------------- */

/* What hangs on a mailbox; one statement each. */
static const char *const remove_sql[] = {
	"DELETE FROM entry WHERE mailbox = ?1",
	"DELETE FROM acl WHERE mailbox = ?1",
	"DELETE FROM seen WHERE mailbox = ?1",
	"DELETE FROM metadata WHERE mailbox = ?1",
	"DELETE FROM vanished WHERE mailbox = ?1",
	"DELETE FROM modseq_gap WHERE mailbox = ?1",
	"DELETE FROM mailbox WHERE id = ?1",
};

/* Its messages stay as expunged references until those are pruned. */
static enum status remove_mailbox(struct tx *tx, uint64_t id)
{
	struct hot *hot, *account;
	enum status st = hot_get(tx, HOT_MAILBOX, id, &hot);

	if (!st)
		st = hot_get(tx, HOT_ACCOUNT, hot->now.mailbox.owner, &account);
	if (!st)
		st = hot_touch(tx, account);
	if (!st)
		st = sql_run(tx, "INSERT INTO expunged (mailbox, uid, at,"
			" account, message, flags, size, recipient, saved, uidl)"
			" SELECT mailbox, uid, ?2, ?3, message, flags,"
			" size, recipient, saved, uidl FROM entry"
			" WHERE mailbox = ?1",
			SQL_ARGS(sql_i(id), sql_i((uint64_t)store_now()),
				 sql_i(account->id)));
	if (!st)
		st = expunged_remember_gone(tx, id);
	for (size_t i = 0; i < sizeof remove_sql / sizeof *remove_sql && !st; i++)
		st = sql_run(tx, remove_sql[i], SQL_ARGS(sql_i(id)));
	if (st)
		return st;
	account->now.account.used_octets -= hot->now.mailbox.octets;
	account->now.account.used_messages -= hot->now.mailbox.messages;
	return hot_remove(tx, hot);
}

enum status mailbox_remove_all(struct tx *tx, uint64_t account)
{
	uint64_t id;
	enum status st;

	do {
		st = sql_number(tx, &id, "SELECT id FROM mailbox"
				" WHERE owner = ?1 LIMIT 1",
				SQL_ARGS(sql_i(account)));
		if (!st)
			st = remove_mailbox(tx, id);
	} while (!st);
	if (st != ST_NOT_FOUND)
		return st;
	/* nobody is left who could have them back */
	return sql_run(tx, "UPDATE expunged SET at = 0 WHERE account = ?1",
		       SQL_ARGS(sql_i(account)));
}

enum status store_mailbox_delete(struct tx *tx, uint64_t account,
				 struct slice in)
{
	struct slice name;
	uint64_t id;
	enum status st = mailbox_name(tx, in, &name);

	if (st == ST_SYNTAX || st == ST_LIMIT)
		return tx_error(tx, ST_NOT_FOUND, "no such mailbox");
	if (!st && is_inbox(name))
		return tx_error(tx, ST_DENIED, "INBOX cannot be removed");
	if (!st)
		st = mailbox_find_id(tx, account, name, &id);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such mailbox");
	if (!st)
		st = journal_add(tx, "mailbox.delete", id, SLICE_EMPTY, NULL,
				 name);
	return st ? st : remove_mailbox(tx, id);
}

/* ---- out of UIDs ----------------------------------------------------------------------------- */

/* What hangs on the old one goes over to the new, whose rights are not those of the
 * mailbox above it. */
static enum status take_over(struct tx *tx, uint64_t from, uint64_t to)
{
	struct ranges source = RANGES_INIT(RANGES_MAX);
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy move = { .from = from, .to = to, .is_move = true,
				   .source = &source, .target = &target };
	enum status st = store_copy(tx, &move);

	ranges_free(&source);
	ranges_free(&target);
	if (!st)
		st = metadata_copy(tx, from, to);
	if (!st)
		st = sql_run(tx, "DELETE FROM acl WHERE mailbox = ?1",
			     SQL_ARGS(sql_i(to)));
	if (!st)
		st = sql_run(tx, "UPDATE acl SET mailbox = ?2 WHERE mailbox = ?1",
			     SQL_ARGS(sql_i(from), sql_i(to)));
	rights_changed(tx);
	return st;
}

/* A name that nobody can give; the expunged mail that is kept is told by the real one. */
static enum status set_aside(struct tx *tx, uint64_t id)
{
	return sql_run(tx, "UPDATE mailbox SET name = name || char(1), special_use = ''"
		       " WHERE id = ?1", SQL_ARGS(sql_i(id)));
}

enum status mailbox_renumber(struct tx *tx, uint64_t id)
{
	struct store_mailbox m;
	char use[16];
	uint64_t made;
	enum status st = store_mailbox_get(tx, id, &m);

	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	snprintf(use, sizeof use, "%.*s", SLICE_ARG(slice_head(m.special_use, 15)));
	st = set_aside(tx, id);
	if (!st)
		st = insert_row(tx, m.owner, m.name, use, &made);
	if (!st)
		st = take_over(tx, id, made);
	if (!st)
		st = remove_mailbox(tx, id);
	if (!st)
		st = sql_run(tx, "UPDATE mailbox_gone SET name = ?2 WHERE id = ?1",
			     SQL_ARGS(sql_i(id), sql_t(m.name)));
	return st ? st : journal_add(tx, "mailbox.renumber", made, SLICE_EMPTY, NULL,
				     m.name);
}

/* ---- renaming ----------------------------------------------------------------------------- */

/* RFC 9051 6.3.6: the messages move, INBOX and its children stay. */
static enum status rename_inbox(struct tx *tx, uint64_t account,
				uint64_t inbox, struct slice to)
{
	struct ranges source = RANGES_INIT(RANGES_MAX);
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy move = { .from = inbox, .is_move = true,
				   .source = &source, .target = &target };
	enum status st = mailbox_insert(tx, account, to, "", &move.to);

	if (!st)
		st = metadata_copy(tx, inbox, move.to);
	if (!st)
		st = store_copy(tx, &move);
	ranges_free(&source);
	ranges_free(&target);
	return st;
}

static uint64_t count_levels(struct slice name)
{
	uint64_t levels = 1;

	for (size_t i = 0; i < name.len; i++)
		levels += name.data[i] == '/';
	return levels;
}

static enum status check_children(struct tx *tx, uint64_t account,
				  struct slice from, struct slice to)
{
	uint64_t longest = 0, deepest = 0;
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row,
		"SELECT max(length(CAST(name AS BLOB))),"
		" max(1 + length(name) - length(replace(name, '/', ''))) FROM mailbox"
		" WHERE owner = ?1 AND name > ?2 || '/' AND name < ?2 || '0'",
		SQL_ARGS(sql_i(account), sql_t(from)));

	if (st)
		return st;
	longest = sql_column(row, 0);
	deepest = sql_column(row, 1);
	sql_end(row);
	if (longest && longest - from.len + to.len > STORE_NAME_OCTETS)
		return tx_error(tx, ST_SYNTAX, "a child's name would have more "
				"than %d octets", STORE_NAME_OCTETS);
	if (deepest && deepest - count_levels(from) + count_levels(to) > STORE_LEVELS)
		return tx_error(tx, ST_SYNTAX, "a child would have more than %d levels",
				STORE_LEVELS);
	return ST_OK;
}

static enum status rename_children(struct tx *tx, uint64_t account,
				   struct slice from, struct slice to)
{
	enum status st = check_children(tx, account, from, to);

	if (st)
		return st;
	st = sql_run(tx, "UPDATE mailbox SET name = ?3 ||"
		     " substr(name, length(?2) + 1) WHERE owner = ?1"
		     " AND name > ?2 || '/' AND name < ?2 || '0'",
		     SQL_ARGS(sql_i(account), sql_t(from), sql_t(to)));
	return st == ST_EXISTS ?
		tx_error(tx, st, "a child of that name is there") : st;
}

static enum status count_children(struct tx *tx, uint64_t account,
				  struct slice name, uint64_t *count)
{
	return sql_number(tx, count, "SELECT count(*) FROM mailbox"
			  " WHERE owner = ?1 AND name > ?2 || '/'"
			  " AND name < ?2 || '0'",
			  SQL_ARGS(sql_i(account), sql_t(name)));
}

static enum status rename_checked(struct tx *tx, uint64_t account, uint64_t id,
				  struct slice from, struct slice to)
{
	enum status st = make_parents(tx, account, to);

	if (!st && is_inbox(from))
		return rename_inbox(tx, account, id, to);
	if (!st && id)
		st = sql_run(tx, "UPDATE mailbox SET name = ?2 WHERE id = ?1",
			     SQL_ARGS(sql_i(id), sql_t(to)));
	return st ? st : rename_children(tx, account, from, to);
}

enum status store_mailbox_rename(struct tx *tx, uint64_t account,
				 struct slice in, struct slice out)
{
	struct slice from, to;
	uint64_t id, other, children;
	enum status st = mailbox_name(tx, in, &from);

	if (st == ST_SYNTAX || st == ST_LIMIT)
		return tx_error(tx, ST_NOT_FOUND, "no such mailbox");
	if (!st)
		st = mailbox_name(tx, out, &to);
	if (!st)
		st = mailbox_find_id(tx, account, from, &id);
	if (st == ST_NOT_FOUND) {	/* a parent only by its children's names */
		st = count_children(tx, account, from, &children);
		if (!st && !children)
			return tx_error(tx, ST_NOT_FOUND, "no such mailbox");
	}
	if (st)
		return st;
	st = mailbox_find_id(tx, account, to, &other);
	if (st == ST_OK)
		return tx_error(tx, ST_EXISTS, "that mailbox is there already");
	if (st != ST_NOT_FOUND)
		return st;
	if (!is_inbox(from) && to.len > from.len && slice_starts(to, from) &&
	    to.data[from.len] == '/')
		return tx_error(tx, ST_DENIED, "that is below itself");
	st = rename_checked(tx, account, id, from, to);
	return st ? st : journal_add(tx, "mailbox.rename", id, SLICE_EMPTY,
				     NULL, to);
}

enum status store_mailbox_subscribe(struct tx *tx, uint64_t account,
				    struct slice in, bool on)
{
	struct slice name;
	uint64_t id;
	enum status st = mailbox_name(tx, in, &name);

	if (st)
		return st;
	if (!on) {
		st = sql_run(tx, "DELETE FROM subscription WHERE owner = ?1"
			     " AND name = ?2",
			     SQL_ARGS(sql_i(account), sql_t(name)));
		if (!st && sql_changes(tx) == 0)
			st = tx_error(tx, ST_NOT_FOUND, "not subscribed");
		return st;
	}
	st = mailbox_find_id(tx, account, name, &id);
	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "no such mailbox");
	return st ? st : subscribe(tx, account, name);
}
