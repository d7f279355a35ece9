/*
 * TLS between hosts, where each side knows by name or by certificate whom it
 * wants: linkd to another linkd (both show a certificate) and to other servers.
 * Sessions are those of common/tls.h; nothing is resumed, so that each handshake
 * looks at the certificate anew.
 *
 * A certificate is good when its SHA-256 is among the names ("sha256:" and 64
 * hexadecimal digits, colons allowed): nothing else is looked at then, neither
 * its signer nor its dates. Or when it leads to the authority (RFC 5280), is of
 * its time, and bears one of the names: a DNS name (RFC 9525, no wildcard within a
 * label) or an address. A certificate for servers will do for a client: it is the
 * host that is meant, in either part.
 */
#ifndef COMMON_TLS_PEER_H
#define COMMON_TLS_PEER_H

#include "common/tls.h"

struct tls_peer;

struct tls_peer_settings {
	bool is_server;		/* TLS 1.3, and the client must show a certificate */
	struct slice chain, key;	/* ours, PEM; empty: none, for clients only */
	struct slice authority;	/* PEM, one or several; empty: only SHA-256 counts */
	const char *const *names;	/* whom the other side may be */
	size_t name_count;
	const char *alpn_prefix;	/* servers: protocols are such and a word */
};

/* NULL: ST_SYNTAX (what is no PEM, no key, no SHA-256), ST_NO_MEMORY; err says
 * which. Settings are copied. */
struct tls_peer *tls_peer_new(const struct tls_peer_settings *settings,
			      struct error *err);
/* Its sessions end before. */
void tls_peer_free(struct tls_peer *p);
/* host: asked for by SNI, where it is a name; alpn: the one protocol offered. Both
 * for clients, and may be NULL. NULL: memory is short. */
struct tls *tls_peer_session(struct tls_peer *p, const char *host,
			     const char *alpn);
/* After the handshake: the protocol chosen, behind the prefix; empty: none. It
 * borrows from s. */
struct slice tls_peer_protocol(const struct tls *s);
/* After a handshake that failed: err says what was wrong with the certificate, where
 * it was that. */
void tls_peer_explain(const struct tls *s, struct error *err);
/* Who is there, for the log: a name of its certificate. out holds 256 octets. */
void tls_peer_describe(const struct tls *s, char out[256]);
/* Whether text is "sha256:" and a digest. */
bool tls_peer_is_pin(const char *text);

#endif
