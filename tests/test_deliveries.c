#include "mailboxd/deliveries.h"

#include <criterion/criterion.h>

Test(deliveries, of_targets_are_copies)
{
	char address[] = "ann@example.test";
	const struct store_target targets[] = {
		{ .account = 1, .mailbox = 11, .recipient = slice_str(address) },
		{ .account = 2, .mailbox = 12, .recipient = SLICE("bob@example.test") },
	};
	struct arena arena = ARENA_INIT(4096), none = ARENA_INIT(0);
	struct store_delivery *found;

	cr_assert_eq(deliveries_of(targets, 2, &arena, &found), ST_OK);
	address[0] = 'x';
	cr_expect(slice_eq(found[0].recipient, SLICE("ann@example.test")));
	cr_expect_eq(found[1].mailbox, 12u);
	cr_expect_eq(found[1].account, 2u);
	cr_expect_eq(deliveries_of(targets, 2, &none, &found), ST_NO_MEMORY);
	arena_clear(&arena);
}

Test(deliveries, each_mailbox_once_and_not_too_many)
{
	struct deliveries d = { 0 };

	for (uint64_t i = 0; i < 2 * DELIVERIES_MAX; i++) {
		struct store_delivery one = { .mailbox = i / 2 + 1 };

		cr_assert_eq(deliveries_add(&d, &one), ST_OK, "%u", (unsigned)i);
	}
	cr_expect_eq(d.count, DELIVERIES_MAX);
	cr_expect_eq(deliveries_add(&d, &(struct store_delivery){ .mailbox = 1 }), ST_OK);
	cr_expect_eq(deliveries_add(&d, &(struct store_delivery){ .mailbox = 1 << 20 }),
		     ST_LIMIT);
	deliveries_clear(&d);
	cr_expect_eq(d.count, 0u);
}
