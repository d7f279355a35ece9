/* Client certificates that log in (SASL EXTERNAL), as mailboxd's sessions answer. */
#include "tests/support/login_world.h"

#include <criterion/criterion.h>

/* Two keys, as digests and as the verbs write them. */
#define ANNS	"0123456789abcdef0123456789abcdef"
#define ANNS_HEX	"3031323334353637383961626364656630313233343536373839616263646566"
#define OTHER	"zyxwvutsrqponmlkjihgfedcba987654"

static const struct {
	const char *name, *key, *identity, *service;
	uint32_t secure;
	bool is_good;
} rows[] = {
	{ "no identity",	ANNS,	"",			"imap", 1, true },
	{ "its own",		ANNS,	"ann@example.test",	"imap", 1, true },
	{ "in another case",	ANNS,	"Ann@EXAMPLE.test",	"imap", 1, true },
	{ "bare",		ANNS,	"ann",			"imap", 1, true },
	{ "by SMTP",		ANNS,	"",			"smtp", 1, true },
	{ "out of scope",	ANNS,	"",			"pop3", 1, false },
	{ "somebody else",	ANNS,	"bob@example.test",	"imap", 1, false },
	{ "her detail",		ANNS,	"ann+x@example.test",	"imap", 1, false },
	{ "nobody",		ANNS,	"zoe@example.test",	"imap", 1, false },
	{ "control octets",	ANNS,	"ann\x01",		"imap", 1, false },
	{ "unbound",		OTHER,	"",			"imap", 1, false },
	{ "unbound, an identity", OTHER, "ann@example.test",	"imap", 1, false },
	{ "no certificate",	"",	"ann@example.test",	"imap", 1, false },
	{ "half a digest",	"0123456789abcdef", "",		"imap", 1, false },
	{ "no TLS",		ANNS,	"",			"imap", 0, false },
};

static bool can_external(struct world w, const char *key, const char *identity,
			 const char *service, uint32_t secure)
{
	struct store_link *l = store_link_new(w.b, strcmp(service, "smtp") == 0
					      ? SESSION_AUTH : SESSION_STORE);
	struct ipc_message m = { .type = IPC_TYPE_AUTH };
	struct answer *a;
	bool is_good;

	m.auth = (struct ipc_auth){
		.mechanism = SLICE("EXTERNAL"), .service = slice_str(service),
		.sid = SLICE("s06h0p5uvn9s6p4dhfjgd"), .address = SLICE("192.0.2.1"),
		.secure = secure, .response = slice_str(identity),
		.certificate = slice_str(key),
	};
	a = ask(l, 1, &m);
	is_good = a->messages[a->count - 1].type == IPC_TYPE_AUTH_OK;
	if (!is_good)
		cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	store_link_free(l);
	return is_good;
}

Test(login_external, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w = login_begin_world();

		do_control(w, "certificate add", "ann@example.test " ANNS_HEX
			   " CN=ann scopes=smtp,imap");
		cr_expect_eq(can_external(w, rows[i].key, rows[i].identity,
					  rows[i].service, rows[i].secure),
			     rows[i].is_good, "%s", rows[i].name);
		login_end_world(w);
	}
}

/* What is bound and unbound; a disabled account; one that is gone. */
Test(login_external, verbs)
{
	struct world w = login_begin_world();
	struct answer *a;

	do_control(w, "certificate add", "ann@example.test " ANNS_HEX);
	a = control(w.control, "certificate add", "bob@example.test " ANNS_HEX);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_EXISTS);
	answer_clear(a);
	a = control(w.control, "certificate add", "ann@example.test 0123");
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_SYNTAX);
	answer_clear(a);
	a = control(w.control, "certificate list", "ann@example.test");
	cr_expect_eq(last(a, IPC_TYPE_DONE)->done.value, 1u);
	answer_clear(a);
	/* it is no password */
	a = control(w.control, "password list", "ann@example.test");
	cr_expect_eq(last(a, IPC_TYPE_DONE)->done.value, 0u);
	answer_clear(a);
	cr_expect_not(can_log_in(w, "ann@example.test", "", "imap"));
	a = control(w.control, "certificate rm", "bob@example.test " ANNS_HEX);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_NOT_FOUND);
	answer_clear(a);
	do_control(w, "user disable", "ann@example.test");
	cr_expect_not(can_external(w, ANNS, "", "imap", 1));
	do_control(w, "user enable", "ann@example.test");
	cr_expect(can_external(w, ANNS, "", "imap", 1));
	do_control(w, "certificate rm", "ann@example.test " ANNS_HEX);
	cr_expect_not(can_external(w, ANNS, "", "imap", 1));
	do_control(w, "certificate add", "bob@example.test " ANNS_HEX);
	cr_expect(can_external(w, ANNS, "bob@example.test", "imap", 1));
	do_control(w, "user rm", "bob@example.test");
	cr_expect_not(can_external(w, ANNS, "", "imap", 1));
	login_end_world(w);
}

/* The key stays when the password changes, and the other way round. */
Test(login_external, passwords_are_apart)
{
	struct world w = login_begin_world();

	do_control(w, "certificate add", "ann@example.test " ANNS_HEX);
	do_control(w, "user passwd", "ann@example.test another");
	cr_expect(can_external(w, ANNS, "", "imap", 1));
	do_control(w, "certificate rm", "ann@example.test " ANNS_HEX);
	cr_expect(can_log_in(w, "ann@example.test", "another", "imap"));
	login_end_world(w);
}
