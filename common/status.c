#include "common/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ST_COUNT] = {
	[ST_OK] = "ok",
	[ST_MORE] = "more",
	[ST_SYNTAX] = "syntax",
	[ST_LIMIT] = "limit",
	[ST_IO] = "io",
	[ST_NOT_FOUND] = "not-found",
	[ST_EXISTS] = "exists",
	[ST_DENIED] = "denied",
	[ST_QUOTA] = "quota",
	[ST_FULL] = "full",
	[ST_UNAVAILABLE] = "unavailable",
	[ST_NO_MEMORY] = "no-memory",
	[ST_CLOSED] = "closed",
};

const char *status_name(enum status status)
{
	return (unsigned)status < ST_COUNT ? names[status] : "unknown";
}

enum status (error_set)(struct error *err, enum status status, const char *fmt,
		      ...)
{
	int sys = errno;
	int n;
	va_list ap;

	if (!err)
		return status;
	err->status = status;
	err->sys = status == ST_IO ? sys : 0;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	if (status == ST_IO && n >= 0 && (size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s",
			 strerror(sys));
	return status;
}
