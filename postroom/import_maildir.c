#include <config.h>

#include "postroom/import_priv.h"

#include "postroom/files.h"
#include "postroom/maildir.h"
#include "postroom/names.h"

#include <errno.h>
#include <stdlib.h>

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
		return import_no_memory();
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
		import_failed(f, directory, strerror(errno));
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
	return st ? import_no_memory() : ST_OK;
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
	st = st ? import_no_memory() : import_file(f, whole, &mail);
	free(whole);
	buf_free(&keywords);
	return st;
}

static enum status import_folder(struct import_files *f, const char *path,
				 const char *rel)
{
	struct folder d = { .list = BUF_INIT(IMPORT_LIST_MAX) };
	struct ordered *order = NULL;
	enum status st = import_enter(f, rel);

	read_keywords(&d, path);
	if (!st)
		st = read_list(&d, path);
	if (!st)
		st = read_files(f, &d, path, "cur");
	if (!st)
		st = read_files(f, &d, path, "new");
	if (!st && !(order = calloc(d.files.count + 1, sizeof *order)))
		st = import_no_memory();
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
enum status import_maildir(struct import_files *f, const char *path,
			   const char *rel)
{
	struct names names = { 0 };
	enum status st = import_folder(f, path, rel);

	if (!st && names_of_directory(&names, path) != ST_OK)
		import_failed(f, path, strerror(errno));
	for (size_t i = 0; i < names.count && !st; i++) {
		struct buf name = BUF_INIT(4000);
		char *folder = path_join(path, names.items[i]);
		bool is_folder = folder && names.items[i][0] == '.' && import_is_maildir(folder);

		if (is_folder && *rel)
			buf_append_fmt(&name, "%s/", rel);
		if (is_folder && maildir_folder(slice_str(names.items[i]), &name) == ST_OK &&
		    buf_append_char(&name, '\0') == ST_OK)
			st = import_folder(f, folder, name.data);
		else if (is_folder)
			import_failed(f, folder, "no mailbox can have that name");
		free(folder);
		buf_free(&name);
	}
	names_free(&names);
	return st;
}
