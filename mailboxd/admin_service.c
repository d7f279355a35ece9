/*
 * Verbs about the service itself: status, who, kick.
 */
#include "mailboxd/control.h"

#include "common/clock.h"
#include "common/id.h"
#include "mailboxd/fronts.h"
#include "mailboxd/untold.h"

#include <stdio.h>
#include <string.h>

/* ---- status --------------------------------------------------------------------- */

static void figure(struct request *r, const char *name, uint64_t value)
{
	control_text(r, slice_str(name));
	control_u64(r, value);
	control_row(r);
}

static void count_sessions(const struct service *s, uint64_t by_scope[8])
{
	for (const struct session *p = s->sessions; p; p = p->next)
		if (p->state == SESSION_BOUND && p->scope < 8)
			by_scope[p->scope]++;
}

static void count_front(void *arg, const struct front_session *s)
{
	uint64_t *counts = arg;

	counts[strcmp(s->service, "smtp") == 0]++;
}

static void put_front_figure(void *arg, struct slice daemon, struct slice name,
			     uint64_t value)
{
	char text[80];

	snprintf(text, sizeof text, "%.*s.%.*s", SLICE_ARG(slice_head(daemon, 31)),
		 SLICE_ARG(slice_head(name, 47)));
	figure(arg, text, value);
}

static void put_damage(struct request *r)
{
	char text[STORE_DAMAGE_OCTETS], words[STORE_DAMAGE_OCTETS + 40];

	store_damage(r->service->store, text);
	if (text[0]) {
		snprintf(words, sizeof words, "damaged, only read: %s", text);
	} else {
		store_findings(r->service->store, text);
		snprintf(words, sizeof words, text[0] ? "damaged: %s" : "sound", text);
	}
	control_text(r, SLICE("store-state"));
	control_text(r, slice_str(words));
	control_row(r);
}

static void put_figures(struct request *r)
{
	const struct service *s = r->service;
	const struct service_counts *c = &s->counts;
	uint64_t by_scope[8] = { 0 }, front[2] = { 0 };
	struct store_stats store;

	store_stats(s->store, &store);
	count_sessions(s, by_scope);
	figure(r, "uptime-seconds",
	       (uint64_t)(clock_ms() - s->started_ms) / 1000);
	fronts_each(s->fronts, count_front, front);
	figure(r, "sessions-before-login", front[0]);
	figure(r, "smtp-sessions", front[1]);
	figure(r, "imap-sessions", by_scope[STORE_SCOPE_IMAP]);
	figure(r, "pop3-sessions", by_scope[STORE_SCOPE_POP3]);
	figure(r, "delivered", c->delivered);
	figure(r, "delivered-octets", c->delivered_octets);
	figure(r, "failed-deliveries", c->deliveries_failed);
	figure(r, "refused-recipients", c->refused_recipients);
	figure(r, "appended", c->appended);
	figure(r, "logins", c->logins);
	figure(r, "failed-logins", c->logins_failed);
	figure(r, "requests", c->requests);
	figure(r, "dropped-peers", c->dropped_peers);
	figure(r, "untold", untold_count(s->untold));
	figure(r, "open-mailboxes", s->watch.entries);
	figure(r, "body-octets-in-memory", s->bodies.used);
	figure(r, "store-octets", store.pages * store.page_octets);
	figure(r, "store-free-octets", store.free_pages * store.page_octets);
	figure(r, "store-wal-octets", store.wal_octets);
	figure(r, "store-commits", store.commits);
	figure(r, "store-array-octets", store.array_octets);
	figure(r, "store-epoch", store.epoch);
	figure(r, "search-signatures", store.signatures);
	figure(r, "search-waiting", store.unsigned_messages);
	figure(r, "search-octets", store.signature_octets);
	figure(r, "store-has-space", store_has_space(s->store));
	put_damage(r);
	fronts_figures(s->fronts, put_front_figure, r);
}

/* ---- tables of the loop ------------------------------------------------------------ */

static bool begin_table(struct request *r)
{
	struct slice rest = slice_str(control_of(r)->verb->columns), name;
	struct buf *cells = &control_of(r)->cells;
	struct ipc_message m = { .type = IPC_TYPE_TABLE };
	enum status st;

	while (slice_split(&rest, ' ', &name))
		control_text(r, name);
	m.table.columns = buf_slice(cells);
	st = request_put(r, 0, &m);
	cells->len = 0;
	if (st != ST_OK)
		request_finish(r, st);
	return st == ST_OK;
}

static void end_table(struct request *r)
{
	request_finish(r, request_put_done(r, control_of(r)->rows));
}

static void status_start(struct request *r)
{
	if (!begin_table(r))
		return;
	put_figures(r);
	end_table(r);
}

/* ---- who, kick ------------------------------------------------------------------------ */

static bool is_asked_for(struct request *r, struct slice login)
{
	const struct control *c = control_of(r);

	return c->count == 0 || slice_case_eq(c->words[0], login);
}

static void put_front_session(void *arg, const struct front_session *s)
{
	struct request *r = arg;

	if (!is_asked_for(r, slice_str(s->login)))
		return;
	control_text(r, slice_str(s->login));
	control_text(r, slice_str(s->service));
	control_text(r, slice_str(s->address));
	control_text(r, slice_str(s->sid));
	control_time(r, s->since_ms);
	control_row(r);
}

static void who_start(struct request *r)
{
	if (!begin_table(r))
		return;
	for (const struct session *s = r->service->sessions; s; s = s->next) {
		if (s->state != SESSION_BOUND ||
		    !is_asked_for(r, buf_slice(&s->login)))
			continue;
		control_text(r, buf_slice(&s->login));
		control_text(r, scope_word(s->scope));
		control_text(r, slice_str(s->address));
		control_text(r, slice_str(s->sid));
		control_time(r, s->since_ms);
		control_row(r);
	}
	fronts_each(r->service->fronts, put_front_session, r);
	end_table(r);
}

static enum status kick_find(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK)
		control_of(r)->offset = account.id;
	return st;
}

static void kick(struct request *r, enum status st)
{
	struct control *c = control_of(r);
	const struct ipc_service_kick k = {
		.account = c->offset,
		.sid = id_is_valid(c->words[0], ID_SESSION) ? c->words[0]
							    : SLICE_EMPTY,
		.reason = SLICE("Ended by the administrator"),
	};

	if (st == ST_OK)
		st = request_put_done(r, service_kick(r->service, &k));
	request_finish(r, st);
}

static void kick_start(struct request *r)
{
	if (id_is_valid(control_of(r)->words[0], ID_SESSION))
		kick(r, ST_OK);
	else
		request_go(r, PLACE_READER, 0, kick_find, kick);
}

/* name, words, flags, place, columns, run or start */
const struct control_verb control_service_verbs[] = {
	{ "status", 0, 0, 0, PLACE_READER, "name value", NULL, status_start },
	{ "who", 0, 1, 0, PLACE_READER, "user service client sid since", NULL,
	  who_start },
	{ "kick", 1, 1, CONTROL_CHANGES, PLACE_READER, NULL, NULL, kick_start },
	{ 0 },
};
