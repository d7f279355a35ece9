#include "imapd/resync.h"

void resync_clear(struct resync *r)
{
	numset_clear(&r->known);
	numset_clear(&r->numbers);
	numset_clear(&r->uids);
}

/* A set without "*" or "$" (known-uids of RFC 7162 section 7). */
static bool take_set(struct imap_args *a, struct numset *set)
{
	if (!args_set(a, set))
		return false;
	if (!set->has_star && !set->is_saved)
		return true;
	a->why = "Known numbers have no * or $";
	return false;
}

static bool take_match_data(struct imap_args *a, struct resync *r)
{
	if (!args_char(a, '(') || !take_set(a, &r->numbers) || !args_space(a) ||
	    !take_set(a, &r->uids) || !args_char(a, ')'))
		return false;
	if (ranges_size(&r->numbers.ranges) == ranges_size(&r->uids.ranges))
		return true;
	a->why = "Numbers and UIDs do not pair up";
	return false;
}

bool resync_read(struct imap_args *a, struct resync *r)
{
	if (!args_char(a, '(') || !args_nz_number(a, &r->uidvalidity) ||
	    !args_space(a) || !args_number64(a, &r->modseq) || r->modseq == 0)
		return false;
	r->is_asked = true;
	if (args_char(a, ')'))
		return true;
	if (!args_space(a))
		return false;
	if (args_peek(a) != '(') {
		r->has_known = take_set(a, &r->known);
		if (!r->has_known)
			return false;
		if (args_char(a, ')'))
			return true;
		if (!args_space(a))
			return false;
	}
	return take_match_data(a, r) && args_char(a, ')');
}

enum status resync_known(const struct resync *r, const struct view *v,
			 struct ranges *out)
{
	if (r->has_known)
		return ranges_copy(out, &r->known.ranges);
	return v->uidnext > 1 ? ranges_add(out, 1, v->uidnext - 1) : ST_OK;
}

uint32_t resync_matched(const struct resync *r, const struct view *v)
{
	uint64_t low = 0, high = ranges_size(&r->numbers.ranges);

	/* a message that is gone shifts all behind it: where one pair does not
	 * match, none behind it does */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint32_t uid = view_uid(v, ranges_at(&r->numbers.ranges, middle));

		if (uid && uid == ranges_at(&r->uids.ranges, middle))
			low = middle + 1;
		else
			high = middle;
	}
	return low ? ranges_at(&r->uids.ranges, low - 1) : 0;
}

enum status resync_earlier(const struct view *v, const struct ranges *wanted,
			   uint32_t matched, struct ranges *vanished)
{
	struct ranges asked = RANGES_INIT(RANGES_MAX), there = RANGES_INIT(RANGES_MAX);
	struct ranges known = RANGES_INIT(1), left = RANGES_INIT(RANGES_MAX);
	enum status st = ranges_intersect(vanished, wanted, &asked);

	if (st == ST_OK && matched) {
		st = ranges_add(&known, 1, matched);
		if (st == ST_OK)
			st = ranges_subtract(&asked, &known, &left);
		if (st == ST_OK)
			st = ranges_copy(&asked, &left);
	}
	if (st == ST_OK)
		st = view_uids(v, &there);
	ranges_clear(&left);
	if (st == ST_OK)
		st = ranges_subtract(&asked, &there, &left);
	if (st == ST_OK)
		st = ranges_copy(vanished, &left);
	ranges_free(&asked);
	ranges_free(&there);
	ranges_free(&known);
	ranges_free(&left);
	return st;
}
