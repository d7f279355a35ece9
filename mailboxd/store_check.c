/* Is the store sound? SQLite's own check, then what must hold between its rows; and
 * the repair of what can be worked out from the rest. */
#include "mailboxd/store_priv.h"

/* Where a message is, for those that cannot be read. No index helps; there are few. */
#define PLACES "coalesce((SELECT group_concat(coalesce(a.name, b.owner) || ' ' ||" \
	" b.name || ' uid ' || e.uid, ', ') FROM entry e JOIN mailbox b" \
	" ON b.id = e.mailbox LEFT JOIN account a ON a.id = b.owner" \
	" WHERE e.message = m.id), 'expunged')"

#define REFERRED "(SELECT message, count(*) AS n FROM (SELECT message FROM entry" \
	" UNION ALL SELECT message FROM expunged) GROUP BY message)"

/*
 * find gives a line a finding. repair, where there is one, takes away what it finds
 * without a loss; rows of mailbox and account are not for it, the writer has them in
 * memory. The order is that of the repairs.
 */
static const struct invariant {
	const char *find, *repair;
} invariants[] = {
	/* ---- messages and their bodies */
	{ "SELECT 'message ' || m.id || ': its body has ' ||"
	  " coalesce(sum(length(b.octets)), 0) || ' of ' || m.size || ' octets ('"
	  " || " PLACES " || ')' FROM message m LEFT JOIN body b"
	  " ON b.id BETWEEN m.id << 16 AND (m.id << 16) + 65535 GROUP BY m.id"
	  " HAVING coalesce(sum(length(b.octets)), 0) <> m.size", NULL },
	{ "SELECT 'message ' || m.id || ': a piece of its body is not in its place ('"
	  " || " PLACES " || ')' FROM (SELECT id >> 16 AS id, count(*) AS n,"
	  " max(id & 65535) AS last, sum(length(octets) <> 262144) AS short FROM body"
	  " GROUP BY id >> 16) p JOIN message m ON m.id = p.id"
	  " WHERE p.n <> p.last + 1 OR p.short > 1", NULL },
	{ "SELECT 'message ' || id || ': its header has more octets than all of it'"
	  " FROM message WHERE header_size > size", NULL },
	{ "SELECT 'message ' || id || ': its number is not given out yet'"
	  " FROM message WHERE id >= (SELECT value FROM meta"
	  " WHERE key = 'message_next')", NULL },
	{ "SELECT 'message ' || message || ': it is unfinished, and whole'"
	  " FROM unfinished WHERE message IN (SELECT id FROM message)",
	  "DELETE FROM unfinished WHERE message IN (SELECT id FROM message)" },
	{ "SELECT 'body of message ' || (id >> 16) || ': there is no such message'"
	  " FROM body WHERE id >> 16 NOT IN (SELECT id FROM message)"
	  " AND id >> 16 NOT IN (SELECT message FROM unfinished) GROUP BY id >> 16",
	  "DELETE FROM body WHERE id >> 16 NOT IN (SELECT id FROM message)"
	  " AND id >> 16 NOT IN (SELECT message FROM unfinished)" },

	/* ---- who refers to them */
	{ "SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	  " ': no message ' || e.message FROM entry e LEFT JOIN message m"
	  " ON m.id = e.message WHERE m.id IS NULL", NULL },
	{ "SELECT 'mailbox ' || x.mailbox || ' uid ' || x.uid ||"
	  " ': it is kept, but there is no message ' || x.message FROM expunged x"
	  " LEFT JOIN message m ON m.id = x.message WHERE m.id IS NULL",
	  "DELETE FROM expunged WHERE message NOT IN (SELECT id FROM message)" },
	{ "SELECT 'message ' || m.id || ': ' || coalesce(r.count, 0) ||"
	  " ' references are counted, there are ' || e.n FROM " REFERRED " e"
	  " JOIN message m ON m.id = e.message"
	  " LEFT JOIN message_ref r ON r.message = m.id WHERE r.count IS NOT e.n",
	  "INSERT INTO message_ref (message, count) SELECT message, n FROM " REFERRED
	  " WHERE true ON CONFLICT (message) DO UPDATE SET count = excluded.count" },
	{ "SELECT 'message ' || r.message || ': ' || r.count ||"
	  " ' references are counted, there are 0' FROM message_ref r"
	  " LEFT JOIN " REFERRED " e ON e.message = r.message WHERE e.n IS NULL",
	  "DELETE FROM message_ref WHERE message NOT IN (SELECT message FROM entry"
	  " UNION ALL SELECT message FROM expunged)" },
	{ "SELECT 'message ' || g.message || ': it is to be removed, and referred to'"
	  " FROM garbage g JOIN " REFERRED " e ON e.message = g.message",
	  "DELETE FROM garbage WHERE message IN (SELECT message FROM entry"
	  " UNION ALL SELECT message FROM expunged)" },
	{ "SELECT 'message ' || m.id || ': nobody refers to it, and it is not to be"
	  " removed' FROM message m LEFT JOIN message_ref r ON r.message = m.id"
	  " LEFT JOIN garbage g ON g.message = m.id"
	  " WHERE r.message IS NULL AND g.message IS NULL",
	  "INSERT INTO garbage (message) SELECT id FROM message WHERE id NOT IN"
	  " (SELECT message FROM message_ref) AND id NOT IN"
	  " (SELECT message FROM garbage)" },
	{ "SELECT 'message ' || message || ': read by account ' || account ||"
	  " ', but there is no such message' FROM first_read"
	  " WHERE message NOT IN (SELECT id FROM message)",
	  "DELETE FROM first_read WHERE message NOT IN (SELECT id FROM message)" },

	/* ---- entries */
	{ "SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	  " ': its size is not that of message and recipient' FROM entry e"
	  " JOIN message m ON m.id = e.message LEFT JOIN recipient r"
	  " ON r.id = e.recipient WHERE e.size <> m.size +"
	  " coalesce(length(CAST(r.text AS BLOB)) + 16, 0)", NULL },
	{ "SELECT 'mailbox ' || mailbox || ' uid ' || uid || ': no recipient ' ||"
	  " recipient FROM entry WHERE recipient <> 0"
	  " AND recipient NOT IN (SELECT id FROM recipient)", NULL },
	{ "SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	  " ': its keywords are gone' FROM entry e LEFT JOIN keyword_set k"
	  " ON k.mailbox = e.mailbox AND k.id = e.flags >> 32"
	  " WHERE e.flags >> 32 <> 0 AND k.id IS NULL", NULL },
	{ "SELECT 'mailbox ' || mailbox || ' uid ' || uid || ': flags that do not exist'"
	  " FROM entry WHERE (flags & 4294967295) > 31 OR flags < 0", NULL },
	{ "SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	  " ': a tombstone of a message that is there' FROM vanished v"
	  " JOIN entry e ON e.mailbox = v.mailbox"
	  " AND e.uid BETWEEN v.uid_lo AND v.uid_hi", NULL },
	{ "SELECT 'mailbox ' || v.mailbox || ': a tombstone of uids ' || v.uid_lo || ' to '"
	  " || v.uid_hi || ' that were never given' FROM vanished v JOIN mailbox m"
	  " ON m.id = v.mailbox WHERE v.uid_lo > v.uid_hi OR v.uid_hi >= m.uidnext", NULL },
	{ "SELECT 'mailbox ' || v.mailbox || ': a tombstone beyond its highest modseq'"
	  " FROM vanished v JOIN mailbox m ON m.id = v.mailbox"
	  " WHERE v.modseq > m.highestmodseq", NULL },
	{ "SELECT 'mailbox ' || x.mailbox || ' uid ' || x.uid ||"
	  " ': both there and expunged' FROM expunged x JOIN entry e"
	  " ON e.mailbox = x.mailbox AND e.uid = x.uid", NULL },
	{ "SELECT 'mailbox ' || e.mailbox || ': ' || count(*) || ' messages of a mailbox"
	  " that is gone' FROM entry e WHERE e.mailbox NOT IN (SELECT id FROM mailbox)"
	  " GROUP BY e.mailbox", NULL },

	/* ---- mailboxes */
	{ "SELECT 'mailbox ' || m.id || ': its owner is gone' FROM mailbox m"
	  " LEFT JOIN account a ON a.id = m.owner WHERE a.id IS NULL", NULL },
	{ "SELECT 'account ' || a.id || ': it has no INBOX' FROM account a WHERE NOT EXISTS"
	  " (SELECT 1 FROM mailbox m WHERE m.owner = a.id AND m.name = 'INBOX')", NULL },
	{ "SELECT 'account ' || owner || ': ' || count(*) || ' mailboxes for ' ||"
	  " special_use FROM mailbox WHERE special_use <> ''"
	  " GROUP BY owner, special_use HAVING count(*) > 1", NULL },
	{ "SELECT 'mailbox ' || id || ': a UIDVALIDITY that was not given yet'"
	  " FROM mailbox WHERE uidvalidity = 0 OR uidvalidity > (SELECT value FROM meta"
	  " WHERE key = 'uidvalidity')", NULL },
	{ "SELECT 'mailbox ' || max(id) || ': a UIDVALIDITY that another has'"
	  " FROM mailbox GROUP BY uidvalidity HAVING count(*) > 1", NULL },
	{ "SELECT 'keywords ' || k.id || ' of mailbox ' || k.mailbox ||"
	  " ': there is no such mailbox' FROM keyword_set k"
	  " WHERE k.mailbox NOT IN (SELECT id FROM mailbox)"
	  " AND k.mailbox NOT IN (SELECT id FROM mailbox_gone)",
	  "DELETE FROM keyword_set WHERE mailbox NOT IN (SELECT id FROM mailbox)"
	  " AND mailbox NOT IN (SELECT id FROM mailbox_gone)" },
	{ "SELECT 'keywords ' || id || ' of mailbox ' || mailbox || ': no words'"
	  " FROM keyword_set WHERE names = '' OR id < 1", NULL },
	{ "SELECT 'mailbox ' || id || ': gone, and nothing of it is kept'"
	  " FROM mailbox_gone WHERE id NOT IN (SELECT mailbox FROM expunged)",
	  "DELETE FROM mailbox_gone WHERE id NOT IN (SELECT mailbox FROM expunged)" },
	{ "SELECT 'mailbox ' || id || ': gone, and there' FROM mailbox_gone"
	  " WHERE id IN (SELECT id FROM mailbox)", NULL },

	/* ---- accounts, and what hangs on them */
	{ "SELECT 'account ' || id || ': its domain is gone' FROM account"
	  " WHERE domain NOT IN (SELECT id FROM domain)", NULL },
	{ "SELECT 'password ' || id || ': its account is gone' FROM credential"
	  " WHERE account NOT IN (SELECT id FROM account)",
	  "DELETE FROM credential WHERE account NOT IN (SELECT id FROM account)" },
	{ "SELECT 'subscription of account ' || owner || ': it is gone' FROM subscription"
	  " WHERE owner NOT IN (SELECT id FROM account) GROUP BY owner",
	  "DELETE FROM subscription WHERE owner NOT IN (SELECT id FROM account)" },
	{ "SELECT 'alias ' || name || ': its domain is gone' FROM alias"
	  " WHERE domain NOT IN (SELECT id FROM domain)", NULL },

	/* ---- the journal */
	{ "SELECT 'journal row ' || id || ': no verb, or no time' FROM journal"
	  " WHERE verb = '' OR at <= 0", NULL },
	{ "SELECT 'journal row ' || id || ': of a mailbox that never was' FROM journal"
	  " WHERE mailbox > (SELECT seq FROM sqlite_sequence WHERE name = 'mailbox')",
	  NULL },
};
#define INVARIANTS (sizeof invariants / sizeof *invariants)

/* Counted anew: id, what is written down, what there is. */
#define RECOUNT "SELECT m.id, coalesce(e.n, 0), coalesce(e.octets, 0)," \
	" coalesce(e.unseen, 0), coalesce(e.deleted, 0)," \
	" coalesce(e.deleted_octets, 0), coalesce(e.uid, 0), coalesce(e.modseq, 0)," \
	" m.messages, m.octets, m.unseen, m.deleted, m.deleted_octets, m.uidnext," \
	" m.highestmodseq FROM mailbox m LEFT JOIN (SELECT mailbox, count(*) AS n," \
	" sum(size) AS octets, sum(flags & 1 = 0) AS unseen," \
	" sum(flags >> 3 & 1) AS deleted," \
	" sum(CASE WHEN flags & 8 THEN size ELSE 0 END) AS deleted_octets," \
	" max(uid) AS uid, max(modseq) AS modseq FROM entry GROUP BY mailbox) e" \
	" ON e.mailbox = m.id WHERE (m.messages <> coalesce(e.n, 0)" \
	" OR m.octets <> coalesce(e.octets, 0)" \
	" OR m.unseen <> coalesce(e.unseen, 0)" \
	" OR m.deleted <> coalesce(e.deleted, 0)" \
	" OR m.deleted_octets <> coalesce(e.deleted_octets, 0)" \
	" OR m.uidnext <= coalesce(e.uid, 0)" \
	" OR m.highestmodseq < coalesce(e.modseq, 0))"

#define USAGE "SELECT a.id, coalesce(m.n, 0), coalesce(m.octets, 0), a.used_messages," \
	" a.used_octets FROM account a LEFT JOIN (SELECT owner, sum(messages) AS n," \
	" sum(octets) AS octets FROM mailbox GROUP BY owner) m" \
	" ON m.owner = a.id WHERE (a.used_messages <> coalesce(m.n, 0)" \
	" OR a.used_octets <> coalesce(m.octets, 0))"

/* ---- looking -------------------------------------------------------------------------- */

static enum status run_check(struct tx *tx, const char *sql, store_note_fn *note, void *arg)
{
	struct sqlite3_stmt *row;
	struct slice text;
	enum status st = sql_query(tx, &row, sql, SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		text = sql_column_bytes(row, 0);
		if (slice_eq(text, SLICE("ok")))
			continue;
		st = note(arg, text);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status note_counters(struct tx *tx, store_note_fn *note, void *arg)
{
	static const struct { const char *name; int is, written; } counters[] = {
		{ "messages", 1, 8 }, { "octets", 2, 9 }, { "unseen", 3, 10 },
		{ "deleted", 4, 11 }, { "octets of deleted", 5, 12 },
	};
	struct sqlite3_stmt *row;
	char text[200];
	enum status st = sql_query(tx, &row, RECOUNT, SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		unsigned long long id = sql_column(row, 0);

		for (size_t i = 0; i < sizeof counters / sizeof *counters && !st; i++) {
			if (sql_column(row, counters[i].is) ==
			    sql_column(row, counters[i].written))
				continue;
			snprintf(text, sizeof text, "mailbox %llu: %llu %s are counted, "
				 "there are %llu", id,
				 (unsigned long long)sql_column(row, counters[i].written),
				 counters[i].name,
				 (unsigned long long)sql_column(row, counters[i].is));
			st = note(arg, slice_str(text));
		}
		if (!st && sql_column(row, 6) >= sql_column(row, 13)) {
			snprintf(text, sizeof text, "mailbox %llu: uid %llu is there, "
				 "uidnext is %llu", id,
				 (unsigned long long)sql_column(row, 6),
				 (unsigned long long)sql_column(row, 13));
			st = note(arg, slice_str(text));
		}
		if (!st && sql_column(row, 7) > sql_column(row, 14)) {
			snprintf(text, sizeof text, "mailbox %llu: a message has a modseq "
				 "beyond its highest", id);
			st = note(arg, slice_str(text));
		}
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status note_usage(struct tx *tx, store_note_fn *note, void *arg)
{
	struct sqlite3_stmt *row;
	char text[200];
	enum status st = sql_query(tx, &row, USAGE, SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		snprintf(text, sizeof text, "account %llu: %llu messages of %llu octets are "
			 "counted, there are %llu of %llu",
			 (unsigned long long)sql_column(row, 0),
			 (unsigned long long)sql_column(row, 3),
			 (unsigned long long)sql_column(row, 4),
			 (unsigned long long)sql_column(row, 1),
			 (unsigned long long)sql_column(row, 2));
		st = note(arg, slice_str(text));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_check_file(struct tx *tx, bool quick, store_note_fn *note, void *arg)
{
	return run_check(tx, quick ? "PRAGMA quick_check" : "PRAGMA integrity_check",
			 note, arg);
}

enum status store_check(struct tx *tx, bool quick, store_note_fn *note, void *arg)
{
	struct store *s = tx->store;
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	/* it may read for long: checkpoints do not wait for it */
	atomic_fetch_add(&s->backups, 1);
	if (!st)
		st = store_check_file(tx, quick, note, arg);
	if (!st)
		st = note_counters(tx, note, arg);
	if (!st)
		st = note_usage(tx, note, arg);
	for (size_t i = 0; i < INVARIANTS && !st; i++)
		st = run_check(tx, invariants[i].find, note, arg);
	atomic_fetch_sub(&s->backups, 1);
	return st;
}

/* ---- repairing ------------------------------------------------------------------------ */

struct recount {
	uint64_t id, values[7];
};

/* The next mailbox or account behind `after` that is counted wrong. */
static enum status next_recount(struct tx *tx, const char *sql, int values,
				uint64_t after, struct recount *r)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, sql, SQL_ARGS(sql_i(after)));

	if (st)
		return st;
	r->id = sql_column(row, 0);
	for (int i = 0; i < values; i++)
		r->values[i] = sql_column(row, i + 1);
	sql_end(row);
	return ST_OK;
}

static enum status recount_mailbox(struct tx *tx, const struct recount *r)
{
	struct hot *hot;
	struct mailbox_state *m;
	enum status st = hot_get(tx, HOT_MAILBOX, r->id, &hot);

	if (!st)
		st = hot_touch(tx, hot);
	if (st)
		return st;
	m = &hot->now.mailbox;
	m->messages = (uint32_t)r->values[0];
	m->octets = r->values[1];
	m->unseen = (uint32_t)r->values[2];
	m->deleted = (uint32_t)r->values[3];
	m->deleted_octets = r->values[4];
	if (m->uidnext <= r->values[5])
		m->uidnext = (uint32_t)r->values[5] + 1;
	if (m->highestmodseq < r->values[6])
		m->highestmodseq = r->values[6];
	return ST_OK;
}

static enum status recount_account(struct tx *tx, const struct recount *r)
{
	struct hot *hot;
	enum status st = hot_get(tx, HOT_ACCOUNT, r->id, &hot);

	if (!st)
		st = hot_touch(tx, hot);
	if (st)
		return st;
	hot->now.account.used_messages = r->values[0];
	hot->now.account.used_octets = r->values[1];
	return ST_OK;
}

static enum status recount_all(struct tx *tx, const char *sql, int values,
			       enum status (*apply)(struct tx *tx,
						    const struct recount *r),
			       uint64_t *repaired)
{
	struct recount r = { .id = 0 };
	enum status st;

	while (!(st = next_recount(tx, sql, values, r.id, &r))) {
		++*repaired;
		st = apply(tx, &r);
		if (st)
			return st;
	}
	return st == ST_NOT_FOUND ? hot_flush(tx) : st;
}

static enum status count_line(void *arg, struct slice text)
{
	(void)text;
	++*(uint64_t *)arg;
	return ST_OK;
}

enum status store_repair(struct tx *tx, uint64_t *repaired)
{
	enum status st = hot_flush(tx);

	*repaired = 0;
	for (size_t i = 0; i < INVARIANTS && !st; i++) {
		uint64_t found = 0;

		if (!invariants[i].repair)
			continue;
		st = run_check(tx, invariants[i].find, count_line, &found);
		if (!st && found)
			st = sql_run(tx, invariants[i].repair, SQL_ARGS());
		*repaired += found;
	}
	if (!st)
		st = recount_all(tx, RECOUNT " AND m.id > ?1 ORDER BY m.id LIMIT 1", 7,
				 recount_mailbox, repaired);
	if (!st)
		st = recount_all(tx, USAGE " AND a.id > ?1 ORDER BY a.id LIMIT 1", 2,
				 recount_account, repaired);
	return st;
}
