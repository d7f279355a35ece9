#include "common/sasl.h"

#include "common/utf8.h"

static enum status check_name(struct slice name)
{
	if (name.len > SASL_NAME_MAX)
		return ST_LIMIT;
	return utf8_is_valid(name) && slice_index(name, '\0') == name.len
			? ST_OK : ST_SYNTAX;
}

static enum status check(const struct sasl_plain *plain)
{
	enum status st = check_name(plain->authzid);

	if (st == ST_OK)
		st = check_name(plain->authcid);
	if (st != ST_OK)
		return st;
	if (plain->password.len > SASL_PASSWORD_MAX)
		return ST_LIMIT;
	if (plain->authcid.len == 0 || plain->password.len == 0 ||
	    slice_index(plain->password, '\0') < plain->password.len)
		return ST_SYNTAX;
	return utf8_is_valid(plain->password) ? ST_OK : ST_SYNTAX;
}

enum status sasl_plain_parse(struct slice message, struct sasl_plain *plain)
{
	struct slice parts[3] = { SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY }, part;
	size_t count = 0;

	while (slice_split(&message, '\0', &part)) {
		if (count == 3)
			return ST_SYNTAX;
		parts[count++] = part;
	}
	if (count != 3)
		return ST_SYNTAX;
	*plain = (struct sasl_plain){ parts[0], parts[1], parts[2] };
	return check(plain);
}

enum status sasl_plain_build(const struct sasl_plain *plain, struct buf *out)
{
	enum status st = check(plain);
	char *at;

	if (st == ST_OK)
		st = buf_reserve(out, plain->authzid.len + plain->authcid.len +
				 plain->password.len + 2, &at);
	if (st != ST_OK)
		return st;
	buf_append(out, plain->authzid);
	buf_append_char(out, '\0');
	buf_append(out, plain->authcid);
	buf_append_char(out, '\0');
	return buf_append(out, plain->password);
}

enum sasl_mechanism sasl_mechanism_find(struct slice name)
{
	if (slice_case_eq(name, SLICE("PLAIN")))
		return SASL_PLAIN;
	return slice_case_eq(name, SLICE("LOGIN")) ? SASL_LOGIN : SASL_NONE;
}

/* The words that clients look for are in no RFC; these two work with all
 * (draft-murchison-sasl-login section 2). */
struct slice sasl_first_challenge(const struct sasl *s)
{
	return s->mechanism == SASL_LOGIN ? SLICE("Username:") : SLICE_EMPTY;
}

static enum status feed_login(struct sasl *s, struct slice response,
			      struct slice *challenge, struct buf *message)
{
	struct sasl_plain plain = { SLICE_EMPTY, buf_slice(&s->name), response };
	enum status st;

	if (s->step++ > 0)
		return sasl_plain_build(&plain, message);
	st = response.len ? check_name(response) : ST_SYNTAX;
	if (st == ST_OK)
		st = buf_append(&s->name, response);
	*challenge = SLICE("Password:");
	return st == ST_OK ? ST_MORE : st;
}

enum status sasl_feed(struct sasl *s, struct slice response,
		      struct slice *challenge, struct buf *message)
{
	struct sasl_plain plain;
	enum status st;

	if (s->mechanism == SASL_LOGIN)
		return feed_login(s, response, challenge, message);
	if (s->mechanism != SASL_PLAIN)
		return ST_SYNTAX;
	st = sasl_plain_parse(response, &plain);
	return st == ST_OK ? buf_append(message, response) : st;
}

void sasl_clear(struct sasl *s)
{
	buf_wipe(&s->name);
	s->step = 0;
}
