#include "smtpd/params.h"

static bool param_size(struct slice value, struct smtp_params *params)
{
	unsigned long long octets;

	/* RFC 1870 section 3: up to 20 digits; what no counter holds is too
	 * large in any case */
	if (value.len == 0 || value.len > 20)
		return false;
	if (!slice_number(value, UINT64_MAX, &octets)) {
		for (size_t i = 0; i < value.len; i++)
			if (!ascii_is_digit(value.data[i]))
				return false;
		octets = UINT64_MAX;
	}
	params->size = octets;
	return true;
}

static bool param_body(struct slice value, struct smtp_params *params)
{
	params->is_8bit = slice_case_eq(value, SLICE("8BITMIME"));
	return params->is_8bit || slice_case_eq(value, SLICE("7BIT"));
}

static bool param_utf8(struct slice value, struct smtp_params *params)
{
	params->is_utf8 = true;
	return value.len == 0;
}

/* AUTH=<> or an xtext address (RFC 4954 section 5): nothing hangs on it, as
 * every message is delivered here. */
static bool param_auth(struct slice value, struct smtp_params *params)
{
	(void)params;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == '=' || value.data[i] < '!' ||
		    value.data[i] > '~')
			return false;
	return value.len > 0;
}

static bool param_requiretls(struct slice value, struct smtp_params *params)
{
	params->requires_tls = true;
	return value.len == 0;
}

static bool param_ret(struct slice value, struct smtp_params *params)
{
	return dsn_ret(value, &params->ret);
}

static bool param_notify(struct slice value, struct smtp_params *params)
{
	return dsn_notify(value, &params->notify);
}

/* Checked here; smtp_params_parse() decodes it. */
static bool param_envid(struct slice value, struct smtp_params *params)
{
	params->envid = value;
	return true;
}

static bool param_orcpt(struct slice value, struct smtp_params *params)
{
	params->orcpt = value;
	return true;
}

/* What was written, if anything was, gives way to what it means. */
static bool decode(struct smtp_session *s, struct slice *text,
		   bool (*read)(struct slice value, struct buf *out))
{
	return !text->data || dsn_decode(*text, read, &s->arena, text);
}

static bool always(const struct smtp_session *s)
{
	(void)s;
	return true;
}

/* RFC 8689 section 2: only in a session that is protected. */
static bool is_tls(const struct smtp_session *s)
{
	return s->engine.peer->tls_version != NULL;
}

static bool with_auth(const struct smtp_session *s)
{
	return s->listener->has_auth;
}

static const struct param {
	const char *name;
	enum smtp_params_for whose;
	bool (*is_offered)(const struct smtp_session *s);
	bool (*take)(struct slice value, struct smtp_params *params);
} table[] = {
	{ "SIZE", SMTP_PARAMS_MAIL, always, param_size },
	{ "BODY", SMTP_PARAMS_MAIL, always, param_body },
	{ "SMTPUTF8", SMTP_PARAMS_MAIL, always, param_utf8 },
	{ "AUTH", SMTP_PARAMS_MAIL, with_auth, param_auth },
	{ "REQUIRETLS", SMTP_PARAMS_MAIL, is_tls, param_requiretls },
	{ "RET", SMTP_PARAMS_MAIL, with_auth, param_ret },
	{ "ENVID", SMTP_PARAMS_MAIL, with_auth, param_envid },
	{ "NOTIFY", SMTP_PARAMS_RCPT, with_auth, param_notify },
	{ "ORCPT", SMTP_PARAMS_RCPT, with_auth, param_orcpt },
};

static size_t find(const struct smtp_session *s, enum smtp_params_for whose,
		   struct slice name)
{
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].whose == whose && table[i].is_offered(s) &&
		    slice_case_eq(name, slice_str(table[i].name)))
			break;
	return i;
}

enum smtp_reply smtp_params_parse(struct smtp_session *s,
				  enum smtp_params_for whose,
				  struct slice text, struct smtp_params *params,
				  struct slice *bad)
{
	unsigned seen = 0;
	struct slice one;

	*params = (struct smtp_params){ 0 };
	while (slice_split(&text, ' ', &one)) {
		size_t equals = slice_index(one, '=');
		size_t row;

		if (one.len == 0)
			continue;
		*bad = slice_head(one, equals);
		row = find(s, whose, *bad);
		/* extensions are for those who said EHLO */
		if (row == sizeof table / sizeof *table || !s->is_esmtp)
			return SMTP_REPLY_PARAMETER_UNKNOWN;
		if (seen & 1u << row)
			return SMTP_REPLY_PARAMETER_TWICE;
		seen |= 1u << row;
		/* "SMTPUTF8=" is not "SMTPUTF8" */
		if (equals < one.len && equals + 1 == one.len)
			return SMTP_REPLY_PARAMETER_SYNTAX;
		one = equals < one.len ? slice_from(one, equals + 1) : SLICE_EMPTY;
		if (!table[row].take(one, params))
			return SMTP_REPLY_PARAMETER_SYNTAX;
	}
	*bad = SLICE("ENVID");
	if (!decode(s, &params->envid, dsn_envid))
		return SMTP_REPLY_PARAMETER_SYNTAX;
	*bad = SLICE("ORCPT");
	if (!decode(s, &params->orcpt, dsn_orcpt))
		return SMTP_REPLY_PARAMETER_SYNTAX;
	return SMTP_REPLY_OK;
}
