#include "imapd/mailbox_name.h"

#include "common/utf8.h"
#include "imapd/limits.h"

const char *mailbox_name_fault(struct slice name)
{
	struct slice rest = name, level;
	unsigned levels = 0;

	if (name.len > LIMIT_NAME_OCTETS)
		return "[CANNOT] Mailbox name is too long";
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c < ' ' || c == 0x7f || c == '%' || c == '*')
			return "[CANNOT] Mailbox name has an octet that it cannot have";
	}
	if (!utf8_is_valid(name))
		return "[CANNOT] Mailbox name is not UTF-8";
	/* Net-Unicode (RFC 9051 section 5.1, RFC 6855 section 3) */
	for (uint32_t c; utf8_next(&rest, &c);)
		if ((c >= 0x80 && c <= 0x9f) || c == 0x2028 || c == 0x2029)
			return "[CANNOT] Mailbox name has a control character";
	rest = name;
	while (slice_split(&rest, MAILBOX_SEPARATOR, &level)) {
		if (level.len == 0)
			return "[CANNOT] Mailbox name has an empty level";
		if (level.len > LIMIT_LEVEL_OCTETS)
			return "[CANNOT] Mailbox name has a level that is too long";
		if (++levels > LIMIT_LEVELS)
			return "[CANNOT] Mailbox name has too many levels";
	}
	return NULL;
}
