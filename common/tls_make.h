/*
 * Makes the certificate authority and the certificate of lab and test: EC
 * P-256, made in well under a millisecond each. Not for servers.
 */
#ifndef COMMON_TLS_MAKE_H
#define COMMON_TLS_MAKE_H

#include "common/buf.h"

/* Room that certificate and key need as PEM. */
#define TLS_MAKE_PEM_MAX ((size_t)16384)

/* A new authority, good for ten years; both are appended as PEM. */
enum status tls_make_authority(struct buf *certificate, struct buf *key,
			       struct error *err);

/*
 * A certificate for the names (DNS names or numeric addresses) by that
 * authority, good for a year; both are appended as PEM. ST_SYNTAX: the
 * authority cannot be read, or a name cannot stand in a certificate.
 */
enum status tls_make_certificate(struct slice authority, struct slice authority_key,
				 const char *const *names, size_t count,
				 struct buf *certificate, struct buf *key,
				 struct error *err);

/* Days until the first certificate of a PEM text ends; negative once it has.
 * ST_SYNTAX: there is none. */
enum status tls_certificate_days(struct slice pem, long *days);
/* ST_OK: both can be read, and the key is the certificate's. ST_SYNTAX. */
enum status tls_certificate_check(struct slice pem, struct slice key,
				  struct error *err);

#endif
