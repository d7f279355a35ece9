/*
 * Carries the octets between sessions and their milters (smtpd/milters.h says what
 * is asked and answered): a Unix socket for each milter of each session, opened
 * when the session asks for it.
 */
#ifndef SMTPD_MILTER_CLIENT_H
#define SMTPD_MILTER_CLIENT_H

#include "common/conn.h"

#define MILTER_PATH_MAX 108

/* Where milters are, by their numbers; a number never means another place, so that
 * sessions outlive a reload. */
struct milter_places {
	char (*paths)[MILTER_PATH_MAX];
	uint32_t count;
};

/* ST_LIMIT: the path is too long; ST_NO_MEMORY. */
enum status milter_place(struct milter_places *places, const char *path,
			 uint32_t *number);
void milter_places_free(struct milter_places *places);

/* places outlive it. NULL: memory is short. */
struct backend *milter_client_backend(const struct milter_places *places,
				      struct conn *c);

#endif
