#include <config.h>

#include "postroom/import_priv.h"

#include "common/utf8.h"
#include "postroom/files.h"
#include "postroom/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX	32

bool mail_format_find(const char *name, enum mail_format *format)
{
	static const char *const names[] = {
		[MAIL_AUTO] = "auto", [MAIL_MAILDIR] = "maildir", [MAIL_MBOX] = "mbox",
		[MAIL_MBOXO] = "mboxo", [MAIL_MBOXCL2] = "mboxcl2", [MAIL_EML] = "eml",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*format = (enum mail_format)i;
			return true;
		}
	return false;
}

/* ---- what goes wrong with one file ------------------------------------------------- */

void import_failed(struct import_files *f, const char *path, const char *why)
{
	mail_sink_tell(f->sink, slice_str(path), why);
	f->failed++;
}

enum status import_no_memory(void)
{
	fputs("postroom: out of memory\n", stderr);
	return ST_NO_MEMORY;
}

bool import_is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool import_is_maildir(const char *path)
{
	char *cur = path_join(path, "cur"), *new = path_join(path, "new");
	bool is = cur && new && import_is_directory(cur) && import_is_directory(new);

	free(cur);
	free(new);
	return is;
}

/* ---- mailboxes, and files that are one message --------------------------------------- */

enum status import_enter(struct import_files *f, const char *rel)
{
	char name[4096];
	struct ipc_mail_box box = { .use = SLICE_EMPTY, .subscribed = 1 };

	snprintf(name, sizeof name, "%s%s%s", f->mailbox,
		 *f->mailbox && *rel ? "/" : "", rel);
	box.name = *name ? slice_str(name) : SLICE("INBOX");
	return mail_sink_box(f->sink, &box);
}

static enum status send_file(struct import_files *f, int fd, const char *path,
			     struct ipc_mail *mail)
{
	char block[IMPORT_BLOCK];
	enum status st = mail_sink_mail(f->sink, mail);
	ssize_t n = 1;

	while (!st && n > 0) {
		n = read(fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			st = mail_sink_octets(f->sink, slice_of(block, (size_t)n));
	}
	if (n < 0)
		import_failed(f, path, "was read in part only");
	return st;
}

enum status import_file(struct import_files *f, const char *path,
			struct ipc_mail *mail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum status result;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		import_failed(f, path, fd < 0 ? strerror(errno) : "is no file");
		if (fd >= 0)
			close(fd);
		return ST_OK;
	}
	mail->label = slice_str(path);
	mail->octets = (uint64_t)st.st_size;
	if (mail->internaldate == INT64_MIN)
		mail->internaldate = st.st_mtime;
	result = send_file(f, fd, path, mail);
	close(fd);
	return result;
}

/* ---- trees ------------------------------------------------------------------------------------------ */

enum status mail_files_decode(struct slice name, struct buf *level)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < name.len && !st; i++) {
		struct slice rest = slice_from(name, i);

		if (slice_case_starts(rest, SLICE("%2E")))
			st = buf_append_char(level, '.'), i += 2;
		else if (slice_starts(rest, SLICE("%25")))
			st = buf_append_char(level, '%'), i += 2;
		else
			st = buf_append_char(level, name.data[i]);
	}
	return !st && !utf8_is_valid(name) ? ST_SYNTAX : st;
}

enum status mail_files_encode(struct slice level, struct buf *name)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < level.len && !st; i++)
		st = level.data[i] == '%' ? buf_append(name, SLICE("%25")) :
		     level.data[i] == '.' && i == 0 ? buf_append(name, SLICE("%2E")) :
		     buf_append_char(name, level.data[i]);
	return st;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n > s && strcmp(name + n - s, suffix) == 0;
}

/* rel/name, decoded, without its suffix. The caller frees it; NULL after a message. */
static char *below(struct import_files *f, const char *path, const char *rel,
		   const char *name, size_t suffix)
{
	struct buf joined = BUF_INIT(4000);
	struct slice level = slice_of(name, strlen(name) - suffix);
	enum status st = buf_append_fmt(&joined, "%s%s", rel, *rel ? "/" : "");

	if (!st)
		st = mail_files_decode(level, &joined);
	if (!st)
		st = buf_append_char(&joined, '\0');
	if (!st)
		return joined.data;
	buf_free(&joined);
	import_failed(f, path, "no mailbox can have that name");
	return NULL;
}

/* Folders that are still to be looked at: path and mailbox in turns. */
struct walk {
	struct import_files *files;
	struct names waiting;
	size_t found;
};

static enum status walk_entry(struct walk *w, const char *path, const char *name,
			      const char *rel, struct slice *list)
{
	struct import_files *f = w->files;
	bool is_mbox = has_suffix(name, ".mbox");
	char *mailbox;
	enum status st = ST_OK;

	if (has_suffix(name, ".eml") && !import_is_directory(path)) {
		w->found++;
		return import_eml(f, path, name, list);
	}
	if (name[0] == '.' || (!is_mbox && !import_is_directory(path)))
		return ST_OK;
	mailbox = below(f, path, rel, name, is_mbox ? 5 : 0);
	if (!mailbox)
		return ST_OK;
	if (is_mbox && !import_is_directory(path)) {
		w->found++;
		st = import_mbox(f, path, mailbox);
		if (!st)
			st = import_enter(f, rel);
	} else {
		st = names_add(&w->waiting, path);
		if (!st)
			st = names_add(&w->waiting, mailbox);
	}
	free(mailbox);
	return st;
}

static size_t depth_of(const char *rel)
{
	size_t n = 0;

	for (; *rel; rel++)
		n += *rel == '/';
	return n;
}

static enum status walk_folder(struct walk *w, const char *path, const char *rel)
{
	struct import_files *f = w->files;
	struct names names = { 0 };
	struct buf list = BUF_INIT(IMPORT_LIST_MAX);
	char *list_path = path_join(path, MAIL_FILES_LIST);
	struct slice rest;
	enum status st = ST_OK;

	if (import_is_maildir(path)) {
		w->found++;
		free(list_path);
		return import_maildir(f, path, rel);
	}
	if (!list_path || file_read(list_path, &list, NULL) != ST_OK)
		list.len = 0;
	rest = buf_slice(&list);
	if (names_of_directory(&names, path) != ST_OK || depth_of(rel) > DEPTH_MAX)
		import_failed(f, path, depth_of(rel) > DEPTH_MAX ? "is too deep" :
			      strerror(errno));
	else
		st = import_enter(f, rel);
	for (size_t i = 0; i < names.count && !st; i++) {
		char *below = path_join(path, names.items[i]);

		st = below ? walk_entry(w, below, names.items[i], rel, &rest)
			   : import_no_memory();
		progress_show(f->progress, i + 1, names.count);
		free(below);
	}
	names_free(&names);
	buf_free(&list);
	free(list_path);
	return st;
}

static enum status import_tree(struct import_files *f, const char *path)
{
	struct walk w = { .files = f };
	enum status st = walk_folder(&w, path, "");

	while (!st && w.waiting.count) {
		char *rel = w.waiting.items[--w.waiting.count];
		char *folder = w.waiting.items[--w.waiting.count];

		st = walk_folder(&w, folder, rel);
		free(rel);
		free(folder);
	}
	names_free(&w.waiting);
	if (!st && !w.found) {
		mail_sink_tell(f->sink, slice_str(path), "there is no Maildir, no .mbox "
			       "and no .eml file");
		return ST_NOT_FOUND;
	}
	return st;
}

static bool looks_like_mbox(const char *path)
{
	char text[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool is = fd >= 0 && read(fd, text, 5) == 5 && memcmp(text, "From ", 5) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

enum status import_files(struct import_files *f, const char *path)
{
	struct slice none = SLICE_EMPTY;
	bool is_mbox = f->format == MAIL_MBOX || f->format == MAIL_MBOXO ||
		       f->format == MAIL_MBOXCL2;
	enum status st;

	if (strcmp(path, "-") == 0)
		return import_mbox(f, path, "");
	if (access(path, R_OK)) {
		fprintf(stderr, "postroom: %s: %s\n", path, strerror(errno));
		return ST_NOT_FOUND;
	}
	if (f->format == MAIL_MAILDIR)
		return import_maildir(f, path, "");
	if (import_is_directory(path))
		return import_tree(f, path);
	if (is_mbox || (f->format == MAIL_AUTO && (has_suffix(path, ".mbox") ||
						   looks_like_mbox(path))))
		return import_mbox(f, path, "");
	st = import_enter(f, "");
	return st ? st : import_eml(f, path, path, &none);
}
