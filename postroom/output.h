/*
 * What a command says: rows in columns that align on a terminal, separated by
 * tabs elsewhere, or JSON: a list of objects.
 *
 * Cells may hold what senders wrote: controls and malformed octets never reach
 * the terminal.
 */
#ifndef POSTROOM_OUTPUT_H
#define POSTROOM_OUTPUT_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdio.h>

#define OUTPUT_COLUMNS_MAX 16

enum output_form { OUTPUT_ALIGNED, OUTPUT_TABS, OUTPUT_JSON };

struct output {
	enum output_form form;
	char columns[OUTPUT_COLUMNS_MAX][32];
	size_t count;
	struct buf cells;	/* of all rows: u32 length and octets each */
	size_t rows;
};

/* --json, else aligned where file is a terminal. */
enum output_form output_form_of(bool json, FILE *file);
/* columns: names separated by spaces. */
void output_init(struct output *o, enum output_form form, const char *columns);
/* As many cells as there are columns. ST_LIMIT, ST_NO_MEMORY. */
enum status output_row(struct output *o, const struct slice *cells);
/* Writes all rows. */
void output_write(const struct output *o, FILE *file);
void output_clear(struct output *o);
/* Writes one line of text, cleaned. */
void output_line(FILE *file, struct slice text);
/* Whether a column holds numbers, by its name: they align to the right, and are
 * numbers in JSON. */
bool output_is_number(const char *column);

#endif
