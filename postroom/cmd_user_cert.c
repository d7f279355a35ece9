/* user cert add|rm|list: mailboxd is told the key of a certificate, not the file. */
#include "common/tls_key.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/files.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define PEM_MAX		65536u
#define SUBJECT_MAX	1024u

static bool is_fingerprint(const char *word)
{
	return strlen(word) == DIGEST_OCTETS * 2 &&
	       strspn(word, "0123456789abcdef") == DIGEST_OCTETS * 2;
}

/* The words behind ADDRESS: the key in hex, and whose it says it is. */
struct shown {
	char hex[DIGEST_OCTETS * 2 + 1];
	struct buf subject;
};

static int read_file(const struct invocation *i, const char *path,
		     struct shown *shown)
{
	struct buf pem = BUF_INIT(PEM_MAX);
	struct error err = { 0 };
	unsigned char key[DIGEST_OCTETS];
	enum status st = file_read(path, &pem, &err);
	int code = EX_OK;

	if (st != ST_OK) {
		fprintf(stderr, "postroom user cert %s: %s\n", i->words[0], err.text);
		code = EX_NOINPUT;
	} else if (tls_key_read(buf_slice(&pem), key, &shown->subject) != ST_OK) {
		fprintf(stderr, "postroom user cert %s: %s holds no certificate in "
			"PEM\n", i->words[0], path);
		code = EX_DATAERR;
	} else {
		digest_hex(key, shown->hex);
	}
	buf_free(&pem);
	return code;
}

/* FILE, or the key as list shows it. */
static int take_key(const struct invocation *i, const char *word,
		    struct shown *shown)
{
	if (!is_fingerprint(word))
		return read_file(i, word, shown);
	memcpy(shown->hex, word, sizeof shown->hex);
	return EX_OK;
}

static int send_words(const struct invocation *i, const char *verb,
		      const struct shown *shown)
{
	struct slice words[8] = { slice_str(i->words[1]) };
	size_t count = 1;
	struct control_client *c;
	int code;

	if (shown) {
		words[count++] = slice_str(shown->hex);
		if (strcmp(verb, "certificate add") == 0)
			words[count++] = buf_slice(&shown->subject);
		for (size_t k = 3; k < i->count; k++)
			words[count++] = slice_str(i->words[k]);
	}
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = ask(c, i, verb, words, count, NULL);
	control_client_close(c);
	return code;
}

static const struct { const char *name, *verb; bool has_key; } rows[] = {
	{ "add", "certificate add", true },
	{ "rm", "certificate rm", true },
	{ "list", "certificate list", false },
};

int cmd_user_cert(const struct invocation *i)
{
	struct shown shown = { .subject = BUF_INIT(SUBJECT_MAX) };
	int code = EX_USAGE;

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		if (strcmp(rows[k].name, i->words[0]) != 0 ||
		    (rows[k].has_key ? i->count < 3 : i->count != 2))
			continue;
		code = rows[k].has_key ? take_key(i, i->words[2], &shown) : EX_OK;
		if (code == EX_OK)
			code = send_words(i, rows[k].verb,
					  rows[k].has_key ? &shown : NULL);
		buf_free(&shown.subject);
		return code;
	}
	fputs("postroom user cert: add ADDRESS FILE, rm ADDRESS FILE|KEY, or list "
	      "ADDRESS\n", stderr);
	return code;
}
