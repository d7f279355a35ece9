/*
 * How long mailboxd's prepare takes: a line for each kind of message, the best of
 * several rounds. Build without sanitizers to read it.
 */
#include "mailboxd/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PIECE ((size_t)256 << 10)

#define HEADER "Return-Path: <ann@example.org>\r\n" \
	"Received: from mail.example.org (mail.example.org [192.0.2.7])\r\n" \
	"\tby mx.example.net with ESMTPS id m9x41c for <joe@example.net>;\r\n" \
	"\tTue, 24 Nov 2026 08:00:00 +0100\r\n" \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n" \
	"\ts=k1; h=from:to:subject; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\r\n" \
	"\tb=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\r\n" \
	"Date: Tue, 24 Nov 2026 07:59:58 +0100\r\n" \
	"From: Ann Example <ann@example.org>\r\n" \
	"To: Joe <joe@example.net>, \"Zoe Z.\" <zoe@example.net>\r\n" \
	"Subject: Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?= and more\r\n" \
	"Message-ID: <20261124075958.1234@example.org>\r\n" \
	"In-Reply-To: <1@example.net>\r\n" \
	"References: <0@example.net> <1@example.net>\r\n" \
	"MIME-Version: 1.0\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n\r\n"
#define BASE64_LINE \
	"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill(struct buf *b, const char *line, size_t octets)
{
	while (b->len + strlen(line) < octets)
		buf_append_str(b, line);
}

static void plain(struct buf *b, size_t octets)
{
	buf_append_str(b, HEADER TEXT);
	fill(b, "The quick brown fox jumps over the lazy dog, again and again.\r\n", octets);
}

static void attachment(struct buf *b, size_t octets)
{
	buf_append_str(b, HEADER "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n"
		"--=_b\r\n" TEXT "Hello\r\n--=_b\r\nContent-Type: application/zip; name=a.zip\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=a.zip\r\n\r\n");
	fill(b, BASE64_LINE, octets - 20);
	buf_append_str(b, "--=_b--\r\n");
}

static void short_lines(struct buf *b, size_t octets)
{
	buf_append_str(b, HEADER "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\r\n");
	fill(b, "-\r\n--\r\n", octets);
}

static void many_parts(struct buf *b, size_t octets)
{
	buf_append_str(b, HEADER "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	fill(b, "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\r\n", octets);
}

static const struct kind {
	const char *name;
	void (*make)(struct buf *b, size_t octets);
	size_t octets;
	int times;
} kinds[] = {
	{ "plain 1 KiB", plain, 2000, 20000 },
	{ "plain 4 KiB", plain, 4096, 20000 },
	{ "plain 64 KiB", plain, 65536, 4000 },
	{ "attachment 10 MiB", attachment, 10 << 20, 10 },
	{ "short lines 1 MiB", short_lines, 1 << 20, 20 },
	{ "10,000 parts", many_parts, 600000, 10 },
};

static double round_of(const struct kind *k, struct prepare *p, struct slice message)
{
	double from = now();
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
	struct prepared r;

	for (int i = 0; i < k->times; i++) {
		struct slice rest = message;

		record.len = 0;
		prepare_reset(p);
		while (rest.len > 0) {
			struct slice piece = slice_head(rest, PIECE);

			if (prepare_feed(p, piece) != ST_OK)
				exit(1);
			rest = slice_from(rest, piece.len);
		}
		if (prepare_end(p, &record) != ST_OK ||
		    prepare_record_decode(buf_slice(&record), &r) != ST_OK)
			exit(1);
	}
	buf_free(&record);
	return (now() - from) / k->times;
}

int main(int argc, char **argv)
{
	struct prepare *p;

	if (prepare_load() != ST_OK || !(p = prepare_new()))
		return 1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct buf message = BUF_INIT(64 << 20);
		double best = 1e9;

		if (argc > 1 && !strstr(kinds[i].name, argv[1]))
			continue;
		kinds[i].make(&message, kinds[i].octets);
		for (int n = 0; n < 5; n++) {
			double t = round_of(&kinds[i], p, buf_slice(&message));

			best = t < best ? t : best;
		}
		printf("%-20s %10.2f us %8.0f MB/s\n", kinds[i].name, best * 1e6,
		       (double)message.len / best * 1e-6);
		buf_free(&message);
	}
	prepare_free(p);
	return 0;
}
