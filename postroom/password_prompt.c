#include "postroom/password_prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A line without its end. Octet by octet: what follows is somebody else's. */
static enum status read_line(int fd, struct buf *out)
{
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		enum status st;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return out->len ? ST_OK : ST_CLOSED;
		if (c == '\n')
			break;
		st = buf_append_char(out, c);
		if (st)
			return st;
	}
	if (out->len && out->data[out->len - 1] == '\r')
		out->len--;
	return ST_OK;
}

static enum status ask_once(int tty, const char *question, struct buf *out)
{
	struct termios before, silent;
	enum status st;

	if (tcgetattr(tty, &before) < 0)
		return ST_IO;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	if (write(tty, question, strlen(question)) < 0 ||
	    tcsetattr(tty, TCSAFLUSH, &silent) < 0)
		return ST_IO;
	st = read_line(tty, out);
	tcsetattr(tty, TCSAFLUSH, &before);
	return st;
}

static bool ask_twice(int tty, const char *user, struct buf *password)
{
	struct buf again = BUF_INIT(PASSWORD_MAX);
	char question[400];
	bool ok = false;

	snprintf(question, sizeof question, "Password for %s: ", user);
	if (ask_once(tty, question, password) ||
	    ask_once(tty, "The same again: ", &again))
		fputs("postroom: no password was given\n", stderr);
	else if (!slice_eq(buf_slice(password), buf_slice(&again)))
		fputs("postroom: the two are not the same; nothing was changed\n", stderr);
	else
		ok = true;
	buf_wipe(&again);
	return ok;
}

bool password_read(bool from_stdin, const char *user, struct buf *password)
{
	int tty;
	bool ok;

	if (from_stdin) {
		ok = read_line(0, password) == ST_OK && password->len > 0;
		if (!ok)
			fputs("postroom: --password-stdin and --verifier-stdin want a line of "
			      "standard input\n", stderr);
		return ok;
	}
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		fputs("postroom: there is no terminal to ask for the password; give it "
		      "with --password-stdin\n", stderr);
		return false;
	}
	ok = ask_twice(tty, user, password);
	close(tty);
	if (ok && password->len == 0) {
		fputs("postroom: an empty password is none\n", stderr);
		ok = false;
	}
	return ok;
}
