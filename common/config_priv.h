/* What config.c and config_parse.c share. */
#ifndef COMMON_CONFIG_PRIV_H
#define COMMON_CONFIG_PRIV_H

#include "common/arena.h"
#include "common/config.h"

/* Titled sections of one kind, and items of one list. */
#define CONFIG_TITLES_MAX 10000
#define CONFIG_ITEMS_MAX 1000

struct config_value {
	bool is_set;		/* by the file or by --set */
	bool is_changed;	/* it is not the profile's default */
	uint64_t number;	/* BOOL, NUMBER, SIZE, TIME, CHOICE */
	const char *text;	/* TEXT */
	const char **items;	/* LIST */
	size_t count;
};

/* One section as it stands in the file; untitled ones exist once. */
struct config_section {
	const char *title;
	struct config_value *values;	/* by id, from the section's first on */
	struct config_section *next;
};

struct config {
	struct arena arena;
	enum profile profile;
	bool has_default_listeners;	/* no listen section was given */
	struct config_section *sections[SECTION_COUNT];
	size_t counts[SECTION_COUNT];
};

/* Ids of a section's options are first..first + count. */
void config_section_range(enum section_id section, enum option_id *first,
			  size_t *count);
/* Adds a section with all values unset, last of its kind; NULL: no memory. */
struct config_section *config_section_add(struct config *c,
					  enum section_id section,
					  struct slice title);
bool config_value_equal(enum option_id id, const struct config_value *a,
			const struct config_value *b);
struct config_section *config_section_at(const struct config *c,
					 enum section_id section, size_t at);
/*
 * Reads a value as its option has it into *value. ST_SYNTAX: why says what a
 * right one looks like (a sentence without its end). items are borrowed until
 * the call returns.
 */
enum status config_value_parse(struct config *c, enum option_id id,
			       const struct slice *items, size_t count,
			       struct config_value *value, struct buf *why);
/* The same without a place to keep it. */
enum status config_value_check(enum option_id id, struct slice item,
			       struct buf *why);
/* The default of the profile, as config_value_parse() would give it. */
enum status config_value_default(struct config *c, enum option_id id,
				 const char *title, struct config_value *value);

#endif
