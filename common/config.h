/*
 * The configuration: one file read by libconfuse against the table in
 * common/options.h. postroom reads the file; the daemons get its effective
 * text on their socketpair (CONFIG frames) and parse it with the same code.
 * A struct config never changes; a reload makes a new one.
 *
 * Files in common/ that need autoconf's header include <config.h>, in angle
 * brackets: with quotes it would be this file.
 */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include "common/buf.h"
#include "common/options.h"

#include <stdbool.h>

struct config;

struct config_source {
	const char *name;	/* of the file, for messages */
	struct slice text;
	enum profile profile;	/* where the text does not say which */
	bool profile_fixed;	/* lab and test: the text cannot say otherwise */
	const char *const *sets;	/* "limits.message=1MB": win over text */
	size_t set_count;
};

/*
 * Reads all of it. ST_OK: *out is the caller's, ended by config_free().
 * ST_SYNTAX: every mistake was appended to mistakes, a line each: file, line,
 * what is wrong, the nearest valid name. ST_NO_MEMORY.
 */
enum status config_parse(const struct config_source *source,
			 struct config **out, struct buf *mistakes);
/* For a daemon: text is what postroom sent. On ST_SYNTAX err has the first
 * mistake: postroom has told all of them. */
enum status config_read(struct slice text, struct config **out, struct error *err);
void config_free(struct config *c);

/*
 * Appends the configuration in the syntax of the file: every option with its
 * effective value, or only what differs from the profile's defaults.
 */
enum status config_dump(const struct config *c, bool only_changed,
			struct buf *out);

enum profile config_profile(const struct config *c);

/*
 * One getter a type; the wrong one for an option is our mistake (assert).
 * Results live as long as c. config_number is also for SIZE (octets), TIME
 * (milliseconds) and CHOICE (the index of the word).
 */
bool config_bool(const struct config *c, enum option_id id);
uint64_t config_number(const struct config *c, enum option_id id);
const char *config_text(const struct config *c, enum option_id id);
size_t config_count(const struct config *c, enum option_id id);
const char *config_item(const struct config *c, enum option_id id, size_t item);

/* How often a titled section stands there, and the title of each. */
size_t config_sections(const struct config *c, enum section_id section);
const char *config_title(const struct config *c, enum section_id section,
			 size_t at);
/* The index of a title; false if there is none. Case is ignored. */
bool config_find_title(const struct config *c, enum section_id section,
		       struct slice title, size_t *at);
/* The same getters for an option of a titled section. */
uint64_t config_number_at(const struct config *c, enum option_id id, size_t at);
const char *config_text_at(const struct config *c, enum option_id id, size_t at);
size_t config_count_at(const struct config *c, enum option_id id, size_t at);
const char *config_item_at(const struct config *c, enum option_id id, size_t at,
			   size_t item);
/* Whether the file or --set gave it. */
bool config_is_set(const struct config *c, enum option_id id, size_t at);

/* What a listener does, auto resolved by its title and the profile. */
struct listen_settings {
	const char *title;
	enum listen_protocol protocol;	/* never AUTO */
	enum listen_tls tls;		/* never AUTO */
	bool auth_required;
	bool xclient;			/* for trusted clients */
	bool asks_certificate;		/* of clients, inside TLS */
	bool vrfy;			/* tells trusted clients and logins */
	bool is_proxied;		/* trusted balancers begin with a header */
	bool teach;			/* says more to those who type by hand */
	enum option_reader daemon;	/* R_SMTPD, R_POPD, R_IMAPD, R_LINKD */
};

/* at: index among the listen sections. */
struct listen_settings config_listen(const struct config *c, size_t at);

#endif
