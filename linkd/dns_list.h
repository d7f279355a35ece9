/*
 * Lists of addresses in the DNS (RFC 5782): what is asked, and what the answers
 * mean. A list is written as postscreen has it:
 *
 *   zone                     any answer in 127.0.0.0/8 but 127.255.255.0/24, by
 *	which lists say that they do not answer us
 *   zone=127.0.0.[2..11]     an answer of these: an octet is a number, or numbers
 *	and ranges in brackets, [2;4;10..11]
 *   zone*2, zone=...*-3      what a match weighs; 1 without. Negative: a list of
 *	good ones
 */
#ifndef LINKD_DNS_LIST_H
#define LINKD_DNS_LIST_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define DNS_LISTS_MAX		16
#define DNS_LIST_ZONE_MAX	180	/* with 64 octets of IPv6 in front it fits */
#define DNS_LIST_WEIGHT_MAX	1000
/* A name in text, with its NUL (RFC 1035 section 3.1). */
#define DNS_NAME_OCTETS		256

struct dns_list {
	char zone[DNS_LIST_ZONE_MAX + 1];	/* lower case, no final dot */
	int weight;			/* never 0 */
	bool has_filter;
	uint32_t octets[4][8];		/* bits of what each octet may be */
};

/* ST_SYNTAX: err says what is wrong with the text. */
enum status dns_list_parse(struct slice text, struct dns_list *list,
			   struct error *err);
/* Whether an A record of the list means that the address is on it. */
bool dns_list_matches(const struct dns_list *list, const unsigned char record[4]);
/*
 * The name to ask for an address in numbers (sections 2.1 and 2.4): octets or
 * nibbles from the last to the first, then the zone. IPv4 in IPv6 is IPv4. zone may
 * be of the reverse tree, see dns_reverse_name(). ST_SYNTAX: it is no address.
 */
enum status dns_list_name(const char *address, const char *zone,
			  char name[DNS_NAME_OCTETS]);
/* Below in-addr.arpa or ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5). */
enum status dns_reverse_name(const char *address, char name[DNS_NAME_OCTETS]);

#endif
