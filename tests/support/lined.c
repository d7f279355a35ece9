/*
 * A daemon of the line protocol (line_engine.h): what every daemon has in
 * common, without a protocol. Tests of the supervisor and of daemon.c start it.
 */
#include "common/daemon.h"

#include "tests/support/line_engine.h"

static enum status configure(struct daemon *d, struct slice text,
			     struct error *err)
{
	if (slice_starts(text, SLICE("bad")))
		return error_set(err, ST_SYNTAX, "the configuration is bad");
	return ST_OK;
}

static enum status serve(struct daemon *d, struct error *err)
{
	struct listener_settings settings = {
		.service = { .protocol = "line", .tls = d->tls,
			     .engine_new = line_engine_new },
	};
	enum status st = ST_OK;

	for (size_t i = 0; i < d->socket_count && st == ST_OK; i++)
		st = daemon_listen(d, d->sockets[i].name, &settings, err);
	return st;
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.name = "lined", .sandbox = PROC_SANDBOX_FRONT,
		.configure = configure, .serve = serve,
	};

	return daemon_main(&ops, NULL, argc, argv);
}
