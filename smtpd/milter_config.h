/*
 * The milters of one listener, out of the configuration. Its strings live as long
 * as it does.
 */
#ifndef SMTPD_MILTER_CONFIG_H
#define SMTPD_MILTER_CONFIG_H

#include "common/config.h"
#include "smtpd/milter_client.h"
#include "smtpd/milter_dialogue.h"
#include "smtpd/settings.h"

struct milter_config {
	struct smtp_milter_set set;
	struct milter_settings *rows;
	char *door, *quarantine;
	char **macros;		/* of each row */
	struct buf junk;	/* for smtp_settings.junk */
};

/* directory: the run directory, below which a path is told without it. ST_LIMIT,
 * ST_NO_MEMORY; m is to be cleared in any case. */
enum status milter_config_read(struct milter_config *m, const struct config *c,
			       const char *door, const char *directory,
			       struct milter_places *places);
void milter_config_clear(struct milter_config *m);

#endif
