/*
 * What a disk has of the files that go through fault_vfs.c: synced octets, and
 * the writes since. Between the two files only.
 */
#ifndef TESTS_SUPPORT_FAULT_DISK_H
#define TESTS_SUPPORT_FAULT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk_file;

void disk_moment(bool is_sync);
/* path NULL: a file without a name, NULL is returned. The first sync of a
 * journal also syncs the directory. */
struct disk_file *disk_open(const char *path, bool is_journal);
/* f may be NULL in these. */
void disk_write(struct disk_file *f, const void *data, size_t octets,
		uint64_t offset);
void disk_truncate(struct disk_file *f, uint64_t size);
void disk_sync(struct disk_file *f);
/* The kernel drops what it could not write. */
void disk_lose(struct disk_file *f);
void disk_delete(const char *path, bool sync_directory);

#endif
