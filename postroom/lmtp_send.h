/* Delivers one message through RUN/lmtp.sock (RFC 2033), waiting. */
#ifndef POSTROOM_LMTP_SEND_H
#define POSTROOM_LMTP_SEND_H

#include "common/slice.h"

/* Lines may end in LF; they are sent with CRLF. What is said of each recipient
 * is printed. Returns the exit status: EX_OK only if all of them got it. */
int lmtp_send(const char *run, struct slice message, const char *const *recipients,
	      size_t count);

#endif
