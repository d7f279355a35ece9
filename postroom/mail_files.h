/*
 * Files of mail and the mailboxes they are, for `mailbox import` and `mailbox
 * export`: a Maildir (with Maildir++ folders), mbox files, .eml files.
 *
 * In a tree of folders each folder is a mailbox, and so is each NAME.mbox; names
 * are UTF-8, with "%2E" for a dot in front and "%25" for a percent sign. A folder of
 * .eml files has its flags and dates in a file of lines
 *
 *	name TAB flags TAB keywords TAB seconds TAB zone TAB uidl
 *
 * in the order of names.
 */
#ifndef POSTROOM_MAIL_FILES_H
#define POSTROOM_MAIL_FILES_H

#include "postroom/mail_sink.h"

#define MAIL_FILES_LIST ".postroom-mail"	/* of a folder of .eml files */

enum mail_format {
	MAIL_AUTO,	/* as it looks; to write: a Maildir, mbox to standard output */
	MAIL_MAILDIR,
	MAIL_MBOX,
	MAIL_MBOXO,	/* to read only */
	MAIL_MBOXCL2,
	MAIL_EML,
};

/* "maildir"; false: no such format. */
bool mail_format_find(const char *name, enum mail_format *format);

/* ---- reading (import_files.c) */

struct import_files {
	const struct invocation *invocation;
	struct mail_sink *sink;
	struct progress *progress;
	enum mail_format format;
	const char *mailbox;	/* for what is at the top; "" for INBOX, with folders
				 * beside it */
	uint64_t failed;	/* files that could not be read */
};
/* All that is at path ("-": an mbox on standard input). ST_OK, or why the run is
 * over, after a message. ST_NOT_FOUND: there is no mail there. */
enum status import_files(struct import_files *f, const char *path);

/* ---- writing (export_files.c) */

struct export_files;

/*
 * path: of one mailbox, or (is_whole) of the folder for all of an account's; made
 * where it is not there. What is there already is refused unless force says so. NULL
 * after a message, *code is then the exit status.
 */
struct export_files *export_files_new(enum mail_format format, const char *path,
				      bool is_whole, bool force, int *code);
/* Frees it; what was being written is closed. NULL is fine. */
void export_files_free(struct export_files *e);
/* A mailbox, its messages, their octets as they come. ST_IO after a message. */
enum status export_box(struct export_files *e, const struct ipc_mail_box *box);
enum status export_mail(struct export_files *e, const struct ipc_mail *mail);
enum status export_octets(struct export_files *e, struct slice octets);
/* The message that was begun cannot be had: nothing of it stays, but in an mbox
 * what was written already. */
enum status export_give_up(struct export_files *e);
/* All of it is on the disk. */
enum status export_finish(struct export_files *e);
/* Keywords that a Maildir has no letter for: how many messages lost one. */
uint64_t export_lost(const struct export_files *e);

/* One folder's name as part of a mailbox's, and back. ST_SYNTAX, ST_LIMIT. */
enum status mail_files_decode(struct slice name, struct buf *level);
enum status mail_files_encode(struct slice level, struct buf *name);

#endif
