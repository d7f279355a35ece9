/*
 * What the DNS says of the client (DNS_CLIENT, doc/ipc.md): asked when it connects,
 * needed when it names a recipient, so that nobody waits for name servers who would
 * not have waited anyhow. What could not be found out is held against nobody.
 */
#include "smtpd/check_rows.h"
#include "smtpd/session_priv.h"

#include <stdlib.h>

struct client {
	bool is_answered;
	bool is_nameless;	/* for certain */
	char list[192];		/* "": on none */
};

/* Submission has its logins. */
bool smtp_dns_is_wanted(const struct smtp_session *s)
{
	return s->settings->asks_dns && !s->listener->has_auth && !smtp_is_trusted(s) &&
	       smtp_client_address(s).len > 0;
}

static void decide(struct smtp_session *s, const struct smtp_check *c,
		   const struct client *client)
{
	if (client->list[0])
		smtp_check_say(s, c, SMTP_REPLY_LISTED, slice_str(client->list));
	else if (client->is_nameless && s->settings->needs_name)
		smtp_check_say(s, c, SMTP_REPLY_NAMELESS, smtp_client_address(s));
	else
		smtp_check_pass(s, c);
}

void smtp_dns_ask(struct smtp_session *s, const struct smtp_check *c,
		  enum smtp_stage stage)
{
	struct ipc_message m = { .type = IPC_TYPE_DNS_CLIENT };
	void **state = smtp_check_state(s, c);
	const struct client *client = *state;

	if (stage == SMTP_STAGE_RCPT) {
		if (!client)	/* memory was short */
			smtp_check_pass(s, c);
		else if (client->is_answered)
			decide(s, c, client);
		return;
	}
	*state = calloc(1, sizeof(struct client));
	m.dns_client.address = smtp_client_address(s);
	if (*state)
		smtp_check_request(s, c, &m);
	smtp_check_pass(s, c);
}

static void learn(struct smtp_session *s, struct client *client,
		  const struct ipc_dns_client_is *m)
{
	struct slice list = slice_head(m->list, sizeof client->list - 1);

	memcpy(client->list, list.data, list.len);
	client->is_nameless = m->name_status == ST_NOT_FOUND;
	s->client_name.len = 0;
	if (m->name_status == ST_OK && address_is_host(m->name))
		buf_append(&s->client_name, m->name);
}

void smtp_dns_answer(struct smtp_session *s, const struct smtp_check *c,
		     const struct ipc_message *m, bool last)
{
	struct client *client = *smtp_check_state(s, c);

	if (!last || client->is_answered)
		return;
	client->is_answered = true;
	if (m->type == IPC_TYPE_DNS_CLIENT_IS)
		learn(s, client, &m->dns_client_is);
	if (smtp_check_is_out(s, c))
		decide(s, c, client);
}

/* Nor is it asked again. */
void smtp_dns_expired(struct smtp_session *s, const struct smtp_check *c)
{
	struct client *client = *smtp_check_state(s, c);

	client->is_answered = true;
	smtp_check_pass(s, c);
}
