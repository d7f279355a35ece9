#include "smtpd/told_client.h"

#include "common/address.h"
#include "common/xtext.h"

#include <stdint.h>

/* ---- values: each check may write the text anew ---------------------------------- */

static bool is_printable(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] <= ' ' || value.data[i] == 0x7f)
			return false;
	return value.len > 0;
}

/* Host names and words of the other side: ASCII (XFORWARD_README, note 1). */
static bool check_word(struct buf *value)
{
	for (size_t i = 0; i < value->len; i++)
		if (value->data[i] <= ' ' || value->data[i] > '~')
			return false;
	return value->len > 0;
}

static bool check_login(struct buf *value)
{
	return is_printable(buf_slice(value));
}

static bool check_number(struct buf *value)
{
	unsigned long long number;

	return slice_number(buf_slice(value), UINT16_MAX, &number);
}

static bool is_one_of(struct slice value, const char *a, const char *b)
{
	return slice_case_eq(value, slice_str(a)) ||
	       slice_case_eq(value, slice_str(b));
}

static bool check_proto(struct buf *value)
{
	return is_one_of(buf_slice(value), "SMTP", "ESMTP");
}

static bool check_source(struct buf *value)
{
	return is_one_of(buf_slice(value), "LOCAL", "REMOTE");
}

/* "192.0.2.1" or "IPV6:2001:db8::1" */
static bool check_address(struct buf *value)
{
	char text[80];
	struct buf shortest = { text, 0, sizeof text, sizeof text };

	if (address_ip(buf_slice(value), &shortest) != ST_OK)
		return false;
	value->len = 0;
	return buf_append(value, buf_slice(&shortest)) == ST_OK;
}

/* ---- the table --------------------------------------------------------------------- */

#define BOTH (TOLD_XCLIENT | TOLD_XFORWARD)

static const struct row {
	const char *name;
	enum told_attribute attribute;
	unsigned commands;
	bool (*check)(struct buf *value);
} rows[] = {
	{ "NAME",	TOLD_NAME,	BOTH,		check_word },
	{ "ADDR",	TOLD_ADDR,	BOTH,		check_address },
	{ "PORT",	TOLD_PORT,	BOTH,		check_number },
	{ "PROTO",	TOLD_PROTO,	TOLD_XCLIENT,	check_proto },
	{ "PROTO",	TOLD_PROTO,	TOLD_XFORWARD,	check_word },
	{ "HELO",	TOLD_HELO,	BOTH,		check_word },
	{ "LOGIN",	TOLD_LOGIN,	TOLD_XCLIENT,	check_login },
	{ "DESTADDR",	TOLD_DESTADDR,	TOLD_XCLIENT,	check_address },
	{ "DESTPORT",	TOLD_DESTPORT,	TOLD_XCLIENT,	check_number },
	{ "IDENT",	TOLD_IDENT,	TOLD_XFORWARD,	check_word },
	{ "SOURCE",	TOLD_SOURCE,	TOLD_XFORWARD,	check_source },
};
#define ROWS (sizeof rows / sizeof *rows)

static const struct row *find(enum told_command command, struct slice name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].commands & command &&
		    slice_case_eq(name, slice_str(rows[i].name)))
			return &rows[i];
	return NULL;
}

static bool is_unavailable(const struct row *row, struct slice value)
{
	return slice_case_eq(value, SLICE("[UNAVAILABLE]")) ||
	       (row->attribute == TOLD_NAME &&
		slice_case_eq(value, SLICE("[TEMPUNAVAIL]")));
}

/* room holds the value; it is ended with a NUL. */
static bool take(const struct row *row, struct slice text, char *room)
{
	struct buf value = { room, 0, TOLD_VALUE_MAX, TOLD_VALUE_MAX };

	if (xtext_decode(text, &value) != ST_OK)
		return false;
	if (is_unavailable(row, buf_slice(&value)))
		value.len = 0;
	else if (!row->check(&value))
		return false;
	room[value.len] = '\0';
	return true;
}

enum status told_client_parse(struct told_client *c, enum told_command command,
			      struct slice arguments)
{
	struct told_client made = *c;
	unsigned seen = 0;
	struct slice one;

	while (slice_split(&arguments, ' ', &one)) {
		size_t equals = slice_index(one, '=');
		const struct row *row = find(command, slice_head(one, equals));

		if (one.len == 0)
			continue;
		if (!row || equals == one.len || seen & 1u << row->attribute ||
		    !take(row, slice_from(one, equals + 1),
			  made.values[row->attribute].text))
			return ST_SYNTAX;
		made.values[row->attribute].is_told = true;
		seen |= 1u << row->attribute;
	}
	if (!seen)
		return ST_SYNTAX;
	*c = made;
	return ST_OK;
}

struct slice told_client_value(const struct told_client *c,
			       enum told_attribute attribute)
{
	return slice_str(c->values[attribute].text);
}

void told_client_words(enum told_command command, struct buf *out)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (!(rows[i].commands & command))
			continue;
		buf_append_char(out, ' ');
		buf_append_str(out, rows[i].name);
	}
}
