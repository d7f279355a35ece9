#include "smtpd/settings.h"

#include <stdlib.h>

static const struct smtp_settings defaults = {
	.references = 1,
	.hostname = "localhost",
	.message_octets = (uint64_t)50 << 20,
	.recipients = 1000,
	.errors_slow = 10,
	.errors_end = 20,
	.line_octets = 2048,
	.auth_line_octets = 12288,
	.text_line_octets = 65536,
	.command_ms = 300000,
	.login_ms = 180000,
	.data_block_ms = 180000,
	.data_ms = 600000,
	.data_rate = 500,
	.backend_ms = 60000,
	.stored_ms = 300000,
	.backend_state = ST_OK,
};

struct smtp_settings *smtp_settings_new(void)
{
	struct smtp_settings *settings = malloc(sizeof *settings);

	if (settings)
		*settings = defaults;
	return settings;
}

struct smtp_settings *smtp_settings_hold(struct smtp_settings *settings)
{
	settings->references++;
	return settings;
}

void smtp_settings_release(struct smtp_settings *settings)
{
	if (settings && --settings->references == 0)
		free(settings);
}
