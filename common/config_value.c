#include "common/config_priv.h"
#include "common/nearest.h"
#include "common/units.h"

static const struct {
	struct slice word;
	bool value;
} bool_words[] = {
	{ SLICE("yes"), true },	 { SLICE("no"), false },  { SLICE("on"), true },
	{ SLICE("off"), false }, { SLICE("true"), true }, { SLICE("false"), false },
};

static enum status parse_bool(struct slice item, uint64_t *number, struct buf *why)
{
	for (size_t i = 0; i < sizeof bool_words / sizeof *bool_words; i++)
		if (slice_case_eq(item, bool_words[i].word)) {
			*number = bool_words[i].value;
			return ST_OK;
		}
	buf_append_str(why, "write yes or no");
	return ST_SYNTAX;
}

static enum status parse_choice(const struct option_row *o, struct slice item,
				uint64_t *number, struct buf *why)
{
	struct nearest nearest = { 0 };
	struct slice word;

	for (size_t i = 0; word = option_word(o->unit, i), word.len; i++) {
		if (slice_eq(item, word)) {
			*number = i;
			return ST_OK;
		}
		nearest_offer(&nearest, item, word);
	}
	buf_append_str(why, "it is one of: ");
	buf_append_str(why, o->unit);
	if (nearest.is_found)
		buf_append_fmt(why, "; did you mean %.*s?", SLICE_ARG(nearest.name));
	return ST_SYNTAX;
}

static void append_amount(struct buf *out, const struct option_row *o, uint64_t value)
{
	if (o->type == OPTION_SIZE)
		units_append_size(out, value);
	else if (o->type == OPTION_TIME)
		units_append_time(out, value);
	else
		buf_append_u64(out, value);
}

static enum status parse_amount(const struct option_row *o, struct slice item,
				uint64_t *number, struct buf *why)
{
	unsigned long long plain = 0;
	uint64_t value = 0;
	bool ok;

	if (o->type == OPTION_SIZE) {
		ok = units_size(item, &value);
		if (!ok)
			buf_append_str(why, "a size is digits and B, KB, MB, GB or TB, "
					    "such as 50MB");
	} else if (o->type == OPTION_TIME) {
		ok = units_time(item, &value);
		if (!ok)
			buf_append_str(why, "a time is digits and ms, s, m, h or d, "
					    "such as 30s");
	} else {
		ok = slice_number(item, INT64_MAX, &plain);
		value = plain;
		if (!ok)
			buf_append_str(why, "a number is digits only");
	}
	if (!ok)
		return ST_SYNTAX;
	if (value < o->least || value > o->most) {
		buf_append_str(why, "it is from ");
		append_amount(why, o, o->least);
		buf_append_str(why, " to ");
		append_amount(why, o, o->most);
		return ST_SYNTAX;
	}
	*number = value;
	return ST_OK;
}

static enum status check_text(const struct option_row *o, struct slice item,
			      struct buf *why)
{
	for (size_t i = 0; i < item.len; i++)
		if ((unsigned char)item.data[i] < ' ' || item.data[i] == 0x7f) {
			buf_append_str(why, "it holds a line end or a control character");
			return ST_SYNTAX;
		}
	if (o->type == OPTION_TEXT && item.len > o->most) {
		buf_append_fmt(why, "it is longer than %llu octets",
			       (unsigned long long)o->most);
		return ST_SYNTAX;
	}
	return ST_OK;
}

static enum status parse_item(enum option_id id, struct slice item,
			      uint64_t *number, struct buf *why)
{
	const struct option_row *o = &options[id];

	switch (o->type) {
	case OPTION_BOOL:
		return parse_bool(item, number, why);
	case OPTION_CHOICE:
		return parse_choice(o, item, number, why);
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_TIME:
		return parse_amount(o, item, number, why);
	case OPTION_TEXT:
	case OPTION_LIST:
		break;
	}
	return check_text(o, item, why);
}

enum status config_value_check(enum option_id id, struct slice item,
			       struct buf *why)
{
	uint64_t number;

	return parse_item(id, item, &number, why);
}

enum status config_value_parse(struct config *c, enum option_id id,
			       const struct slice *items, size_t count,
			       struct config_value *value, struct buf *why)
{
	bool is_list = options[id].type == OPTION_LIST;
	const char **kept = NULL;

	if (is_list && count)
		kept = arena_array(&c->arena, count, sizeof *kept);
	if (is_list && count && !kept)
		return ST_NO_MEMORY;
	value->count = is_list ? count : 0;
	value->items = kept;
	for (size_t i = 0; i < count; i++) {
		enum status st = parse_item(id, items[i], &value->number, why);

		if (st)
			return st;
		if (!is_list && options[id].type != OPTION_TEXT)
			continue;
		value->text = arena_str(&c->arena, items[i]);
		if (!value->text)
			return ST_NO_MEMORY;
		if (is_list)
			kept[i] = value->text;
	}
	return ST_OK;
}

/* "*:25", "127.0.0.1:2525" or "127.0.0.1:0" for the listeners all know. */
static enum status default_address(struct config *c, const char *title,
				   struct config_value *value)
{
	const struct known_listener *known = known_listener_find(title);
	struct buf text = BUF_INIT(64);
	struct buf why = BUF_INIT(64);
	struct slice item;
	enum status st;

	if (!known)
		return ST_OK;	/* an empty list, which is a mistake told elsewhere */
	st = buf_append_fmt(&text, "%s:%u",
			    c->profile == PROFILE_SERVER ? "*" : "127.0.0.1",
			    c->profile == PROFILE_SERVER ? known->port :
			    c->profile == PROFILE_LAB ? known->lab_port : 0);
	item = buf_slice(&text);
	if (!st)
		st = config_value_parse(c, OPTION_LISTEN_ADDRESS, &item, 1, value, &why);
	buf_free(&text);
	buf_free(&why);
	return st;
}

enum status config_value_default(struct config *c, enum option_id id,
				 const char *title, struct config_value *value)
{
	const char *text = options[id].defaults[c->profile];
	struct slice items[8], word;
	struct buf why = BUF_INIT(200);
	size_t count = 0;
	enum status st;

	if (id == OPTION_LISTEN_ADDRESS)
		return default_address(c, title, value);
	if (options[id].type != OPTION_LIST)
		items[count++] = slice_str(text);
	else
		while (count < 8 && (word = option_word(text, count), word.len))
			items[count++] = word;
	st = config_value_parse(c, id, items, count, value, &why);
	buf_free(&why);
	return st;
}

bool config_value_equal(enum option_id id, const struct config_value *a,
			const struct config_value *b)
{
	if (options[id].type == OPTION_TEXT)
		return strcmp(a->text, b->text) == 0;
	if (options[id].type != OPTION_LIST)
		return a->number == b->number;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}
