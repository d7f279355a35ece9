#include "common/config_mistakes.h"

#include <stdio.h>
#include <stdlib.h>

void config_mistakes_add(struct config_mistakes *m, unsigned line,
			 const char *place, struct slice text)
{
	struct config_mistake *row = &m->rows[m->count];

	if (m->count == CONFIG_MISTAKES_MAX)
		return;
	row->line = line;
	snprintf(row->place, sizeof row->place, "%s", place ? place : "");
	snprintf(row->text, sizeof row->text, "%.*s", SLICE_ARG(text));
	for (size_t i = 0; i < m->count; i++)
		if (m->rows[i].line == line &&
		    strcmp(m->rows[i].place, row->place) == 0 &&
		    strcmp(m->rows[i].text, row->text) == 0)
			return;
	m->count++;
}

void config_mistakes_cut(struct config_mistakes *m, size_t count)
{
	if (m->count > count)
		m->count = count;
}

/* by line; those without one last, in the order they were found */
static int compare(const void *a, const void *b)
{
	const struct config_mistake *x = a, *y = b;
	unsigned p = x->line ? x->line : ~0u, q = y->line ? y->line : ~0u;

	if (p != q)
		return p < q ? -1 : 1;
	return (x > y) - (x < y);
}

enum status config_mistakes_tell(struct config_mistakes *m, const char *file,
				 struct buf *out)
{
	enum status st = ST_OK;

	qsort(m->rows, m->count, sizeof *m->rows, compare);
	for (size_t i = 0; i < m->count && !st; i++) {
		const struct config_mistake *row = &m->rows[i];

		if (row->line)
			st = buf_append_fmt(out, "%s:%u: %s\n", file, row->line,
					    row->text);
		else
			st = buf_append_fmt(out, "%s: %s\n",
					    row->place[0] ? row->place : file,
					    row->text);
	}
	return st;
}
