#include "mailboxd/fronts.h"

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "tests/support/store_backend.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SID(n) "s06h0p5uvn9s6p4dhfj" #n "0"

static enum status event(struct store_link *l, const struct ipc_message *m,
			 struct buf *out)
{
	struct buf frame = BUF_INIT(IPC_FRAME_MAX);
	enum status st;

	cr_assert_eq(ipc_encode(&frame, 0, IPC_EVENT, m), ST_OK);
	st = store_link_feed(l, buf_slice(&frame), out);
	buf_free(&frame);
	return st;
}

static enum status tell(struct store_link *l, const char *sid,
			const char *service, uint64_t account,
			const char *login)
{
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_SESSION };
	struct buf out = BUF_INIT(1 << 20);
	enum status st;

	m.service_session = (struct ipc_service_session){
		.sid = slice_str(sid), .service = slice_str(service),
		.door = SLICE("submission"), .address = SLICE("192.0.2.1"),
		.tls = SLICE("TLSv1.3"), .login = slice_str(login),
		.account = account, .since = 1,
	};
	st = event(l, &m, &out);
	buf_free(&out);
	return st;
}

struct seen {
	char text[1024];
};

static void note(void *arg, const struct front_session *s)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof seen->text - len, "%s %s %s %s;",
		 s->sid, s->service, s->address, s->login);
}

static void expect_sessions(struct store_backend *b, const char *text)
{
	struct seen seen = { "" };

	fronts_each(store_backend_service(b)->fronts, note, &seen);
	cr_expect_str_eq(seen.text, text);
}

static void note_figure(void *arg, struct slice daemon, struct slice name,
			uint64_t value)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof seen->text - len, "%.*s.%.*s=%llu;",
		 SLICE_ARG(daemon), SLICE_ARG(name), (unsigned long long)value);
}

static void tell_figures(struct store_link *l, const char *name,
			 const char *value)
{
	struct ipc_message m = { .type = IPC_TYPE_COUNTERS };
	struct buf cells = BUF_INIT(256), out = BUF_INIT(1 << 20);

	ipc_list_append(&cells, slice_str(name));
	ipc_list_append(&cells, slice_str(value));
	m.counters.daemon = SLICE("whoever");
	m.counters.cells = buf_slice(&cells);
	cr_expect_eq(event(l, &m, &out), ST_OK);
	buf_free(&cells);
	buf_free(&out);
}

/* The kicks in what a daemon was sent. */
static unsigned kicks(const struct buf *out, uint64_t *account,
		      struct slice *sid)
{
	struct slice rest = buf_slice(out);
	struct ipc_frame frame;
	struct ipc_message m;
	unsigned count = 0;
	size_t used;

	while (ipc_frame_next(rest, &frame, &used) == ST_OK) {
		rest = slice_from(rest, used);
		cr_assert_eq(ipc_decode(&frame, &m), ST_OK);
		if (m.type != IPC_TYPE_SERVICE_KICK)
			continue;
		cr_expect_eq(frame.flags, IPC_EVENT);
		*account = m.service_kick.account;
		*sid = m.service_kick.sid;
		count++;
	}
	return count;
}

Test(fronts, sessions_come_and_go)
{
	struct store_backend *b = store_backend_new(false);
	struct store_link *smtpd = store_link_new_service(b, SESSION_AUTH, "smtpd");
	struct store_link *imapd = store_link_new_service(b, SESSION_STORE, "imapd");
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_END };
	struct buf out = BUF_INIT(1 << 20);

	cr_expect_eq(tell(smtpd, SID(a), "smtp", 0, ""), ST_OK);
	expect_sessions(b, SID(a) " smtp 192.0.2.1 ;");
	cr_expect_eq(tell(smtpd, SID(a), "smtp", 7, "ann@example.test"), ST_OK);
	expect_sessions(b, SID(a) " smtp 192.0.2.1 ann@example.test;");
	/* once it is logged in, an IMAP session is seen on store.sock */
	cr_expect_eq(tell(imapd, SID(b), "imap", 0, ""), ST_OK);
	expect_sessions(b, SID(b) " imap 192.0.2.1 ;"
			   SID(a) " smtp 192.0.2.1 ann@example.test;");
	cr_expect_eq(tell(imapd, SID(b), "imap", 7, "ann@example.test"), ST_OK);
	expect_sessions(b, SID(a) " smtp 192.0.2.1 ann@example.test;");
	/* what another daemon tells of is none of its business */
	m.service_end.sid = SLICE(SID(a));
	cr_expect_eq(event(imapd, &m, &out), ST_OK);
	expect_sessions(b, SID(a) " smtp 192.0.2.1 ann@example.test;");
	cr_expect_eq(event(smtpd, &m, &out), ST_OK);
	expect_sessions(b, "");
	cr_expect_eq(tell(smtpd, SID(c), "smtp", 0, ""), ST_OK);
	cr_expect_eq(tell(imapd, SID(c), "imap", 0, ""), ST_SYNTAX);
	store_link_free(imapd);
	expect_sessions(b, SID(c) " smtp 192.0.2.1 ;");
	store_link_free(smtpd);
	expect_sessions(b, "");
	buf_free(&out);
	store_backend_free(b);
}

static unsigned kick(struct service *s, uint64_t account, const char *sid)
{
	return service_kick(s, &(struct ipc_service_kick){
		account, 0, slice_str(sid), SLICE("gone") });
}

Test(fronts, kicks_go_to_all)
{
	struct store_backend *b = store_backend_new(false);
	struct store_link *smtpd = store_link_new_service(b, SESSION_AUTH, "smtpd");
	struct store_link *imapd = store_link_new_service(b, SESSION_STORE, "imapd");
	struct service *s = store_backend_service(b);
	struct buf out = BUF_INIT(1 << 20);
	uint64_t account = 0;
	struct slice sid;

	cr_expect_eq(tell(smtpd, SID(a), "smtp", 7, "ann@example.test"), ST_OK);
	cr_expect_eq(tell(smtpd, SID(b), "smtp", 7, "ann@example.test"), ST_OK);
	cr_expect_eq(tell(smtpd, SID(c), "smtp", 8, "bob@example.test"), ST_OK);
	cr_expect_eq(tell(imapd, SID(d), "imap", 7, "ann@example.test"), ST_OK);
	cr_expect_eq(tell(imapd, SID(e), "imap", 0, ""), ST_OK);
	cr_expect_eq(kick(s, 7, ""), 2u);
	store_link_feed(smtpd, SLICE_EMPTY, &out);
	cr_expect_eq(kicks(&out, &account, &sid), 1u);
	cr_expect_eq(account, 7u);
	cr_expect_eq(sid.len, 0u);
	out.len = 0;
	store_link_feed(imapd, SLICE_EMPTY, &out);
	cr_expect_eq(kicks(&out, &account, &sid), 1u);
	out.len = 0;
	cr_expect_eq(kick(s, 0, SID(e)), 1u);
	store_link_feed(imapd, SLICE_EMPTY, &out);
	cr_expect_eq(kicks(&out, &account, &sid), 1u);
	cr_expect(slice_eq(sid, SLICE(SID(e))));
	/* nobody is named: all that is not seen on store.sock */
	cr_expect_eq(kick(s, 0, ""), 4u);
	buf_free(&out);
	store_link_free(smtpd);
	store_link_free(imapd);
	store_backend_free(b);
}

Test(fronts, figures_of_workers_are_added)
{
	struct store_backend *b = store_backend_new(false);
	struct store_link *one = store_link_new_service(b, SESSION_AUTH, "smtpd");
	struct store_link *two = store_link_new_service(b, SESSION_AUTH, "smtpd");
	struct store_link *pop = store_link_new_service(b, SESSION_STORE, "popd");
	struct seen seen = { "" };

	tell_figures(one, "sessions", "1");
	tell_figures(one, "sessions", "3");	/* the new figure, not another */
	tell_figures(two, "sessions", "4");
	tell_figures(pop, "logins", "5");
	fronts_figures(store_backend_service(b)->fronts, note_figure, &seen);
	cr_expect_str_eq(seen.text, "popd.logins=5;smtpd.sessions=7;");
	store_link_free(one);
	store_link_free(two);
	store_link_free(pop);
	store_backend_free(b);
}

static const struct { const char *name, *frame; size_t octets; } strange[] = {
	{ "a request", "\4\0\0\0\x20\0\0\0\1\0\0\0\0\0\0\0", 16 },
	{ "a kick", "\0\0\0\0\xa2\0\2\0\0\0\0\0", 12 },
	{ "an event with an id", "\4\0\0\0\xa1\0\2\0\1\0\0\0\0\0\0\0", 16 },
	{ "a sid that is none", "\4\0\0\0\xa0\0\2\0\0\0\0\0\0\0\0\0", 16 },
	{ "a second HELLO", "\0\0\0\0\1\0\2\0\0\0\0\0", 12 },
};

Test(fronts, what_is_strange_is_dropped)
{
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		struct store_backend *b = store_backend_new(false);
		struct store_link *l = store_link_new_service(b, SESSION_AUTH,
							      "smtpd");
		struct buf out = BUF_INIT(1 << 20);

		cr_expect_eq(tell(l, SID(a), "smtp", 0, ""), ST_OK);
		cr_expect_eq(store_link_feed(l, slice_of(strange[i].frame,
							 strange[i].octets),
					     &out), ST_SYNTAX,
			     "%s", strange[i].name);
		buf_free(&out);
		store_link_free(l);
		expect_sessions(b, "");
		store_backend_free(b);
	}
}

Test(fronts, not_on_the_control_socket)
{
	struct store_backend *b = store_backend_new(false);
	struct store_link *l = store_link_new_service(b, SESSION_CONTROL, "me");
	struct buf out = BUF_INIT(1 << 20);

	cr_expect_eq(store_link_feed(l, SLICE_EMPTY, &out), ST_SYNTAX);
	buf_free(&out);
	store_link_free(l);
	store_backend_free(b);
}

/* What was revoked while a daemon could not be reached is told when it can. */
Test(fronts, revoked_is_told_to_who_joins)
{
	struct store_backend *b = store_backend_new(false);
	struct service *s = store_backend_service(b);
	const struct ipc_service_kick k = { 7, 9, SLICE_EMPTY, SLICE("gone") };
	struct store_link *smtpd;
	struct buf out = BUF_INIT(1 << 20);
	uint64_t account = 0;
	struct slice sid;

	clock_fake(1000000, 0);
	service_revoke(s, &k);
	clock_fake(1000000 + FRONTS_REVOKED_MS, 0);
	smtpd = store_link_new_service(b, SESSION_AUTH, "smtpd");
	store_link_feed(smtpd, SLICE_EMPTY, &out);
	cr_expect_eq(kicks(&out, &account, &sid), 1u);
	cr_expect_eq(account, 7u);
	store_link_free(smtpd);
	clock_fake(1000001 + FRONTS_REVOKED_MS, 0);
	out.len = 0;
	smtpd = store_link_new_service(b, SESSION_AUTH, "smtpd");
	store_link_feed(smtpd, SLICE_EMPTY, &out);
	cr_expect_eq(kicks(&out, &account, &sid), 0u);
	store_link_free(smtpd);
	clock_real();
	buf_free(&out);
	store_backend_free(b);
}
