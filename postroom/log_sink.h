/*
 * Where the daemons' log lines end: standard error, which they inherit, or a
 * file or syslog, which postroom writes for them from a pipe, since they open no
 * file themselves.
 */
#ifndef POSTROOM_LOG_SINK_H
#define POSTROOM_LOG_SINK_H

#include "common/status.h"

#include <stdbool.h>
#include <uv.h>

struct log_sink;

/*
 * where: "stderr", "syslog" or an absolute path, as the option `log` has it.
 * ST_IO: the file cannot be opened. The caller ends it by log_sink_close().
 */
enum status log_sink_open(uv_loop_t *loop, const char *where,
			  struct log_sink **sink, struct error *err);
/* The descriptor that becomes standard error of a daemon. */
int log_sink_fd(const struct log_sink *sink);
/* Whether lines carry their own time. */
bool log_sink_wants_time(const struct log_sink *sink);
/* Opens the file anew, after it was rotated. ST_IO: the old one stays. */
enum status log_sink_reopen(struct log_sink *sink, struct error *err);
/* Writes what is in the pipe, closes the handles; the memory goes when the loop
 * has run once more. NULL is fine. */
void log_sink_close(struct log_sink *sink);

#endif
