#include "mailboxd/message_fields.h"

#include "common/header.h"

static const struct slice names[FIELD_COUNT] = {
	[FIELD_DATE] = { "date", 4 },
	[FIELD_SUBJECT] = { "subject", 7 },
	[FIELD_FROM] = { "from", 4 },
	[FIELD_SENDER] = { "sender", 6 },
	[FIELD_REPLY_TO] = { "reply-to", 8 },
	[FIELD_TO] = { "to", 2 },
	[FIELD_CC] = { "cc", 2 },
	[FIELD_BCC] = { "bcc", 3 },
	[FIELD_IN_REPLY_TO] = { "in-reply-to", 11 },
	[FIELD_MESSAGE_ID] = { "message-id", 10 },
	[FIELD_REFERENCES] = { "references", 10 },
	[FIELD_CONTENT_TYPE] = { "content-type", 12 },
	[FIELD_CONTENT_ID] = { "content-id", 10 },
	[FIELD_CONTENT_DESCRIPTION] = { "content-description", 19 },
	[FIELD_CONTENT_ENCODING] = { "content-transfer-encoding", 25 },
	[FIELD_CONTENT_MD5] = { "content-md5", 11 },
	[FIELD_CONTENT_DISPOSITION] = { "content-disposition", 19 },
	[FIELD_CONTENT_LANGUAGE] = { "content-language", 16 },
	[FIELD_CONTENT_LOCATION] = { "content-location", 16 },
};

static enum message_field find_name(struct slice name)
{
	char first = name.len ? ascii_lower(name.data[0]) : '\0';

	for (int i = 0; i < FIELD_COUNT; i++)
		if (names[i].len == name.len && names[i].data[0] == first &&
		    slice_case_eq(names[i], name))
			return (enum message_field)i;
	return FIELD_COUNT;
}

void message_fields_find(struct slice header, struct message_fields *fields)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	struct header_field f;

	memset(fields->count, 0, sizeof fields->count);
	while (header_next(&walk, &f) == ST_OK) {
		enum message_field field = find_name(f.name);

		if (field < FIELD_COUNT && fields->count[field] < FIELD_REPEATS)
			fields->bodies[field][fields->count[field]++] = f.body;
	}
}

struct slice message_field_first(const struct message_fields *fields,
				 enum message_field field)
{
	return fields->count[field] ? fields->bodies[field][0]
				    : (struct slice){ NULL, 0 };
}
