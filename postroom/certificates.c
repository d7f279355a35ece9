#include "postroom/certificates.h"

#include "common/tls_make.h"
#include "postroom/files.h"

static enum status read_one(const char *path, const char *what, struct buf *out,
			    struct stat *stat_then, struct error *err)
{
	enum status st;

	if (stat(path, stat_then))
		return error_set(err, ST_IO, "tls.%s: %s; make it readable or set "
				 "tls.%s to where it is", what, path, what);
	st = file_read(path, out, err);
	if (st == ST_LIMIT)
		return error_set(err, ST_LIMIT, "tls.%s: %s is too large for a PEM file",
				 what, path);
	return st;
}

enum status certificate_read(struct certificate *c, const char *chain,
			     const char *key, struct error *err)
{
	struct certificate fresh = CERTIFICATE_INIT;
	enum status st;

	if (!chain || !key) {
		certificate_clear(c);
		return ST_OK;
	}
	st = read_one(chain, "cert", &fresh.chain, &fresh.chain_stat, err);
	if (st == ST_OK)
		st = read_one(key, "key", &fresh.key, &fresh.key_stat, err);
	if (st == ST_OK)
		st = tls_certificate_check(buf_slice(&fresh.chain), buf_slice(&fresh.key), err);
	if (st != ST_OK) {
		certificate_clear(&fresh);
		return st;
	}
	certificate_clear(c);
	*c = fresh;
	return ST_OK;
}

static bool differs(const char *path, const struct stat *then)
{
	struct stat now;

	return stat(path, &now) == 0 &&
	       (now.st_ino != then->st_ino || now.st_size != then->st_size ||
		now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != then->st_mtim.tv_nsec);
}

bool certificate_changed(const struct certificate *c, const char *chain,
			 const char *key)
{
	return chain && key && (differs(chain, &c->chain_stat) ||
				differs(key, &c->key_stat));
}

void certificate_clear(struct certificate *c)
{
	buf_free(&c->chain);
	buf_wipe(&c->key);
}
