/*
 * The log: one line an event, key=value, to one descriptor (doc/logging.md).
 *
 *   smtpd[812]: event=smtp.mail sid=s... mid=m... client=192.0.2.7
 *
 * A time in UTC stands in front unless the reader (syslog, the journal) adds
 * its own. Events and keys are literals, and registered in doc/log_keys; a test
 * compares. No passwords, no bodies. Any thread may log.
 *
 *   log_event("smtp.mail", log_str("sid", s->sid.text),
 *	       log_slice("from", sender), log_u64("octets", n));
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A line longer than this is cut at a field, and says cut=1. Below PIPE_BUF,
 * so that lines of several processes in one pipe do not mix. */
#define LOG_LINE_MAX ((size_t)2048)
/* A value longer than this is cut, and ends in "...". */
#define LOG_VALUE_MAX ((size_t)256)

enum log_level {
	LOG_LEVEL_DEBUG,	/* written only after log_set_debug(true) */
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,	/* the line ends with level=warning */
};

struct log_field {
	const char *key;	/* NULL ends the list */
	enum { LOG_TEXT, LOG_UNSIGNED, LOG_SIGNED } kind;
	struct slice text;
	uint64_t number;
};

/*
 * Where lines go, and under which name: "smtpd". The descriptor is borrowed; 2
 * until this was called. with_time: put the time in front. A write that would
 * block loses the line; the next that succeeds is followed by log.lost with the
 * count.
 */
void log_open(const char *program, int fd, bool with_time);
void log_set_debug(bool on);

#define log_event(event, ...) \
	log_write(LOG_LEVEL_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warning(event, ...) \
	log_write(LOG_LEVEL_WARNING, event, LOG_FIELDS(__VA_ARGS__))
#define log_debug(event, ...) \
	log_write(LOG_LEVEL_DEBUG, event, LOG_FIELDS(__VA_ARGS__))

/* text is a C string; NULL and "" leave the field out. */
static inline struct log_field log_str(const char *key, const char *text)
{
	return (struct log_field){ key, LOG_TEXT, slice_str(text), 0 };
}

/* Text from outside; octets that are not clean are escaped. */
static inline struct log_field log_slice(const char *key, struct slice text)
{
	return (struct log_field){ key, LOG_TEXT, text, 0 };
}

static inline struct log_field log_u64(const char *key, uint64_t number)
{
	return (struct log_field){ key, LOG_UNSIGNED, SLICE_EMPTY, number };
}

static inline struct log_field log_i64(const char *key, int64_t number)
{
	return (struct log_field){ key, LOG_SIGNED, SLICE_EMPTY,
				   (uint64_t)number };
}

/* status=NAME, by status_name(). */
struct log_field log_status(enum status status);
/* error="words" of a struct error. */
struct log_field log_error(const struct error *err);

#define LOG_FIELDS(...) \
	((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(,) { 0 } })

void log_write(enum log_level level, const char *event,
	       const struct log_field *fields);
/*
 * Appends the line without time and program, as log_write() would write it:
 * "event=... key=value\n". A value is bare when it is of letters, digits and
 * -._:/@+,<>[]*%; else in quotes with \" \\ \r \n \t and \xHH for octets that
 * are controls or no UTF-8.
 */
enum status log_render(enum log_level level, const char *event,
		       const struct log_field *fields, struct buf *out);

#endif
