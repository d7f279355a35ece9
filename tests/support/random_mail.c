#include "tests/support/random_mail.h"

#include <criterion/criterion.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const latin[] = {
	"the", "of", "Message", "meeting", "invoice", "Gr\xc3\xbc\xc3\x9f" "e",
	"Stra\xc3\x9f" "e", "na\xc3\xafve", "\xc3\x89t\xc3\xa9", "\xc3\x86ther",
	"quarterly", "zyzzyva", "received", "from", "3.141", "na\xc3\xafvet\xc3\xa9",
	"\xc3\xa5ngstr\xc3\xb6m", "x", "no", "ftp://host/", "a=b", "Re:", "subject",
};
static const char *const russian[] = {
	"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", "\xd0\x9c\xd0\xb8\xd1\x80",
	"\xd0\xb8", "\xd0\x9f\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0",
	"\xd1\x91\xd0\xb6", "\xd0\xb4\xd0\xbe\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80",
};
static const char *const japanese[] = {
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab",
	"\xe6\x9d\xb1\xe4\xba\xac", "\xe3\x81\xae", "\xe4\xbc\x9a\xe8\xad\xb0",
};
static const char *const odd[] = {	/* UTF-8 alone */
	"\xef\xac\x81sh", "I\xcc\x87stanbul", "\xc4\xb0zmir", "e\xcc\x81t\xc3\xa9",
	"\xf0\x9f\x98\x80", "\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
	"\xea\xb0\x80\xeb\x82\x98", "\xe1\xba\x9e", "\xc7\x86", "\xef\xb7\xba",
};
static const char *const spaces[] = { " ", " ", " ", "  ", "\r\n", "\t", ", ", "-" };

static const struct {
	const char *const *words;
	unsigned count;
	const char *charsets[4];
} scripts[] = {
	{ latin, sizeof latin / sizeof *latin,
	  { "UTF-8", "ISO-8859-1", "WINDOWS-1252", "ISO-8859-15" } },
	{ russian, sizeof russian / sizeof *russian,
	  { "UTF-8", "KOI8-R", "WINDOWS-1251", "ISO-8859-5" } },
	{ japanese, sizeof japanese / sizeof *japanese,
	  { "UTF-8", "ISO-2022-JP", "SHIFT_JIS", "EUC-JP" } },
	{ odd, sizeof odd / sizeof *odd, { "UTF-8", "UTF-8", "UTF-16BE", "UTF-7" } },
};
#define SCRIPTS 4

void random_mail_begin(struct random_mail *m)
{
	const char *seed = getenv("POSTROOM_SEED");

	m->seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid() * 2654435761u;
	m->seed_told = m->seed;
}

unsigned random_mail_pick(struct random_mail *m, unsigned n)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m->seed >> 33) % n;
}

static void put_words(struct random_mail *m, struct buf *out, unsigned script,
		      unsigned count, bool is_one_line)
{
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_append_str(out, is_one_line ? " " :
				       spaces[random_mail_pick(m, 8)]);
		buf_append_str(out, scripts[script].words[
			random_mail_pick(m, scripts[script].count)]);
	}
}

void random_words(struct random_mail *m, struct buf *out, unsigned count)
{
	put_words(m, out, random_mail_pick(m, SCRIPTS), count, true);
}

/* text in that charset; what it has not is left out. */
static void convert(struct slice text, const char *charset, struct buf *out)
{
	iconv_t cd = iconv_open(charset, "UTF-8");
	char *from = (char *)text.data, *at;
	size_t left = text.len, room;

	cr_assert(cd != (iconv_t)-1, "%s", charset);
	while (left > 0) {
		cr_assert_eq(buf_reserve(out, left * 4 + 64, &at), ST_OK);
		room = left * 4 + 64;
		if (iconv(cd, &from, &left, &at, &room) == (size_t)-1) {
			from++;
			left--;
		}
		out->len = (size_t)(at - out->data);
	}
	cr_assert_eq(buf_reserve(out, 64, &at), ST_OK);
	room = 64;
	iconv(cd, NULL, NULL, &at, &room);
	out->len = (size_t)(at - out->data);
	iconv_close(cd);
}

static void put_base64(struct slice in, struct buf *out, unsigned width)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	unsigned column = 0;

	for (size_t i = 0; i < in.len; i += 3) {
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < in.len ? (unsigned char)in.data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_append_char(out, i + k > in.len ? '=' :
					digits[v >> (18 - 6 * k) & 63]);
		column += 4;
		if (width && column >= width) {
			buf_append_str(out, "\r\n");
			column = 0;
		}
	}
}

/* word: for an encoded word, where a space is "_". */
static void put_quoted(struct slice in, struct buf *out, unsigned width, bool word)
{
	unsigned column = 0;

	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.data[i];

		if (!word && c == '\r' && i + 1 < in.len && in.data[i + 1] == '\n') {
			buf_append_str(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		if (c == ' ' && word)
			buf_append_char(out, '_');
		else if (c > ' ' && c < 127 && c != '=' && c != '?' && c != '_')
			buf_append_char(out, (char)c);
		else
			buf_append_fmt(out, "=%02X", c);
		column += 3;
		if (width && column >= width) {
			buf_append_str(out, "=\r\n");
			column = 0;
		}
	}
}

/* One or two encoded words, or as it is. */
static void put_field(struct random_mail *m, struct buf *out, const char *name)
{
	unsigned script = random_mail_pick(m, SCRIPTS), kind = random_mail_pick(m, 4);
	const char *charset = scripts[script].charsets[random_mail_pick(m, 4)];
	struct buf text = BUF_INIT(1 << 16), octets = BUF_INIT(1 << 18);

	buf_append_fmt(out, "%s:%s", name, random_mail_pick(m, 5) ? " " : "");
	for (unsigned words = 1 + random_mail_pick(m, 3); words > 0; words--) {
		text.len = octets.len = 0;
		put_words(m, &text, script, 1 + random_mail_pick(m, 4), true);
		convert(buf_slice(&text), charset, &octets);
		if (kind == 0) {
			buf_append(out, buf_slice(&text));
		} else if (kind < 3) {
			buf_append_fmt(out, "=?%s?q?", charset);
			put_quoted(buf_slice(&octets), out, 0, true);
			buf_append_str(out, "?=");
		} else {
			buf_append_fmt(out, "=?%s?B?", charset);
			put_base64(buf_slice(&octets), out, 0);
			buf_append_str(out, "?=");
		}
		if (words > 1)
			buf_append_str(out, random_mail_pick(m, 2) ? " " : "\r\n ");
	}
	buf_append_str(out, "\r\n");
	buf_free(&text);
	buf_free(&octets);
}

static void put_text(struct random_mail *m, struct buf *out)
{
	static const char *const encodings[] = { "7bit", "8bit", "quoted-printable",
						 "base64" };
	unsigned script = random_mail_pick(m, SCRIPTS), encoding = random_mail_pick(m, 4);
	const char *charset = scripts[script].charsets[random_mail_pick(m, 4)];
	struct buf text = BUF_INIT(1 << 20), octets = BUF_INIT(1 << 22);

	/* charsets with octets that a line must not have */
	if (encoding < 3 && !strcmp(charset, "UTF-16BE"))
		encoding = 3;
	put_words(m, &text, script, random_mail_pick(m, 8) ? random_mail_pick(m, 80) :
		  random_mail_pick(m, 3000), false);
	convert(buf_slice(&text), charset, &octets);
	buf_append_fmt(out, "Content-Type: text/%s; charset=%s\r\n"
		       "Content-Transfer-Encoding: %s\r\n%s\r\n",
		       random_mail_pick(m, 2) ? "plain" : "html", charset,
		       encodings[encoding], random_mail_pick(m, 3) ? "" :
		       "Content-Disposition: attachment; filename=\"notes.txt\"\r\n");
	if (encoding == 2)
		put_quoted(buf_slice(&octets), out, 72, false);
	else if (encoding == 3)
		put_base64(buf_slice(&octets), out, 76);
	else
		buf_append(out, buf_slice(&octets));
	buf_append_str(out, "\r\n");
	buf_free(&text);
	buf_free(&octets);
}

static void put_header(struct random_mail *m, struct buf *out)
{
	if (random_mail_pick(m, 8))
		put_field(m, out, "Subject");
	if (random_mail_pick(m, 8))
		put_field(m, out, random_mail_pick(m, 2) ? "From" : "FROM");
	if (random_mail_pick(m, 2))
		put_field(m, out, "To");
	if (random_mail_pick(m, 4) == 0)
		put_field(m, out, "X-Other");
	buf_append_fmt(out, "Message-ID: <%u.%u@example.net>\r\n",
		       random_mail_pick(m, 1000000), random_mail_pick(m, 1000000));
}

void random_message(struct random_mail *m, struct buf *out)
{
	unsigned parts = random_mail_pick(m, 3) ? 0 : 1 + random_mail_pick(m, 4);

	put_header(m, out);
	if (parts == 0) {
		put_text(m, out);
		return;
	}
	buf_append_str(out, "MIME-Version: 1.0\r\n"
		       "Content-Type: multipart/mixed; boundary=limit\r\n\r\n");
	for (unsigned i = 0; i < parts; i++) {
		buf_append_str(out, "--limit\r\n");
		if (random_mail_pick(m, 4)) {
			put_text(m, out);
			continue;
		}
		buf_append_str(out, "Content-Type: message/rfc822\r\n\r\n");
		put_header(m, out);
		put_text(m, out);
	}
	buf_append_str(out, "--limit--\r\n");
}
