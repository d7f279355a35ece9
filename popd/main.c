/*
 * popd: POP3. Each session has a connection to store.sock.
 */
#include "common/front.h"
#include "common/store_client.h"
#include "popd/session.h"

#include <stdio.h>
#include <stdlib.h>

/* What a door has. */
struct door_settings {
	struct pop_settings pop;
	struct pop_listener listener;
};

static const char *const refusals[LIMITS_VERDICT_COUNT] = {
	[LIMITS_ALL] = "-ERR [SYS/TEMP] Too many connections\r\n",
	[LIMITS_ADDRESS] =
		"-ERR [SYS/TEMP] Too many connections from your address\r\n",
	[LIMITS_NETWORK] =
		"-ERR [SYS/TEMP] Too many connections from your network\r\n",
	[LIMITS_RATE] = "-ERR [SYS/TEMP] You connect too often\r\n",
};

static const struct store_client_settings store = {
	.path = "store.sock", .name = "popd",
};

static void *settings_new(const struct front_door *door, const struct config *c,
			  const char *hostname)
{
	struct door_settings *s = calloc(1, sizeof *s);
	struct pop_settings *pop;

	if (!s)
		return NULL;
	pop = &s->pop;
	*pop = (struct pop_settings)POP_SETTINGS_INIT;
	snprintf(pop->hostname, sizeof pop->hostname, "%s", hostname);
	pop->errors_end = (unsigned)config_number(c, OPTION_LIMITS_BAD_COMMANDS);
	pop->errors_slow = pop->errors_end / 2;
	pop->exclusive = config_bool(c, OPTION_ACCOUNTS_POP3_EXCLUSIVE);
	pop->has_scram = !config_bool(c, OPTION_ACCOUNTS_ANY_PASSWORD);
	/* in lab and test mailboxd knows those of the command line */
	pop->has_apop = pop->has_scram && config_profile(c) != PROFILE_SERVER;
	pop->auth_line_octets = config_number(c, OPTION_LIMITS_AUTH_LINE);
	pop->backend_ms = (int64_t)config_number(c, OPTION_TIMES_STORE_REPLY);
	pop->login_idle_ms = (int64_t)config_number(c, OPTION_TIMES_LOGIN_IDLE);
	pop->login_ms = (int64_t)config_number(c, OPTION_TIMES_LOGIN);
	pop->idle_ms = (int64_t)config_number(c, OPTION_TIMES_POP3_IDLE);
	s->listener.has_stls = door->has_starttls;
	s->listener.tls_required = door->listen.tls == LISTEN_TLS_REQUIRED;
	s->listener.teach = door->listen.teach;
	s->listener.xclient = door->listen.xclient;
	return s;
}

static struct engine *engine_new(struct front_door *door,
				 const struct peer_info *peer)
{
	struct door_settings *s = door->settings;

	return pop_session_new(&s->pop, &s->listener, peer);
}

static struct backend *backend_new(struct front_door *door, struct conn *c,
				   struct engine *e)
{
	return store_client_new(&store, c, e);
}

int main(int argc, char **argv)
{
	static const struct front_ops front_ops = {
		.protocol = "pop3", .reader = R_POPD, .has_login = true,
		.service_socket = "store.sock",
		.refusals = refusals,
		.settings_new = settings_new, .settings_free = free,
		.engine_new = engine_new, .backend_new = backend_new,
	};
	static const struct daemon_ops ops = {
		.name = "popd", .sandbox = PROC_SANDBOX_FRONT,
		.configure = front_configure, .serve = front_serve,
		.counters = front_counters, .ticked = front_ticked,
		.close = front_close, .finish = front_finish, .memory = UINT64_C(512) << 20,
	};
	static struct front popd = { .ops = &front_ops };

	return daemon_main(&ops, &popd, argc, argv);
}
