/* Annotations: METADATA_GET, METADATA_SET (RFC 5464). */
#include "mailboxd/requests.h"

/* "" is the server. */
static enum status find_mailbox(struct request *r, struct tx *tx,
				struct slice name, uint64_t *id)
{
	struct store_mailbox m;
	enum status st;

	*id = 0;
	if (name.len == 0)
		return ST_OK;
	st = store_mailbox_find(tx, r->account, name, &m);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	*id = m.id;
	return ST_OK;
}

static enum status put(void *arg, struct slice entry, struct slice value)
{
	struct ipc_message m = { .type = IPC_TYPE_METADATA };

	m.metadata.entry = entry;
	m.metadata.value = value;
	return request_put(arg, 0, &m);
}

static enum status get_run(struct request *r, struct tx *tx)
{
	const struct ipc_metadata_get *m = &r->message.metadata_get;
	struct slice rest = m->entries, entry;
	uint64_t mailbox;
	enum status st = find_mailbox(r, tx, m->name, &mailbox);

	while (st == ST_OK && ipc_list_next(&rest, &entry) == ST_OK) {
		st = store_metadata_get(tx, r->account, mailbox, entry, m->depth,
					put, r);
		/* what is no name is not there */
		st = st == ST_SYNTAX ? ST_OK : st;
		if (st != ST_OK)
			request_store_failed(r, st, tx, "");
	}
	return st;
}

void req_metadata_get(struct request *r)
{
	request_go(r, PLACE_READER, 0, get_run, request_ended);
}

static enum status set_one(struct request *r, struct tx *tx, uint64_t mailbox,
			   struct slice entry, struct slice value)
{
	enum status st = store_metadata_set(tx, r->account, mailbox, entry, value);

	return st == ST_OK ? st : request_store_failed(r, st, tx,
		st != ST_LIMIT ? request_detail(st)
		: value.len > STORE_METADATA_OCTETS ? "MAXSIZE" : "TOOMANY");
}

static enum status set_run(struct request *r, struct tx *tx)
{
	const struct ipc_metadata_set *m = &r->message.metadata_set;
	struct slice rest = m->entries, entry, is_set, value;
	uint64_t mailbox;
	enum status st;

	request_act(r, tx);
	st = find_mailbox(r, tx, m->name, &mailbox);
	while (st == ST_OK && ipc_list_next(&rest, &entry) == ST_OK) {
		if (ipc_list_next(&rest, &is_set) != ST_OK ||
		    ipc_list_next(&rest, &value) != ST_OK)
			return request_fail(r, ST_SYNTAX, "", "not in threes");
		if (!slice_eq(is_set, SLICE("1")))
			value = (struct slice){ NULL, 0 };
		else if (value.len == 0)
			value = SLICE("");
		st = set_one(r, tx, mailbox, entry, value);
	}
	return st == ST_OK ? request_put_done(r, 0) : st;
}

void req_metadata_set(struct request *r)
{
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, set_run, request_ended);
}
