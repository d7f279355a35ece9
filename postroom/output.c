#include "postroom/output.h"

#include "common/ipc_codec.h"
#include "common/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define CELLS_MAX ((size_t)512 * 1024 * 1024)

static const char *const numbers[] = {
	"pid", "restarts", "worker", "accounts", "aliases", "octets", "messages",
	"message-quota", "quota", "unseen", "uidvalidity", "uidnext", "uid", "row",
	"depth", "connections",
};

bool output_is_number(const char *column)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(numbers[i], column) == 0)
			return true;
	return false;
}

enum output_form output_form_of(bool json, FILE *file)
{
	if (json)
		return OUTPUT_JSON;
	return isatty(fileno(file)) ? OUTPUT_ALIGNED : OUTPUT_TABS;
}

void output_init(struct output *o, enum output_form form, const char *columns)
{
	struct slice rest = slice_str(columns), name;

	*o = (struct output){ .form = form, .cells = BUF_INIT(CELLS_MAX) };
	while (o->count < OUTPUT_COLUMNS_MAX && slice_split(&rest, ' ', &name))
		if (name.len)
			snprintf(o->columns[o->count++], sizeof o->columns[0], "%.*s",
				 SLICE_ARG(name));
}

enum status output_row(struct output *o, const struct slice *cells)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < o->count && !st; i++)
		st = ipc_list_append(&o->cells, cells[i]);
	o->rows += st == ST_OK;
	return st;
}

void output_clear(struct output *o)
{
	buf_free(&o->cells);
}

/* ---- text ------------------------------------------------------------------------ */

/* Controls, and U+0080 to U+009F, move cursors and change colours. */
static uint32_t clean(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) ? 0xfffd : c;
}

/* Code points; what is wider or narrower than one column is taken as one. */
static size_t width_of(struct slice text)
{
	uint32_t c;
	size_t n = 0;

	while (utf8_next(&text, &c))
		n++;
	return n;
}

static void write_cell(FILE *file, struct slice text)
{
	struct buf out = BUF_INIT(4 * (text.len + 1) + 16);
	uint32_t c;

	while (utf8_next(&text, &c))
		utf8_append(&out, clean(c));
	fwrite(buf_slice(&out).data, 1, out.len, file);
	buf_free(&out);
}

void output_line(FILE *file, struct slice text)
{
	write_cell(file, text);
	fputc('\n', file);
}

static void pad(FILE *file, size_t n)
{
	while (n--)
		fputc(' ', file);
}

static void write_aligned_cell(const struct output *o, FILE *file, size_t column,
			       struct slice cell, size_t width)
{
	size_t gap = width - width_of(cell);
	bool is_last = column + 1 == o->count;

	if (output_is_number(o->columns[column]))
		pad(file, gap);
	write_cell(file, cell);
	if (!output_is_number(o->columns[column]) && !is_last)
		pad(file, gap);
	fputs(is_last ? "\n" : "  ", file);
}

static void write_aligned(const struct output *o, FILE *file)
{
	size_t widths[OUTPUT_COLUMNS_MAX];
	struct slice rest = buf_slice(&o->cells), cell;

	for (size_t i = 0; i < o->count; i++)
		widths[i] = strlen(o->columns[i]);
	for (size_t n = 0; n < o->rows * o->count; n++) {
		ipc_list_next(&rest, &cell);
		if (width_of(cell) > widths[n % o->count])
			widths[n % o->count] = width_of(cell);
	}
	for (size_t i = 0; i < o->count; i++)
		write_aligned_cell(o, file, i, slice_str(o->columns[i]), widths[i]);
	rest = buf_slice(&o->cells);
	for (size_t n = 0; n < o->rows * o->count; n++) {
		ipc_list_next(&rest, &cell);
		write_aligned_cell(o, file, n % o->count, cell, widths[n % o->count]);
	}
}

static void write_tabs(const struct output *o, FILE *file)
{
	struct slice rest = buf_slice(&o->cells), cell;

	for (size_t n = 0; n < o->rows * o->count; n++) {
		ipc_list_next(&rest, &cell);
		write_cell(file, cell);
		fputc((n + 1) % o->count ? '\t' : '\n', file);
	}
}

/* ---- JSON ---------------------------------------------------------------------------- */

static json_t *json_cell(const char *column, struct slice cell)
{
	unsigned long long number;
	struct buf fixed;
	uint32_t c;
	json_t *value;

	if (output_is_number(column) && slice_number(cell, INT64_MAX, &number))
		return json_integer((json_int_t)number);
	if (utf8_is_valid(cell))
		return json_stringn(cell.data, cell.len);
	fixed = (struct buf)BUF_INIT(4 * (cell.len + 1) + 16);
	while (utf8_next(&cell, &c))
		utf8_append(&fixed, c);
	value = json_stringn(buf_slice(&fixed).data, fixed.len);
	buf_free(&fixed);
	return value;
}

/* A row a line, so that lists can be long and read by people too. */
static void write_json(const struct output *o, FILE *file)
{
	struct slice rest = buf_slice(&o->cells), cell;

	fputc('[', file);
	for (size_t row = 0; row < o->rows; row++) {
		json_t *object = json_object();
		char *text;

		for (size_t i = 0; i < o->count; i++) {
			ipc_list_next(&rest, &cell);
			json_object_set_new(object, o->columns[i],
					    json_cell(o->columns[i], cell));
		}
		text = json_dumps(object, JSON_COMPACT);
		fprintf(file, "%s\n %s", row ? "," : "", text ? text : "null");
		free(text);
		json_decref(object);
	}
	fputs(o->rows ? "\n]\n" : "]\n", file);
}

void output_write(const struct output *o, FILE *file)
{
	if (o->form == OUTPUT_JSON)
		write_json(o, file);
	else if (o->form == OUTPUT_ALIGNED)
		write_aligned(o, file);
	else
		write_tabs(o, file);
}
