#include <config.h>

#include "postroom/import_priv.h"

#include "postroom/mbox_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
	char block[IMPORT_BLOCK];
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
		import_failed(b->files, b->path, strerror(errno));
	return st ? st : mbox_reader_end(r);
}

enum status import_mbox(struct import_files *f, const char *path, const char *rel)
{
	static const struct mbox_events seeing = { mbox_begin, mbox_octets, mbox_end,
						   mbox_ends_at };
	static const struct mbox_events blind = { mbox_begin, mbox_octets, mbox_end, NULL };
	bool is_stdin = strcmp(path, "-") == 0;
	struct mbox_import b = { .files = f, .path = path };
	struct mbox_reader *r;
	struct stat st;
	enum status result = import_enter(f, rel);

	b.fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (result || b.fd < 0) {
		if (!result)
			import_failed(f, path, strerror(errno));
		return result;
	}
	b.can_seek = fstat(b.fd, &st) == 0 && S_ISREG(st.st_mode);
	b.size = b.can_seek ? (uint64_t)st.st_size : 0;
	r = mbox_reader_new(f->format == MAIL_MBOXO ? MBOX_O :
			    f->format == MAIL_MBOXCL2 ? MBOX_CL2 : MBOX_RD,
			    b.can_seek ? &seeing : &blind, &b);
	f->progress->is_octets = true;
	result = r ? mbox_read(&b, r) : import_no_memory();
	f->progress->is_octets = false;
	if (result == ST_SYNTAX) {
		import_failed(f, path, "is no mbox: it does not begin with a \"From \" line");
		result = ST_OK;
	}
	mbox_reader_free(r);
	close(b.fd);
	return result;
}
