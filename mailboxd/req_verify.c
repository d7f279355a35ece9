/*
 * VERIFY: smtpd asks for a client whom VRFY may tell (RFC 5321 section 3.5) whether
 * there is a mailbox behind an address: as RCPT would find it, but that a full one
 * is there.
 */
#include "mailboxd/requests.h"

static enum status look(struct request *r, struct tx *tx)
{
	struct arena arena = ARENA_INIT(16384);
	const struct store_target *targets;
	struct address address;
	size_t count;
	enum status st = address_parse(r->message.verify.address,
				       ADDRESS_UTF8 | ADDRESS_NO_DOMAIN, &arena,
				       &address);

	if (st == ST_OK)
		st = store_resolve(tx, &address, 0, NULL, NULL, &targets, &count);
	arena_clear(&arena);
	if (st == ST_QUOTA || (st == ST_NOT_FOUND &&
			       r->service->settings->store.first_use))
		return ST_OK;
	return st == ST_SYNTAX || st == ST_LIMIT ? ST_NOT_FOUND : st;
}

static enum status verify_run(struct request *r, struct tx *tx)
{
	enum status st = look(r, tx);

	if (st == ST_NOT_FOUND || st == ST_DENIED)
		return request_fail(r, st, "", "no such mailbox");
	return st == ST_OK ? request_put_done(r, 1)
			   : request_store_failed(r, st, tx, "");
}

void req_verify(struct request *r)
{
	request_go(r, PLACE_READER, 0, verify_run, request_ended);
}
