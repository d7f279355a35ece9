#include "common/flags.h"
#include "imapd/view.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void add(struct view *v, uint32_t low, uint32_t high)
{
	struct ranges uids = RANGES_INIT(4);

	cr_assert_eq(ranges_add(&uids, low, high), ST_OK);
	cr_assert_eq(view_append(v, &uids), ST_OK);
	ranges_free(&uids);
}

Test(view, numbers_and_uids)
{
	struct view v;
	size_t at = 0;

	view_init(&v);
	add(&v, 3, 5);
	add(&v, 6, 7);
	add(&v, 10, 10);
	add(&v, 4294967295, 4294967295);
	cr_expect_eq(view_count(&v), 7);
	cr_expect_eq(v.span_count, 3);
	cr_expect_eq(view_uid(&v, 0), 0);
	cr_expect_eq(view_uid(&v, 1), 3);
	cr_expect_eq(view_uid(&v, 5), 7);
	cr_expect_eq(view_uid(&v, 6), 10);
	cr_expect_eq(view_uid(&v, 7), 4294967295);
	cr_expect_eq(view_uid(&v, 8), 0);
	for (uint32_t uid = 0; uid < 14; uid++) {
		uint32_t seq = view_seq(&v, uid);

		cr_expect(seq == 0 || view_uid(&v, seq) == uid, "UID %u", uid);
		cr_expect_eq(seq != 0, (uid >= 3 && uid <= 7) || uid == 10, "UID %u", uid);
		cr_expect_eq(view_seq_next(&v, &at, uid), seq, "UID %u in order", uid);
	}
	cr_expect_eq(view_last_uid(&v), 4294967295);
	v.recent_low = 5;
	v.recent_high = 9;
	cr_expect_eq(view_recent(&v), 3);
	view_clear(&v);
}

/* set, whether of UIDs, result */
static const struct { const char *set; bool is_uid; const char *uids; enum status status; } sets[] = {
	{ "1:*",	false,	"3:10",		ST_OK },
	{ "2,6",	false,	"4,10",		ST_OK },
	{ "*",		false,	"10",		ST_OK },
	{ "7",		false,	"",		ST_NOT_FOUND },
	{ "5:7",	false,	"",		ST_NOT_FOUND },
	{ "1:4294967295", true,	"1:10",		ST_OK },
	{ "*",		true,	"10",		ST_OK },
	{ "500:*",	true,	"10",		ST_OK },
	{ "11:12",	true,	"",		ST_OK },
};

Test(view, resolve)
{
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct view v;
		struct numset set = NUMSET_INIT;
		struct ranges uids = RANGES_INIT(16);
		struct buf text = BUF_INIT(256);
		enum status st;

		view_init(&v);
		add(&v, 3, 7);
		add(&v, 10, 10);
		cr_assert_eq(numset_parse(slice_str(sets[i].set), &set), ST_OK);
		st = view_resolve(&v, &set, sets[i].is_uid, &uids);
		cr_expect_eq(st, sets[i].status, "%s", sets[i].set);
		if (st == ST_OK) {
			numset_render(&uids, &text);
			cr_expect(slice_eq(buf_slice(&text), slice_str(sets[i].uids)),
				  "%s: %.*s", sets[i].set, SLICE_ARG(buf_slice(&text)));
		}
		numset_clear(&set);
		ranges_free(&uids);
		buf_free(&text);
		view_clear(&v);
	}
}

/* A view against an array that forgets the same UIDs, in random order. */
Test(view, expunge_as_an_array_would)
{
	unsigned seed = 4711;

	for (unsigned round = 0; round < 200; round++) {
		struct view v;
		struct ranges gone = RANGES_INIT(1000), taken = RANGES_INIT(1000);
		struct buf tell = BUF_INIT(65536), want = BUF_INIT(65536);
		struct respond r = { .out = &tell };
		uint32_t uids[300];
		size_t n = 0, left = 0;

		view_init(&v);
		for (uint32_t uid = 1; uid < 300; uid++) {
			seed = seed * 1103515245u + 12345u;
			if (seed >> 16 & 3) {
				uids[n++] = uid;
				add(&v, uid, uid);
			}
			if ((seed >> 20 & 7) < round % 8)
				cr_assert_eq(ranges_add(&gone, uid, uid), ST_OK);
		}
		for (size_t i = 0; i < n; i++) {
			if (ranges_has(&gone, uids[i]))
				buf_append_fmt(&want, "* %zu EXPUNGE\r\n", left + 1);
			else
				uids[left++] = uids[i];
		}
		while (gone.count) {
			ranges_clear(&taken);
			cr_assert_eq(view_take_first(&v, &gone, 1 + round % 50, &taken),
				     ST_OK);
			cr_assert_leq(ranges_size(&taken), 1 + round % 50);
			cr_assert_eq(view_expunge(&v, &taken, &r), ST_OK);
		}
		cr_expect(slice_eq(buf_slice(&tell), buf_slice(&want)), "round %u", round);
		cr_expect_eq(view_count(&v), left);
		for (size_t i = 0; i < left; i++) {
			cr_expect_eq(view_uid(&v, (uint32_t)i + 1), uids[i]);
			cr_expect_eq(view_seq(&v, uids[i]), i + 1);
		}
		ranges_free(&gone);
		ranges_free(&taken);
		buf_free(&tell);
		buf_free(&want);
		view_clear(&v);
	}
}

Test(view, flags)
{
	struct ipc_keywords one = { .set = 1, .names = SLICE("$Forwarded work") };
	struct ipc_keywords two = { .set = 2, .names = SLICE("work") };
	struct buf out = BUF_INIT(1024);
	struct respond r = { .out = &out };
	struct view v;
	bool is_new;

	view_init(&v);
	v.recent_low = v.recent_high = 4;
	cr_expect_eq(view_keywords_add(&v, &one, &is_new), ST_OK);
	cr_expect(is_new);
	cr_expect_eq(view_keywords_add(&v, &two, &is_new), ST_OK);
	cr_expect(!is_new);
	view_put_flags(&v, &r, 4, flags_join(FLAG_SEEN | FLAG_DELETED, 1));
	view_put_flags(&v, &r, 5, flags_join(0, 2));
	view_put_flags(&v, &r, 5, flags_join(0, 99));
	view_put_all_flags(&v, &r, true);
	cr_expect(slice_eq(buf_slice(&out), SLICE(
		"(\\Deleted \\Seen $Forwarded work \\Recent)(work)()"
		"(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded work $MDNSent $Junk $NotJunk $Phishing "
		"$Important \\*)")),
		"%.*s", SLICE_ARG(buf_slice(&out)));
	buf_free(&out);
	view_clear(&v);
}

Test(view, own_changes)
{
	struct view v;

	view_init(&v);
	v.modseq = 10;
	view_own_change(&v, 11, false);
	cr_expect_eq(v.modseq, 11);
	cr_expect(!view_is_own(&v, 11));
	/* somebody else's 12 lies between */
	view_own_change(&v, 13, false);
	cr_expect(!view_is_own(&v, 13));
	view_own_change(&v, 13, true);
	cr_expect_eq(v.modseq, 11);
	cr_expect(view_is_own(&v, 13));
	cr_expect(!view_is_own(&v, 12));
	view_clear(&v);
}
