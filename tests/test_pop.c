#include "popd/session_priv.h"
#include "tests/dialogue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

struct context {
	struct pop_settings settings;
	struct pop_listener listener;
};

static bool is_yes(const struct dialogue *d, const char *name)
{
	return strcmp(dialogue_setting(d, name, "no"), "yes") == 0;
}

static struct engine *start(const struct dialogue *d,
			    const struct peer_info *peer, void **context)
{
	struct context *c = calloc(1, sizeof *c);

	*context = c;
	cr_assert(c);
	c->settings = (struct pop_settings)POP_SETTINGS_INIT;
	snprintf(c->settings.hostname, sizeof c->settings.hostname, "mail.example.org");
	c->settings.exclusive = is_yes(d, "exclusive");
	c->settings.errors_end = (unsigned)dialogue_number(d, "errors_end", 20);
	c->listener.has_stls = is_yes(d, "stls");
	c->listener.tls_required = is_yes(d, "tls_required");
	c->listener.teach = is_yes(d, "teach");
	c->listener.xclient = is_yes(d, "xclient");
	c->settings.has_apop = is_yes(d, "apop");
	return pop_session_new(&c->settings, &c->listener, peer);
}

static const struct dialogue_protocol pop = { start, free };

Test(pop, dialogues, .timeout = 120)
{
	dialogue_play_folder("pop", &pop);
}

Test(pop, moves)
{
	cr_expect(pop_state_may(POP_STATE_AUTHORIZATION, POP_STATE_LOGIN));
	cr_expect(!pop_state_may(POP_STATE_AUTHORIZATION, POP_STATE_TRANSACTION));
	cr_expect(!pop_state_may(POP_STATE_TRANSACTION, POP_STATE_AUTHORIZATION));
	for (unsigned s = 0; s < POP_STATE_COUNT; s++)
		cr_expect(pop_state_may(s, POP_STATE_CLOSED), "state %u cannot end", s);
}

static struct slice encode(struct buf *rows, uint32_t uid, uint64_t size,
			   uint64_t emailid, const char *uidl)
{
	struct fetch_row row = {
		.uid = uid, .size = size, .emailid = emailid,
		.uidl = slice_str(uidl),
	};

	cr_assert_eq(fetch_row_encode(rows, MAILDROP_ITEMS, &row), ST_OK);
	return buf_slice(rows);
}

Test(maildrop, rows_cut_anywhere)
{
	struct buf rows = BUF_INIT(4096);

	encode(&rows, 3, 100, 7, "");
	encode(&rows, 4, 200, 8, "imported-id");
	encode(&rows, 9, 300, 9, "not an id: it has spaces");
	for (size_t cut = 0; cut <= rows.len; cut++) {
		struct maildrop m = MAILDROP_INIT;
		struct buf id = BUF_INIT(128);

		cr_assert_eq(maildrop_feed(&m, MAILDROP_ITEMS,
					   slice_head(buf_slice(&rows), cut)), ST_OK);
		cr_assert_eq(maildrop_feed(&m, MAILDROP_ITEMS,
					   slice_from(buf_slice(&rows), cut)), ST_OK);
		cr_expect_eq(m.count, 3, "cut at %zu", cut);
		cr_expect_eq(m.octets, 600);
		maildrop_uidl(&m, &m.messages[1], &id);
		cr_expect(slice_eq(buf_slice(&id), SLICE("imported-id")));
		id.len = 0;
		maildrop_uidl(&m, &m.messages[2], &id);
		cr_expect_eq(id.len, ID_NUMBER_OCTETS);
		buf_free(&id);
		maildrop_clear(&m);
	}
	buf_free(&rows);
}

Test(maildrop, deletes_and_resets)
{
	struct maildrop m = MAILDROP_INIT;
	struct buf rows = BUF_INIT(4096);

	encode(&rows, 1, 10, 1, "");
	cr_assert_eq(maildrop_feed(&m, MAILDROP_ITEMS, encode(&rows, 2, 20, 2, "")), ST_OK);
	cr_expect_null(maildrop_find(&m, 0));
	cr_expect_null(maildrop_find(&m, 3));
	cr_expect_null(maildrop_find(&m, 4294967297ull));
	maildrop_delete(&m, maildrop_find(&m, 1));
	cr_expect_null(maildrop_find(&m, 1));
	cr_expect_eq(m.octets, 20);
	cr_expect_eq(m.deleted, 1);
	maildrop_reset(&m);
	cr_expect_eq(m.octets, 30);
	cr_expect_not_null(maildrop_find(&m, 1));
	/* UIDs that do not ascend are not mailboxd's */
	cr_expect_eq(maildrop_feed(&m, MAILDROP_ITEMS, buf_slice(&rows)), ST_SYNTAX);
	buf_free(&rows);
	maildrop_clear(&m);
}

Test(pop, pipelined_retrs_are_one_question)
{
	/* whole input at once: the first two go together, the third does not
	 * ascend */
	static const char text[] =
		"set pipelined no\n"
		"set secure yes\n"
		"S: +OK mail.example.org POP3 ready\n"
		"C: USER joe\n"
		"S: +OK Now the password\n"
		"C: PASS x\n"
		"R: auth service=pop3 response=\"\\0joe\\0x\"\n"
		"A: auth_ok account=1 login=joe@example.org last\n"
		"R: open name=INBOX exclusive=0\n"
		"A: opened handle=5 uidnext=9 last\n"
		"R: fetch handle=5 uids={1:8}\n"
		"A: rows [uid=4 size=4 emailid=1 uidl=\"\"] [uid=7 size=4 emailid=2 uidl=\"\"]\n"
		"A: done last\n"
		"S: +OK 2 messages, 8 octets\n"
		"---\n"
		"C: RETR 1\n"
		"R: fetch handle=5 uids={4}\n"
		"A: rows [uid=4 octets=\"a\\r\\n.\" total=5]\n"
		"A: body uid=4 octets=\"b\"\n"
		"A: done last\n"
		"S: +OK 5 octets\nS: a\nS: ..b\nS: .\n"
		"R: sent handle=5 uids={4}\n";
	const char *wrong = dialogue_play_text(text, &pop);

	cr_expect_null(wrong, "%s", wrong);
}

Test(pop, gathers_ascending_retrs)
{
	struct pop_session s = { 0 };
	struct pop_message messages[] = {
		{ .uid = 4 }, { .uid = 7 }, { .uid = 9, .is_deleted = true }, { .uid = 11 },
	};
	static const struct {
		const char *in;
		unsigned count;
		size_t taken;
	} rows[] = {
		{ "RETR 2\r\nRETR 4\r\n",	3, 16 },
		{ "retr 2\r\nNOOP\r\n",		2, 8 },
		{ "RETR 1\r\n",			1, 0 },	/* not ascending */
		{ "RETR 3\r\n",			1, 0 },	/* deleted */
		{ "RETR 2",			1, 0 },	/* not whole */
		{ "RETR 4294967298\r\n",	1, 0 },
		{ "RETR x\r\n",			1, 0 },
	};

	s.maildrop.messages = messages;
	s.maildrop.count = 4;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		s.retrieval.uids[0] = 4;
		s.retrieval.count = 1;
		cr_expect_eq(pop_retr_gather(&s, slice_str(rows[i].in)), rows[i].taken,
			     "%s", rows[i].in);
		cr_expect_eq(s.retrieval.count, rows[i].count, "%s", rows[i].in);
	}
}
