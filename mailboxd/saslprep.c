#include "mailboxd/saslprep.h"

#include "common/utf8.h"

#include <stringprep.h>

/* ASCII maps to itself; its control characters are prohibited (section 2.3). */
static bool is_ascii(struct slice text, bool *has_controls)
{
	bool ascii = true;

	*has_controls = false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		ascii = ascii && c < 0x80;
		*has_controls = *has_controls || c < 0x20 || c == 0x7f;
	}
	return ascii;
}

static enum status prepare(struct slice text, struct buf *out)
{
	char prepared[SASLPREP_MAX * 4 + 1];
	enum status st;
	int rc;

	memcpy(prepared, text.data, text.len);
	prepared[text.len] = '\0';
	rc = stringprep(prepared, sizeof prepared, 0, stringprep_saslprep);
	if (rc == STRINGPREP_OK)
		st = prepared[0] ? buf_append(out, slice_str(prepared)) : ST_SYNTAX;
	else
		st = rc == STRINGPREP_MALLOC_ERROR ? ST_NO_MEMORY
		   : rc == STRINGPREP_TOO_SMALL_BUFFER ? ST_LIMIT : ST_SYNTAX;
	explicit_bzero(prepared, sizeof prepared);
	return st;
}

enum status saslprep(struct slice text, struct buf *out)
{
	bool has_controls;

	if (text.len > SASLPREP_MAX)
		return ST_LIMIT;
	if (is_ascii(text, &has_controls) && text.len > 0 && !has_controls)
		return buf_append(out, text);
	if (text.len == 0 || has_controls || !utf8_is_valid(text))
		return ST_SYNTAX;
	return prepare(text, out);
}
