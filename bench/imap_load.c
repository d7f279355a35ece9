/*
 * A mixed load on IMAP servers: N connections, each with an account of its own,
 * each sending one command after the other, chosen at random by the table below.
 * Prints one line of key=value figures after --seconds; fails when a command was
 * refused.
 *
 *   imap_load 127.0.0.1:1143 --connections 10 --seconds 10
 */
#include "bench/wire.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS_MAX 1000
#define LATENCIES_MAX ((size_t)4 << 20)
#define COPIES "Copies"		/* where COPY goes */

struct client {
	struct wire wire;	/* first */
	unsigned number, tag;
	unsigned step;		/* of those before the load, then beyond */
	unsigned exists;
	bool may_fail;		/* CREATE of what is there */
	double since;
};

static struct {
	const char *target;
	unsigned connections, seconds, accounts;
} options = { .connections = 10, .seconds = 10, .accounts = 100 };
static struct client clients[CONNECTIONS_MAX];
static double *latencies;
static size_t done;
static unsigned failed, ready_clients;
static double begin_s;

/* ---- commands ---------------------------------------------------------------------- */

static unsigned below(unsigned n)
{
	return (unsigned)(wire_noise() >> 20) % (n ? n : 1);
}

static void fetch(struct client *c, struct buf *out)
{
	unsigned first = 1 + below(c->exists), last = first + 19;

	if (last > c->exists)
		last = c->exists;
	switch (below(3)) {
	case 0:
		buf_append_fmt(out, "FETCH %u:%u (UID FLAGS)\r\n", first, last);
		break;
	case 1:
		buf_append_fmt(out, "FETCH %u:%u (UID FLAGS INTERNALDATE RFC822.SIZE "
			       "ENVELOPE)\r\n", first, last);
		break;
	default:
		buf_append_fmt(out, "FETCH %u BODY.PEEK[]\r\n", first);
	}
}

static void store(struct client *c, struct buf *out)
{
	buf_append_fmt(out, "STORE %u %cFLAGS (%s)\r\n", 1 + below(c->exists),
		       below(2) ? '+' : '-', below(2) ? "\\Seen" : "\\Flagged");
}

static void delete(struct client *c, struct buf *out)
{
	buf_append_fmt(out, "STORE %u +FLAGS.SILENT (\\Deleted)\r\n", 1 + below(c->exists));
}

static void append(struct client *c, struct buf *out)
{
	struct buf mail = BUF_INIT(65536);
	char id[40];

	snprintf(id, sizeof id, "%016llx.%u", (unsigned long long)wire_noise(), c->tag);
	wire_message(&mail, "load@sender.example", id, 4096);
	buf_append_fmt(out, "APPEND INBOX {%zu+}\r\n", mail.len);
	buf_append(out, buf_slice(&mail));
	buf_append_str(out, "\r\n");
	buf_free(&mail);
}

static void copy(struct client *c, struct buf *out)
{
	buf_append_fmt(out, "COPY %u " COPIES "\r\n", 1 + below(c->exists));
}

static void search(struct client *c, struct buf *out)
{
	(void)c;
	buf_append_str(out, below(2) ? "SEARCH UNSEEN FLAGGED\r\n"
				     : "SEARCH SUBJECT \"nowhere\"\r\n");
}

static void noop(struct client *c, struct buf *out)
{
	(void)c;
	buf_append_str(out, "NOOP\r\n");
}

static void expunge(struct client *c, struct buf *out)
{
	(void)c;
	buf_append_str(out, "EXPUNGE\r\n");
}

static void status_of(struct client *c, struct buf *out)
{
	(void)c;
	buf_append_str(out, "STATUS " COPIES " (MESSAGES UIDNEXT UNSEEN)\r\n");
}

/* Of a hundred commands so many; as many messages come as go. */
static const struct {
	unsigned share;
	void (*put)(struct client *c, struct buf *out);
} mix[] = {
	{ 15, noop }, { 35, fetch }, { 20, store }, { 5, append }, { 5, delete },
	{ 5, expunge }, { 5, copy }, { 5, search }, { 5, status_of },
};

static void next_command(struct client *c)
{
	unsigned choice = below(100);
	size_t i = 0;

	while (choice >= mix[i].share)
		choice -= mix[i++].share;
	/* an empty mailbox has nothing to name */
	if (c->exists == 0)
		append(c, &c->wire.out);
	else
		mix[i].put(c, &c->wire.out);
}

/* ---- a connection ------------------------------------------------------------------- */

static void say(struct client *c)
{
	buf_append_fmt(&c->wire.out, "t%u ", ++c->tag);
	c->may_fail = c->step == 1;
	switch (c->step++) {
	case 0:
		buf_append_fmt(&c->wire.out, "LOGIN user%u@example.test secret\r\n",
			       c->number % options.accounts);
		break;
	case 1:
		wire_put(&c->wire, "CREATE " COPIES "\r\n");
		break;
	case 2:
		wire_put(&c->wire, "SELECT INBOX\r\n");
		break;
	default:
		next_command(c);
	}
	c->since = wire_now_s();
}

static void take_tagged(struct client *c, struct slice line)
{
	bool is_ok = slice_starts(slice_from(line, slice_index(line, ' ')), SLICE(" OK"));

	if (!is_ok && !c->may_fail) {
		fprintf(stderr, "imap_load: %.*s\n", SLICE_ARG(slice_head(line, 200)));
		failed++;
	}
	if (c->step > 3 && begin_s > 0 && done < LATENCIES_MAX)
		latencies[done++] = wire_now_s() - c->since;
	if (c->step == 3 && ++ready_clients == options.connections)
		begin_s = wire_now_s();
	say(c);
}

/* "* 23 EXISTS", "* 4 EXPUNGE" */
static void take_untagged(struct client *c, struct slice line)
{
	struct slice rest = slice_from(line, 2);
	size_t space = slice_index(rest, ' ');
	unsigned long long n;

	if (!slice_number(slice_head(rest, space), 1u << 30, &n) || space == rest.len)
		return;
	rest = slice_from(rest, space + 1);
	if (slice_eq(rest, SLICE("EXISTS")))
		c->exists = (unsigned)n;
	else if (slice_eq(rest, SLICE("EXPUNGE")))
		c->exists--;
}

static void take_lines(struct client *c)
{
	struct slice in = buf_slice(&c->wire.in);
	size_t used = 0, end;
	char tag[16];
	int tag_len = snprintf(tag, sizeof tag, "t%u ", c->tag);

	while ((end = slice_crlf(slice_from(in, used))) < in.len - used) {
		struct slice line = slice_head(slice_from(in, used), end);

		used += end + 2;
		if (slice_starts(line, SLICE("* ")))
			take_untagged(c, line);
		if (c->tag == 0) {	/* the greeting */
			say(c);
			break;
		}
		if (slice_starts(line, slice_of(tag, (size_t)tag_len))) {
			take_tagged(c, line);
			break;	/* the answer to one command is all that can come */
		}
	}
	buf_consume(&c->wire.in, used);
}

static void serve(struct client *c)
{
	if (c->wire.fd < 0)
		return;
	if (!wire_read(&c->wire)) {
		fprintf(stderr, "imap_load: the server closed a connection\n");
		failed++;
		wire_close(&c->wire);
		return;
	}
	take_lines(c);
	if (!wire_write(&c->wire))
		wire_close(&c->wire);
}

/* ---- the program -------------------------------------------------------------------- */

static void read_options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "connections", 1, 0, 'c' }, { "seconds", 1, 0, 't' },
		{ "accounts", 1, 0, 'a' }, { 0, 0, 0, 0 },
	};
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
		unsigned long long n;

		if (word == '?' || !slice_number(slice_str(optarg), CONNECTIONS_MAX, &n) || !n)
			exit(64);
		*(word == 'c' ? &options.connections
		  : word == 't' ? &options.seconds : &options.accounts) = (unsigned)n;
	}
	if (argc - optind != 1) {
		fprintf(stderr, "usage: imap_load HOST:PORT [--connections N] [--seconds N] "
				"[--accounts N]\n");
		exit(64);
	}
	options.target = argv[optind];
}

int main(int argc, char **argv)
{
	double started = wire_now_s(), now;

	read_options(argc, argv);
	latencies = calloc(LATENCIES_MAX, sizeof *latencies);
	if (!latencies)
		wire_die("start");
	wire_noise_seed();
	for (unsigned i = 0; i < options.connections; i++) {
		clients[i].number = i;
		wire_open(&clients[i].wire, options.target);
	}
	do {
		struct wire *ready[256];
		size_t n = wire_wait(ready, 256);

		for (size_t i = 0; i < n; i++)
			serve((struct client *)ready[i]);
		now = wire_now_s();
	} while (!failed && now - started < 120 &&
		 (begin_s == 0 || now - begin_s < options.seconds));
	failed += begin_s == 0;
	printf("commands=%zu failed=%u seconds=%.3f per_second=%.0f", done, failed,
	       now - begin_s, (double)done / (now - begin_s));
	wire_percentiles(latencies, done);
	printf("\n");
	return failed ? 1 : 0;
}
