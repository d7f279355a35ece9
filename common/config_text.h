/*
 * The text of the configuration file before libconfuse sees it. libconfuse 3.3
 * counts lines wrongly behind comments and stops at its first mistake; so
 * comments become spaces, and what is wrong becomes spaces and the rest is
 * parsed again. Line ends always stay, so that line numbers hold.
 */
#ifndef COMMON_CONFIG_TEXT_H
#define COMMON_CONFIG_TEXT_H

#include "common/buf.h"

#include <stdbool.h>

/* Overwrites comments (# and // to the end of the line, and slash-star) with
 * spaces; quotes are honoured. */
void config_text_blank_comments(char *text, size_t len);

/*
 * Overwrites what is wrong in a line (from 1): if name is a word in it, that
 * word with its title, its value and, of a section, everything to the closing
 * brace; else the whole line, and where it opens a brace everything to the one
 * that closes it. False: nothing but blanks is there, so that it makes no sense
 * to parse again.
 */
bool config_text_blank_item(char *text, size_t len, unsigned line,
			    struct slice name);

/* Appends value in double quotes, as libconfuse reads it back. */
enum status config_text_quote(struct buf *out, const char *value);

#endif
