/*
 * The client's side of SCRAM-SHA-256[-PLUS] (RFC 5802, 7677), for tests. Names
 * are taken as they are: no ",", no "=".
 */
#ifndef TESTS_SUPPORT_SCRAM_CLIENT_H
#define TESTS_SUPPORT_SCRAM_CLIENT_H

#include "common/buf.h"

#include <stdbool.h>

struct scram_client {
	const char *user, *password;
	const char *flag;	/* "n", "y", "p=tls-exporter" */
	struct slice binding;	/* data of the channel, with a "p=" flag */
	struct buf bare, text;
	unsigned char server_key[32];
	unsigned rounds;
};

#define SCRAM_CLIENT(who, secret) { \
	.user = (who), .password = (secret), .flag = "n", \
	.bare = BUF_INIT(4096), .text = BUF_INIT(8192) }

void scram_client_first(struct scram_client *c, struct buf *out);
/* False: that is no server-first message. */
bool scram_client_final(struct scram_client *c, struct slice server_first,
			struct buf *out);
/* Whether server-final proves that the server knows the password. */
bool scram_client_verify(struct scram_client *c, struct slice server_final);
void scram_client_clear(struct scram_client *c);

#endif
