#include "common/units.h"

struct unit {
	struct slice name;
	uint64_t factor;
	bool is_written;	/* used when a value is written */
};

/* the largest first, so that writing finds the shortest exact form */
static const struct unit size_units[] = {
	{ SLICE("TB"), UINT64_C(1) << 40, true },  { SLICE("GB"), 1 << 30, true },
	{ SLICE("MB"), 1 << 20, true },		   { SLICE("KB"), 1 << 10, true },
	{ SLICE(""), 1, true },			   { SLICE("B"), 1, false },
	{ SLICE("T"), UINT64_C(1) << 40, false },  { SLICE("G"), 1 << 30, false },
	{ SLICE("M"), 1 << 20, false },		   { SLICE("K"), 1 << 10, false },
	{ SLICE("TiB"), UINT64_C(1) << 40, false }, { SLICE("GiB"), 1 << 30, false },
	{ SLICE("MiB"), 1 << 20, false },	   { SLICE("KiB"), 1 << 10, false },
};

static const struct unit time_units[] = {
	{ SLICE("d"), 86400000, true }, { SLICE("h"), 3600000, true },
	{ SLICE("m"), 60000, true },	{ SLICE("s"), 1000, true },
	{ SLICE("ms"), 1, true },	{ SLICE(""), 1000, false },
	{ SLICE("w"), 604800000, false },
};

static bool parse(struct slice text, const struct unit *units, size_t count,
		  uint64_t *value)
{
	unsigned long long number;
	size_t digits = 0;

	while (digits < text.len && ascii_is_digit(text.data[digits]))
		digits++;
	if (!slice_number(slice_head(text, digits), INT64_MAX, &number))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!slice_case_eq(slice_from(text, digits), units[i].name))
			continue;
		if (number > INT64_MAX / units[i].factor)
			return false;
		*value = number * units[i].factor;
		return true;
	}
	return false;
}

static enum status append(struct buf *out, uint64_t value,
			  const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct unit *u = &units[i];

		if (!u->is_written || value % u->factor)
			continue;
		return buf_append_fmt(out, "%llu%.*s",
				      (unsigned long long)(value / u->factor),
				      SLICE_ARG(u->name));
	}
	return ST_SYNTAX;	/* not reached: a factor of 1 is in each table */
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

bool units_size(struct slice text, uint64_t *octets)
{
	return parse(text, size_units, COUNT(size_units), octets);
}

bool units_time(struct slice text, uint64_t *ms)
{
	return parse(text, time_units, COUNT(time_units), ms);
}

enum status units_append_size(struct buf *out, uint64_t octets)
{
	if (octets == 0)
		return buf_append_char(out, '0');
	return append(out, octets, size_units, COUNT(size_units));
}

enum status units_append_time(struct buf *out, uint64_t ms)
{
	if (ms == 0)
		return buf_append_char(out, '0');
	return append(out, ms, time_units, COUNT(time_units));
}
