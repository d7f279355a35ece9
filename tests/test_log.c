#include "common/clock.h"
#include "common/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static void expect(const struct buf *b, const char *line)
{
	cr_expect(slice_eq(buf_slice(b), slice_str(line)), "%.*s, not %s",
		  SLICE_ARG(buf_slice(b)), line);
}

#define RENDER(out, level, event, ...) \
	log_render(level, event, LOG_FIELDS(__VA_ARGS__), out)

Test(log, fields)
{
	struct buf b = BUF_INIT(LOG_LINE_MAX);

	cr_expect_eq(RENDER(&b, LOG_LEVEL_INFO, "smtp.mail", log_str("sid", "s1"),
			    log_str("mid", ""), log_str("client", NULL),
			    log_slice("from", SLICE("ann+x@example.org")),
			    log_u64("octets", UINT64_MAX),
			    log_i64("ms", INT64_MIN), log_status(ST_LIMIT)), ST_OK);
	expect(&b, "event=smtp.mail sid=s1 from=ann+x@example.org "
		   "octets=18446744073709551615 ms=-9223372036854775808 "
		   "status=limit\n");
	b.len = 0;
	RENDER(&b, LOG_LEVEL_WARNING, "a.b");
	expect(&b, "event=a.b level=warning\n");
	buf_free(&b);
}

static const struct { struct slice value; const char *shown; } values[] = {
	{ { "a b", 3 },			"\"a b\"" },
	{ { "a=b", 3 },			"\"a=b\"" },
	{ { "say \"x\\y\"", 9 },	"\"say \\\"x\\\\y\\\"\"" },
	{ { "a\r\nevent=b", 10 },	"\"a\\r\\nevent=b\"" },
	{ { "a\0b\x1b\x7f", 5 },	"\"a\\x00b\\x1b\\x7f\"" },
	{ { "\xc3\xa4", 2 },		"\"\xc3\xa4\"" },
	{ { "\xc3", 1 },		"\"\\xc3\"" },
	{ { "\xc2\x85", 2 },		"\"\\xc2\\x85\"" },
	{ { "[2001:db8::1]", 13 },	"[2001:db8::1]" },
};

Test(log, quoting)
{
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf b = BUF_INIT(LOG_LINE_MAX), line = BUF_INIT(200);

		RENDER(&b, LOG_LEVEL_INFO, "x", log_slice("v", values[i].value));
		buf_append_fmt(&line, "event=x v=%s\n", values[i].shown);
		buf_append_char(&line, '\0');
		expect(&b, line.data);
		buf_free(&b);
		buf_free(&line);
	}
}

Test(log, cut)
{
	char text[1000];
	struct buf b = BUF_INIT(400);

	memset(text, 'a', sizeof text);
	RENDER(&b, LOG_LEVEL_WARNING, "x", log_slice("v", slice_of(text, sizeof text)),
	       log_slice("w", slice_of(text, 200)), log_str("z", "1"));
	cr_expect_eq(b.data[b.len - 1], '\n');
	cr_expect(slice_eq(slice_from(buf_slice(&b), 266),
			   SLICE("... cut=1 level=warning\n")), "%.*s",
		  SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
}

Test(log, line_and_loss)
{
	char got[4096];
	int pipe_ends[2];
	ssize_t n;

	cr_assert_eq(pipe(pipe_ends), 0);
	for (int i = 0; i < 2; i++)
		fcntl(pipe_ends[i], F_SETFL, O_NONBLOCK);
	log_open("testd", pipe_ends[1], true);
	clock_fake(0, 1795504089007);
	log_event("a.b", log_u64("n", 7));
	log_debug("never.seen");
	n = read(pipe_ends[0], got, sizeof got - 1);
	cr_assert_gt(n, 0);
	got[n] = '\0';
	cr_expect_eq(strncmp(got, "2026-11-24T07:08:09.007Z testd[", 31), 0, "%s", got);
	cr_expect(strstr(got, "]: event=a.b n=7\n"));
	cr_expect(!strstr(got, "never"));
	memset(got, 0, sizeof got);
	while (write(pipe_ends[1], got, sizeof got) > 0)
		continue;
	log_event("lost.one");
	log_event("lost.two");
	while (read(pipe_ends[0], got, sizeof got) > 0)
		continue;
	log_event("after");
	n = read(pipe_ends[0], got, sizeof got - 1);
	cr_assert_gt(n, 0);
	got[n] = '\0';
	cr_expect(strstr(got, "event=after\n"));
	cr_expect(strstr(got, "event=log.lost lines=2 level=warning\n"), "%s", got);
}
