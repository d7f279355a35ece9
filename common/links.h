/*
 * What linkd carries, as the configuration has it (linkd(8)): a row for each Unix
 * socket that it offers in the run directory, and where that leads. postroom
 * binds the sockets, smtpd finds them by name, linkd connects.
 */
#ifndef COMMON_LINKS_H
#define COMMON_LINKS_H

#include "common/config.h"

#include <stdbool.h>

#define LINK_ROWS_MAX	32
#define LINK_HOST_MAX	255	/* a domain name (RFC 1035 section 3.1), an address */
#define LINK_PATH_MAX	107	/* sun_path without its NUL */

enum link_kind {
	LINK_UNIX,	/* unix:/path */
	LINK_TCP,	/* tcp://host:port, in clear */
	LINK_TLS,	/* tls://host:port, the certificate verified */
};

struct link_address {
	enum link_kind kind;
	char host[LINK_HOST_MAX + 1];	/* without brackets */
	uint16_t port;
	char path[LINK_PATH_MAX + 1];	/* absolute */
};

/* The protocol names of TLS (ALPN, RFC 7301) by which one linkd tells the other
 * which socket of mailboxd is meant. */
#define LINK_ALPN_PREFIX "postroom-"
/* Who signs the certificates of our own other hosts. */
#define LINK_AUTHORITY "links"

struct link_row {
	char socket[64];	/* name, and with ".sock" the file; */
	struct link_address to;
	char peer[LINK_HOST_MAX + 1];	/* whom the certificate must name, or
					 * "sha256:..."; of TLS never empty */
	char authority[64];	/* which authority signs it */
	bool is_mutual;		/* we show our certificate, where there is one */
	bool is_ours;		/* to a linkd: ALPN says which socket */
	unsigned users;		/* R_SMTPD...: which daemons may connect */
};

/*
 * Reads "tls://host:port", "tcp://host:port" (lmtps://, lmtp:// are the same) or
 * "unix:/path"; an IPv6 address stands in brackets. ST_SYNTAX: err says what is wrong with it.
 */
enum status link_address_parse(struct slice text, struct link_address *a,
			       struct error *err);

/* All rows. ST_SYNTAX, ST_LIMIT: err names the option. */
enum status links_read(const struct config *c, struct link_row rows[LINK_ROWS_MAX],
		       size_t *count, struct error *err);
/* The name of the socket by which smtpd reaches a route: "route-lists". */
#define LINK_ROUTE_PREFIX "route-"
#define LINK_TITLE_MAX 40
/* Whether other hosts may connect: there is a listener with protocol link. */
bool links_has_door(const struct config *c);
/* Where smtpd asks linkd about clients, and whether it does. */
#define LINK_DNS_SOCKET "dns"
bool links_has_dns(const struct config *c);
/* Whether linkd carries the connections to a milter with this `socket`; they are
 * found as LINK_MILTER_PREFIX and its title. */
bool links_has_milter(const char *socket);
#define LINK_MILTER_PREFIX	"milter-"
#define LINK_MILTER_TITLE	50
/* Whether the mailboxes are on another host. */
bool links_has_mailboxd_elsewhere(const struct config *c);

#endif
