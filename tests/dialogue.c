#include "tests/dialogue.h"

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "common/log.h"
#include "tests/dialogue_message.h"
#include "tests/support/allocations.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define START_MS	INT64_C(1000000)
#define START_WALL_MS	INT64_C(1795504127000)	/* 2026-11-24 07:08:47 UTC */
#define SETTINGS_MAX	32
#define LABELS_MAX	16

enum step_kind {
	STEP_SEND,
	STEP_LINE, STEP_LIKE, STEP_UNTIL, STEP_RAW,
	STEP_ASKED, STEP_ANSWER, STEP_EVENT,
	STEP_TIME, STEP_EXPIRED, STEP_TLS, STEP_CLOSE, STEP_BARRIER,
};

struct step {
	enum step_kind kind;
	unsigned line;
	struct slice text;	/* octets, a pattern, or a message in words */
	struct slice label;	/* of R and A */
};

struct dialogue {
	struct arena arena;
	struct { const char *name, *value; } settings[SETTINGS_MAX];
	size_t setting_count;
	struct step *steps;
	size_t count, cap;
	unsigned line;		/* where something went wrong */
	char problem[1600];
};

static const char *fail(struct dialogue *d, unsigned line, const char *problem)
{
	d->line = line;
	if (problem != d->problem)
		snprintf(d->problem, sizeof d->problem, "%s", problem);
	return d->problem;
}

const char *dialogue_setting(const struct dialogue *d, const char *name,
			     const char *fallback)
{
	for (size_t i = 0; i < d->setting_count; i++)
		if (strcmp(d->settings[i].name, name) == 0)
			return d->settings[i].value;
	return fallback;
}

uint64_t dialogue_number(const struct dialogue *d, const char *name,
			 uint64_t fallback)
{
	const char *text = dialogue_setting(d, name, NULL);
	unsigned long long value;

	if (!text)
		return fallback;
	cr_assert(slice_number(slice_str(text), UINT64_MAX, &value),
		  "set %s: no number", name);
	return value;
}

/* ---- text to steps -------------------------------------------------------------- */

/* "raw" [x N], the octets repeated. */
static bool parse_raw(struct dialogue *d, struct slice text, struct slice *out)
{
	unsigned long long times = 1;
	struct slice once;
	char *all;

	if (!dialogue_unquote(&text, &d->arena, &once))
		return false;
	text = slice_trim(text);
	if (text.len && (!slice_starts(text, SLICE("x ")) ||
			 !slice_number(slice_from(text, 2), 100000000, &times)))
		return false;
	all = arena_alloc(&d->arena, once.len * times + 1);
	if (!all)
		return false;
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * once.len, once.data, once.len);
	*out = slice_of(all, once.len * times);
	return true;
}

static struct step *step_add(struct dialogue *d, enum step_kind kind,
			     unsigned line, struct slice text)
{
	if (d->count == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->steps = realloc(d->steps, d->cap * sizeof *d->steps);
	}
	d->steps[d->count] = (struct step){ kind, line, text, SLICE_EMPTY };
	return &d->steps[d->count++];
}

/* "R: ..." or "R[label]: ..." */
static bool parse_message_step(struct dialogue *d, enum step_kind kind,
			       unsigned line, struct slice text)
{
	struct slice label = SLICE_EMPTY;

	text = slice_from(text, 1);
	if (text.len && text.data[0] == '[') {
		size_t end = slice_index(text, ']');

		if (end == text.len)
			return false;
		label = slice_from(slice_head(text, end), 1);
		text = slice_from(text, end + 1);
	}
	if (!slice_starts(text, SLICE(":")))
		return false;
	step_add(d, kind, line, slice_trim(slice_from(text, 1)))->label = label;
	return true;
}

static bool parse_setting(struct dialogue *d, struct slice text)
{
	size_t space = slice_index(text, ' ');

	if (d->setting_count == SETTINGS_MAX)
		return false;
	d->settings[d->setting_count].name =
		arena_str(&d->arena, slice_head(text, space));
	d->settings[d->setting_count++].value =
		arena_str(&d->arena, slice_trim(slice_from(text, space)));
	return true;
}

static const struct {
	const char *mark;
	enum step_kind kind;
	bool is_raw;
} marks[] = {
	{ "C*", STEP_SEND, true },
	{ "S:", STEP_LINE, false },
	{ "S~", STEP_LIKE, false },
	{ "S+", STEP_UNTIL, false },
	{ "S*", STEP_RAW, true },
	{ "TLS", STEP_TLS, false },
	{ "E:", STEP_EVENT, false },
	{ "X", STEP_CLOSE, false },
	{ "---", STEP_BARRIER, false },
};

static bool parse_line(struct dialogue *d, unsigned line, struct slice text)
{
	unsigned long long ms;
	struct slice octets;

	if (text.len == 0 || text.data[0] == '#')
		return true;
	if (slice_starts(text, SLICE("set ")))
		return parse_setting(d, slice_trim(slice_from(text, 4)));
	if (slice_starts(text, SLICE("C:"))) {
		char *at;

		text = slice_from(text, text.len > 2 && text.data[2] == ' ' ? 3 : 2);
		at = arena_alloc(&d->arena, text.len + 2);
		memcpy(at, text.data, text.len);
		memcpy(at + text.len, "\r\n", 2);
		step_add(d, STEP_SEND, line, slice_of(at, text.len + 2));
		return true;
	}
	if (text.data[0] == 'R')
		return parse_message_step(d, STEP_ASKED, line, text);
	if (text.data[0] == 'A')
		return parse_message_step(d, STEP_ANSWER, line, text);
	if (slice_starts(text, SLICE("T: "))) {
		text = slice_from(text, 3);
		if (slice_eq(text, SLICE("expired"))) {
			step_add(d, STEP_EXPIRED, line, text);
			return true;
		}
		step_add(d, STEP_TIME, line, text);
		return slice_number(text, INT32_MAX, &ms);
	}
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		struct slice mark = slice_str(marks[i].mark);

		if (!slice_starts(text, mark))
			continue;
		octets = slice_from(text, mark.len);
		if (octets.len && octets.data[0] == ' ')
			octets = slice_from(octets, 1);
		if (marks[i].is_raw && !parse_raw(d, octets, &octets))
			return false;
		step_add(d, marks[i].kind, line, octets);
		return true;
	}
	return false;
}

static const char *dialogue_parse(struct dialogue *d, struct slice text)
{
	struct slice line;

	for (unsigned n = 1; slice_split(&text, '\n', &line); n++)
		if (!parse_line(d, n, line))
			return fail(d, n, "the line makes no sense");
	return NULL;
}

static void dialogue_clear(struct dialogue *d)
{
	free(d->steps);
	arena_clear(&d->arena);
}

/* ---- playing ------------------------------------------------------------------ */

struct play {
	struct dialogue *d;
	struct engine *engine;
	struct peer_info peer;
	enum want want;
	size_t chunk;		/* octets a call */
	bool pipelined;		/* all up to the next barrier at once */
	bool credit;		/* acknowledge LMTP_DATA */
	bool early;		/* things may be said before T, E, TLS, X */
	struct buf in, said, asked;	/* asked: frames not yet compared */
	size_t to_say;		/* the first S step not yet compared */
	struct { struct slice label; uint32_t id; } labels[LABELS_MAX];
	size_t label_count;
	struct arena arena;
};

/* A call of the engine's face; what it allocates may be made to fail. */
#define CALL(p, call) do { \
	enum want next_; \
	allocations_count(true); \
	next_ = (p)->engine->ops->call; \
	allocations_count(false); \
	(p)->want = (p)->want == WANT_CLOSE ? WANT_CLOSE : next_; \
} while (0)

/* Moves the frames the engine queued; true if there were some. */
static bool take_requests(struct play *p)
{
	struct slice in = buf_slice(&p->engine->requests);
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used, from = p->asked.len;

	if (in.len == 0)
		return false;
	cr_assert_eq(buf_append(&p->asked, in), ST_OK);
	p->engine->requests.len = 0;
	in = slice_from(buf_slice(&p->asked), from);
	for (; ipc_frame_next(in, &frame, &used) == ST_OK; in = slice_from(in, used)) {
		cr_assert_eq(ipc_decode(&frame, &m), ST_OK, "malformed request");
		if (p->credit && m.type == IPC_TYPE_LMTP_DATA) {
			struct ipc_message credit = { .type = IPC_TYPE_CREDIT };

			credit.credit.octets = (uint32_t)m.lmtp_data.octets.len;
			CALL(p, reply(p->engine, frame.id, &credit, false));
		}
	}
	return true;
}

/* What common/conn.c does: input as far as it goes, then write. */
static void pump(struct play *p)
{
	struct engine *e = p->engine;
	bool progress = true;

	while (progress) {
		size_t used = 1;

		progress = false;
		while (p->want == WANT_INPUT && p->in.len && used &&
		       e->out.len <= ENGINE_OUT_HIGH &&
		       e->requests.len <= ENGINE_REQUESTS_HIGH) {
			CALL(p, input(e, buf_slice(&p->in), &used));
			buf_consume(&p->in, used);
			progress = progress || used;
		}
		if (take_requests(p))
			progress = true;
		if (e->out.len) {
			cr_assert_eq(buf_append(&p->said, buf_slice(&e->out)), ST_OK);
			e->out.len = 0;
			CALL(p, drained(e));
			progress = true;
		}
	}
}

static void feed(struct play *p, struct slice octets)
{
	while (octets.len) {
		size_t n = octets.len < p->chunk ? octets.len : p->chunk;

		cr_assert_eq(buf_append(&p->in, slice_head(octets, n)), ST_OK);
		octets = slice_from(octets, n);
		pump(p);
	}
}

static const char *differs(struct play *p, const struct step *s,
			   const char *what)
{
	struct buf text = BUF_INIT(1500);
	struct slice left = buf_slice(&p->said);

	buf_append_str(&text, what);
	buf_append_str(&text, ": wanted '");
	dialogue_escape(slice_head(s->text, 300), &text);
	buf_append_str(&text, "', said '");
	dialogue_escape(slice_head(left, 300), &text);
	buf_append_str(&text, "'");
	snprintf(p->d->problem, sizeof p->d->problem, "%.*s",
		 SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
	return fail(p->d, s->line, p->d->problem);
}

static const char *say_one(struct play *p, const struct step *s)
{
	struct slice said = buf_slice(&p->said), line;
	size_t end;

	if (s->kind == STEP_RAW) {
		if (!slice_starts(said, s->text))
			return differs(p, s, "other octets");
		buf_consume(&p->said, s->text.len);
		return NULL;
	}
	end = slice_crlf(said);
	if (end == said.len)
		return differs(p, s, said.len ? "no whole line" : "silence");
	line = slice_head(said, end);
	if (s->kind == STEP_UNTIL && !dialogue_like(line, s->text)) {
		buf_consume(&p->said, end + 2);
		return say_one(p, s);
	}
	if (!(s->kind == STEP_LINE ? slice_eq(line, s->text)
				   : dialogue_like(line, s->text)))
		return differs(p, s, "another line");
	buf_consume(&p->said, end + 2);
	return NULL;
}

/* Compares the S steps before step `upto`, and that nothing else was said. */
static const char *settle(struct play *p, size_t upto, bool all)
{
	const char *problem = NULL;

	for (; p->to_say < upto && !problem; p->to_say++) {
		const struct step *s = &p->d->steps[p->to_say];

		if (s->kind >= STEP_LINE && s->kind <= STEP_RAW)
			problem = say_one(p, s);
	}
	if (!problem && all && p->said.len) {
		struct step end = { .line = upto < p->d->count
			? p->d->steps[upto].line : 0, .text = SLICE("nothing more") };

		problem = differs(p, &end, "more was said");
	}
	return problem;
}

/* The next request; pieces that follow each other are joined. */
static bool next_request(struct play *p, struct ipc_message *m, uint32_t *id)
{
	struct buf joined = BUF_INIT((size_t)1 << 28);
	struct ipc_frame frame;
	struct ipc_message more;
	size_t used;

	if (ipc_frame_next(buf_slice(&p->asked), &frame, &used) != ST_OK ||
	    ipc_decode(&frame, &more) != ST_OK)
		return false;
	*m = more;
	*id = frame.id;
	if (m->type != IPC_TYPE_LMTP_DATA && m->type != IPC_TYPE_APPEND_DATA) {
		/* its slices borrow from the buffer that now moves on */
		static char keep[IPC_FRAME_MAX];

		memcpy(keep, p->asked.data, used);
		ipc_frame_next(slice_of(keep, used), &frame, &used);
		ipc_decode(&frame, m);
		buf_consume(&p->asked, used);
		return true;
	}
	do {
		buf_append(&joined, m->type == IPC_TYPE_LMTP_DATA
				? more.lmtp_data.octets : more.append_data.octets);
		buf_consume(&p->asked, used);
	} while (ipc_frame_next(buf_slice(&p->asked), &frame, &used) == ST_OK &&
		 ipc_decode(&frame, &more) == ST_OK && more.type == m->type &&
		 frame.id == *id);
	m->lmtp_data.octets = arena_copy(&p->arena, buf_slice(&joined));
	if (m->type == IPC_TYPE_APPEND_DATA)
		m->append_data.octets = m->lmtp_data.octets;
	buf_free(&joined);
	return true;
}

static const char *step_asked(struct play *p, const struct step *s)
{
	struct ipc_message m;
	const char *problem;
	struct buf got = BUF_INIT(1200);
	uint32_t id;

	if (!next_request(p, &m, &id))
		return fail(p->d, s->line, "nothing was asked");
	problem = dialogue_message_match(s->text, &p->arena, &m);
	if (problem) {
		dialogue_message_render(&m, &got);
		snprintf(p->d->problem, sizeof p->d->problem, "%s: %.*s", problem,
			 SLICE_ARG(buf_slice(&got)));
		buf_free(&got);
		return fail(p->d, s->line, p->d->problem);
	}
	for (size_t i = 0; i <= p->label_count && i < LABELS_MAX; i++)
		if (i == p->label_count || slice_eq(p->labels[i].label, s->label)) {
			p->label_count += i == p->label_count;
			p->labels[i].label = s->label;
			p->labels[i].id = id;
			break;
		}
	return NULL;
}

static const char *step_answer(struct play *p, const struct step *s)
{
	struct ipc_message m;
	bool last;
	const char *problem =
		dialogue_message_parse(s->text, &p->arena, &m, &last);

	if (problem)
		return fail(p->d, s->line, problem);
	if (s->kind == STEP_EVENT) {
		CALL(p, event(p->engine, &m));
		pump(p);
		return NULL;
	}
	for (size_t i = 0; i < p->label_count; i++)
		if (slice_eq(p->labels[i].label, s->label)) {
			CALL(p, reply(p->engine, p->labels[i].id, &m, last));
			pump(p);
			return NULL;
		}
	return fail(p->d, s->line, "no request was named so");
}

static const char *step_time(struct play *p, const struct step *s)
{
	struct engine *e = p->engine;
	unsigned long long ms = 0;

	if (s->kind == STEP_TIME)
		slice_number(s->text, INT32_MAX, &ms);
	else if (e->deadline_ms == 0)
		return fail(p->d, s->line, "there is no deadline");
	else if (e->deadline_ms > clock_ms())
		ms = (unsigned long long)(e->deadline_ms - clock_ms());
	clock_fake_advance((int64_t)ms);
	if (e->deadline_ms && clock_ms() >= e->deadline_ms) {
		CALL(p, expired(e));
		pump(p);
	}
	return NULL;
}

/* What a handshake leaves behind. */
static void play_tls(struct play *p, const char *version)
{
	p->peer.is_secure = true;
	p->peer.tls_version = version;
	p->peer.tls_cipher = "TLS_AES_256_GCM_SHA384";
	p->peer.tls_bits = 256;
	if (strcmp(dialogue_setting(p->d, "binding", "no"), "yes") == 0) {
		p->peer.tls_exporter = SLICE("exporter");
		p->peer.tls_end_point = SLICE("end point");
	}
	if (strcmp(dialogue_setting(p->d, "certificate", "no"), "yes") == 0)
		p->peer.client_certificate =
			SLICE("the digest of the client's key..");
}

static const char *step_tls(struct play *p, const struct step *s)
{
	if (p->want != WANT_TLS)
		return fail(p->d, s->line, "no handshake is wanted");
	p->in.len = 0;
	play_tls(p, s->text.len ? arena_str(&p->arena, s->text) : "TLSv1.3");
	CALL(p, secured(p->engine));
	pump(p);
	return NULL;
}

static bool is_barrier(enum step_kind kind)
{
	return kind >= STEP_EVENT;
}

/* Sends what the client says at step i: the lines that stand together, or all
 * up to the next barrier. */
static void send_from(struct play *p, size_t i)
{
	struct buf group = BUF_INIT((size_t)1 << 28);

	for (; i < p->d->count; i++) {
		const struct step *s = &p->d->steps[i];

		if (s->kind == STEP_SEND)
			buf_append(&group, s->text);
		else if (!p->pipelined || is_barrier(s->kind))
			break;
	}
	feed(p, buf_slice(&group));
	buf_free(&group);
}

/* Whether step i begins what send_from() sends. */
static bool begins_group(const struct play *p, size_t i)
{
	if (!p->pipelined)
		return i == 0 || p->d->steps[i - 1].kind != STEP_SEND;
	while (i-- > 0 && !is_barrier(p->d->steps[i].kind))
		if (p->d->steps[i].kind == STEP_SEND)
			return false;
	return true;
}

static const char *play_step(struct play *p, size_t i)
{
	const struct step *s = &p->d->steps[i];
	const char *problem = NULL;
	bool strict = !p->pipelined;

	if (is_barrier(s->kind) && (strict || !p->early))
		problem = settle(p, i, !p->early);
	if (problem)
		return problem;
	switch (s->kind) {
	case STEP_SEND:
		if (!begins_group(p, i))
			return NULL;
		problem = strict ? settle(p, i, true) : NULL;
		if (!problem && p->want == WANT_CLOSE)
			problem = fail(p->d, s->line, "closed before this");
		if (!problem)
			send_from(p, i);
		return problem;
	case STEP_LINE:
	case STEP_LIKE:
	case STEP_UNTIL:
	case STEP_RAW:
		return strict ? settle(p, i + 1, false) : NULL;
	case STEP_ASKED:
		return step_asked(p, s);
	case STEP_ANSWER:
	case STEP_EVENT:
		return step_answer(p, s);
	case STEP_TIME:
	case STEP_EXPIRED:
		return step_time(p, s);
	case STEP_TLS:
		return step_tls(p, s);
	case STEP_CLOSE:
		return p->want == WANT_CLOSE ? NULL
			: fail(p->d, s->line, "it does not want to close");
	case STEP_BARRIER:
		break;
	}
	return NULL;
}

static void play_peer(struct play *p)
{
	const struct dialogue *d = p->d;

	snprintf(p->peer.address, sizeof p->peer.address, "%s",
		 dialogue_setting(d, "address", "192.0.2.7"));
	snprintf(p->peer.local_address, sizeof p->peer.local_address,
		 "192.0.2.25");
	p->peer.port = 54321;
	p->peer.local_port = 25;
	p->peer.is_trusted = strcmp(dialogue_setting(d, "trusted", "no"), "yes") == 0;
	p->peer.is_secure = strcmp(dialogue_setting(d, "secure", "no"), "yes") == 0;
	if (p->peer.is_secure)
		play_tls(p, "TLSv1.3");
	p->early = strcmp(dialogue_setting(d, "early", "no"), "yes") == 0;
	p->credit = strcmp(dialogue_setting(d, "credit", "yes"), "yes") == 0;
}

static const char *play(struct dialogue *d, size_t chunk, bool pipelined,
			const struct dialogue_protocol *protocol)
{
	struct play p = {
		.d = d, .chunk = chunk, .pipelined = pipelined,
		.want = WANT_INPUT,
		.in = BUF_INIT((size_t)1 << 28), .said = BUF_INIT((size_t)1 << 28),
		.asked = BUF_INIT((size_t)1 << 28), .arena = ARENA_INIT((size_t)1 << 28),
	};
	const char *problem = NULL;
	void *context = NULL;

	clock_fake(START_MS, START_WALL_MS);
	play_peer(&p);
	p.engine = protocol->start(d, &p.peer, &context);
	cr_assert_not_null(p.engine);
	pump(&p);
	for (size_t i = 0; i < d->count && !problem; i++)
		problem = play_step(&p, i);
	if (!problem)
		problem = settle(&p, d->count, true);
	if (!problem && p.asked.len) {
		struct step none = { .kind = STEP_ASKED,
			.text = SLICE("done") };

		problem = step_asked(&p, &none);
	}
	p.engine->ops->free(p.engine);
	if (protocol->finish)
		protocol->finish(context);
	buf_free(&p.in);
	buf_free(&p.said);
	buf_free(&p.asked);
	arena_clear(&p.arena);
	return problem;
}

/* ---- at every chunk size --------------------------------------------------------- */

static size_t longest_send(const struct dialogue *d)
{
	size_t longest = 1, group = 0;

	for (size_t i = 0; i < d->count; i++) {
		group = d->steps[i].kind == STEP_SEND
			? group + d->steps[i].text.len : 0;
		if (group > longest)
			longest = group;
	}
	return longest;
}

/* Each size while they are small, then steps that meet no power of two. */
static size_t next_chunk(size_t chunk, size_t longest)
{
	size_t next = chunk < 80 ? chunk + 1 : chunk * 3 / 2 + 1;

	if (longest > 8192 && chunk < 80)
		next = chunk * 3 + 1;
	return chunk < longest && next > longest ? longest : next;
}

/* Thousands of sessions would fill the output. */
static void silence_log(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_open("test", fd, false);
}

/* Each allocation of the engine fails once. What it then says is its own affair:
 * it neither crashes nor leaks. */
static void fail_allocations(struct dialogue *d,
			     const struct dialogue_protocol *protocol)
{
	for (size_t n = 1; n < 10000; n++) {
		allocations_fail_at(n);
		play(d, SIZE_MAX, false, protocol);
		if (!allocations_failed())
			break;
	}
	allocations_fail_at(0);
}

static const char *play_all(struct dialogue *d, size_t *chunk, bool *pipelined,
			    const struct dialogue_protocol *protocol)
{
	size_t longest = longest_send(d);
	const char *problem = NULL;

	silence_log();
	*pipelined = false;
	for (*chunk = 1; *chunk <= longest; *chunk = next_chunk(*chunk, longest)) {
		problem = play(d, *chunk, false, protocol);
		if (problem)
			return problem;
	}
	*chunk = SIZE_MAX;
	fail_allocations(d, protocol);
	*pipelined = strcmp(dialogue_setting(d, "pipelined", "yes"), "yes") == 0;
	return *pipelined ? play(d, *chunk, true, protocol) : NULL;
}

static enum status read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	if (!f)
		return ST_IO;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_append(out, slice_of(piece, n));
	fclose(f);
	return ST_OK;
}

static void play_file(const char *folder, const char *name,
		      const struct dialogue_protocol *protocol)
{
	struct dialogue d = { .arena = ARENA_INIT((size_t)1 << 28) };
	struct buf text = BUF_INIT((size_t)1 << 20);
	const char *problem;
	size_t chunk = 0;
	bool pipelined = false;
	char path[512];

	snprintf(path, sizeof path, "%s/%s/%s", DIALOGUE_DIR, folder, name);
	cr_assert_eq(read_file(path, &text), ST_OK, "%s", path);
	problem = dialogue_parse(&d, buf_slice(&text));
	if (!problem)
		problem = play_all(&d, &chunk, &pipelined, protocol);
	if (problem && pipelined)
		cr_expect(false, "%s/%s:%u, pipelined: %s", folder, name, d.line,
			  problem);
	else if (problem)
		cr_expect(false, "%s/%s:%u, chunks of %zu: %s", folder, name,
			  d.line, chunk, problem);
	dialogue_clear(&d);
	buf_free(&text);
}

void dialogue_play_folder(const char *folder,
			  const struct dialogue_protocol *protocol)
{
	struct dirent **names;
	char path[512];
	const char *only = getenv("DIALOGUE");
	int count;

	snprintf(path, sizeof path, "%s/%s", DIALOGUE_DIR, folder);
	count = scandir(path, &names, NULL, alphasort);
	cr_assert_gt(count, 2, "no dialogues in %s", path);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(names[i]->d_name);

		if (len > 4 && strcmp(names[i]->d_name + len - 4, ".txt") == 0 &&
		    (!only || strstr(names[i]->d_name, only)))
			play_file(folder, names[i]->d_name, protocol);
		free(names[i]);
	}
	free(names);
	clock_real();
}

const char *dialogue_play_text(const char *text,
			       const struct dialogue_protocol *protocol)
{
	static char problem[1700];
	struct dialogue d = { .arena = ARENA_INIT((size_t)1 << 28) };
	const char *found = dialogue_parse(&d, slice_str(text));
	size_t chunk;
	bool pipelined;

	if (!found)
		found = play_all(&d, &chunk, &pipelined, protocol);
	if (found)
		snprintf(problem, sizeof problem, "line %u: %s", d.line, found);
	dialogue_clear(&d);
	clock_real();
	return found ? problem : NULL;
}
