#include "common/user_id.h"

#include "common/slice.h"

#include <pwd.h>
#include <stdint.h>

bool user_id_find(const char *name, uid_t *uid)
{
	unsigned long long number;
	const struct passwd *entry;

	if (!name || !*name)
		return false;
	if (slice_number(slice_str(name), UINT32_MAX - 1, &number)) {
		*uid = (uid_t)number;
		return true;
	}
	entry = getpwnam(name);
	if (entry)
		*uid = entry->pw_uid;
	return entry != NULL;
}
