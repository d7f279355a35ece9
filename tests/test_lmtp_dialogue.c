/*
 * The LMTP client against a scripted server, its replies cut at every size.
 *
 * A script is lines: "S text" the server says, "C text" it must have been sent,
 * "A text" we must have been told, "> verb args" is what we do. Every C and A is
 * looked for before the next S or >, in order and complete.
 */
#include "common/lmtp_dialogue.h"

#include "common/dsn.h"

#include <criterion/criterion.h>

#define XPOSTROOM \
	"S 220 here\n" "C LHLO me.example.test\n" \
	"S 250-here\nS 250-PIPELINING\nS 250-8BITMIME\nS 250-SMTPUTF8\n" \
	"S 250-SIZE 1000\nS 250-CHUNKING\nS 250 XPOSTROOM 1\n" "A lhlo 250 2.0.0\n"
#define PLAIN \
	"S 220 here\n" "C LHLO me.example.test\n" \
	"S 250-here\nS 250 PIPELINING\n" "A lhlo 250 2.0.0\n"

/* It offers nothing at all: one command, one reply. */
#define BARE \
	"S 220 here\n" "C LHLO me.example.test\n" \
	"S 250 here\n" "A lhlo 250 2.0.0\n"

static const struct {
	const char *name, *script;
	enum status status;	/* of the last feed */
} rows[] = {
	{ "without PIPELINING", BARE
	  "> mail a\n> rcpt b\n> rcpt c\nC MAIL FROM:<a>\n"
	  "S 250 Ok\nA mail 250 2.0.0 Ok\nC RCPT TO:<b>\n"
	  "S 250 Ok\nA rcpt 250 2.0.0 Ok\nC RCPT TO:<c>\n"
	  "> data .x\n> end\n"
	  "S 550 5.1.1 No\nA rcpt 550 5.1.1 No\nC DATA\n"
	  "S 354 Go\nC ..x\nC .\n"
	  "S 250 Ok\nA stored 250 2.0.0 Ok last\n"
	  "> mail d\nC MAIL FROM:<d>\n> abort\n"
	  "S 250 Ok\nA mail 250 2.0.0 Ok\nC RSET\nS 250 Ok\n", ST_OK },
	{ "CHUNKING without PIPELINING",
	  "S 220 here\nC LHLO me.example.test\n"
	  "S 250-here\nS 250 CHUNKING\nA lhlo 250 2.0.0\n"
	  "> mail a\nC MAIL FROM:<a>\nS 250 Ok\nA mail 250 2.0.0 Ok\n"
	  "> rcpt b\nC RCPT TO:<b>\nS 250 Ok\nA rcpt 250 2.0.0 Ok\n"
	  "> data x\n> end\nC DATA\nS 354 Go\nC x\nC .\n"
	  "S 250 Ok\nA stored 250 2.0.0 Ok last\n", ST_OK },
	{ "a reply to what waits", BARE
	  "> mail a\n> rcpt b\nC MAIL FROM:<a>\n"
	  "S 250 Ok\nA mail 250 2.0.0 Ok\nC RCPT TO:<b>\n"
	  "S 250 Ok\nA rcpt 250 2.0.0 Ok\nS 250 Ok\n", ST_SYNTAX },
	{ "8BITMIME is missing", PLAIN
	  "> mail8 a\nA mail 554 5.6.3 The next server lacks 8BITMIME\n", ST_OK },
	{ "DSN is missing", PLAIN
	  "> ret a\nA mail 554 5.3.3 The next server lacks DSN\n"
	  "> mail a\n> rcpt b\n> notify c\n> rcpt d\n"
	  "C MAIL FROM:<a>\nC RCPT TO:<b>\nC RCPT TO:<d>\n"
	  "S 250 Ok\nA mail 250 2.0.0 Ok\n"
	  "S 250 Ok\nA rcpt 250 2.0.0 Ok\nA rcpt 554 5.3.3 The next server lacks DSN\n"
	  "S 250 Ok\nA rcpt 250 2.0.0 Ok\n", ST_OK },
	{ "DSN is missing, for the first and the last", PLAIN
	  "> mail a\nC MAIL FROM:<a>\nS 250 Ok\nA mail 250 2.0.0 Ok\n"
	  "> notify b\nA rcpt 554 5.3.3 The next server lacks DSN\n"
	  "> rcpt c\n> notify d\nC RCPT TO:<c>\n"
	  "S 250 Ok\nA rcpt 250 2.0.0 Ok\nA rcpt 554 5.3.3 The next server lacks DSN\n",
	  ST_OK },
	{ "DSN", "S 220 here\nC LHLO me.example.test\n"
	  "S 250-here\nS 250-PIPELINING\nS 250 DSN\nA lhlo 250 2.0.0\n"
	  "> ret a\n> notify b\nC MAIL FROM:<a> RET=HDRS\n"
	  "C RCPT TO:<b> NOTIFY=SUCCESS\n", ST_OK },
	{ "REQUIRETLS in clear", PLAIN
	  "> way 2\n> tls a\nA mail 550 5.7.30 REQUIRETLS support required\n", ST_OK },
	{ "REQUIRETLS over TLS to a server without it", PLAIN
	  "> way 1\n> tls a\nA mail 550 5.7.30 REQUIRETLS support required\n", ST_OK },
	{ "XPOSTROOM of another server", "> foreign\nS 220 here\nC LHLO me.example.test\n"
	  "S 250-here\nS 250-PIPELINING\nS 250 XPOSTROOM 1\nA lhlo 250 2.0.0\n"
	  "> mail a\nC MAIL FROM:<a>\nS 250 Ok\nA mail 250 2.0.0 Ok\n"
	  "> way 1\n> tls a\nA mail 550 5.7.30 REQUIRETLS support required\n", ST_OK },
	{ "REQUIRETLS and a report", PLAIN
	  "> way 2\n> tls\nC MAIL FROM:<>\n", ST_OK },
	{ "REQUIRETLS over a Unix socket", PLAIN "> tls a\nC MAIL FROM:<a>\n", ST_OK },
	{ "REQUIRETLS over TLS", "S 220 here\nC LHLO me.example.test\n"
	  "S 250-here\nS 250-PIPELINING\nS 250 REQUIRETLS\nA lhlo 250 2.0.0\n"
	  "> way 1\n> tls a\nC MAIL FROM:<a> REQUIRETLS\n", ST_OK },
	{ "a message", XPOSTROOM
	  "> mail a@x.test m1\n> rcpt b@x.test\n> rcpt c@x.test\n"
	  "C MAIL FROM:<a@x.test> SIZE=5 BODY=8BITMIME XMID=m1 XHELO=h+20+2B+3D"
	  " XTLS=TLSv1.3\n"
	  "C RCPT TO:<b@x.test>\nC RCPT TO:<c@x.test>\n"
	  "S 250 2.1.0 Ok\nA mail 250 2.1.0 Ok\n"
	  "S 250 2.1.5 Fine\nA rcpt 250 2.1.5 Fine\n"
	  "S 550 5.1.1 Nobody\nA rcpt 550 5.1.1 Nobody\n"
	  "> data hello\n> end\n"
	  "C XDIGEST 00ff\nC BDAT 5 LAST\nC hello\n"
	  "S 250 2.0.0 Ok\nS 250 2.0.0 Stored\nA stored 250 2.0.0 Stored last\n",
	  ST_OK },
	{ "replies for each recipient", XPOSTROOM
	  "> mail a@x.test\n> rcpt b\n> rcpt c\n> rcpt d\n"
	  "C MAIL FROM:<a@x.test> SIZE=5 BODY=8BITMIME XHELO=h+20+2B+3D XTLS=TLSv1.3\n"
	  "C RCPT TO:<b>\nC RCPT TO:<c>\nC RCPT TO:<d>\n"
	  "S 250 2.1.0 Ok\nS 250 2.1.5 b\nS 250 2.1.5 c\nS 250 2.1.5 d\n"
	  "A mail 250 2.1.0 Ok\nA rcpt 250 2.1.5 b\nA rcpt 250 2.1.5 c\n"
	  "A rcpt 250 2.1.5 d\n"
	  "> data x\n> end\nC XDIGEST 00ff\nC BDAT 1 LAST\nC x\n"
	  "S 250 ok\nS 250 2.0.0 b\nS 452 4.2.2 c\nS 250 2.0.0 d\n"
	  "A stored 250 2.0.0 b\nA stored 452 4.2.2 c\n"
	  "A stored 250 2.0.0 d last\n", ST_OK },
	{ "two messages on one connection", PLAIN
	  "> mail a\n> rcpt b\nC MAIL FROM:<a>\nC RCPT TO:<b>\n"
	  "S 250 Ok\nS 250 Ok\nA mail 250 2.0.0 Ok\nA rcpt 250 2.0.0 Ok\n"
	  "> data .x\n> end\nC DATA\nS 354 Go\nC ..x\nC .\n"
	  "S 250 1\nA stored 250 2.0.0 1 last\n"
	  "> mail a\n> rcpt b\nC MAIL FROM:<a>\nC RCPT TO:<b>\n"
	  "S 250 Ok\nS 250 Ok\nA mail 250 2.0.0 Ok\nA rcpt 250 2.0.0 Ok\n"
	  "> data y\nC DATA\nS 354 Go\nC y\n> data z\nC z\n> end\nC .\n"
	  "S 250 2\nA stored 250 2.0.0 2 last\n", ST_OK },
	{ "DATA refused", PLAIN
	  "> mail a\n> rcpt b\n> data x\nC MAIL FROM:<a>\nC RCPT TO:<b>\nC DATA\n"
	  "S 250 Ok\nS 250 Ok\nS 451 4.3.0 Not now\n"
	  "A mail 250 2.0.0 Ok\nA rcpt 250 2.0.0 Ok\nA data 451 4.3.0 Not now\n"
	  "> abort\nC RSET\nS 250 Ok\n", ST_OK },
	{ "DATA answered as if the message were stored", PLAIN
	  "> mail a\n> rcpt b\n> data x\n> end\nC MAIL FROM:<a>\nC RCPT TO:<b>\nC DATA\n"
	  "S 250 Ok\nS 250 Ok\nA mail 250 2.0.0 Ok\nA rcpt 250 2.0.0 Ok\n"
	  "S 250 Stored\n", ST_SYNTAX },
	{ "given up before the end", XPOSTROOM
	  "> mail a\n> rcpt b\n> data x\n> abort\n"
	  "C MAIL FROM:<a> SIZE=5 BODY=8BITMIME XHELO=h+20+2B+3D XTLS=TLSv1.3\n"
	  "C RCPT TO:<b>\nC RSET\n"
	  "S 250 Ok\nS 250 Ok\nS 250 Ok\n"
	  "A mail 250 2.0.0 Ok\nA rcpt 250 2.0.0 Ok\n", ST_OK },
	{ "XDONE and XTELL", XPOSTROOM
	  "> tell m1 m2\n> done m3\nC XTELL m1 m2\nC XDONE m3\n"
	  "S 250 Ok\nS 550 5.0.0 No\nA done 550 5.0.0 No\n", ST_OK },
	{ "not to a foreign server", PLAIN "> tell m1\n", ST_OK },
	{ "SMTPUTF8 is missing", PLAIN
	  "> mail \xc3\xa4@x.test\nA mail 550 5.6.7 The next server lacks SMTPUTF8\n",
	  ST_OK },
	{ "enhanced codes", PLAIN
	  "> done x\n> mail a\n> rcpt b\n> rcpt c\n> rcpt d\n> rcpt e\n"
	  "C MAIL FROM:<a>\nC RCPT TO:<b>\nC RCPT TO:<c>\nC RCPT TO:<d>\n"
	  "C RCPT TO:<e>\n"
	  "S 250 5.1.1 of another class\nA mail 250 2.0.0 5.1.1 of another class\n"
	  "S 550-5.1.1 first\nS 550 5.1.1 second\nA rcpt 550 5.1.1 first\n"
	  "S 451\nA rcpt 451 4.0.0\n"
	  "S 451 4.2.1000 x\nA rcpt 451 4.0.0 4.2.1000 x\n"
	  "S 451 4.2 x\nA rcpt 451 4.0.0 4.2 x\n", ST_OK },
	{ "no greeting",	"S 554 go away\n",			ST_CLOSED },
	{ "421 at any time",	PLAIN "S 421 4.3.2 Shutting down\n",	ST_CLOSED },
	{ "LHLO refused",	"S 220 hi\nC LHLO me.example.test\nS 502 What?\n"
				"A lhlo 502 5.0.0 What?\n",		ST_CLOSED },
	{ "nobody asked",	PLAIN "S 250 Ok\n",			ST_SYNTAX },
	{ "no code",		"S hello\n",				ST_SYNTAX },
	{ "short code",		"S 25\n",				ST_SYNTAX },
	{ "code too small",	"S 199 x\n",				ST_SYNTAX },
	{ "code too large",	"S 600 x\n",				ST_SYNTAX },
	{ "bad separator",	"S 220+x\n",				ST_SYNTAX },
	{ "codes differ",	"S 220-a\nS 250 b\n",			ST_SYNTAX },
	{ "a control",		"S 220 a\x01\n",			ST_SYNTAX },
};

static const char *const step_names[LMTP_STEP_COUNT] = {
	[LMTP_STEP_LHLO] = "lhlo", [LMTP_STEP_MAIL] = "mail",
	[LMTP_STEP_RCPT] = "rcpt", [LMTP_STEP_CHUNK] = "chunk",
	[LMTP_STEP_DATA] = "data", [LMTP_STEP_STORED] = "stored",
	[LMTP_STEP_DONE] = "done",
};

struct play {
	struct lmtp_dialogue d;
	struct buf told, expected_told, expected_out;
	const char *name;
	size_t chunk;
};

static void answered(void *context, enum lmtp_step step,
		     const struct lmtp_reply *r)
{
	struct play *p = context;
	bool said = r->text.len > 0 && step != LMTP_STEP_LHLO;

	cr_assert(step_names[step], "step %d is not told", step);
	buf_append_fmt(&p->told, "%s %u ", step_names[step], r->code);
	buf_append(&p->told, r->enhanced);
	if (said || step == LMTP_STEP_LHLO)
		buf_append(&p->told, r->code / 100 == 2 && step == LMTP_STEP_LHLO
				? SLICE_EMPTY : SLICE(" "));
	if (said || r->code / 100 != 2)
		buf_append(&p->told, r->text);
	buf_append_str(&p->told, r->last ? " last\n" : "\n");
}

static void act(struct play *p, struct slice args)
{
	struct lmtp_dialogue *d = &p->d;
	struct slice verb, word;
	struct ipc_lmtp_mail mail = { .octets = 5, .body = SLICE_EMPTY,
				      .helo = SLICE("h +="),
				      .tls = SLICE("TLSv1.3") };
	struct ipc_lmtp_rcpt rcpt = { .orcpt = SLICE_EMPTY };
	enum status st = ST_SYNTAX;

	slice_split(&args, ' ', &verb);
	args = args.data ? args : SLICE_EMPTY;
	if (d->has_8bitmime || slice_eq(verb, SLICE("mail8")))
		mail.body = SLICE("8BITMIME");
	if (slice_eq(verb, SLICE("ret")))
		mail.ret = DSN_RET_HDRS;
	mail.requiretls = slice_eq(verb, SLICE("tls"));
	if (slice_eq(verb, SLICE("foreign"))) {
		d->is_foreign = true;
		return;
	}
	if (slice_eq(verb, SLICE("way"))) {
		d->way = (enum lmtp_way)(args.data[0] - '0');
		st = ST_OK;
	} else if (slice_eq(verb, SLICE("mail")) || slice_eq(verb, SLICE("mail8")) ||
		   slice_eq(verb, SLICE("ret")) || slice_eq(verb, SLICE("tls"))) {
		slice_split(&args, ' ', &mail.sender);
		if (slice_split(&args, ' ', &word))
			mail.mid = word;
		st = lmtp_dialogue_mail(d, &mail);
	} else if (slice_eq(verb, SLICE("rcpt")) || slice_eq(verb, SLICE("notify"))) {
		if (slice_eq(verb, SLICE("notify")))
			rcpt.notify = DSN_SUCCESS;
		rcpt.recipient = args;
		st = lmtp_dialogue_rcpt(d, &rcpt);
	} else if (slice_eq(verb, SLICE("data"))) {
		st = lmtp_dialogue_data(d, args);
		/* lines, so that what is stuffed can be told from commands */
		if (st == ST_OK && !d->has_chunking)
			st = lmtp_dialogue_data(d, SLICE("\r\n"));
	} else if (slice_eq(verb, SLICE("end"))) {
		st = lmtp_dialogue_end(d, slice_of("\0\xff", 2), false);
		if (d->has_chunking)	/* the script has the chunk as a line */
			buf_append_str(&d->out, "\r\n");
	} else if (slice_eq(verb, SLICE("abort"))) {
		st = lmtp_dialogue_abort(d);
	} else if (slice_eq(verb, SLICE("tell"))) {
		st = lmtp_dialogue_tell(d, args);
	} else if (slice_eq(verb, SLICE("done"))) {
		st = lmtp_dialogue_done(d, args);
	}
	cr_expect_eq(st, ST_OK, "%s: %.*s", p->name, SLICE_ARG(verb));
}

/* All that was expected so far has come, and nothing else. */
static void compare(struct play *p)
{
	cr_expect(slice_eq(buf_slice(&p->d.out), buf_slice(&p->expected_out)),
		  "%s, chunks of %zu: sent\n%.*swanted\n%.*s", p->name, p->chunk,
		  SLICE_ARG(buf_slice(&p->d.out)),
		  SLICE_ARG(buf_slice(&p->expected_out)));
	cr_expect(slice_eq(buf_slice(&p->told), buf_slice(&p->expected_told)),
		  "%s, chunks of %zu: told\n%.*swanted\n%.*s", p->name, p->chunk,
		  SLICE_ARG(buf_slice(&p->told)),
		  SLICE_ARG(buf_slice(&p->expected_told)));
}

static enum status say(struct play *p, struct slice line)
{
	struct buf in = BUF_INIT(4096);
	struct slice rest;
	enum status st = ST_OK;

	buf_append(&in, line);
	buf_append_str(&in, "\r\n");
	for (rest = buf_slice(&in); rest.len && st == ST_OK;) {
		struct slice part = slice_head(rest, p->chunk);

		st = lmtp_dialogue_feed(&p->d, part);
		rest = slice_from(rest, part.len);
	}
	buf_free(&in);
	return st;
}

static enum status play(struct play *p, const char *script)
{
	struct slice rest = slice_str(script), line;
	enum status st = ST_OK;
	bool is_new = true;

	while (slice_split(&rest, '\n', &line) && line.len) {
		char kind = line.data[0];
		struct slice text = slice_from(line, 2);

		if (kind == 'S' || kind == '>') {
			if (!is_new)
				compare(p);
			if (!is_new)
				p->d.out.len = p->expected_out.len = p->told.len =
					p->expected_told.len = 0;
			is_new = true;
		} else {
			is_new = false;
		}
		if (kind == 'S') {
			cr_expect_eq(st, ST_OK, "%s", p->name);
			st = say(p, text);
		} else if (kind == '>') {
			act(p, text);
		} else {
			struct buf *to = kind == 'C' ? &p->expected_out
						     : &p->expected_told;

			buf_append(to, text);
			buf_append_str(to, kind == 'C' ? "\r\n" : "\n");
		}
	}
	compare(p);
	return st;
}

Test(lmtp_dialogue, scripts)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk < 60; chunk++) {
			struct play p = {
				.d = { .answered = answered, .context = &p },
				.told.max = 65536, .expected_told.max = 65536,
				.expected_out.max = 65536,
				.name = rows[i].name, .chunk = chunk,
			};

			lmtp_dialogue_init(&p.d, "me.example.test");
			cr_expect_eq(play(&p, rows[i].script), rows[i].status, "%s",
				     rows[i].name);
			lmtp_dialogue_clear(&p.d);
			buf_free(&p.told);
			buf_free(&p.expected_told);
			buf_free(&p.expected_out);
		}
}

static void ignore(void *context, enum lmtp_step step, const struct lmtp_reply *r)
{
}

static void offer(struct lmtp_dialogue *d, const char *replies)
{
	lmtp_dialogue_init(d, "me");
	cr_assert_eq(lmtp_dialogue_feed(d, slice_str(replies)), ST_OK);
	cr_assert(d->is_ready);
	d->out.len = 0;
}

/* Up to 64 KiB are one BDAT LAST; more are chunks; out is never beyond bounds. */
Test(lmtp_dialogue, chunks)
{
	static const struct { size_t octets; const char *commands; } sizes[] = {
		{ 0, "BDAT 0 LAST\r\n" },
		{ 65536, "BDAT 65536 LAST\r\n" },
		{ 65537, "BDAT 65536\r\nBDAT 1 LAST\r\n" },
		{ 200000, "BDAT 65536\r\nBDAT 32768\r\nBDAT 32768\r\nBDAT 32768\r\n"
			  "BDAT 32768\r\nBDAT 3392 LAST\r\n" },
	};
	static char octets[32768];

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct lmtp_dialogue d = { .answered = ignore };
		struct buf sent = BUF_INIT(1 << 20), commands = BUF_INIT(4096);
		size_t left = sizes[i].octets, at = 0;
		unsigned long long n = 0;

		offer(&d, "220 x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
		while (left) {
			size_t piece = left < sizeof octets ? left : sizeof octets;
			enum status st = lmtp_dialogue_data(&d, slice_of(octets, piece));

			cr_assert(st == ST_OK || st == ST_MORE);
			left -= st == ST_OK ? piece : 0;
			if (st == ST_MORE || left == 0) {	/* the socket took it */
				buf_append(&sent, buf_slice(&d.out));
				d.out.len = 0;
			}
		}
		cr_expect_eq(lmtp_dialogue_end(&d, SLICE_EMPTY, false), ST_OK);
		buf_append(&sent, buf_slice(&d.out));
		while (at < sent.len) {
			struct slice rest = slice_from(buf_slice(&sent), at);
			struct slice line = slice_head(rest, slice_crlf(rest) + 2);
			struct slice word = slice_from(line, 5);

			buf_append(&commands, line);
			word = slice_head(word, slice_index(word, ' ') < word.len
					? slice_index(word, ' ') : word.len - 2);
			cr_assert(slice_number(word, 1 << 20, &n));
			at += line.len + n;
		}
		cr_expect_eq(at, sent.len);
		cr_expect(slice_eq(buf_slice(&commands), slice_str(sizes[i].commands)),
			  "%zu octets: %.*s", sizes[i].octets,
			  SLICE_ARG(buf_slice(&commands)));
		buf_free(&sent);
		buf_free(&commands);
		lmtp_dialogue_clear(&d);
	}
}

Test(lmtp_dialogue, bounds)
{
	struct lmtp_dialogue d = { .answered = ignore };
	static char line[4096];
	enum status st = ST_OK;

	memset(line, 'x', sizeof line);
	lmtp_dialogue_init(&d, "me");
	memcpy(line, "220 ", 4);
	for (int i = 0; i < 10 && st == ST_OK; i++)
		st = lmtp_dialogue_feed(&d, slice_of(line, sizeof line));
	cr_expect_eq(st, ST_LIMIT, "a line without end");
	lmtp_dialogue_clear(&d);

	d = (struct lmtp_dialogue){ .answered = ignore };
	lmtp_dialogue_init(&d, "me");
	st = ST_OK;
	for (int i = 0; i < 1000 && st == ST_OK; i++)
		st = lmtp_dialogue_feed(&d, SLICE("220-on and on\r\n"));
	cr_expect_eq(st, ST_LIMIT, "a reply without end");
	lmtp_dialogue_clear(&d);

	d = (struct lmtp_dialogue){ .answered = ignore };
	lmtp_dialogue_init(&d, "me");
	cr_expect_eq(lmtp_dialogue_feed(&d, SLICE("220 bare\n")), ST_SYNTAX);
	lmtp_dialogue_clear(&d);
}
