#include "common/netset.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define NETS_MAX 4096

/* IPv4 is kept as ::ffff:a.b.c.d, so that there is one kind of address. */
struct net {
	unsigned char address[16];
	unsigned bits;
};

struct netset {
	struct net *nets;
	size_t count;
};

struct netset *netset_new(void)
{
	return calloc(1, sizeof(struct netset));
}

void netset_free(struct netset *set)
{
	if (set)
		free(set->nets);
	free(set);
}

/* The octets of a numeric address, and how many bits it has by itself. */
static bool parse_address(const char *text, unsigned char at[16], unsigned *bits)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	*bits = 128;
	if (inet_pton(AF_INET6, text, at) == 1)
		return true;
	if (inet_pton(AF_INET, text, at + 12) != 1)
		return false;
	memcpy(at, mapped, sizeof mapped);
	*bits = 32;
	return true;
}

enum status netset_add(struct netset *set, struct slice network)
{
	struct slice rest = network, host;
	unsigned long long given;
	struct net net, *nets;
	unsigned bits;
	char text[64];

	if (!slice_split(&rest, '/', &host) || host.len >= sizeof text)
		return ST_SYNTAX;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	if (strlen(text) != host.len || !parse_address(text, net.address, &bits))
		return ST_SYNTAX;
	given = bits;
	if (rest.data && !slice_number(rest, bits, &given))
		return ST_SYNTAX;
	net.bits = (unsigned)given + 128 - bits;
	if (set->count >= NETS_MAX)
		return ST_LIMIT;
	nets = realloc(set->nets, (set->count + 1) * sizeof *nets);
	if (!nets)
		return ST_NO_MEMORY;
	set->nets = nets;
	nets[set->count++] = net;
	return ST_OK;
}

static bool is_within(const unsigned char address[16], const struct net *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(address, net->address, whole) != 0)
		return false;
	return rest == 0 ||
	       ((address[whole] ^ net->address[whole]) & 0xff00 >> rest & 0xff) == 0;
}

bool netset_has(const struct netset *set, const char *address)
{
	unsigned char octets[16];
	unsigned bits;

	if (!set || !parse_address(address, octets, &bits))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (is_within(octets, &set->nets[i]))
			return true;
	return false;
}

enum status netset_network(const char *address, unsigned v4, unsigned v6,
			   char text[NETSET_NETWORK_OCTETS])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char octets[16];
	unsigned bits, kept;
	bool is_v4;
	size_t len;

	if (!parse_address(address, octets, &bits))
		return ST_SYNTAX;
	is_v4 = memcmp(octets, mapped, sizeof mapped) == 0;
	kept = is_v4 ? 96 + v4 : v6;
	for (unsigned i = 0; i < 128; i++)
		if (i >= kept)
			octets[i / 8] &= (unsigned char)~(0x80u >> i % 8);
	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? octets + 12 : octets, text,
		  NETSET_NETWORK_OCTETS);
	len = strlen(text);
	snprintf(text + len, NETSET_NETWORK_OCTETS - len, "/%u", is_v4 ? v4 : v6);
	return ST_OK;
}
