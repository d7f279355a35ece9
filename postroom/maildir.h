/*
 * Names of a Maildir, as qmail and Dovecot write them: flags behind ":2,", folders
 * of Maildir++, lines of dovecot-keywords and dovecot-uidlist.
 */
#ifndef POSTROOM_MAILDIR_H
#define POSTROOM_MAILDIR_H

#include "common/buf.h"

#include <stdbool.h>

#define MAILDIR_KEYWORDS 26	/* a to z */

struct maildir_keywords {
	char names[MAILDIR_KEYWORDS][65];	/* "": not used */
};

/* A line of dovecot-keywords: "0 $Label". What is none is passed over. */
void maildir_keywords_take(struct maildir_keywords *k, struct slice line);
/* The letter of that keyword, given to it if need be; '\0': all are given away, or
 * it is too long. */
char maildir_keywords_letter(struct maildir_keywords *k, struct slice name);

/* What stands behind ":2," of a file name. Appends the keywords, separated by
 * spaces; letters without a name are left out. ST_LIMIT, ST_NO_MEMORY. */
enum status maildir_flags(struct slice file, const struct maildir_keywords *k,
			  uint32_t *flags, struct buf *keywords);
/* Appends ":2," and the letters, in the order of the alphabet. Sets *lost where a
 * keyword has no letter. */
enum status maildir_info(uint32_t flags, struct slice keywords,
			 struct maildir_keywords *k, bool *lost, struct buf *out);
/* A file name without its flags: what dovecot-uidlist knows it by. */
struct slice maildir_base(struct slice file);

/* ".Work.Old" as Work/Old. A level in modified UTF-7 that is none is taken as it
 * is, "\2e" is a dot. ST_SYNTAX: no folder, or no UTF-8. */
enum status maildir_folder(struct slice directory, struct buf *mailbox);
/* Work/Old as ".Work.Old". ST_SYNTAX. */
enum status maildir_directory(struct slice mailbox, struct buf *directory);

/* "12 P0004.x W123 :17000.M1.host" of dovecot-uidlist. False: no such line. */
bool maildir_uidlist_take(struct slice line, uint32_t *uid, struct slice *uidl,
			  struct slice *file);

#endif
