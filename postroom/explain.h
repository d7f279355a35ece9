/*
 * The option table in words: for `config explain`, for the man page
 * doc/postroom.conf.5 and for the sample etc/postroom.conf. Tests compare the
 * two files with what is made here.
 */
#ifndef POSTROOM_EXPLAIN_H
#define POSTROOM_EXPLAIN_H

#include "common/buf.h"
#include "common/options.h"

/* "limits.message", or "listen.NAME.tls" with the section's title. */
enum status explain_name(enum option_id id, struct buf *out);
/* A few lines for people. */
enum status explain_option(enum option_id id, struct buf *out);
/* The options as man(7) source, to stand under a heading of its own. */
enum status explain_man(struct buf *out);
/* A configuration file with every option, commented out. */
enum status explain_sample(struct buf *out);
/*
 * The option a name means: "limits.message", "message" where only one has it,
 * "listen.smtp.tls" with any title. OPTION_COUNT: none.
 */
enum option_id explain_find(struct slice name);

#endif
