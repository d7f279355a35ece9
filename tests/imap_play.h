/*
 * Plays text dialogues at imapd's engine with a real store behind it
 * (tests/support/store_backend.h): what RFC examples show, with several sessions
 * on one mailbox, at many chunk sizes.
 *
 *   # comment
 *   mail ADDRESS "octets"	delivers a message (\n, \r, \t, \", \\, \xHH)
 *   quota ADDRESS OCTETS MESSAGES	limits of the account; 0: none
 *   admin ADDRESS		that account may set quotas
 *   login N ADDRESS		session N is logged in, unseen
 *   C: text  C2: text		session 1, 2... sends text and CRLF
 *   C* "octets" [x N]		sends octets
 *   S: text  S2: text		says exactly this line
 *   S~ pattern			a line; * stands for any octets, \* for itself
 *   S* "octets"		exactly these octets
 *   X  X2			wants to close
 *   quiet  quiet2		has nothing more to say
 *   wait MS			so long passes
 *   tls required		the listener's option, before any session
 *   certificate ADDRESS	the client shows one in TLS, whose key is bound to it
 *   DEFLATE		session 1 wants compression, and it is active (what is said
 *			then is shown as if it were not)
 *   TLS			session 1 wants a handshake, and it went well
 *
 * A file that begins with "# large" is not played in the smallest chunks. A session
 * begins with its first line; its greeting is the first it says. What
 * a session sends is given to it when something is expected next. At the end
 * nobody may have more to say.
 */
#ifndef TESTS_IMAP_PLAY_H
#define TESTS_IMAP_PLAY_H

/* Plays each file of tests/dialogues/FOLDER at each chunk size, with a new store
 * each time; reports through Criterion. */
void imap_play_folder(const char *folder);

#endif
