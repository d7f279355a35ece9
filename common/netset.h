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


#endif
