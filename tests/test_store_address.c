#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

static enum status add_domain(const char *name, const char *catchall,
			      const char *postmaster)
{
	const struct store_domain d = { .name = slice_str(name),
					.separator = SLICE("+"),
					.catchall = slice_str(catchall),
					.postmaster = slice_str(postmaster) };

	temp_begin(&t);
	return temp_end(&t, store_domain_set(t.write, &d));
}

static enum status add_account(const char *address)
{
	struct address a = temp_address(NULL, address);
	uint64_t id;

	temp_begin(&t);
	return temp_end(&t, store_account_add(t.write, &a, &id));
}

static enum status add_alias(const char *alias, const char *target)
{
	struct address a = temp_address(NULL, alias);
	struct address b = temp_address(NULL, target);

	temp_begin(&t);
	return temp_end(&t, store_alias_add(t.write, &a, &b));
}

/* "ann@example.test/detail bob@example.test" or a status in brackets. */
static const char *resolve(const char *address)
{
	static char text[512];
	struct address a = temp_address(NULL, address);
	const struct store_target *targets;
	size_t count, len = 0;
	enum status st;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_resolve(t.read, &a, 0, NULL, NULL, &targets, &count);
	text[0] = '\0';
	if (st)
		snprintf(text, sizeof text, "[%s]", status_name(st));
	for (size_t i = 0; i < count && !st; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"%s%.*s%s%.*s", i ? " " : "",
			SLICE_ARG(targets[i].login),
			targets[i].detail.len ? "/" : "",
			SLICE_ARG(targets[i].detail));
	cr_assert_eq(store_commit(t.read), ST_OK);
	return text;
}

static const struct {
	const char *address, *result;
} rows[] = {
	{ "ann@example.test", "ann@example.test" },
	{ "ANN@Example.TEST", "ann@example.test" },
	{ "ann@example.test.", "ann@example.test" },
	{ "\"ann\"@example.test", "ann@example.test" },
	{ "ann+lists@example.test", "ann@example.test/lists" },
	{ "ann+a+b@example.test", "ann@example.test/a+b" },
	{ "bob+x@example.test", "bob+x@example.test" },
	{ "bob+y@example.test", "bob@example.test/y" },
	{ "+x@example.test", "[not-found]" },
	{ "nobody@example.test", "[not-found]" },
	{ "ann@elsewhere.test", "[not-found]" },
	/* aliases */
	{ "sales@example.test", "ann@example.test bob@example.test/s" },
	{ "sales+q@example.test", "ann@example.test/q bob@example.test/s" },
	{ "all@example.test", "bob@example.test ann@example.test" },
	{ "twice@example.test", "ann@example.test/b" },
	/* an alias beside an account of the same name */
	{ "bob@example.test", "ann@example.test bob@example.test" },
	/* U-labels, case folding beyond ASCII */
	{ "j\xc3\xb6rg@b\xc3\xbc" "cher.test", "j\xc3\xb6rg@xn--bcher-kva.test" },
	{ "J\xc3\x96RG@xn--bcher-kva.test", "j\xc3\xb6rg@xn--bcher-kva.test" },
	{ "jo\xcc\x88rg@B\xc3\x9c" "CHER.test", "j\xc3\xb6rg@xn--bcher-kva.test" },
	/* a catch-all, and what it does not catch */
	{ "any@catch.test", "ann@example.test" },
	{ "any+d@catch.test", "ann@example.test" },
	/* postmaster and abuse */
	{ "postmaster@example.test", "ann@example.test" },
	{ "PostMaster@example.test", "ann@example.test" },
	{ "Postmaster", "ann@example.test" },
	{ "postmaster@[192.0.2.1]", "ann@example.test" },
	{ "postmaster@catch.test", "ann@example.test bob@example.test" },
	{ "abuse@catch.test", "ann@example.test bob@example.test" },
	{ "abuse@example.test", "ann@example.test" },
	{ "postmaster@xn--bcher-kva.test", "j\xc3\xb6rg@xn--bcher-kva.test" },
	{ "ann@[192.0.2.1]", "[not-found]" },
	{ "postmaster@elsewhere.test", "[not-found]" },
};

static void make_addresses(void)
{
	temp_store_open(&t, NULL);
	cr_assert_eq(add_account("bob+x@example.test"), ST_OK);
	cr_assert_eq(add_alias("sales@example.test", "ann@example.test"), ST_OK);
	cr_assert_eq(add_alias("sales@example.test", "bob+s@example.test"),
		     ST_OK);
	cr_assert_eq(add_alias("all@example.test", "sales@example.test"), ST_OK);
	cr_assert_eq(add_alias("all@example.test", "bob@example.test"), ST_OK);
	cr_assert_eq(add_alias("twice@example.test", "ann@example.test"), ST_OK);
	cr_assert_eq(add_alias("twice@example.test", "Ann+b@example.test"),
		     ST_OK);
	cr_assert_eq(add_domain("b\xc3\xbc" "cher.test", "", ""), ST_OK);
	cr_assert_eq(add_account("j\xc3\xb6rg@b\xc3\xbc" "cher.test"), ST_OK);
	cr_assert_eq(add_domain("catch.test", "ann@example.test",
				"bob@example.test"), ST_OK);
}

Test(store_address, table, .timeout = 60)
{
	make_addresses();
	/* made last: it changes what bob@ means above it */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!strcmp(rows[i].address, "bob@example.test")) {
			cr_assert_eq(add_alias("bob@example.test",
					       "bob@example.test"), ST_OK);
			cr_assert_eq(add_alias("bob@example.test",
					       "ann@example.test"), ST_OK);
		}
		cr_expect_str_eq(resolve(rows[i].address), rows[i].result,
				 "%s: %s", rows[i].address,
				 resolve(rows[i].address));
	}
	temp_store_close(&t);
}

static const struct {
	const char *alias, *target;
	enum status status;
} alias_rows[] = {
	{ "a@example.test", "ann@example.test", ST_OK },
	{ "a@example.test", "ANN@example.test", ST_EXISTS },
	{ "b@example.test", "a@example.test", ST_OK },
	{ "c@example.test", "b+x@example.test", ST_OK },
	{ "a@example.test", "c@example.test", ST_DENIED },
	{ "a@example.test", "b@example.test", ST_DENIED },
	{ "a@example.test", "c+q@example.test", ST_DENIED },
	{ "d@example.test", "d@example.test", ST_DENIED },
	{ "ann@example.test", "bob@example.test", ST_OK },
	{ "ann@example.test", "ann@example.test", ST_OK },
	{ "bob@example.test", "ann@example.test", ST_DENIED },
	{ "e@example.test", "x@elsewhere.test", ST_NOT_FOUND },
	{ "e@example.test", "nobody@example.test", ST_NOT_FOUND },
	{ "e@elsewhere.test", "ann@example.test", ST_NOT_FOUND },
};

Test(store_address, aliases_are_checked_when_made, .timeout = 60)
{
	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof alias_rows / sizeof *alias_rows; i++) {
		enum status st = add_alias(alias_rows[i].alias,
					   alias_rows[i].target);

		cr_expect_eq(st, alias_rows[i].status, "%s -> %s: %s",
			     alias_rows[i].alias, alias_rows[i].target,
			     status_name(st));
	}
	temp_store_close(&t);
}

Test(store_address, disabled_and_full_accounts, .timeout = 60)
{
	struct address ann = temp_address(NULL, "ann@example.test");
	const struct store_target *targets;
	size_t count;

	temp_store_open(&t, NULL);
	cr_assert_eq(add_alias("both@example.test", "ann@example.test"), ST_OK);
	cr_assert_eq(add_alias("both@example.test", "bob@example.test"), ST_OK);
	temp_begin(&t);
	temp_end(&t, store_account_set_disabled(t.write, t.ann, true));
	cr_expect_str_eq(resolve("ann@example.test"), "[denied]");
	cr_expect_str_eq(resolve("both@example.test"), "bob@example.test");
	temp_begin(&t);
	temp_end(&t, store_account_set_disabled(t.write, t.ann, false));
	temp_begin(&t);
	temp_end(&t, store_account_set_quota(t.write, t.ann, 1000, UINT64_MAX));
	temp_mail(&t, "small");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_resolve(t.read, &ann, 500, NULL, NULL, &targets,
				   &count), ST_OK);
	cr_expect_eq(store_resolve(t.read, &ann, 990, NULL, NULL, &targets,
				   &count), ST_QUOTA);
	cr_expect_eq(store_resolve(t.read, &ann, UINT64_MAX, NULL, NULL,
				   &targets, &count), ST_OK);
	store_commit(t.read);
	temp_store_close(&t);
}

Test(store_address, first_use_makes_what_is_missing, .timeout = 60)
{
	struct store_options options = { .first_use = true };
	struct address a = temp_address(NULL, "new+x@fresh.test");
	struct store_account account;
	uint64_t id;

	temp_store_open(&t, &options);
	cr_expect_str_eq(resolve("new+x@fresh.test"), "[not-found]");
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_account_ensure(t.write, &a, &id)),
		     ST_OK);
	cr_expect_str_eq(resolve("new+x@fresh.test"), "new@fresh.test/x");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_account_get(t.read, id, &account), ST_OK);
	cr_expect(account.any_password);
	store_commit(t.read);
	temp_store_close(&t);
}

static enum status login(const char *name)
{
	struct store_account account;
	enum status st;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_account_find(t.read, slice_str(name), &account);
	store_commit(t.read);
	return st;
}

Test(store_address, login_names, .timeout = 60)
{
	temp_store_open(&t, NULL);
	cr_expect_eq(login("ann@example.test"), ST_OK);
	cr_expect_eq(login("Ann@EXAMPLE.test"), ST_OK);
	cr_expect_eq(login("ANN"), ST_OK);
	cr_expect_eq(login("ann+x@example.test"), ST_NOT_FOUND);
	cr_expect_eq(login("ann@"), ST_NOT_FOUND);
	cr_expect_eq(login(""), ST_NOT_FOUND);
	cr_expect_eq(login("\xff"), ST_NOT_FOUND);
	cr_assert_eq(add_domain("second.test", "", ""), ST_OK);
	cr_expect_eq(login("ann"), ST_NOT_FOUND);
	cr_expect_eq(login("ann@example.test"), ST_OK);
	temp_store_close(&t);
}

Test(store_address, domains_and_accounts_go, .timeout = 60)
{
	struct store_account a;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_domain_remove(t.write,
			SLICE("example.test"))), ST_DENIED);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_account_remove(t.write, t.ann)), ST_OK);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_account_remove(t.write, t.bob)), ST_OK);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_domain_remove(t.write,
			SLICE("EXAMPLE.test"))), ST_OK);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_account_get(t.read, t.ann, &a), ST_NOT_FOUND);
	store_commit(t.read);
	temp_store_close(&t);
}
