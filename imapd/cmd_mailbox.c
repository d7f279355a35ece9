/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to
 * 6.3.8): one question to mailboxd each. */
#include "imapd/list_attributes.h"
#include "imapd/mailbox_name.h"
#include "imapd/object_id.h"
#include "imapd/session_priv.h"

/* How the client called it, where that counts. */
struct naming {
	struct slice name, given;
	const char *attributes;
};

void imap_tell_oldname(struct imap_session *s, const char *attributes,
		       struct slice name, struct slice given)
{
	struct respond *r = &s->respond;

	if (!(s->enabled & IMAP_ENABLED_REV2) || slice_eq(name, given))
		return;
	respond_str(r, "* LIST ");
	respond_str(r, attributes);
	respond_str(r, " \"/\" ");
	respond_mailbox(r, name);
	list_oldname_put(r, name, given);
	respond_crlf(r);
}

static void tell_naming(struct imap_command *c)
{
	const struct naming *n = c->data;

	if (n)
		imap_tell_oldname(c->session, n->attributes, n->name, n->given);
}

/* name lives as long as the command. */
static void remember(struct imap_command *c, const char *attributes,
		     struct slice name, struct slice given)
{
	struct naming *n = arena_alloc(&c->arena, sizeof *n);

	if (n)
		*n = (struct naming){ name, given, attributes };
	c->data = n;
}

static void done(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct buf words = BUF_INIT(64);

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
	} else if (last) {
		tell_naming(c);
		buf_append_fmt(&words, "%s completed%c", c->row->name, '\0');
		imap_finish(c, IMAP_OK, NULL, words.data ? words.data : "Completed");
	}
	buf_free(&words);
}

static bool take_name(struct imap_command *c, struct slice *name)
{
	if (args_space(&c->args) && args_mailbox(&c->args, name))
		return true;
	imap_bad_args(c, "Mailbox name expected");
	return false;
}

static bool take_end(struct imap_command *c)
{
	if (args_end(&c->args))
		return true;
	imap_bad(c, "Nothing more expected");
	return false;
}

/* A name that is to be made: "a/" is "a" (section 6.3.4). */
static bool check_new(struct imap_command *c, struct slice *name)
{
	const char *fault;

	if (name->len > 1 && name->data[name->len - 1] == MAILBOX_SEPARATOR)
		name->len--;
	fault = mailbox_name_fault(*name);
	if (!fault && slice_eq(*name, SLICE("INBOX")))
		fault = "[ALREADYEXISTS] INBOX is there already";
	if (!fault)
		return true;
	imap_finish(c, IMAP_NO, NULL, fault);
	return false;
}

/* SP "(" "USE" SP "(" one use ")" ")" (RFC 6154 section 3) */
static bool take_use(struct imap_command *c, struct slice *use)
{
	struct imap_args *a = &c->args;
	struct slice word;

	*use = SLICE_EMPTY;
	if (args_end(a))
		return true;
	if (!args_space(a) || !args_char(a, '(') || !args_word(a, "USE") ||
	    !args_space(a) || !args_char(a, '(') || args_peek(a) != '\\')
		return false;
	use->data = a->rest.data;
	if (!args_char(a, '\\') || !args_atom(a, &word) || !args_char(a, ')') ||
	    !args_char(a, ')') || !args_end(a))
		return false;
	use->len = word.len + 1;
	return true;
}

static void created(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct buf code = BUF_INIT(64);
	struct respond r = { .out = &code };

	if (m->type != IPC_TYPE_DONE) {
		done(c, m, last);
		return;
	}
	tell_naming(c);
	/* RFC 8474 section 4.1 */
	object_id_put_mailbox(&r, m->done.value);
	imap_finish_code(c, IMAP_OK, buf_slice(&code), "CREATE completed");
	buf_free(&code);
}

void imap_cmd_create(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_CREATE };

	if (!take_name(c, &m.create.name))
		return;
	if (!take_use(c, &m.create.special_use)) {
		imap_bad(c, "CREATE takes a name and (USE (\\Use))");
		return;
	}
	if (!check_new(c, &m.create.name))
		return;
	/* a separator at the end is no other form of the name */
	if (c->args.given.len > m.create.name.len &&
	    slice_eq(slice_head(c->args.given, m.create.name.len), m.create.name))
		c->args.given = m.create.name;
	remember(c, "()", m.create.name, c->args.given);
	imap_ask(c, &m, created);
}

void imap_cmd_delete(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_DELETE };

	if (!take_name(c, &m.delete.name) || !take_end(c))
		return;
	if (slice_eq(m.delete.name, SLICE("INBOX"))) {
		imap_finish(c, IMAP_NO, "CANNOT", "INBOX cannot be deleted");
		return;
	}
	remember(c, "(\\NonExistent)", m.delete.name, c->args.given);
	imap_ask(c, &m, done);
}

void imap_cmd_rename(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_RENAME };
	struct slice from_given;

	if (!take_name(c, &m.rename.from))
		return;
	from_given = c->args.given;
	if (!take_name(c, &m.rename.to) || !take_end(c) ||
	    !check_new(c, &m.rename.to))
		return;
	/* one of the two is another form: which old name became which new one */
	if (!slice_eq(from_given, m.rename.from) ||
	    !slice_eq(c->args.given, m.rename.to))
		remember(c, "()", m.rename.to, from_given);
	imap_ask(c, &m, done);
}

static void subscribe(struct imap_command *c, uint32_t on)
{
	struct ipc_message m = { .type = IPC_TYPE_SUBSCRIBE, .subscribe.on = on };

	if (take_name(c, &m.subscribe.name) && take_end(c))
		imap_ask(c, &m, done);
}

void imap_cmd_subscribe(struct imap_command *c)
{
	subscribe(c, 1);
}

void imap_cmd_unsubscribe(struct imap_command *c)
{
	subscribe(c, 0);
}
