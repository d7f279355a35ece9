/*
 * imapd: IMAP4rev1. Each session has a connection to store.sock.
 */
#include "common/front.h"
#include "common/id.h"
#include "common/store_client.h"
#include "imapd/session.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const refusals[LIMITS_VERDICT_COUNT] = {
	[LIMITS_ALL] = "* BYE [LIMIT] Too many connections\r\n",
	[LIMITS_ADDRESS] = "* BYE [LIMIT] Too many connections from your address\r\n",
	[LIMITS_NETWORK] = "* BYE [LIMIT] Too many connections from your network\r\n",
	[LIMITS_RATE] = "* BYE [LIMIT] You connect too often\r\n",
};

static const enum imap_tls tls_words[] = {
	[LISTEN_TLS_NONE] = IMAP_TLS_NONE,
	[LISTEN_TLS_OPTIONAL] = IMAP_TLS_OPTIONAL,
	[LISTEN_TLS_REQUIRED] = IMAP_TLS_REQUIRED,
	[LISTEN_TLS_IMPLICIT] = IMAP_TLS_IMPLICIT,
};

static const struct store_client_settings store = {
	.path = "store.sock", .name = "imapd",
};

static void *settings_new(const struct front_door *door, const struct config *c,
			  const char *hostname)
{
	struct imap_settings *imap = malloc(sizeof *imap);

	if (!imap)
		return NULL;
	*imap = (struct imap_settings)IMAP_SETTINGS_INIT;
	snprintf(imap->hostname, sizeof imap->hostname, "%s", hostname);
	imap->tls = tls_words[door->listen.tls];
	imap->xclient = door->listen.xclient;
	if (imap->tls == IMAP_TLS_OPTIONAL && !door->has_starttls)
		imap->tls = IMAP_TLS_NONE;
	imap->message_octets = config_number(c, OPTION_LIMITS_MESSAGE);
	imap->line_octets = config_number(c, OPTION_LIMITS_IMAP_LINE);
	imap->command_octets = config_number(c, OPTION_LIMITS_IMAP_COMMAND);
	imap->command_literals =
		(unsigned)config_number(c, OPTION_LIMITS_IMAP_LITERALS);
	imap->errors_max = (unsigned)config_number(c, OPTION_LIMITS_BAD_COMMANDS);
	imap->errors_slow = imap->errors_max / 2;
	imap->has_scram = !config_bool(c, OPTION_ACCOUNTS_ANY_PASSWORD);
	imap->login_idle_ms = (int64_t)config_number(c, OPTION_TIMES_LOGIN_IDLE);
	imap->login_total_ms = (int64_t)config_number(c, OPTION_TIMES_LOGIN);
	imap->idle_ms = (int64_t)config_number(c, OPTION_TIMES_IMAP_IDLE);
	return imap;
}

static struct engine *engine_new(struct front_door *door,
				 const struct peer_info *peer)
{
	struct id sid = id_make(ID_SESSION);

	return imap_session_new(door->settings, peer, sid.text);
}

static struct backend *backend_new(struct front_door *door, struct conn *c,
				   struct engine *e)
{
	return store_client_new(&store, c, e);
}

int main(int argc, char **argv)
{
	static const struct front_ops front_ops = {
		.protocol = "imap", .reader = R_IMAPD, .has_login = true,
		.service_socket = "store.sock",
		.refusals = refusals,
		.settings_new = settings_new, .settings_free = free,
		.engine_new = engine_new, .backend_new = backend_new,
	};
	static const struct daemon_ops ops = {
		.name = "imapd", .sandbox = PROC_SANDBOX_FRONT,
		.configure = front_configure, .serve = front_serve,
		.counters = front_counters, .ticked = front_ticked,
		.close = front_close, .finish = front_finish, .memory = UINT64_C(1) << 30,
	};
	static struct front imapd = { .ops = &front_ops };

	return daemon_main(&ops, &imapd, argc, argv);
}
