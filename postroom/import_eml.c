#include <config.h>

#include "postroom/import_priv.h"

#include "common/flags.h"

static void take_flag_words(struct slice words, uint32_t *flags)
{
	static const struct { const char *word; uint32_t flag; } rows[] = {
		{ "seen", FLAG_SEEN }, { "answered", FLAG_ANSWERED },
		{ "flagged", FLAG_FLAGGED }, { "deleted", FLAG_DELETED },
		{ "draft", FLAG_DRAFT },
	};
	struct slice word;

	while (slice_split(&words, ',', &word))
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (slice_eq(word, slice_str(rows[i].word)))
				*flags |= rows[i].flag;
}

static bool number_of(struct slice s, int64_t *value)
{
	bool is_negative = s.len && s.data[0] == '-';
	unsigned long long n;

	if (!slice_number(slice_from(s, is_negative), INT64_MAX, &n))
		return false;
	*value = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static void take_cells(struct slice line, struct ipc_mail *mail)
{
	struct slice cell[6];
	size_t n = 0;

	while (n < 6 && slice_split(&line, '\t', &cell[n]))
		n++;
	if (n < 6)
		return;
	take_flag_words(cell[1], &mail->flags);
	mail->keywords = cell[2];
	number_of(cell[3], &mail->internaldate);
	number_of(cell[4], &mail->zone);
	mail->uidl = cell[5];
}

/* What the folder's list says of the file: both are in the order of octets. */
static void take_listed(struct slice *list, const char *file, struct ipc_mail *mail)
{
	struct slice rest = *list, line;

	while (slice_split(&rest, '\n', &line)) {
		int order = slice_compare(slice_head(line, slice_index(line, '\t')),
					  slice_str(file));

		if (order > 0)
			return;
		*list = rest;
		if (order == 0) {
			take_cells(line, mail);
			return;
		}
	}
}

enum status import_eml(struct import_files *f, const char *path,
		       const char *file, struct slice *list)
{
	struct ipc_mail mail = { .internaldate = INT64_MIN, .keywords = SLICE_EMPTY,
				 .mid = SLICE_EMPTY, .recipient = SLICE_EMPTY,
				 .uidl = SLICE_EMPTY };

	take_listed(list, file, &mail);
	return import_file(f, path, &mail);
}
