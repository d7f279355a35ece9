#include "mailboxd/ration.h"

void ration_init(struct ration *r, uint32_t burst, uint32_t per_second,
		 int64_t now_ms)
{
	*r = (struct ration){
		.burst = burst, .per_second = per_second,
		.left_milli = (int64_t)burst * 1000, .at_ms = now_ms,
	};
}

bool ration_has(struct ration *r, int64_t now_ms)
{
	int64_t full = (int64_t)r->burst * 1000, passed = now_ms - r->at_ms;

	r->at_ms = now_ms;
	/* a second fills per_second tokens, a millisecond so many thousandths */
	if (passed >= full)
		r->left_milli = full;
	else if (passed > 0)
		r->left_milli += passed * r->per_second;
	if (r->left_milli > full)
		r->left_milli = full;
	return r->left_milli >= 1000;
}

void ration_take(struct ration *r, int64_t now_ms)
{
	if (ration_has(r, now_ms))
		r->left_milli -= 1000;
}
