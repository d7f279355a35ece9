/*
 * What the load generators share: many non-blocking connections on one epoll, time
 * and noise. Whatever goes wrong here ends the program with a line.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "common/buf.h"

#define WIRE_MESSAGE_MAX ((size_t)64 << 20)

/* First in the generator's own struct. */
struct wire {
	int fd;		/* -1: closed */
	bool is_blocked;	/* waits for room to write */
	struct buf in, out;
};

double wire_now_s(void);
void wire_die(const char *what) __attribute__((noreturn));
/* The seed is taken from the clock; a run prints its id. */
void wire_noise_seed(void);
uint64_t wire_noise(void);
/* A message of about size octets with its own Message-ID <id@load.example> and
 * random body, in lines that need no dot-stuffing, behind what is in out. */
void wire_message(struct buf *out, const char *from, const char *id, unsigned size);

/* Connects to HOST:PORT (numbers) or a path. */
void wire_open(struct wire *w, const char *target);
void wire_close(struct wire *w);
void wire_put(struct wire *w, const char *text);
/* Reads what has come. False: the other side closed. */
bool wire_read(struct wire *w);
/* Writes what can be written. False: the other side closed. */
bool wire_write(struct wire *w);
/* Waits up to a second: connections with something to do. */
size_t wire_wait(struct wire **ready, size_t most);

/* Prints the median and 99th percentile in milliseconds; sorts them. */
void wire_percentiles(double *seconds, size_t count);

#endif
