/*
 * What import_files.c (trees of folders) and import_maildir.c, import_mbox.c,
 * import_eml.c (what one of them holds) share. Paths are given; rel is the mailbox below
 * the one of the command, "" is that itself. Each gives ST_OK, though single files
 * failed, or why the run is over.
 */
#ifndef POSTROOM_IMPORT_PRIV_H
#define POSTROOM_IMPORT_PRIV_H

#include "postroom/mail_files.h"

#define IMPORT_BLOCK	65536
#define IMPORT_LIST_MAX	((size_t)256 << 20)	/* dovecot-uidlist of millions */

/* ---- import_files.c */

/* One file could not be read: it is told and counted. */
void import_failed(struct import_files *f, const char *path, const char *why);
/* Says so; ST_NO_MEMORY. */
enum status import_no_memory(void);
/* A link to one is none. */
bool import_is_directory(const char *path);
bool import_is_maildir(const char *path);
/* What follows goes into this mailbox. */
enum status import_enter(struct import_files *f, const char *rel);
/* The file is one message. mail: what is known beside it; internaldate INT64_MIN takes
 * the file's. */
enum status import_file(struct import_files *f, const char *path,
			struct ipc_mail *mail);

/* ---- the others */

enum status import_maildir(struct import_files *f, const char *path, const char *rel);
/* path "-": standard input. */
enum status import_mbox(struct import_files *f, const char *path, const char *rel);
/* list: what is left of the folder's MAIL_FILES_LIST; files come in the order of
 * octets. */
enum status import_eml(struct import_files *f, const char *path, const char *file,
		       struct slice *list);

#endif
