/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account has one quota root,
 * named "": all of its mailboxes count. Limits are the administrator's, on the
 * command line: SETQUOTA is refused to everybody, and QUOTASET not announced.
 */
#include "imapd/session_priv.h"

void imap_tell_soft_quota(struct imap_command *c)
{
	respond_str(imap_out(c),
		    "* NO [OVERQUOTA] Soft quota has been exceeded\r\n");
}

struct quota_ask {
	struct slice mailbox;	/* of GETQUOTAROOT */
	bool is_root_asked;
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

static void put_quota(struct respond *r, const struct ipc_quota_is *q)
{
	bool is_first = true;

	respond_str(r, "* QUOTA \"\" (");
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
		if (ask->is_root_asked) {
			respond_str(r, "* QUOTAROOT ");
			respond_mailbox(r, ask->mailbox);
			respond_str(r, " \"\"\r\n");
		}
		put_quota(r, &m->quota_is);
	}
	if (last)
		imap_finish(c, IMAP_OK, NULL,
			    ask->is_root_asked ? "GETQUOTAROOT completed"
					       : "GETQUOTA completed");
}

static void ask_mailboxd(struct imap_command *c, struct quota_ask ask)
{
	struct ipc_message m = { .type = IPC_TYPE_QUOTA };
	struct quota_ask *data = arena_alloc(&c->arena, sizeof *data);

	c->data = data;
	if (!data) {
		imap_finish_short(c);
		return;
	}
	*data = ask;
	m.quota.root = SLICE_EMPTY;
	imap_ask(c, &m, quota_step);
}

static void no_such_root(struct imap_command *c)
{
	imap_finish(c, IMAP_NO, NULL, "[NONEXISTENT] No such quota root");
}

/* Section 4.1.1 */
void imap_cmd_getquota(struct imap_command *c)
{
	struct slice root;

	if (!args_space(&c->args) || !args_astring(&c->args, &root) ||
	    !args_end(&c->args))
		imap_bad_args(c, "GETQUOTA wants a quota root");
	else if (root.len)
		no_such_root(c);
	else
		ask_mailboxd(c, (struct quota_ask){ .is_root_asked = false });
}

/* Section 4.1.2: the mailbox need not be there. */
void imap_cmd_getquotaroot(struct imap_command *c)
{
	struct quota_ask ask = { .is_root_asked = true };

	if (!args_space(&c->args) || !args_mailbox(&c->args, &ask.mailbox) ||
	    !args_end(&c->args))
		imap_bad_args(c, "GETQUOTAROOT wants a mailbox");
	else
		ask_mailboxd(c, ask);
}

/* "(" [resource SP limit ...] ")" */
static bool take_limits(struct imap_args *a)
{
	struct slice name;
	uint64_t limit;

	if (!args_char(a, '('))
		return false;
	if (args_char(a, ')'))
		return true;
	do
		if (!args_atom(a, &name) || !args_space(a) ||
		    !args_number64(a, &limit))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')');
}

/* Section 4.1.3 */
void imap_cmd_setquota(struct imap_command *c)
{
	struct slice root;

	if (!args_space(&c->args) || !args_astring(&c->args, &root) ||
	    !args_space(&c->args) || !take_limits(&c->args) ||
	    !args_end(&c->args))
		imap_bad_args(c, "SETQUOTA wants a quota root and limits");
	else if (root.len)
		no_such_root(c);
	else
		imap_finish(c, IMAP_NO, NULL,
			    "[NOPERM] Limits are set by the administrator");
}
