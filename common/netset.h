/*
 * Sets of networks, as `trusted` names them: "127.0.0.0/8", "::1".
 */
#ifndef COMMON_NETSET_H
#define COMMON_NETSET_H

#include "common/slice.h"
#include "common/status.h"

struct netset;
struct netset *netset_new(void);
void netset_free(struct netset *set);
/* ST_SYNTAX, ST_NO_MEMORY. */
enum status netset_add(struct netset *set, struct slice network);
/* IPv4 in IPv6 (::ffff:0:0/96) compares as IPv4. */
bool netset_has(const struct netset *set, const char *address);

/* Room for the longest network as text, with its NUL. */
#define NETSET_NETWORK_OCTETS 48
/* The network of an address in numbers, "192.0.2.0/24" or "2001:db8:0:1::/64", of
 * v4 or v6 bits; IPv4 in IPv6 is IPv4. ST_SYNTAX: it is no address. */
enum status netset_network(const char *address, unsigned v4, unsigned v6,
			   char text[NETSET_NETWORK_OCTETS]);

#endif
