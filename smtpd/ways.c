#include <config.h>

#include "smtpd/ways.h"

#include "common/links.h"

#include <stdio.h>

static void state_changed(void *context, enum status state)
{
	struct way *way = context;
	struct ways *w = way->of;
	size_t route = (size_t)(way - w->rows);

	w->states[route] = state;
	if (route == 0)
		w->changed(w->context, state);
}

static enum status open_way(struct ways *w, const char *title, const char *path,
			    enum lmtp_way how)
{
	struct way *way = &w->rows[w->count];
	struct lmtp_client_settings s = w->settings;

	*way = (struct way){ .of = w, .how = how };
	snprintf(way->title, sizeof way->title, "%s", title);
	s.path = path;
	s.way = how;
	s.is_foreign = w->count > 0;
	s.state_changed = state_changed;
	s.context = way;
	w->states[w->count] = ST_OK;
	w->count++;
	way->client = lmtp_client_new(w->loop, &s);
	if (way->client)
		return ST_OK;
	w->count--;
	return ST_NO_MEMORY;
}

enum status ways_open(struct ways *w, struct conn_loop *loop, const struct config *c,
		      const struct lmtp_client_settings *settings)
{
	w->loop = loop;
	w->settings = *settings;
	return open_way(w, "", "lmtp.sock", links_has_mailboxd_elsewhere(c)
			? LMTP_WAY_VERIFIED : LMTP_WAY_LOCAL);
}

static enum lmtp_way way_of(const struct link_row *row)
{
	static const enum lmtp_way ways[] = {
		[LINK_UNIX] = LMTP_WAY_LOCAL, [LINK_TCP] = LMTP_WAY_CLEAR,
		[LINK_TLS] = LMTP_WAY_VERIFIED,
	};

	return ways[row->to.kind];
}

/* The route of a row: found, or opened. */
static enum status find_way(struct ways *w, const struct link_row *row,
			    unsigned *route, struct error *err)
{
	const char *title = row->socket + strlen(LINK_ROUTE_PREFIX);
	enum lmtp_way how = way_of(row);
	char path[sizeof row->socket + 8];

	for (size_t i = 1; i < w->count; i++)
		if (w->rows[i].how == how && strcmp(w->rows[i].title, title) == 0) {
			*route = (unsigned)i;
			return ST_OK;
		}
	if (w->count == SMTP_ROUTES_MAX)
		return error_set(err, ST_LIMIT, "more than %d routes: restart, if others "
				 "went", SMTP_ROUTES_MAX - 1);
	snprintf(path, sizeof path, "%s.sock", row->socket);
	*route = (unsigned)w->count;
	return open_way(w, title, path, how) == ST_OK
		? ST_OK : error_set(err, ST_NO_MEMORY, "no memory for a route");
}

static enum status add_domains(struct smtp_routes *r, const struct config *c,
			       size_t at, unsigned route, struct error *err)
{
	for (size_t i = 0; i < config_count_at(c, OPTION_ROUTE_DOMAINS, at); i++) {
		const char *domain = config_item_at(c, OPTION_ROUTE_DOMAINS, at, i);
		enum status st = smtp_routes_add(r, slice_str(domain), route);

		if (st == ST_NO_MEMORY)
			return error_set(err, st, "no memory for routes");
		if (st != ST_OK)
			return error_set(err, ST_SYNTAX, "route %s: '%.80s' %s",
					 config_title(c, SECTION_ROUTE, at), domain,
					 st == ST_EXISTS ? "has another route already"
							 : "is no domain");
	}
	return ST_OK;
}

static bool is_route(const struct link_row *row)
{
	return slice_starts(slice_str(row->socket), SLICE(LINK_ROUTE_PREFIX));
}

enum status ways_read(struct ways *w, const struct config *c, struct smtp_routes **out,
		      struct error *err)
{
	struct link_row rows[LINK_ROWS_MAX];
	size_t count, at = 0;
	struct smtp_routes *r;
	enum status st = links_read(c, rows, &count, err);
	unsigned route = 0;

	*out = NULL;
	if (st != ST_OK || config_sections(c, SECTION_ROUTE) == 0)
		return st;
	r = smtp_routes_new(w->states);
	if (!r)
		return error_set(err, ST_NO_MEMORY, "no memory for routes");
	/* rows of routes stand in the order of their sections */
	for (size_t i = 0; st == ST_OK && i < count; i++) {
		if (!is_route(&rows[i]))
			continue;
		st = find_way(w, &rows[i], &route, err);
		if (st == ST_OK)
			st = add_domains(r, c, at++, route, err);
	}
	if (st != ST_OK)
		smtp_routes_free(r);
	else
		*out = r;
	return st;
}

struct lmtp_client *ways_client(void *ways, unsigned route)
{
	struct ways *w = ways;

	return route < w->count ? w->rows[route].client : NULL;
}

void ways_close(struct ways *w)
{
	for (size_t i = 0; i < w->count; i++)
		lmtp_client_close(w->rows[i].client);
	w->count = 0;
}
