#include "mailboxd/lmtp_params.h"

#include "common/id.h"
#include "common/xtext.h"

#include <stddef.h>

struct parsing {
	struct lmtp_params *params;
	struct arena *arena;
	struct slice *text;	/* where a text goes */
};

static bool take_text(struct parsing *p, struct slice value)
{
	char *room = arena_alloc(p->arena, value.len + 1);
	struct buf out = { room, 0, value.len + 1, value.len + 1 };

	if (!room || xtext_decode(value, &out) != ST_OK)
		return false;
	*p->text = buf_slice(&out);
	return true;
}

static bool take_mid(struct parsing *p, struct slice value)
{
	return take_text(p, value) && id_is_valid(*p->text, ID_MESSAGE);
}

static bool take_sid(struct parsing *p, struct slice value)
{
	return take_text(p, value) && id_is_valid(*p->text, ID_SESSION);
}

static bool take_size(struct parsing *p, struct slice value)
{
	unsigned long long n;

	if (!slice_number(value, INT64_MAX, &n))
		return false;
	p->params->size = n;
	return true;
}

static bool take_body(struct parsing *p, struct slice value)
{
	p->params->is_8bit = slice_case_eq(value, SLICE("8BITMIME"));
	return p->params->is_8bit || slice_case_eq(value, SLICE("7BIT"));
}

static bool take_utf8(struct parsing *p, struct slice value)
{
	p->params->is_utf8 = true;
	return value.len == 0;
}

static bool take_ret(struct parsing *p, struct slice value)
{
	return dsn_ret(value, &p->params->ret);
}

static bool take_envid(struct parsing *p, struct slice value)
{
	return dsn_decode(value, dsn_envid, p->arena, &p->params->envid);
}

#define TEXT(field) offsetof(struct lmtp_params, field)

static const struct word {
	const char *name;
	bool ours, has_value;
	bool (*take)(struct parsing *p, struct slice value);
	size_t text;	/* where take_text() puts it */
} words[] = {
	{ "SIZE",	false,	true,	take_size,	0 },
	{ "BODY",	false,	true,	take_body,	0 },
	{ "SMTPUTF8",	false,	false,	take_utf8,	0 },
	{ "RET",	false,	true,	take_ret,	0 },
	{ "ENVID",	false,	true,	take_envid,	0 },
	{ "XMID",	true,	true,	take_mid,	TEXT(mid) },
	{ "XSID",	true,	true,	take_sid,	TEXT(sid) },
	{ "XADDR",	true,	true,	take_text,	TEXT(address) },
	{ "XHELO",	true,	true,	take_text,	TEXT(helo) },
	{ "XLOGIN",	true,	true,	take_text,	TEXT(login) },
	{ "XTLS",	true,	true,	take_text,	TEXT(tls) },
};

enum status lmtp_params_parse(struct slice text, bool ours,
			      struct arena *arena, struct lmtp_params *params,
			      const char **reply)
{
	struct slice item;
	unsigned seen = 0;

	*params = (struct lmtp_params){ 0 };
	*reply = "501 5.5.4 Bad parameter";
	while (slice_split(&text, ' ', &item)) {
		size_t equals = slice_index(item, '=');
		bool has_value = equals < item.len;
		struct slice value = has_value ? slice_from(item, equals + 1)
					       : SLICE_EMPTY;
		struct parsing p = { .params = params, .arena = arena };
		size_t i = 0;

		if (item.len == 0)
			continue;
		while (i < sizeof words / sizeof *words &&
		       ((words[i].ours && !ours) ||
			!slice_case_eq(slice_head(item, equals),
				       slice_str(words[i].name))))
			i++;
		if (i == sizeof words / sizeof *words) {
			*reply = "555 5.5.4 Unknown parameter";
			return ST_SYNTAX;
		}
		p.text = (struct slice *)((char *)params + words[i].text);
		if ((seen & 1u << i) || has_value != words[i].has_value ||
		    !words[i].take(&p, value))
			return ST_SYNTAX;
		seen |= 1u << i;
	}
	return ST_OK;
}

enum status lmtp_params_rcpt(struct slice text, struct arena *arena,
			     unsigned *notify, struct slice *orcpt,
			     const char **reply)
{
	struct slice item;
	bool has_orcpt = false;

	*notify = 0;
	*orcpt = SLICE_EMPTY;
	*reply = "501 5.5.4 Bad parameter";
	while (slice_split(&text, ' ', &item)) {
		size_t equals = slice_index(item, '=');
		struct slice name = slice_head(item, equals);
		struct slice value = equals < item.len ?
			slice_from(item, equals + 1) : SLICE_EMPTY;

		if (item.len == 0)
			continue;
		if (slice_case_eq(name, SLICE("NOTIFY"))) {
			if (*notify || !dsn_notify(value, notify))
				return ST_SYNTAX;
		} else if (slice_case_eq(name, SLICE("ORCPT"))) {
			if (has_orcpt || !dsn_decode(value, dsn_orcpt, arena, orcpt))
				return ST_SYNTAX;
			has_orcpt = true;
		} else {
			*reply = "555 5.5.4 Unknown parameter";
			return ST_SYNTAX;
		}
	}
	return ST_OK;
}
