/*
 * The fields of a header that envelope, body structure and sort keys are made
 * of, found in one walk.
 */
#ifndef MAILBOXD_MESSAGE_FIELDS_H
#define MAILBOXD_MESSAGE_FIELDS_H

#include "common/slice.h"

enum message_field {
	FIELD_DATE, FIELD_SUBJECT, FIELD_FROM, FIELD_SENDER, FIELD_REPLY_TO,
	FIELD_TO, FIELD_CC, FIELD_BCC, FIELD_IN_REPLY_TO, FIELD_MESSAGE_ID,
	FIELD_REFERENCES,
	FIELD_CONTENT_TYPE, FIELD_CONTENT_ID, FIELD_CONTENT_DESCRIPTION,
	FIELD_CONTENT_ENCODING, FIELD_CONTENT_MD5, FIELD_CONTENT_DISPOSITION,
	FIELD_CONTENT_LANGUAGE, FIELD_CONTENT_LOCATION,
	FIELD_COUNT
};

/* Fields of one name that are kept; several To: are one list of addresses. */
#define FIELD_REPEATS 8

struct message_fields {
	/* bodies with their folds; borrowed from the header */
	struct slice bodies[FIELD_COUNT][FIELD_REPEATS];
	unsigned count[FIELD_COUNT];
};

void message_fields_find(struct slice header, struct message_fields *fields);
/* The first body; data is NULL if there is no such field. */
struct slice message_field_first(const struct message_fields *fields,
				 enum message_field field);

#endif
