/*
 * Every option of the configuration, once. The parser, `config explain`, the
 * man page and the getters of common/config.h come from these rows.
 *
 * X(ID, section, name, type, choices or unit, least, most,
 *   default in server, lab, test, who reads it, meaning)
 *
 * Defaults are written as in the file; a list separates its items by spaces.
 * "" is empty. least and most bound numbers as the getters give them: octets
 * for SIZE, milliseconds for TIME.
 */
#ifndef COMMON_OPTION_ROWS_H
#define COMMON_OPTION_ROWS_H

#define SAME(value) value, value, value
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECONDS UINT64_C(1000)
#define DAYS (86400 * SECONDS)

/* ---- top level ---------------------------------------------------------- */
#define OPTION_ROWS_TOP(X) \
X(HOSTNAME, "", "hostname", TEXT, "", 0, 255, \
  "", "mail.example.test", "mail.example.test", R_ALL, \
  "The name this server calls itself in greetings, Received fields and " \
  "made-up ids. Empty: the name the kernel knows.") \
X(PROFILE, "", "profile", CHOICE, "server lab test", 0, 0, \
  "server", "lab", "test", R_ALL, \
  "Sets the defaults of all other options: server for mail that matters, lab " \
  "for trying things on loopback, test for programs that need a mail server.") \
X(DATA, "", "data", TEXT, "", 0, 4000, \
  LOCALSTATEDIR "/lib/postroom", "", "", R_POSTROOM | R_MAILBOXD, \
  "The directory of the store. In lab and test it is made by the command.") \
X(RUN, "", "run", TEXT, "", 0, 90, \
  "/run/postroom", "", "", R_POSTROOM, \
  "The directory of the Unix sockets, the process id and the state file.") \
X(LOG, "", "log", TEXT, "", 0, 4000, SAME("stderr"), R_POSTROOM, \
  "Where log lines go: stderr, syslog, or the path of a file that is opened " \
  "again on reload.") \
X(LOG_DEBUG, "", "log_debug", BOOL, "", 0, 0, SAME("no"), R_ALL, \
  "Writes more lines, for finding faults.") \
X(WORKERS, "", "workers", NUMBER, "processes", 1, 64, SAME("1"), \
  R_POSTROOM, \
  "How many processes of smtpd, popd and imapd each share the sockets.") \
X(TRUSTED, "", "trusted", LIST, "", 0, 0, SAME("127.0.0.0/8 ::1"), \
  R_NETWORK | R_MAILBOXD, \
  "Addresses and networks that are exempt from limits and delays by address, " \
  "not from those by account.") \
X(JUNK_HEADER, "", "junk_header", LIST, "", 0, 0, \
  SAME("X-Spam:Yes X-Spam-Flag:YES"), R_SMTPD, \
  "Header fields, as \"name: value\", that mean junk when a milter has set them: " \
  "the message goes into the mailbox for junk. Fields of these names are taken out " \
  "of what comes from outside.") \
X(QUARANTINE, "", "quarantine", TEXT, "", 0, 320, SAME("postmaster"), R_SMTPD, \
  "The address that gets mail which a milter sets aside.") \
X(QUOTA_REPLY, "", "quota_reply", CHOICE, "permanent temporary", 0, 0, \
  SAME("permanent"), R_MAILBOXD, \
  "What a sender hears when a mailbox is full: permanent is 552 5.2.2, " \
  "temporary 452 4.2.2.") \
X(ADMINS, "", "admins", LIST, "", 0, 0, SAME(""), R_MAILBOXD, \
  "Accounts, by their address, that may read and set the quotas of all " \
  "accounts over IMAP (SETQUOTA).")

/* ---- users: whom the daemons run as, when started as root --------------- */
#define OPTION_ROWS_USERS(X) \
X(USERS_SMTPD, "users", "smtpd", TEXT, "", 0, 32, \
  "postroom-smtpd", "", "", R_POSTROOM | R_MAILBOXD, \
  "The user smtpd runs as when postroom is started by root. Empty: the user " \
  "that started postroom.") \
X(USERS_MAILBOXD, "users", "mailboxd", TEXT, "", 0, 32, \
  "postroom", "", "", R_POSTROOM, "The user mailboxd runs as; it owns the store.") \
X(USERS_POPD, "users", "popd", TEXT, "", 0, 32, \
  "postroom-popd", "", "", R_POSTROOM | R_MAILBOXD, "The user popd runs as.") \
X(USERS_IMAPD, "users", "imapd", TEXT, "", 0, 32, \
  "postroom-imapd", "", "", R_POSTROOM | R_MAILBOXD, "The user imapd runs as.") \
X(USERS_LINKD, "users", "linkd", TEXT, "", 0, 32, \
  "postroom-linkd", "", "", R_POSTROOM | R_MAILBOXD, \
  "The user linkd runs as, where another host is named.") \
X(USERS_LMTP, "users", "lmtp", LIST, "", 0, 0, SAME(""), \
  R_POSTROOM | R_MAILBOXD, \
  "More users that may deliver to lmtp.sock, such as postfix.")

/* ---- tls ----------------------------------------------------------------- */
#define OPTION_ROWS_TLS(X) \
X(TLS_CERT, "tls", "cert", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "The certificate with its chain, as PEM. It is read again when the file " \
  "changes.") \
X(TLS_KEY, "tls", "key", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "The private key of the certificate, as PEM.") \
X(TLS_CLIENT_CA, "tls", "client_ca", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "The authorities, as PEM, whose certificates clients may show where a listener " \
  "asks for them. It is read again when the file changes.") \
X(TLS_LEAST, "tls", "least", CHOICE, "1.2 1.3", 0, 0, SAME("1.2"), R_NETWORK, \
  "The oldest version of TLS that is spoken.")

/* ---- certificate NAME ------------------------------------------------------ */
#define OPTION_ROWS_CERTIFICATE(X) \
X(CERTIFICATE_CERT, "certificate", "cert", TEXT, "", 0, 4000, SAME(""), \
  R_POSTROOM, \
  "The certificate with its chain, as PEM. It is read again when the file " \
  "changes.") \
X(CERTIFICATE_KEY, "certificate", "key", TEXT, "", 0, 4000, SAME(""), \
  R_POSTROOM, "Its private key, as PEM.")

/* ---- listen TITLE ---------------------------------------------------------
 * The defaults of tls and auth come from the listener (options.c) where these
 * say auto. */
#define OPTION_ROWS_LISTEN(X) \
X(LISTEN_ADDRESS, "listen", "address", LIST, "", 0, 0, SAME(""), \
  R_POSTROOM, \
  "Where to listen, as address:port. * is every IPv4 and every IPv6 address; " \
  "IPv6 addresses stand in brackets; port 0 is any free one.") \
X(LISTEN_PROTOCOL, "listen", "protocol", CHOICE, \
  "auto smtp submission pop3 imap link", 0, 0, SAME("auto"), R_NETWORK | R_LINKD, \
  "What is spoken; link: other hosts reach mailboxd through it (see links). auto: what the title says, for the titles smtp, " \
  "submission, submissions, pop3, pop3s, imap and imaps.") \
X(LISTEN_TLS, "listen", "tls", CHOICE, "auto none optional required implicit", \
  0, 0, SAME("auto"), R_NETWORK, \
  "none: never; optional: where the client asks; required: before any " \
  "password or mail; implicit: from the first octet. auto: as usual for the " \
  "listener; lab and test make required optional.") \
X(LISTEN_AUTH, "listen", "auth", CHOICE, "auto no yes", 0, 0, SAME("auto"), \
  R_SMTPD, \
  "Whether a client must log in before it sends mail. auto: yes for " \
  "submission and submissions.") \
X(LISTEN_CLIENT_CERTIFICATES, "listen", "client_certificates", CHOICE, \
  "no optional", 0, 0, SAME("no"), R_NETWORK, \
  "optional: clients are asked for a certificate inside TLS. With one that an " \
  "authority of tls.client_ca made, and whose key `postroom user cert add` bound " \
  "to an account, they log in without a password (SASL EXTERNAL).") \
X(LISTEN_PROXY, "listen", "proxy", BOOL, "", 0, 0, SAME("no"), R_NETWORK, \
  "Connections from trusted addresses begin with a PROXY header (HAProxy, " \
  "version 1 or 2) that names the client; those of others do not.") \
X(LISTEN_XCLIENT, "listen", "xclient", BOOL, "", 0, 0, SAME("no"), R_NETWORK, \
  "Trusted clients may say whose session this is: by XCLIENT, and XFORWARD, in " \
  "SMTP, its login included; by XCLIENT in POP3; by ID with x-originating-ip in " \
  "IMAP. So who reads mail on the web is slowed for his own mistakes only.") \
X(LISTEN_VRFY, "listen", "vrfy", BOOL, "", 0, 0, SAME("no"), R_SMTPD, \
  "VRFY tells clients that are trusted or logged in whether there is a mailbox " \
  "behind an address. All others, and where it is no everybody, hear 252.") \
X(LISTEN_TEACH, "listen", "teach", BOOL, "", 0, 0, "no", "yes", "no", \
  R_NETWORK, \
  "Says what is wrong to those who type commands by hand.")

/* ---- links: what linkd carries to and from other hosts ------------------------ */
#define OPTION_ROWS_LINKS(X) \
X(LINKS_MAILBOXD, "links", "mailboxd", TEXT, "", 0, 300, SAME(""), R_ALL, \
  "Where the mailboxes are, when they are on another host: tls://HOST:PORT, a " \
  "listener there with protocol link. This host then runs no mailboxd. Empty: " \
  "here.") \
X(LINKS_PEER, "links", "peer", TEXT, "", 0, 300, SAME(""), R_LINKD, \
  "Whom the certificate of that host must name, or sha256: and the SHA-256 of " \
  "the certificate. Empty: HOST.") \
X(LINKS_PEERS, "links", "peers", LIST, "", 0, 0, SAME(""), R_LINKD, \
  "Who may connect to listeners with protocol link: names that their " \
  "certificates bear, or sha256: and the SHA-256 of a certificate.") \
X(LINKS_OFFERS, "links", "offers", LIST, "", 0, 0, SAME("lmtp auth store"), \
  R_LINKD | R_MAILBOXD, "Which sockets of mailboxd they reach.") \
X(LINKS_CERT, "links", "cert", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "The certificate that this host shows to others, with its chain, as PEM. " \
  "Empty: that of tls.") \
X(LINKS_KEY, "links", "key", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "Its private key, as PEM.") \
X(LINKS_AUTHORITY, "links", "authority", TEXT, "", 0, 4000, SAME(""), R_POSTROOM, \
  "The certificates of those who sign the certificates of other hosts, as PEM. " \
  "Empty: only certificates that are named by their SHA-256 are taken.")

/* ---- route TITLE: domains whose mail is for another server --------------------- */
#define OPTION_ROWS_ROUTE(X) \
X(ROUTE_DOMAINS, "route", "domains", LIST, "", 0, 0, SAME(""), R_SMTPD, \
  "The domains whose mail goes there. All others are mailboxd's.") \
X(ROUTE_TO, "route", "to", TEXT, "", 0, 300, SAME(""), R_POSTROOM | R_SMTPD | R_LINKD, \
  "An LMTP server: unix:/path, lmtps://HOST:PORT with TLS, or lmtp://HOST:PORT in " \
  "clear. linkd carries it.") \
X(ROUTE_PEER, "route", "peer", TEXT, "", 0, 300, SAME(""), R_LINKD, \
  "With lmtps: whom the certificate must name (signed by links.authority), or " \
  "sha256: and the SHA-256 of the certificate. Empty: HOST.")

/* ---- domain NAME ---------------------------------------------------------- */
#define OPTION_ROWS_DOMAIN(X) \
X(DOMAIN_SEPARATOR, "domain", "separator", TEXT, "", 0, 1, SAME("+"), \
  R_MAILBOXD, \
  "What separates a detail from the local part: with +, ann+lists is ann. " \
  "Empty: no details.") \
X(DOMAIN_CATCHALL, "domain", "catchall", TEXT, "", 0, 320, SAME(""), \
  R_MAILBOXD, "The address that gets mail for names nobody has.") \
X(DOMAIN_POSTMASTER, "domain", "postmaster", TEXT, "", 0, 320, SAME(""), \
  R_MAILBOXD, \
  "The address that gets postmaster's mail where no alias says so. Empty: the " \
  "first account of the domain.")

/* ---- milter NAME ------------------------------------------------------------- */
#define OPTION_ROWS_MILTER(X) \
X(MILTER_SOCKET, "milter", "socket", TEXT, "", 0, 300, SAME(""), \
  R_SMTPD | R_POSTROOM | R_LINKD, \
  "Where it listens: the path of a Unix socket that smtpd can reach, in or below " \
  "the run directory where postroom is started by root; or, carried by linkd, " \
  "unix:/path, tcp://host:port, tls://host:port.") \
X(MILTER_LISTEN, "milter", "listen", LIST, "", 0, 0, SAME(""), R_SMTPD, \
  "The listeners, by title, whose mail it is told of. Empty: all that take mail.") \
X(MILTER_FAILING, "milter", "failing", CHOICE, \
  "accept tempfail reject quarantine", 0, 0, SAME("tempfail"), R_SMTPD, \
  "What happens to mail when it is away, too slow, or talks nonsense, until the " \
  "end of the session: it is taken without it, refused for now with 451 4.7.1, " \
  "refused with 550 5.7.1, or set aside.") \
X(MILTER_PROTOCOL, "milter", "protocol", NUMBER, "version", 2, 6, SAME("6"), \
  R_SMTPD, "The highest version of the protocol that it is offered.") \
X(MILTER_CONNECT, "milter", "connect", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("30s"), R_SMTPD, "Its answer to a new connection.") \
X(MILTER_COMMAND, "milter", "command", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("30s"), R_SMTPD, "Its answer to a command.") \
X(MILTER_CONTENT, "milter", "content", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("300s"), R_SMTPD, \
  "Its answer to each part of a message, and to its end. It may ask for more.") \
X(MILTER_MACROS, "milter", "macros", LIST, "", 0, 0, SAME(""), R_SMTPD, \
  "Macros that it is told besides, as \"{name}=value\".")

/* ---- accounts -------------------------------------------------------------- */
#define OPTION_ROWS_ACCOUNTS(X) \
X(ACCOUNTS_ANY_RECIPIENT, "accounts", "any_recipient", BOOL, "", 0, 0, \
  "no", "no", "yes", R_MAILBOXD, \
  "Every address of every domain is local, and its mailbox is made on first " \
  "use. For tests only.") \
X(ACCOUNTS_ANY_PASSWORD, "accounts", "any_password", BOOL, "", 0, 0, \
  "no", "no", "yes", R_MAILBOXD | R_SMTPD | R_POPD | R_IMAPD, \
  "Accounts made on first use take any password, and SCRAM is not offered: it " \
  "needs a password to look at. For tests only.") \
X(ACCOUNTS_ITERATIONS, "accounts", "iterations", NUMBER, "rounds", \
  4096, 1000000, "15000", "4096", "4096", R_MAILBOXD, \
  "Rounds of PBKDF2 for the keys of a new password (RFC 7677).") \
X(ACCOUNTS_THROTTLE, "accounts", "throttle", BOOL, "", 0, 0, \
  "yes", "yes", "no", R_MAILBOXD, \
  "Answers to wrong passwords wait, longer with each one.") \
X(ACCOUNTS_POP3_EXCLUSIVE, "accounts", "pop3_exclusive", BOOL, "", 0, 0, \
  SAME("no"), R_POPD, \
  "A second POP3 session of one account is refused (RFC 2449, IN-USE); else it " \
  "has a view of its own.") \
X(ACCOUNTS_DRAFTS, "accounts", "drafts", TEXT, "", 0, 255, SAME("Drafts"), \
  R_MAILBOXD, "The mailbox for drafts that a new account gets. Empty: none.") \
X(ACCOUNTS_SENT, "accounts", "sent", TEXT, "", 0, 255, SAME("Sent"), \
  R_MAILBOXD, "The mailbox for sent mail. Empty: none.") \
X(ACCOUNTS_JUNK, "accounts", "junk", TEXT, "", 0, 255, SAME("Junk"), \
  R_MAILBOXD, "The mailbox for junk. Empty: none.") \
X(ACCOUNTS_TRASH, "accounts", "trash", TEXT, "", 0, 255, SAME("Trash"), \
  R_MAILBOXD, "The mailbox for what was deleted. Empty: none.") \
X(ACCOUNTS_ARCHIVE, "accounts", "archive", TEXT, "", 0, 255, SAME("Archive"), \
  R_MAILBOXD, "The mailbox for the archive. Empty: none.")

/* ---- limits ----------------------------------------------------------------- */
#define OPTION_ROWS_LIMITS(X) \
X(LIMITS_MESSAGE, "limits", "message", SIZE, "octets", 64 * KIB, 2 * GIB - 1, \
  SAME("50MB"), R_ALL, "The largest message.") \
X(LIMITS_MAILBOX, "limits", "mailbox", SIZE, "octets", 0, 1024 * 1024 * GIB, \
  "5GB", "5GB", "0", R_MAILBOXD, \
  "What an account without a quota of its own may keep. 0: no limit.") \
X(LIMITS_QUOTA_WARNING, "limits", "quota_warning", NUMBER, "percent", 0, 100, \
  SAME("90"), R_MAILBOXD, \
  "Who adds mail over IMAP is warned when the account is fuller than this part " \
  "of its quota: NO [OVERQUOTA], and the mail is kept. 0: never.") \
X(LIMITS_RECIPIENTS, "limits", "recipients", NUMBER, "recipients", 100, 100000, \
  SAME("1000"), R_SMTPD | R_MAILBOXD, "Recipients of one message.") \
X(LIMITS_HOPS, "limits", "hops", NUMBER, "fields", 0, 100000, SAME("100"), \
  R_SMTPD, \
  "Received fields of a message; one that has more goes round in a loop, as does " \
  "one with a Delivered-To field of a recipient. 0: no limit, and neither is " \
  "looked for.") \
X(LIMITS_CONNECTIONS, "limits", "connections", NUMBER, "connections", \
  1, 1000000, SAME("20000"), R_NETWORK | R_LINKD, "Connections of one process in all.") \
X(LIMITS_CONNECTIONS_PER_ADDRESS, "limits", "connections_per_address", \
  NUMBER, "connections", 0, 1000000, "50", "50", "0", R_NETWORK, \
  "Connections from one address. 0: no limit.") \
X(LIMITS_CONNECTIONS_PER_NETWORK, "limits", "connections_per_network", \
  NUMBER, "connections", 0, 1000000, "500", "500", "0", R_NETWORK, \
  "Connections from one network, IPv4 /24 or IPv6 /48. 0: no limit.") \
X(LIMITS_CONNECTION_RATE, "limits", "connection_rate", NUMBER, \
  "connections a minute", 0, 1000000, "300", "300", "0", R_NETWORK, \
  "New connections a minute from one address. 0: no limit.") \
X(LIMITS_MESSAGE_RATE, "limits", "message_rate", NUMBER, "messages a minute", \
  0, 1000000, "300", "300", "0", R_SMTPD, \
  "Messages a minute from one address that is neither trusted nor logged in; from " \
  "its network ten times that: 450 4.7.1. 0: no limit.") \
X(LIMITS_RECIPIENT_RATE, "limits", "recipient_rate", NUMBER, "recipients a minute", \
  0, 1000000, "3000", "3000", "0", R_SMTPD, \
  "Recipients of them, likewise.") \
X(LIMITS_IMAP_PER_ACCOUNT, "limits", "imap_per_account", NUMBER, "sessions", \
  0, 1000000, "30", "30", "0", R_MAILBOXD, \
  "IMAP sessions of one account. 0: no limit.") \
X(LIMITS_POP3_PER_ACCOUNT, "limits", "pop3_per_account", NUMBER, "sessions", \
  0, 1000000, "10", "10", "0", R_MAILBOXD, \
  "POP3 sessions of one account. 0: no limit.") \
X(LIMITS_SMTP_LINE, "limits", "smtp_line", SIZE, "octets", 512, 64 * KIB, \
  SAME("2KB"), R_SMTPD, "An SMTP command line.") \
X(LIMITS_AUTH_LINE, "limits", "auth_line", SIZE, "octets", 12288, 64 * KIB, \
  SAME("12KB"), R_SMTPD | R_POPD, \
  "A line of an AUTH exchange (RFC 4954 section 4).") \
X(LIMITS_TEXT_LINE, "limits", "text_line", SIZE, "octets", 1000, 1 * MIB, \
  SAME("64KB"), R_SMTPD, "A line of a message as it comes in.") \
X(LIMITS_DATA_RATE, "limits", "data_rate", NUMBER, "octets a second", 1, \
  1000000000, SAME("500"), R_SMTPD, \
  "The slowest a message may come in, once times.smtp_message is over.") \
X(LIMITS_BAD_COMMANDS, "limits", "bad_commands", NUMBER, "commands", 0, 1000000, \
  "20", "20", "0", R_NETWORK, \
  "Bad commands and unknown recipients that end a session; from half of them " \
  "on each answer waits a second. 0: no limit.") \
X(LIMITS_EMPTY_COMMANDS, "limits", "empty_commands", NUMBER, "commands", 0, 1000000, \
  "100", "100", "0", R_SMTPD, \
  "EHLO, RSET, NOOP, VRFY and HELP between two messages, and recipients beyond " \
  "limits.recipients; each more counts as a bad command. 0: no limit.") \
X(LIMITS_IMAP_LINE, "limits", "imap_line", SIZE, "octets", 8 * KIB, 1 * MIB, \
  SAME("64KB"), R_IMAPD, "A line of an IMAP command after login.") \
X(LIMITS_IMAP_COMMAND, "limits", "imap_command", SIZE, "octets", 64 * KIB, \
  64 * MIB, SAME("1MB"), R_IMAPD, \
  "An IMAP command with its literals, without what APPEND carries.") \
X(LIMITS_IMAP_LITERALS, "limits", "imap_literals", NUMBER, "literals", 10, \
  100000, SAME("1000"), R_IMAPD, "Literals of one IMAP command.") \
X(LIMITS_BODY_MEMORY, "limits", "body_memory", SIZE, "octets", 1 * MIB, 8 * GIB, \
  SAME("64MB"), R_MAILBOXD, \
  "Memory of mailboxd for messages on their way into the store.") \
X(LIMITS_MILTER_MEMORY, "limits", "milter_memory", SIZE, "octets", 64 * KIB, \
  64 * GIB, SAME("64MB"), R_SMTPD, \
  "Memory of smtpd for messages that milters look at, at most 64 KiB of each; the " \
  "rest waits in a file.") \
X(LIMITS_MILTER_SPOOL, "limits", "milter_spool", SIZE, "octets", 0, 1024 * GIB, \
  SAME("1GB"), R_SMTPD, \
  "How large that file may grow; beyond it mail is refused for the time being.") \
X(LIMITS_ARRAY_MEMORY, "limits", "array_memory", SIZE, "octets", 1 * MIB, \
  64 * GIB, SAME("64MB"), R_MAILBOXD, \
  "Memory of mailboxd for UIDs and flags of the mailboxes in use, 28 octets a " \
  "message; those used longest ago go first, and come back by a scan.") \
X(LIMITS_RESERVE, "limits", "reserve", SIZE, "octets", 0, 1024 * GIB, \
  "256MB", "256MB", "0", R_MAILBOXD, \
  "Free disk space below which mail is refused for the time being; never " \
  "more than 5 % of the file system.")

/* ---- times -------------------------------------------------------------------- */
#define OPTION_ROWS_TIMES(X) \
X(TIMES_HANDSHAKE, "times", "handshake", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("30s"), R_NETWORK | R_LINKD, "A TLS handshake.") \
X(TIMES_CONNECT, "times", "connect", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("5s"), R_LINKD, "A connection to another host, until it is made.") \
X(TIMES_LOGIN_IDLE, "times", "login_idle", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("60s"), R_POPD | R_IMAPD, "Silence of a client before its login.") \
X(TIMES_LOGIN, "times", "login", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("180s"), R_NETWORK, "All that comes before the login.") \
X(TIMES_SMTP_COMMAND, "times", "smtp_command", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("300s"), R_SMTPD, "Silence between SMTP commands.") \
X(TIMES_SMTP_DATA, "times", "smtp_data", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("180s"), R_SMTPD, "Silence inside a message.") \
X(TIMES_SMTP_MESSAGE, "times", "smtp_message", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("10m"), R_SMTPD, \
  "A whole message; a second more for each limits.data_rate octets of it.") \
X(TIMES_IMAP_IDLE, "times", "imap_idle", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("30m"), R_IMAPD, "Silence of an IMAP client after its login.") \
X(TIMES_POP3_IDLE, "times", "pop3_idle", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("10m"), R_POPD, "Silence of a POP3 client after its login.") \
X(TIMES_SEND, "times", "send", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("60s"), R_NETWORK | R_LINKD, "A client that reads nothing of what it is sent.") \
X(TIMES_STORE_REPLY, "times", "store_reply", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("60s"), R_NETWORK, "How long a daemon waits for mailboxd's answer.") \
X(TIMES_STORE_DATA, "times", "store_data", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("300s"), R_SMTPD, "The same after the last octet of a message.") \
X(TIMES_CHECK, "times", "check", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("30s"), R_SMTPD, \
  "One of those that are asked before mail is taken (name servers, the list of " \
  "greylist): then it goes on without the answer.") \
X(TIMES_GRACE, "times", "grace", TIME, "", 0, 1 * DAYS, \
  "10s", "2s", "500ms", R_POSTROOM, \
  "How long the daemons may finish what is in flight at a stop.")

/* ---- keep ---------------------------------------------------------------------- */
#define OPTION_ROWS_KEEP(X) \
X(KEEP_EXPUNGED, "keep", "expunged", TIME, "", 0, 36500 * DAYS, \
  SAME("14d"), R_MAILBOXD, \
  "How long expunged mail can be brought back. 0: it goes at once.") \
X(KEEP_JOURNAL, "keep", "journal", TIME, "", 0, 36500 * DAYS, \
  SAME("30d"), R_MAILBOXD, "How long the journal remembers.") \
X(KEEP_JOURNAL_SIZE, "keep", "journal_size", SIZE, "octets", 0, 1024 * GIB, \
  SAME("1GB"), R_MAILBOXD, \
  "How large the journal may grow, about; its oldest rows go first. 0: no " \
  "limit.")

/* ---- early: clients that do not wait for their turn ------------------------------ */
#define OPTION_ROWS_EARLY(X) \
X(EARLY_GREETING, "early", "greeting", TIME, "", 0, 300 * SECONDS, \
  SAME("0"), R_SMTPD, \
  "How long the greeting of smtp is held back, and submission's never: who " \
  "speaks meanwhile delivers nothing, 554 5.5.1. Two to six seconds are usual; " \
  "every sender waits them. 0: it is not held back.") \
X(EARLY_PIPELINING, "early", "pipelining", BOOL, "", 0, 0, \
  "yes", "no", "no", R_SMTPD, \
  "Whether a client that sends on behind EHLO, HELO or DATA without the reply, " \
  "or behind any command after HELO, delivers nothing: 554 5.5.1 (RFC 2920).")

/* ---- greylist ----------------------------------------------------------------- */
#define OPTION_ROWS_GREYLIST(X) \
X(GREYLIST_ON, "greylist", "on", BOOL, "", 0, 0, SAME("no"), R_SMTPD, \
  "Whether mail from a network (IPv4 /24, IPv6 /64), sender and recipient that " \
  "were not seen together before is to come again: 451 4.7.1.") \
X(GREYLIST_DELAY, "greylist", "delay", TIME, "", 1 * SECONDS, 1 * DAYS, \
  SAME("5m"), R_MAILBOXD, "How long it has to wait.") \
X(GREYLIST_WINDOW, "greylist", "window", TIME, "", 60 * SECONDS, 30 * DAYS, \
  SAME("2d"), R_MAILBOXD, "Within what time it has to come again.") \
X(GREYLIST_LIFETIME, "greylist", "lifetime", TIME, "", 1 * DAYS, 3650 * DAYS, \
  SAME("36d"), R_MAILBOXD, \
  "How long those that came again are known, since they last sent.") \
X(GREYLIST_ALLOW, "greylist", "allow", NUMBER, "triplets", 0, 1000000, SAME("5"), \
  R_MAILBOXD, \
  "A network from which so many different ones came again waits no more. " \
  "0: it always does.")

/* ---- dns ------------------------------------------------------------------------- */
#define OPTION_ROWS_DNS(X) \
X(DNS_LISTS, "dns", "lists", LIST, "", 0, 0, SAME(""), R_SMTPD | R_LINKD | R_POSTROOM, \
  "Lists of addresses in the DNS (RFC 5782), as zone, zone=127.0.0.[2..11] (only " \
  "these answers count) or zone*2 (what it weighs; negative: a list of good ones). " \
  "A client on smtp whose weights reach dns.threshold delivers to postmaster only: " \
  "550 5.7.1. What name servers do not answer is held against nobody.") \
X(DNS_THRESHOLD, "dns", "threshold", NUMBER, "", 1, 100000, SAME("1"), R_LINKD, \
  "From what sum of weights on a client is refused.") \
X(DNS_NAMES, "dns", "names", CHOICE, "no note require", 0, 0, SAME("no"), \
  R_SMTPD | R_LINKD | R_POSTROOM, \
  "Whether the name of a client is looked up, where it leads back to its address: " \
  "note: for Received; require: who has none is refused, 550 5.7.25.") \
X(DNS_SERVERS, "dns", "servers", LIST, "", 0, 0, SAME(""), R_LINKD, \
  "The name servers, as address or address:port; IPv6 in brackets. Empty: those of " \
  "/etc/resolv.conf at the start and at each reload.") \
X(DNS_TIMEOUT, "dns", "timeout", TIME, "", 1 * SECONDS, 60 * SECONDS, SAME("5s"), \
  R_LINKD, "How long all questions about a client may take.")

#define OPTION_ROWS(X) \
	OPTION_ROWS_TOP(X) OPTION_ROWS_USERS(X) OPTION_ROWS_TLS(X) \
	OPTION_ROWS_CERTIFICATE(X) \
	OPTION_ROWS_LISTEN(X) OPTION_ROWS_LINKS(X) OPTION_ROWS_ROUTE(X) \
	OPTION_ROWS_DOMAIN(X) \
	OPTION_ROWS_MILTER(X) OPTION_ROWS_ACCOUNTS(X) \
	OPTION_ROWS_LIMITS(X) OPTION_ROWS_TIMES(X) OPTION_ROWS_KEEP(X) \
	OPTION_ROWS_EARLY(X) OPTION_ROWS_GREYLIST(X) OPTION_ROWS_DNS(X)

#endif
