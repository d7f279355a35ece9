#include "smtpd/milter_rcpts.h"

static enum status add_part(struct buf *rcpts, struct slice part)
{
	enum status st = buf_append(rcpts, part);

	return st == ST_OK ? buf_append_char(rcpts, '\0') : st;
}

enum status milter_rcpts_add(struct buf *rcpts, const struct milter_rcpt *r)
{
	size_t before = rcpts->len;
	enum status st = add_part(rcpts, r->address);

	if (st == ST_OK)
		st = buf_append_u64(rcpts, r->notify);
	if (st == ST_OK)
		st = add_part(rcpts, SLICE_EMPTY);
	if (st == ST_OK)
		st = add_part(rcpts, r->orcpt);
	if (st != ST_OK)
		rcpts->len = before;
	return st;
}

static struct slice take_part(struct slice *rest)
{
	size_t end = slice_index(*rest, '\0');
	struct slice part = slice_head(*rest, end);

	*rest = slice_from(*rest, end < rest->len ? end + 1 : end);
	return part;
}

bool milter_rcpts_first(struct slice rest, struct milter_rcpt *r)
{
	size_t before = rest.len;
	unsigned long long notify = 0;

	if (rest.len == 0)
		return false;
	r->address = take_part(&rest);
	slice_number(take_part(&rest), 255, &notify);
	r->notify = (unsigned)notify;
	r->orcpt = take_part(&rest);
	r->octets = before - rest.len;
	return true;
}

/* Where the address stands; len: nowhere. */
static size_t find(const struct buf *rcpts, struct slice address,
		   struct milter_rcpt *r)
{
	size_t at = 0;

	while (milter_rcpts_first(slice_from(buf_slice(rcpts), at), r) &&
	       !slice_case_eq(r->address, address))
		at += r->octets;
	return at;
}

bool milter_rcpts_has(const struct buf *rcpts, struct slice address)
{
	struct milter_rcpt r;

	return find(rcpts, address, &r) < rcpts->len;
}

void milter_rcpts_delete(struct buf *rcpts, struct slice address)
{
	struct milter_rcpt r;
	size_t at;

	while ((at = find(rcpts, address, &r)) < rcpts->len) {
		memmove(rcpts->data + at, rcpts->data + at + r.octets,
			rcpts->len - at - r.octets);
		rcpts->len -= r.octets;
	}
}

unsigned milter_rcpts_count(const struct buf *rcpts)
{
	struct slice rest = buf_slice(rcpts);
	struct milter_rcpt r;
	unsigned n = 0;

	for (; milter_rcpts_first(rest, &r); rest = slice_from(rest, r.octets))
		n++;
	return n;
}
