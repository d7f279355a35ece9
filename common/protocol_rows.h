/*
 * What is spoken, once: each word that EHLO, LHLO, CAPA and CAPABILITY show, each
 * login mechanism and each command, with the document that defines it and the test
 * that proves it. The daemons show the capabilities from these rows, in this order;
 * when one is shown, and what stands behind it, is theirs (smtpd/cmd_ehlo.c,
 * mailboxd/lmtp_cmd_misc.c, popd/cmd_misc.c, imapd/capability.c). `postroom
 * protocols` prints the rows, and tests/test_protocols.c holds them against the
 * commands that there are, the tests, and doc/rfc.md.
 *
 * test: a dialogue "smtp/NAME" (tests/dialogues/smtp/NAME.txt), a unit "test_NAME" or
 * a system test "system/test_NAME". source: "RFC 1870", or as the first column of a
 * row of doc/rfc.md has it.
 */
#ifndef COMMON_PROTOCOL_ROWS_H
#define COMMON_PROTOCOL_ROWS_H

/* X(id, protocol, word, source, test). In IMAP a word that ends in "=" is followed
 * by the largest message. */
#define PROTOCOL_CAPABILITIES_SMTP(X) \
X(SMTP_PIPELINING, SMTP, "PIPELINING", "RFC 2920", "smtp/rfc2920-pipelined") \
X(SMTP_SIZE, SMTP, "SIZE", "RFC 1870", "smtp/rfc1870-example") \
X(SMTP_8BITMIME, SMTP, "8BITMIME", "RFC 6152", "smtp/8bitmime") \
X(SMTP_SMTPUTF8, SMTP, "SMTPUTF8", "RFC 6531", "smtp/smtputf8") \
X(SMTP_CHUNKING, SMTP, "CHUNKING", "RFC 3030", "smtp/rfc3030-pipelined") \
X(SMTP_ENHANCEDSTATUSCODES, SMTP, "ENHANCEDSTATUSCODES", "RFC 2034", "smtp/rfc2034-codes") \
X(SMTP_STARTTLS, SMTP, "STARTTLS", "RFC 3207", "smtp/rfc3207-starttls") \
X(SMTP_AUTH, SMTP, "AUTH", "RFC 4954", "smtp/rfc4954-plain") \
X(SMTP_DSN, SMTP, "DSN", "RFC 3461", "smtp/dsn") \
X(SMTP_REQUIRETLS, SMTP, "REQUIRETLS", "RFC 8689", "smtp/requiretls") \
X(SMTP_LIMITS, SMTP, "LIMITS", "RFC 9422", "smtp/recipients-limit") \
X(SMTP_XCLIENT, SMTP, "XCLIENT", "Postfix, XCLIENT_README", "smtp/xclient") \
X(SMTP_XFORWARD, SMTP, "XFORWARD", "Postfix, XFORWARD_README", "smtp/xforward") \
X(SMTP_HELP, SMTP, "HELP", "RFC 5321", "smtp/help")

#define PROTOCOL_CAPABILITIES_LMTP(X) \
X(LMTP_PIPELINING, LMTP, "PIPELINING", "RFC 2920", "lmtp/rfc2033-example") \
X(LMTP_8BITMIME, LMTP, "8BITMIME", "RFC 6152", "lmtp/lhlo") \
X(LMTP_SMTPUTF8, LMTP, "SMTPUTF8", "RFC 6531", "lmtp/addresses") \
X(LMTP_CHUNKING, LMTP, "CHUNKING", "RFC 3030", "lmtp/pipelined-bdat") \
X(LMTP_ENHANCEDSTATUSCODES, LMTP, "ENHANCEDSTATUSCODES", "RFC 2034", "lmtp/lhlo") \
X(LMTP_DSN, LMTP, "DSN", "RFC 3461", "system/test_dsn") \
X(LMTP_XPOSTROOM, LMTP, "XPOSTROOM", "doc/ipc.md", "lmtp/xpostroom") \
X(LMTP_SIZE, LMTP, "SIZE", "RFC 1870", "lmtp/too-big")

#define PROTOCOL_CAPABILITIES_POP3(X) \
X(POP3_TOP, POP3, "TOP", "RFC 2449", "pop/top") \
X(POP3_UIDL, POP3, "UIDL", "RFC 2449", "pop/rfc1939_10") \
X(POP3_RESP_CODES, POP3, "RESP-CODES", "RFC 2449", "pop/trouble") \
X(POP3_AUTH_RESP_CODE, POP3, "AUTH-RESP-CODE", "RFC 3206", "pop/trouble") \
X(POP3_PIPELINING, POP3, "PIPELINING", "RFC 2449", "pop/commands") \
X(POP3_USER, POP3, "USER", "RFC 2449", "pop/commands") \
X(POP3_STLS, POP3, "STLS", "RFC 2595", "pop/stls") \
X(POP3_LANG, POP3, "LANG", "RFC 6856", "pop/rfc6856") \
X(POP3_UTF8, POP3, "UTF8", "RFC 6856", "pop/utf8") \
X(POP3_XCLIENT, POP3, "XCLIENT", "Dovecot, Forwarding parameters", "pop/xclient") \
X(POP3_EXPIRE, POP3, "EXPIRE", "RFC 2449", "pop/commands") \
X(POP3_IMPLEMENTATION, POP3, "IMPLEMENTATION", "RFC 2449", "pop/commands") \
X(POP3_SASL, POP3, "SASL", "RFC 5034", "pop/auth") \
X(POP3_LOGIN_DELAY, POP3, "LOGIN-DELAY", "RFC 2449", "pop/commands")

#define PROTOCOL_CAPABILITIES_IMAP(X) \
X(IMAP_IMAP4REV1, IMAP, "IMAP4rev1", "RFC 3501", "imap/session") \
X(IMAP_IMAP4REV2, IMAP, "IMAP4rev2", "RFC 9051", "imap/rev2") \
X(IMAP_STARTTLS, IMAP, "STARTTLS", "RFC 3501", "imap/starttls") \
X(IMAP_LOGINDISABLED, IMAP, "LOGINDISABLED", "RFC 3501", "imap/starttls") \
X(IMAP_AUTH_EXTERNAL, IMAP, "AUTH=EXTERNAL", "RFC 4422", "imap/external") \
X(IMAP_AUTH_SCRAM_SHA_256_PLUS, IMAP, "AUTH=SCRAM-SHA-256-PLUS", "RFC 7677", "imap/scram") \
X(IMAP_AUTH_SCRAM_SHA_256, IMAP, "AUTH=SCRAM-SHA-256", "RFC 7677", "imap/scram") \
X(IMAP_AUTH_PLAIN, IMAP, "AUTH=PLAIN", "RFC 4616", "imap/login") \
X(IMAP_AUTH_LOGIN, IMAP, "AUTH=LOGIN", "draft-murchison-sasl-login", "imap/login") \
X(IMAP_SASL_IR, IMAP, "SASL-IR", "RFC 4959", "imap/login") \
X(IMAP_LITERAL_MINUS, IMAP, "LITERAL-", "RFC 7888", "imap/login") \
X(IMAP_LITERAL_PLUS, IMAP, "LITERAL+", "RFC 7888", "imap/literal") \
X(IMAP_ID, IMAP, "ID", "RFC 2971", "imap/session") \
X(IMAP_UTF8_ACCEPT, IMAP, "UTF8=ACCEPT", "RFC 6855", "imap/utf8") \
X(IMAP_ENABLE, IMAP, "ENABLE", "RFC 5161", "imap/enable") \
X(IMAP_IDLE, IMAP, "IDLE", "RFC 2177", "imap/idle") \
X(IMAP_NAMESPACE, IMAP, "NAMESPACE", "RFC 2342", "imap/list") \
X(IMAP_CHILDREN, IMAP, "CHILDREN", "RFC 3348", "imap/list") \
X(IMAP_LIST_EXTENDED, IMAP, "LIST-EXTENDED", "RFC 5258", "imap/list_extended") \
X(IMAP_LIST_STATUS, IMAP, "LIST-STATUS", "RFC 5819", "imap/list_extended") \
X(IMAP_SPECIAL_USE, IMAP, "SPECIAL-USE", "RFC 6154", "imap/list_extended") \
X(IMAP_CREATE_SPECIAL_USE, IMAP, "CREATE-SPECIAL-USE", "RFC 6154", "imap/mailboxes") \
X(IMAP_CONDSTORE, IMAP, "CONDSTORE", "RFC 7162", "imap/condstore") \
X(IMAP_QRESYNC, IMAP, "QRESYNC", "RFC 7162", "imap/qresync") \
X(IMAP_ESEARCH, IMAP, "ESEARCH", "RFC 4731", "imap/esearch") \
X(IMAP_SEARCHRES, IMAP, "SEARCHRES", "RFC 5182", "imap/searchres") \
X(IMAP_SORT, IMAP, "SORT", "RFC 5256", "imap/sort") \
X(IMAP_SORT_DISPLAY, IMAP, "SORT=DISPLAY", "RFC 5957", "imap/sort") \
X(IMAP_ESORT, IMAP, "ESORT", "RFC 5267", "imap/sort") \
X(IMAP_THREAD_ORDEREDSUBJECT, IMAP, "THREAD=ORDEREDSUBJECT", "RFC 5256", "imap/thread") \
X(IMAP_THREAD_REFERENCES, IMAP, "THREAD=REFERENCES", "RFC 5256", "imap/thread") \
X(IMAP_THREAD_REFS, IMAP, "THREAD=REFS", "draft-ietf-morg-inthread", "imap/thread") \
X(IMAP_I18NLEVEL_1, IMAP, "I18NLEVEL=1", "RFC 5255", "imap/sort") \
X(IMAP_WITHIN, IMAP, "WITHIN", "RFC 5032", "imap/esearch") \
X(IMAP_OBJECTID, IMAP, "OBJECTID", "RFC 8474", "imap/objectid") \
X(IMAP_SAVEDATE, IMAP, "SAVEDATE", "RFC 8514", "imap/savedate") \
X(IMAP_PREVIEW, IMAP, "PREVIEW", "RFC 8970", "imap/preview") \
X(IMAP_STATUS_SIZE, IMAP, "STATUS=SIZE", "RFC 8438", "imap/status") \
X(IMAP_METADATA, IMAP, "METADATA", "RFC 5464", "imap/metadata") \
X(IMAP_QUOTA, IMAP, "QUOTA", "RFC 9208", "imap/quota") \
X(IMAP_QUOTASET, IMAP, "QUOTASET", "RFC 9208", "imap/quotaset") \
X(IMAP_QUOTA_RES_STORAGE, IMAP, "QUOTA=RES-STORAGE", "RFC 9208", "imap/quota") \
X(IMAP_QUOTA_RES_MESSAGE, IMAP, "QUOTA=RES-MESSAGE", "RFC 9208", "imap/quota") \
X(IMAP_QUOTA_RES_MAILBOX, IMAP, "QUOTA=RES-MAILBOX", "RFC 9208", "imap/quota") \
X(IMAP_BINARY, IMAP, "BINARY", "RFC 3516", "imap/binary") \
X(IMAP_UNSELECT, IMAP, "UNSELECT", "RFC 3691", "imap/select") \
X(IMAP_UIDPLUS, IMAP, "UIDPLUS", "RFC 4315", "imap/uidplus") \
X(IMAP_MOVE, IMAP, "MOVE", "RFC 6851", "imap/move") \
X(IMAP_MULTIAPPEND, IMAP, "MULTIAPPEND", "RFC 3502", "imap/append") \
X(IMAP_COMPRESS_DEFLATE, IMAP, "COMPRESS=DEFLATE", "RFC 4978", "imap/compress") \
X(IMAP_APPENDLIMIT, IMAP, "APPENDLIMIT=", "RFC 7889", "imap/append")

#define PROTOCOL_CAPABILITIES(X) \
	PROTOCOL_CAPABILITIES_SMTP(X) PROTOCOL_CAPABILITIES_LMTP(X) \
	PROTOCOL_CAPABILITIES_POP3(X) PROTOCOL_CAPABILITIES_IMAP(X)

/* X(protocol, mechanism, source, test). In IMAP they are capabilities. */
#define PROTOCOL_MECHANISMS(X) \
X(SMTP, "EXTERNAL", "RFC 4422", "smtp/rfc4422-external") \
X(SMTP, "SCRAM-SHA-256-PLUS", "RFC 7677", "smtp/rfc7677-scram") \
X(SMTP, "SCRAM-SHA-256", "RFC 7677", "smtp/rfc7677-scram") \
X(SMTP, "PLAIN", "RFC 4616", "smtp/rfc4954-plain") \
X(SMTP, "LOGIN", "draft-murchison-sasl-login", "smtp/auth-exchanges") \
X(POP3, "EXTERNAL", "RFC 4422", "pop/rfc4422-external") \
X(POP3, "SCRAM-SHA-256-PLUS", "RFC 7677", "pop/rfc7677-scram") \
X(POP3, "SCRAM-SHA-256", "RFC 7677", "pop/rfc7677-scram") \
X(POP3, "PLAIN", "RFC 4616", "pop/auth") \
X(POP3, "LOGIN", "draft-murchison-sasl-login", "pop/auth")

/* X(protocol, command, source, test) */
#define PROTOCOL_COMMANDS_SMTP(X) \
X(SMTP, "EHLO", "RFC 5321", "smtp/rfc5321-d1-typical") \
X(SMTP, "HELO", "RFC 5321", "smtp/sequence") \
X(SMTP, "MAIL", "RFC 5321", "smtp/rfc5321-d1-typical") \
X(SMTP, "RCPT", "RFC 5321", "smtp/rfc5321-d1-typical") \
X(SMTP, "DATA", "RFC 5321", "smtp/rfc5321-d1-typical") \
X(SMTP, "BDAT", "RFC 3030", "smtp/rfc3030-simple") \
X(SMTP, "AUTH", "RFC 4954", "smtp/rfc4954-plain") \
X(SMTP, "STARTTLS", "RFC 3207", "smtp/rfc3207-starttls") \
X(SMTP, "XCLIENT", "Postfix, XCLIENT_README", "smtp/xclient") \
X(SMTP, "XFORWARD", "Postfix, XFORWARD_README", "smtp/xforward") \
X(SMTP, "RSET", "RFC 5321", "smtp/rfc5321-d2-aborted") \
X(SMTP, "NOOP", "RFC 5321", "smtp/sequence") \
X(SMTP, "VRFY", "RFC 5321", "smtp/vrfy") \
X(SMTP, "HELP", "RFC 5321", "smtp/help") \
X(SMTP, "QUIT", "RFC 5321", "smtp/rfc5321-d1-typical")

#define PROTOCOL_COMMANDS_LMTP(X) \
X(LMTP, "LHLO", "RFC 2033", "lmtp/lhlo") \
X(LMTP, "MAIL", "RFC 2033", "lmtp/rfc2033-example") \
X(LMTP, "RCPT", "RFC 2033", "lmtp/rfc2033-example") \
X(LMTP, "DATA", "RFC 2033", "lmtp/rfc2033-example") \
X(LMTP, "BDAT", "RFC 3030", "lmtp/pipelined-bdat") \
X(LMTP, "RSET", "RFC 2033", "lmtp/bdat-refused") \
X(LMTP, "NOOP", "RFC 2033", "lmtp/lhlo") \
X(LMTP, "VRFY", "RFC 2033", "lmtp/lhlo") \
X(LMTP, "HELP", "RFC 2033", "lmtp/lhlo") \
X(LMTP, "QUIT", "RFC 2033", "lmtp/rfc2033-example") \
X(LMTP, "XTELL", "doc/ipc.md", "lmtp/xpostroom") \
X(LMTP, "XDONE", "doc/ipc.md", "lmtp/xpostroom") \
X(LMTP, "XDIGEST", "doc/ipc.md", "lmtp/xpostroom")

#define PROTOCOL_COMMANDS_POP3(X) \
X(POP3, "CAPA", "RFC 2449", "pop/commands") \
X(POP3, "USER", "RFC 1939", "pop/commands") \
X(POP3, "PASS", "RFC 1939", "pop/commands") \
X(POP3, "AUTH", "RFC 1734", "pop/auth") \
X(POP3, "APOP", "RFC 1939", "pop/rfc1939-apop") \
X(POP3, "STLS", "RFC 2595", "pop/stls") \
X(POP3, "LANG", "RFC 6856", "pop/rfc6856") \
X(POP3, "UTF8", "RFC 6856", "pop/utf8") \
X(POP3, "XCLIENT", "Dovecot, Forwarding parameters", "pop/xclient") \
X(POP3, "STAT", "RFC 1939", "pop/rfc1939_10") \
X(POP3, "LIST", "RFC 1939", "pop/rfc1939_10") \
X(POP3, "UIDL", "RFC 1939", "pop/commands") \
X(POP3, "RETR", "RFC 1939", "pop/rfc1939_10") \
X(POP3, "TOP", "RFC 1939", "pop/top") \
X(POP3, "DELE", "RFC 1939", "pop/rfc1939_10") \
X(POP3, "RSET", "RFC 1939", "pop/commands") \
X(POP3, "NOOP", "RFC 1939", "pop/commands") \
X(POP3, "QUIT", "RFC 1939", "pop/rfc1939_10")

#define PROTOCOL_COMMANDS_IMAP(X) \
X(IMAP, "APPEND", "RFC 9051", "imap/append") \
X(IMAP, "AUTHENTICATE", "RFC 9051", "imap/login") \
X(IMAP, "CAPABILITY", "RFC 9051", "imap/session") \
X(IMAP, "CHECK", "RFC 3501", "imap/session") \
X(IMAP, "CLOSE", "RFC 9051", "imap/select") \
X(IMAP, "COMPRESS", "RFC 4978", "imap/compress") \
X(IMAP, "COPY", "RFC 9051", "imap/uidplus") \
X(IMAP, "CREATE", "RFC 9051", "imap/mailboxes") \
X(IMAP, "DELETE", "RFC 9051", "imap/mailboxes") \
X(IMAP, "ENABLE", "RFC 5161", "imap/enable") \
X(IMAP, "EXAMINE", "RFC 9051", "imap/select") \
X(IMAP, "EXPUNGE", "RFC 9051", "imap/uidplus") \
X(IMAP, "FETCH", "RFC 9051", "imap/news") \
X(IMAP, "GETMETADATA", "RFC 5464", "imap/metadata") \
X(IMAP, "GETQUOTA", "RFC 9208", "imap/quota") \
X(IMAP, "GETQUOTAROOT", "RFC 9208", "imap/quota") \
X(IMAP, "ID", "RFC 2971", "imap/session") \
X(IMAP, "IDLE", "RFC 2177", "imap/idle") \
X(IMAP, "LIST", "RFC 9051", "imap/list") \
X(IMAP, "LOGIN", "RFC 9051", "imap/login") \
X(IMAP, "LOGOUT", "RFC 9051", "imap/session") \
X(IMAP, "LSUB", "RFC 3501", "imap/list") \
X(IMAP, "MOVE", "RFC 6851", "imap/move") \
X(IMAP, "NAMESPACE", "RFC 2342", "imap/list") \
X(IMAP, "NOOP", "RFC 9051", "imap/session") \
X(IMAP, "RENAME", "RFC 9051", "imap/mailboxes") \
X(IMAP, "SEARCH", "RFC 9051", "imap/esearch") \
X(IMAP, "SELECT", "RFC 9051", "imap/select") \
X(IMAP, "SETMETADATA", "RFC 5464", "imap/metadata") \
X(IMAP, "SETQUOTA", "RFC 9208", "imap/quotaset") \
X(IMAP, "SORT", "RFC 5256", "imap/sort") \
X(IMAP, "STARTTLS", "RFC 9051", "imap/starttls") \
X(IMAP, "STATUS", "RFC 9051", "imap/status") \
X(IMAP, "STORE", "RFC 9051", "imap/condstore") \
X(IMAP, "SUBSCRIBE", "RFC 9051", "imap/list") \
X(IMAP, "THREAD", "RFC 5256", "imap/thread") \
X(IMAP, "UNSELECT", "RFC 3691", "imap/select") \
X(IMAP, "UNSUBSCRIBE", "RFC 9051", "imap/list")

#define PROTOCOL_COMMANDS(X) \
	PROTOCOL_COMMANDS_SMTP(X) PROTOCOL_COMMANDS_LMTP(X) \
	PROTOCOL_COMMANDS_POP3(X) PROTOCOL_COMMANDS_IMAP(X)

#endif
