/* Replies of name servers; the first octet is the type that was asked for. */
#include "fuzz/fuzz.h"

#include "linkd/dns_reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_PTR };
	struct slice in = slice_of(size ? (const char *)data + 1 : "", size ? size - 1 : 0);
	struct dns_answer a;
	struct dns_list list;

	if (size && dns_reply_read(in, types[data[0] % 3], &a) == ST_OK) {
		if (a.count > DNS_RECORDS_MAX || (a.st == ST_OK) != (a.count > 0))
			abort();
		for (unsigned i = 0; i < a.count; i++)
			if (memchr(a.records[i].name, 0, DNS_NAME_OCTETS) == NULL)
				abort();
	}
	/* and what an operator may write */
	if (dns_list_parse(in, &list, NULL) == ST_OK && list.weight == 0)
		abort();
	return 0;
}
