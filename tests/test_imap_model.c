/*
 * Several clients on one mailbox (RFC 9051 sections 5.2 and 7.5.1): random commands
 * at engines with a real store behind them, in random turns. Each client keeps what
 * it was told, as a client does: a UID and flags for each message number. Nobody
 * may be told of an expunge while numbers are in use; after a NOOP all must hold
 * what the mailbox holds.
 */
#include "imapd/session.h"
#include "tests/support/store_backend.h"

#include "common/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENTS		3
#define MESSAGES	400
#define TURNS		300

enum { SEEN = 1, ANSWERED = 2, FLAGGED = 4, DELETED = 8, RECENT = 16, UNKNOWN = 32 };

static const struct { const char *name; unsigned flag; } flags[] = {
	{ "\\Seen", SEEN }, { "\\Answered", ANSWERED }, { "\\Flagged", FLAGGED },
	{ "\\Deleted", DELETED }, { "\\Recent", RECENT },
};

struct message {
	uint32_t uid;		/* 0: not told yet */
	unsigned flags;
};

enum kind { PLAIN, CONDSTORE, QRESYNC, REV2, KINDS };
static const char *const enables[KINDS] = { NULL, "CONDSTORE", "QRESYNC", "IMAP4rev2" };

struct client {
	struct engine *engine;
	struct store_link *link;
	enum want want;
	struct buf in, out;
	enum kind kind;
	bool is_selected, is_idling;
	struct message messages[MESSAGES];
	size_t count;
	unsigned open;		/* commands without an answer */
	unsigned numbered;	/* of them, those that take or show numbers */
	/* of a STORE.SILENT that is open */
	unsigned silent_flags;
	bool silent_adds;
	uint32_t silent_low, silent_high;	/* UIDs */
};

struct model {
	struct store_backend *backend;
	struct imap_settings settings;
	struct peer_info peer;
	struct client at[CLIENTS + 1];	/* the last one is only asked at the end */
	uint64_t random;
	unsigned seed, turn;
	struct buf log;		/* what was said, for a failure */
};

static uint32_t pick(struct model *m, uint32_t below)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)(m->random >> 33) % below : 0;
}

static void fail(struct model *m, size_t i, const char *what)
{
	size_t from = m->log.len > 9000 ? m->log.len - 9000 : 0;

	cr_assert(false, "seed %u, turn %u, client %zu: %s\n%.*s", m->seed, m->turn, i,
		  what, SLICE_ARG(slice_from(buf_slice(&m->log), from)));
}

/* ---- what a client is told ---- */

static unsigned read_flags(const char *text)
{
	unsigned set = 0;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strstr(text, flags[i].name))
			set |= flags[i].flag;
	return set;
}

static void remove_number(struct model *m, size_t i, size_t number)
{
	struct client *c = &m->at[i];

	if (number == 0 || number > c->count)
		fail(m, i, "EXPUNGE of a number that is not there");
	memmove(&c->messages[number - 1], &c->messages[number],
		(c->count - number) * sizeof *c->messages);
	c->count--;
}

static void take_vanished(struct model *m, size_t i, const char *text)
{
	struct client *c = &m->at[i];

	while (*text) {
		char *end;
		unsigned long low = strtoul(text, &end, 10), high = low;

		if (*end == ':')
			high = strtoul(end + 1, &end, 10);
		for (unsigned long uid = low; uid <= high; uid++) {
			size_t n = 0;

			while (n < c->count && c->messages[n].uid != uid)
				n++;
			/* a UID that it has not been told: one of those without */
			for (size_t k = 0; n == c->count && k < c->count; k++)
				if (!c->messages[k].uid)
					n = k;
			remove_number(m, i, n + 1);
		}
		text = *end == ',' ? end + 1 : end;
		if (*end != ',')
			break;
	}
}

static void take_fetch(struct model *m, size_t i, unsigned long number,
		       const char *text)
{
	struct client *c = &m->at[i];
	const char *uid = strstr(text, "UID "), *list = strstr(text, "FLAGS (");
	struct message *message;

	if (number == 0 || number > c->count)
		fail(m, i, "FETCH of a number that is not there");
	message = &c->messages[number - 1];
	if (uid && message->uid && message->uid != strtoul(uid + 4, NULL, 10))
		fail(m, i, "the number is another message's");
	if (uid)
		message->uid = (uint32_t)strtoul(uid + 4, NULL, 10);
	if (list)
		message->flags = read_flags(list);
}

static void take_tagged(struct model *m, size_t i, const char *line)
{
	struct client *c = &m->at[i];

	if (c->open == 0)
		fail(m, i, "an answer to nothing");
	c->open--;
	if (line[0] == 'n')
		c->numbered--;
	if (!strstr(line, " OK"))
		fail(m, i, "refused");
	if (line[1] == 's') {	/* a STORE.SILENT: the client does it itself */
		for (size_t n = 0; n < c->count; n++) {
			struct message *at = &c->messages[n];

			if (at->uid < c->silent_low || at->uid > c->silent_high)
				continue;
			at->flags = c->silent_adds ? at->flags | c->silent_flags
						   : at->flags & ~c->silent_flags;
		}
	}
}

static void take_line(struct model *m, size_t i, const char *line)
{
	struct client *c = &m->at[i];
	unsigned long number;
	char word[32];

	buf_append_fmt(&m->log, "S%zu: %s\n", i, line);
	if (line[0] == '+') {
		c->is_idling = true;
	} else if (line[0] != '*') {
		take_tagged(m, i, line);
	} else if (strncmp(line, "* VANISHED ", 11) == 0) {
		if (c->kind != QRESYNC || c->numbered)
			fail(m, i, "VANISHED out of time");
		take_vanished(m, i, line + 11);
	} else if (sscanf(line, "* %lu %31s", &number, word) == 2) {
		if (strcmp(word, "EXISTS") == 0) {
			if (number < c->count || number > MESSAGES)
				fail(m, i, "EXISTS takes messages away");
			while (c->count < number)
				c->messages[c->count++] = (struct message){ 0, UNKNOWN };
		} else if (strcmp(word, "EXPUNGE") == 0) {
			if (c->kind == QRESYNC || c->numbered)
				fail(m, i, "EXPUNGE out of time");
			remove_number(m, i, number);
		} else if (strcmp(word, "FETCH") == 0) {
			take_fetch(m, i, number, line);
		} else if (strcmp(word, "RECENT") == 0 && c->kind == REV2) {
			fail(m, i, "RECENT in rev2");
		}
	}
	if (c->kind == REV2 && strncmp(line, "* SEARCH", 8) == 0)
		fail(m, i, "SEARCH in rev2");
}

/* ---- turns ---- */

static void settle(struct model *m, size_t i)
{
	struct client *c = &m->at[i];
	struct engine *e = c->engine;
	struct slice left, line;

	for (;;) {
		c->want = store_link_serve(c->link, e, c->want);
		if (e->out.len == 0)
			break;
		buf_append(&c->out, buf_slice(&e->out));
		e->out.len = 0;
		c->want = e->ops->drained(e);
	}
	left = buf_slice(&c->out);
	while (slice_crlf(left) < left.len) {
		char text[4096];

		line = slice_head(left, slice_crlf(left));
		snprintf(text, sizeof text, "%.*s", SLICE_ARG(line));
		take_line(m, i, text);
		left = slice_from(left, line.len + 2);
	}
	buf_consume(&c->out, c->out.len - left.len);
}

/* Gives the engine what was said; its questions stay with it until it settles. */
static void give(struct client *c)
{
	size_t used = 1;

	while (c->in.len && used && c->want == WANT_INPUT) {
		c->want = c->engine->ops->input(c->engine, buf_slice(&c->in), &used);
		buf_consume(&c->in, used);
	}
}

static void settle_all(struct model *m)
{
	for (unsigned round = 0; round < 4; round++)
		for (size_t i = 0; i <= CLIENTS; i++)
			if (m->at[i].engine) {
				give(&m->at[i]);
				settle(m, i);
			}
}

/* tag: "n" numbers are in use, "u" not; "s" behind it: a STORE.SILENT. */
static void say(struct model *m, size_t i, const char *tag, const char *text)
{
	struct client *c = &m->at[i];

	buf_append_fmt(&m->log, "C%zu: %s %s\n", i, tag, text);
	buf_append_fmt(&c->in, "%s %s\r\n", tag, text);
	c->open++;
	c->numbered += tag[0] == 'n';
}

static void begin(struct model *m, size_t i, enum kind kind)
{
	struct client *c = &m->at[i];
	char text[64];

	*c = (struct client){ .kind = kind, .in = BUF_INIT(1 << 20), .out = BUF_INIT(1 << 24) };
	c->engine = imap_session_new(&m->settings, &m->peer, "s1");
	c->link = store_link_new(m->backend, SESSION_STORE);
	settle(m, i);
	say(m, i, "u", "LOGIN ann@example.test x");
	settle_all(m);
	if (enables[kind]) {
		snprintf(text, sizeof text, "ENABLE %s", enables[kind]);
		say(m, i, "u", text);
		settle_all(m);
	}
}

static void select_inbox(struct model *m, size_t i, const char *word)
{
	m->at[i].count = 0;
	m->at[i].is_selected = true;
	say(m, i, "u", word);
	say(m, i, "u", "UID FETCH 1:* (UID FLAGS)");
	settle_all(m);
}

static void end(struct model *m, size_t i)
{
	struct client *c = &m->at[i];

	c->engine->ops->free(c->engine);
	store_link_free(c->link);
	buf_free(&c->in);
	buf_free(&c->out);
	c->engine = NULL;
}

static void deliver(struct model *m)
{
	store_backend_deliver(m->backend, "ann@example.test", "Subject: x\n\nx\n");
	buf_append_str(&m->log, "-- mail\n");
}

/* ---- what clients do ---- */

static void store(struct model *m, size_t i)
{
	struct client *c = &m->at[i];
	size_t low = 1 + pick(m, (uint32_t)c->count), high = low + pick(m, 3);
	bool silent = pick(m, 2), adds = pick(m, 3), by_uid = pick(m, 2);
	unsigned f = pick(m, 4);
	char text[128];

	high = high > c->count ? c->count : high;
	if (!c->messages[low - 1].uid || !c->messages[high - 1].uid)
		return;
	if (by_uid)
		snprintf(text, sizeof text, "UID STORE %u:%u %cFLAGS%s (%s)",
			 c->messages[low - 1].uid, c->messages[high - 1].uid,
			 adds ? '+' : '-', silent ? ".SILENT" : "", flags[f].name);
	else
		snprintf(text, sizeof text, "STORE %zu:%zu %cFLAGS%s (%s)", low, high,
			 adds ? '+' : '-', silent ? ".SILENT" : "", flags[f].name);
	if (silent) {
		c->silent_low = c->messages[low - 1].uid;
		c->silent_high = c->messages[high - 1].uid;
		c->silent_adds = adds;
		c->silent_flags = flags[f].flag;
	}
	say(m, i, by_uid ? silent ? "us" : "u" : silent ? "ns" : "n", text);
}

static void act(struct model *m, size_t i)
{
	struct client *c = &m->at[i];
	unsigned what = pick(m, 20);

	if (c->is_idling) {
		buf_append_str(&m->log, "C: DONE\n");
		buf_append_str(&c->in, "DONE\r\n");
		c->is_idling = false;
		return;
	}
	if (what < 6 && c->count)
		store(m, i);
	else if (what < 8)
		say(m, i, "u", "EXPUNGE");
	else if (what == 8)
		say(m, i, "u", "UID EXPUNGE 1:*");
	else if (what == 9)
		say(m, i, "n", "SEARCH UNSEEN");
	else if (what == 10)
		say(m, i, "u", "UID SEARCH FLAGGED");
	else if (what == 11)
		say(m, i, "n", "UID SEARCH 1:* UNSEEN");
	else if (what == 12 && c->count)
		say(m, i, "u", "UID COPY 1:* Other");
	else if (what == 13 && c->count)
		say(m, i, "u", "COPY 1 INBOX");
	else if (what == 14 && c->count)
		say(m, i, "u", "UID MOVE * Other");
	else if (what == 15)
		say(m, i, "u", "IDLE");
	else if (what == 16)
		say(m, i, "u", "APPEND INBOX (\\Flagged) {9+}\r\na: b\r\n\r\nc");
	else if (what == 17 && c->open == 0)
		select_inbox(m, i, "SELECT INBOX");
	else
		say(m, i, "u", "NOOP");
}

/* New messages are asked for, as clients do. */
static void look(struct model *m, size_t i)
{
	const struct client *c = &m->at[i];
	size_t n = 0;
	char text[64];

	while (n < c->count && c->messages[n].uid)
		n++;
	if (c->open || c->is_idling || n == c->count)
		return;
	snprintf(text, sizeof text, "FETCH %zu:%zu (UID FLAGS)", n + 1, c->count);
	say(m, i, "n", text);
	settle_all(m);
}

/* All at rest: each holds what is there. */
static void compare(struct model *m)
{
	struct client *truth = &m->at[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++) {
		if (m->at[i].is_idling)
			act(m, i);
		settle_all(m);
		say(m, i, "u", "NOOP");
		settle_all(m);
		look(m, i);
	}
	begin(m, CLIENTS, PLAIN);
	select_inbox(m, CLIENTS, "EXAMINE INBOX");
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct client *c = &m->at[i];

		if (c->open || c->numbered)
			fail(m, i, "a command has no answer");
		if (c->count != truth->count)
			fail(m, i, "another number of messages");
		for (size_t n = 0; n < c->count; n++) {
			unsigned is = c->messages[n].flags & ~RECENT;

			if (c->messages[n].uid != truth->messages[n].uid)
				fail(m, i, "another UID");
			if (is != (truth->messages[n].flags & ~RECENT)) {
				buf_append_fmt(&m->log, "-- message %zu: %u, is %u\n",
					       n + 1, is, truth->messages[n].flags);
				fail(m, i, "other flags");
			}
			for (size_t k = i + 1; k < CLIENTS; k++)
				if (c->messages[n].flags & m->at[k].messages[n].flags & RECENT)
					fail(m, i, "\\Recent to two");
		}
	}
	end(m, CLIENTS);
}

static void play(unsigned seed)
{
	struct model *m = calloc(1, sizeof *m);

	m->settings = (struct imap_settings)IMAP_SETTINGS_INIT;
	m->peer = (struct peer_info){ .address = "192.0.2.7" };
	m->seed = seed;
	m->random = seed * 2654435761u + 1;
	m->log = (struct buf)BUF_INIT(1 << 26);
	m->backend = store_backend_new(true);
	for (int n = 0; n < 5; n++)
		deliver(m);
	for (size_t i = 0; i < CLIENTS; i++) {
		begin(m, i, (enum kind)((seed + i) % KINDS));
		if (i == 0) {
			say(m, 0, "u", "CREATE Other");
			settle_all(m);
		}
		select_inbox(m, i, "SELECT INBOX");
	}
	for (m->turn = 0; m->turn < TURNS; m->turn++) {
		size_t first = pick(m, CLIENTS), second = pick(m, CLIENTS);

		if (pick(m, 6) == 0 && m->at[0].count < MESSAGES / 2)
			deliver(m);
		/* both ask before either is answered, in one order or the other */
		for (size_t i = 0; i < CLIENTS; i++)
			look(m, i);
		if (!m->at[first].open || m->at[first].is_idling)
			act(m, first);
		if (second != first && (!m->at[second].open || m->at[second].is_idling))
			act(m, second);
		give(&m->at[first]);
		give(&m->at[second]);
		settle(m, second);
		settle(m, first);
		settle_all(m);
		if (m->turn % 25 == 24)
			compare(m);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		end(m, i);
	store_backend_free(m->backend);
	buf_free(&m->log);
	free(m);
}

Test(imap_model, clients_agree, .timeout = 300)
{
	const char *one = getenv("SEED");

	clock_fake(1000000, INT64_C(1795504127000));
	if (one)
		play((unsigned)strtoul(one, NULL, 10));
	for (unsigned seed = 1; !one && seed <= 16; seed++)
		play(seed);
	clock_real();
}
