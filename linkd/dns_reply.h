/*
 * Replies of name servers (RFC 1035 section 4), as far as we ask: addresses and
 * the names of addresses. Whatever the octets are, reading them is bounded and ends:
 * a name's pointers lead backwards only.
 */
#ifndef LINKD_DNS_REPLY_H
#define LINKD_DNS_REPLY_H

#include "common/slice.h"
#include "common/status.h"
#include "linkd/dns_list.h"

#include <stdint.h>

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_AAAA = 28,
};

#define DNS_RECORDS_MAX 16	/* of a reply; what is more is left out */

struct dns_record {
	unsigned char address[16];	/* A: the first four */
	char name[DNS_NAME_OCTETS];	/* PTR: lower case, no final dot */
};

struct dns_answer {
	/* ST_OK: there are records; ST_NOT_FOUND: there are none, or no such name;
	 * ST_UNAVAILABLE: no server could say. */
	enum status st;
	uint32_t ttl;	/* seconds that this holds, as the zone says; of ST_NOT_FOUND
			 * by RFC 2308 section 5 */
	unsigned count;
	struct dns_record records[DNS_RECORDS_MAX];
};

/*
 * Reads a reply to a question of that type: ST_OK, and *answer says what it is; or
 * ST_SYNTAX, and it is no reply that makes sense. Records of another type and name
 * than the question's, by its CNAMEs, are passed over; so are PTR names that are no
 * host names.
 */
enum status dns_reply_read(struct slice reply, enum dns_type type,
			   struct dns_answer *answer);

#endif
