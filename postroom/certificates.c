#include "postroom/certificates.h"

#include "common/links.h"
#include "common/tls_make.h"
#include "postroom/files.h"

#include <stdio.h>
#include <stdlib.h>

#define PEM_MAX 60000	/* what a frame to a daemon holds */
#define AUTHORITY_MAX ((size_t)1 << 20)
#define LINK_FILES 2	/* certificate and authority for other hosts */

static void certificate_clear(struct certificate *c)
{
	free(c->name);
	free(c->chain_path);
	free(c->key_path);
	buf_free(&c->chain);
	buf_wipe(&c->key);
}

void certificates_clear(struct certificates *c)
{
	for (size_t i = 0; i < c->count; i++)
		certificate_clear(&c->items[i]);
	free(c->items);
	free(c->client_ca_path);
	buf_free(&c->client_ca);
	*c = (struct certificates){ 0 };
}

const char *certificate_title(const struct certificate *c)
{
	if (c->use == CERTIFICATE_AUTHORITY)
		return "authority";
	return c->use == CERTIFICATE_HOSTS ? "links" : *c->name ? c->name : "default";
}

long certificate_days(const struct certificate *c)
{
	long days = 0;

	tls_certificate_days(buf_slice(&c->chain), &days);
	return days;
}

/* ---- reading --------------------------------------------------------------------- */

/* How the configuration names one of its two files: tls.cert. */
static const char *option_of(const struct certificate *c, const char *what,
			     char text[static 80])
{
	if (c->use != CERTIFICATE_CLIENTS)
		snprintf(text, 80, "links.%s", c->use == CERTIFICATE_AUTHORITY
						? "authority" : what);
	else if (*c->name)
		snprintf(text, 80, "certificate \"%.50s\": %s", c->name, what);
	else
		snprintf(text, 80, "tls.%s", what);
	return text;
}

static enum status read_one(const struct certificate *c, const char *path,
			    const char *what, struct buf *out,
			    struct stat *stat_then, struct error *err)
{
	char option[80];
	enum status st;

	option_of(c, what, option);
	if (stat(path, stat_then))
		return error_set(err, ST_IO, "%s: %s; make it readable or set "
				 "%s to where it is", option, path, what);
	st = file_read(path, out, err);
	if (st == ST_LIMIT)
		return error_set(err, ST_LIMIT, "%s: %s is too large for a PEM file",
				 option, path);
	return st;
}

static enum status read_pair(struct certificate *c, struct error *err)
{
	struct error why = { 0 };
	char option[80];
	enum status st = read_one(c, c->chain_path, "cert", &c->chain,
				  &c->chain_stat, err);

	if (st == ST_OK && c->use == CERTIFICATE_AUTHORITY)
		return st;
	if (st == ST_OK)
		st = read_one(c, c->key_path, "key", &c->key, &c->key_stat, err);
	if (st != ST_OK)
		return st;
	st = tls_certificate_check(buf_slice(&c->chain), buf_slice(&c->key), &why);
	return st == ST_OK ? ST_OK
			   : error_set(err, st, "%s: %s: %s",
				       option_of(c, "cert", option), why.text,
				       c->chain_path);
}

static enum status add(struct certificates *c, enum certificate_use use,
		       const char *name, const char *chain, const char *key,
		       struct error *err)
{
	struct certificate *fresh = &c->items[c->count++];

	*fresh = (struct certificate){
		.use = use, .name = strdup(name), .chain_path = strdup(chain),
		.key_path = key ? strdup(key) : NULL,
		.chain = BUF_INIT(use == CERTIFICATE_AUTHORITY ? AUTHORITY_MAX : PEM_MAX),
		.key = BUF_INIT(PEM_MAX),
	};
	if (!fresh->name || !fresh->chain_path || (key && !fresh->key_path))
		return error_set(err, ST_NO_MEMORY, "no memory for a certificate");
	return read_pair(fresh, err);
}

static enum status add_section(struct certificates *c, const struct config *config,
			       size_t at, struct error *err)
{
	const char *name = config_title(config, SECTION_CERTIFICATE, at);
	const char *chain = config_text_at(config, OPTION_CERTIFICATE_CERT, at);
	const char *key = config_text_at(config, OPTION_CERTIFICATE_KEY, at);

	if (!*chain || !*key)
		return error_set(err, ST_SYNTAX, "certificate \"%s\": %s is missing",
				 name, *chain ? "key" : "cert");
	return add(c, CERTIFICATE_CLIENTS, name, chain, key, err);
}

/* What linkd shows and believes. */
static enum status add_links(struct certificates *c, const struct config *config,
			     struct error *err)
{
	const char *chain = config_text(config, OPTION_LINKS_CERT);
	const char *key = config_text(config, OPTION_LINKS_KEY);
	const char *authority = config_text(config, OPTION_LINKS_AUTHORITY);
	enum status st = ST_OK;

	if (!*chain != !*key)
		return error_set(err, ST_SYNTAX, "links.%s is missing: certificate and "
				 "key are named together", *chain ? "key" : "cert");
	if (*chain)
		st = add(c, CERTIFICATE_HOSTS, "", chain, key, err);
	if (st == ST_OK && *authority)
		st = add(c, CERTIFICATE_AUTHORITY, LINK_AUTHORITY, authority, NULL, err);
	return st;
}

/* No listener may ask for certificates that nobody could have made. */
static enum status check_asked(const struct config *config, struct error *err)
{
	size_t count = config_sections(config, SECTION_LISTEN);

	for (size_t i = 0; i < count; i++)
		if (config_listen(config, i).asks_certificate)
			return error_set(err, ST_SYNTAX, "listen %s asks for client "
					 "certificates: set tls.client_ca",
					 config_listen(config, i).title);
	return ST_OK;
}

/* tls.client_ca, where it is set. */
static enum status read_client_ca(struct certificates *c,
				  const struct config *config, struct error *err)
{
	static char no_name[] = "";
	static const struct certificate nameless = { .name = no_name };
	const char *path = config_text(config, OPTION_TLS_CLIENT_CA);
	enum status st;
	long days;

	if (!*path)
		return check_asked(config, err);
	c->client_ca = (struct buf)BUF_INIT(PEM_MAX);
	c->client_ca_path = strdup(path);
	if (!c->client_ca_path)
		return error_set(err, ST_NO_MEMORY, "no memory for authorities");
	st = read_one(&nameless, path, "client_ca", &c->client_ca,
		      &c->client_ca_stat, err);
	if (st == ST_OK &&
	    tls_certificate_days(buf_slice(&c->client_ca), &days) != ST_OK)
		st = error_set(err, ST_SYNTAX, "tls.client_ca: %s holds no "
			       "certificate in PEM", path);
	return st;
}

enum status certificates_read(struct certificates *c, const struct config *config,
			      const char *chain, const char *key,
			      struct error *err)
{
	size_t sections = config_sections(config, SECTION_CERTIFICATE);
	struct certificates fresh = {
		.items = calloc(sections + 1 + LINK_FILES, sizeof *fresh.items),
	};
	enum status st = fresh.items ? ST_OK :
		error_set(err, ST_NO_MEMORY, "no memory for certificates");

	if (st == ST_OK && chain && key)
		st = add(&fresh, CERTIFICATE_CLIENTS, "", chain, key, err);
	for (size_t i = 0; i < sections && st == ST_OK; i++)
		st = add_section(&fresh, config, i, err);
	if (st == ST_OK)
		st = read_client_ca(&fresh, config, err);
	if (st == ST_OK)
		st = add_links(&fresh, config, err);
	if (st != ST_OK) {
		certificates_clear(&fresh);
		return st;
	}
	certificates_clear(c);
	*c = fresh;
	return ST_OK;
}

/* ---- looking again ------------------------------------------------------------------ */

static bool differs(const char *path, const struct stat *then)
{
	struct stat now;

	return stat(path, &now) == 0 &&
	       (now.st_ino != then->st_ino || now.st_size != then->st_size ||
		now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}

bool certificates_changed(const struct certificates *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (differs(c->items[i].chain_path, &c->items[i].chain_stat) ||
		    (c->items[i].key_path &&
		     differs(c->items[i].key_path, &c->items[i].key_stat)))
			return true;
	return c->client_ca_path && differs(c->client_ca_path, &c->client_ca_stat);
}
