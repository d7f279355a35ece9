#include <config.h>

#include "postroom/lmtp_send.h"

#include "common/buf.h"
#include "common/dot_writer.h"
#include "postroom/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define REPLY_MAX ((size_t)65536)

struct lmtp {
	FILE *in;
	int fd;
	struct buf reply;	/* the last line of the last reply */
};

static bool connect_to(struct lmtp *l, const char *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int directory = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool ok = directory >= 0;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* through the descriptor: the path may be long */
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/lmtp.sock",
		 directory);
	ok = ok && l->fd >= 0 &&
	     connect(l->fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (!ok)
		fprintf(stderr, "postroom: %s/lmtp.sock: %s\n", run, strerror(errno));
	if (directory >= 0)
		close(directory);
	l->in = ok ? fdopen(dup(l->fd), "r") : NULL;
	return l->in != NULL;
}

static bool send_all(struct lmtp *l, struct slice text)
{
	while (text.len) {
		ssize_t n = send(l->fd, text.data, text.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			text = slice_from(text, (size_t)n);
	}
	return true;
}

/* The code of a whole reply (RFC 5321 section 4.2.1); 0: the line is dead. */
static int read_reply(struct lmtp *l)
{
	char line[2048];
	unsigned long long code;

	while (fgets(line, sizeof line, l->in)) {
		struct slice text = slice_of(line, strcspn(line, "\r\n"));

		if (text.len < 3 || !slice_number(slice_head(text, 3), 599, &code))
			return 0;
		l->reply.len = 0;
		buf_append(&l->reply, text);
		if (text.len == 3 || text.data[3] == ' ')
			return (int)code;
	}
	return 0;
}

static int command(struct lmtp *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int command(struct lmtp *l, const char *fmt, ...)
{
	char line[1200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 2, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line - 2)
		return 0;
	memcpy(line + n, "\r\n", 2);
	return send_all(l, slice_of(line, (size_t)n + 2)) ? read_reply(l) : 0;
}

/* Bare LF becomes CRLF, dots are stuffed. */
static enum status encode(struct slice message, struct buf *out)
{
	struct dot_writer writer = { { 0 } };
	struct slice line;
	enum status st = ST_OK;

	while (message.len && !st) {
		size_t end = slice_index(message, '\n');
		bool has_end = end < message.len;

		line = slice_head(message, end);
		message = slice_from(message, has_end ? end + 1 : end);
		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		st = dot_writer_feed(&writer, line, out);
		if (!st)
			st = dot_writer_feed(&writer, SLICE("\r\n"), out);
	}
	return st ? st : dot_writer_end(&writer, out);
}

static int fail(struct lmtp *l, const char *what)
{
	fprintf(stderr, "postroom: %s: ", what);
	output_line(stderr, l->reply.len ? buf_slice(&l->reply) :
		    SLICE("mailboxd ended the connection"));
	return l->reply.len && l->reply.data[0] == '4' ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

static int hand_over(struct lmtp *l, struct slice message,
		     const char *const *recipients, size_t count)
{
	struct buf data = BUF_INIT((size_t)2 << 30);
	const char *accepted[64];
	size_t taken = 0;
	int code = EX_OK;

	for (size_t i = 0; i < count && i < 64; i++) {
		if (command(l, "RCPT TO:<%s>", recipients[i]) / 100 == 2)
			accepted[taken++] = recipients[i];
		else
			code = fail(l, recipients[i]);
	}
	if (taken == 0)
		return code;
	if (encode(message, &data) || command(l, "DATA") != 354 ||
	    !send_all(l, buf_slice(&data)))
		code = fail(l, "DATA");
	else
		for (size_t i = 0; i < taken; i++)
			if (read_reply(l) / 100 != 2)
				code = fail(l, accepted[i]);
			else
				output_line(stdout, buf_slice(&l->reply));
	buf_free(&data);
	return code;
}

int lmtp_send(const char *run, struct slice message, const char *const *recipients,
	      size_t count)
{
	struct lmtp l = { .reply = BUF_INIT(REPLY_MAX) };
	int code = EX_UNAVAILABLE;

	for (size_t i = 0; i < count; i++)
		if (strpbrk(recipients[i], "\r\n<>"))
			return EX_USAGE;
	if (connect_to(&l, run)) {
		if (read_reply(&l) == 220 && command(&l, "LHLO localhost") == 250 &&
		    command(&l, "MAIL FROM:<>") == 250)
			code = hand_over(&l, message, recipients, count);
		else
			code = fail(&l, "lmtp.sock");
		command(&l, "QUIT");
		fclose(l.in);
	}
	if (l.fd >= 0)
		close(l.fd);
	buf_free(&l.reply);
	return code;
}
