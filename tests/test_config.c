#include "common/config.h"
#include "common/nearest.h"
#include "common/units.h"

#include <criterion/criterion.h>

static enum status parse(const char *text, enum profile profile,
			 const char *const *sets, struct config **c,
			 struct buf *mistakes)
{
	struct config_source source = {
		.name = "file", .text = slice_str(text), .profile = profile,
		.sets = sets,
	};

	while (sets && sets[source.set_count])
		source.set_count++;
	return config_parse(&source, c, mistakes);
}

static const struct { const char *name, *text, *mistakes; } wrong[] = {
	{ "unknown option, near", "limits { mesage = 1MB }\n",
	  "file:1: there is no option \"mesage\" in limits; did you mean "
	  "\"message\"?\n" },
	{ "unknown section", "\n\nlimit {\n a = 1\n}\nlogg = x\n",
	  "file:3: there is no option \"limit\" in the top level; did you mean "
	  "\"limits\"?\nfile:6: there is no option \"logg\" in the top level; did you "
	  "mean \"log\"?\n" },
	{ "in the wrong place", "message = 1MB\n",
	  "file:1: there is no option \"message\" in the top level; it belongs into "
	  "limits\n" },
	{ "size", "# one\n# two\nlimits { message = 50XB }\n",
	  "file:3: limits.message = \"50XB\" is not right: a size is digits and B, KB, "
	  "MB, GB or TB, such as 50MB\n" },
	{ "bounds", "limits { message = 1KB }\n",
	  "file:1: limits.message = \"1KB\" is not right: it is from 64KB to "
	  "2147483647\n" },
	{ "choice", "quota_reply = temporry\n",
	  "file:1: quota_reply = \"temporry\" is not right: it is one of: permanent "
	  "temporary; did you mean temporary?\n" },
	{ "twice", "log = a\nlog = b\n", "file:2: log is given a second time\n" },
	{ "several in one line",
	  "limits { mesage = 1MB  recipents = 5  mailbox = 1XB }\n",
	  "file:1: there is no option \"mesage\" in limits; did you mean \"message\"?\n"
	  "file:1: there is no option \"recipents\" in limits; did you mean "
	  "\"recipients\"?\n"
	  "file:1: limits.mailbox = \"1XB\" is not right: a size is digits and B, KB, "
	  "MB, GB or TB, such as 50MB\n" },
	{ "brace", "limits {\n message = 1MB\n",
	  "file:1: this brace { is never closed by a }\n" },
	{ "unquoted plus", "domain a.test { catchall = ann+x@a.test }\n",
	  "file:1: \"x@a.test\" is no option of domain; a value with a space or one of "
	  "+ , = { } ( ) # stands in double quotes\n" },
	{ "title", "listen web { address = {\"*:80\"} }\n",
	  "listen web: the title does not say what is spoken: add protocol = smtp, "
	  "submission, pop3 or imap\n" },
	{ "twice the title", "domain a.test { }\ndomain a.test { }\n",
	  "file:2: found duplicate title 'a.test'\n" },
	{ "missing equal sign", "hostname \"a\"\nlogg = 1\n",
	  "file:1: missing equal sign after option 'hostname'\nfile:2: there is no "
	  "option \"logg\" in the top level; did you mean \"log\"?\n" },
	{ "comments move no line",
	  "/* one\n two */\n// x\nhostname = \"a#b\" # c\n# \"\n\nlogg = \"\"\n",
	  "file:7: there is no option \"logg\" in the top level; did you mean "
	  "\"log\"?\n" },
};

Test(config, mistakes)
{
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct buf mistakes = BUF_INIT(10000);
		struct config *c;
		enum status st = parse(wrong[i].text, PROFILE_SERVER, NULL, &c, &mistakes);

		buf_append_char(&mistakes, '\0');
		cr_expect_eq(st, ST_SYNTAX, "%s: %s", wrong[i].name, status_name(st));
		cr_expect_str_eq(mistakes.data, wrong[i].mistakes, "%s:\n%s",
				 wrong[i].name, mistakes.data);
		buf_free(&mistakes);
		config_free(c);
	}
}

static const char sample[] =
	"hostname = \"mail.example.org\"\n"
	"tls { cert = \"/a\" key = \"/b\" }\n"
	"listen smtp { address = {\"*:25\"}  tls = optional }\n"
	"listen imap { address = {\"127.0.0.1:143\", \"[::1]:143\"} }\n"
	"listen inner { address = {\"*:24\"} protocol = submission }\n"
	"domain example.org { separator = \"-\" catchall = ann@example.org }\n"
	"trusted += {\"10.0.0.0/8\"}\n"
	"limits { message = 20MB }\nlimits { recipients = 200 }\n"
	"keep { expunged = 2w }\n";

static const char *const no_sets[] = { NULL };

static void expect_sample(const struct config *c)
{
	struct listen_settings listen;
	size_t at = 9;

	cr_expect_str_eq(config_text(c, OPTION_HOSTNAME), "mail.example.org");
	cr_expect_eq(config_number(c, OPTION_LIMITS_MESSAGE), 20 << 20);
	cr_expect_eq(config_number(c, OPTION_LIMITS_RECIPIENTS), 200);
	cr_expect_eq(config_number(c, OPTION_LIMITS_MAILBOX), UINT64_C(5) << 30);
	cr_expect_eq(config_number(c, OPTION_KEEP_EXPUNGED), 14 * UINT64_C(86400000));
	cr_expect_eq(config_count(c, OPTION_TRUSTED), 3);
	cr_expect_str_eq(config_item(c, OPTION_TRUSTED, 2), "10.0.0.0/8");
	cr_expect_eq(config_sections(c, SECTION_LISTEN), 3);
	cr_expect_str_eq(config_item_at(c, OPTION_LISTEN_ADDRESS, 1, 1), "[::1]:143");
	listen = config_listen(c, 1);
	cr_expect_eq(listen.tls, LISTEN_TLS_REQUIRED);
	cr_expect_eq(listen.daemon, R_IMAPD);
	listen = config_listen(c, 2);
	cr_expect(listen.auth_required);
	cr_expect_eq(listen.protocol, LISTEN_SUBMISSION);
	cr_expect(config_find_title(c, SECTION_DOMAIN, SLICE("Example.ORG"), &at));
	cr_expect_eq(at, 0);
	cr_expect_str_eq(config_text_at(c, OPTION_DOMAIN_SEPARATOR, 0), "-");
	cr_expect(!config_bool(c, OPTION_ACCOUNTS_ANY_PASSWORD));
}

Test(config, values_and_round_trip)
{
	struct buf text = BUF_INIT(100000), again = BUF_INIT(100000);
	struct config *c, *d;

	cr_assert_eq(parse(sample, PROFILE_SERVER, no_sets, &c, &text), ST_OK, "%.*s",
		     SLICE_ARG(buf_slice(&text)));
	expect_sample(c);
	cr_assert_eq(config_dump(c, false, &text), ST_OK);
	buf_append_char(&text, '\0');
	cr_assert_eq(parse(text.data, PROFILE_TEST, no_sets, &d, &again), ST_OK, "%.*s",
		     SLICE_ARG(buf_slice(&again)));
	expect_sample(d);
	text.len--;
	cr_assert_eq(config_dump(d, false, &again), ST_OK);
	cr_expect(slice_eq(buf_slice(&text), buf_slice(&again)));
	buf_free(&text);
	buf_free(&again);
	cr_assert_eq(config_dump(d, true, &text), ST_OK);
	buf_append_char(&text, '\0');
	cr_expect(strstr(text.data, "message = 20MB"));
	cr_expect_not(strstr(text.data, "mailbox"), "%s", text.data);
	buf_free(&text);
	config_free(c);
	config_free(d);
}

Test(config, quoting_survives)
{
	struct buf out = BUF_INIT(100000);
	struct config *c, *d;

	cr_assert_eq(parse("log = 'a\"b\\\\c${HOME}$d #'\n", PROFILE_LAB, NULL, &c, &out),
		     ST_OK, "%.*s", SLICE_ARG(buf_slice(&out)));
	cr_expect_str_eq(config_text(c, OPTION_LOG), "a\"b\\c${HOME}$d #");
	config_dump(c, false, &out);
	buf_append_char(&out, '\0');
	cr_assert_eq(parse(out.data, PROFILE_SERVER, NULL, &d, &out), ST_OK);
	cr_expect_str_eq(config_text(d, OPTION_LOG), "a\"b\\c${HOME}$d #");
	cr_expect_eq(config_profile(d), PROFILE_LAB);
	config_free(c);
	config_free(d);
	buf_free(&out);
}

Test(config, set_wins)
{
	static const char *const sets[] = {
		"limits.connections_per_address=1000", "listen.smtp.address=[::1]:0",
		"domain.\"b.example.org\".catchall=x@b.example.org",
		"trusted={10.0.0.1, \"::1\"}", "hostname=h=1", NULL,
	};
	struct buf mistakes = BUF_INIT(10000);
	struct config *c;
	size_t at;

	cr_assert_eq(parse("hostname = a\n", PROFILE_TEST, sets, &c, &mistakes), ST_OK,
		     "%.*s", SLICE_ARG(buf_slice(&mistakes)));
	cr_expect_eq(config_number(c, OPTION_LIMITS_CONNECTIONS_PER_ADDRESS), 1000);
	cr_expect_eq(config_sections(c, SECTION_LISTEN), 7);
	cr_expect(config_find_title(c, SECTION_LISTEN, SLICE("smtp"), &at));
	cr_expect_str_eq(config_item_at(c, OPTION_LISTEN_ADDRESS, at, 0), "[::1]:0");
	cr_expect(config_find_title(c, SECTION_LISTEN, SLICE("imap"), &at));
	cr_expect_str_eq(config_item_at(c, OPTION_LISTEN_ADDRESS, at, 0), "127.0.0.1:0");
	cr_expect(config_find_title(c, SECTION_DOMAIN, SLICE("b.example.org"), &at));
	cr_expect_eq(config_count(c, OPTION_TRUSTED), 2);
	cr_expect_str_eq(config_text(c, OPTION_HOSTNAME), "h=1");
	config_free(c);
}

Test(config, set_mistakes)
{
	static const char *const sets[] = {
		"limits.mesage=1", "nothing", "keep.journal=x", "lmits.message=1", NULL,
	};
	struct buf mistakes = BUF_INIT(10000);
	struct config *c;

	cr_expect_eq(parse("", PROFILE_TEST, sets, &c, &mistakes), ST_SYNTAX);
	buf_append_char(&mistakes, '\0');
	cr_expect_str_eq(mistakes.data,
		"--set limits.mesage=1: there is no option \"mesage\" in limits; did you "
		"mean \"message\"?\n"
		"--set nothing: write it as NAME=VALUE\n"
		"--set keep.journal=x: keep.journal = \"x\" is not right: a time is digits "
		"and ms, s, m, h or d, such as 30s\n"
		"--set lmits.message=1: there is no option \"lmits\" in the top level; did "
		"you mean \"limits\"?\n");
	buf_free(&mistakes);
}

/* Whatever stands there, it ends, and says something or gives a configuration. */
Test(config, any_text_ends)
{
	static const char pieces[][16] = {
		"limits", "{", "}", "=", "\"", "message", "50MB", "\n", "#", "listen smtp",
		"(", ")", "+=", ",", "'", "\\", "${", "/*", "domain", "x",
	};
	unsigned seed = 1;

	for (int round = 0; round < 300; round++) {
		struct buf text = BUF_INIT(10000), mistakes = BUF_INIT(100000);
		struct config *c;
		enum status st;

		for (int i = 0; i < round % 40; i++) {
			seed = seed * 1103515245 + 12345;
			buf_append_str(&text, pieces[(seed >> 16) % 20]);
			buf_append_char(&text, ' ');
		}
		buf_append_char(&text, '\0');
		st = parse(text.data, PROFILE_LAB, NULL, &c, &mistakes);
		cr_expect(st == ST_OK ? c && !mistakes.len : mistakes.len > 0, "%s",
			  text.data);
		config_free(c);
		buf_free(&text);
		buf_free(&mistakes);
	}
}

static const struct { const char *text; bool ok; uint64_t value; } sizes[] = {
	{ "0", true, 0 }, { "1", true, 1 }, { "50MB", true, 50 << 20 },
	{ "5gb", true, UINT64_C(5) << 30 }, { "12KiB", true, 12288 },
	{ "", false, 0 }, { "MB", false, 0 }, { "-1", false, 0 }, { "1.5MB", false, 0 },
	{ "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
	{ "99999999TB", false, 0 }, { "1 MB", false, 0 },
}, times[] = {
	{ "30s", true, 30000 }, { "10", true, 10000 }, { "500ms", true, 500 },
	{ "14d", true, UINT64_C(1209600000) }, { "2h", true, 7200000 },
	{ "10m", true, 600000 }, { "x", false, 0 }, { "1y", false, 0 },
};

Test(units, tables)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		value = 0;
		cr_expect_eq(units_size(slice_str(sizes[i].text), &value), sizes[i].ok,
			     "%s", sizes[i].text);
		cr_expect_eq(value, sizes[i].value, "%s", sizes[i].text);
	}
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		value = 0;
		cr_expect_eq(units_time(slice_str(times[i].text), &value), times[i].ok,
			     "%s", times[i].text);
		cr_expect_eq(value, times[i].value, "%s", times[i].text);
	}
}

Test(nearest, distances)
{
	cr_expect_eq(nearest_distance(SLICE("mesage"), SLICE("message")), 1);
	cr_expect_eq(nearest_distance(SLICE("lsit"), SLICE("list")), 1);
	cr_expect_eq(nearest_distance(SLICE(""), SLICE("abc")), 3);
	cr_expect_eq(nearest_distance(SLICE("abc"), SLICE("ABC")), 0);
}
