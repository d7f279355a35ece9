/* The array of a mailbox by itself, against a plain model. */
#include "mailboxd/store_array.h"

#include "common/fetch_row.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define UIDS 2000
#define BOTH (FETCH_FLAGS | FETCH_MODSEQ)

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* modseq 0: not there */
static struct {
	uint64_t flags, modseq;
} model[UIDS];

static uint64_t message_of(uint32_t uid)
{
	return (uint64_t)uid * 7919 % 10007 << 20;
}

static void compare(const struct array *a)
{
	size_t i = 0;

	for (uint32_t uid = 0; uid < UIDS; uid++) {
		cr_assert_eq(array_find(a, uid), i, "uid %u", uid);
		if (!model[uid].modseq)
			continue;
		cr_assert_lt(i, a->count, "uid %u is not there", uid);
		cr_assert_eq(a->uids[i], uid);
		cr_expect_eq(a->flags[i], model[uid].flags, "uid %u", uid);
		cr_expect_eq(a->modseqs[i], model[uid].modseq, "uid %u", uid);
		cr_expect_eq(a->messages[i], message_of(uid), "uid %u", uid);
		i++;
	}
	cr_expect_eq(i, a->count);
}

/* All rows of a slice, in frames of few octets. */
static void compare_rows(const struct array *a, const struct array_slice *slice,
			 size_t octets)
{
	struct array_slice rest = *slice;
	struct buf out = BUF_INIT(1 << 16);
	uint32_t uid = slice->low;
	enum status st;

	do {
		struct slice rows;
		struct fetch_row r;

		out.len = 0;
		st = array_rows(a, &rest, BOTH, octets, &out, &rest.low);
		cr_assert(st == ST_OK || st == ST_MORE);
		cr_expect_leq(out.len, octets);
		rows = buf_slice(&out);
		while (fetch_row_decode(&rows, BOTH, &r) == ST_OK) {
			while (uid < r.uid) {
				cr_expect(model[uid].modseq <= slice->since,
					  "uid %u was left out", uid);
				uid++;
			}
			cr_expect_eq(r.flags, model[uid].flags);
			cr_expect_eq(r.modseq, model[uid].modseq);
			cr_expect_gt(r.modseq, slice->since);
			uid++;
		}
		cr_expect_eq(rows.len, 0);
	} while (st == ST_MORE);
	for (; uid <= slice->high && uid < UIDS; uid++)
		cr_expect(model[uid].modseq <= slice->since,
			  "uid %u was left out", uid);
	buf_free(&out);
}

static void remove_some(struct array *a, uint64_t modseq)
{
	struct range ranges[8];
	size_t count = 1 + pick(8);
	uint32_t uid = pick(200);

	for (size_t i = 0; i < count; i++) {
		ranges[i].low = uid + pick(UIDS / 8);
		ranges[i].high = ranges[i].low + pick(pick(4) ? 4 : 60);
		uid = ranges[i].high + 1;
		for (uint32_t k = ranges[i].low;
		     k <= ranges[i].high && k < UIDS; k++)
			model[k].modseq = 0;
	}
	array_remove(a, ranges, count, modseq);
	cr_expect_eq(a->removed, modseq);
}

Test(store_array, against_a_model)
{
	for (uint64_t round = 1; round < 20; round++) {
		struct array a = { 0 };
		uint64_t modseq = 1;
		uint32_t next = 1;

		seed = round;
		memset(model, 0, sizeof model);
		for (unsigned step = 0; step < 200; step++, modseq++) {
			uint32_t low = pick(next + 10), high = low + pick(300);
			uint64_t keep = pick(64), add = pick(64);

			for (unsigned n = pick(40); n && next < UIDS; n--) {
				cr_assert_eq(array_append(&a, next, n, modseq,
							  message_of(next)),
					     ST_OK);
				model[next].flags = n;
				model[next].modseq = modseq;
				next += 1 + (pick(5) == 0) * pick(9);
			}
			array_set_flags(&a, (struct range){ low, high }, keep,
					add, modseq);
			for (; low <= high && low < UIDS; low++)
				if (model[low].modseq) {
					model[low].flags =
						(model[low].flags & keep) | add;
					model[low].modseq = modseq;
				}
			if (pick(3) == 0)
				remove_some(&a, modseq);
			if (step % 20 == 0) {
				struct array_slice slice = {
					pick(UIDS), pick(UIDS) + UIDS / 2,
					pick((unsigned)modseq),
				};

				compare(&a);
				compare_rows(&a, &slice, 20 + pick(2000));
			}
		}
		compare(&a);
		array_clear(&a);
	}
}

Test(store_array, edges)
{
	static const struct range all = { 0, UINT32_MAX };
	static const struct range last = { UINT32_MAX - 1, UINT32_MAX };
	struct array a = { 0 };
	struct buf out = BUF_INIT(64);
	struct array_slice slice = { 1, UINT32_MAX, 0 };
	uint32_t next;

	array_remove(&a, &all, 1, 1);
	array_set_flags(&a, all, 0, 0, 1);
	cr_expect_eq(array_find(&a, 5), 0);
	cr_expect_eq(array_rows(&a, &slice, 0, 64, &out, &next), ST_OK);
	cr_expect_eq(array_append(&a, 5, 1, 1, 9), ST_OK);
	cr_expect_eq(array_append(&a, 5, 1, 1, 9), ST_SYNTAX);
	cr_expect_eq(array_append(&a, 4, 1, 1, 9), ST_SYNTAX);
	cr_expect_eq(array_append(&a, UINT32_MAX - 1, 1, 1, 9), ST_OK);
	cr_expect_eq(array_find(&a, UINT32_MAX), 2);
	cr_expect_eq(array_rows(&a, &slice, 0, 64, &out, &next), ST_OK);
	cr_expect_eq(out.len, 8);
	/* no room: it says where to go on */
	cr_expect_eq(array_rows(&a, &slice, BOTH, 20, &out, &next), ST_MORE);
	cr_expect_eq(next, 5);
	out.len = 0;
	cr_expect_eq(array_rows(&a, &slice, BOTH, 39, &out, &next), ST_MORE);
	cr_expect_eq(next, UINT32_MAX - 1);
	array_remove(&a, &last, 1, 2);
	cr_expect_eq(a.count, 1);
	array_remove(&a, &all, 1, 3);
	cr_expect_eq(a.count, 0);
	buf_free(&out);
	array_clear(&a);
}

Test(store_array, keyword_sets)
{
	struct array a = { 0 };

	cr_expect_eq(array_add_set(&a, 1, SLICE("a b")), ST_OK);
	cr_expect_eq(array_add_set(&a, 3, SLICE("c")), ST_OK);
	cr_expect_eq(array_add_set(&a, 1, SLICE("a b")), ST_OK, "once more");
	cr_expect_eq(array_add_set(&a, 2, SLICE("d")), ST_SYNTAX);
	cr_expect_eq(a.set_count, 2);
	cr_expect(slice_eq(a.sets[0].names, SLICE("a b")));
	cr_expect_eq(a.set_octets, 4);
	cr_expect_geq(array_octets(&a), 4 + 2 * sizeof *a.sets);
	array_clear(&a);
	cr_expect_eq(array_octets(&a), 0);
}
