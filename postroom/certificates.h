/*
 * The certificate files: the default one of `tls` and those of `certificate NAME`
 * sections, the authorities of clients, and what linkd needs for other hosts; read
 * by postroom, passed on to the daemons, read again when they change.
 */
#ifndef POSTROOM_CERTIFICATES_H
#define POSTROOM_CERTIFICATES_H

#include "common/buf.h"
#include "common/config.h"

#include <stdbool.h>
#include <sys/stat.h>

/* So many days before its end a certificate is warned of. */
#define CERTIFICATE_WARN_DAYS 21

enum certificate_use {
	CERTIFICATE_CLIENTS,	/* shown to clients */
	CERTIFICATE_HOSTS,	/* shown to other hosts */
	CERTIFICATE_AUTHORITY,	/* signs those of other hosts; it has no key */
};

struct certificate {
	enum certificate_use use;
	char *name;		/* "": the default; else for SNI; of an authority what
				 * common/links.h calls it */
	char *chain_path, *key_path;	/* key_path: NULL of an authority */
	struct buf chain, key;	/* PEM */
	struct stat chain_stat, key_stat;	/* as they were read */
};

/* The default comes first, where there is one. Zeroed: none. */
struct certificates {
	struct certificate *items;
	size_t count;
	char *client_ca_path;	/* tls.client_ca; NULL: none */
	struct buf client_ca;	/* PEM */
	struct stat client_ca_stat;
};

/*
 * Reads all files into c; what c held is kept on failure. chain and key: of the
 * default, both NULL where there is none. ST_IO, ST_LIMIT, and ST_SYNTAX when two
 * do not belong together: err names the option and says what to do. ST_NO_MEMORY.
 */
enum status certificates_read(struct certificates *c, const struct config *config,
			      const char *chain, const char *key,
			      struct error *err);
/* Whether a file is another one than was read. */
bool certificates_changed(const struct certificates *c);
void certificates_clear(struct certificates *c);
/* Days until it ends; negative once it has. */
long certificate_days(const struct certificate *c);
/* Its name for people: "default" where it has none. */
const char *certificate_title(const struct certificate *c);

#endif
