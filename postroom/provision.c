#include "postroom/provision.h"

#include "postroom/control_client.h"

#define PATIENCE_MS 10000

/* Asks and waits for the end of the answer; its status is mailboxd's. */
static enum status ask(struct control_client *c, const char *verb,
		       const struct slice *args, size_t count, struct error *err)
{
	struct ipc_message m;
	uint32_t id, got;
	bool last = false;
	enum status st = control_client_ask(c, verb, args, count, &id, err);

	while (st == ST_OK && !last)
		st = control_client_next(c, &m, &got, &last, err);
	if (st == ST_OK && m.type == IPC_TYPE_ERROR)
		return error_set(err, m.error.code ? (enum status)m.error.code : ST_IO,
				 "%s %.*s: %.*s", verb, SLICE_ARG(args[0]),
				 SLICE_ARG(m.error.text));
	return st;
}

static enum status make_user(struct control_client *c, const char *user,
			     struct error *err)
{
	struct slice all = slice_str(user);
	size_t colon = slice_index(all, ':');
	/* memory=yes: so that APOP can be tried (mailboxd/given.h) */
	struct slice args[3] = { slice_head(all, colon), SLICE_EMPTY,
				 SLICE("memory=yes") };
	struct slice domain = slice_from(args[0], slice_index(args[0], '@'));
	enum status st;

	if (colon == all.len || domain.len < 2)
		return error_set(err, ST_SYNTAX, "--user %s: write ADDRESS:PASSWORD", user);
	args[1] = slice_from(all, colon + 1);
	domain = slice_from(domain, 1);
	st = ask(c, "domain add", &domain, 1, err);
	if (st == ST_OK || st == ST_EXISTS)
		st = ask(c, "user add", args, 3, err);
	if (st == ST_EXISTS)
		st = ask(c, "user passwd", args, 3, err);
	return st;
}

enum status provision(const char *run, const char *const *users, size_t count,
		      struct error *err)
{
	struct control_client *c;
	enum status st = ST_OK;

	if (count == 0)
		return ST_OK;
	st = control_client_open(run, PATIENCE_MS, &c, err);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; st == ST_OK && i < count; i++)
		st = make_user(c, users[i], err);
	control_client_close(c);
	return st;
}
