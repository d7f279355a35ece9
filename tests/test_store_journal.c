/* What the journal says of a message, of a session, and of refused mail. */
#include "common/id.h"
#include "mailboxd/prepare.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static struct temp_store t;

TestSuite(store_journal, .timeout = 120);

#define MAIL "From: a@b\r\nMessage-ID: <one@b>\r\nSubject: x\r\n\r\nBody.\r\n"
#define SID "s06h0p5uvn9s6p4dhfjgd"

/* ---- what happens ------------------------------------------------------------------ */

static void act(const char *sid, const char *service)
{
	const struct store_actor who = {
		.account = t.ann, .sid = slice_str(sid),
		.service = slice_str(service), .client = SLICE("192.0.2.9"),
	};

	temp_begin(&t);
	store_act_as(t.write, &who);
}

static struct id deliver_to(uint64_t one, uint64_t two)
{
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
	struct store_delivery d[2] = {
		{ .mailbox = one, .recipient = SLICE("ann@example.test") },
		{ .mailbox = two, .recipient = SLICE("bob@example.test") },
	};
	struct id mid = id_make(ID_MESSAGE);
	struct store_message m;

	temp_message(&t, &m, SLICE(MAIL), &record);
	m.mid = id_slice(&mid);
	m.sid = SLICE(SID);
	m.helo = SLICE("mail of\tx");
	m.login = SLICE("bob@example.test");
	m.tls = SLICE("TLSv1.3 TLS_X");
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_deliver(t.write, &m, d, two ? 2 : 1)),
		     ST_OK);
	buf_free(&record);
	return mid;
}

static void set_flags(const char *uids, enum ipc_store_mode mode, uint32_t flags,
		      const char *keywords)
{
	struct ranges set;
	struct store_flag_change c = {
		.mailbox = t.inbox, .uids = &set, .mode = mode, .flags = flags,
		.keywords = slice_str(keywords), .unchanged_since = UINT64_MAX,
	};

	temp_ranges(&set, uids);
	act(SID, "imap");
	cr_assert_eq(temp_end(&t, store_flags(t.write, &c)), ST_OK);
	ranges_free(&set);
}

static void copy(uint64_t from, const char *uids, uint64_t to, bool is_move)
{
	struct ranges set, source = RANGES_INIT(RANGES_MAX),
		      target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = from, .to = to, .uids = &set,
				.is_move = is_move, .source = &source,
				.target = &target };

	temp_ranges(&set, uids);
	act(SID, "imap");
	cr_assert_eq(temp_end(&t, store_copy(t.write, &c)), ST_OK);
	ranges_free(&set);
	ranges_free(&source);
	ranges_free(&target);
}

static void expunge(uint64_t mailbox, const char *uids)
{
	struct ranges set, gone = RANGES_INIT(RANGES_MAX);
	uint64_t modseq;

	temp_ranges(&set, uids);
	act(SID, "imap");
	cr_assert_eq(temp_end(&t, store_expunge(t.write, mailbox, &set, true,
						&gone, &modseq)), ST_OK);
	ranges_free(&set);
	ranges_free(&gone);
}

static enum status came_back(void *arg, struct slice mailbox,
			     const struct ranges *uids)
{
	return ST_OK;
}

static void undelete(void)
{
	struct store_undelete u = { .query = { .account = t.ann,
					       .mailbox = SLICE_EMPTY },
				    .into = SLICE_EMPTY };

	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_undelete(t.write, &u, came_back, NULL)),
		     ST_OK);
}

static void sent(const char *uids)
{
	struct ranges set;

	temp_ranges(&set, uids);
	act("s06h0p5uvn9s6p4dhfjge", "pop3");
	cr_assert_eq(temp_end(&t, store_sent(t.write, t.inbox, &set)), ST_OK);
	ranges_free(&set);
}

/* ---- what is told -------------------------------------------------------------------- */

struct told {
	char text[8192];
	size_t len, rows;
};

static enum status note(void *arg, const struct store_journal_row *r)
{
	struct told *told = arg;

	told->rows++;
	if (told->len > sizeof told->text / 2)
		return ST_OK;
	told->len += (size_t)snprintf(told->text + told->len,
		sizeof told->text - told->len, "%.*s %llu %.*s|%.*s\n",
		SLICE_ARG(r->verb), (unsigned long long)r->mailbox,
		SLICE_ARG(r->uids), SLICE_ARG(r->detail));
	return ST_OK;
}

static void life_of(const struct id *mid, struct told *told)
{
	struct store_life life = { .mid = id_slice(mid) };
	enum status st = ST_MORE;

	*told = (struct told){ .len = 0 };
	while (st == ST_MORE) {
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		st = store_life(t.read, &life, note, told);
		store_commit(t.read);
	}
	cr_expect_eq(st, ST_OK);
	store_life_clear(&life);
}

static void expect_life(const struct id *mid, const char *text)
{
	struct told told;

	life_of(mid, &told);
	cr_expect_str_eq(told.text, text);
}

Test(store_journal, life_of_a_message)
{
	struct id mid, other;
	uint64_t archive, junk, bob;
	char text[2048];

	temp_store_open(&t, NULL);
	archive = temp_mailbox(&t, "Archive");
	junk = temp_mailbox(&t, "Junk");
	{
		struct store_mailbox m;

		temp_begin(&t);
		temp_end(&t, store_mailbox_find(t.write, t.bob, SLICE("INBOX"), &m));
		bob = m.id;
	}
	other = deliver_to(t.inbox, 0);		/* uid 1 */
	mid = deliver_to(t.inbox, bob);		/* uid 2 */
	set_flags("1:2", IPC_STORE_ADD, FLAG_SEEN | FLAG_FLAGGED, "$x");
	set_flags("1", IPC_STORE_REMOVE, FLAG_SEEN, "");
	sent("1:2");
	sent("1:2");				/* once a message and account */
	copy(t.inbox, "1:2", archive, false);	/* 1, 2 there */
	copy(archive, "2", junk, true);		/* 1 in Junk */
	copy(archive, "1", junk, true);		/* 2 in Junk: the other */
	expunge(t.inbox, "1:2");
	expunge(junk, "1");
	undelete();
	snprintf(text, sizeof text,
		"deliver %llu 2|octets=53 from=<x@example.net> client=192.0.2.1"
		" helo=mail_of_x login=bob@example.test tls=TLSv1.3_TLS_X"
		" to=ann@example.test\n"
		"deliver %llu 1|octets=53 from=<x@example.net>"
		" to=bob@example.test\n"
		"flags %llu 2|+\\Flagged,\\Seen,$x\n"
		"read %llu 2|\n"
		"copy %llu 2|to=%llu uids=2\n"
		"move %llu 2|to=%llu uids=1\n"
		"expunge %llu 2|\n"
		"expunge %llu 1|\n"
		"undelete %llu 2|to=%llu uids=4\n"
		"undelete %llu 1|to=%llu uids=3\n",
		(unsigned long long)t.inbox, (unsigned long long)bob,
		(unsigned long long)t.inbox, (unsigned long long)t.inbox,
		(unsigned long long)t.inbox, (unsigned long long)archive,
		(unsigned long long)archive, (unsigned long long)junk,
		(unsigned long long)t.inbox, (unsigned long long)junk,
		(unsigned long long)t.inbox, (unsigned long long)t.inbox,
		(unsigned long long)junk, (unsigned long long)junk);
	expect_life(&mid, text);
	{
		struct told told;

		life_of(&other, &told);
		cr_expect_eq(told.rows, 8u, "%s", told.text);
	}
	temp_store_close(&t);
}

Test(store_journal, a_list_that_was_cut_names_perhaps)
{
	struct id first, last;
	struct told told;

	temp_store_open(&t, NULL);
	first = deliver_to(t.inbox, 0);
	for (int i = 2; i < 2400; i++)
		temp_mail(&t, "x");
	last = deliver_to(t.inbox, 0);
	{
		/* every second one: the list is longer than what is kept */
		struct ranges odd = RANGES_INIT(RANGES_MAX);
		struct store_flag_change c = {
			.mailbox = t.inbox, .uids = &odd, .mode = IPC_STORE_ADD,
			.flags = FLAG_SEEN, .keywords = SLICE_EMPTY,
			.unchanged_since = UINT64_MAX,
		};

		for (uint32_t uid = 2; uid <= 2400; uid += 2)
			ranges_add(&odd, uid, uid);
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_flags(t.write, &c)), ST_OK);
		ranges_free(&odd);
	}
	life_of(&first, &told);
	cr_expect_eq(told.rows, 1u, "%s", told.text);
	life_of(&last, &told);
	cr_expect_eq(told.rows, 2u, "%s", told.text);
	cr_expect(strstr(told.text, "2400?|+\\Seen") != NULL, "%s", told.text);
	temp_store_close(&t);
}

/* ---- sessions -------------------------------------------------------------------------- */

static enum status find_session(const char *sid, char text[64])
{
	struct slice service, client;
	enum status st;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_session_find(t.read, slice_str(sid), &service, &client);
	if (st == ST_OK)
		snprintf(text, 64, "%.*s %.*s", SLICE_ARG(service),
			 SLICE_ARG(client));
	store_commit(t.read);
	return st;
}

Test(store_journal, sessions_are_written_with_their_first_row)
{
	static const struct store_journal_row row = {
		.verb = { "test", 4 }, .mid = { "", 0 }, .sid = { "", 0 },
		.uids = { "", 0 }, .detail = { "", 0 },
	};
	char text[64];

	temp_store_open(&t, NULL);
	temp_mail(&t, "x");
	cr_expect_eq(find_session(SID, text), ST_NOT_FOUND);
	/* what is undone is written when it comes again */
	act(SID, "imap");
	cr_expect_eq(store_savepoint(t.write), ST_OK);
	cr_expect_eq(store_journal_add(t.write, &row), ST_OK);
	store_undo(t.write);
	cr_expect_eq(temp_end(&t, ST_OK), ST_OK);
	cr_expect_eq(find_session(SID, text), ST_NOT_FOUND);
	act(SID, "imap");
	cr_expect_eq(store_journal_add(t.write, &row), ST_OK);
	cr_expect_eq(temp_end(&t, ST_DENIED), ST_DENIED);
	cr_expect_eq(find_session(SID, text), ST_NOT_FOUND);
	set_flags("1", IPC_STORE_ADD, FLAG_SEEN, "");
	set_flags("1", IPC_STORE_REMOVE, FLAG_SEEN, "");
	cr_assert_eq(find_session(SID, text), ST_OK);
	cr_expect_str_eq(text, "imap 192.0.2.9");
	/* the system has no session */
	act("", "");
	cr_expect_eq(temp_end(&t, store_journal_add(t.write, &row)), ST_OK);
	cr_expect_eq(find_session("", text), ST_NOT_FOUND);
	temp_store_close(&t);
}

/* ---- refusals -------------------------------------------------------------------------- */

static enum status refuse(const char *sender, const char *recipient, uint64_t count)
{
	const struct store_refusal r = {
		.at_ms = 1700000000000, .count = count, .sid = SLICE(SID),
		.client = SLICE("192.0.2.1"), .helo = SLICE("x"),
		.login = SLICE_EMPTY, .sender = slice_str(sender),
		.recipient = slice_str(recipient), .code = 550,
		.reason = SLICE("5.1.1 No such mailbox"),
	};

	return store_refusal_add(t.write, &r);
}

static enum status note_refusal(void *arg, const struct store_refusal *r)
{
	struct told *told = arg;

	told->rows++;
	if (told->len < sizeof told->text / 2)
		told->len += (size_t)snprintf(told->text + told->len,
			sizeof told->text - told->len, "%.*s>%.*s %llu %u %.*s;",
			SLICE_ARG(r->sender), SLICE_ARG(r->recipient),
			(unsigned long long)r->count, r->code,
			SLICE_ARG(r->client));
	return ST_OK;
}

static size_t list_refusals(const char *address, const char *text)
{
	struct told told = { .len = 0 };

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_refusal_list(t.read, slice_str(address), 0, INT64_MAX,
					note_refusal, &told), ST_OK);
	store_commit(t.read);
	if (text)
		cr_expect_str_eq(told.text, text, "%s", address);
	return told.rows;
}

Test(store_journal, refusals_are_found_by_either_address)
{
	uint64_t before, after;

	temp_store_open(&t, NULL);
	temp_begin(&t);
	cr_expect_eq(store_journal_last(t.write, &before), ST_OK);
	cr_expect_eq(refuse("x@example.net", "Nobody@Example.TEST", 1), ST_OK);
	cr_expect_eq(refuse("", "b\xc3\xa4r@example.test", 1), ST_OK);
	cr_expect_eq(refuse("not an address", "", 1), ST_OK);
	cr_expect_eq(store_journal_last(t.write, &after), ST_OK);
	temp_end(&t, ST_OK);
	cr_expect_eq(after, before + 3);
	list_refusals("nobody@example.test",
		      "x@example.net>Nobody@Example.TEST 1 550 192.0.2.1;");
	list_refusals("x@EXAMPLE.net",
		      "x@example.net>Nobody@Example.TEST 1 550 192.0.2.1;");
	list_refusals("B\xc3\x84R@example.test",
		      ">b\xc3\xa4r@example.test 1 550 192.0.2.1;");
	list_refusals("not an address", "not an address> 1 550 192.0.2.1;");
	list_refusals("", "");
	/* ids go on after a restart, whichever table had the last */
	temp_store_reopen(&t, true);
	temp_begin(&t);
	cr_expect_eq(refuse("x@example.net", "", 1), ST_OK);
	cr_expect_eq(store_journal_last(t.write, &before), ST_OK);
	temp_end(&t, ST_OK);
	cr_expect_eq(before, after + 1);
	temp_store_close(&t);
}

Test(store_journal, refusals_are_bounded)
{
	temp_store_open(&t, &(struct store_options){ .ephemeral = true });
	temp_begin(&t);
	cr_expect_eq(refuse("first@example.net", "", 1), ST_OK);
	for (unsigned i = 1; i < STORE_REFUSALS_MAX; i++)
		cr_assert_eq(refuse("x@example.net", "", 1), ST_OK);
	cr_expect_eq(list_refusals("first@example.net", NULL), 0u);
	temp_end(&t, ST_OK);
	cr_expect_eq(list_refusals("first@example.net", NULL), 1u);
	temp_begin(&t);
	cr_expect_eq(refuse("last@example.net", "", 7), ST_OK);
	temp_end(&t, ST_OK);
	cr_expect_eq(list_refusals("first@example.net", NULL), 0u);
	cr_expect_eq(list_refusals("last@example.net", NULL), 1u);
	cr_expect_eq(list_refusals("x@example.net", NULL),
		     STORE_REFUSALS_MAX - 1);
	temp_store_close(&t);
}

/* ---- pruning --------------------------------------------------------------------------- */

static void prune(int64_t now)
{
	bool more = true;

	while (more) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_prune(t.write, now, &more)), ST_OK);
	}
}

static size_t journal_rows(void)
{
	struct told told = { .len = 0 };
	struct store_journal_query q = { .mid = SLICE_EMPTY, .limit = 100000 };

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_journal_list(t.read, &q, note, &told), ST_OK);
	store_commit(t.read);
	return told.rows;
}

Test(store_journal, is_pruned_by_age)
{
	static const struct store_options options = { .keep_journal = 3600 };
	char text[64];

	temp_store_open(&t, &options);
	temp_mail(&t, "x");
	set_flags("1", IPC_STORE_ADD, FLAG_SEEN, "");
	temp_begin(&t);
	cr_expect_eq(refuse("x@example.net", "", 1), ST_OK);
	cr_expect_eq(temp_end(&t, ST_OK), ST_OK);
	/* it says it is of 2023 */
	prune((int64_t)time(NULL));
	cr_expect_eq(list_refusals("x@example.net", NULL), 1u,
		     "the last id is kept");
	set_flags("1", IPC_STORE_REMOVE, FLAG_SEEN, "");
	prune((int64_t)time(NULL));
	cr_expect_eq(list_refusals("x@example.net", NULL), 0u);
	cr_expect_gt(journal_rows(), 1u);
	cr_expect_eq(find_session(SID, text), ST_OK);
	prune((int64_t)time(NULL) + 5000);
	cr_expect_eq(journal_rows(), 1u);
	cr_expect_eq(find_session(SID, text), ST_OK);
	prune((int64_t)time(NULL) + 10000);
	cr_expect_eq(find_session(SID, text), ST_NOT_FOUND);
	temp_store_close(&t);
}
