#include "tests/support/fault_disk.h"

#include "tests/support/fault_vfs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES 64
#define SECTOR 512

struct content {
	unsigned char *data;
	size_t len, cap;
};

/* A write, or with data NULL a truncation to offset. */
struct change {
	struct change *next;
	unsigned char *data;
	size_t octets;
	uint64_t offset;
	uint64_t number;	/* over all files, in the order they came */
};

struct disk_file {
	char path[160];
	struct content synced;
	struct change *first, **last;	/* since then */
	bool is_journal;
	bool is_named;		/* its entry in the directory is on the disk */
	bool is_removed;	/* as far as the process sees */
	/* removed and made again, and the directory not synced: the file before */
	struct content before;
	bool has_before;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_file files[FILES];
static uint64_t changes;
static fault_moment_fn *moment;
static void *moment_arg;

unsigned fault_pick(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % n;
}

/* ---- contents ------------------------------------------------------------------ */

static void content_size(struct content *c, size_t size)
{
	if (size > c->cap) {
		size_t cap = size + size / 2;
		unsigned char *grown = realloc(c->data, cap);

		if (!grown)
			abort();
		c->data = grown;
		c->cap = cap;
	}
	if (size > c->len)
		memset(c->data + c->len, 0, size - c->len);
	c->len = size;
}

static void content_write(struct content *c, const unsigned char *data,
			  size_t octets, uint64_t offset)
{
	if (offset + octets > c->len)
		content_size(c, offset + octets);
	if (octets)
		memcpy(c->data + offset, data, octets);
}

static void content_copy(struct content *to, const struct content *from)
{
	to->len = 0;
	content_write(to, from->data, from->len, 0);
}

static void content_free(struct content *c)
{
	free(c->data);
	*c = (struct content){ 0 };
}

static void content_read(struct content *c, const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned char block[65536];
	size_t n;

	if (!file)
		return;
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		content_write(c, block, n, c->len);
	fclose(file);
}

/* ---- changes ------------------------------------------------------------------- */

static void forget_changes(struct disk_file *f)
{
	while (f->first) {
		struct change *c = f->first;

		f->first = c->next;
		free(c->data);
		free(c);
	}
	f->last = &f->first;
}

static void apply(struct content *to, const struct change *c)
{
	if (c->data)
		content_write(to, c->data, c->octets, c->offset);
	else
		content_size(to, c->offset);
}

static void add_change(struct disk_file *f, const void *data, size_t octets,
		       uint64_t offset)
{
	struct change *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	if (data) {
		c->data = malloc(octets + 1);
		if (!c->data)
			abort();
		memcpy(c->data, data, octets);
	}
	c->octets = octets;
	c->offset = offset;
	pthread_mutex_lock(&lock);
	c->number = ++changes;
	*f->last = c;
	f->last = &c->next;
	pthread_mutex_unlock(&lock);
}

void disk_write(struct disk_file *f, const void *data, size_t octets,
		uint64_t offset)
{
	if (f)
		add_change(f, data, octets, offset);
}

void disk_truncate(struct disk_file *f, uint64_t size)
{
	if (f)
		add_change(f, NULL, 0, size);
}

static void sync_directory(void)
{
	for (struct disk_file *f = files; f < files + FILES; f++) {
		if (!f->path[0])
			continue;
		f->is_named = !f->is_removed;
		f->has_before = false;
		content_free(&f->before);
	}
}

void disk_sync(struct disk_file *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&lock);
	for (const struct change *c = f->first; c; c = c->next)
		apply(&f->synced, c);
	forget_changes(f);
	if (f->is_journal && !f->is_named)
		sync_directory();
	f->is_named = true;
	pthread_mutex_unlock(&lock);
}

void disk_lose(struct disk_file *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&lock);
	forget_changes(f);
	pthread_mutex_unlock(&lock);
}

/* ---- names ---------------------------------------------------------------------- */

static struct disk_file *find(const char *path, bool make)
{
	struct disk_file *f;

	for (f = files; f < files + FILES; f++)
		if (strcmp(f->path, path) == 0)
			return f;
	if (!make)
		return NULL;
	for (f = files; f < files + FILES && f->path[0]; f++)
		;
	if (f == files + FILES)
		abort();
	snprintf(f->path, sizeof f->path, "%s", path);
	f->last = &f->first;
	content_read(&f->synced, path);
	f->is_named = f->synced.len > 0;
	return f;
}

struct disk_file *disk_open(const char *path, bool is_journal)
{
	struct disk_file *f;

	if (!path)
		return NULL;
	pthread_mutex_lock(&lock);
	f = find(path, true);
	f->is_journal = is_journal;
	f->is_removed = false;
	pthread_mutex_unlock(&lock);
	return f;
}

void disk_delete(const char *path, bool and_sync)
{
	struct disk_file *f;

	pthread_mutex_lock(&lock);
	f = find(path, false);
	if (f) {
		if (f->is_named && !f->has_before) {
			f->has_before = true;
			content_copy(&f->before, &f->synced);
		}
		forget_changes(f);
		f->synced.len = 0;
		f->is_removed = true;
		f->is_named = false;
		if (and_sync)
			sync_directory();
	}
	pthread_mutex_unlock(&lock);
}

void fault_disk_begin(void)
{
	pthread_mutex_lock(&lock);
	for (struct disk_file *f = files; f < files + FILES; f++) {
		forget_changes(f);
		content_free(&f->synced);
		content_free(&f->before);
		*f = (struct disk_file){ 0 };
	}
	pthread_mutex_unlock(&lock);
}

/* ---- moments and images ------------------------------------------------------------ */

void fault_disk_moments(fault_moment_fn *fn, void *arg)
{
	moment = fn;
	moment_arg = arg;
}

void disk_moment(bool is_sync)
{
	if (moment)
		moment(moment_arg, is_sync);
}

/* How much of what was not synced arrived. */
struct luck {
	uint64_t *seed;
	uint64_t up_to;		/* changes behind this one did not */
	unsigned percent;	/* of the sectors before it did */
	bool grows;		/* the length is on the disk before the octets */
};

static bool arrives(const struct luck *l)
{
	return fault_pick(l->seed, 100) < l->percent;
}

static void apply_sectors(struct content *to, const struct change *c,
			  const struct luck *l)
{
	size_t at = 0, n;

	if (l->grows && c->offset + c->octets > to->len)
		content_size(to, c->offset + c->octets);
	while (at < c->octets) {
		n = SECTOR - (c->offset + at) % SECTOR;
		if (n > c->octets - at)
			n = c->octets - at;
		if (arrives(l))		/* now and then a part of it */
			content_write(to, c->data + at,
				      fault_pick(l->seed, 16) ? n :
				      fault_pick(l->seed, (unsigned)n + 1),
				      c->offset + at);
		at += n;
	}
}

static void apply_some(struct content *to, const struct disk_file *f,
		       const struct luck *l)
{
	for (const struct change *c = f->first; c; c = c->next) {
		if (c->number > l->up_to)
			break;
		if (l->percent == 100)
			apply(to, c);
		else if (c->data)
			apply_sectors(to, c, l);
		else if (arrives(l))
			apply(to, c);
	}
}

bool fault_disk_is_true(void)
{
	struct content seen, real;
	bool is_true = true;

	pthread_mutex_lock(&lock);
	for (struct disk_file *f = files; f < files + FILES; f++) {
		if (!f->path[0] || f->is_removed)
			continue;
		seen = real = (struct content){ 0 };
		content_copy(&seen, &f->synced);
		for (const struct change *c = f->first; c; c = c->next)
			apply(&seen, c);
		content_read(&real, f->path);
		if (seen.len != real.len ||
		    (seen.len && memcmp(seen.data, real.data, seen.len) != 0))
			is_true = false;
		content_free(&seen);
		content_free(&real);
	}
	pthread_mutex_unlock(&lock);
	return is_true;
}

bool fault_disk_is_synced(void)
{
	bool is_synced = true;

	pthread_mutex_lock(&lock);
	for (struct disk_file *f = files; f < files + FILES; f++)
		if (f->is_journal && !f->is_removed && f->first)
			is_synced = false;
	pthread_mutex_unlock(&lock);
	return is_synced;
}

static void write_file(const struct disk_file *f, const char *to,
		       const struct content *c)
{
	const char *name = strrchr(f->path, '/');
	char path[320];
	FILE *file;

	snprintf(path, sizeof path, "%s%s", to, name);
	file = fopen(path, "w");
	if (!file || (c->len && fwrite(c->data, 1, c->len, file) != c->len))
		abort();
	fclose(file);
}

static void write_image(const struct disk_file *f, const char *to,
			const struct luck *l)
{
	struct content c = { 0 };

	if (f->has_before && fault_pick(l->seed, 2)) {
		write_file(f, to, &f->before);
		return;
	}
	if (f->is_removed || (!f->is_named && !arrives(l)))
		return;
	content_copy(&c, &f->synced);
	apply_some(&c, f, l);
	write_file(f, to, &c);
	content_free(&c);
}

void fault_disk_image(const char *dir, const char *to, uint64_t *seed)
{
	static const unsigned chances[] = { 0, 100, 100, 10, 50, 90 };
	struct luck l = { .seed = seed, .up_to = UINT64_MAX };
	uint64_t first = UINT64_MAX;
	size_t len = strlen(dir);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FILES; i++)
		if (files[i].first && files[i].first->number < first)
			first = files[i].first->number;
	l.percent = chances[fault_pick(seed, 6)];
	l.grows = fault_pick(seed, 2);
	if (first < UINT64_MAX && fault_pick(seed, 2))
		l.up_to = first + fault_pick(seed, (unsigned)(changes - first) + 1);
	for (size_t i = 0; i < FILES; i++)
		if (strncmp(files[i].path, dir, len) == 0 &&
		    files[i].path[len] == '/')
			write_image(&files[i], to, &l);
	pthread_mutex_unlock(&lock);
}
