#include "popd/settings.h"

#include <stdlib.h>

static const struct pop_settings defaults = {
	.references = 1,
	.hostname = "localhost",
	.exclusive = false,
	.errors_slow = 10,
	.errors_end = 20,
	.login_octets = 8192,
	.line_octets = 255,
	.auth_line_octets = 12288,
	.expire_days = INT32_MAX,
	.login_delay_s = -1,
	.login_idle_ms = 60000,
	.login_ms = 180000,
	.idle_ms = 600000,
	.backend_ms = 60000,
};

struct pop_settings *pop_settings_new(void)
{
	struct pop_settings *settings = malloc(sizeof *settings);

	if (settings)
		*settings = defaults;
	return settings;
}

struct pop_settings *pop_settings_hold(struct pop_settings *settings)
{
	settings->references++;
	return settings;
}

void pop_settings_release(struct pop_settings *settings)
{
	if (settings && --settings->references == 0)
		free(settings);
}
