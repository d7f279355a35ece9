/*
 * MAY_SEND: smtpd asks whether a login may use an address as its sender or
 * author (RFC 6409 sections 6.1 and 8.1).
 */
#include "mailboxd/requests.h"

static enum status look(struct request *r, struct tx *tx)
{
	const struct ipc_may_send *m = &r->message.may_send;
	struct arena arena = ARENA_INIT(16384);
	struct store_account account;
	struct address address;
	enum status st = store_account_find(tx, m->login, &account);

	if (st == ST_OK && account.is_disabled)
		st = ST_DENIED;
	if (st == ST_OK)
		st = address_parse(m->address, ADDRESS_UTF8, &arena, &address);
	/* who takes any password is anybody */
	if (st == ST_OK && !(r->service->settings->any_password &&
			     account.any_password))
		st = store_may_send_as(tx, account.id, &address);
	arena_clear(&arena);
	return st;
}

static enum status may_send_run(struct request *r, struct tx *tx)
{
	enum status st = look(r, tx);

	if (st == ST_SYNTAX || st == ST_LIMIT || st == ST_NOT_FOUND)
		st = ST_DENIED;
	if (st == ST_DENIED)
		return request_fail(r, st, "", "not an address of this account");
	return st == ST_OK ? request_put_done(r, 1)
			   : request_store_failed(r, st, tx, "");
}

void req_may_send(struct request *r)
{
	request_go(r, PLACE_READER, 0, may_send_run, request_ended);
}
