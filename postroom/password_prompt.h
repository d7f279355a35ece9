/* Passwords for commands: typed twice on the terminal, or a line of standard
 * input; never an argument, which others can see. */
#ifndef POSTROOM_PASSWORD_PROMPT_H
#define POSTROOM_PASSWORD_PROMPT_H

#include "common/buf.h"

#include <stdbool.h>

#define PASSWORD_MAX ((size_t)1000)

/* Appends it to password, which the caller ends by buf_wipe(). False after a
 * message that says what to do. */
bool password_read(bool from_stdin, const char *user, struct buf *password);

#endif
