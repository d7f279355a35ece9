/*
 * GREYLIST: smtpd asks whether a client that is not known may deliver now. A
 * recipient who is not here is not written down: mailboxd refuses it in a moment.
 */
#include "mailboxd/requests.h"

#include "common/clock.h"

static enum status key_of(struct slice text, unsigned flags, struct arena *arena,
			  struct address *address, struct buf *key)
{
	enum status st = ST_OK;

	*address = (struct address){ .is_null = true };
	if (text.len)
		st = address_parse(text, flags, arena, address);
	return st || text.len == 0 ? st : address_key(address, key);
}

static bool is_here(struct request *r, struct tx *tx, const struct address *a)
{
	const struct store_target *targets;
	size_t count;

	return r->service->settings->store.first_use ||
	       store_resolve(tx, a, UINT64_MAX, NULL, NULL, &targets, &count) !=
		       ST_NOT_FOUND;
}

static enum status look(struct request *r, struct tx *tx, bool may_write)
{
	const struct ipc_greylist *m = &r->message.greylist;
	char from[ADDRESS_OCTETS_MAX], to[ADDRESS_OCTETS_MAX], peer[48] = "";
	char network[NETSET_NETWORK_OCTETS];
	struct buf from_key = { from, 0, sizeof from, sizeof from };
	struct buf to_key = { to, 0, sizeof to, sizeof to };
	struct arena arena = ARENA_INIT(16384);
	struct address sender, recipient;
	struct greylist_key key;
	uint64_t left = 0;
	enum status st = key_of(m->sender, ADDRESS_UTF8, &arena, &sender, &from_key);

	if (!st)
		st = key_of(m->recipient, ADDRESS_UTF8 | ADDRESS_NO_DOMAIN, &arena,
			    &recipient, &to_key);
	if (!st && m->address.len < sizeof peer)
		memcpy(peer, m->address.data, m->address.len);
	if (!st)
		st = netset_network(peer, 24, 64, network);
	if (!st && is_here(r, tx, &recipient)) {
		key = (struct greylist_key){ slice_str(network),
					     buf_slice(&from_key), buf_slice(&to_key) };
		st = store_greylist_ask(tx, &r->service->settings->greylist, &key,
					clock_wall_seconds(), may_write, &left);
	}
	arena_clear(&arena);
	return st ? st : request_put_done(r, left);
}

static enum status write_run(struct request *r, struct tx *tx)
{
	enum status st = look(r, tx, true);

	return st ? request_store_failed(r, st, tx, "") : ST_OK;
}

static enum status read_run(struct request *r, struct tx *tx)
{
	enum status st = look(r, tx, false);

	return st && st != ST_MORE ? request_store_failed(r, st, tx, "") : st;
}

static void looked(struct request *r, enum status st)
{
	if (st == ST_MORE)
		request_go(r, PLACE_WRITER, JOB_SYNC_NORMAL, write_run,
			   request_ended);
	else
		request_ended(r, st);
}

void req_greylist(struct request *r)
{
	request_go(r, PLACE_READER, 0, read_run, looked);
}
