#include "linkd/dns_reply.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_OCTETS	12u
#define CLASS_IN	1
#define RCODE_NO_NAME	3
#define RCODE_MASK	15u
/* Pointers of one name: each leads backwards, and no honest name has more. */
#define POINTERS_MAX	32

struct reader {
	struct slice in;
	size_t at;
};

static bool take_u16(struct reader *r, unsigned *value)
{
	if (r->in.len - r->at < 2)
		return false;
	*value = (unsigned)(unsigned char)r->in.data[r->at] << 8 |
		 (unsigned char)r->in.data[r->at + 1];
	r->at += 2;
	return true;
}

static bool take_u32(struct reader *r, uint32_t *value)
{
	unsigned high, low;

	if (!take_u16(r, &high) || !take_u16(r, &low))
		return false;
	*value = (uint32_t)high << 16 | low;
	return true;
}

/* Appends a label; dots inside one, and what is not printable, become "?": no host
 * name has them. */
static bool put_label(char *name, size_t *len, struct slice label)
{
	if (*len + label.len + 2 > DNS_NAME_OCTETS)
		return false;
	if (*len)
		name[(*len)++] = '.';
	for (size_t i = 0; i < label.len; i++) {
		char c = label.data[i];

		name[(*len)++] = c > ' ' && c <= '~' && c != '.' ? ascii_lower(c)
								 : '?';
	}
	return true;
}

/* A name (section 4.1.4) at r->at, which is left behind it. */
static bool take_name(struct reader *r, char name[DNS_NAME_OCTETS])
{
	size_t at = r->at, len = 0, lowest = r->at;
	unsigned pointers = 0;

	for (;;) {
		unsigned char octet;

		if (at >= r->in.len)
			return false;
		octet = (unsigned char)r->in.data[at];
		if (octet == 0)
			break;
		if (octet >= 0xc0) {
			size_t to;

			if (at + 1 >= r->in.len)
				return false;
			to = (size_t)(octet & 0x3f) << 8 |
			     (unsigned char)r->in.data[at + 1];
			if (pointers++ == 0)
				r->at = at + 2;
			if (to >= lowest || pointers > POINTERS_MAX)
				return false;
			at = lowest = to;
			continue;
		}
		if (octet > 63 || r->in.len - at - 1 < octet ||
		    !put_label(name, &len, slice_of(r->in.data + at + 1, octet)))
			return false;
		at += (size_t)octet + 1;
	}
	if (pointers == 0)
		r->at = at + 1;
	name[len] = '\0';
	return true;
}

struct resource {
	char owner[DNS_NAME_OCTETS];
	unsigned type, class;
	uint32_t ttl;
	size_t at;	/* of its data */
	struct slice data;
};

static bool take_resource(struct reader *r, struct resource *rr)
{
	unsigned octets;

	if (!take_name(r, rr->owner) || !take_u16(r, &rr->type) ||
	    !take_u16(r, &rr->class) || !take_u32(r, &rr->ttl) ||
	    !take_u16(r, &octets) || r->in.len - r->at < octets)
		return false;
	rr->at = r->at;
	rr->data = slice_of(r->in.data + r->at, octets);
	r->at += octets;
	if (rr->ttl > INT32_MAX)	/* RFC 2181 section 8 */
		rr->ttl = 0;
	return true;
}

/* Letters, digits, hyphens and underscores in labels (RFC 1123 section 2.1). */
static bool is_host_name(const char *name)
{
	size_t label = 0;

	for (; *name; name++) {
		if (*name == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (ascii_is_alpha(*name) || ascii_is_digit(*name) ||
			   *name == '-' || *name == '_') {
			label++;
		} else {
			return false;
		}
	}
	return label > 0;
}

/* The name in rr's data, which may point anywhere before it. */
static bool name_in(const struct reader *r, const struct resource *rr,
		    char name[DNS_NAME_OCTETS])
{
	struct reader inner = { r->in, rr->at };

	return take_name(&inner, name) && inner.at <= rr->at + rr->data.len;
}

/* False: it is malformed. */
static bool keep(const struct reader *r, const struct resource *rr,
		 struct dns_answer *a)
{
	struct dns_record *record = &a->records[a->count];
	size_t octets = rr->type == DNS_TYPE_A ? 4 : 16;

	if (a->count == DNS_RECORDS_MAX)
		return true;
	*record = (struct dns_record){ .name = "" };
	if (rr->type == DNS_TYPE_PTR) {
		if (!name_in(r, rr, record->name))
			return false;
		if (!is_host_name(record->name))
			return true;
	} else {
		if (rr->data.len != octets)
			return false;
		memcpy(record->address, rr->data.data, octets);
	}
	if (rr->ttl < a->ttl)
		a->ttl = rr->ttl;
	a->count++;
	return true;
}

/* The answers, along CNAMEs that come in their order. */
static bool read_answers(struct reader *r, unsigned count, enum dns_type type,
			 char *wanted, struct dns_answer *a)
{
	struct resource rr;

	for (unsigned i = 0; i < count; i++) {
		if (!take_resource(r, &rr))
			return false;
		if (rr.class != CLASS_IN || strcmp(rr.owner, wanted) != 0)
			continue;
		if (rr.type == DNS_TYPE_CNAME) {
			if (!name_in(r, &rr, wanted))
				return false;
			if (rr.ttl < a->ttl)
				a->ttl = rr.ttl;
		} else if (rr.type == (unsigned)type && !keep(r, &rr, a)) {
			return false;
		}
	}
	return true;
}

/* How long it holds that there is nothing: the lesser of the SOA's own time and its
 * last field (RFC 2308 section 5). Malformed or none: not at all. */
static uint32_t negative_ttl(struct reader *r, unsigned count)
{
	struct resource rr;

	for (unsigned i = 0; i < count && take_resource(r, &rr); i++) {
		struct reader minimum = { r->in, rr.at };
		uint32_t seconds = 0;

		if (rr.type != DNS_TYPE_SOA || rr.data.len < 22)
			continue;
		minimum.at += rr.data.len - 4;
		take_u32(&minimum, &seconds);
		return seconds < rr.ttl ? seconds : rr.ttl;
	}
	return 0;
}

enum status dns_reply_read(struct slice reply, enum dns_type type,
			   struct dns_answer *answer)
{
	struct reader r = { reply, 0 };
	unsigned id, flags, questions, answers, authorities, more, ignored;
	char wanted[DNS_NAME_OCTETS];

	*answer = (struct dns_answer){ .st = ST_UNAVAILABLE, .ttl = INT32_MAX };
	if (!take_u16(&r, &id) || !take_u16(&r, &flags) ||
	    !take_u16(&r, &questions) || !take_u16(&r, &answers) ||
	    !take_u16(&r, &authorities) || !take_u16(&r, &more) || questions != 1 ||
	    !take_name(&r, wanted) || !take_u16(&r, &ignored) ||
	    !take_u16(&r, &ignored))
		return ST_SYNTAX;
	if ((flags & RCODE_MASK) != 0 && (flags & RCODE_MASK) != RCODE_NO_NAME) {
		answer->ttl = 0;
		return ST_OK;
	}
	if (!read_answers(&r, answers, type, wanted, answer))
		return ST_SYNTAX;
	answer->st = ST_OK;
	if (answer->count == 0) {
		answer->st = ST_NOT_FOUND;
		answer->ttl = negative_ttl(&r, authorities);
	}
	return ST_OK;
}
