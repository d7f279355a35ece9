#include "mailboxd/fronts.h"

#include "common/clock.h"
#include "common/id.h"
#include "common/ipc_codec.h"
#include "common/siphash.h"
#include "mailboxd/refusals.h"
#include "mailboxd/service.h"
#include "mailboxd/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS		4096u
#define LOGIN_MAX	((size_t)320)
#define FIGURES_MAX	64u

struct front_peer {
	struct fronts *fronts;
	struct front_peer *next, **at;
	struct session *session;
	struct front_session *sessions;
	unsigned count;
	struct buf figures;	/* name and number in turn */
};

struct revoked {
	struct ipc_service_kick kick;	/* account 0: a free row */
	int64_t at_ms;
};

struct fronts {
	struct siphash_key key;
	struct revoked revoked[FRONTS_REVOKED_MAX];	/* a ring */
	size_t next_revoked;
	struct front_peer *peers;
	struct front_session *buckets[BUCKETS];
};

struct fronts *fronts_new(void)
{
	struct fronts *f = calloc(1, sizeof *f);

	if (f)
		f->key = siphash_key_make();
	return f;
}

void fronts_free(struct fronts *f)
{
	if (!f)
		return;
	while (f->peers)
		fronts_leave(f->peers);
	free(f);
}

/* ---- sessions ------------------------------------------------------------------- */

static struct front_session **bucket(struct fronts *f, struct slice sid)
{
	return &f->buckets[siphash(&f->key, sid) % BUCKETS];
}

static struct front_session *find(struct fronts *f, struct slice sid)
{
	struct front_session *s = *bucket(f, sid);

	while (s && !slice_eq(slice_str(s->sid), sid))
		s = s->chain;
	return s;
}

static void drop(struct front_peer *p, struct front_session *s)
{
	struct front_session **at = bucket(p->fronts, slice_str(s->sid));

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	p->count--;
	free(s);
}

static void copy(char *to, size_t room, struct slice from)
{
	from = slice_head(from, room - 1);
	if (from.len)
		memcpy(to, from.data, from.len);
	to[from.len] = '\0';
}

static void keep(struct front_peer *p, const struct ipc_service_session *m)
{
	struct slice login = slice_head(m->login, LOGIN_MAX);
	struct front_session *s = calloc(1, sizeof *s + login.len + 1);
	struct front_session **head = bucket(p->fronts, m->sid);

	if (!s)
		return;
	copy(s->sid, sizeof s->sid, m->sid);
	copy(s->service, sizeof s->service, m->service);
	copy(s->door, sizeof s->door, m->door);
	copy(s->address, sizeof s->address, m->address);
	copy(s->tls, sizeof s->tls, m->tls);
	copy(s->login, login.len + 1, login);
	s->by = p;
	s->account = m->account;
	s->since_ms = m->since;
	s->chain = *head;
	*head = s;
	s->next = p->sessions;
	s->at = &p->sessions;
	if (s->next)
		s->next->at = &s->next;
	p->sessions = s;
	p->count++;
}

static enum status take_session(struct front_peer *p,
				const struct ipc_service_session *m)
{
	struct front_session *known;

	if (!id_is_valid(m->sid, ID_SESSION))
		return ST_SYNTAX;
	known = find(p->fronts, m->sid);
	if (known && known->by != p)
		return ST_SYNTAX;
	if (known)
		drop(p, known);
	if (p->count < FRONTS_SESSIONS_MAX)
		keep(p, m);
	return ST_OK;
}

static enum status take_end(struct front_peer *p, struct slice sid)
{
	struct front_session *known = find(p->fronts, sid);

	if (known && known->by == p)
		drop(p, known);
	return ST_OK;
}

/* smtpd's, and those that are not logged in: the others are seen on store.sock. */
static bool is_only_here(const struct front_session *s)
{
	return s->account == 0 || strcmp(s->service, "smtp") == 0;
}

void fronts_each(const struct fronts *f,
		 void (*each)(void *arg, const struct front_session *s),
		 void *arg)
{
	for (const struct front_peer *p = f->peers; p; p = p->next)
		for (const struct front_session *s = p->sessions; s; s = s->next)
			if (is_only_here(s))
				each(arg, s);
}

/* ---- kicks ---------------------------------------------------------------------- */

static bool is_named(const struct front_session *s,
		     const struct ipc_service_kick *k)
{
	if (k->sid.len)
		return slice_eq(k->sid, slice_str(s->sid));
	return k->account == 0 || k->account == s->account;
}

static void send_kick(struct front_peer *p, const struct ipc_service_kick *k)
{
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_KICK };

	m.service_kick = *k;
	session_event(p->session, &m);
}

unsigned fronts_kick(struct fronts *f, const struct ipc_service_kick *k)
{
	unsigned count = 0;

	for (struct front_peer *p = f->peers; p; p = p->next) {
		for (struct front_session *s = p->sessions; s; s = s->next)
			count += is_only_here(s) && is_named(s, k);
		send_kick(p, k);
	}
	return count;
}

void fronts_revoked(struct fronts *f, const struct ipc_service_kick *k,
		    int64_t now_ms)
{
	f->revoked[f->next_revoked] = (struct revoked){ *k, now_ms };
	f->next_revoked = (f->next_revoked + 1) % FRONTS_REVOKED_MAX;
}

static void tell_revoked(struct front_peer *p, int64_t now_ms)
{
	for (size_t i = 0; i < FRONTS_REVOKED_MAX; i++) {
		const struct revoked *r = &p->fronts->revoked[i];

		if (r->kick.account && now_ms - r->at_ms <= FRONTS_REVOKED_MS)
			send_kick(p, &r->kick);
	}
}

/* ---- figures ---------------------------------------------------------------------- */

static enum status take_counters(struct front_peer *p,
				 const struct ipc_counters *m)
{
	p->figures.len = 0;
	buf_append(&p->figures, m->cells);
	return ST_OK;
}

struct figure {
	struct slice name;
	uint64_t value;
};

static void add_figure(struct figure *figures, size_t *count, struct slice name,
		       uint64_t value)
{
	size_t i = 0;

	while (i < *count && !slice_eq(figures[i].name, name))
		i++;
	if (i == FIGURES_MAX)
		return;
	if (i == *count) {
		figures[i] = (struct figure){ .name = name };
		(*count)++;
	}
	figures[i].value += value;
}

static void add_figures(struct figure *figures, size_t *count,
			const struct front_peer *p)
{
	struct slice rest = buf_slice(&p->figures), name, text;

	while (ipc_list_next(&rest, &name) == ST_OK &&
	       ipc_list_next(&rest, &text) == ST_OK) {
		unsigned long long value;

		if (slice_number(text, UINT64_MAX, &value))
			add_figure(figures, count, name, value);
	}
}

static struct slice name_of(const struct front_peer *p)
{
	return slice_str(p->session->peer_name);
}

static bool is_first_of_name(const struct fronts *f, const struct front_peer *p)
{
	const struct front_peer *first = f->peers;

	while (!slice_eq(name_of(first), name_of(p)))
		first = first->next;
	return first == p;
}

void fronts_figures(const struct fronts *f,
		    void (*each)(void *arg, struct slice daemon,
				 struct slice name, uint64_t value),
		    void *arg)
{
	for (const struct front_peer *p = f->peers; p; p = p->next) {
		struct figure figures[FIGURES_MAX];
		size_t count = 0;

		if (!is_first_of_name(f, p))
			continue;
		for (const struct front_peer *q = p; q; q = q->next)
			if (slice_eq(name_of(q), name_of(p)))
				add_figures(figures, &count, q);
		for (size_t i = 0; i < count; i++)
			each(arg, name_of(p), figures[i].name, figures[i].value);
	}
}

/* Mail is refused by smtpd alone. */
static enum status take_refused(struct front_peer *p, const struct ipc_refused *m)
{
	if (p->session->socket != SESSION_AUTH)
		return ST_SYNTAX;
	refusals_add(p->session->service->refusals, clock_ms(), clock_wall_ms(),
		     m);
	return ST_OK;
}

/* ---- connections ------------------------------------------------------------------- */

struct front_peer *fronts_join(struct fronts *f, struct session *session,
			       int64_t now_ms)
{
	struct front_peer *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->fronts = f;
	p->session = session;
	p->figures.max = IPC_PIECE_MAX;
	p->next = f->peers;
	p->at = &f->peers;
	if (p->next)
		p->next->at = &p->next;
	f->peers = p;
	tell_revoked(p, now_ms);
	return p;
}

void fronts_leave(struct front_peer *p)
{
	if (!p)
		return;
	while (p->sessions)
		drop(p, p->sessions);
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	buf_free(&p->figures);
	free(p);
}

enum status fronts_take(struct front_peer *p, const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_TYPE_SERVICE_SESSION:
		return take_session(p, &m->service_session);
	case IPC_TYPE_SERVICE_END:
		return take_end(p, m->service_end.sid);
	case IPC_TYPE_COUNTERS:
		return take_counters(p, &m->counters);
	case IPC_TYPE_REFUSED:
		return take_refused(p, &m->refused);
	default:
		return ST_SYNTAX;
	}
}
