#include "mailboxd/refusals.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void add(struct refusals *r, int64_t now, const char *address,
		const char *recipient)
{
	const struct ipc_refused m = {
		.sid = SLICE("s06h0p5uvn9s6p4dhfjgd"),
		.address = slice_str(address), .helo = SLICE("x"),
		.login = SLICE_EMPTY, .sender = SLICE("a@example.net"),
		.recipient = slice_str(recipient), .code = 550,
		.reason = SLICE("5.1.1 No such mailbox"), .count = 1,
	};

	refusals_add(r, now, now + 1000, &m);
}

/* "address count;" of what there is to write; rows alike are counted together. */
static void expect(struct refusals *r, int64_t now, const char *text)
{
	struct refused *rows = refusals_take(r, now, now + 1000);
	char got[1024] = "", last[64] = "";
	size_t len = 0, alike = 0;

	for (struct refused *row = rows;; row = row->next) {
		char one[64] = "";

		if (row)
			snprintf(one, sizeof one, "%.*s %llu",
				 SLICE_ARG(row->row.client),
				 (unsigned long long)row->row.count);
		if (strcmp(one, last) != 0) {
			if (alike)
				len += (size_t)snprintf(got + len, sizeof got - len,
							"%zux %s;", alike, last);
			snprintf(last, sizeof last, "%s", one);
			alike = 0;
		}
		alike++;
		if (!row)
			break;
	}
	cr_expect_str_eq(got, text);
	refused_free(rows);
}

Test(refusals, rows_are_whole)
{
	struct refusals *r = refusals_new();
	struct refused *row;

	add(r, 5, "192.0.2.1", "nobody@example.test");
	row = refusals_take(r, 6, 7);
	cr_assert(row && !row->next);
	cr_expect_eq(row->row.at_ms, 1005);
	cr_expect_eq(row->row.code, 550u);
	cr_expect(slice_eq(row->row.client, SLICE("192.0.2.1")));
	cr_expect(slice_eq(row->row.sender, SLICE("a@example.net")));
	cr_expect(slice_eq(row->row.recipient, SLICE("nobody@example.test")));
	cr_expect(slice_eq(row->row.reason, SLICE("5.1.1 No such mailbox")));
	refused_free(row);
	expect(r, 8, "");
	refusals_free(r);
}

Test(refusals, a_client_has_so_many_rows_a_minute)
{
	struct refusals *r = refusals_new();

	for (int i = 0; i < 50; i++)
		add(r, 0, "192.0.2.1", "x");
	expect(r, 1000, "50x 192.0.2.1 1;");
	for (int i = 0; i < 51; i++)
		add(r, 1000, "192.0.2.1", "x");
	add(r, 1000, "192.0.2.2", "x");
	expect(r, 2000, "50x 192.0.2.1 1;1x 192.0.2.2 1;");
	for (int i = 0; i < 6; i++)
		add(r, 30000, "192.0.2.1", "x");
	expect(r, 59999, "");
	expect(r, 60000, "1x 192.0.2.1 7;");
	expect(r, 61000, "");
	/* a new minute */
	add(r, 61000, "192.0.2.1", "x");
	expect(r, 62000, "1x 192.0.2.1 1;");
	refusals_free(r);
}

Test(refusals, the_next_minute_tells_of_the_last_first)
{
	struct refusals *r = refusals_new();

	for (int i = 0; i < 103; i++) {
		add(r, 0, "192.0.2.1", "x");
		if (i == 60)
			expect(r, 1, "61x 192.0.2.1 1;");
	}
	expect(r, 2, "39x 192.0.2.1 1;");
	add(r, 60000, "192.0.2.1", "x");
	expect(r, 60001, "1x 192.0.2.1 3;1x 192.0.2.1 1;");
	refusals_free(r);
}

Test(refusals, all_together_have_so_many_a_second)
{
	struct refusals *r = refusals_new();
	struct ipc_refused more = { .address = SLICE_EMPTY, .count = 5 };

	for (int i = 0; i < 130; i++) {
		char address[48];

		snprintf(address, sizeof address, "192.0.2.%d", i);
		add(r, 0, address, "x");
	}
	/* and smtpd left some out itself */
	refusals_add(r, 0, 0, &more);
	{
		struct refused *rows = refusals_take(r, 1000, 1000), *row = rows;
		unsigned count = 0;

		for (; row->next; row = row->next)
			count++;
		cr_expect_eq(count, REFUSALS_SECOND);
		cr_expect_eq(row->row.client.len, 0u);
		cr_expect_eq(row->row.count, 35u);
		refused_free(rows);
	}
	expect(r, 2000, "");
	refusals_free(r);
}

Test(refusals, more_clients_than_are_remembered)
{
	struct refusals *r = refusals_new();
	uint64_t left_out = 0, told = 0;

	/* each was left out once: whoever makes room for another tells of it */
	for (int i = 0; i < 2000; i++) {
		char address[48];

		snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
		for (unsigned n = 0; n <= REFUSALS_MINUTE; n++)
			add(r, i, address, "x");
		left_out++;
		for (struct refused *rows = refusals_take(r, i, i); rows;) {
			struct refused *next = rows->next;

			if (rows->row.count == 1 && rows->row.code == 0 &&
			    rows->row.client.len)
				told++;
			free(rows);
			rows = next;
		}
	}
	for (struct refused *rows = refusals_take(r, 100000, 0); rows;) {
		struct refused *next = rows->next;

		told += rows->row.count == 1 && rows->row.code == 0;
		free(rows);
		rows = next;
	}
	cr_expect_eq(told, left_out);
	refusals_free(r);
}
