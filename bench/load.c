/*
 * Load for SMTP and LMTP servers: N connections, each sending one message after
 * the other, every message with a Message-ID and a body of its own. Prints one
 * line of key=value figures. It ends by itself after the messages are sent or
 * --seconds have passed, and fails when any message was not accepted.
 *
 *   load smtp 127.0.0.1:2525 --connections 50 --messages 10000 --size 4096
 *   load lmtp /run/postroom/lmtp.sock --recipients 10 --to user%d@example.test
 *
 * With --digests FILE each accepted message adds a line there, for readback.py:
 * Message-ID, octets, SHA-256, number of the first recipient, of how many, out of
 * how many accounts.
 */
#include "bench/wire.h"
#include "common/digest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS_MAX 4096

struct options {
	bool is_lmtp;
	const char *target;
	unsigned connections, messages, size, recipients, accounts, seconds;
	bool reconnect;		/* a new connection for each message */
	const char *from, *to;	/* to: %d is the number of the recipient */
	const char *digests;
};

enum stage { GREETING, HELLO, ENVELOPE, FINAL, BYE };

struct client {
	struct wire wire;	/* first */
	enum stage stage;
	unsigned replies;	/* still awaited in this stage */
	unsigned serial;	/* of the message in flight */
	size_t octets;		/* of it, and their digest, with --digests */
	unsigned char digest[DIGEST_OCTETS];
	double since;
};

static struct options options = {
	.connections = 10, .messages = 1000, .size = 4096, .recipients = 1,
	.accounts = 100, .seconds = 120, .from = "load@sender.example",
	.to = "user%d@example.test",
};
static struct client clients[CONNECTIONS_MAX];
static double *latencies;
static unsigned started, finished, failed;
static char run_id[17];
static FILE *digests;

static void open_client(struct client *c)
{
	wire_open(&c->wire, options.target);
	c->stage = GREETING;
	c->replies = 1;
}

static void message_id(const struct client *c, char id[32])
{
	snprintf(id, 32, "%s.%u", run_id, c->serial);
}

static void send_envelope(struct client *c)
{
	char line[512];

	c->serial = started++;
	c->since = wire_now_s();
	snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", options.from);
	wire_put(&c->wire, line);
	for (unsigned i = 0; i < options.recipients; i++) {
		char address[256];
		unsigned who = (c->serial * options.recipients + i) % options.accounts;

		snprintf(address, sizeof address, options.to, (int)who);
		snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", address);
		wire_put(&c->wire, line);
	}
	wire_put(&c->wire, "DATA\r\n");
	c->stage = ENVELOPE;
	c->replies = options.recipients + 2;
}

static void send_body(struct client *c)
{
	size_t begin = c->wire.out.len;
	char id[32];

	message_id(c, id);
	wire_message(&c->wire.out, options.from, id, options.size);
	c->octets = c->wire.out.len - begin;
	if (digests && !digest_of(slice_of(c->wire.out.data + begin, c->octets),
				  c->digest))
		wire_die("out of memory");
	wire_put(&c->wire, ".\r\n");
	c->stage = FINAL;
	c->replies = options.is_lmtp ? options.recipients : 1;
}

static void note_digest(const struct client *c)
{
	char id[32], hex[DIGEST_OCTETS * 2 + 1];

	message_id(c, id);
	digest_hex(c->digest, hex);
	fprintf(digests, "%s@load.example %zu %s %u %u %u\n", id, c->octets, hex,
		c->serial * options.recipients % options.accounts, options.recipients,
		options.accounts);
}

static void next_message(struct client *c)
{
	if (started < options.messages) {
		send_envelope(c);
	} else {
		wire_put(&c->wire, "QUIT\r\n");
		c->stage = BYE;
		c->replies = 1;
	}
}

/* One whole reply came; its first digit tells how it went. */
static void take_reply(struct client *c, struct slice line)
{
	bool good = line.data[0] == '2' || (c->stage == ENVELOPE && line.data[0] == '3');

	if (!good) {
		fprintf(stderr, "load: %.*s\n", SLICE_ARG(slice_head(line, 200)));
		failed++;
		options.messages = 0;
	}
	if (--c->replies)
		return;
	switch (c->stage) {
	case GREETING:
		wire_put(&c->wire, options.is_lmtp ? "LHLO load.example\r\n" : "EHLO load.example\r\n");
		c->stage = HELLO;
		c->replies = 1;
		break;
	case ENVELOPE:
		send_body(c);
		break;
	case FINAL:
		latencies[finished++] = wire_now_s() - c->since;
		if (digests)
			note_digest(c);
		if (options.reconnect && started < options.messages) {
			wire_close(&c->wire);
			open_client(c);
			break;
		}
		/* fall through */
	case HELLO:
		next_message(c);
		break;
	case BYE:
		wire_close(&c->wire);
		break;
	}
}

static void lost(struct client *c)
{
	if (c->stage != BYE) {
		fprintf(stderr, "load: the server closed a connection\n");
		failed++;
	}
	wire_close(&c->wire);
}

static void read_client(struct client *c)
{
	if (!wire_read(&c->wire)) {
		lost(c);
		return;
	}
	while (c->wire.fd >= 0) {
		struct slice in = buf_slice(&c->wire.in);
		size_t end = slice_crlf(in);
		char line[256];
		struct slice reply = slice_head(slice_head(in, end), sizeof line);

		if (end == in.len)
			break;
		memcpy(line, reply.data, reply.len);
		reply.data = line;
		buf_consume(&c->wire.in, end + 2);
		if (reply.len >= 3 && (reply.len == 3 || line[3] != '-'))
			take_reply(c, reply);
	}
}

static void report(double seconds)
{
	printf("messages=%u failed=%u seconds=%.3f per_second=%.0f", finished, failed,
	       seconds, finished / seconds);
	wire_percentiles(latencies, finished);
	printf(" run=%s\n", run_id);
}

static void read_options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "connections", 1, 0, 'c' }, { "messages", 1, 0, 'm' },
		{ "size", 1, 0, 's' }, { "recipients", 1, 0, 'r' },
		{ "accounts", 1, 0, 'a' }, { "seconds", 1, 0, 't' },
		{ "from", 1, 0, 'f' }, { "to", 1, 0, 'o' }, { "reconnect", 0, 0, 'n' },
		{ "digests", 1, 0, 'd' },
		{ 0, 0, 0, 0 },
	};
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
		unsigned long long n = 0;

		if (strchr("cmsrat", word) &&
		    !slice_number(slice_str(optarg), 1u << 30, &n))
			word = '?';
		switch (word) {
		case 'c': options.connections = (unsigned)n; break;
		case 'm': options.messages = (unsigned)n; break;
		case 's': options.size = (unsigned)n; break;
		case 'r': options.recipients = (unsigned)n; break;
		case 'a': options.accounts = (unsigned)n; break;
		case 't': options.seconds = (unsigned)n; break;
		case 'f': options.from = optarg; break;
		case 'o': options.to = optarg; break;
		case 'n': options.reconnect = true; break;
		case 'd': options.digests = optarg; break;
		default: exit(64);
		}
	}
	if (argc - optind != 2 || options.connections < 1 ||
	    options.connections > CONNECTIONS_MAX || !options.accounts) {
		fprintf(stderr, "usage: load smtp|lmtp HOST:PORT|PATH [--connections N] [--messages N]\n"
				"       [--size OCTETS] [--recipients N] [--accounts N] [--to user%%d@DOMAIN]\n"
				"       [--from ADDRESS] [--reconnect] [--seconds N]\n"
				"       [--digests FILE]\n");
		exit(64);
	}
	options.is_lmtp = strcmp(argv[optind], "lmtp") == 0;
	options.target = argv[optind + 1];
}

static unsigned open_clients(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < options.connections; i++)
		count += clients[i].wire.fd >= 0;
	return count;
}

int main(int argc, char **argv)
{
	double begin, end;

	read_options(argc, argv);
	latencies = calloc(options.messages + options.connections, sizeof *latencies);
	digests = options.digests ? fopen(options.digests, "ae") : NULL;
	if (!latencies || (options.digests && !digests))
		wire_die("start");
	wire_noise_seed();
	snprintf(run_id, sizeof run_id, "%016llx", (unsigned long long)wire_noise());
	begin = wire_now_s();
	for (unsigned i = 0; i < options.connections; i++)
		open_client(&clients[i]);
	do {
		struct wire *ready[256];
		size_t n = wire_wait(ready, 256);

		for (size_t i = 0; i < n; i++) {
			struct client *c = (struct client *)ready[i];

			if (c->wire.fd >= 0)
				read_client(c);
			if (c->wire.fd >= 0 && !wire_write(&c->wire))
				lost(c);
		}
		end = wire_now_s();
	} while (open_clients() && end - begin < options.seconds);
	if (open_clients()) {
		fprintf(stderr, "load: stopped after %u s\n", options.seconds);
		failed++;
	}
	report(end - begin);
	if (digests && fclose(digests))
		wire_die(options.digests);
	return failed ? 1 : 0;
}
