#include <config.h>

#include "common/links.h"

#include <stdio.h>

/* ---- addresses ------------------------------------------------------------------- */

static const struct {
	const char *prefix;
	enum link_kind kind;
} schemes[] = {
	{ "unix:", LINK_UNIX },
	{ "tcp://", LINK_TCP },
	{ "tls://", LINK_TLS },
	{ "lmtp://", LINK_TCP },
	{ "lmtps://", LINK_TLS },
};

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '_';
}

/* "host:port", "[2001:db8::1]:port" */
static bool take_host(struct slice rest, struct link_address *a)
{
	const char *colon = memrchr(rest.data, ':', rest.len);
	size_t len = colon ? (size_t)(colon - rest.data) : 0;
	struct slice host = slice_head(rest, len);
	unsigned long long port;
	bool in_brackets = len > 2 && host.data[0] == '[' && host.data[len - 1] == ']';

	if (in_brackets)
		host = slice_from(slice_head(host, len - 1), 1);
	if (!host.len || host.len > LINK_HOST_MAX ||
	    !slice_number(slice_from(rest, len + 1), 65535, &port) || port == 0 ||
	    in_brackets != (slice_index(host, ':') < host.len))
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (!is_host_char(host.data[i]))
			return false;
	snprintf(a->host, sizeof a->host, "%.*s", SLICE_ARG(host));
	a->port = (uint16_t)port;
	return true;
}

static bool take_path(struct slice path, struct link_address *a)
{
	if (!path.len || path.len > LINK_PATH_MAX || path.data[0] != '/' ||
	    memchr(path.data, '\0', path.len))
		return false;
	snprintf(a->path, sizeof a->path, "%.*s", SLICE_ARG(path));
	return true;
}

enum status link_address_parse(struct slice text, struct link_address *a,
			       struct error *err)
{
	*a = (struct link_address){ 0 };
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		struct slice prefix = slice_str(schemes[i].prefix);
		struct slice rest = slice_from(text, prefix.len);

		if (!slice_case_starts(text, prefix))
			continue;
		a->kind = schemes[i].kind;
		if (a->kind == LINK_UNIX ? take_path(rest, a) : take_host(rest, a))
			return ST_OK;
		break;
	}
	return error_set(err, ST_SYNTAX, "'%.*s': write tls://host:port, "
			 "tcp://host:port or unix:/path (for a route lmtps://, lmtp://)",
			 SLICE_ARG(slice_head(text, 60)));
}

/* ---- rows ------------------------------------------------------------------------- */

/* The sockets of mailboxd, and who uses them. */
static const struct {
	const char *name;
	unsigned users;
} mailboxd_sockets[] = {
	{ "lmtp", R_SMTPD },
	{ "auth", R_SMTPD },
	{ "store", R_POPD | R_IMAPD },
};

bool links_has_door(const struct config *c)
{
	for (size_t i = 0; i < config_sections(c, SECTION_LISTEN); i++)
		if (config_listen(c, i).daemon == R_LINKD)
			return true;
	return false;
}

bool links_has_dns(const struct config *c)
{
	return config_count(c, OPTION_DNS_LISTS) > 0 ||
	       config_number(c, OPTION_DNS_NAMES) != DNS_NAMES_NO;
}

bool links_has_milter(const char *socket)
{
	return strncmp(socket, "unix:", 5) == 0 || strstr(socket, "://") != NULL;
}

bool links_has_mailboxd_elsewhere(const struct config *c)
{
	return *config_text(c, OPTION_LINKS_MAILBOXD) != '\0';
}

static enum status read_mailboxd(const struct config *c, struct link_row *rows,
				 size_t *count, struct error *err)
{
	const char *text = config_text(c, OPTION_LINKS_MAILBOXD);
	const char *peer = config_text(c, OPTION_LINKS_PEER);
	struct link_address to;
	struct error why = { 0 };
	enum status st;

	if (!*text)
		return ST_OK;
	st = link_address_parse(slice_str(text), &to, &why);
	if (st == ST_OK && to.kind != LINK_TLS)
		st = error_set(&why, ST_SYNTAX, "'%.60s': between hosts only "
			       "tls://host:port will do", text);
	if (st != ST_OK)
		return error_set(err, st, "links.mailboxd: %s", why.text);
	for (size_t i = 0; i < sizeof mailboxd_sockets / sizeof *mailboxd_sockets; i++) {
		struct link_row *row = &rows[(*count)++];

		*row = (struct link_row){
			.to = to, .is_mutual = true, .is_ours = true,
			.users = mailboxd_sockets[i].users,
		};
		snprintf(row->socket, sizeof row->socket, "%s", mailboxd_sockets[i].name);
		snprintf(row->peer, sizeof row->peer, "%s", *peer ? peer : to.host);
		snprintf(row->authority, sizeof row->authority, LINK_AUTHORITY);
	}
	return ST_OK;
}

/* Those that are no path of a Unix socket: smtpd finds them in the run directory. */
static enum status read_milters(const struct config *c, struct link_row *rows,
				size_t *count, struct error *err)
{
	for (size_t i = 0; i < config_sections(c, SECTION_MILTER); i++) {
		const char *text = config_text_at(c, OPTION_MILTER_SOCKET, i);
		const char *title = config_title(c, SECTION_MILTER, i);
		struct link_row *row = &rows[*count];
		struct error why = { 0 };
		struct link_address to;

		if (!links_has_milter(text))
			continue;
		if (*count == LINK_ROWS_MAX)
			return error_set(err, ST_LIMIT, "too many other hosts");
		if (strchr(title, '/') || strlen(title) > LINK_MILTER_TITLE)
			error_set(&why, ST_SYNTAX, "this title cannot name a socket");
		else if (link_address_parse(slice_str(text), &to, &why) == ST_OK)
			why.status = ST_OK;
		if (why.status != ST_OK)
			return error_set(err, why.status, "milter \"%.40s\": %s", title,
					 why.text);
		*row = (struct link_row){ .to = to, .users = R_SMTPD };
		snprintf(row->socket, sizeof row->socket, LINK_MILTER_PREFIX "%s", title);
		if (to.kind == LINK_TLS) {
			snprintf(row->peer, sizeof row->peer, "%s", to.host);
			snprintf(row->authority, sizeof row->authority, LINK_AUTHORITY);
		}
		++*count;
	}
	return ST_OK;
}

/* It becomes part of a file's name. */
static bool is_title(const char *title)
{
	size_t len = strspn(title, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return len > 0 && len <= LINK_TITLE_MAX && !title[len];
}

static enum status read_route(const struct config *c, size_t at, struct link_row *row,
			      struct error *err)
{
	const char *title = config_title(c, SECTION_ROUTE, at);
	const char *peer = config_text_at(c, OPTION_ROUTE_PEER, at);
	struct error why = { 0 };

	*row = (struct link_row){ .is_mutual = true, .users = R_SMTPD };
	if (!is_title(title))
		return error_set(err, ST_SYNTAX, "route '%.60s': a title has letters, "
				 "digits, - and _, at most %d", title, LINK_TITLE_MAX);
	if (config_count_at(c, OPTION_ROUTE_DOMAINS, at) == 0)
		return error_set(err, ST_SYNTAX, "route %s: domains are missing", title);
	if (link_address_parse(slice_str(config_text_at(c, OPTION_ROUTE_TO, at)),
			       &row->to, &why) != ST_OK)
		return error_set(err, ST_SYNTAX, "route %s: to: %s", title, why.text);
	snprintf(row->socket, sizeof row->socket, LINK_ROUTE_PREFIX "%s", title);
	snprintf(row->peer, sizeof row->peer, "%s", *peer ? peer : row->to.host);
	snprintf(row->authority, sizeof row->authority, LINK_AUTHORITY);
	return ST_OK;
}

enum status links_read(const struct config *c, struct link_row rows[LINK_ROWS_MAX],
		       size_t *count, struct error *err)
{
	size_t routes = config_sections(c, SECTION_ROUTE);
	enum status st;

	*count = 0;
	st = read_mailboxd(c, rows, count, err);
	if (st == ST_OK)
		st = read_milters(c, rows, count, err);
	for (size_t i = 0; st == ST_OK && i < routes; i++)
		st = *count < LINK_ROWS_MAX
			? read_route(c, i, &rows[(*count)++], err)
			: error_set(err, ST_LIMIT, "more than %d routes and links",
				    LINK_ROWS_MAX);
	return st;
}
