#include "mailboxd/store_priv.h"

#include <sqlite3.h>

/*
 * Numbered migrations, append only: row n brings a store of version n to n + 1,
 * in one transaction. A row that reached a release is never edited. doc/store.md
 * explains the tables.
 */
static const char *const migrations[] = {
	/* 1: everything */
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"

	/* accounts and addresses */
	"CREATE TABLE domain ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	"  separator TEXT NOT NULL, catchall TEXT NOT NULL,"
	"  postmaster TEXT NOT NULL, configured INTEGER NOT NULL);"
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, domain INTEGER NOT NULL,"
	"  name TEXT NOT NULL, key TEXT NOT NULL UNIQUE,"
	"  state INTEGER NOT NULL, any_password INTEGER NOT NULL,"
	"  quota_octets INTEGER, quota_messages INTEGER,"
	"  used_octets INTEGER NOT NULL, used_messages INTEGER NOT NULL,"
	"  created INTEGER NOT NULL);"
	"CREATE INDEX account_domain ON account (domain);"
	"CREATE TABLE credential ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	"  label TEXT NOT NULL, scopes INTEGER NOT NULL,"
	"  verifier BLOB NOT NULL, created INTEGER NOT NULL,"
	"  last_used INTEGER NOT NULL, expires INTEGER NOT NULL,"
	"  UNIQUE (account, label));"
	"CREATE TABLE alias ("
	"  key TEXT NOT NULL, target_key TEXT NOT NULL,"
	"  domain INTEGER NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL,"
	"  PRIMARY KEY (key, target_key)) WITHOUT ROWID;"
	"CREATE INDEX alias_domain ON alias (domain);"

	/* mailboxes: narrow, counters kept */
	"CREATE TABLE mailbox ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, owner INTEGER NOT NULL,"
	"  name TEXT NOT NULL, special_use TEXT NOT NULL,"
	"  uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL,"
	"  highestmodseq INTEGER NOT NULL, messages INTEGER NOT NULL,"
	"  unseen INTEGER NOT NULL, deleted INTEGER NOT NULL,"
	"  recent_uid INTEGER NOT NULL, octets INTEGER NOT NULL,"
	"  deleted_octets INTEGER NOT NULL, vanished_floor INTEGER NOT NULL,"
	"  created INTEGER NOT NULL, UNIQUE (owner, name));"
	"CREATE TABLE subscription ("
	"  owner INTEGER NOT NULL, name TEXT NOT NULL,"
	"  PRIMARY KEY (owner, name)) WITHOUT ROWID;"
	"CREATE TABLE acl ("
	"  mailbox INTEGER NOT NULL, account INTEGER NOT NULL,"
	"  rights TEXT NOT NULL, PRIMARY KEY (mailbox, account)) WITHOUT ROWID;"
	"CREATE TABLE seen ("
	"  mailbox INTEGER NOT NULL, account INTEGER NOT NULL,"
	"  uids BLOB NOT NULL, modseq INTEGER NOT NULL,"
	"  PRIMARY KEY (mailbox, account)) WITHOUT ROWID;"
	"CREATE TABLE keyword_set ("
	"  mailbox INTEGER NOT NULL, id INTEGER NOT NULL, names TEXT NOT NULL,"
	"  PRIMARY KEY (mailbox, id), UNIQUE (mailbox, names)) WITHOUT ROWID;"

	/* what is in them, and what no longer is */
	"CREATE TABLE entry ("
	"  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL,"
	"  flags INTEGER NOT NULL, modseq INTEGER NOT NULL,"
	"  message INTEGER NOT NULL, size INTEGER NOT NULL,"
	"  saved INTEGER NOT NULL, recipient INTEGER NOT NULL, uidl TEXT,"
	"  PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;"
	"CREATE TABLE vanished ("
	"  mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL,"
	"  uid_lo INTEGER NOT NULL, uid_hi INTEGER NOT NULL,"
	"  PRIMARY KEY (mailbox, modseq, uid_lo)) WITHOUT ROWID;"
	"CREATE TABLE modseq_gap ("
	"  mailbox INTEGER NOT NULL, low INTEGER NOT NULL,"
	"  high INTEGER NOT NULL, PRIMARY KEY (mailbox, low)) WITHOUT ROWID;"
	"CREATE TABLE expunged ("
	"  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL,"
	"  at INTEGER NOT NULL, account INTEGER NOT NULL,"
	"  message INTEGER NOT NULL, flags INTEGER NOT NULL,"
	"  size INTEGER NOT NULL, recipient INTEGER NOT NULL,"
	"  PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;"
	"CREATE INDEX expunged_at ON expunged (at);"
	"CREATE TABLE recipient ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE);"

	/* messages: heavy columns, references, bodies */
	"CREATE TABLE message ("
	"  id INTEGER PRIMARY KEY, internaldate INTEGER NOT NULL,"
	"  zone INTEGER NOT NULL, size INTEGER NOT NULL,"
	"  header_size INTEGER NOT NULL, thread INTEGER NOT NULL,"
	"  sent INTEGER, sent_day INTEGER, is_reply INTEGER NOT NULL,"
	"  mid TEXT, subject_base TEXT, from_sort TEXT, to_sort TEXT,"
	"  cc_sort TEXT, message_id TEXT, refs TEXT, preview TEXT,"
	"  envelope BLOB NOT NULL, bodystructure BLOB NOT NULL,"
	"  structure BLOB NOT NULL, parts BLOB NOT NULL);"
	"CREATE TABLE message_ref ("
	"  message INTEGER PRIMARY KEY, count INTEGER NOT NULL);"
	"CREATE TABLE body ("
	"  id INTEGER PRIMARY KEY, location TEXT, octets BLOB NOT NULL);"
	/* pieces without a message yet; bodies nobody refers to */
	"CREATE TABLE unfinished (message INTEGER PRIMARY KEY);"
	"CREATE TABLE garbage (message INTEGER PRIMARY KEY);"

	/* who did what */
	"CREATE TABLE journal ("
	"  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, mid TEXT, sid TEXT,"
	"  account INTEGER, mailbox INTEGER, uids TEXT, verb TEXT NOT NULL,"
	"  detail TEXT);"
	"CREATE INDEX journal_mailbox ON journal (mailbox, id);"
	"CREATE INDEX journal_mid ON journal (mid) WHERE mid IS NOT NULL;"
	"CREATE TABLE first_read ("
	"  message INTEGER NOT NULL, account INTEGER NOT NULL,"
	"  at INTEGER NOT NULL, PRIMARY KEY (message, account)) WITHOUT ROWID;"

	/* for people with sqlite3; documented and stable */
	"CREATE VIEW v_mailbox AS SELECT m.id, a.name AS account,"
	"  m.name AS mailbox, m.messages, m.unseen, m.octets, m.uidvalidity,"
	"  m.uidnext, m.special_use, datetime(m.created, 'unixepoch') AS created"
	"  FROM mailbox m LEFT JOIN account a ON a.id = m.owner;"
	"CREATE VIEW v_message AS SELECT a.name AS account, b.name AS mailbox,"
	"  e.uid, e.message AS id, m.mid, m.from_sort AS sender,"
	"  m.subject_base AS subject, e.size,"
	"  datetime(m.internaldate, 'unixepoch') AS received,"
	"  datetime(m.sent, 'unixepoch') AS sent,"
	"  e.flags & 1 AS seen, e.flags >> 1 & 1 AS answered,"
	"  e.flags >> 2 & 1 AS flagged, e.flags >> 3 & 1 AS deleted,"
	"  e.flags >> 4 & 1 AS draft, k.names AS keywords, m.message_id"
	"  FROM entry e JOIN mailbox b ON b.id = e.mailbox"
	"  JOIN message m ON m.id = e.message"
	"  LEFT JOIN account a ON a.id = b.owner"
	"  LEFT JOIN keyword_set k ON k.mailbox = e.mailbox"
	"    AND k.id = e.flags >> 32;"
	"CREATE VIEW v_journal AS SELECT j.id,"
	"  strftime('%Y-%m-%dT%H:%M:%S', j.at / 1000, 'unixepoch') AS at,"
	"  j.verb, a.name AS account, b.name AS mailbox, j.uids, j.mid, j.sid,"
	"  j.detail FROM journal j LEFT JOIN account a ON a.id = j.account"
	"  LEFT JOIN mailbox b ON b.id = j.mailbox;",

	/* 2: messages whose 250 the client may not have seen */
	"CREATE TABLE IF NOT EXISTS untold ("
	"  mid TEXT PRIMARY KEY, key BLOB NOT NULL, at INTEGER NOT NULL)"
	"  WITHOUT ROWID;",

	/* 3: */
	/* expunged mail comes back: what it needs, and mailboxes that are gone */
	"ALTER TABLE expunged ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE expunged ADD COLUMN uidl TEXT;"
	"CREATE TABLE mailbox_gone ("
	"  id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, name TEXT NOT NULL,"
	"  special_use TEXT NOT NULL, at INTEGER NOT NULL);"
	"CREATE INDEX mailbox_gone_owner ON mailbox_gone (owner);"
	"INSERT INTO mailbox_gone (id, owner, name, special_use, at)"
	"  SELECT x.mailbox, x.account, coalesce((SELECT j.detail FROM journal j"
	"    WHERE j.mailbox = x.mailbox AND j.verb = 'mailbox.delete'"
	"    ORDER BY j.id DESC LIMIT 1), 'Restored'), '', max(x.at)"
	"  FROM expunged x WHERE x.mailbox NOT IN (SELECT id FROM mailbox)"
	"  GROUP BY x.mailbox;"
	/* whom it is from, for people who look: from_sort is a key for SORT */
	"ALTER TABLE message ADD COLUMN sender TEXT;"
	"DROP VIEW v_message;"
	"CREATE VIEW v_message AS SELECT a.name AS account, b.name AS mailbox,"
	"  e.uid, e.message AS id, m.mid,"
	"  coalesce(m.sender, lower(m.from_sort)) AS sender,"
	"  m.subject_base AS subject, e.size,"
	"  datetime(m.internaldate, 'unixepoch') AS received,"
	"  datetime(m.sent, 'unixepoch') AS sent,"
	"  e.flags & 1 AS seen, e.flags >> 1 & 1 AS answered,"
	"  e.flags >> 2 & 1 AS flagged, e.flags >> 3 & 1 AS deleted,"
	"  e.flags >> 4 & 1 AS draft, k.names AS keywords, m.message_id"
	"  FROM entry e JOIN mailbox b ON b.id = e.mailbox"
	"  JOIN message m ON m.id = e.message"
	"  LEFT JOIN account a ON a.id = b.owner"
	"  LEFT JOIN keyword_set k ON k.mailbox = e.mailbox"
	"    AND k.id = e.flags >> 32;"
	/* who stood behind a sid; mail that was refused, numbered with the journal */
	"CREATE TABLE session ("
	"  sid TEXT PRIMARY KEY, at INTEGER NOT NULL, service TEXT NOT NULL,"
	"  client TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE refusal ("
	"  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, count INTEGER NOT NULL,"
	"  sid TEXT, client TEXT, helo TEXT, login TEXT, sender TEXT,"
	"  recipient TEXT, code INTEGER NOT NULL, reason TEXT,"
	"  sender_key TEXT, recipient_key TEXT);"
	"CREATE INDEX refusal_sender ON refusal (sender_key)"
	"  WHERE sender_key IS NOT NULL;"
	"CREATE INDEX refusal_recipient ON refusal (recipient_key)"
	"  WHERE recipient_key IS NOT NULL;"
	/* annotations: mailbox 0 is the server, account 0 what is shared */
	"CREATE TABLE metadata ("
	"  mailbox INTEGER NOT NULL, account INTEGER NOT NULL,"
	"  entry TEXT NOT NULL, value BLOB NOT NULL,"
	"  PRIMARY KEY (mailbox, account, entry)) WITHOUT ROWID;"
	"DROP VIEW v_journal;"
	"CREATE VIEW v_journal AS SELECT j.id,"
	"  strftime('%Y-%m-%dT%H:%M:%S', j.at / 1000, 'unixepoch') AS at,"
	"  j.verb, a.name AS account, b.name AS mailbox, j.uids, j.mid, j.sid,"
	"  j.detail, s.service, s.client FROM journal j"
	"  LEFT JOIN account a ON a.id = j.account"
	"  LEFT JOIN mailbox b ON b.id = j.mailbox"
	"  LEFT JOIN session s ON s.sid = j.sid;"
	"CREATE VIEW v_refusal AS SELECT id,"
	"  strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') AS at,"
	"  count, client, helo, login, sender, recipient, code, reason, sid"
	"  FROM refusal;",

	/* 4: */
	/* client certificates: the SHA-256 of the key they log in with */
	"ALTER TABLE credential ADD COLUMN key BLOB;"
	"ALTER TABLE credential ADD COLUMN subject TEXT;"
	"CREATE UNIQUE INDEX credential_key ON credential (key)"
	"  WHERE key IS NOT NULL;"
	/* a row with a mid is found by it: a delivery writes no page of its
	 * mailbox's part of this index */
	"DROP INDEX journal_mailbox;"
	"CREATE INDEX journal_mailbox ON journal (mailbox, id) WHERE mid IS NULL;"
	/* greylisting: triplets, and in rows without sender and recipient how many
	 * good ones a network had */
	"CREATE TABLE greylist ("
	"  network TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
	"  first INTEGER NOT NULL, until INTEGER NOT NULL, passed INTEGER NOT NULL,"
	"  PRIMARY KEY (network, sender, recipient)) WITHOUT ROWID;"
	"CREATE INDEX greylist_until ON greylist (until);",
};

#define VERSION (sizeof migrations / sizeof *migrations)

uint32_t schema_version(void)
{
	return VERSION;
}

static enum status pragma_number(struct tx *tx, const char *sql, int64_t *value)
{
	struct sqlite3_stmt *stmt;
	enum status st = sql_first(tx, &stmt, sql, SQL_ARGS());

	if (st)
		return st;
	*value = sql_column_signed(stmt, 0);
	sql_end(stmt);
	return ST_OK;
}

static enum status migrate_one(struct tx *tx, size_t from)
{
	char sql[64];
	enum status st;

	snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", from + 1);
	st = sql_exec(tx, "BEGIN IMMEDIATE");
	if (!st)
		st = upgrade_run(tx, migrations[from]);
	if (!st)
		st = sql_exec(tx, sql);
	if (!st)
		st = sql_exec(tx, "COMMIT");
	if (st)
		sqlite3_exec(tx->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

enum status schema_migrate(struct tx *tx)
{
	char sql[64];
	int64_t version, application;
	enum status st = pragma_number(tx, "PRAGMA user_version", &version);

	if (!st)
		st = pragma_number(tx, "PRAGMA application_id", &application);
	if (st)
		return st;
	if (version != 0 && application != SCHEMA_APPLICATION_ID)
		return tx_error(tx, ST_DENIED, "store.db is not a Postroom store");
	if (version < 0 || version > (int64_t)VERSION)
		return tx_error(tx, ST_DENIED,
				"the store was written by a newer version: its "
				"schema is %lld, this program knows %zu",
				(long long)version, VERSION);
	if (version == 0) {
		snprintf(sql, sizeof sql, "PRAGMA application_id = %d",
			 SCHEMA_APPLICATION_ID);
		st = sql_exec(tx, sql);
	} else if (version < (int64_t)VERSION) {
		st = upgrade_begin(tx, version);
	}
	for (size_t i = (size_t)version; i < VERSION && !st; i++)
		st = migrate_one(tx, i);
	return st;
}
