/* Bodies in memory and in the spool: what comes back is what went in, ceilings
 * hold, and all is given back. */
#include <config.h>

#include "smtpd/held.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_file(void)
{
	FILE *f = tmpfile();
	int fd = f ? dup(fileno(f)) : -1;

	cr_assert_geq(fd, 0);
	fclose(f);
	return fd;
}

static char octet(uint64_t at, unsigned of)
{
	return (char)(at * 31 + at / 251 + of);
}

static enum status fill(struct held *h, uint64_t octets, size_t step, unsigned of)
{
	char piece[20000];
	enum status st = ST_OK;

	while (st == ST_OK && h->octets < octets) {
		size_t n = octets - h->octets < step ? (size_t)(octets - h->octets)
						     : step;

		for (size_t i = 0; i < n; i++)
			piece[i] = octet(h->octets + i, of);
		st = held_append(h, slice_of(piece, n));
	}
	return st;
}

static void expect(const struct held *h, size_t step, unsigned of)
{
	char piece[70000];

	for (uint64_t at = 0; at < h->octets; at += step) {
		size_t n = h->octets - at < step ? (size_t)(h->octets - at) : step;

		cr_assert_eq(held_read(h, at, piece, n), ST_OK);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(piece[i], octet(at + i, of), "%zu",
				     (size_t)at + i);
	}
}

Test(held, sizes_and_steps)
{
	static const uint64_t sizes[] = {
		0, 1, HELD_MEMORY - 1, HELD_MEMORY, HELD_MEMORY + 1,
		HELD_MEMORY + SPOOL_BLOCK, HELD_MEMORY + SPOOL_BLOCK + 1, 1000000,
	};
	static const size_t steps[] = { 997, 4096, 16384, 19999 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
			struct spool spool;
			struct held h;

			spool_init(&spool, make_file(), 1 << 20, 16 * SPOOL_BLOCK);
			held_init(&h, &spool);
			cr_assert_eq(fill(&h, sizes[i], steps[k], 7), ST_OK);
			cr_expect_eq(h.octets, sizes[i]);
			expect(&h, 1013, 7);
			expect(&h, 65536, 7);
			held_clear(&h);
			cr_expect_eq(spool.memory, (size_t)1 << 20);
			cr_expect_eq(spool.made, 0);
			spool_close(&spool);
		}
}

/* Two at once do not touch each other, and the file is no larger than told. */
Test(held, two_at_once)
{
	struct spool spool;
	struct held a, b;
	struct stat st;

	spool_init(&spool, make_file(), HELD_MEMORY / 2, 16 * SPOOL_BLOCK);
	held_init(&a, &spool);
	held_init(&b, &spool);
	for (uint64_t n = 10000; n <= 500000; n += 10000) {
		cr_assert_eq(fill(&a, n, 5000, 1), ST_OK);
		cr_assert_eq(fill(&b, n, 5000, 2), ST_OK);
	}
	expect(&a, 4096, 1);
	expect(&b, 4096, 2);
	held_clear(&a);
	cr_assert_eq(fill(&a, 500000, 5000, 3), ST_OK);
	expect(&b, 4096, 2);
	expect(&a, 4096, 3);
	cr_assert_eq(fstat(spool.fd, &st), 0);
	cr_expect_leq((size_t)st.st_size, 16 * SPOOL_BLOCK);
	held_clear(&a);
	held_clear(&b);
	cr_assert_eq(fstat(spool.fd, &st), 0);
	cr_expect_eq(st.st_size, 0, "the disk has its room back");
	spool_close(&spool);
}

Test(held, full)
{
	struct spool spool;
	struct held a, b;

	spool_init(&spool, make_file(), 2 * HELD_MEMORY, 2 * SPOOL_BLOCK);
	held_init(&a, &spool);
	held_init(&b, &spool);
	cr_expect_eq(fill(&a, 1000000, 10000, 1), ST_FULL);
	/* what is small is still taken */
	cr_expect_eq(fill(&b, HELD_MEMORY, 10000, 2), ST_OK);
	cr_expect_eq(fill(&b, HELD_MEMORY + 1, 10000, 2), ST_FULL);
	held_clear(&a);
	cr_expect_eq(fill(&b, HELD_MEMORY + SPOOL_BLOCK, 10000, 2), ST_OK);
	expect(&b, 3000, 2);
	held_clear(&b);
	spool_close(&spool);
}

Test(held, without_a_file)
{
	struct spool spool;
	struct held h;

	spool_init(&spool, -1, 1 << 20, 1 << 20);
	held_init(&h, &spool);
	cr_expect_eq(fill(&h, HELD_MEMORY, 10000, 1), ST_OK);
	cr_expect_eq(held_append(&h, SLICE("x")), ST_FULL);
	held_clear(&h);
	held_clear(&h);
	spool_close(&spool);
}

/* A file that cannot be written: temporary, and nothing is lost of the budget. */
Test(held, failing_file)
{
	struct spool spool;
	struct held h;
	FILE *f = fopen("/dev/null", "r");

	cr_assert(f);
	spool_init(&spool, dup(fileno(f)), 1 << 20, 1 << 20);
	fclose(f);
	held_init(&h, &spool);
	cr_expect_eq(fill(&h, HELD_MEMORY + 1, 10000, 1), ST_IO);
	cr_expect_neq(spool.sys, 0);
	held_clear(&h);
	cr_expect_eq(spool.memory, (size_t)1 << 20);
	spool_close(&spool);
}
