#include <config.h>

#include "linkd/dns_list.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- the text of a list -------------------------------------------------------- */

static bool is_label_octet(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_';
}

static bool take_zone(struct slice text, char *zone)
{
	struct slice rest = text, label;
	bool is_name = false;

	if (text.len == 0 || text.len > DNS_LIST_ZONE_MAX)
		return false;
	while (slice_split(&rest, '.', &label)) {
		if (label.len == 0 || label.len > 63)
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!is_label_octet(label.data[i]))
				return false;
			is_name |= !ascii_is_digit(label.data[i]);
		}
	}
	for (size_t i = 0; i < text.len; i++)
		zone[i] = ascii_lower(text.data[i]);
	zone[text.len] = '\0';
	return is_name;
}

static void set_bits(uint32_t bits[8], unsigned low, unsigned high)
{
	for (unsigned i = low; i <= high; i++)
		bits[i / 32] |= UINT32_C(1) << i % 32;
}

/* "7" or "2..11" */
static bool take_range(struct slice text, uint32_t bits[8])
{
	const char *dots = memmem(text.data, text.len, "..", 2);
	size_t at = dots ? (size_t)(dots - text.data) : text.len;
	unsigned long long low, high;

	if (!slice_number(slice_head(text, at), 255, &low))
		return false;
	high = low;
	if (dots && !slice_number(slice_from(text, at + 2), 255, &high))
		return false;
	if (high < low)
		return false;
	set_bits(bits, (unsigned)low, (unsigned)high);
	return true;
}

/* An octet off the pattern: a number, or ranges in brackets. */
static bool take_octet(struct slice *text, uint32_t bits[8])
{
	struct slice part, ranges;
	size_t end;

	if (text->len == 0 || text->data[0] != '[') {
		end = slice_index(*text, '.');
		part = slice_head(*text, end);
		*text = slice_from(*text, end);
		return take_range(part, bits) && slice_index(part, '.') == part.len;
	}
	end = slice_index(*text, ']');
	if (end == text->len)
		return false;
	ranges = slice_from(slice_head(*text, end), 1);
	*text = slice_from(*text, end + 1);
	while (slice_split(&ranges, ';', &part))
		if (!take_range(part, bits))
			return false;
	return true;
}

static bool take_filter(struct slice text, struct dns_list *list)
{
	for (int i = 0; i < 4; i++) {
		if (i && (text.len == 0 || text.data[0] != '.'))
			return false;
		if (i)
			text = slice_from(text, 1);
		if (!take_octet(&text, list->octets[i]))
			return false;
	}
	list->has_filter = true;
	return text.len == 0;
}

static bool take_weight(struct slice text, int *weight)
{
	bool is_negative = text.len && text.data[0] == '-';
	unsigned long long number;

	if (!slice_number(slice_from(text, is_negative), DNS_LIST_WEIGHT_MAX,
			  &number) || number == 0)
		return false;
	*weight = is_negative ? -(int)number : (int)number;
	return true;
}

enum status dns_list_parse(struct slice text, struct dns_list *list,
			   struct error *err)
{
	size_t star = slice_index(text, '*'), equals;
	struct slice rest = slice_head(text, star);

	*list = (struct dns_list){ .weight = 1 };
	equals = slice_index(rest, '=');
	if (!take_zone(slice_head(rest, equals), list->zone))
		return error_set(err, ST_SYNTAX, "%.*s: no domain name",
				 (int)slice_head(rest, equals).len, rest.data);
	if (equals < rest.len && !take_filter(slice_from(rest, equals + 1), list))
		return error_set(err, ST_SYNTAX, "%s: answers are written as "
				 "127.0.0.[2..11]", list->zone);
	if (star < text.len && !take_weight(slice_from(text, star + 1), &list->weight))
		return error_set(err, ST_SYNTAX, "%s: a weight is a number other than "
				 "0 up to %d", list->zone, DNS_LIST_WEIGHT_MAX);
	return ST_OK;
}

bool dns_list_matches(const struct dns_list *list, const unsigned char record[4])
{
	if (!list->has_filter)
		return record[0] == 127 && !(record[1] == 255 && record[2] == 255);
	for (int i = 0; i < 4; i++)
		if (!(list->octets[i][record[i] / 32] >> record[i] % 32 & 1))
			return false;
	return true;
}

/* ---- names ------------------------------------------------------------------------ */

static bool parse(const char *address, unsigned char octets[16], bool *is_v4)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	*is_v4 = inet_pton(AF_INET, address, octets) == 1;
	if (*is_v4)
		return true;
	if (inet_pton(AF_INET6, address, octets) != 1)
		return false;
	*is_v4 = memcmp(octets, mapped, sizeof mapped) == 0;
	if (*is_v4)
		memmove(octets, octets + 12, 4);
	return true;
}

static enum status join(const unsigned char *octets, bool is_v4, const char *zone,
			char name[DNS_NAME_OCTETS])
{
	static const char hex[] = "0123456789abcdef";
	struct buf out = { name, 0, DNS_NAME_OCTETS, DNS_NAME_OCTETS };
	enum status st;

	for (int i = is_v4 ? 3 : 15; i >= 0; i--) {
		if (is_v4) {
			buf_append_u64(&out, octets[i]);
			buf_append_char(&out, '.');
			continue;
		}
		buf_append_char(&out, hex[octets[i] & 15]);
		buf_append_char(&out, '.');
		buf_append_char(&out, hex[octets[i] >> 4]);
		buf_append_char(&out, '.');
	}
	st = buf_append_str(&out, zone);
	return st == ST_OK ? buf_append_char(&out, '\0') : st;
}

enum status dns_list_name(const char *address, const char *zone,
			  char name[DNS_NAME_OCTETS])
{
	unsigned char octets[16];
	bool is_v4;

	if (!parse(address, octets, &is_v4))
		return ST_SYNTAX;
	return join(octets, is_v4, zone, name);
}

enum status dns_reverse_name(const char *address, char name[DNS_NAME_OCTETS])
{
	unsigned char octets[16];
	bool is_v4;

	if (!parse(address, octets, &is_v4))
		return ST_SYNTAX;
	return join(octets, is_v4, is_v4 ? "in-addr.arpa" : "ip6.arpa", name);
}
