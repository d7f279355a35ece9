/* Whatever stands in front of a connection: the header, or its end. */
#include "fuzz/fuzz.h"

#include "common/proxy_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(size ? (const char *)data : "", size);
	struct proxy_header header, again;
	size_t used, shorter;
	enum status st = proxy_header_read(in, &used, &header);

	if (st == ST_OK && (used == 0 || used > size))
		abort();
	if (st == ST_MORE && size >= PROXY_HEADER_MAX)
		abort();
	/* what arrives in pieces is the same header */
	for (size_t n = 0; st == ST_OK && n < used; n++)
		if (proxy_header_read(slice_head(in, n), &shorter, &again) != ST_MORE)
			abort();
	return 0;
}
