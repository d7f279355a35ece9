/* What the macros of Sendmail mean here (MILTER_README of Postfix has the list). */
#include "config.h"

#include "smtpd/milters.h"

#include <stdio.h>

static const struct slice none = { NULL, 0 };

static struct slice some(struct slice value)
{
	return value.len ? value : none;
}

static struct slice number(struct smtp_milters *c, unsigned long value)
{
	snprintf(c->scratch, sizeof c->scratch, "%lu", value);
	return slice_str(c->scratch);
}

static struct slice domain_of(struct slice address)
{
	const char *at = address.len ? memrchr(address.data, '@', address.len) : NULL;

	return at ? slice_from(address, (size_t)(at - address.data) + 1) : none;
}

/* ---- the connection -------------------------------------------------------------- */

static struct slice client_address(struct smtp_session *s)
{
	return some(smtp_client_address(s));
}

static struct slice client_name(struct smtp_session *s)
{
	struct slice address = smtp_client_address(s);
	struct smtp_milters *c = s->milters;

	snprintf(c->scratch, sizeof c->scratch, address.len ? "[%.*s]" : "localhost",
		 SLICE_ARG(slice_head(address, 64)));
	return slice_str(c->scratch);
}

/* "name [address]" */
static struct slice client_both(struct smtp_session *s)
{
	struct slice address = smtp_client_address(s);
	struct smtp_milters *c = s->milters;

	snprintf(c->scratch, sizeof c->scratch, "%.*s [%.*s]",
		 SLICE_ARG(slice_head(address.len ? slice_str("unknown")
						  : slice_str("localhost"), 64)),
		 SLICE_ARG(slice_head(address, 64)));
	return slice_str(c->scratch);
}

static struct slice hostname(struct smtp_session *s)
{
	return slice_str(s->settings->hostname);
}

static struct slice version(struct smtp_session *s)
{
	(void)s;
	return SLICE("Postroom " PACKAGE_VERSION);
}

static struct slice door(struct smtp_session *s)
{
	return some(slice_str(s->milters->set->door));
}

static struct slice local_address(struct smtp_session *s)
{
	return some(slice_str(s->engine.peer->local_address));
}

static struct slice local_port(struct smtp_session *s)
{
	return number(s->milters, s->engine.peer->local_port);
}

static struct slice client_port(struct smtp_session *s)
{
	return number(s->milters, s->engine.peer->port);
}

static struct slice tls_version(struct smtp_session *s)
{
	return slice_str(s->engine.peer->tls_version);
}

static struct slice tls_cipher(struct smtp_session *s)
{
	return slice_str(s->engine.peer->tls_cipher);
}

static struct slice tls_bits(struct smtp_session *s)
{
	return number(s->milters, (unsigned long)s->engine.peer->tls_bits);
}

/* ---- the message ------------------------------------------------------------------- */

static struct slice mid(struct smtp_session *s)
{
	return some(id_slice(&s->t.mid));
}

static struct slice auth_type(struct smtp_session *s)
{
	return s->login.len ? slice_str(s->auth_type) : none;
}

static struct slice login(struct smtp_session *s)
{
	return some(buf_slice(&s->login));
}

static struct slice mail_addr(struct smtp_session *s)
{
	return buf_slice(&s->t.sender);
}

static struct slice mail_host(struct smtp_session *s)
{
	return domain_of(buf_slice(&s->t.sender));
}

static struct slice mail_mailer(struct smtp_session *s)
{
	(void)s;
	return SLICE("smtp");
}

/* Of a recipient that is refused: why, as Sendmail has it. */
static struct slice rcpt_addr(struct smtp_session *s)
{
	return s->milters->is_refused ? slice_str(s->milters->rcpt_passed.text)
				      : buf_slice(&s->milters->about);
}

static struct slice rcpt_host(struct smtp_session *s)
{
	return s->milters->is_refused ? slice_str(s->milters->rcpt_passed.enhanced)
				      : domain_of(buf_slice(&s->milters->about));
}

static struct slice rcpt_mailer(struct smtp_session *s)
{
	return s->milters->is_refused ? SLICE("error") : SLICE("lmtp");
}

enum scope { CONNECTION, SECURE, MESSAGE, RECIPIENT };

static const struct {
	const char *name;
	enum scope scope;	/* it has a value within */
	struct slice (*value)(struct smtp_session *s);
} macros[] = {
	{ "_", CONNECTION, client_both },
	{ "j", CONNECTION, hostname },
	{ "v", CONNECTION, version },
	{ "{client_addr}", CONNECTION, client_address },
	{ "{client_name}", CONNECTION, client_name },
	{ "{client_ptr}", CONNECTION, client_name },
	{ "{client_port}", CONNECTION, client_port },
	{ "{daemon_name}", CONNECTION, door },
	{ "{daemon_addr}", CONNECTION, local_address },
	{ "{daemon_port}", CONNECTION, local_port },
	{ "{if_addr}", CONNECTION, local_address },
	{ "{if_name}", CONNECTION, hostname },
	{ "{tls_version}", SECURE, tls_version },
	{ "{cipher}", SECURE, tls_cipher },
	{ "{cipher_bits}", SECURE, tls_bits },
	{ "i", MESSAGE, mid },
	{ "{auth_type}", MESSAGE, auth_type },
	{ "{auth_authen}", MESSAGE, login },
	{ "{mail_addr}", MESSAGE, mail_addr },
	{ "{mail_host}", MESSAGE, mail_host },
	{ "{mail_mailer}", MESSAGE, mail_mailer },
	{ "{rcpt_addr}", RECIPIENT, rcpt_addr },
	{ "{rcpt_host}", RECIPIENT, rcpt_host },
	{ "{rcpt_mailer}", RECIPIENT, rcpt_mailer },
};

static bool is_in(const struct smtp_session *s, enum scope scope)
{
	enum milter_event event = s->milters->event;

	switch (scope) {
	case CONNECTION:
		return true;
	case SECURE:
		return s->engine.peer->tls_version != NULL;
	case MESSAGE:
		return event >= MILTER_MAIL && event <= MILTER_END;
	case RECIPIENT:
		return event == MILTER_RCPT;
	}
	return false;
}

/* One letter may stand in braces, or without (libmilter, smfi_getsymval). */
static bool is_name(struct slice name, struct slice macro)
{
	return slice_eq(name, macro) ||
	       (macro.len == 1 && name.len == 3 && name.data[0] == '{' &&
		name.data[1] == macro.data[0] && name.data[2] == '}');
}

struct slice smtp_milter_macro(void *context, struct slice name)
{
	struct smtp_session *s = ((struct smtp_milter *)context)->session;

	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (is_name(name, slice_str(macros[i].name)))
			return is_in(s, macros[i].scope) ? macros[i].value(s) : none;
	return none;
}
