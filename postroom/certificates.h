/*
 * The certificate files: read by postroom, passed on to the daemons, read again
 * when they change.
 */
#ifndef POSTROOM_CERTIFICATES_H
#define POSTROOM_CERTIFICATES_H

#include "common/buf.h"

#include <stdbool.h>
#include <sys/stat.h>

struct certificate {
	struct buf chain, key;	/* PEM */
	struct stat chain_stat, key_stat;	/* as they were read */
};

#define CERTIFICATE_INIT { .chain = BUF_INIT(60000), .key = BUF_INIT(60000) }

/*
 * Reads both files into c; what c held is kept on failure. chain NULL: there is
 * no certificate, c is empty. ST_IO, ST_LIMIT, and ST_SYNTAX when they do not
 * belong together: err says what to do.
 */
enum status certificate_read(struct certificate *c, const char *chain,
			     const char *key, struct error *err);
/* Whether a file is another one than was read. */
bool certificate_changed(const struct certificate *c, const char *chain,
			 const char *key);
void certificate_clear(struct certificate *c);

#endif
