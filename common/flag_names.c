#include "common/flag_names.h"

#include "common/flags.h"

#define NAME(text) { text, sizeof(text) - 1 }

const struct flag_name flag_names[FLAG_NAME_COUNT] = {
	{ NAME("\\Answered"),	FLAG_ANSWERED },
	{ NAME("\\Flagged"),	FLAG_FLAGGED },
	{ NAME("\\Deleted"),	FLAG_DELETED },
	{ NAME("\\Seen"),	FLAG_SEEN },
	{ NAME("\\Draft"),	FLAG_DRAFT },
};

uint32_t flag_find(struct slice name)
{
	for (size_t i = 0; i < FLAG_NAME_COUNT; i++)
		if (slice_case_eq(name, flag_names[i].name))
			return flag_names[i].flag;
	return 0;
}
