/*
 * What front.c (doors and listeners) and front_sessions.c (the service
 * connection) share.
 */
#ifndef COMMON_FRONT_PRIV_H
#define COMMON_FRONT_PRIV_H

#include "common/front.h"

/* Opens the service connection, once. ST_NO_MEMORY. */
enum status front_sessions_open(struct front *f, struct daemon *d);
/* A session came through the door, logged in, or is over: tells mailboxd. */
void front_session_began(struct front_door *door, struct conn *c,
			 struct engine *e);
void front_session_logged_in(struct front_door *door, struct conn *c);
void front_session_ended(struct front_door *door, struct conn *c);

#endif
