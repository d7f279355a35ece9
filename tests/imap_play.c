#include "tests/imap_play.h"

#include "common/clock.h"
#include "imapd/session.h"
#include "tests/support/store_backend.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define SESSIONS 5

struct player {
	struct store_backend *backend;
	struct imap_settings settings;
	struct peer_info peer;
	bool has_certificate;
	const char *file;
	unsigned line;
	size_t chunk;		/* octets a call; 0: all */
	bool has_failed;
	struct {
		struct engine *engine;
		struct store_link *link;
		struct buf in, out;	/* not yet taken; not yet compared */
		enum want want;
	} at[SESSIONS];
};

static void fail(struct player *p, const char *what, struct slice got)
{
	if (!p->has_failed)
		cr_expect(false, "%s:%u, chunks of %zu: %s%.*s", p->file, p->line,
			  p->chunk, what, SLICE_ARG(got));
	p->has_failed = true;
}

/* ---- the sessions ---- */

/* Runs the store, takes what the engine says, until nothing moves. */
static void settle(struct player *p, size_t i)
{
	struct engine *e = p->at[i].engine;

	for (;;) {
		p->at[i].want = store_link_serve(p->at[i].link, e, p->at[i].want);
		if (e->out.len == 0)
			break;
		cr_assert_eq(buf_append(&p->at[i].out, buf_slice(&e->out)), ST_OK);
		e->out.len = 0;
		p->at[i].want = e->ops->drained(e);
	}
}

static void settle_all(struct player *p)
{
	/* twice: what one does is news for the others */
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < SESSIONS; i++)
			if (p->at[i].engine)
				settle(p, i);
}

static void begin(struct player *p, size_t i)
{
	if (p->at[i].engine)
		return;
	p->at[i].engine = imap_session_new(&p->settings, &p->peer, "s1");
	p->at[i].link = store_link_new(p->backend, SESSION_STORE);
	p->at[i].in = p->at[i].out = (struct buf)BUF_INIT(64 * 1024 * 1024);
	cr_assert(p->at[i].engine);
	settle(p, i);
}

/* Gives a session what was sent, in chunks. */
static void give(struct player *p, size_t i)
{
	struct slice left = buf_slice(&p->at[i].in);
	struct engine *e = p->at[i].engine;
	size_t have = 0;

	while (left.len && p->at[i].want == WANT_INPUT) {
		size_t used = 0;
		size_t n = have + (p->chunk ? p->chunk : left.len);

		have = n < left.len ? n : left.len;
		p->at[i].want = e->ops->input(e, slice_head(left, have), &used);
		if (e->out.len || e->requests.len || p->at[i].want != WANT_INPUT)
			settle(p, i);
		if (used == 0 && have == left.len && p->at[i].want == WANT_INPUT)
			break;
		left = slice_from(left, used);
		have -= used;
	}
	buf_consume(&p->at[i].in, p->at[i].in.len - left.len);
	settle_all(p);
}

static void give_all(struct player *p)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (p->at[i].engine)
			give(p, i);
}

/* ---- what is expected ---- */

/* "*" stands for any octets, "\*" for itself. */
static bool matches(struct slice pattern, struct slice text)
{
	size_t star = SIZE_MAX, mark = 0, i = 0, j = 0;

	while (j < text.len) {
		bool is_star = i < pattern.len && pattern.data[i] == '*';
		bool is_escape = i + 1 < pattern.len && pattern.data[i] == '\\' &&
				 pattern.data[i + 1] == '*';

		if (is_star) {
			star = i++;
			mark = j;
		} else if (i < pattern.len && pattern.data[i + is_escape] == text.data[j]) {
			i += 1 + is_escape;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++mark;
		} else {
			return false;
		}
	}
	while (i < pattern.len && pattern.data[i] == '*')
		i++;
	return i == pattern.len;
}

static void expect_line(struct player *p, size_t i, struct slice want, bool is_pattern)
{
	struct slice out = buf_slice(&p->at[i].out), line;
	size_t end = slice_crlf(out);

	if (end == out.len) {
		fail(p, "nothing more is said; what there is: ", out);
		return;
	}
	line = slice_head(out, end);
	if (!(is_pattern ? matches(want, line) : slice_eq(want, line)))
		fail(p, "it says: ", line);
	buf_consume(&p->at[i].out, end + 2);
}

static void expect_octets(struct player *p, size_t i, struct slice want)
{
	struct slice out = slice_head(buf_slice(&p->at[i].out), want.len);

	if (!slice_eq(out, want))
		fail(p, "it says: ", out);
	buf_consume(&p->at[i].out, out.len);
}

/* ---- the lines of a file ---- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, ascii_lower(c));

	return at ? (int)(at - digits) : 0;
}

/* "text" with its escapes, and "x N" behind it. */
static void unquote(struct player *p, struct slice text, struct buf *to)
{
	struct buf once = BUF_INIT(64 * 1024 * 1024);
	unsigned long long times = 1;
	size_t i = 1;

	for (; i < text.len && text.data[i] != '"'; i++) {
		char c = text.data[i];

		if (c == '\\' && i + 1 < text.len) {
			c = text.data[++i];
			if (c == 'x' && i + 2 < text.len) {
				c = (char)(hex(text.data[i + 1]) * 16 + hex(text.data[i + 2]));
				i += 2;
			} else {
				c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t'
								   : c == '0' ? '\0' : c;
			}
		}
		cr_assert_eq(buf_append_char(&once, c), ST_OK);
	}
	if (i + 3 < text.len && text.data[i + 2] == 'x')
		slice_number(slice_trim(slice_from(text, i + 3)), 10000000, &times);
	while (times--)
		cr_assert_eq(buf_append(to, buf_slice(&once)), ST_OK);
	buf_free(&once);
}

static void do_mail(struct player *p, struct slice args)
{
	struct buf message = BUF_INIT(1024 * 1024);
	char address[128];
	size_t n = slice_index(args, ' ');

	snprintf(address, sizeof address, "%.*s", (int)n, args.data);
	unquote(p, slice_from(args, n + 1), &message);
	cr_assert_eq(buf_append_char(&message, '\0'), ST_OK);
	store_backend_deliver(p->backend, address, message.data);
	buf_free(&message);
	settle_all(p);
}

static void do_login(struct player *p, struct slice args)
{
	unsigned long long i = 0;

	if (!slice_number(slice_head(args, 1), SESSIONS, &i) || i == 0) {
		fail(p, "login N ADDRESS: ", args);
		return;
	}
	begin(p, (size_t)i - 1);
	buf_append_fmt(&p->at[i - 1].in, "l LOGIN %.*s x\r\n",
		       SLICE_ARG(slice_from(args, 2)));
	give(p, (size_t)i - 1);
	if (!slice_starts(buf_slice(&p->at[i - 1].out), SLICE("* OK ")) ||
	    !strstr(p->at[i - 1].out.data, "l OK "))
		fail(p, "no login: ", buf_slice(&p->at[i - 1].out));
	p->at[i - 1].out.len = 0;
}

struct quota_of {
	struct slice login;
	unsigned long long octets, messages;
};

static enum status set_quota(struct tx *tx, void *arg)
{
	const struct quota_of *q = arg;
	struct store_account account;
	enum status st = store_account_find(tx, q->login, &account);

	return st == ST_OK ? store_account_set_quota(tx, account.id, q->octets,
						     q->messages) : st;
}

/* quota ADDRESS OCTETS MESSAGES; 0: no limit */
static void do_quota(struct player *p, struct slice args)
{
	struct quota_of q = { .octets = 0 };
	struct slice octets;

	slice_split(&args, ' ', &q.login);
	slice_split(&args, ' ', &octets);
	if (!slice_number(octets, UINT64_MAX, &q.octets) ||
	    !slice_number(args, UINT64_MAX, &q.messages) ||
	    store_backend_do(p->backend, TX_WRITE, set_quota, &q) != ST_OK)
		fail(p, "quota ADDRESS OCTETS MESSAGES: ", args);
}

#define CLIENT_KEY SLICE("the digest of the client's key..")

static enum status bind_key(struct tx *tx, void *arg)
{
	const struct slice *login = arg;
	struct store_certificate c = { .key = CLIENT_KEY,
				       .scopes = STORE_SCOPE_IMAP };
	struct store_account account;
	enum status st = store_account_find(tx, *login, &account);

	c.account = account.id;
	return st == ST_OK ? store_certificate_add(tx, &c) : st;
}

/* certificate ADDRESS */
static void do_certificate(struct player *p, struct slice login)
{
	p->has_certificate = true;
	if (store_backend_do(p->backend, TX_WRITE, bind_key, &login) != ST_OK)
		fail(p, "certificate ADDRESS: ", login);
}

/* Lines that begin with a letter, perhaps the number of the session, and a sign. */
static void do_session(struct player *p, struct slice line)
{
	char what = line.data[0], sign;
	size_t i = 0, skip = 1;
	struct slice text;
	struct buf octets = BUF_INIT(64 * 1024 * 1024);

	if (line.len > 1 && ascii_is_digit(line.data[1]))
		i = (size_t)(line.data[skip++] - '1');
	sign = line.len > skip ? line.data[skip] : ' ';
	text = line.len > skip + 1 ? slice_from(line, skip + 2) : SLICE_EMPTY;
	if (i >= SESSIONS) {
		fail(p, "no such session: ", line);
		return;
	}
	begin(p, i);
	if (sign == '*')
		unquote(p, text, &octets);
	if (what == 'C') {
		buf_append(&p->at[i].in, sign == '*' ? buf_slice(&octets) : text);
		if (sign == ':')
			buf_append(&p->at[i].in, SLICE("\r\n"));
	} else {
		give_all(p);
		if (what == 'X' && p->at[i].want != WANT_CLOSE)
			fail(p, "it does not want to close", SLICE_EMPTY);
		else if (what == 'S' && sign == '*')
			expect_octets(p, i, buf_slice(&octets));
		else if (what == 'S')
			expect_line(p, i, text, sign == '~');
	}
	buf_free(&octets);
}

/* Session 1 wanted it, and it went well; what it had sent in clear is dropped. */
static void do_handshake(struct player *p)
{
	give_all(p);
	if (p->at[0].want != WANT_TLS) {
		fail(p, "it does not want TLS", SLICE_EMPTY);
		return;
	}
	p->at[0].in.len = 0;
	p->peer.is_secure = true;
	p->peer.tls_exporter = SLICE("exporter");
	p->peer.tls_end_point = SLICE("end point");
	if (p->has_certificate)
		p->peer.client_certificate = CLIENT_KEY;
	p->at[0].want = p->at[0].engine->ops->secured(p->at[0].engine);
	settle(p, 0);
}

static void do_deflate(struct player *p)
{
	give_all(p);
	if (p->at[0].want != WANT_DEFLATE) {
		fail(p, "it does not want compression", SLICE_EMPTY);
		return;
	}
	p->at[0].want = p->at[0].engine->ops->deflated(p->at[0].engine);
	settle(p, 0);
}

static void do_line(struct player *p, struct slice line)
{
	unsigned long long n;

	if (line.len == 0 || line.data[0] == '#')
		return;
	if (slice_starts(line, SLICE("mail "))) {
		give_all(p);
		do_mail(p, slice_from(line, 5));
	} else if (slice_starts(line, SLICE("login "))) {
		do_login(p, slice_from(line, 6));
	} else if (slice_starts(line, SLICE("quota "))) {
		give_all(p);
		do_quota(p, slice_from(line, 6));
	} else if (slice_starts(line, SLICE("certificate "))) {
		do_certificate(p, slice_from(line, 12));
	} else if (slice_starts(line, SLICE("admin "))) {
		store_backend_admin(p->backend, slice_from(line, 6));
	} else if (slice_eq(line, SLICE("tls required"))) {
		p->settings.tls = IMAP_TLS_REQUIRED;
	} else if (slice_eq(line, SLICE("DEFLATE"))) {
		do_deflate(p);
	} else if (slice_eq(line, SLICE("TLS"))) {
		do_handshake(p);
	} else if (slice_starts(line, SLICE("quiet"))) {
		size_t i = line.len > 5 ? (size_t)(line.data[5] - '1') : 0;

		give_all(p);
		if (p->at[i].out.len)
			fail(p, "it says: ", buf_slice(&p->at[i].out));
	} else if (slice_starts(line, SLICE("wait ")) &&
		   slice_number(slice_from(line, 5), 100000000, &n)) {
		give_all(p);
		clock_fake_advance((int64_t)n);
		for (size_t i = 0; i < SESSIONS; i++)
			if (p->at[i].engine && p->at[i].engine->deadline_ms &&
			    p->at[i].engine->deadline_ms <= clock_ms())
				p->at[i].want = p->at[i].engine->ops->expired(
					p->at[i].engine);
		settle_all(p);
	} else if (strchr("CSX", line.data[0])) {
		do_session(p, line);
	} else {
		fail(p, "not understood: ", line);
	}
}

static void play(const char *file, struct slice text, size_t chunk)
{
	struct player p = {
		.backend = store_backend_new(true),
		.settings = IMAP_SETTINGS_INIT,
		.peer = { .address = "192.0.2.7" },
		.file = file,
		.chunk = chunk,
	};
	struct slice line;

	clock_fake(1000000, INT64_C(1795504127000));
	snprintf(p.settings.hostname, sizeof p.settings.hostname,
		 "mail.example.org");
	while (!p.has_failed && slice_split(&text, '\n', &line)) {
		p.line++;
		do_line(&p, line);
	}
	give_all(&p);
	for (size_t i = 0; i < SESSIONS; i++) {
		if (!p.at[i].engine)
			continue;
		if (p.at[i].out.len)
			fail(&p, "at the end it says: ", buf_slice(&p.at[i].out));
		if (p.at[i].in.len && p.at[i].want != WANT_CLOSE)
			fail(&p, "not taken: ", buf_slice(&p.at[i].in));
		p.at[i].engine->ops->free(p.at[i].engine);
		store_link_free(p.at[i].link);
		buf_free(&p.at[i].in);
		buf_free(&p.at[i].out);
	}
	store_backend_free(p.backend);
	clock_real();
}

static void play_file(const char *folder, const char *name)
{
	static const size_t chunks[] = { 0, 1000, 64, 21, 13, 8, 5, 3, 2, 1 };
	struct buf text = BUF_INIT(1024 * 1024);
	size_t count = sizeof chunks / sizeof *chunks, n;
	char path[512], block[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s/%s", DIALOGUE_DIR, folder, name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		cr_assert_eq(buf_append(&text, slice_of(block, n)), ST_OK);
	fclose(f);
	/* megabytes need not come octet by octet */
	if (slice_starts(buf_slice(&text), SLICE("# large")))
		count = 3;
	for (size_t i = 0; i < count; i++)
		play(name, buf_slice(&text), chunks[i]);
	buf_free(&text);
}

void imap_play_folder(const char *folder)
{
	const char *only = getenv("DIALOGUE");
	char path[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "%s/%s", DIALOGUE_DIR, folder);
	dir = opendir(path);
	cr_assert(dir, "%s", path);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && (!only || strcmp(only, entry->d_name) == 0))
			play_file(folder, entry->d_name);
	closedir(dir);
}
