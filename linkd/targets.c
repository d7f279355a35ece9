#include <config.h>

#include "linkd/targets.h"

#include "common/user_id.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTHORITY_MAX	((size_t)1 << 20)
#define PEM_MAX		((size_t)65536)

/* ---- files ------------------------------------------------------------------------ */

enum status target_files_add(struct target_files *f, struct slice name,
			     struct slice pem)
{
	size_t i = 0;

	while (i < f->authority_count &&
	       !slice_eq(slice_str(f->authorities[i].name), name))
		i++;
	if (i == LINK_ROWS_MAX || name.len >= sizeof f->authorities[i].name)
		return ST_LIMIT;
	if (i == f->authority_count) {
		snprintf(f->authorities[i].name, sizeof f->authorities[i].name, "%.*s",
			 SLICE_ARG(name));
		f->authorities[i].pem = (struct buf)BUF_INIT(AUTHORITY_MAX);
		f->authority_count++;
	}
	return buf_append(&f->authorities[i].pem, pem);
}

void target_files_clear(struct target_files *f)
{
	buf_free(&f->chain);
	buf_wipe(&f->key);
	for (size_t i = 0; i < f->authority_count; i++)
		buf_free(&f->authorities[i].pem);
	*f = (struct target_files){
		.chain = BUF_INIT(PEM_MAX), .key = BUF_INIT(PEM_MAX),
	};
}

static struct slice authority_of(const struct target_files *f, const char *name)
{
	for (size_t i = 0; i < f->authority_count; i++)
		if (strcmp(f->authorities[i].name, name) == 0)
			return buf_slice(&f->authorities[i].pem);
	return SLICE_EMPTY;
}

/* ---- who may connect ----------------------------------------------------------------- */

static const struct {
	enum option_reader daemon;
	enum option_id user;
} daemons[] = {
	{ R_SMTPD, OPTION_USERS_SMTPD },
	{ R_POPD, OPTION_USERS_POPD },
	{ R_IMAPD, OPTION_USERS_IMAPD },
};

static void find_users(struct target *t, const struct config *c)
{
	t->uids[t->uid_count++] = geteuid();
	for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++)
		if (t->row.users & daemons[i].daemon &&
		    user_id_find(config_text(c, daemons[i].user),
				 &t->uids[t->uid_count]))
			t->uid_count++;
}

/* Sockets are bound at the start, so that each one was there before. */
static void keep_users(struct target *t, const struct targets *before)
{
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->rows[i].row.socket, t->row.socket) == 0) {
			memcpy(t->uids, before->rows[i].uids, sizeof t->uids);
			t->uid_count = before->rows[i].uid_count;
			return;
		}
	t->uids[t->uid_count++] = geteuid();
}

/* ---- where it is ------------------------------------------------------------------------- */

static enum status find_addresses(struct target *t, bool may_look_up, struct error *err)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (may_look_up ? 0 : AI_NUMERICHOST),
	};
	struct addrinfo *found = NULL;
	char port[8];
	int rc;

	snprintf(port, sizeof port, "%u", (unsigned)t->row.to.port);
	rc = getaddrinfo(t->row.to.host, port, &hints, &found);
	if (rc && !may_look_up)
		return error_set(err, ST_NOT_FOUND, "%s: a new name of a host is looked "
				 "up at the next start only", t->row.to.host);
	if (rc)
		return error_set(err, ST_NOT_FOUND, "%s: %s", t->row.to.host,
				 gai_strerror(rc));
	for (struct addrinfo *a = found; a && t->address_count < TARGET_ADDRESSES_MAX;
	     a = a->ai_next)
		if (a->ai_addrlen <= sizeof t->addresses[0])
			memcpy(&t->addresses[t->address_count++], a->ai_addr,
			       a->ai_addrlen);
	freeaddrinfo(found);
	return ST_OK;
}

static bool keep_addresses(struct target *t, const struct targets *before)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct target *old = &before->rows[i];

		if (old->address_count && old->row.to.port == t->row.to.port &&
		    strcmp(old->row.to.host, t->row.to.host) == 0) {
			memcpy(t->addresses, old->addresses, sizeof t->addresses);
			t->address_count = old->address_count;
			return true;
		}
	}
	return false;
}

/* ---- TLS --------------------------------------------------------------------------------- */

static enum status begin_tls(struct target *t, const struct target_files *files,
			     struct error *err)
{
	const char *names[] = { t->row.peer };
	struct tls_peer_settings s = {
		.authority = authority_of(files, t->row.authority),
		.names = names, .name_count = 1,
	};
	struct error why = { 0 };

	if (t->row.is_ours && !files->chain.len)
		return error_set(err, ST_SYNTAX, "links.cert is missing: the other host "
				 "wants to see one");
	if (t->row.is_mutual) {
		s.chain = buf_slice(&files->chain);
		s.key = buf_slice(&files->key);
	}
	if (t->row.is_ours)
		snprintf(t->alpn, sizeof t->alpn, LINK_ALPN_PREFIX "%s", t->row.socket);
	t->tls = tls_peer_new(&s, &why);
	return t->tls ? ST_OK
		      : error_set(err, why.status, "link %s: %s", t->row.socket, why.text);
}

static enum status open_door(struct targets *t, const struct target_files *files,
			     struct error *err)
{
	size_t count = config_count(t->config, OPTION_LINKS_PEERS);
	struct tls_peer_settings s = {
		.is_server = true, .chain = buf_slice(&files->chain),
		.key = buf_slice(&files->key),
		.authority = authority_of(files, LINK_AUTHORITY),
		.name_count = count, .alpn_prefix = LINK_ALPN_PREFIX,
	};
	const char **names;
	struct error why = { 0 };

	if (count == 0)
		return error_set(err, ST_SYNTAX, "links.peers is empty: nobody could "
				 "connect to the listener with protocol link");
	names = calloc(count, sizeof *names);
	if (!names)
		return error_set(err, ST_NO_MEMORY, "no memory for links");
	for (size_t i = 0; i < count; i++)
		names[i] = config_item(t->config, OPTION_LINKS_PEERS, i);
	s.names = names;
	t->door = tls_peer_new(&s, &why);
	free(names);
	return t->door ? ST_OK : error_set(err, why.status, "links: %s", why.text);
}

/* ---- what others reach ------------------------------------------------------------------- */

static bool is_offerable(struct slice name)
{
	return slice_eq(name, SLICE("lmtp")) || slice_eq(name, SLICE("auth")) ||
	       slice_eq(name, SLICE("store"));
}

static enum status add_offers(struct targets *t, struct error *err)
{
	for (size_t i = 0; i < config_count(t->config, OPTION_LINKS_OFFERS); i++) {
		const char *name = config_item(t->config, OPTION_LINKS_OFFERS, i);
		struct target *offer = &t->offers[t->offer_count];

		if (!is_offerable(slice_str(name)))
			return error_set(err, ST_SYNTAX, "links.offers: '%.40s' is none "
					 "of lmtp, auth, store", name);
		if (t->offer_count == TARGET_OFFERS_MAX)
			return error_set(err, ST_LIMIT, "links.offers: too many");
		offer->row.to.kind = LINK_UNIX;
		snprintf(offer->row.socket, sizeof offer->row.socket, "%s", name);
		snprintf(offer->row.to.path, sizeof offer->row.to.path, "%s.sock", name);
		t->offer_count++;
	}
	return ST_OK;
}

struct target *targets_offer(struct targets *t, struct slice name)
{
	for (size_t i = 0; i < t->offer_count; i++)
		if (slice_eq(slice_str(t->offers[i].row.socket), name))
			return &t->offers[i];
	return NULL;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static enum status read_rows(struct targets *t, const struct target_files *files,
			     const struct targets *before, struct error *err)
{
	struct link_row rows[LINK_ROWS_MAX];
	enum status st = links_read(t->config, rows, &t->count, err);

	for (size_t i = 0; st == ST_OK && i < t->count; i++) {
		struct target *row = &t->rows[i];

		row->row = rows[i];
		if (before)
			keep_users(row, before);
		else
			find_users(row, t->config);
		if (row->row.to.kind != LINK_UNIX &&
		    !(before && keep_addresses(row, before)))
			st = find_addresses(row, !before, err);
		if (st == ST_OK && row->row.to.kind == LINK_TLS)
			st = begin_tls(row, files, err);
	}
	return st;
}

static void take_times(struct targets *t)
{
	const struct config *c = t->config;

	t->connect_ms = (int64_t)config_number(c, OPTION_TIMES_CONNECT);
	t->handshake_ms = (int64_t)config_number(c, OPTION_TIMES_HANDSHAKE);
	t->stalled_ms = (int64_t)config_number(c, OPTION_TIMES_SEND);
	t->connections = (unsigned)config_number(c, OPTION_LIMITS_CONNECTIONS);
}

enum status targets_new(struct slice text, const struct target_files *files,
			const struct targets *before, struct targets **out,
			struct error *err)
{
	struct targets *t = calloc(1, sizeof *t);
	enum status st;

	if (!t)
		return error_set(err, ST_NO_MEMORY, "no memory for links");
	t->references = 1;
	st = config_read(text, &t->config, err);
	if (st == ST_OK) {
		take_times(t);
		st = read_rows(t, files, before, err);
	}
	if (st == ST_OK && links_has_door(t->config)) {
		st = add_offers(t, err);
		if (st == ST_OK)
			st = open_door(t, files, err);
	}
	if (st != ST_OK) {
		targets_release(t);
		return st;
	}
	*out = t;
	return ST_OK;
}

struct targets *targets_hold(struct targets *t)
{
	t->references++;
	return t;
}

void targets_release(struct targets *t)
{
	if (!t || --t->references)
		return;
	for (size_t i = 0; i < t->count; i++)
		tls_peer_free(t->rows[i].tls);
	tls_peer_free(t->door);
	config_free(t->config);
	free(t);
}
