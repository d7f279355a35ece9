/*
 * Each message between the daemons, once. Struct, codec, log line and fuzz
 * seed expand from these lists; doc/ipc.md says how they travel and in which
 * order. A number is never used again for something else.
 *
 * Field kinds: u32, u64, i64, text (UTF-8 or ASCII without NUL), bytes (any
 * octets). A set of UIDs or sequence numbers is bytes as common/ranges.h
 * encodes it. On the wire u32/u64/i64 are little endian, text and bytes are a
 * u32 length and the octets.
 *
 * Every request is answered by messages with its id; the last carries the
 * flag IPC_LAST. Any request may be answered by ERROR (always LAST).
 */
#ifndef COMMON_IPC_MESSAGES_H
#define COMMON_IPC_MESSAGES_H

#include "common/slice.h"

#include <stdint.h>

/* ---- every connection ---------------------------------------------------- */

/* First frame in both directions. An unknown major closes the connection. */
#define IPC_HELLO(F) F(text, name) F(u32, major) F(u32, minor) F(text, features)
/* code: enum status; text: for the log. detail: protocol hint such as a
 * response code ("TRYCREATE", "ALREADYEXISTS"), may be empty. */
#define IPC_ERROR(F) F(u32, code) F(text, detail) F(text, text)
/* A request that has nothing else to say is done. */
#define IPC_DONE(F) F(u64, value)
/* The asking side read octets of the answer to this id (or, for APPEND, the
 * serving side read octets of the request): as many more may come. */
#define IPC_CREDIT(F) F(u32, octets)
#define IPC_CANCEL(F) F(u32, reason)

/* ---- auth.sock and store.sock: who is it -------------------------------- */

/* response: the decoded SASL initial response; for a login by user name and
 * password the PLAIN message NUL user NUL password. service: smtp imap pop3.
 * secure: 1 under TLS. tls_exporter (RFC 9266), tls_end_point (RFC 5929): channel
 * bindings, empty where there are none. certificate: EXTERNAL only, the SHA-256 of
 * the SubjectPublicKeyInfo of the client's certificate, which was verified. */
#define IPC_AUTH(F) F(text, mechanism) F(text, service) F(text, sid) \
	F(text, address) F(u32, secure) F(bytes, tls_exporter) \
	F(bytes, tls_end_point) F(bytes, response) F(bytes, certificate)
/* Next step of the exchange with the same request id. */
#define IPC_AUTH_CONTINUE(F) F(bytes, response)
/* The server's challenge, not yet base64. Not LAST. The last one of SCRAM is
 * answered by an empty response. */
#define IPC_AUTH_CHALLENGE(F) F(bytes, challenge)
/* LAST. additional: SASL success data. On store.sock the connection is now
 * bound to the account. credential: which password it was; 0: none was needed. login: the canonical full address.
 * is_admin: it may set quotas (QUOTA_SET). */
#define IPC_AUTH_OK(F) F(u64, account) F(u64, credential) F(text, login) \
	F(bytes, additional) F(u32, is_admin)

/* ---- store.sock: mailboxes ----------------------------------------------- */

/* owner, here and below: whose mailboxes are meant, an account's address; "": those of
 * the account that is bound. With l or another right that the request needs (RFC 4314
 * section 4), or ST_DENIED with detail NOPERM; without l too: ST_NOT_FOUND. */

/* Answered by MAILBOX rows in name order, then DONE. what: bits of
 * enum ipc_list_what. */
#define IPC_LIST(F) F(u32, what) F(text, owner)
/* attributes: enum ipc_mailbox_attribute. special_use: "\Sent" or "". */
#define IPC_MAILBOX(F) F(text, name) F(u32, attributes) F(text, special_use) \
	F(u64, id) F(u32, uidvalidity) F(u32, uidnext) F(u32, messages) \
	F(u32, unseen) F(u32, recent) F(u32, deleted) F(u64, octets) \
	F(u64, deleted_octets) F(u64, highestmodseq)
/* One MAILBOX, LAST. ST_NOT_FOUND. */
#define IPC_STATUS(F) F(text, name) F(text, owner)
#define IPC_CREATE(F) F(text, name) F(text, special_use) F(text, owner)
#define IPC_DELETE(F) F(text, name) F(text, owner)
#define IPC_RENAME(F) F(text, from) F(text, to) F(text, owner)
#define IPC_SUBSCRIBE(F) F(text, name) F(u32, on)
/* read_only: EXAMINE. take_recent: SELECT under IMAP4rev1. exclusive: POP3,
 * ST_DENIED with detail IN-USE when another exclusive session has it.
 * Answered by UIDS (all UIDs, ascending, in as many frames as it takes),
 * KEYWORDS (all sets in use), then OPENED, LAST. */
#define IPC_OPEN(F) F(text, name) F(u32, read_only) F(u32, take_recent) \
	F(u32, exclusive) F(text, owner)
/* handle: names the mailbox in later requests of this connection. recent_lo,
 * recent_hi: UIDs that are \Recent for this session (0, 0: none).
 * first_unseen: UID or 0. more_keywords: they may still be made. read_only: as asked for,
 * or nothing that others see may be changed. rights: enum store_right of
 * mailboxd/store_access.h, bit 0 is l of "lrswipkxtea". */
#define IPC_OPENED(F) F(u32, handle) F(u64, id) F(u32, uidvalidity) \
	F(u32, uidnext) F(u32, messages) F(u32, unseen) F(u32, first_unseen) \
	F(u32, recent_lo) F(u32, recent_hi) F(u64, highestmodseq) \
	F(u32, read_only) F(u32, more_keywords) F(u32, rights)
#define IPC_UIDS(F) F(bytes, set)
/* Names of one keyword set of the mailbox, separated by one space. Comes
 * before the first row that uses the set. */
#define IPC_KEYWORDS(F) F(u32, handle) F(u32, set) F(text, names)
#define IPC_CLOSE(F) F(u32, handle)

/* ---- store.sock: messages ------------------------------------------------ */

/* Answered by ROWS and BODY, ascending by UID, then DONE. items: bits of enum
 * fetch_item (common/fetch_row.h). changed_since: 0, or only rows with a
 * higher modseq. UIDs that do not exist are passed over. */
#define IPC_FETCH(F) F(u32, handle) F(bytes, uids) F(u32, items) \
	F(u64, changed_since)
/* Rows, packed as common/fetch_row.h says. A row may be larger than a frame
 * (BODYSTRUCTURE of 10,000 parts): it goes on in the next ROWS of the answer, so
 * the receiver keeps what fetch_row_decode() leaves and puts the next behind. */
#define IPC_ROWS(F) F(u32, items) F(bytes, rows)
/* More octets of the body of the last row, whose body did not fit. */
#define IPC_BODY(F) F(u32, uid) F(bytes, octets)
/* Octets offset..offset+length of a message as its user sees it: BODY frames,
 * then DONE. Beyond the end: nothing. */
#define IPC_READ(F) F(u32, handle) F(u32, uid) F(u64, offset) F(u64, length)
/* The session sent octets of the bodies of these to its user ("read"). No
 * answer. */
#define IPC_SENT(F) F(u32, handle) F(bytes, uids)
/* mode: enum ipc_store_mode. keywords: names separated by spaces.
 * unchanged_since: UINT64_MAX when not asked for. Answered by ROWS (UID, FLAGS,
 * MODSEQ of what changed or was named), then STORED, LAST, with the modseq of this
 * change, or 0: nothing had to be changed. */
#define IPC_STORE(F) F(u32, handle) F(bytes, uids) F(u32, mode) F(u32, flags) \
	F(text, keywords) F(u64, unchanged_since)
#define IPC_STORED(F) F(u64, modseq) F(bytes, refused)
/* move: 1 for MOVE. Answered by COPIED, LAST; source and target UIDs pair up
 * in ascending order. Sets that fill more than a frame come in several COPIED,
 * one behind the other, of which only the last is LAST; so with EXPUNGED,
 * STORED and APPENDED. ST_NOT_FOUND with detail TRYCREATE. */
#define IPC_COPY(F) F(u32, handle) F(bytes, uids) F(text, name) F(u32, move) \
	F(text, owner)
#define IPC_COPIED(F) F(u32, uidvalidity) F(bytes, source) F(bytes, target) \
	F(u64, modseq) F(u32, over_soft)
/* all: 1 expunges the UIDs whatever their flags (POP3), 0 only \Deleted ones.
 * An empty set with all 0 means every \Deleted message. */
#define IPC_EXPUNGE(F) F(u32, handle) F(bytes, uids) F(u32, all)
#define IPC_EXPUNGED(F) F(bytes, uids) F(u64, modseq)
/* Several messages, all or none. APPEND opens the request; then for each
 * message APPEND_MESSAGE and APPEND_DATA until octets are reached; then
 * APPEND_COMMIT, all with the same request id. zone: minutes east of UTC.
 * internaldate: Unix seconds, INT64_MIN for now. binary: 1: it came as a literal8,
 * parts that say they are binary are stored in base64. Answered by APPENDED, LAST,
 * or by ERROR as soon as it is known to fail (quota at APPEND_MESSAGE). */
#define IPC_APPEND(F) F(text, name) F(text, owner)
#define IPC_APPEND_MESSAGE(F) F(u32, flags) F(text, keywords) \
	F(i64, internaldate) F(i64, zone) F(u64, octets) F(u32, binary)
#define IPC_APPEND_DATA(F) F(bytes, octets)
#define IPC_APPEND_COMMIT(F) F(u32, messages)
/* over_soft: 1: the account is fuller now than its soft limit (RFC 9208 4.3.1). */
#define IPC_APPENDED(F) F(u32, uidvalidity) F(bytes, uids) F(u32, over_soft)
/* program: as common/search_program.h encodes it. Answered by UIDS frames,
 * then DONE with the highest modseq of what was found. */
#define IPC_SEARCH(F) F(u32, handle) F(bytes, program)
/* The same search, sorted (RFC 5256). keys: octets, each an enum ipc_sort_key with
 * IPC_SORT_REVERSE or without, the first counts most. Answered by ORDER frames, which
 * join to u32, little endian, each a UID; then DONE as SEARCH has it. */
#define IPC_SORT(F) F(u32, handle) F(bytes, program) F(bytes, keys)
/* The same search, threaded. algorithm: enum ipc_thread_algorithm. Answered as SORT;
 * mailboxd/thread.h says how ORDER tells a tree. */
#define IPC_THREAD(F) F(u32, handle) F(bytes, program) F(u32, algorithm)
#define IPC_ORDER(F) F(bytes, tokens)
/* What happened since that modseq: ROWS (UID, FLAGS, MODSEQ of new and changed
 * rows), VANISHED, then CHANGED, LAST. Also the body of the event. */
#define IPC_CHANGES(F) F(u32, handle) F(u64, since)
#define IPC_VANISHED(F) F(bytes, uids)
#define IPC_CHANGED(F) F(u32, handle) F(u64, highestmodseq) F(u32, uidnext) \
	F(u32, messages)
/* For VANISHED (EARLIER) (RFC 7162 section 3.2): answered by VANISHED, which may
 * hold UIDs that were gone before, then DONE with the modseq from which on flags
 * are to be asked for: since, or 0 where what was told then may have been lost. */
#define IPC_EARLIER(F) F(u32, handle) F(u64, since)
/* on: 1 wants CHANGED as events (flag EVENT, id 0) whenever the mailbox has a
 * higher modseq than was last told; 0 no longer. In the event only handle and
 * highestmodseq are filled: what changed is asked for by CHANGES. Answered by
 * DONE. */
#define IPC_WATCH(F) F(u32, handle) F(u32, on)
/* Event: the session must end. reason: text for the client. */
#define IPC_KICK(F) F(text, reason)
/* root: "" for the account's own; an administrator may ask for the address of any
 * account. ST_DENIED, ST_NOT_FOUND. */
#define IPC_QUOTA(F) F(text, root)
/* By an administrator: these are the limits now, 0 is none. Answered by QUOTA_IS. */
#define IPC_QUOTA_SET(F) F(text, root) F(u64, octets) F(u64, messages)
/* limit 0: none. */
#define IPC_QUOTA_IS(F) F(u64, used_octets) F(u64, limit_octets) \
	F(u64, used_messages) F(u64, limit_messages) \
	F(u64, used_mailboxes) F(u64, limit_mailboxes)

/* Annotations (RFC 5464). name: a mailbox, or "" for the server. entries: a list
 * of names. depth: 0, 1, or UINT32_MAX for all. Answered by METADATA for each that
 * is there, then DONE. */
#define IPC_METADATA_GET(F) F(text, name) F(bytes, entries) F(u32, depth)
#define IPC_METADATA(F) F(text, entry) F(bytes, value)
/* entries: a list of name, "1" or "0" (removes), value, in turn; all or none.
 * Answered by DONE. ST_DENIED; ST_LIMIT with detail MAXSIZE or TOOMANY. */
#define IPC_METADATA_SET(F) F(text, name) F(bytes, entries)

/* ---- smtpd to its LMTP client: in process, never on a socket ------------- */

/* Opens a transaction (answered by LMTP_REPLY for MAIL) with what the XPOSTROOM
 * words need. body: 8BITMIME or "". octets: SIZE or 0. ret, envid (decoded), and
 * orcpt (decoded) of a recipient: common/dsn.h. */
/* route: 0 is mailboxd, else a row of smtpd/route.h. */
#define IPC_LMTP_MAIL(F) F(text, sender) F(text, mid) F(text, sid) \
	F(text, address) F(text, helo) F(text, login) F(text, tls) \
	F(u64, octets) F(u32, utf8) F(text, body) F(u32, ret) F(text, envid) \
	F(u32, route) F(u32, requiretls)
/* notify: bits of enum dsn_notify, 0: not said. */
#define IPC_LMTP_RCPT(F) F(text, recipient) F(u32, notify) F(text, orcpt)
/* Octets of the message; answered by CREDIT as they leave. */
#define IPC_LMTP_DATA(F) F(bytes, octets)
/* The message is whole; digest: SHA-256 of the octets received. Answered by one
 * LMTP_REPLY for each accepted recipient in order, the last one LAST. */
#define IPC_LMTP_END(F) F(bytes, digest) F(u32, junk)
/* Give the transaction up. No answer. */
#define IPC_LMTP_ABORT(F) F(u32, reason)
/* code 250, enhanced "2.1.5", text. A lost connection is 451 "4.3.0". */
#define IPC_LMTP_REPLY(F) F(u32, code) F(text, enhanced) F(text, text)
/* The client has certainly seen the reply for this mid. No answer. */
#define IPC_LMTP_TELL(F) F(text, mid)

/* Was the message with this mid stored (XDONE)? Answered by LMTP_REPLY: 250 yes,
 * 550 no, and then never. Inside mailboxd only. */
#define IPC_LMTP_ASK(F) F(text, mid)

/* ---- auth.sock: submission ------------------------------------------------- */

/* Whether the account with this login may send as that address: its own, with
 * a detail, an alias that leads to it, one that it gets as the catch-all.
 * Answered by DONE, or ERROR ST_DENIED. */
#define IPC_MAY_SEND(F) F(text, login) F(text, address)
/* Whether there is a mailbox for mail to it. Answered by DONE, or ERROR
 * ST_NOT_FOUND, ST_DENIED (disabled). */
#define IPC_VERIFY(F) F(text, address)

/* ---- auth.sock: greylisting -------------------------------------------------- */

/* Whether mail of this client (its numeric address), envelope sender ("": null) and
 * recipient, both rendered, may come now. Answered by DONE: 0 yes, else the seconds
 * it has to wait. */
#define IPC_GREYLIST(F) F(text, address) F(text, sender) F(text, recipient)

/* ---- dns.sock: linkd ----------------------------------------------------------- */

/* What the DNS says of a client; its numeric address. Answered by DNS_CLIENT_IS. */
#define IPC_DNS_CLIENT(F) F(text, address)
/* name_status: ST_OK, name leads back to the address; ST_NOT_FOUND: none does;
 * ST_UNAVAILABLE: not known. list: on which it is, where the weights of all it is on
 * reach the threshold. */
#define IPC_DNS_CLIENT_IS(F) F(u32, name_status) F(text, name) F(text, list) \
	F(i64, score)

/* ---- control.sock: the command line --------------------------------------- */

/* verb: "user add"; args: as common/ipc_codec.h packs a list of text; doc/ipc.md
 * has the verbs and their arguments. Answered by TABLE (column names), RECORD rows, NOTE lines for people, then DONE. */
#define IPC_CONTROL(F) F(text, verb) F(bytes, args)
#define IPC_TABLE(F) F(bytes, columns)
#define IPC_RECORD(F) F(bytes, cells)
#define IPC_NOTE(F) F(text, text)
/* A piece of something large, either way (import, export, backup). */
#define IPC_PIECE(F) F(bytes, octets)
/* How far something that takes long has come; total 0: not known. */
#define IPC_PROGRESS(F) F(u64, done) F(u64, total)
/*
 * Mail in and out with all that belongs to it (import, export, restore): the
 * mailbox that follows, then messages, each followed by its octets as PIECEs.
 * use: "\Sent" or "". messages, octets: what is to come, 0: not known.
 */
#define IPC_MAIL_BOX(F) F(text, name) F(text, use) F(u32, subscribed) \
	F(u32, messages) F(u64, octets) F(u32, uidvalidity) F(u32, uidnext)
/*
 * label: what to call it where it fails. keywords: names separated by spaces.
 * internaldate: Unix seconds, INT64_MIN for now; saved: 0 for now. octets: 0 where
 * they are not known before (import). message: its number in a store of this
 * lineage, else 0; recipient: its Delivered-To is not among the octets. uid is not
 * read by an import.
 */
#define IPC_MAIL(F) F(text, label) F(u32, uid) F(u32, flags) F(text, keywords) \
	F(i64, internaldate) F(i64, zone) F(i64, saved) F(u64, octets) \
	F(u64, message) F(text, mid) F(text, recipient) F(text, uidl)
/* No more comes. */
#define IPC_MAIL_END(F) F(u32, messages)
/* A message that was not taken, or not as it was: code ST_EXISTS is there already,
 * ST_OK lost something. */
#define IPC_MAIL_STATE(F) F(text, label) F(u32, code) F(text, text)
/* LAST: what came of it. */
#define IPC_MAIL_SUM(F) F(u64, stored) F(u64, present) F(u64, failed) F(u64, octets)

/* ---- postroom and its daemons, on the inherited socketpair --------------- */

/* The effective configuration, in the syntax of the file. */
#define IPC_CONFIG(F) F(text, text)
/* name: "" for the default certificate, else the SNI name. PEM texts. */
#define IPC_CERTIFICATE(F) F(text, name) F(bytes, chain) F(bytes, key)
/* Whose certificates clients may show (tls.client_ca), as PEM. */
#define IPC_CLIENT_CA(F) F(bytes, pem)
/* For linkd: the certificate that it shows to other hosts, with its key. */
#define IPC_LINK_CERTIFICATE(F) F(bytes, chain) F(bytes, key)
/* For linkd: a piece of the PEM text of an authority; pieces of one name join. */
#define IPC_LINK_AUTHORITY(F) F(text, name) F(bytes, pem)
/* All of it was sent; the daemon may start or, later, take it up. */
#define IPC_BEGIN(F) F(u32, generation)
/* The daemon serves (LAST of the start), or why it cannot. */
#define IPC_READY(F) F(u32, generation) F(u32, code) F(text, text)
/* End: finish what is in flight within so many milliseconds. */
#define IPC_STOP(F) F(u32, grace_ms)
/* Each second on the service connection and to postroom: figures for status. */
#define IPC_COUNTERS(F) F(text, daemon) F(u32, pid) F(bytes, cells)

/* ---- smtpd to its milters: in process, never on a socket ------------------ */

/* A connection to the milter of this number, under an id of its own. Answered by
 * CREDIT with the octets that left, MILTER_OCTETS, and ERROR (LAST) when it is away
 * or has hung up. */
#define IPC_MILTER_OPEN(F) F(u32, number)
/* Of the milter protocol, both ways. */
#define IPC_MILTER_OCTETS(F) F(bytes, octets)
/* It is over, politely; nothing is answered. */
#define IPC_MILTER_CLOSE(F) F(u32, reason)

/* ---- the service connection: events, nothing is answered ----------------- */

/* Up: a session began; once more when it logged in, and all of them again over a
 * new connection. service: smtp imap pop3. door: title of the `listen` section.
 * tls: "TLSv1.3" or "". account: 0 before the login. since: wall clock, ms. */
#define IPC_SERVICE_SESSION(F) F(text, sid) F(text, service) F(text, door) \
	F(text, address) F(text, tls) F(text, login) F(u64, account) \
	F(i64, since)
/* Up: it ended. */
#define IPC_SERVICE_END(F) F(text, sid)
/* Down: the sessions of this account (0: of any) that logged in with this
 * credential (0: whichever), or the one of this sid, must end; one that waits for
 * such an AUTH_OK likewise. */
#define IPC_SERVICE_KICK(F) F(u64, account) F(u64, credential) F(text, sid) \
	F(text, reason)
/* Up, from smtpd: mail was refused. reason: "5.1.1 No such mailbox". count: 1; or
 * that so many more were, of which nothing is told. */
#define IPC_REFUSED(F) F(text, sid) F(text, address) F(text, helo) \
	F(text, login) F(text, sender) F(text, recipient) F(u32, code) \
	F(text, reason) F(u32, count)

/* number, NAME, name */
#define IPC_MESSAGES(X) \
	X(1, HELLO, hello) X(2, ERROR, error) X(3, DONE, done) \
	X(4, CREDIT, credit) X(5, CANCEL, cancel) \
	X(16, AUTH, auth) X(17, AUTH_CONTINUE, auth_continue) \
	X(18, AUTH_CHALLENGE, auth_challenge) X(19, AUTH_OK, auth_ok) \
	X(32, LIST, list) X(33, MAILBOX, mailbox) X(34, STATUS, status) \
	X(35, CREATE, create) X(36, DELETE, delete) X(37, RENAME, rename) \
	X(38, SUBSCRIBE, subscribe) X(39, OPEN, open) X(40, OPENED, opened) \
	X(41, UIDS, uids) X(42, KEYWORDS, keywords) X(43, CLOSE, close) \
	X(64, FETCH, fetch) X(65, ROWS, rows) X(66, BODY, body) \
	X(67, READ, read) X(68, SENT, sent) X(69, STORE, store) \
	X(70, STORED, stored) X(71, COPY, copy) X(72, COPIED, copied) \
	X(73, EXPUNGE, expunge) X(74, EXPUNGED, expunged) \
	X(75, APPEND, append) X(76, APPEND_MESSAGE, append_message) \
	X(77, APPEND_DATA, append_data) X(78, APPEND_COMMIT, append_commit) \
	X(79, APPENDED, appended) X(80, SEARCH, search) \
	X(81, CHANGES, changes) X(82, VANISHED, vanished) \
	X(83, CHANGED, changed) X(84, WATCH, watch) X(85, KICK, kick) \
	X(100, EARLIER, earlier) \
	X(86, QUOTA, quota) X(87, QUOTA_IS, quota_is) \
	X(196, QUOTA_SET, quota_set) \
	X(88, SORT, sort) X(89, THREAD, thread) X(90, ORDER, order) \
	X(92, METADATA_GET, metadata_get) X(93, METADATA, metadata) \
	X(94, METADATA_SET, metadata_set) \
	X(112, LMTP_MAIL, lmtp_mail) X(113, LMTP_RCPT, lmtp_rcpt) \
	X(114, LMTP_DATA, lmtp_data) X(115, LMTP_END, lmtp_end) \
	X(116, LMTP_ABORT, lmtp_abort) X(117, LMTP_REPLY, lmtp_reply) \
	X(118, LMTP_TELL, lmtp_tell) X(119, LMTP_ASK, lmtp_ask) \
	X(120, MAY_SEND, may_send) \
	X(128, CONTROL, control) X(129, TABLE, table) X(130, RECORD, record) \
	X(131, NOTE, note) X(132, PIECE, piece) X(133, PROGRESS, progress) \
	X(134, MAIL_BOX, mail_box) X(135, MAIL, mail) X(136, MAIL_END, mail_end) \
	X(137, MAIL_STATE, mail_state) X(138, MAIL_SUM, mail_sum) \
	X(144, CONFIG, config) X(145, CERTIFICATE, certificate) \
	X(146, BEGIN, begin) X(147, READY, ready) X(148, STOP, stop) \
	X(149, COUNTERS, counters) \
	X(160, SERVICE_SESSION, service_session) \
	X(161, SERVICE_END, service_end) X(162, SERVICE_KICK, service_kick) \
	X(163, REFUSED, refused) \
	X(176, LINK_CERTIFICATE, link_certificate) \
	X(177, LINK_AUTHORITY, link_authority) \
	X(180, DNS_CLIENT, dns_client) X(181, DNS_CLIENT_IS, dns_client_is) \
	X(184, GREYLIST, greylist) \
	X(188, MILTER_OPEN, milter_open) X(189, MILTER_OCTETS, milter_octets) \
	X(190, MILTER_CLOSE, milter_close) \
	X(192, CLIENT_CA, client_ca) X(193, VERIFY, verify)

/* Bits of IPC_LIST.what. */
enum ipc_list_what {
	IPC_LIST_COUNTS = 1,	/* fill the counters; else only names and flags */
};

/* Bits of IPC_MAILBOX.attributes. */
enum ipc_mailbox_attribute {
	IPC_MAILBOX_SUBSCRIBED = 1,
	IPC_MAILBOX_NONEXISTENT = 2,	/* only a subscription or a parent name */
	IPC_MAILBOX_HAS_CHILDREN = 4,
	IPC_MAILBOX_NOSELECT = 8,
};

enum ipc_store_mode {
	IPC_STORE_REPLACE = 0,
	IPC_STORE_ADD = 1,
	IPC_STORE_REMOVE = 2,
};

/* In IPC_SORT.keys (RFC 5256, RFC 5957). */
enum ipc_sort_key {
	IPC_SORT_ARRIVAL,
	IPC_SORT_CC,
	IPC_SORT_DATE,
	IPC_SORT_FROM,
	IPC_SORT_SIZE,
	IPC_SORT_SUBJECT,
	IPC_SORT_TO,
	IPC_SORT_DISPLAYFROM,
	IPC_SORT_DISPLAYTO,
	IPC_SORT_KEYS,
	IPC_SORT_REVERSE = 128,
};
#define IPC_SORT_KEYS_MAX 16

enum ipc_thread_algorithm {
	IPC_THREAD_ORDEREDSUBJECT = 0,
	IPC_THREAD_REFERENCES = 1,
	IPC_THREAD_REFS = 2,	/* draft-ietf-morg-inthread */
};

/* ---- expansion ------------------------------------------------------------ */

typedef uint32_t ipc_u32;
typedef uint64_t ipc_u64;
typedef int64_t ipc_i64;
typedef struct slice ipc_text;
typedef struct slice ipc_bytes;

enum ipc_type {
#define IPC_ENUM(number, NAME, name) IPC_TYPE_##NAME = (number),
	IPC_MESSAGES(IPC_ENUM)
#undef IPC_ENUM
};

#define IPC_FIELD(kind, name) ipc_##kind name;
#define IPC_STRUCT(number, NAME, name) \
	struct ipc_##name { IPC_##NAME(IPC_FIELD) };
IPC_MESSAGES(IPC_STRUCT)
#undef IPC_STRUCT
#undef IPC_FIELD

/* One message; text and bytes borrow from whoever filled it in. */
struct ipc_message {
	enum ipc_type type;
	union {
#define IPC_MEMBER(number, NAME, name) struct ipc_##name name;
		IPC_MESSAGES(IPC_MEMBER)
#undef IPC_MEMBER
	};
};

#endif
