#include "common/search_program.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

TestSuite(store_search, .timeout = 120);

/* A program in words, last word last done: "FLAG 1 TEXT foo AND 2". A text ends
 * at the next space; '_' stands for a space in it. */
static const struct {
	const char *name;
	enum search_op op;
	const char *args;
} words[] = {
#define ROW(code, NAME, args) { #NAME, SEARCH_OP_##NAME, args },
	SEARCH_OPS(ROW)
#undef ROW
};

static void fill_text(char *at, struct slice in)
{
	for (size_t i = 0; i < in.len; i++)
		at[i] = in.data[i] == '_' ? ' ' : in.data[i];
}

static void compile(const char *text, struct buf *out)
{
	struct slice rest = slice_str(text), word, arg;
	char texts[2][64];
	struct ranges set;
	struct buf encoded = BUF_INIT(1000);
	unsigned long long n;

	while (rest.len && slice_split(&rest, ' ', &word)) {
		struct search_step s = { 0 };
		size_t i = 0, nth = 0;
		char uids[64] = "";

		while (!slice_eq(word, slice_str(words[i].name)))
			cr_assert_lt(++i, sizeof words / sizeof *words, "%.*s",
				     SLICE_ARG(word));
		s.op = words[i].op;
		for (const char *a = words[i].args; *a; a++) {
			cr_assert(slice_split(&rest, ' ', &arg));
			if (*a == 't') {
				fill_text(texts[nth], arg);
				*(nth ? &s.value : &s.text) =
					slice_of(texts[nth], arg.len);
				nth++;
			} else if (*a == 's') {
				memcpy(uids, arg.data, arg.len);
				temp_ranges(&set, uids);
				encoded.len = 0;
				ranges_encode(&set, &encoded);
				ranges_free(&set);
				s.text = buf_slice(&encoded);
			} else {
				cr_assert(slice_number(arg, UINT64_MAX, &n));
				s.number = n;
				s.day = (int64_t)n;
			}
		}
		cr_assert_eq(search_program_append(out, &s), ST_OK);
	}
	cr_assert_eq(search_program_check(buf_slice(out)), ST_OK, "%s", text);
	buf_free(&encoded);
}

static const char *search_once(const char *text, unsigned slice_ms)
{
	struct buf program = BUF_INIT(1000);
	struct ranges found = RANGES_INIT(1000);
	struct store_search s = { .mailbox = t.inbox, .now = 1700000100,
				  .found = &found };
	const char *result;
	enum status st;

	compile(text, &program);
	s.program = buf_slice(&program);
	do {
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		st = store_search(t.read, &s, slice_ms);
		store_commit(t.read);
	} while (st == ST_MORE);
	cr_assert_eq(st, ST_OK, "%s: %s %s", text, status_name(st),
		     store_error(t.read)->text);
	result = temp_ranges_text(&found);
	ranges_free(&found);
	buf_free(&program);
	return result;
}

/* With the mailbox in memory and by rows alone. */
static const char *search(const char *text, unsigned slice_ms)
{
	char by_rows[256];

	store_keep_arrays(t.store, 0);
	snprintf(by_rows, sizeof by_rows, "%s", search_once(text, slice_ms));
	store_keep_arrays(t.store, (size_t)1 << 20);
	cr_expect_str_eq(search_once(text, slice_ms), by_rows, "%s", text);
	return search_once(text, slice_ms);
}

static const char *const mails[] = {
	/* 1 */ "From: Ann <ann@example.test>\r\nSubject: Hello World\r\n"
	"Date: Tue, 14 Nov 2023 23:30:00 -0800\r\n\r\nFirst text.\r\n",
	/* 2 */ "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\r\n"
	"Date: Wed, 15 Nov 2023 00:30:00 +0100\r\n"
	"Content-Type: text/plain; charset=iso-8859-1\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"Stra=DFe und =C4pfel\r\n",
	/* 3 */ "Subject: attachment\r\nMIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\n"
	"VGhlIHNlY3JldCBpbnNpZGUu\r\n--x\r\n"
	"Content-Type: application/octet-stream\r\n\r\nbinary needle\r\n"
	"--x--\r\n",
	/* 4 */ "X-Empty:\r\n\r\nhello again\r\n",
};

static const struct {
	const char *program, *found;
} rows[] = {
	{ "ALL", "1:4" },
	{ "NONE", "" },
	{ "ALL NOT", "" },
	{ "UID 2:3,9", "2:3" },
	{ "UID 2:4 UID 3:9 AND 2", "3:4" },
	{ "UID 1 UID 4 OR 2", "1,4" },
	{ "UID 1 NOT UID 2 NOT AND 2", "3:4" },
	{ "FLAG 1", "2" },
	{ "FLAG 1 NOT", "1,3:4" },
	{ "KEYWORD $WORK", "3" },
	{ "KEYWORD absent", "" },
	{ "KEYWORD $work NOT FLAG 1 NOT AND 2", "1,4" },
	{ "LARGER 250", "3" },
	{ "SMALLER 250", "1:2,4" },
	{ "HEADER subject world", "1" },
	{ "HEADER Subject WORLD", "1" },
	{ "HEADER subject k\xc3\x96ln", "2" },
	{ "HEADER subject gr\xc3\xbc\xc3\x9f" "e_aus", "2" },
	{ "HEADER x-empty ", "4" },
	{ "HEADER x-absent ", "" },
	{ "HEADER delivered-to ann@", "1:4" },
	{ "BODY hello", "4" },
	{ "TEXT hello", "1,4" },
	{ "BODY \xc3\xa4pfel", "2" },
	{ "BODY secret_inside", "3" },
	{ "BODY needle", "" },
	{ "TEXT hello NOT", "2:3" },
	{ "TEXT hello HEADER subject world AND 2", "1" },
	{ "BODY again TEXT first OR 2 UID 1:3 AND 2", "1" },
	{ "SENTON 19675", "1" },	/* 14 Nov 2023, as written */
	{ "SENTON 19676", "2" },
	{ "SENTBEFORE 19676", "1" },
	{ "SENTSINCE 19676", "2" },
	{ "ON 19675", "1:4" },
	{ "BEFORE 19675", "" },
	{ "SINCE 19675", "1:4" },
	{ "OLDER 100", "1:4" },
	{ "OLDER 101", "" },
	{ "YOUNGER 100", "1:4" },
	{ "YOUNGER 99", "" },
	{ "EMAILID 2", "2" },
	{ "SAVEDSINCE 19000", "1:4" },
	{ "SAVEDBEFORE 19000", "" },
};

static void make_mails(void)
{
	struct ranges uids;
	struct store_flag_change c = { .uids = &uids, .mode = IPC_STORE_ADD,
				       .unchanged_since = UINT64_MAX };

	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
		temp_deliver(&t, t.inbox, slice_str(mails[i]));
	c.mailbox = t.inbox;
	temp_ranges(&uids, "2");
	c.flags = FLAG_SEEN;
	c.keywords = SLICE_EMPTY;
	temp_begin(&t);
	temp_end(&t, store_flags(t.write, &c));
	ranges_free(&uids);
	temp_ranges(&uids, "3");
	c.flags = 0;
	c.keywords = SLICE("other $Work");
	temp_begin(&t);
	temp_end(&t, store_flags(t.write, &c));
	ranges_free(&uids);
}

Test(store_search, table)
{
	make_mails();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_str_eq(search(rows[i].program, 0), rows[i].found,
				 "%s: %s", rows[i].program,
				 search(rows[i].program, 0));
	temp_store_close(&t);
}

Test(store_search, in_slices)
{
	char subject[32];

	temp_store_open(&t, NULL);
	for (int i = 0; i < 300; i++) {
		snprintf(subject, sizeof subject, "number %d.", i);
		temp_mail(&t, subject);
	}
	cr_expect_str_eq(search("HEADER subject 7.", 1),
			 search("HEADER subject 7.", 0));
	cr_expect_str_eq(search("HEADER subject number_7.", 1), "8");
	temp_store_close(&t);
}

Test(store_search, modseq)
{
	char program[64];
	uint64_t modseq;

	make_mails();
	modseq = temp_status(&t, t.inbox).highestmodseq;
	snprintf(program, sizeof program, "MODSEQ %llu",
		 (unsigned long long)modseq);
	cr_expect_str_eq(search(program, 0), "3");
	snprintf(program, sizeof program, "MODSEQ %llu",
		 (unsigned long long)modseq - 1);
	cr_expect_str_eq(search(program, 0), "2:3");
	temp_store_close(&t);
}

Test(store_search, malformed_program_is_refused)
{
	struct ranges found = RANGES_INIT(10);
	struct store_search s = { .program = SLICE("\x02\x02\0\0\0"),
				  .found = &found };

	temp_store_open(&t, NULL);
	s.mailbox = t.inbox;
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_search(t.read, &s, 0), ST_SYNTAX);
	store_commit(t.read);
	temp_store_close(&t);
}
