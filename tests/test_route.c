#include "smtpd/route.h"

#include "common/clock.h"
#include "common/digest.h"
#include "smtpd/failure_report.h"
#include "smtpd/ways.h"
#include "tests/support/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const enum status states[SMTP_ROUTES_MAX];

static const struct {
	const char *recipient;
	unsigned route;
} rows[] = {
	{ "a@lists.example.org", 1 },
	{ "a@LISTS.Example.ORG", 1 },
	{ "\"a@b\"@lists.example.org", 1 },
	{ "a@example.org", 0 },
	{ "a@x.lists.example.org", 0 },
	{ "a@xn--bcher-kva.example", 2 },
	{ "a@b\xc3\xbc" "cher.example", 2 },
	{ "a@[192.0.2.1]", 0 },
	{ "postmaster", 0 },
	{ "a@", 0 },
	{ "", 0 },
};

Test(route, domains)
{
	struct smtp_routes *r = smtp_routes_new(states);

	cr_assert_not_null(r);
	cr_expect_eq(smtp_routes_add(r, SLICE("lists.example.org"), 1), ST_OK);
	cr_expect_eq(smtp_routes_add(r, SLICE("LISTS.example.org"), 1), ST_OK);
	cr_expect_eq(smtp_routes_add(r, SLICE("Lists.example.org"), 2), ST_EXISTS);
	cr_expect_eq(smtp_routes_add(r, SLICE("b\xc3\xbc" "cher.example"), 2), ST_OK);
	cr_expect_eq(smtp_routes_add(r, SLICE("a b"), 2), ST_SYNTAX);
	cr_expect_eq(smtp_routes_add(r, SLICE(""), 2), ST_SYNTAX);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(smtp_routes_find(r, slice_str(rows[i].recipient)),
			     rows[i].route, "%s", rows[i].recipient);
	cr_expect_eq(smtp_routes_find(NULL, SLICE("a@lists.example.org")), 0);
	smtp_routes_free(r);
}

Test(route, many_domains)
{
	struct smtp_routes *r = smtp_routes_new(states);
	char text[64];

	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof text, "d%u.example", i * 7919 % 2000);
		cr_assert_eq(smtp_routes_add(r, slice_str(text), i * 7919 % 2000 + 1),
			     ST_OK);
	}
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(text, sizeof text, "a@d%u.example", i);
		cr_assert_eq(smtp_routes_find(r, slice_str(text)), i + 1);
	}
	cr_expect_eq(smtp_routes_find(r, SLICE("a@d2000.example")), 0);
	smtp_routes_free(r);
}

static struct smtp_partial_key key(const char *client, const char *sender,
				   unsigned route)
{
	return (struct smtp_partial_key){ slice_str(client), slice_str(sender), route };
}

Test(route, who_has_it_already)
{
	static const char one[DIGEST_OCTETS] = "one", two[DIGEST_OCTETS] = "two";
	struct smtp_partials *p = smtp_partials_new();
	struct smtp_partial_key k = key("192.0.2.1", "a@x.test", 1);
	struct smtp_partial_key others[] = {
		key("192.0.2.2", "a@x.test", 1), key("192.0.2.1", "b@x.test", 1),
		key("192.0.2.1", "a@x.test", 2), key("192.0.2.1a", "@x.test", 1),
	};
	struct slice digest = slice_of(one, sizeof one);

	clock_fake(1000, 1000);
	cr_expect_not(smtp_partials_has(p, &k, SLICE("b@y.test")));
	cr_expect_not(smtp_partials_has(NULL, &k, SLICE("b@y.test")));
	smtp_partials_add(p, &k, digest, SLICE("b@y.test\nc@y.test\n"));
	cr_expect(smtp_partials_has(p, &k, SLICE("b@y.test")));
	cr_expect(smtp_partials_has(p, &k, SLICE("c@y.test")));
	cr_expect_not(smtp_partials_has(p, &k, SLICE("d@y.test")));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect_not(smtp_partials_has(p, &others[i], SLICE("b@y.test")));
	cr_expect(smtp_partials_match(p, &k, digest));
	cr_expect(smtp_partials_has(p, &k, SLICE("b@y.test")));
	smtp_partials_forget(p, &k);
	smtp_partials_forget(p, &k);
	smtp_partials_forget(NULL, &k);
	cr_expect_not(smtp_partials_has(p, &k, SLICE("b@y.test")));
	/* another message: nothing is known any more */
	smtp_partials_add(p, &k, digest, SLICE("b@y.test\n"));
	cr_expect_not(smtp_partials_match(p, &k, slice_of(two, sizeof two)));
	cr_expect_not(smtp_partials_has(p, &k, SLICE("b@y.test")));
	/* for an hour */
	smtp_partials_add(p, &k, digest, SLICE("b@y.test\n"));
	clock_fake_advance(SMTP_PARTIAL_MS - 1);
	cr_expect(smtp_partials_has(p, &k, SLICE("b@y.test")));
	clock_fake_advance(1);
	cr_expect_not(smtp_partials_has(p, &k, SLICE("b@y.test")));
	smtp_partials_free(p);
	clock_real();
}

Test(route, the_oldest_is_forgotten)
{
	static const char one[DIGEST_OCTETS] = "one";
	struct smtp_partials *p = smtp_partials_new();
	char sender[32];

	clock_fake(1000, 1000);
	for (unsigned i = 0; i <= SMTP_PARTIALS_MAX; i++) {
		struct smtp_partial_key k;

		snprintf(sender, sizeof sender, "s%u@x.test", i);
		k = key("192.0.2.1", sender, 1);
		smtp_partials_add(p, &k, slice_of(one, sizeof one), SLICE("b@y.test\n"));
		clock_fake_advance(1);
	}
	for (unsigned i = 0; i <= SMTP_PARTIALS_MAX; i++) {
		struct smtp_partial_key k;

		snprintf(sender, sizeof sender, "s%u@x.test", i);
		k = key("192.0.2.1", sender, 1);
		cr_expect_eq(smtp_partials_has(p, &k, SLICE("b@y.test")), i > 0, "%u", i);
	}
	smtp_partials_free(p);
	clock_real();
}

Test(route, report)
{
	struct failure_report r = {
		.hostname = SLICE("mail.example.test"), .mid = SLICE("m2"),
		.to = SLICE("bob@example.test"), .envid = SLICE("QQ1"), .about = SLICE("m1"),
		.failures = SLICE("a@x.test 550 5.7.1 No thanks\nb@x.test 552 5.2.2 Full\n"),
	};
	struct buf out = BUF_INIT(FAILURE_REPORT_MAX);

	cr_assert_eq(failure_report_write(&r, &out), ST_OK);
	buf_append_char(&out, '\0');
	cr_expect_not_null(strstr(out.data, "\r\n\r\nReporting-MTA: dns; mail.example.test\r\n"
				  "Original-Envelope-Id: QQ1\r\n\r\n"
				  "Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\n"
				  "Status: 5.7.1\r\n"
				  "Diagnostic-Code: smtp; 550 5.7.1 No thanks\r\n\r\n"
				  "Final-Recipient: rfc822; b@x.test\r\n"), "%s", out.data);
	cr_expect_not_null(strstr(out.data, "  b@x.test: 552 5.2.2 Full\r\n"));
	cr_expect_null(strstr(out.data, "global"));
	out.len = 0;
	r.failures = SLICE("\xc3\xa4@x.test 550 5.7.1 No\n");
	cr_assert_eq(failure_report_write(&r, &out), ST_OK);
	buf_append_char(&out, '\0');
	cr_expect_not_null(strstr(out.data, "message/global-delivery-status"));
	cr_expect_not_null(strstr(out.data, "Final-Recipient: utf-8; \xc3\xa4@x.test"));
	buf_free(&out);
}

static unsigned route_after(struct ways *w, const char *to)
{
	struct config *c = NULL;
	struct smtp_routes *r = NULL;
	struct error err = { 0 };
	unsigned route;
	char text[256];

	snprintf(text, sizeof text, "route lists {\ndomains = {\"lists.test\"}\n"
		 "to = \"%s\"\n}\n", to);
	cr_assert_eq(config_read(slice_str(text), &c, &err), ST_OK, "%s", err.text);
	cr_assert_eq(ways_read(w, c, &r, &err), ST_OK, "%s", err.text);
	route = smtp_routes_find(r, SLICE("a@lists.test"));
	smtp_routes_free(r);
	config_free(c);
	return route;
}

static void ignore(void *context, enum status state)
{
	(void)context;
	(void)state;
}

/* What is known of REQUIRETLS (RFC 8689) belongs to the way of before. */
Test(route, a_server_that_is_reached_another_way)
{
	struct rig rig;
	struct ways w = { .changed = ignore };
	const struct lmtp_client_settings settings = { .hostname = "me" };
	struct config *c = NULL;
	unsigned first;

	rig_init(&rig);
	cr_assert_eq(config_read(SLICE("hostname = a\n"), &c, NULL), ST_OK);
	cr_assert_eq(ways_open(&w, rig.conns, c, &settings), ST_OK);
	config_free(c);
	first = route_after(&w, "lmtps://lists.test:24");
	cr_expect_eq(route_after(&w, "lmtps://other.test:24"), first);
	cr_expect_neq(route_after(&w, "lmtp://lists.test:24"), first);
	cr_expect_eq(route_after(&w, "lmtps://lists.test:24"), first);
	ways_close(&w);
	rig_clear(&rig);
}
