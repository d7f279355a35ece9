/* What dialogues cannot say: tables walked, limits at many octets, moves. */
#include "smtpd/session_priv.h"
#include "smtpd/trace_headers.h"

#include "common/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static void no_log(void)
{
	log_open("test", open("/dev/null", O_WRONLY | O_CLOEXEC), false);
}

TestSuite(smtp, .init = no_log);

/* ---- replies (RFC 5321 section 4.2, RFC 3463, the registry of RFC 5248) -------- */

/* subject.detail of RFC 3463 and of the registry's later entries. */
static const char *const registered[] = {
	"0.0", "1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8",
	"1.9", "1.10", "2.0", "2.1", "2.2", "2.3", "2.4", "3.0", "3.1", "3.2",
	"3.3", "3.4", "3.5", "3.6", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5",
	"4.6", "4.7", "5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "6.0",
	"6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "6.10",
	"7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8", "7.9",
	"7.10", "7.11", "7.12", "7.13", "7.14", "7.15", "7.16", "7.17", "7.25",
};

static bool is_registered(const char *detail)
{
	for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
		if (strcmp(registered[i], detail) == 0)
			return true;
	return false;
}

Test(smtp, every_reply_is_well_formed)
{
	for (int i = 0; i < SMTP_REPLY_COUNT; i++) {
		const struct smtp_reply_row *row = smtp_reply_row((enum smtp_reply)i);
		struct buf out = BUF_INIT(600);
		unsigned class = row->code / 100;

		cr_expect(class >= 2 && class <= 5, "%u %s", row->code, row->text);
		if (row->enhanced[0]) {
			cr_expect_eq(row->enhanced[0] - '0', (int)class, "%u %s",
				     row->code, row->enhanced);
			cr_expect(is_registered(row->enhanced + 2), "%s",
				  row->enhanced);
		} else {
			cr_expect(row->code == 220 || row->code == 250 ||
				  class == 3, "%u has no code", row->code);
		}
		cr_expect_eq(smtp_reply_append(&out, (enum smtp_reply)i,
					       SLICE("a\r\nb\x80")), ST_OK);
		cr_expect_eq(slice_crlf(buf_slice(&out)), out.len - 2);
		cr_expect_eq(slice_index(buf_slice(&out), '%'), out.len);
		buf_free(&out);
	}
}

Test(smtp, a_reply_line_is_bounded)
{
	struct buf out = BUF_INIT(4096);
	char long_text[2000];

	memset(long_text, 'x', sizeof long_text);
	cr_expect_eq(smtp_reply_line(&out, 550, SLICE("5.1.1"),
				     slice_of(long_text, sizeof long_text), false),
		     ST_OK);
	cr_expect_leq(out.len, 512);
	out.len = 0;
	cr_expect_eq(smtp_reply_append(&out, SMTP_REPLY_PARAMETER_UNKNOWN,
				       slice_of(long_text, sizeof long_text)),
		     ST_OK);
	cr_expect_leq(out.len, 512);
	buf_free(&out);
}

/* ---- trace headers ----------------------------------------------------------------- */

Test(smtp, received_table)
{
	static const struct {
		const char *helo, *address, *tls, *recipient, *line;
		bool esmtp, utf8, login;
		const char *name;
	} rows[] = {
		{ "a.example", "192.0.2.1", NULL, "",
		  "from a.example ([192.0.2.1])\r\n\tby mx with SMTP\r\n\tid m1; ",
		  false, false, false, NULL },
		{ "[192.0.2.1]", "192.0.2.1", NULL, "x@y.z",
		  "from [192.0.2.1] ([192.0.2.1])\r\n\tby mx with ESMTP\r\n"
		  "\tid m1\r\n\tfor <x@y.z>; ", true, false, false, NULL },
		{ "(evil", "2001:db8::1", "TLSv1.2", "",
		  "from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n\tby mx with "
		  "ESMTPSA (TLSv1.2 C)\r\n\tid m1; ", true, false, true, NULL },
		{ "a.example", "fe80::1%eth0", NULL, "",
		  "from a.example ([IPv6:fe80::1])\r\n\tby mx with UTF8SMTPA\r\n"
		  "\tid m1; ", true, true, true, NULL },
		{ "a.example", "", "TLSv1.3", "",
		  "from a.example\r\n\tby mx with UTF8SMTPS (TLSv1.3 C)\r\n"
		  "\tid m1; ", true, true, false, NULL },
		{ "a.example", "192.0.2.1", NULL, "",
		  "from a.example (mx1.example.net [192.0.2.1])\r\n\tby mx with ESMTP"
		  "\r\n\tid m1; ", true, false, false, "mx1.example.net" },
		{ "(evil", "", NULL, "",
		  "from localhost\r\n\tby mx with ESMTP\r\n\tid m1; ",
		  true, false, false, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct peer_info peer = { .tls_version = rows[i].tls,
					  .tls_cipher = "C" };
		struct smtp_trace trace = {
			.peer = &peer, .address = slice_str(rows[i].address),
			.helo = slice_str(rows[i].helo),
			.name = slice_str(rows[i].name),
			.hostname = SLICE("mx"), .mid = SLICE("m1"),
			.recipient = slice_str(rows[i].recipient),
			.is_esmtp = rows[i].esmtp, .is_utf8 = rows[i].utf8,
			.is_authenticated = rows[i].login,
			.seconds = 1795504127, .zone = -90,
		};
		struct buf out = BUF_INIT(1000), wanted = BUF_INIT(1000);

		buf_append_str(&wanted, "Received: ");
		buf_append_str(&wanted, rows[i].line);
		buf_append_str(&wanted, "Tue, 24 Nov 2026 05:38:47 -0130\r\n");
		cr_expect_eq(smtp_trace_received(&trace, &out), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), buf_slice(&wanted)),
			  "%zu: %.*s", i, SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
		buf_free(&wanted);
	}
}

/* ---- a session by hand ----------------------------------------------------------------- */

struct by_hand {
	struct smtp_settings settings;
	struct smtp_listener listener;
	struct peer_info peer;
	struct engine *engine;
	struct buf in;
	enum want want;
};

static struct by_hand *open_session(void)
{
	struct by_hand *h = calloc(1, sizeof *h);

	h->settings = (struct smtp_settings)SMTP_SETTINGS_INIT;
	h->settings.errors_end = h->settings.errors_slow = 0;
	h->engine = smtp_session_new(&h->settings, &h->listener, &h->peer);
	h->in.max = (size_t)1 << 30;
	cr_assert_not_null(h->engine);
	return h;
}

static void close_session(struct by_hand *h)
{
	h->engine->ops->free(h->engine);
	buf_free(&h->in);
	free(h);
}

/* Sends text and gives what was said to it. */
static struct slice say(struct by_hand *h, struct slice text)
{
	size_t used = 1;

	h->engine->out.len = 0;
	h->engine->ops->drained(h->engine);
	buf_append(&h->in, text);
	h->want = WANT_INPUT;
	while (h->want == WANT_INPUT && h->in.len && used) {
		h->want = h->engine->ops->input(h->engine, buf_slice(&h->in), &used);
		buf_consume(&h->in, used);
	}
	return buf_slice(&h->engine->out);
}

static void answer(struct by_hand *h, unsigned code, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };
	struct ipc_frame frame;
	struct slice asked = buf_slice(&h->engine->requests);
	size_t used;

	cr_assert_eq(ipc_frame_next(asked, &frame, &used), ST_OK);
	m.lmtp_reply.code = code;
	m.lmtp_reply.enhanced = SLICE("2.0.0");
	m.lmtp_reply.text = SLICE("x");
	h->want = h->engine->ops->reply(h->engine, frame.id, &m, last);
}

/* Up to the 354. */
static void begin_data(struct by_hand *h)
{
	say(h, SLICE("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\n"));
	answer(h, 250, false);
	answer(h, 250, false);
	cr_assert(slice_starts(say(h, SLICE("DATA\r\n")), SLICE("354 ")));
	h->engine->requests.len = 0;
}

static struct slice fill(struct buf *b, const char *head, char c, size_t total,
			 const char *tail)
{
	b->len = 0;
	buf_append_str(b, head);
	while (b->len + strlen(tail) < total)
		buf_append_char(b, c);
	buf_append_str(b, tail);
	return buf_slice(b);
}

Test(smtp, command_lines_have_a_limit)
{
	struct by_hand *h = open_session();
	struct buf b = BUF_INIT(100000);

	cr_expect(slice_starts(say(h, fill(&b, "NOOP ", 'x', 2048, "\r\n")),
			       SLICE("250 ")));
	cr_expect(slice_eq(say(h, fill(&b, "NOOP ", 'x', 2049, "\r\n")),
			   SLICE("500 5.5.2 Line too long: at most 2048 octets\r\n")));
	cr_expect(slice_eq(say(h, fill(&b, "NOOP ", 'x', 70000, "\r\nNOOP\r\n")),
			   SLICE("500 5.5.2 Line too long: at most 2048 octets\r\n"
				 "250 2.0.0 Ok\r\n")));
	buf_free(&b);
	close_session(h);
}

Test(smtp, auth_lines_have_a_limit)
{
	struct by_hand *h = open_session();
	struct buf b = BUF_INIT(100000);

	h->listener.has_auth = h->peer.is_secure = true;
	say(h, SLICE("EHLO x\r\n"));
	cr_expect(slice_eq(say(h, fill(&b, "AUTH PLAIN ", '!', 12288, "\r\n")),
			   SLICE("501 5.5.2 Cannot decode this base64\r\n")));
	cr_expect(slice_eq(say(h, fill(&b, "AUTH PLAIN ", '!', 12289, "\r\n")),
		SLICE("500 5.5.6 Line too long: at most 12288 octets\r\n")));
	cr_expect(slice_eq(say(h, SLICE("AUTH PLAIN\r\n")), SLICE("334 \r\n")));
	cr_expect(slice_eq(say(h, fill(&b, "", '!', 12288, "\r\n")),
			   SLICE("501 5.5.2 Cannot decode this base64\r\n")));
	cr_expect(slice_eq(say(h, SLICE("AUTH PLAIN\r\n")), SLICE("334 \r\n")));
	cr_expect(slice_eq(say(h, fill(&b, "", '!', 12295, "\r\nNOOP\r\n")),
		SLICE("500 5.5.6 Line too long: at most 12288 octets\r\n"
		      "250 2.0.0 Ok\r\n")));
	buf_free(&b);
	close_session(h);
}

Test(smtp, text_lines_have_a_limit)
{
	static const struct { size_t limit, line; bool fits; } rows[] = {
		{ 65536, 65536, true }, { 65536, 65537, false },
		{ 1000, 1000, true }, { 1000, 1001, false },
		{ 32768, 32769, false }, { 65536, 200000, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct by_hand *h = open_session();
		struct buf b = BUF_INIT(300000);
		struct slice reply;

		h->settings.text_line_octets = rows[i].limit;
		begin_data(h);
		say(h, SLICE("Subject: x\r\n\r\n"));
		say(h, fill(&b, "", 'x', rows[i].line, "\r\n"));
		reply = say(h, SLICE("short\r\n.\r\n"));
		if (rows[i].fits)
			cr_expect_eq(reply.len, 0, "row %zu", i);
		else
			cr_expect(slice_starts(reply, SLICE("550 5.6.0 ")),
				  "row %zu: %.*s", i, SLICE_ARG(reply));
		buf_free(&b);
		close_session(h);
	}
}

/* Only CRLF "." CRLF ends the data (hostile.md). `ends`: a reply comes, which is
 * then the refusal; what stands behind the true end is obeyed, nothing before. */
Test(smtp, smuggling)
{
	static const char after[] = "MAIL FROM:<evil@x.y>\r\nRCPT TO:<z@b.c>\r\n";
	static const char *const ends[] = {
		"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\n.\r",
		"\r.\r\n", "\r.\n", "\r\n.\0\r\n", "\r\n\0.\r\n", "\n\n.\r\n",
	};
	static const size_t lengths[] = { 3, 4, 3, 4, 4, 3, 4, 3, 6, 6, 5 };

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct by_hand *h = open_session();
		struct slice reply;

		begin_data(h);
		say(h, SLICE("Subject: x\r\n\r\nbody"));
		say(h, slice_of(ends[i], lengths[i]));
		reply = say(h, slice_str(after));
		cr_expect_eq(reply.len, 0, "%zu: %.*s", i, SLICE_ARG(reply));
		reply = say(h, SLICE("\r\n.\r\nNOOP\r\n"));
		cr_expect(slice_eq(reply, SLICE("554 5.6.0 Bare CR or LF, or NUL, "
						"in the message\r\n250 2.0.0 Ok\r\n")),
			  "%zu: %.*s", i, SLICE_ARG(reply));
		close_session(h);
	}
}

/* A backend that acknowledges nothing stops the reading. */
Test(smtp, data_without_credit_stops)
{
	struct by_hand *h = open_session();
	struct buf b = BUF_INIT(1 << 20);
	struct ipc_message credit = { .type = IPC_TYPE_CREDIT };
	struct ipc_frame frame;
	size_t used, before;

	begin_data(h);
	say(h, fill(&b, "", 'x', 60, "\r\n"));
	b.len = 0;
	while (b.len < 600000)
		buf_append_str(&b, "0123456789012345678901234567890123456789\r\n");
	say(h, buf_slice(&b));
	cr_expect_eq(h->want, WANT_ANSWER);
	cr_expect_geq(h->in.len, 600000 - SMTP_DATA_UNACKNOWLEDGED - 65536);
	cr_expect_leq(h->engine->requests.len,
		      SMTP_DATA_UNACKNOWLEDGED + IPC_PIECE_MAX);
	cr_assert_eq(ipc_frame_next(buf_slice(&h->engine->requests), &frame, &used),
		     ST_OK);
	before = h->in.len;
	credit.credit.octets = SMTP_DATA_UNACKNOWLEDGED;
	cr_expect_eq(h->engine->ops->reply(h->engine, frame.id, &credit, false),
		     WANT_INPUT);
	say(h, SLICE_EMPTY);
	cr_expect_lt(h->in.len, before);
	cr_expect_eq(h->want, WANT_ANSWER);
	buf_free(&b);
	close_session(h);
}

/* A client that sends NOOP for ever and reads nothing costs a bounded buffer. */
Test(smtp, replies_that_are_not_read_stop_the_reading)
{
	struct by_hand *h = open_session();
	struct buf b = BUF_INIT(1 << 20);

	while (b.len < 900000)
		buf_append_str(&b, "NOOP\r\n");
	say(h, buf_slice(&b));
	cr_expect_eq(h->want, WANT_ANSWER);
	cr_expect_leq(h->engine->out.len, ENGINE_OUT_HIGH + SMTP_REPLIES_MAX);
	cr_expect_gt(h->in.len, 0);
	while (h->in.len)
		say(h, SLICE_EMPTY);
	cr_expect_neq(h->want, WANT_CLOSE);
	buf_free(&b);
	close_session(h);
}

Test(smtp, commands_are_whole_rows)
{
	for (size_t i = 0; i < smtp_command_count; i++) {
		const struct smtp_command *c = &smtp_commands[i];

		cr_expect_eq(smtp_command_find(slice_str(c->name)), c);
		cr_expect(c->run && c->states && c->usage, "%s", c->name);
		cr_expect(slice_starts(slice_str(c->usage), slice_str(c->name)));
	}
}
