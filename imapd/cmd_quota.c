/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account has one quota root,
 * named "": all of its mailboxes count. Administrators (AUTH_OK says who is one)
 * name that of any account by its address; SETQUOTA is theirs alone, and nobody else
 * is shown QUOTASET.
 */
#include "imapd/session_priv.h"

void imap_tell_soft_quota(struct imap_command *c)
{
	respond_str(imap_out(c),
		    "* NO [OVERQUOTA] Soft quota has been exceeded\r\n");
}

struct quota_ask {
	struct slice mailbox;	/* of GETQUOTAROOT, else data is NULL */
	struct slice root;
	const char *done;	/* the words of the answer */
};

static void put_resource(struct respond *r, bool *is_first, const char *name,
			 uint64_t used, uint64_t limit)
{
	if (limit == 0)
		return;		/* not limited: not named (section 4.2.1) */
	if (!*is_first)
		respond_char(r, ' ');
	*is_first = false;
	respond_str(r, name);
	respond_char(r, ' ');
	respond_u64(r, used);
	respond_char(r, ' ');
	respond_u64(r, limit);
}

static void put_quota(struct respond *r, struct slice root,
		      const struct ipc_quota_is *q)
{
	bool is_first = true;

	respond_str(r, "* QUOTA ");
	respond_astring(r, root);
	respond_str(r, " (");
	/* STORAGE is in units of 1024 octets (section 5.1) */
	put_resource(r, &is_first, "STORAGE", (q->used_octets + 1023) / 1024,
		     (q->limit_octets + 1023) / 1024);
	put_resource(r, &is_first, "MESSAGE", q->used_messages,
		     q->limit_messages);
	put_resource(r, &is_first, "MAILBOX", q->used_mailboxes,
		     q->limit_mailboxes);
	respond_str(r, ")\r\n");
}

static void quota_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	const struct quota_ask *ask = c->data;
	struct respond *r = imap_out(c);

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_QUOTA_IS) {
		if (ask->mailbox.data) {
			respond_str(r, "* QUOTAROOT ");
			respond_mailbox(r, ask->mailbox);
			respond_str(r, " \"\"\r\n");
		}
		put_quota(r, ask->root, &m->quota_is);
	}
	if (last)
		imap_finish(c, IMAP_OK, NULL, ask->done);
}

static void ask_mailboxd(struct imap_command *c, struct quota_ask ask,
			 const struct ipc_message *m)
{
	struct quota_ask *data = arena_alloc(&c->arena, sizeof *data);

	c->data = data;
	if (!data) {
		imap_finish_short(c);
		return;
	}
	*data = ask;
	imap_ask(c, m, quota_step);
}

/* Roots of others are there for administrators only. */
static bool may_name(struct imap_command *c, struct slice root)
{
	if (root.len == 0 || c->session->is_admin)
		return true;
	imap_finish(c, IMAP_NO, "NONEXISTENT", "No such quota root");
	return false;
}

/* Section 4.1.1 */
void imap_cmd_getquota(struct imap_command *c)
{
	struct quota_ask ask = { .done = "GETQUOTA completed" };
	struct ipc_message m = { .type = IPC_TYPE_QUOTA };

	if (!args_space(&c->args) || !args_astring(&c->args, &ask.root) ||
	    !args_end(&c->args)) {
		imap_bad_args(c, "GETQUOTA wants a quota root");
	} else if (may_name(c, ask.root)) {
		m.quota.root = ask.root;
		ask_mailboxd(c, ask, &m);
	}
}

/* Section 4.1.2: the mailbox need not be there. */
void imap_cmd_getquotaroot(struct imap_command *c)
{
	struct quota_ask ask = { .root = SLICE_EMPTY, .done = "GETQUOTAROOT completed" };
	struct ipc_message m = { .type = IPC_TYPE_QUOTA };

	m.quota.root = SLICE_EMPTY;
	if (!args_space(&c->args) || !args_mailbox(&c->args, &ask.mailbox) ||
	    !args_end(&c->args))
		imap_bad_args(c, "GETQUOTAROOT wants a mailbox");
	else
		ask_mailboxd(c, ask, &m);
}

/* What a setquota-list may hold, in units that mailboxd counts. */
static const struct {
	const char *name;
	uint64_t unit;		/* 0: it is the same for all accounts */
} resources[] = {
	{ "STORAGE", 1024 }, { "MESSAGE", 1 }, { "MAILBOX", 0 },
};

/* "(" [resource SP limit ...] ")": what is not named has no limit. A name or a limit
 * that cannot be is told in *refused, behind the syntax. */
static bool take_limits(struct imap_args *a, struct ipc_quota_set *set,
			const char **refused)
{
	uint64_t *const limits[] = { &set->octets, &set->messages, NULL };
	struct slice name;
	uint64_t limit;

	if (!args_char(a, '('))
		return false;
	if (args_char(a, ')'))
		return true;
	do {
		size_t i = 0;

		if (!args_atom(a, &name) || !args_space(a) ||
		    !args_number64(a, &limit))
			return false;
		while (i < 3 && !slice_case_eq(name, slice_str(resources[i].name)))
			i++;
		if (i == 3 || resources[i].unit == 0)
			*refused = "That resource cannot be limited";
		else if (limit == 0 || limit > INT64_MAX / resources[i].unit)
			*refused = "That limit cannot be set";
		else
			*limits[i] = limit * resources[i].unit;
	} while (args_char(a, ' '));
	return args_char(a, ')');
}

/* Section 4.1.3 */
void imap_cmd_setquota(struct imap_command *c)
{
	struct quota_ask ask = { .done = "SETQUOTA completed" };
	struct ipc_message m = { .type = IPC_TYPE_QUOTA_SET };
	const char *refused = NULL;

	if (!args_space(&c->args) || !args_astring(&c->args, &ask.root) ||
	    !args_space(&c->args) ||
	    !take_limits(&c->args, &m.quota_set, &refused) || !args_end(&c->args)) {
		imap_bad_args(c, "SETQUOTA wants a quota root and limits");
	} else if (!may_name(c, ask.root)) {
		return;
	} else if (!c->session->is_admin) {
		imap_finish(c, IMAP_NO, "NOPERM", "Limits are set by administrators");
	} else if (refused) {
		imap_finish(c, IMAP_NO, "CANNOT", refused);
	} else {
		m.quota_set.root = ask.root;
		ask_mailboxd(c, ask, &m);
	}
}
