#include "mailboxd/charset.h"

#include "common/siphash.h"
#include "common/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/* Converters kept for later; more at a time are opened and closed. */
#define POOL_MAX 8
#define REPLACEMENT 0xfffd
/* Where it stands below. */
#define WINDOWS_1252 1

enum kind {
	GUESS,		/* UTF-8, malformed octets as windows-1252 */
	TABLE,		/* one octet a character, the lower half ASCII */
	CONVERTER,	/* through iconv */
};

struct charset {
	const char *name;	/* as iconv knows it */
	const char *aliases;	/* separated by spaces, lower case, without "x-" */
	enum kind kind;
	bool is_ascii_based;
};

static const struct charset charsets[] = {
	{ "UTF-8", "utf-8 utf8 us-ascii ascii ansi_x3.4-1968 iso646-us 646 "
	  "unicode-1-1-utf-8 unknown-8bit 8bit default", GUESS, true },
	/* as everyone sends it: the upper controls are letters of windows-1252 */
	{ "CP1252", "iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 latin-1 l1 "
	  "windows-1252 cp1252 win-1252 ansi", TABLE, true },
	{ "ISO-8859-2", "iso-8859-2 iso8859-2 iso_8859-2 latin2 latin-2", TABLE, true },
	{ "ISO-8859-3", "iso-8859-3 iso8859-3 latin3", TABLE, true },
	{ "ISO-8859-4", "iso-8859-4 iso8859-4 latin4", TABLE, true },
	{ "ISO-8859-5", "iso-8859-5 iso8859-5", TABLE, true },
	{ "ISO-8859-6", "iso-8859-6 iso8859-6 iso-8859-6-i iso-8859-6-e", TABLE, true },
	{ "ISO-8859-7", "iso-8859-7 iso8859-7", TABLE, true },
	{ "ISO-8859-8", "iso-8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e", TABLE, true },
	{ "CP1254", "iso-8859-9 iso8859-9 latin5 windows-1254 cp1254", TABLE, true },
	{ "ISO-8859-10", "iso-8859-10 iso8859-10 latin6", TABLE, true },
	{ "TIS-620", "iso-8859-11 tis-620 windows-874 cp874", TABLE, true },
	{ "ISO-8859-13", "iso-8859-13 iso8859-13 latin7", TABLE, true },
	{ "ISO-8859-14", "iso-8859-14 iso8859-14 latin8", TABLE, true },
	{ "ISO-8859-15", "iso-8859-15 iso8859-15 iso_8859-15 latin9 latin-9", TABLE, true },
	{ "ISO-8859-16", "iso-8859-16 iso8859-16 latin10", TABLE, true },
	{ "CP1250", "windows-1250 cp1250 win-1250", TABLE, true },
	{ "CP1251", "windows-1251 cp1251 win-1251", TABLE, true },
	{ "CP1253", "windows-1253 cp1253", TABLE, true },
	{ "CP1255", "windows-1255 cp1255", TABLE, true },
	{ "CP1256", "windows-1256 cp1256", TABLE, true },
	{ "CP1257", "windows-1257 cp1257", TABLE, true },
	{ "CP1258", "windows-1258 cp1258", TABLE, true },
	{ "KOI8-R", "koi8-r koi8r koi8", TABLE, true },
	{ "KOI8-U", "koi8-u koi8-ru", TABLE, true },
	{ "CP437", "ibm437 cp437 437", TABLE, true },
	{ "CP850", "ibm850 cp850 850", TABLE, true },
	{ "CP852", "ibm852 cp852 852", TABLE, true },
	{ "CP866", "ibm866 cp866 866", TABLE, true },
	{ "MACINTOSH", "macintosh mac macroman mac-roman", TABLE, true },
	{ "MAC-CYRILLIC", "mac-cyrillic maccyrillic", TABLE, true },
	{ "GB18030", "gb18030 gb2312 gbk cp936 ms936 euc-cn gb_2312-80 gb-2312 "
	  "windows-936", CONVERTER, true },
	{ "BIG5-HKSCS", "big5 big5-hkscs big-5 cn-big5 cp950 windows-950",
	  CONVERTER, true },
	{ "CP932", "shift_jis shift-jis sjis ms_kanji cp932 windows-31j ms932",
	  CONVERTER, true },
	{ "EUC-JP", "euc-jp eucjp", CONVERTER, true },
	{ "ISO-2022-JP", "iso-2022-jp", CONVERTER, false },
	{ "ISO-2022-JP-2", "iso-2022-jp-2 iso-2022-jp-1 iso-2022-jp-ms cp50221",
	  CONVERTER, false },
	{ "UHC", "euc-kr euckr ks_c_5601-1987 ks_c_5601 ksc5601 ksc_5601 uhc cp949 "
	  "windows-949", CONVERTER, true },
	{ "ISO-2022-KR", "iso-2022-kr", CONVERTER, false },
	{ "UTF-7", "utf-7 unicode-1-1-utf-7", CONVERTER, false },
	{ "UTF-16", "utf-16 unicode", CONVERTER, false },
	{ "UTF-16BE", "utf-16be", CONVERTER, false },
	{ "UTF-16LE", "utf-16le", CONVERTER, false },
	{ "UTF-32", "utf-32", CONVERTER, false },
	{ "UTF-32BE", "utf-32be", CONVERTER, false },
	{ "UTF-32LE", "utf-32le", CONVERTER, false },
};
#define CHARSETS (sizeof charsets / sizeof *charsets)

/* What charset_load() makes; only the pools change after that. */
static struct loaded {
	uint16_t upper[128];		/* TABLE: code points of 128..255 */
	iconv_t pool[POOL_MAX];
	size_t pooled;
	bool is_there;
} loaded[CHARSETS];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t load_once = PTHREAD_ONCE_INIT;

/* ---- loading */

/* What one octet is in that converter; malformed is U+FFFD. */
static uint16_t convert_octet(iconv_t cd, int octet)
{
	char in = (char)octet, out[8], *from = &in, *to = out;
	size_t in_left = 1, out_left = sizeof out;
	struct slice text;
	uint32_t code_point;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &from, &in_left, &to, &out_left) == (size_t)-1)
		return REPLACEMENT;
	iconv(cd, NULL, NULL, &to, &out_left);	/* what waits for a combining mark */
	text = slice_of(out, sizeof out - out_left);
	if (!utf8_next(&text, &code_point) || code_point > 0xffff)
		return REPLACEMENT;
	return (uint16_t)code_point;
}

static void load_one(const struct charset *c, struct loaded *l)
{
	iconv_t cd = (iconv_t)-1;

	if (c->kind != GUESS)
		cd = iconv_open("UTF-8", c->name);
	if (c->kind == GUESS || cd == (iconv_t)-1)
		return;
	l->is_there = true;
	if (c->kind == CONVERTER) {
		/* it stays open, so that its module stays loaded */
		l->pool[l->pooled++] = cd;
		return;
	}
	for (int i = 0; i < 128; i++)
		l->upper[i] = convert_octet(cd, 128 + i);
	iconv_close(cd);
}

static void load_all(void)
{
	for (size_t i = 0; i < CHARSETS; i++)
		load_one(&charsets[i], &loaded[i]);
	/* five octets that windows-1252 does not use stand for themselves */
	for (int i = 0; i < 128; i++)
		if (loaded[WINDOWS_1252].upper[i] == REPLACEMENT)
			loaded[WINDOWS_1252].upper[i] = (uint16_t)(128 + i);
}

enum status charset_load(void)
{
	return pthread_once(&load_once, load_all) == 0 ? ST_OK : ST_NO_MEMORY;
}

uint64_t charset_fingerprint(void)
{
	const struct siphash_key key = { 0 };
	uint64_t sums[CHARSETS];

	charset_load();
	for (size_t i = 0; i < CHARSETS; i++)
		sums[i] = loaded[i].is_there +
			  2 * siphash(&key, slice_of((const char *)loaded[i].upper,
						     sizeof loaded[i].upper));
	return siphash(&key, slice_of((const char *)sums, sizeof sums));
}

/* ---- names */

static bool has_alias(const char *aliases, struct slice name)
{
	struct slice rest = slice_str(aliases), alias;

	while (slice_split(&rest, ' ', &alias))
		if (slice_case_eq(alias, name))
			return true;
	return false;
}

const struct charset *charset_find(struct slice name)
{
	charset_load();
	if (slice_case_starts(name, SLICE("x-")))
		name = slice_from(name, 2);
	/* those of nearly all mail */
	if (name.len == 0 || slice_case_eq(name, SLICE("utf-8")) ||
	    slice_case_eq(name, SLICE("us-ascii")))
		return &charsets[0];
	for (size_t i = 0; i < CHARSETS; i++)
		if (has_alias(charsets[i].aliases, name))
			return loaded[i].is_there ? &charsets[i] : &charsets[0];
	return &charsets[0];
}

bool charset_is_ascii_based(const struct charset *charset)
{
	return charset->is_ascii_based;
}

/* ---- decoding */

void charset_open(struct charset_decoder *d, const struct charset *charset)
{
	struct loaded *l = &loaded[charset - charsets];

	d->charset = charset;
	d->converter = (iconv_t)-1;
	d->held = 0;
	if (charset->kind != CONVERTER)
		return;
	pthread_mutex_lock(&pool_lock);
	if (l->pooled > 1)	/* the first one stays, as load_one() says */
		d->converter = l->pool[--l->pooled];
	pthread_mutex_unlock(&pool_lock);
	if (d->converter == (iconv_t)-1)
		d->converter = iconv_open("UTF-8", charset->name);
	if (d->converter == (iconv_t)-1)	/* no memory: taken as UTF-8 */
		d->charset = &charsets[0];
	else
		iconv(d->converter, NULL, NULL, NULL, NULL);
}

void charset_close(struct charset_decoder *d)
{
	struct loaded *l = &loaded[d->charset - charsets];

	if (d->converter == (iconv_t)-1)
		return;
	pthread_mutex_lock(&pool_lock);
	if (l->pooled < POOL_MAX) {
		l->pool[l->pooled++] = d->converter;
		d->converter = (iconv_t)-1;
	}
	pthread_mutex_unlock(&pool_lock);
	if (d->converter != (iconv_t)-1)
		iconv_close(d->converter);
	d->converter = (iconv_t)-1;
}

static size_t ascii_run(struct slice s)
{
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		uint64_t octets;

		memcpy(&octets, s.data + i, sizeof octets);
		if (octets & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < s.len && !(s.data[i] & 0x80))
		i++;
	return i;
}

/* Three octets at most. */
static char *put_code_point(char *at, uint16_t c)
{
	if (c < 0x80) {
		*at++ = (char)c;
	} else if (c < 0x800) {
		*at++ = (char)(0xc0 | c >> 6);
		*at++ = (char)(0x80 | (c & 0x3f));
	} else {
		*at++ = (char)(0xe0 | c >> 12);
		*at++ = (char)(0x80 | (c >> 6 & 0x3f));
		*at++ = (char)(0x80 | (c & 0x3f));
	}
	return at;
}

static char *put_table(const uint16_t *upper, struct slice in, char *at)
{
	for (size_t i = 0; i < in.len;) {
		size_t n = ascii_run(slice_from(in, i));

		memcpy(at, in.data + i, n);
		at += n;
		i += n;
		if (i < in.len)
			at = put_code_point(at, upper[(unsigned char)in.data[i++] & 127]);
	}
	return at;
}

/* Octets of the character at s: 0 malformed; more than s.len: not whole. */
static size_t utf8_octets(struct slice s)
{
	unsigned char a = (unsigned char)s.data[0];
	size_t n = a < 0x80 ? 1 : a < 0xc2 ? 0 : a < 0xe0 ? 2 : a < 0xf0 ? 3
		 : a < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n && i < s.len; i++) {
		unsigned char b = (unsigned char)s.data[i];
		unsigned char low = i > 1 ? 0x80 : a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
		unsigned char high = i > 1 ? 0xbf : a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;

		if (b < low || b > high)
			return 0;
	}
	return n;
}

/* Octets of in that were read in *used: all, but for a character cut off. */
static char *put_guess(struct slice in, bool is_last, char *at, size_t *used)
{
	size_t i = 0;

	while (i < in.len) {
		size_t n = ascii_run(slice_from(in, i));

		if (n == 0) {
			n = utf8_octets(slice_from(in, i));
			if (n > in.len - i && !is_last)
				break;
			if (n == 0 || n > in.len - i) {
				at = put_code_point(at, loaded[WINDOWS_1252].upper[in.data[i++] & 127]);
				continue;
			}
		}
		memcpy(at, in.data + i, n);
		at += n;
		i += n;
	}
	*used = i;
	return at;
}

/* Octets of in that were read in *used: all, but for a character cut off. */
static enum status put_converted(iconv_t cd, struct slice in, bool is_last,
				 struct buf *out, size_t *used)
{
	char *from = (char *)in.data;	/* iconv does not write there */
	size_t left = in.len;

	while (left > 0) {
		char *to;
		size_t room;
		enum status st = buf_reserve(out, left + 64, &to);

		if (st != ST_OK)
			return st;
		room = out->cap - out->len;
		errno = 0;
		if (iconv(cd, &from, &left, &to, &room) == (size_t)-1 &&
		    errno != E2BIG) {
			if (errno == EINVAL && !is_last) {
				out->len = (size_t)(to - out->data);
				break;
			}
			from++;
			left--;
			out->len = (size_t)(to - out->data);
			st = utf8_append(out, REPLACEMENT);
			if (st != ST_OK)
				return st;
			continue;
		}
		out->len = (size_t)(to - out->data);
	}
	*used = in.len - left;
	return ST_OK;
}

/* Some octets, with no regard to those held. */
static enum status put(struct charset_decoder *d, struct slice in, bool is_last,
		       struct buf *out, size_t *used)
{
	char *at;
	enum status st;

	*used = 0;
	if (in.len == 0)
		return ST_OK;
	if (d->charset->kind == CONVERTER)
		return put_converted(d->converter, in, is_last, out, used);
	st = buf_reserve(out, in.len * 3, &at);
	if (st != ST_OK)
		return st;
	*used = in.len;
	at = d->charset->kind == TABLE
		? put_table(loaded[d->charset - charsets].upper, in, at)
		: put_guess(in, is_last, at, used);
	out->len = (size_t)(at - out->data);
	return ST_OK;
}

enum status charset_feed(struct charset_decoder *d, struct slice in, struct buf *out)
{
	size_t used;
	enum status st;

	/* one octet at a time until the character that was cut off is read */
	while (d->held > 0 && in.len > 0) {
		d->hold[d->held++] = in.data[0];
		in = slice_from(in, 1);
		st = put(d, slice_of(d->hold, d->held), d->held == sizeof d->hold,
			 out, &used);
		if (st != ST_OK)
			return st;
		d->held -= used;
		memmove(d->hold, d->hold + used, d->held);
	}
	st = put(d, in, false, out, &used);
	if (st != ST_OK)
		return st;
	in = slice_from(in, used);
	if (in.len > sizeof d->hold - 1) {	/* no charset has such long ones */
		st = put(d, in, true, out, &used);
		in = slice_from(in, used);
	}
	if (in.len > 0) {
		memcpy(d->hold, in.data, in.len);
		d->held = in.len;
	}
	return st;
}

enum status charset_end(struct charset_decoder *d, struct buf *out)
{
	size_t used;
	enum status st = put(d, slice_of(d->hold, d->held), true, out, &used);

	d->held = 0;
	if (st == ST_OK && d->converter != (iconv_t)-1)
		iconv(d->converter, NULL, NULL, NULL, NULL);
	return st;
}
