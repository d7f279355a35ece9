#include "tests/support/temp_store.h"

#include "common/netset.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

static const struct greylist_rules rules = {
	.delay = 300, .window = 3600, .lifetime = 864000, .allow = 3, .rows = 100,
};

/* What the triplet is told at `now`; is_written: it had to be written down. */
static uint64_t ask_by(const struct greylist_rules *by, const char *network,
		       const char *sender, const char *recipient, int64_t now,
		       bool *is_written)
{
	const struct greylist_key key = { slice_str(network), slice_str(sender),
					  slice_str(recipient) };
	uint64_t left = 77;
	enum status st;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_greylist_ask(t.read, by, &key, now, false, &left);
	store_commit(t.read);
	*is_written = st == ST_MORE;
	if (st == ST_MORE) {
		temp_begin(&t);
		st = temp_end(&t, store_greylist_ask(t.write, by, &key, now, true,
						     &left));
	}
	cr_assert_eq(st, ST_OK);
	return left;
}

static uint64_t ask(const char *sender, int64_t now)
{
	bool is_written;

	return ask_by(&rules, "192.0.2.0/24", sender, "ann@example.test", now,
		      &is_written);
}

static uint64_t rows(void)
{
	return store_greylist_rows(t.store);
}

Test(store_greylist, a_triplet_waits_once)
{
	static const struct { int64_t now; uint64_t left; bool is_written; } steps[] = {
		{ 1000, 300, true },	/* new */
		{ 1000, 300, false },
		{ 1299, 1, false },
		{ 1300, 0, true },	/* it came again in time */
		{ 1301, 0, false },
		{ 1300 + 86400, 0, false },
		{ 1302 + 86400, 0, true },	/* known for longer: once a day */
		{ 1303 + 86400, 0, false },
		/* forgotten after the lifetime without mail */
		{ 1302 + 86400 + 863999, 0, true },
		{ 1302 + 86400 + 863999 + 864000, 300, true },
	};
	bool is_written;

	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		uint64_t left = ask_by(&rules, "192.0.2.0/24", "a@example.net",
				       "ann@example.test", steps[i].now, &is_written);

		cr_expect_eq(left, steps[i].left, "%zu: %llu", i,
			     (unsigned long long)left);
		cr_expect_eq(is_written, steps[i].is_written, "%zu", i);
	}
	temp_store_close(&t);
}

Test(store_greylist, each_part_counts)
{
	bool w;

	temp_store_open(&t, NULL);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "a@b", "x@y", 1000, &w), 300u);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "a@b", "x@y", 1300, &w), 0u);
	cr_expect_eq(ask_by(&rules, "192.0.3.0/24", "a@b", "x@y", 1300, &w), 300u);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "b@b", "x@y", 1300, &w), 300u);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "a@b", "z@y", 1300, &w), 300u);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "", "x@y", 1300, &w), 300u);
	cr_expect_eq(ask_by(&rules, "192.0.2.0/24", "", "x@y", 1600, &w), 0u);
	temp_store_close(&t);
}

Test(store_greylist, who_comes_too_late_is_new)
{
	temp_store_open(&t, NULL);
	cr_expect_eq(ask("a@b", 1000), 300u);
	cr_expect_eq(ask("a@b", 1000 + 3599), 0u);
	cr_expect_eq(ask("c@d", 1000), 300u);
	cr_expect_eq(ask("c@d", 1000 + 3600), 300u);
	cr_expect_eq(ask("c@d", 1000 + 3900), 0u);
	temp_store_close(&t);
}

Test(store_greylist, a_clock_that_went_back)
{
	temp_store_open(&t, NULL);
	cr_expect_eq(ask("a@b", 100000), 300u);
	cr_expect_eq(ask("a@b", 1000), 300u);
	cr_expect_eq(ask("a@b", 1300), 0u);
	/* and forward: nobody is punished, what is old is only forgotten */
	cr_expect_eq(ask("a@b", 100000000), 300u);
	temp_store_close(&t);
}

Test(store_greylist, a_good_network_waits_no_more)
{
	static const struct greylist_rules never = {
		.delay = 300, .window = 3600, .lifetime = 864000, .rows = 100,
	};
	char sender[16];
	bool w;

	temp_store_open(&t, NULL);
	for (unsigned i = 0; i < rules.allow; i++) {
		snprintf(sender, sizeof sender, "%u@b", i);
		cr_expect_eq(ask(sender, 1000), 300u, "%s", sender);
		cr_expect_eq(ask(sender, 1300), 0u);
		cr_expect_eq(ask(sender, 1301), 0u);	/* counts once */
	}
	cr_expect_eq(ask("new@b", 1302), 0u);
	cr_expect_eq(ask_by(&rules, "192.0.3.0/24", "new@b", "x@y", 1302, &w), 300u);
	cr_expect_eq(ask_by(&never, "192.0.2.0/24", "new@b", "x@y", 1302, &w), 300u);
	/* it sends nothing for a lifetime */
	cr_expect_eq(ask("other@b", 1302 + 864000), 300u);
	temp_store_close(&t);
}

Test(store_greylist, what_is_over_is_pruned)
{
	bool more = true;

	temp_store_open(&t, NULL);
	ask("a@b", 1000);
	ask("a@b", 1300);
	ask("c@d", 1000);
	cr_expect_eq(rows(), 3u);	/* with the network's */
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_prune(t.write, 1000 + 3600, &more)), ST_OK);
	cr_expect_eq(rows(), 2u);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_prune(t.write, 1300 + 864000, &more)), ST_OK);
	cr_expect_eq(rows(), 0u);
	temp_store_close(&t);
}

Test(store_greylist, is_kept)
{
	temp_store_open(&t, NULL);
	cr_expect_eq(ask("a@b", 1000), 300u);
	temp_store_reopen(&t, true);
	cr_expect_eq(ask("a@b", 1200), 100u);
	cr_expect_eq(ask("a@b", 1300), 0u);
	temp_store_reopen(&t, false);
	cr_expect_eq(ask("a@b", 1301), 0u);
	temp_store_close(&t);
}

/* Rows that would go first anyhow make room. */
Test(store_greylist, rows_have_a_ceiling)
{
	static const struct greylist_rules few = {
		.delay = 300, .window = 3600, .lifetime = 864000, .rows = 4,
	};
	static const struct { const char *sender; int64_t now; uint64_t left; } steps[] = {
		{ "a@b", 1000, 300 }, { "a@b", 1300, 0 },	/* and its network */
		{ "c@d", 1300, 300 }, { "e@f", 1400, 300 },
		{ "g@h", 1500, 300 },			/* c@d goes */
		{ "a@b", 1501, 0 }, { "e@f", 1501, 199 }, { "g@h", 1501, 299 },
		{ "c@d", 1599, 300 },
	};
	bool w;

	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		cr_expect_eq(ask_by(&few, "192.0.2.0/24", steps[i].sender, "x@y",
				    steps[i].now, &w), steps[i].left, "%zu", i);
		cr_expect_leq(rows(), 4u);
	}
	temp_store_close(&t);
}

Test(netset, networks)
{
	static const struct { const char *address, *network; } table[] = {
		{ "192.0.2.77", "192.0.2.0/24" },
		{ "::ffff:192.0.2.77", "192.0.2.0/24" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "::1", "::/64" },
		{ "", NULL }, { "example.org", NULL }, { "fe80::1%eth0", NULL },
	};
	char text[NETSET_NETWORK_OCTETS];

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		enum status st = netset_network(table[i].address, 24, 64, text);

		cr_expect_eq(st, table[i].network ? ST_OK : ST_SYNTAX, "%s",
			     table[i].address);
		if (st == ST_OK)
			cr_expect_str_eq(text, table[i].network);
	}
	cr_expect_eq(netset_network("255.255.255.255", 32, 128, text), ST_OK);
	cr_expect_str_eq(text, "255.255.255.255/32");
	cr_expect_eq(netset_network("255.255.255.255", 17, 128, text), ST_OK);
	cr_expect_str_eq(text, "255.255.128.0/17");
}

/* Where all rows are of those that are known, a new one would go first, each time it
 * comes: it passes instead. */
Test(store_greylist, a_full_table_keeps_nobody_out)
{
	static const struct greylist_rules few = {
		.delay = 300, .window = 3600, .lifetime = 864000, .rows = 2,
	};
	const char *const network = "192.0.2.0/24";
	bool w;

	temp_store_open(&t, NULL);
	cr_expect_eq(ask_by(&few, network, "a@b", "x@y", 1000, &w), 300u);
	cr_expect_eq(ask_by(&few, network, "a@b", "x@y", 1300, &w), 0u);
	cr_expect_eq(rows(), 2u);
	cr_expect_eq(ask_by(&few, network, "c@d", "x@y", 1400, &w), 0u);
	cr_expect_eq(ask_by(&few, network, "a@b", "x@y", 1400, &w), 0u);
	cr_expect_eq(rows(), 2u);
	temp_store_close(&t);
}
