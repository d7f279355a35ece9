#include "common/links.h"

#include <criterion/criterion.h>

static const struct {
	const char *text;
	enum status status;
	enum link_kind kind;
	const char *host;
	unsigned port;
	const char *path;
} rows[] = {
	{ "tls://mail.example.org:4190", ST_OK, LINK_TLS, "mail.example.org", 4190, "" },
	{ "TLS://192.0.2.1:1",		ST_OK, LINK_TLS, "192.0.2.1", 1, "" },
	{ "tcp://[2001:db8::1]:65535",	ST_OK, LINK_TCP, "2001:db8::1", 65535, "" },
	{ "unix:/run/mailman/lmtp.sock", ST_OK, LINK_UNIX, "", 0,
	  "/run/mailman/lmtp.sock" },
	{ "",				ST_SYNTAX, 0, NULL, 0, NULL },
	{ "mail.example.org:24",	ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://",			ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://mail.example.org",	ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://mail.example.org:",	ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://mail.example.org:0",	ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://mail.example.org:65536", ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://:24",			ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://[]:24",		ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://2001:db8::1:24",	ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://[mail.example.org]:24", ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://a b:24",		ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://user@host:24",		ST_SYNTAX, 0, NULL, 0, NULL },
	{ "tls://host:24/",		ST_SYNTAX, 0, NULL, 0, NULL },
	{ "unix:lmtp.sock",		ST_SYNTAX, 0, NULL, 0, NULL },
	{ "unix:",			ST_SYNTAX, 0, NULL, 0, NULL },
};

Test(links, addresses)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct link_address a;
		struct error err = { 0 };
		enum status st = link_address_parse(slice_str(rows[i].text), &a, &err);

		cr_expect_eq(st, rows[i].status, "%s: %s", rows[i].text, status_name(st));
		if (st != ST_OK || rows[i].status != ST_OK)
			continue;
		cr_expect_eq(a.kind, rows[i].kind, "%s", rows[i].text);
		cr_expect_str_eq(a.host, rows[i].host);
		cr_expect_eq(a.port, rows[i].port);
		cr_expect_str_eq(a.path, rows[i].path);
	}
}

Test(links, an_address_has_a_bound)
{
	char text[600] = "tls://";
	struct link_address a;
	struct error err;

	memset(text + 6, 'a', LINK_HOST_MAX);
	strcpy(text + 6 + LINK_HOST_MAX, ":24");
	cr_expect_eq(link_address_parse(slice_str(text), &a, &err), ST_OK);
	memset(text + 6, 'a', LINK_HOST_MAX + 1);
	strcpy(text + 7 + LINK_HOST_MAX, ":24");
	cr_expect_eq(link_address_parse(slice_str(text), &a, &err), ST_SYNTAX);
	strcpy(text, "unix:/");
	memset(text + 6, 'a', LINK_PATH_MAX - 1);
	text[5 + LINK_PATH_MAX] = '\0';
	cr_expect_eq(link_address_parse(slice_str(text), &a, &err), ST_OK);
	strcat(text, "a");
	cr_expect_eq(link_address_parse(slice_str(text), &a, &err), ST_SYNTAX);
}

static struct config *configured(const char *text)
{
	struct config *c = NULL;
	struct error err = { 0 };

	cr_assert_eq(config_read(slice_str(text), &c, &err), ST_OK, "%s", err.text);
	return c;
}

Test(links, rows_of_a_configuration)
{
	struct link_row found[LINK_ROWS_MAX];
	size_t count;
	struct error err = { 0 };
	struct config *c = configured("hostname = a\n");

	cr_expect_eq(links_read(c, found, &count, &err), ST_OK);
	cr_expect_eq(count, 0);
	cr_expect_not(links_has_mailboxd_elsewhere(c));
	cr_expect_not(links_has_door(c));
	config_free(c);

	c = configured("links {\nmailboxd = \"tls://mail.example.org:4190\"\n}\n"
		       "listen between {\nprotocol = link\naddress = {\"*:4190\"}\n}\n");
	cr_assert_eq(links_read(c, found, &count, &err), ST_OK);
	cr_expect(links_has_mailboxd_elsewhere(c));
	cr_expect(links_has_door(c));
	cr_assert_eq(count, 3);
	cr_expect_str_eq(found[0].socket, "lmtp");
	cr_expect_eq(found[0].users, R_SMTPD);
	cr_expect_str_eq(found[2].socket, "store");
	cr_expect_eq(found[2].users, R_POPD | R_IMAPD);
	for (size_t i = 0; i < count; i++) {
		cr_expect(found[i].is_mutual && found[i].is_ours);
		cr_expect_str_eq(found[i].peer, "mail.example.org");
	}
	config_free(c);

	c = configured("links {\nmailboxd = \"tcp://mail.example.org:4190\"\n}\n");
	cr_expect_eq(links_read(c, found, &count, &err), ST_SYNTAX);
	cr_expect_not_null(strstr(err.text, "links.mailboxd"));
	config_free(c);
}
