#include <config.h>

#include "postroom/mail_files.h"

#include "common/date.h"
#include "common/flags.h"
#include "postroom/files.h"
#include "postroom/maildir.h"
#include "postroom/names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct export_files {
	enum mail_format format;
	char *path;
	bool is_whole, force;
	char *folder;		/* of the open mailbox, or its mbox file */
	FILE *out;		/* of the open message; the mbox */
	FILE *list;		/* of a folder: dovecot-uidlist, or ours of .eml files */
	struct maildir_keywords keywords;
	uint64_t lost;
	/* the open message */
	bool is_open;
	struct ipc_mail mail;
	struct buf words, uidl;	/* its keywords and UIDL */
	char file[80];		/* its name, without flags */
	uint64_t octets;	/* written */
	bool has_cr;		/* not written yet */
	bool at_line;		/* nothing but ">" stands on the line */
	size_t matched;		/* octets of "From ", not written yet */
	char last;
};

static enum status failed(const char *path)
{
	fprintf(stderr, "postroom mailbox export: %s: %s\n", path, strerror(errno));
	return ST_IO;
}

/* ---- where ---------------------------------------------------------------------- */

static int check_target(const struct export_files *e)
{
	struct names names = { 0 };
	bool is_there = access(e->path, F_OK) == 0, is_empty = false;

	if (is_there && names_of_directory(&names, e->path) == ST_OK)
		is_empty = names.count == 0;
	names_free(&names);
	if (!is_there || is_empty || e->force)
		return EX_OK;
	fprintf(stderr, "postroom mailbox export: %s is there already; --force adds to a "
		"folder, and replaces a file\n", e->path);
	return EX_CANTCREAT;
}

struct export_files *export_files_new(enum mail_format format, const char *path,
				      bool is_whole, bool force, int *code)
{
	struct export_files *e = calloc(1, sizeof *e);
	bool is_stdout = strcmp(path, "-") == 0;

	*code = EX_OSERR;
	if (!e || !(e->path = strdup(path))) {
		free(e);
		return NULL;
	}
	e->format = format != MAIL_AUTO ? format : is_stdout ? MAIL_MBOX : MAIL_MAILDIR;
	e->is_whole = is_whole;
	e->force = force;
	e->words = (struct buf)BUF_INIT(8192);
	e->uidl = (struct buf)BUF_INIT(512);
	if (is_stdout && (is_whole || e->format != MAIL_MBOX)) {
		fputs("postroom mailbox export: standard output takes one mailbox, as an "
		      "mbox\n", stderr);
		*code = EX_USAGE;
	} else {
		*code = is_stdout ? EX_OK : check_target(e);
	}
	if (*code == EX_OK)
		return e;
	export_files_free(e);
	return NULL;
}

void export_files_free(struct export_files *e)
{
	if (!e)
		return;
	if (e->out && e->out != stdout)
		fclose(e->out);
	if (e->list)
		fclose(e->list);
	buf_free(&e->words);
	buf_free(&e->uidl);
	free(e->folder);
	free(e->path);
	free(e);
}

uint64_t export_lost(const struct export_files *e)
{
	return e->lost;
}

/* Levels as folders below path, with the suffix of a file behind the last. */
static enum status tree_path(const char *path, struct slice mailbox, const char *suffix,
			     struct buf *out)
{
	struct slice level;
	enum status st = buf_append_str(out, path);

	while (!st && slice_split(&mailbox, '/', &level)) {
		st = buf_append_char(out, '/');
		if (!st)
			st = mail_files_encode(level, out);
	}
	return st ? st : buf_append_str(out, suffix);
}

static enum status folder_path(const struct export_files *e, struct slice mailbox,
			       struct buf *out)
{
	bool is_inbox = slice_eq(mailbox, SLICE("INBOX"));
	enum status st;

	if (!e->is_whole || (e->format == MAIL_MAILDIR && is_inbox))
		return buf_append_str(out, e->path);
	if (e->format != MAIL_MAILDIR)
		return tree_path(e->path, mailbox, e->format == MAIL_EML ? "" : ".mbox",
				 out);
	st = buf_append_fmt(out, "%s/", e->path);
	return st ? st : maildir_directory(mailbox, out);
}

/* ---- folders ----------------------------------------------------------------------- */

static enum status make_directory(const char *path)
{
	struct error err = { 0 };

	if (directory_make(path, 0700, &err) == ST_OK)
		return ST_OK;
	fprintf(stderr, "postroom mailbox export: %s\n", err.text);
	return ST_IO;
}

static enum status make_parent(const char *file)
{
	char *copy = strdup(file), *slash = copy ? strrchr(copy, '/') : NULL;
	enum status st = ST_OK;

	if (slash && slash != copy) {
		*slash = '\0';
		st = make_directory(copy);
	}
	free(copy);
	return st;
}

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
	char *path = path_join(folder, name);
	FILE *file = path ? fopen(path, mode) : NULL;

	if (!file)
		failed(path ? path : name);
	free(path);
	return file;
}

static enum status open_maildir(struct export_files *e, const struct ipc_mail_box *box)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	enum status st = ST_OK;

	for (size_t i = 0; i < 3 && !st; i++) {
		char *part = path_join(e->folder, parts[i]);

		st = part ? make_directory(part) : ST_NO_MEMORY;
		free(part);
	}
	memset(&e->keywords, 0, sizeof e->keywords);
	if (st)
		return st;
	/* who takes the folder over may keep the UIDs */
	e->list = open_file(e->folder, "dovecot-uidlist", "w");
	if (e->list)
		fprintf(e->list, "3 V%u N%u\n", box->uidvalidity, box->uidnext);
	return e->list ? ST_OK : ST_IO;
}

static enum status open_folder(struct export_files *e, const struct ipc_mail_box *box)
{
	enum status st;

	if (strcmp(e->path, "-") == 0) {
		e->out = stdout;
		return ST_OK;
	}
	if (e->format == MAIL_MBOX) {
		st = make_parent(e->folder);
		e->out = st ? NULL : fopen(e->folder, "w");
		return st ? st : e->out ? ST_OK : failed(e->folder);
	}
	st = make_directory(e->folder);
	if (st || e->format == MAIL_MAILDIR)
		return st ? st : open_maildir(e, box);
	e->list = open_file(e->folder, MAIL_FILES_LIST, "w");
	return e->list ? ST_OK : ST_IO;
}

static enum status write_keywords(struct export_files *e)
{
	FILE *file;

	if (!*e->keywords.names[0])
		return ST_OK;
	file = open_file(e->folder, "dovecot-keywords", "w");
	for (int i = 0; file && i < MAILDIR_KEYWORDS && *e->keywords.names[i]; i++)
		fprintf(file, "%d %s\n", i, e->keywords.names[i]);
	return !file ? ST_IO : fclose(file) ? failed("dovecot-keywords") : ST_OK;
}

static enum status close_file(FILE **file, const char *path)
{
	FILE *f = *file;
	bool is_bad;

	*file = NULL;
	if (!f)
		return ST_OK;
	is_bad = fflush(f) || ferror(f) || (f != stdout && fsync(fileno(f)) &&
					    errno != EINVAL && errno != EROFS);
	if (f != stdout && fclose(f))
		is_bad = true;
	return is_bad ? failed(path) : ST_OK;
}

static enum status end_message(struct export_files *e);

static enum status close_folder(struct export_files *e)
{
	enum status st = end_message(e);

	if (!st && e->folder && e->format == MAIL_MAILDIR)
		st = write_keywords(e);
	if (!st)
		st = close_file(&e->out, e->folder);
	if (!st)
		st = close_file(&e->list, e->folder);
	free(e->folder);
	e->folder = NULL;
	return st;
}

enum status export_box(struct export_files *e, const struct ipc_mail_box *box)
{
	struct buf path = BUF_INIT(8192);
	enum status st = close_folder(e);

	if (!st)
		st = folder_path(e, box->name, &path);
	if (!st)
		st = buf_append_char(&path, '\0');
	if (st) {
		buf_free(&path);
		return st;
	}
	e->folder = path.data;
	return open_folder(e, box);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void begin_mbox(struct export_files *e)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint32_t flags = e->mail.flags;
	struct date_civil c;

	date_civil_of(e->mail.internaldate, 0, &c);
	fprintf(e->out, "From MAILER-DAEMON %.3s %.3s %2d %02d:%02d:%02d %04d\n",
		days + 3 * c.weekday, months + 3 * (c.month - 1), c.day, c.hour, c.minute,
		c.second, (int)c.year);
	fprintf(e->out, "Status: %sO\nX-Status: %s%s%s%s\nX-Keywords: %.*s\n",
		flags & FLAG_SEEN ? "R" : "", flags & FLAG_ANSWERED ? "A" : "",
		flags & FLAG_FLAGGED ? "F" : "", flags & FLAG_DELETED ? "D" : "",
		flags & FLAG_DRAFT ? "T" : "", SLICE_ARG(e->mail.keywords));
}

/* A new file in folder/part, or in the folder itself. */
static enum status begin_file(struct export_files *e, const char *part)
{
	char name[120];

	snprintf(name, sizeof name, "%s%s", part, e->file);
	e->out = open_file(e->folder, name, "wx");
	return e->out ? ST_OK : ST_IO;
}

enum status export_mail(struct export_files *e, const struct ipc_mail *mail)
{
	enum status st = end_message(e);

	if (st)
		return st;
	e->mail = *mail;
	e->words.len = e->uidl.len = 0;
	st = buf_append(&e->words, mail->keywords);
	if (!st)
		st = buf_append(&e->uidl, mail->uidl);
	e->mail.keywords = buf_slice(&e->words);
	e->octets = 0;
	e->has_cr = false;
	e->at_line = true;
	e->matched = 0;
	e->last = '\n';
	if (e->format == MAIL_MBOX)
		begin_mbox(e);
	else if (e->format == MAIL_EML)
		snprintf(e->file, sizeof e->file, "%010u.eml", mail->uid);
	else
		snprintf(e->file, sizeof e->file, "%" PRId64 ".M%uP%" PRIu64 ".postroom",
			 mail->internaldate > 0 ? mail->internaldate : 0, mail->uid,
			 mail->message);
	if (!st && e->format != MAIL_MBOX)
		st = begin_file(e, e->format == MAIL_EML ? "" : "tmp/");
	e->is_open = st == ST_OK;
	return st;
}

static void put(struct export_files *e, char c)
{
	fputc_unlocked(c, e->out);
	e->octets++;
	e->last = c;
}

/* mboxrd: one more ">" in front of ">*From ". */
static void put_quoted(struct export_files *e, char c)
{
	static const char from[] = "From ";

	if (e->at_line && c == from[e->matched]) {
		if (++e->matched < 5)
			return;
		put(e, '>');
		for (size_t i = 0; i < 5; i++)
			put(e, from[i]);
		e->matched = 0;
		e->at_line = false;
		return;
	}
	for (size_t i = 0; i < e->matched; i++)
		put(e, from[i]);
	e->at_line = c == '\n' || (e->at_line && !e->matched && c == '>');
	e->matched = 0;
	put(e, c);
}

static void put_text(struct export_files *e, char c)
{
	if (e->format == MAIL_MBOX)
		put_quoted(e, c);
	else
		put(e, c);
}

/* CRLF becomes LF: every line of a message ends so. */
static void put_lines(struct export_files *e, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++) {
		char c = octets.data[i];

		if (e->has_cr && c != '\n')
			put_text(e, '\r');
		e->has_cr = c == '\r';
		if (!e->has_cr)
			put_text(e, c);
	}
}

enum status export_octets(struct export_files *e, struct slice octets)
{
	if (!e->is_open)
		return ST_OK;
	if (e->format == MAIL_EML)
		fwrite(octets.data, 1, octets.len, e->out);
	else
		put_lines(e, octets);
	return ferror(e->out) ? failed(e->folder ? e->folder : e->path) : ST_OK;
}

/* ---- their end ------------------------------------------------------------------------------ */

static void flush_text(struct export_files *e)
{
	static const char from[] = "From ";

	if (e->has_cr)
		put_text(e, '\r');
	for (size_t i = 0; i < e->matched; i++)
		put(e, from[i]);
	e->matched = 0;
	e->has_cr = false;
}

static enum status set_date(const struct export_files *e)
{
	const struct timespec times[2] = { { .tv_sec = e->mail.internaldate },
					   { .tv_sec = e->mail.internaldate } };

	return fflush(e->out) || futimens(fileno(e->out), times) ? failed(e->file) : ST_OK;
}

static enum status end_maildir(struct export_files *e)
{
	struct buf name = BUF_INIT(512);
	char *from = NULL, *to = NULL, tmp[120];
	bool lost = false;
	enum status st = set_date(e);

	snprintf(tmp, sizeof tmp, "tmp/%s", e->file);
	fprintf(e->list, "%u%s%.*s :%s,S=%" PRIu64 "\n", e->mail.uid,
		e->uidl.len ? " P" : "", SLICE_ARG(buf_slice(&e->uidl)), e->file,
		e->octets);
	if (!st)
		st = buf_append_fmt(&name, "cur/%s,S=%" PRIu64, e->file, e->octets);
	if (!st)
		st = maildir_info(e->mail.flags, e->mail.keywords, &e->keywords, &lost,
				  &name);
	e->lost += lost;
	if (!st)
		st = buf_append_char(&name, '\0');
	if (!st && (fclose(e->out) || !(from = path_join(e->folder, tmp)) ||
		    !(to = path_join(e->folder, name.data)) || rename(from, to)))
		st = failed(e->folder);
	e->out = NULL;
	free(from);
	free(to);
	buf_free(&name);
	return st;
}

static enum status end_eml(struct export_files *e)
{
	static const struct { uint32_t flag; const char *word; } rows[] = {
		{ FLAG_SEEN, "seen" }, { FLAG_ANSWERED, "answered" },
		{ FLAG_FLAGGED, "flagged" }, { FLAG_DELETED, "deleted" },
		{ FLAG_DRAFT, "draft" },
	};
	bool is_first = true;
	enum status st = set_date(e);

	fprintf(e->list, "%s\t", e->file);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (e->mail.flags & rows[i].flag) {
			fprintf(e->list, "%s%s", is_first ? "" : ",", rows[i].word);
			is_first = false;
		}
	fprintf(e->list, "\t%.*s\t%" PRId64 "\t%" PRId64 "\t%.*s\n",
		SLICE_ARG(e->mail.keywords), e->mail.internaldate, e->mail.zone,
		SLICE_ARG(buf_slice(&e->uidl)));
	if (!st && fclose(e->out))
		st = failed(e->file);
	e->out = NULL;
	return st;
}

static enum status end_message(struct export_files *e)
{
	if (!e->is_open)
		return ST_OK;
	e->is_open = false;
	if (e->format == MAIL_EML)
		return end_eml(e);
	flush_text(e);
	if (e->format == MAIL_MAILDIR)
		return end_maildir(e);
	/* a message without a line's end at its end has no empty line behind it */
	fputc('\n', e->out);
	return ferror(e->out) ? failed(e->folder ? e->folder : e->path) : ST_OK;
}

enum status export_give_up(struct export_files *e)
{
	char name[120], *path;

	if (!e->is_open)
		return ST_OK;
	if (e->format == MAIL_MBOX)
		return end_message(e);
	e->is_open = false;
	fclose(e->out);
	e->out = NULL;
	snprintf(name, sizeof name, "%s%s", e->format == MAIL_EML ? "" : "tmp/", e->file);
	path = path_join(e->folder, name);
	if (path)
		unlink(path);
	free(path);
	return ST_OK;
}

enum status export_finish(struct export_files *e)
{
	enum status st = close_folder(e);
	int fd;

	if (st || strcmp(e->path, "-") == 0)
		return st;
	/* files of one message each are synced together */
	fd = open(e->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syncfs(fd) && errno != EROFS))
		st = failed(e->path);
	if (fd >= 0)
		close(fd);
	return st;
}
