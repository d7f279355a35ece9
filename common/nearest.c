#include "common/nearest.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned nearest_distance(struct slice a, struct slice b)
{
	/* rows of the matrix: two back, one back, this one */
	unsigned rows[3][NEAREST_NAME_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	if (a.len > NEAREST_NAME_MAX || b.len > NEAREST_NAME_MAX)
		return NEAREST_NAME_MAX * 2;
	for (size_t j = 0; j <= b.len; j++)
		last[j] = before[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = ascii_lower(a.data[i - 1]), y = ascii_lower(b.data[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == ascii_lower(b.data[j - 2]) &&
			    y == ascii_lower(a.data[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.len];
}

void nearest_offer(struct nearest *n, struct slice wanted, struct slice name)
{
	unsigned distance = nearest_distance(wanted, name);

	/* a third of the letters may be wrong, two of four, one of fewer */
	if (distance > (wanted.len < 4 ? 1 : 2) && distance > wanted.len / 3)
		return;
	if (n->is_found && n->distance <= distance)
		return;
	*n = (struct nearest){ name, distance, true };
}
