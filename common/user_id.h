/*
 * The users of the configuration, by name.
 */
#ifndef COMMON_USER_ID_H
#define COMMON_USER_ID_H

#include <stdbool.h>
#include <sys/types.h>

/* A number is a uid; a name is looked up, which works until the root directory is
 * changed or files can be opened no more. False: there is no such user, or name
 * is empty or NULL. */
bool user_id_find(const char *name, uid_t *uid);

#endif
