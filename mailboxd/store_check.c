/* Is the store sound? */
#include "mailboxd/store_priv.h"

/* Each gives a line a finding. */
static const char *const invariants[] = {
	"SELECT 'mailbox ' || m.id || ': counters differ from its messages'"
	" FROM mailbox m LEFT JOIN (SELECT mailbox, count(*) AS n,"
	" sum(size) AS octets, sum(flags & 1 = 0) AS unseen,"
	" sum(flags >> 3 & 1) AS deleted,"
	" sum(CASE WHEN flags & 8 THEN size ELSE 0 END) AS deleted_octets,"
	" max(uid) AS uid, max(modseq) AS modseq FROM entry GROUP BY mailbox) e"
	" ON e.mailbox = m.id WHERE m.messages <> coalesce(e.n, 0)"
	" OR m.octets <> coalesce(e.octets, 0)"
	" OR m.unseen <> coalesce(e.unseen, 0)"
	" OR m.deleted <> coalesce(e.deleted, 0)"
	" OR m.deleted_octets <> coalesce(e.deleted_octets, 0)"
	" OR m.uidnext <= coalesce(e.uid, 0)"
	" OR m.highestmodseq < coalesce(e.modseq, 0)",

	"SELECT 'account ' || a.id || ': usage differs from its mailboxes'"
	" FROM account a LEFT JOIN (SELECT owner, sum(messages) AS n,"
	" sum(octets) AS octets FROM mailbox GROUP BY owner) m"
	" ON m.owner = a.id WHERE a.used_messages <> coalesce(m.n, 0)"
	" OR a.used_octets <> coalesce(m.octets, 0)",

	"SELECT 'message ' || r.message || ': ' || r.count || ' references, ' ||"
	" coalesce(e.n, 0) || ' entries' FROM message_ref r LEFT JOIN"
	" (SELECT message, count(*) AS n FROM (SELECT message FROM entry"
	" UNION ALL SELECT message FROM expunged) GROUP BY message) e"
	" ON e.message = r.message WHERE r.count <> coalesce(e.n, 0)",

	"SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	" ': no message ' || e.message FROM entry e LEFT JOIN message m"
	" ON m.id = e.message WHERE m.id IS NULL",

	"SELECT 'message ' || m.id || ': no reference' FROM message m"
	" LEFT JOIN message_ref r ON r.message = m.id"
	" LEFT JOIN garbage g ON g.message = m.id"
	" WHERE r.message IS NULL AND g.message IS NULL",

	"SELECT 'message ' || m.id || ': its body has ' ||"
	" coalesce(sum(length(b.octets)), 0) || ' of ' || m.size || ' octets'"
	" FROM message m LEFT JOIN body b"
	" ON b.id BETWEEN m.id << 16 AND (m.id << 16) + 65535 GROUP BY m.id"
	" HAVING coalesce(sum(length(b.octets)), 0) <> m.size",

	"SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	" ': a tombstone of a message that is there' FROM vanished v"
	" JOIN entry e ON e.mailbox = v.mailbox"
	" AND e.uid BETWEEN v.uid_lo AND v.uid_hi",

	("SELECT 'mailbox ' || m.id || ': its owner is gone' FROM mailbox m"
	 " LEFT JOIN account a ON a.id = m.owner WHERE a.id IS NULL"),
};

static enum status run_check(struct tx *tx, const char *sql, bool is_pragma,
			     enum status (*note)(void *arg, struct slice text),
			     void *arg)
{
	struct sqlite3_stmt *row;
	struct slice text;
	enum status st = sql_query(tx, &row, sql, SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		text = sql_column_bytes(row, 0);
		if (is_pragma && slice_eq(text, SLICE("ok")))
			continue;
		st = note(arg, text);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_check(struct tx *tx, bool quick,
			enum status (*note)(void *arg, struct slice text),
			void *arg)
{
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = run_check(tx, quick ? "PRAGMA quick_check" :
			       "PRAGMA integrity_check", true, note, arg);
	for (size_t i = 0; i < sizeof invariants / sizeof *invariants && !st;
	     i++)
		st = run_check(tx, invariants[i], false, note, arg);
	return st;
}
