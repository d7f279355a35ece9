#include "postroom/maildir.h"

#include "common/flags.h"
#include "common/utf7.h"
#include "common/utf8.h"

#include <stdio.h>

static const struct { char letter; uint32_t flag; } letters[] = {
	{ 'D', FLAG_DRAFT }, { 'F', FLAG_FLAGGED }, { 'R', FLAG_ANSWERED },
	{ 'S', FLAG_SEEN }, { 'T', FLAG_DELETED },
};
#define LETTERS (sizeof letters / sizeof *letters)

/* ---- keywords -------------------------------------------------------------------- */

void maildir_keywords_take(struct maildir_keywords *k, struct slice line)
{
	size_t space = slice_index(line, ' ');
	unsigned long long number;
	struct slice name;

	if (space == line.len ||
	    !slice_number(slice_head(line, space), MAILDIR_KEYWORDS - 1, &number))
		return;
	name = slice_trim(slice_from(line, space + 1));
	if (name.len < sizeof k->names[0])
		snprintf(k->names[number], sizeof k->names[0], "%.*s", SLICE_ARG(name));
}

char maildir_keywords_letter(struct maildir_keywords *k, struct slice name)
{
	size_t i = 0;

	if (name.len >= sizeof k->names[0])
		return '\0';
	while (i < MAILDIR_KEYWORDS && *k->names[i] &&
	       !slice_case_eq(slice_str(k->names[i]), name))
		i++;
	if (i == MAILDIR_KEYWORDS)
		return '\0';
	if (!*k->names[i])
		snprintf(k->names[i], sizeof k->names[0], "%.*s", SLICE_ARG(name));
	return (char)('a' + i);
}

/* ---- file names --------------------------------------------------------------------- */

struct slice maildir_base(struct slice file)
{
	return slice_head(file, slice_index(file, ':'));
}

enum status maildir_flags(struct slice file, const struct maildir_keywords *k,
			  uint32_t *flags, struct buf *keywords)
{
	struct slice info = slice_from(file, maildir_base(file).len);
	enum status st = ST_OK;

	*flags = 0;
	if (!slice_starts(info, SLICE(":2,")))
		return ST_OK;
	info = slice_from(info, 3);
	for (size_t i = 0; i < info.len && !st; i++) {
		char c = info.data[i];

		for (size_t l = 0; l < LETTERS; l++)
			if (c == letters[l].letter)
				*flags |= letters[l].flag;
		if (c < 'a' || c > 'z' || !*k->names[c - 'a'])
			continue;
		if (keywords->len)
			st = buf_append_char(keywords, ' ');
		if (!st)
			st = buf_append_str(keywords, k->names[c - 'a']);
	}
	return st;
}

enum status maildir_info(uint32_t flags, struct slice keywords,
			 struct maildir_keywords *k, bool *lost, struct buf *out)
{
	bool has[MAILDIR_KEYWORDS] = { false };
	struct slice name;
	enum status st = buf_append_str(out, ":2,");

	*lost = false;
	for (size_t l = 0; l < LETTERS && !st; l++)
		if (flags & letters[l].flag)
			st = buf_append_char(out, letters[l].letter);
	while (keywords.len && slice_split(&keywords, ' ', &name)) {
		char c = maildir_keywords_letter(k, name);

		if (c)
			has[c - 'a'] = true;
		else
			*lost = true;
	}
	for (int i = 0; i < MAILDIR_KEYWORDS && !st; i++)
		if (has[i])
			st = buf_append_char(out, (char)('a' + i));
	return st;
}

bool maildir_uidlist_take(struct slice line, uint32_t *uid, struct slice *uidl,
			  struct slice *file)
{
	unsigned long long number;
	struct slice word;

	*uidl = SLICE_EMPTY;
	if (!slice_split(&line, ' ', &word) || !slice_number(word, UINT32_MAX, &number))
		return false;
	*uid = (uint32_t)number;
	while (line.data && !(line.len && line.data[0] == ':')) {
		slice_split(&line, ' ', &word);
		if (word.len > 1 && word.data[0] == 'P')
			*uidl = slice_from(word, 1);
	}
	if (line.len < 2)
		return false;
	*file = maildir_base(slice_from(line, 1));
	return true;
}

/* ---- folders ------------------------------------------------------------------------- */

static int hex_of(char c)
{
	return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\2e" is a dot (Dovecot's listescape). */
static enum status unescape(struct slice level, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < level.len && !st; i++) {
		char c = level.data[i];

		if (c == '\\' && i + 2 < level.len && hex_of(level.data[i + 1]) >= 0 &&
		    hex_of(level.data[i + 2]) >= 0) {
			c = (char)(hex_of(level.data[i + 1]) << 4 |
				   hex_of(level.data[i + 2]));
			i += 2;
		}
		st = buf_append_char(out, c);
	}
	return st;
}

static enum status append_level(struct slice level, struct buf *mailbox)
{
	struct buf text = BUF_INIT(4096);
	enum status st = utf7_to_utf8(level, &text);

	if (st == ST_SYNTAX)	/* a name in UTF-8, or with a lone "&" */
		st = buf_append(&text, level);
	if (!st)
		st = unescape(buf_slice(&text), mailbox);
	buf_free(&text);
	return st;
}

enum status maildir_folder(struct slice directory, struct buf *mailbox)
{
	size_t before = mailbox->len;
	struct slice level;
	enum status st = ST_OK;

	if (directory.len < 2 || directory.data[0] != '.')
		return ST_SYNTAX;
	directory = slice_from(directory, 1);
	while (!st && slice_split(&directory, '.', &level)) {
		if (level.len == 0)
			return ST_SYNTAX;
		if (mailbox->len > before)
			st = buf_append_char(mailbox, '/');
		if (!st)
			st = append_level(level, mailbox);
	}
	return !st && !utf8_is_valid(slice_from(buf_slice(mailbox), before)) ? ST_SYNTAX
									      : st;
}

enum status maildir_directory(struct slice mailbox, struct buf *directory)
{
	struct buf level = BUF_INIT(4096);
	struct slice name;
	enum status st = ST_OK;

	while (!st && slice_split(&mailbox, '/', &name)) {
		level.len = 0;
		st = buf_append_char(directory, '.');
		for (size_t i = 0; i < name.len && !st; i++)
			st = name.data[i] == '.' || name.data[i] == '\\' ?
				buf_append_fmt(&level, "\\%02x", name.data[i]) :
				buf_append_char(&level, name.data[i]);
		if (!st)
			st = utf7_from_utf8(buf_slice(&level), directory);
	}
	buf_free(&level);
	return st;
}
