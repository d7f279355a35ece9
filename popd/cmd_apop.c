#include "popd/session_priv.h"

/*
 * APOP (RFC 1939 section 7), in the profiles lab and test only: it needs the password
 * in clear on our side, and mailboxd has those of the command line alone
 * (mailboxd/given.h). What the greeting shows is made of the session's id, which comes
 * once.
 */

#define DIGEST_DIGITS 32

static enum status timestamp(const struct pop_session *s, struct buf *out)
{
	return buf_append_fmt(out, "<%.*s@%s>", SLICE_ARG(id_slice(&s->sid)),
			      s->settings->hostname);
}

void pop_put_timestamp(struct pop_session *s)
{
	if (!s->settings->has_apop)
		return;
	pop_put(s, SLICE(" "));
	if (timestamp(s, &s->engine.out) != ST_OK)
		s->trouble = ST_LIMIT;
}

static bool is_digest(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_digit(text.data[i]) &&
		    (text.data[i] < 'a' || text.data[i] > 'f'))
			return false;
	return text.len == DIGEST_DIGITS;
}

void pop_cmd_apop(struct pop_session *s, struct slice arguments)
{
	const struct peer_info peer = pop_login_peer(s);
	size_t space = slice_index(arguments, ' ');
	struct slice name = slice_head(arguments, space);
	struct slice digest = slice_from(arguments, space + 1);
	struct ipc_message m = { .type = IPC_TYPE_AUTH };
	struct buf response = BUF_INIT(1024);

	if (!s->settings->has_apop) {
		pop_mistake(s, "APOP is not offered");
		return;
	}
	if (name.len == 0 || name.len > SASL_NAME_MAX || !is_digest(digest)) {
		pop_mistake(s, "APOP wants a name and a digest of 32 digits");
		return;
	}
	if (buf_append(&response, name) != ST_OK ||
	    buf_append_char(&response, '\0') != ST_OK ||
	    timestamp(s, &response) != ST_OK ||
	    buf_append_char(&response, '\0') != ST_OK ||
	    buf_append(&response, digest) != ST_OK)
		s->trouble = ST_LIMIT;
	m.auth = (struct ipc_auth){
		.mechanism = SLICE("APOP"), .service = SLICE("pop3"),
		.sid = id_slice(&s->sid), .address = slice_str(peer.address),
		.secure = peer.is_secure, .response = buf_slice(&response),
	};
	pop_login_ask(s, &m);
	buf_free(&response);
}
