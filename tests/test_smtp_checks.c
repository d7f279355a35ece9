/* The gate of checks (smtpd/check.h), where dialogues do not reach. */
#include "smtpd/session_priv.h"

#include "common/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>

static void no_log(void)
{
	log_open("test", open("/dev/null", O_WRONLY | O_CLOEXEC), false);
}

TestSuite(smtp_checks, .init = no_log);

Test(smtp_checks, postmaster)
{
	static const struct { const char *recipient; bool is_postmaster; } rows[] = {
		{ "postmaster", true }, { "Postmaster", true },
		{ "POSTMASTER@example.org", true },
		{ "postmaster@[192.0.2.1]", true },
		{ "postmaster+x@example.org", false },
		{ "postmaste@example.org", false },
		{ "ann@postmaster", false },
		{ "\"postmaster@x\"@example.org", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(smtp_is_postmaster(slice_str(rows[i].recipient)),
			     rows[i].is_postmaster, "%s", rows[i].recipient);
}

Test(smtp_checks, rows_are_whole)
{
	cr_assert_leq(smtp_checks.count, SMTP_CHECKS_MAX);
	for (size_t i = 0; i < smtp_checks.count; i++) {
		const struct smtp_check *c = &smtp_checks.rows[i];

		cr_expect(c->name && c->is_wanted && c->ask, "row %zu", i);
		cr_expect(c->stages && c->stages < 1u << SMTP_STAGE_COUNT);
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(c->name, smtp_checks.rows[j].name);
	}
}

/* ---- clients that send on ----------------------------------------------------------- */

/* What the session says to all of it: each line is one call. */
static void play(const char *const *calls, struct buf *said)
{
	struct smtp_settings settings = SMTP_SETTINGS_INIT;
	struct smtp_listener listener = { 0 };
	struct peer_info peer = { .address = "192.0.2.1" };
	struct buf in = BUF_INIT(4096);
	struct smtp_counts counts = { 0 };
	struct engine *e;

	settings.watches_pipelining = true;
	settings.checks = &smtp_checks;
	settings.counts = &counts;
	e = smtp_session_new(&settings, &listener, &peer);
	cr_assert(e);
	for (; *calls; calls++) {
		size_t used = 1;

		buf_append_str(&in, *calls);
		while (in.len && used) {
			e->ops->input(e, buf_slice(&in), &used);
			buf_consume(&in, used);
		}
	}
	buf_append(said, buf_slice(&e->out));
	buf_append_char(said, '\0');
	e->ops->free(e);
	buf_free(&in);
}

Test(smtp_checks, ahead)
{
	static const char rcpt[] = "RCPT TO:<a@example.org>\r\n";
	static const struct {
		const char *name, *calls[8];
		bool is_refused;
	} rows[] = {
		{ "in turn", { "EHLO x\r\n", "MAIL FROM:<>\r\n", rcpt }, false },
		{ "behind EHLO", { "EHLO x\r\nMAIL FROM:<>\r\n", rcpt }, true },
		{ "a part of it", { "EHLO x\r\nM", "AIL FROM:<>\r\n", rcpt }, true },
		{ "a group", { "EHLO x\r\n", "MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\n" },
		  false },
		{ "behind RSET and NOOP", { "EHLO x\r\n", "RSET\r\nNOOP\r\n"
		  "MAIL FROM:<>\r\n", rcpt }, false },
		{ "HELO in turn", { "HELO x\r\n", "MAIL FROM:<>\r\n", rcpt }, false },
		{ "behind HELO", { "HELO x\r\nMAIL FROM:<>\r\n", rcpt }, true },
		{ "a group after HELO", { "HELO x\r\n", "RSET\r\nMAIL FROM:<>\r\n",
		  rcpt }, true },
		{ "behind DATA, which is refused", { "EHLO x\r\n",
		  "MAIL FROM:<>\r\nDATA\r\nRSET\r\n", "MAIL FROM:<>\r\n", rcpt },
		  true },
		{ "behind a mistake", { "EHLO x\r\n", "bad\rline\r\n"
		  "MAIL FROM:<>\r\n", rcpt }, false },
		{ "postmaster", { "EHLO x\r\nMAIL FROM:<>\r\n",
		  "RCPT TO:<postmaster>\r\n" }, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf said = BUF_INIT(8192);

		play(rows[i].calls, &said);
		cr_expect_eq(strstr(said.data, "554 5.5.1 You do not wait") != NULL,
			     rows[i].is_refused, "%s: %s", rows[i].name, said.data);
		buf_free(&said);
	}
}
