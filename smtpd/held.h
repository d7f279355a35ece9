/*
 * Bodies that wait for milters: the first octets in memory, the rest in blocks of
 * one spool file, which is unlinked and belongs to this process. Memory of all
 * bodies together and blocks of the file have a ceiling; where one is reached the
 * message is refused for the time being.
 *
 * The file is only written and read by pwrite and pread; its pages stay in the
 * kernel's cache as long as it likes. It is never synced: what it holds is not
 * promised to anybody.
 */
#ifndef SMTPD_HELD_H
#define SMTPD_HELD_H

#include "common/buf.h"

#include <stdbool.h>

#define SPOOL_BLOCK	((size_t)64 * 1024)
/* Of one body. */
#define HELD_MEMORY	((size_t)64 * 1024)

struct spool {
	int fd;			/* -1: none, memory only */
	size_t memory;		/* octets that may still be kept there */
	uint32_t blocks;	/* the file may have so many */
	uint32_t made;		/* it has */
	uint32_t *free;		/* of those made, not in use */
	uint32_t free_count;
	int sys;		/* errno of the last failure */
};

struct held {
	struct spool *spool;
	struct buf memory;
	uint32_t *blocks;
	uint32_t block_count, block_room;
	uint64_t octets;
};

/* fd is the spool's from here on; octets: ceiling of the file. */
void spool_init(struct spool *spool, int fd, size_t memory, uint64_t octets);
void spool_close(struct spool *spool);

/* spool outlives h. */
void held_init(struct held *h, struct spool *spool);
/* Gives memory and blocks back; h is empty then. */
void held_clear(struct held *h);
/* ST_FULL: no room, in spool or on its disk; ST_IO; ST_NO_MEMORY. h is as before,
 * or spoilt, and only held_clear() is left. */
enum status held_append(struct held *h, struct slice octets);
/* Reads octets octets from at on, which are there. ST_IO. */
enum status held_read(const struct held *h, uint64_t at, char *to, size_t octets);

#endif
