/*
 * Parameters of MAIL and RCPT on each kind of listener: one that is unknown, or whose
 * extension EHLO did not show, is 555 5.5.4, whatever its value; all others are looked
 * at. And each word that Received may have behind `with`.
 */
#include "common/ipc_codec.h"
#include "smtpd/session_priv.h"
#include "smtpd/trace_headers.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NOT_KNOWN "555 5.5.4 Parameter "

/* IANA's registry of SMTP parameters, and some of nobody; with the word of EHLO that
 * brings each, NULL: none of ours. */
static const struct parameter {
	const char *text, *keyword;
	bool is_rcpt;
} parameters[] = {
	{ "SIZE=100", "SIZE", false },			/* RFC 1870 */
	{ "BODY=8BITMIME", "8BITMIME", false },		/* RFC 6152 */
	{ "SMTPUTF8", "SMTPUTF8", false },		/* RFC 6531 */
	{ "AUTH=<>", "AUTH", false },			/* RFC 4954 */
	{ "RET=HDRS", "DSN", false },			/* RFC 3461 */
	{ "ENVID=x", "DSN", false },
	{ "NOTIFY=NEVER", "DSN", true },
	{ "ORCPT=rfc822;a@b.c", "DSN", true },
	{ "REQUIRETLS", "REQUIRETLS", false },		/* RFC 8689 */
	{ "BY=120;R", "DELIVERBY", false },		/* RFC 2852 */
	{ "MT-PRIORITY=3", "MT-PRIORITY", false },	/* RFC 6710 */
	{ "HOLDFOR=60", "FUTURERELEASE", false },	/* RFC 4865 */
	{ "HOLDUNTIL=2026-12-01T00:00:00Z", "FUTURERELEASE", false },
	{ "SUBMITTER=a@b.c", "SUBMITTER", false },	/* RFC 4405 */
	{ "SOLICIT=org.example", "NO-SOLICITING", false },	/* RFC 3865 */
	{ "MTRK=eA==", "MTRK", false },			/* RFC 3885 */
	{ "CONPERM", "CONPERM", false },		/* RFC 4141 */
	{ "CONNEG", "CONNEG", true },
	{ "RRVS=2026-12-01T00:00:00Z", "RRVS", true },	/* RFC 7293 */
	{ "TRANSID=<x@y>", "CHECKPOINT", false },	/* RFC 1845 */
	{ "XMID=m1", NULL, false },	/* of LMTP between our own */
	{ "XFOO", NULL, false },
	{ "XFOO=1", NULL, true },
	{ "SIZES=1", NULL, false },
	{ "=", NULL, false },
	{ "NOTIFY=NEVER", NULL, false },	/* the other command's */
	{ "SIZE=1", NULL, true },
};

static const struct kind {
	const char *name;
	struct smtp_listener listener;
	bool is_secure, is_trusted, has_helo;
} kinds[] = {
	{ "smtp", { .has_starttls = true }, false, false, false },
	{ "smtp in TLS", { .has_starttls = true }, true, false, false },
	{ "smtp, HELO", { .has_starttls = true }, false, false, true },
	{ "submission", { .has_auth = true, .tls_required = true, .has_starttls = true },
	  true, false, false },
	{ "submission in clear", { .has_auth = true }, false, false, false },
	{ "a proxy", { .xclient = true }, false, true, false },
};

struct by_hand {
	struct smtp_settings settings;
	struct peer_info peer;
	struct engine *engine;
	char shown[2048];	/* what EHLO said */
};

/* Sends a line and gives what was said to it. */
static const char *say(struct by_hand *h, const char *line)
{
	static char said[2048];
	char text[512];
	size_t used;

	h->engine->out.len = 0;
	snprintf(text, sizeof text, "%s\r\n", line);
	h->engine->ops->input(h->engine, slice_str(text), &used);
	cr_expect_eq(used, strlen(text), "%s", line);
	snprintf(said, sizeof said, "%.*s", SLICE_ARG(buf_slice(&h->engine->out)));
	return said;
}

static void log_in(struct by_hand *h)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH_OK };
	struct ipc_frame frame;
	size_t used;

	say(h, "AUTH PLAIN AGFubgBzZWNyZXQ=");
	cr_assert_eq(ipc_frame_next(buf_slice(&h->engine->requests), &frame, &used),
		     ST_OK);
	m.auth_ok.account = 1;
	m.auth_ok.login = SLICE("ann@example.test");
	h->engine->ops->reply(h->engine, frame.id, &m, true);
	h->engine->requests.len = 0;
}

static struct by_hand begin(const struct kind *k)
{
	struct by_hand h = { .settings = SMTP_SETTINGS_INIT };

	h.settings.errors_end = h.settings.errors_slow = 0;
	h.peer = (struct peer_info){ .address = "192.0.2.1",
				     .is_secure = k->is_secure,
				     .is_trusted = k->is_trusted };
	return h;
}

static bool is_shown(const struct by_hand *h, const char *keyword)
{
	char word[64];
	const char *at;

	if (!keyword)
		return false;
	snprintf(word, sizeof word, "250-%s", keyword);
	at = strstr(h->shown, word);
	return at && strchr(" \r", at[strlen(word)]);
}

static void try_parameter(struct by_hand *h, const struct kind *k,
			  const struct parameter *p)
{
	char line[256];
	const char *said;

	if (p->is_rcpt)
		cr_assert(strncmp(say(h, "MAIL FROM:<>"), "250 ", 4) == 0, "%s", k->name);
	snprintf(line, sizeof line, "%s:<%s> %s", p->is_rcpt ? "RCPT TO" : "MAIL FROM",
		 p->is_rcpt ? "a@b.c" : "", p->text);
	said = say(h, line);
	cr_expect(is_shown(h, p->keyword) ==
		  (strncmp(said, NOT_KNOWN, strlen(NOT_KNOWN)) != 0),
		  "%s, %s: %s", k->name, line, said);
}

Test(smtp_params, each_listener)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t n = 0; n < sizeof parameters / sizeof *parameters; n++) {
			struct by_hand h = begin(&kinds[i]);

			h.engine = smtp_session_new(&h.settings, &kinds[i].listener,
						    &h.peer);
			cr_assert_not_null(h.engine);
			snprintf(h.shown, sizeof h.shown, "%s",
				 say(&h, kinds[i].has_helo ? "HELO x" : "EHLO x"));
			if (kinds[i].listener.has_auth)
				log_in(&h);
			try_parameter(&h, &kinds[i], &parameters[n]);
			h.engine->ops->free(h.engine);
		}
}

/* ---- RFC 3848 and RFC 6531 section 4.3 ------------------------------------------------ */

static const struct { bool esmtp, utf8, tls, auth; const char *word; } words[] = {
	{ false, false, false, false, "SMTP" },
	{ false, false, true,  false, "SMTP" },	/* there is no word for it */
	{ true,  false, false, false, "ESMTP" },
	{ true,  false, false, true,  "ESMTPA" },
	{ true,  false, true,  false, "ESMTPS" },
	{ true,  false, true,  true,  "ESMTPSA" },
	{ true,  true,  false, false, "UTF8SMTP" },
	{ true,  true,  false, true,  "UTF8SMTPA" },
	{ true,  true,  true,  false, "UTF8SMTPS" },
	{ true,  true,  true,  true,  "UTF8SMTPSA" },
};

Test(smtp_params, with_words)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct peer_info peer = {
			.tls_version = words[i].tls ? "TLSv1.3" : NULL,
			.tls_cipher = words[i].tls ? "TLS_AES_256_GCM_SHA384" : NULL,
		};
		struct smtp_trace trace = {
			.peer = &peer, .address = SLICE("192.0.2.1"),
			.helo = SLICE("a.example"), .hostname = SLICE("mx.example"),
			.mid = SLICE("m1"), .recipient = SLICE("x@y.z"),
			.is_esmtp = words[i].esmtp, .is_utf8 = words[i].utf8,
			.is_authenticated = words[i].auth, .seconds = 1795504127,
		};
		struct buf out = BUF_INIT(1000);
		char wanted[400];

		snprintf(wanted, sizeof wanted,
			 "Received: from a.example ([192.0.2.1])\r\n\tby mx.example with %s"
			 "%s\r\n\tid m1\r\n\tfor <x@y.z>; "
			 "Tue, 24 Nov 2026 07:08:47 +0000\r\n", words[i].word,
			 words[i].tls ? " (TLSv1.3 TLS_AES_256_GCM_SHA384)" : "");
		cr_expect_eq(smtp_trace_received(&trace, &out), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), slice_str(wanted)), "%.*s",
			  SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
	}
}
