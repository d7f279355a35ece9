#include <config.h>

#include "postroom/mail_files.h"

#include "common/flags.h"
#include "common/utf8.h"
#include "postroom/files.h"
#include "postroom/maildir.h"
#include "postroom/mbox_reader.h"
#include "postroom/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK		65536
#define LIST_MAX	((size_t)256 << 20)	/* dovecot-uidlist of millions */
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

static void file_failed(struct import_files *f, const char *path, const char *why)
{
	mail_sink_tell(f->sink, slice_str(path), why);
	f->failed++;
}

static enum status no_memory(void)
{
	fputs("postroom: out of memory\n", stderr);
	return ST_NO_MEMORY;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_maildir(const char *path)
{
	char *cur = path_join(path, "cur"), *new = path_join(path, "new");
	bool is = cur && new && is_directory(cur) && is_directory(new);

	free(cur);
	free(new);
	return is;
}

/* ---- mailboxes ---------------------------------------------------------------------- */

/* rel: below the mailbox of the command; "" is that itself. */
static enum status enter(struct import_files *f, const char *rel)
{
	char name[4096];
	struct ipc_mail_box box = { .use = SLICE_EMPTY, .subscribed = 1 };

	snprintf(name, sizeof name, "%s%s%s", f->mailbox,
		 *f->mailbox && *rel ? "/" : "", rel);
	box.name = *name ? slice_str(name) : SLICE("INBOX");
	return mail_sink_box(f->sink, &box);
}

/* ---- one file is one message ----------------------------------------------------------- */

static enum status send_file(struct import_files *f, int fd, const char *path,
			     struct ipc_mail *mail)
{
	char block[BLOCK];
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
		file_failed(f, path, "was read in part only");
	return st;
}

/* mail: what is known beside it; internaldate INT64_MIN takes the file's. */
static enum status import_file(struct import_files *f, const char *path,
			       struct ipc_mail *mail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum status result;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		file_failed(f, path, fd < 0 ? strerror(errno) : "is no file");
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

/* ---- Maildir ----------------------------------------------------------------------------- */

/* A line of dovecot-uidlist; slices of the file's text. */
struct listed {
	struct slice file, uidl;
	uint32_t uid;
};

struct folder {
	struct maildir_keywords keywords;
	struct buf list;
	struct listed *listed;	/* by file */
	size_t listed_count;
	struct names files;	/* "cur/..." */
};

static int compare_listed(const void *a, const void *b)
{
	return slice_compare(((const struct listed *)a)->file,
			     ((const struct listed *)b)->file);
}

static void folder_clear(struct folder *d)
{
	buf_free(&d->list);
	free(d->listed);
	names_free(&d->files);
}

static void read_keywords(struct folder *d, const char *path)
{
	struct buf text = BUF_INIT(65536);
	char *name = path_join(path, "dovecot-keywords");
	struct slice rest, line;

	if (name && file_read(name, &text, NULL) == ST_OK) {
		rest = buf_slice(&text);
		while (slice_split(&rest, '\n', &line))
			maildir_keywords_take(&d->keywords, line);
	}
	free(name);
	buf_free(&text);
}

static enum status read_list(struct folder *d, const char *path)
{
	char *name = path_join(path, "dovecot-uidlist");
	struct slice rest, line;
	struct listed one;
	size_t lines = 0;

	if (!name || file_read(name, &d->list, NULL) != ST_OK)
		d->list.len = 0;
	free(name);
	for (size_t i = 0; i < d->list.len; i++)
		lines += d->list.data[i] == '\n';
	d->listed = calloc(lines + 1, sizeof *d->listed);
	if (!d->listed)
		return no_memory();
	rest = buf_slice(&d->list);
	while (d->listed_count <= lines && slice_split(&rest, '\n', &line))
		if (maildir_uidlist_take(line, &one.uid, &one.uidl, &one.file))
			d->listed[d->listed_count++] = one;
	qsort(d->listed, d->listed_count, sizeof *d->listed, compare_listed);
	return ST_OK;
}

static enum status read_files(struct import_files *f, struct folder *d,
			      const char *path, const char *part)
{
	struct names names = { 0 };
	char *directory = path_join(path, part), joined[600];
	enum status st = directory ? names_of_directory(&names, directory) : ST_NO_MEMORY;

	if (st == ST_IO) {
		file_failed(f, directory, strerror(errno));
		st = ST_OK;
	}
	for (size_t i = 0; i < names.count && !st; i++) {
		if (names.items[i][0] == '.')
			continue;
		snprintf(joined, sizeof joined, "%s/%s", part, names.items[i]);
		st = names_add(&d->files, joined);
	}
	names_free(&names);
	free(directory);
	return st ? no_memory() : ST_OK;
}

static const struct listed *find_listed(const struct folder *d, const char *file)
{
	struct listed key = { .file = maildir_base(slice_str(strchr(file, '/') + 1)) };

	return d->listed_count ? bsearch(&key, d->listed, d->listed_count,
					 sizeof key, compare_listed) : NULL;
}

/* In the order of their UIDs, those without one behind, by name. */
struct ordered {
	const char *file;
	const struct listed *listed;
};

static int compare_ordered(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->listed && y->listed && x->listed->uid != y->listed->uid)
		return x->listed->uid < y->listed->uid ? -1 : 1;
	if (!x->listed != !y->listed)
		return x->listed ? -1 : 1;
	return strcmp(strchr(x->file, '/'), strchr(y->file, '/'));
}

static enum status import_ordered(struct import_files *f, const struct folder *d,
				  const char *path, const struct ordered *o)
{
	struct buf keywords = BUF_INIT(4096);
	struct ipc_mail mail = { .internaldate = INT64_MIN };
	char *whole = path_join(path, o->file);
	enum status st = whole ? maildir_flags(slice_str(o->file), &d->keywords,
					       &mail.flags, &keywords) : ST_NO_MEMORY;

	mail.keywords = buf_slice(&keywords);
	mail.mid = mail.recipient = mail.uidl = SLICE_EMPTY;
	if (o->listed)
		mail.uidl = o->listed->uidl;
	st = st ? no_memory() : import_file(f, whole, &mail);
	free(whole);
	buf_free(&keywords);
	return st;
}

static enum status import_folder(struct import_files *f, const char *path,
				 const char *rel)
{
	struct folder d = { .list = BUF_INIT(LIST_MAX) };
	struct ordered *order = NULL;
	enum status st = enter(f, rel);

	read_keywords(&d, path);
	if (!st)
		st = read_list(&d, path);
	if (!st)
		st = read_files(f, &d, path, "cur");
	if (!st)
		st = read_files(f, &d, path, "new");
	if (!st && !(order = calloc(d.files.count + 1, sizeof *order)))
		st = no_memory();
	for (size_t i = 0; i < d.files.count && !st; i++)
		order[i] = (struct ordered){ d.files.items[i],
					     find_listed(&d, d.files.items[i]) };
	if (!st)
		qsort(order, d.files.count, sizeof *order, compare_ordered);
	for (size_t i = 0; i < d.files.count && !st; i++) {
		st = import_ordered(f, &d, path, &order[i]);
		progress_show(f->progress, i + 1, d.files.count);
	}
	free(order);
	folder_clear(&d);
	return st;
}

/* Folders of Maildir++ lie beside cur, all on one level. */
static enum status import_maildir(struct import_files *f, const char *path,
				  const char *rel)
{
	struct names names = { 0 };
	enum status st = import_folder(f, path, rel);

	if (!st && names_of_directory(&names, path) != ST_OK)
		file_failed(f, path, strerror(errno));
	for (size_t i = 0; i < names.count && !st; i++) {
		struct buf name = BUF_INIT(4000);
		char *folder = path_join(path, names.items[i]);
		bool is_folder = folder && names.items[i][0] == '.' && is_maildir(folder);

		if (is_folder && *rel)
			buf_append_fmt(&name, "%s/", rel);
		if (is_folder && maildir_folder(slice_str(names.items[i]), &name) == ST_OK &&
		    buf_append_char(&name, '\0') == ST_OK)
			st = import_folder(f, folder, name.data);
		else if (is_folder)
			file_failed(f, folder, "no mailbox can have that name");
		free(folder);
		buf_free(&name);
	}
	names_free(&names);
	return st;
}

/* ---- mbox ------------------------------------------------------------------------------------ */

struct mbox_import {
	struct import_files *files;
	const char *path;
	int fd;
	bool can_seek;
	uint64_t size;
};

static enum status mbox_begin(void *arg, const struct mbox_message *m)
{
	struct mbox_import *b = arg;
	char label[4200];
	struct ipc_mail mail = {
		.flags = m->flags, .keywords = m->keywords, .internaldate = m->date,
		.zone = m->zone, .mid = SLICE_EMPTY, .recipient = SLICE_EMPTY,
		.uidl = SLICE_EMPTY,
	};

	snprintf(label, sizeof label, "%s, message at octet %llu", b->path,
		 (unsigned long long)m->offset);
	mail.label = slice_str(label);
	if (b->size)
		progress_show(b->files->progress, m->offset, b->size);
	return mail_sink_mail(b->files->sink, &mail);
}

static enum status mbox_octets(void *arg, struct slice octets)
{
	struct mbox_import *b = arg;

	return mail_sink_octets(b->files->sink, octets);
}

static enum status mbox_end(void *arg)
{
	(void)arg;	/* the next one, or the end, says so */
	return ST_OK;
}

static bool mbox_ends_at(void *arg, uint64_t offset)
{
	const struct mbox_import *b = arg;
	char text[16];
	struct slice s;
	ssize_t n;

	if (offset > b->size)
		return false;
	n = pread(b->fd, text, sizeof text, (off_t)offset);
	s = slice_of(text, n > 0 ? (size_t)n : 0);
	while (s.len && (s.data[0] == '\n' || s.data[0] == '\r'))
		s = slice_from(s, 1);
	return n == 0 || s.len == 0 || slice_starts(s, SLICE("From "));
}

static enum status mbox_read(struct mbox_import *b, struct mbox_reader *r)
{
	char block[BLOCK];
	enum status st = ST_OK;
	ssize_t n = 1;

	while (!st && n > 0) {
		n = read(b->fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			st = mbox_reader_feed(r, slice_of(block, (size_t)n));
	}
	if (n < 0)
		file_failed(b->files, b->path, strerror(errno));
	return st ? st : mbox_reader_end(r);
}

static enum status import_mbox(struct import_files *f, const char *path, const char *rel)
{
	static const struct mbox_events seeing = { mbox_begin, mbox_octets, mbox_end,
						   mbox_ends_at };
	static const struct mbox_events blind = { mbox_begin, mbox_octets, mbox_end, NULL };
	bool is_stdin = strcmp(path, "-") == 0;
	struct mbox_import b = { .files = f, .path = path };
	struct mbox_reader *r;
	struct stat st;
	enum status result = enter(f, rel);

	b.fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (result || b.fd < 0) {
		if (!result)
			file_failed(f, path, strerror(errno));
		return result;
	}
	b.can_seek = fstat(b.fd, &st) == 0 && S_ISREG(st.st_mode);
	b.size = b.can_seek ? (uint64_t)st.st_size : 0;
	r = mbox_reader_new(f->format == MAIL_MBOXO ? MBOX_O :
			    f->format == MAIL_MBOXCL2 ? MBOX_CL2 : MBOX_RD,
			    b.can_seek ? &seeing : &blind, &b);
	f->progress->is_octets = true;
	result = r ? mbox_read(&b, r) : no_memory();
	f->progress->is_octets = false;
	if (result == ST_SYNTAX) {
		file_failed(f, path, "is no mbox: it does not begin with a \"From \" line");
		result = ST_OK;
	}
	mbox_reader_free(r);
	close(b.fd);
	return result;
}

/* ---- .eml ----------------------------------------------------------------------------------------- */

static void take_flag_words(struct slice words, uint32_t *flags)
{
	static const struct { const char *word; uint32_t flag; } rows[] = {
		{ "seen", FLAG_SEEN }, { "answered", FLAG_ANSWERED },
		{ "flagged", FLAG_FLAGGED }, { "deleted", FLAG_DELETED },
		{ "draft", FLAG_DRAFT },
	};
	struct slice word;

	while (slice_split(&words, ',', &word))
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (slice_eq(word, slice_str(rows[i].word)))
				*flags |= rows[i].flag;
}

static bool number_of(struct slice s, int64_t *value)
{
	bool is_negative = s.len && s.data[0] == '-';
	unsigned long long n;

	if (!slice_number(slice_from(s, is_negative), INT64_MAX, &n))
		return false;
	*value = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static void take_cells(struct slice line, struct ipc_mail *mail)
{
	struct slice cell[6];
	size_t n = 0;

	while (n < 6 && slice_split(&line, '\t', &cell[n]))
		n++;
	if (n < 6)
		return;
	take_flag_words(cell[1], &mail->flags);
	mail->keywords = cell[2];
	number_of(cell[3], &mail->internaldate);
	number_of(cell[4], &mail->zone);
	mail->uidl = cell[5];
}

/* What the folder's list says of the file: both are in the order of octets. */
static void take_listed(struct slice *list, const char *file, struct ipc_mail *mail)
{
	struct slice rest = *list, line;

	while (slice_split(&rest, '\n', &line)) {
		int order = slice_compare(slice_head(line, slice_index(line, '\t')),
					  slice_str(file));

		if (order > 0)
			return;
		*list = rest;
		if (order == 0) {
			take_cells(line, mail);
			return;
		}
	}
}

static enum status import_eml(struct import_files *f, const char *path,
			      const char *file, struct slice *list)
{
	struct ipc_mail mail = { .internaldate = INT64_MIN, .keywords = SLICE_EMPTY,
				 .mid = SLICE_EMPTY, .recipient = SLICE_EMPTY,
				 .uidl = SLICE_EMPTY };

	take_listed(list, file, &mail);
	return import_file(f, path, &mail);
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
	file_failed(f, path, "no mailbox can have that name");
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

	if (has_suffix(name, ".eml") && !is_directory(path)) {
		w->found++;
		return import_eml(f, path, name, list);
	}
	if (name[0] == '.' || (!is_mbox && !is_directory(path)))
		return ST_OK;
	mailbox = below(f, path, rel, name, is_mbox ? 5 : 0);
	if (!mailbox)
		return ST_OK;
	if (is_mbox && !is_directory(path)) {
		w->found++;
		st = import_mbox(f, path, mailbox);
		if (!st)
			st = enter(f, rel);
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
	struct buf list = BUF_INIT(LIST_MAX);
	char *list_path = path_join(path, MAIL_FILES_LIST);
	struct slice rest;
	enum status st = ST_OK;

	if (is_maildir(path)) {
		w->found++;
		free(list_path);
		return import_maildir(f, path, rel);
	}
	if (!list_path || file_read(list_path, &list, NULL) != ST_OK)
		list.len = 0;
	rest = buf_slice(&list);
	if (names_of_directory(&names, path) != ST_OK || depth_of(rel) > DEPTH_MAX)
		file_failed(f, path, depth_of(rel) > DEPTH_MAX ? "is too deep" :
			    strerror(errno));
	else
		st = enter(f, rel);
	for (size_t i = 0; i < names.count && !st; i++) {
		char *below = path_join(path, names.items[i]);

		st = below ? walk_entry(w, below, names.items[i], rel, &rest)
			   : no_memory();
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
	if (is_directory(path))
		return import_tree(f, path);
	if (is_mbox || (f->format == MAIL_AUTO && (has_suffix(path, ".mbox") ||
						   looks_like_mbox(path))))
		return import_mbox(f, path, "");
	st = enter(f, "");
	return st ? st : import_eml(f, path, path, &none);
}
