#include "mailboxd/scram.h"

#include "common/base64.h"
#include "common/utf8.h"

/* ---- attributes (RFC 5802 section 7) -------------------------------------- */

/* Takes "x=value" with this letter off the front of *rest. */
static bool take(struct slice *rest, char letter, struct slice *value)
{
	struct slice part;

	if (!slice_split(rest, ',', &part) || part.len < 3 ||
	    part.data[0] != letter || part.data[1] != '=')
		return false;
	*value = slice_from(part, 2);
	return true;
}

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' ||
		    text.data[i] == ',')
			return false;
	return text.len > 0;
}

/* What may follow the attributes that are known: passed over. */
static bool are_extensions(struct slice rest)
{
	struct slice part;

	while (slice_split(&rest, ',', &part))
		if (part.len < 3 || !ascii_is_alpha(part.data[0]) ||
		    part.data[1] != '=' || !utf8_is_valid(part) ||
		    slice_index(part, '\0') < part.len)
			return false;
	return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" is wrong. */
static enum status unescape(struct slice name, struct buf *out)
{
	enum status st = ST_OK;

	if (name.len == 0 || !utf8_is_valid(name) ||
	    slice_index(name, '\0') < name.len)
		return ST_SYNTAX;
	while (name.len > 0 && st == ST_OK) {
		size_t plain = slice_index(name, '=');
		struct slice code;

		st = buf_append(out, slice_head(name, plain));
		name = slice_from(name, plain);
		if (name.len == 0)
			break;
		code = slice_head(name, 3);
		if (slice_eq(code, SLICE("=2C")))
			st = st == ST_OK ? buf_append_char(out, ',') : st;
		else if (slice_eq(code, SLICE("=3D")))
			st = st == ST_OK ? buf_append_char(out, '=') : st;
		else
			return ST_SYNTAX;
		name = slice_from(name, 3);
	}
	return st;
}

/* ---- client-first --------------------------------------------------------- */

/* The data of the binding that the flag asks for; false: refused. */
static bool choose_binding(struct slice flag, bool is_plus,
			   const struct scram_channel *channel,
			   struct slice *data)
{
	bool can_bind = channel->exporter.len || channel->end_point.len;

	*data = SLICE_EMPTY;
	if (slice_eq(flag, SLICE("n")))
		return !is_plus;
	if (slice_eq(flag, SLICE("y")))
		return !is_plus && !can_bind;
	if (slice_eq(flag, SLICE("p=tls-exporter")))
		*data = channel->exporter;
	else if (slice_eq(flag, SLICE("p=tls-server-end-point")))
		*data = channel->end_point;
	return is_plus && data->len > 0;
}

static bool is_flag(struct slice flag)
{
	if (slice_starts(flag, SLICE("p=")))
		return flag.len > 2 && is_printable(flag);
	return slice_eq(flag, SLICE("n")) || slice_eq(flag, SLICE("y"));
}

/* The authorization identity is left out, or the user's own name. */
static enum status check_authzid(struct slice part, const struct buf *name)
{
	struct buf authzid = BUF_INIT(SCRAM_FIRST_MAX);
	enum status st = ST_OK;

	if (part.len == 0)
		return ST_OK;
	if (!slice_starts(part, SLICE("a=")))
		return ST_SYNTAX;
	st = unescape(slice_from(part, 2), &authzid);
	if (st == ST_OK && !slice_eq(buf_slice(&authzid), buf_slice(name)))
		st = ST_DENIED;
	buf_free(&authzid);
	return st;
}

enum status scram_first(struct scram *s, struct slice message, bool is_plus,
			const struct scram_channel *channel)
{
	struct slice rest = message, flag, authzid, bare, name, nonce, data;
	enum status st;

	if (message.len > SCRAM_FIRST_MAX)
		return ST_LIMIT;
	slice_split(&rest, ',', &flag);
	if (!is_flag(flag) || !slice_split(&rest, ',', &authzid) || !rest.data)
		return ST_SYNTAX;
	bare = rest;
	if (slice_starts(rest, SLICE("m=")))
		return ST_DENIED;	/* a mandatory extension */
	if (!take(&rest, 'n', &name) || !take(&rest, 'r', &nonce) ||
	    !is_printable(nonce) || !are_extensions(rest))
		return ST_SYNTAX;
	if (nonce.len > SCRAM_NONCE_MAX)
		return ST_LIMIT;
	st = unescape(name, &s->name);
	if (st == ST_OK)
		st = check_authzid(authzid, &s->name);
	if (st == ST_OK && !choose_binding(flag, is_plus, channel, &data))
		st = ST_DENIED;
	if (st == ST_OK)
		st = buf_append(&s->nonce, nonce);
	if (st == ST_OK)
		st = buf_append(&s->binding,
				slice_head(message, message.len - bare.len));
	if (st == ST_OK)
		st = buf_append(&s->binding, data);
	return st == ST_OK ? buf_append(&s->text, bare) : st;
}

/* ---- server-first --------------------------------------------------------- */

enum status scram_challenge(struct scram *s, const struct password_keys *keys,
			    struct slice nonce, struct buf *out)
{
	size_t before = out->len;
	enum status st = buf_append(&s->nonce, nonce);

	if (st == ST_OK)
		st = buf_append(out, SLICE("r="));
	if (st == ST_OK)
		st = buf_append(out, buf_slice(&s->nonce));
	if (st == ST_OK)
		st = buf_append(out, SLICE(",s="));
	if (st == ST_OK)
		st = base64_encode(slice_of(keys->salt, keys->salt_octets), out);
	if (st == ST_OK)
		st = buf_append_fmt(out, ",i=%u", (unsigned)keys->rounds);
	if (st == ST_OK)
		st = buf_append_char(&s->text, ',');
	if (st == ST_OK)
		st = buf_append(&s->text, slice_from(buf_slice(out), before));
	return st;
}

/* ---- client-final --------------------------------------------------------- */

static enum status decode_proof(struct slice text,
				unsigned char proof[PASSWORD_KEY_OCTETS])
{
	struct buf decoded = BUF_INIT(PASSWORD_KEY_OCTETS + 3);
	enum status st = base64_decode(text, &decoded);

	if (st == ST_LIMIT || (st == ST_OK && decoded.len != PASSWORD_KEY_OCTETS))
		st = ST_SYNTAX;
	if (st == ST_OK)
		memcpy(proof, decoded.data, decoded.len);
	buf_wipe(&decoded);
	return st;
}

/* What c= must be: the header of client-first and the channel's own data. */
static enum status check_binding(const struct scram *s, struct slice value)
{
	struct buf wanted = BUF_INIT(base64_octets(SCRAM_FIRST_MAX));
	enum status st = base64_encode(buf_slice(&s->binding), &wanted);

	if (st == ST_OK && !slice_eq(value, buf_slice(&wanted)))
		st = ST_DENIED;
	buf_free(&wanted);
	return st;
}

enum status scram_final(struct scram *s, struct slice message,
			unsigned char proof[PASSWORD_KEY_OCTETS])
{
	struct slice rest, binding, nonce, last;
	size_t bare = message.len;
	enum status st;

	if (message.len > SCRAM_FINAL_MAX)
		return ST_LIMIT;
	/* the proof is the last attribute: what is before it is signed */
	while (bare > 0 && message.data[bare - 1] != ',')
		bare--;
	if (bare == 0)
		return ST_SYNTAX;
	last = slice_from(message, bare);
	rest = slice_head(message, bare - 1);
	if (!take(&rest, 'c', &binding) || !take(&rest, 'r', &nonce) ||
	    !are_extensions(rest) || !slice_starts(last, SLICE("p=")))
		return ST_SYNTAX;
	st = decode_proof(slice_from(last, 2), proof);
	if (st == ST_OK && !slice_eq(nonce, buf_slice(&s->nonce)))
		st = ST_DENIED;
	if (st == ST_OK)
		st = check_binding(s, binding);
	if (st == ST_OK)
		st = buf_append_char(&s->text, ',');
	return st == ST_OK ? buf_append(&s->text, slice_head(message, bare - 1))
			   : st;
}

enum status scram_signature(const unsigned char signature[PASSWORD_KEY_OCTETS],
			    struct buf *out)
{
	enum status st = buf_append(out, SLICE("v="));

	return st == ST_OK
		? base64_encode(slice_of((const char *)signature,
					 PASSWORD_KEY_OCTETS), out) : st;
}

void scram_clear(struct scram *s)
{
	buf_wipe(&s->name);
	buf_wipe(&s->nonce);
	buf_wipe(&s->binding);
	buf_wipe(&s->text);
}
