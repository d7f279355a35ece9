/*
 * GETMETADATA, SETMETADATA (RFC 5464): mailboxd keeps the entries. The mailbox ""
 * is the server. Options may stand before the mailbox, as the grammar has it, or
 * behind it, as the examples do.
 */
#include "imapd/session_priv.h"

#include "common/ipc_codec.h"

#include <stdio.h>

#define ENTRIES_MAX	64u
#define VALUE_OCTETS	16384u	/* mailboxd's bound, told in MAXSIZE */

struct metadata {
	struct slice name;
	uint32_t depth;
	bool has_maxsize, has_depth;
	uint32_t maxsize;
	uint64_t longest;	/* of those that are longer */
	bool is_open;		/* "* METADATA name (" was said */
};

/* ---- GETMETADATA ----------------------------------------------------------------- */

static bool take_option(struct imap_args *a, struct metadata *m)
{
	if (args_word(a, "MAXSIZE")) {
		m->has_maxsize = true;
		return args_space(a) && args_number(a, &m->maxsize);
	}
	if (!args_word(a, "DEPTH") || !args_space(a))
		return false;
	m->has_depth = true;
	if (args_word(a, "infinity"))
		m->depth = UINT32_MAX;
	else if (!args_number(a, &m->depth) || m->depth > 1)
		return false;
	return true;
}

/* "(" option *(SP option) ")" */
static bool take_options(struct imap_args *a, struct metadata *m)
{
	if (!args_char(a, '('))
		return false;
	do
		if (!take_option(a, m))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')');
}

/* Whether options come next, and no entries: those begin with "/" or a quote. */
static bool has_options(const struct imap_args *a)
{
	struct imap_args ahead = *a;

	return args_char(&ahead, '(') && (args_word(&ahead, "MAXSIZE") ||
					  args_word(&ahead, "DEPTH"));
}

static bool take_entries(struct imap_args *a, struct buf *entries)
{
	bool is_list = args_char(a, '(');
	struct slice entry;
	unsigned count = 0;

	do
		if (++count > ENTRIES_MAX || !args_astring(a, &entry) ||
		    ipc_list_append(entries, entry) != ST_OK)
			return false;
	while (is_list && args_char(a, ' '));
	return !is_list || args_char(a, ')');
}

/* "" is the server, which is no name of a mailbox. */
static bool take_mailbox(struct imap_args *a, struct slice *name)
{
	struct imap_args ahead = *a;
	struct slice text;

	if (!args_astring(&ahead, &text) || text.len)
		return args_mailbox(a, name);
	*a = ahead;
	*name = SLICE_EMPTY;
	return true;
}

static bool take_get(struct imap_args *a, struct metadata *m, struct buf *entries)
{
	if (!args_space(a))
		return false;
	if (has_options(a) && !(take_options(a, m) && args_space(a)))
		return false;
	if (!take_mailbox(a, &m->name) || !args_space(a))
		return false;
	if (has_options(a) && !(take_options(a, m) && args_space(a)))
		return false;
	return take_entries(a, entries) && args_end(a);
}

static void put_name(struct respond *r, struct slice name)
{
	if (name.len)
		respond_mailbox(r, name);
	else
		respond_str(r, "\"\"");
}

static void put_entry(struct imap_command *c, const struct ipc_metadata *e)
{
	struct metadata *m = c->data;
	struct respond *r = imap_out(c);

	if (m->has_maxsize && e->value.len > m->maxsize) {
		if (e->value.len > m->longest)
			m->longest = e->value.len;
		return;
	}
	if (!m->is_open) {
		respond_str(r, "* METADATA ");
		put_name(r, m->name);
		respond_str(r, " (");
	} else {
		respond_char(r, ' ');
	}
	m->is_open = true;
	respond_astring(r, e->entry);
	respond_char(r, ' ');
	respond_string(r, e->value);
}

static void get_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct metadata *data = c->data;
	char code[64];

	if (m->type == IPC_TYPE_ERROR) {
		if (data->is_open)
			respond_str(imap_out(c), ")\r\n");
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_METADATA)
		put_entry(c, &m->metadata);
	if (!last)
		return;
	if (data->is_open)
		respond_str(imap_out(c), ")\r\n");
	snprintf(code, sizeof code, "METADATA LONGENTRIES %llu",
		 (unsigned long long)data->longest);
	if (data->longest)
		imap_finish_code(c, IMAP_OK, slice_str(code),
				 "GETMETADATA completed");
	else
		imap_finish(c, IMAP_OK, NULL, "GETMETADATA completed");
}

/* Section 4.2 */
void imap_cmd_getmetadata(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_METADATA_GET };
	struct metadata *data = arena_alloc(&c->arena, sizeof *data);
	struct buf entries = BUF_INIT(32768);

	c->data = data;
	if (!data) {
		imap_finish_short(c);
		return;
	}
	*data = (struct metadata){ .depth = 0 };
	if (take_get(&c->args, data, &entries)) {
		m.metadata_get.name = data->name;
		m.metadata_get.entries = buf_slice(&entries);
		m.metadata_get.depth = data->depth;
		imap_ask(c, &m, get_step);
	} else {
		imap_bad_args(c, "GETMETADATA wants a mailbox and entries");
	}
	buf_free(&entries);
}

/* ---- SETMETADATA ----------------------------------------------------------------- */

static void set_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	char code[64];

	if (m->type != IPC_TYPE_ERROR) {
		if (last)
			imap_finish(c, IMAP_OK, NULL, "SETMETADATA completed");
		return;
	}
	snprintf(code, sizeof code, "METADATA MAXSIZE %u", VALUE_OCTETS);
	if (slice_eq(m->error.detail, SLICE("MAXSIZE")))
		imap_finish_code(c, IMAP_NO, slice_str(code), "A value is too long");
	else if (slice_eq(m->error.detail, SLICE("TOOMANY")))
		imap_finish_code(c, IMAP_NO, SLICE("METADATA TOOMANY"),
				 "There are too many entries");
	else
		imap_finish_error(c, &m->error);
}

/* "(" entry SP value *(SP entry SP value) ")" */
static bool take_values(struct imap_args *a, struct buf *entries)
{
	struct slice entry, value;
	unsigned count = 0;

	if (!args_char(a, '('))
		return false;
	do
		if (++count > ENTRIES_MAX || !args_astring(a, &entry) ||
		    !args_space(a) || !args_nstring(a, &value) ||
		    ipc_list_append(entries, entry) != ST_OK ||
		    ipc_list_append(entries, value.data ? SLICE("1")
						: SLICE("0")) != ST_OK ||
		    ipc_list_append(entries, value.data ? value
						: SLICE_EMPTY) != ST_OK)
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')');
}

/* Section 4.3 */
void imap_cmd_setmetadata(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_METADATA_SET };
	struct buf entries = BUF_INIT(IPC_PAYLOAD_MAX - 2048);

	if (!args_space(&c->args) ||
	    !take_mailbox(&c->args, &m.metadata_set.name) ||
	    !args_space(&c->args) || !take_values(&c->args, &entries) ||
	    !args_end(&c->args)) {
		imap_bad_args(c, "SETMETADATA wants a mailbox and entries with values");
	} else {
		m.metadata_set.entries = buf_slice(&entries);
		imap_ask(c, &m, set_step);
	}
	buf_free(&entries);
}
