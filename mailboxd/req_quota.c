/*
 * QUOTA and QUOTA_SET (RFC 9208). The root "" is the account's own; administrators
 * (option admins) name any account by its address.
 */
#include "mailboxd/requests.h"

/* More than so many hundredths of the limit; no limit is never reached. */
static bool is_over(uint64_t used, uint64_t limit, unsigned percent)
{
	return limit && used > limit / 100 * percent + limit % 100 * percent / 100;
}

bool request_over_soft(struct request *r, struct tx *tx)
{
	unsigned percent = r->service->settings->quota_warning;
	struct store_quota q;

	return percent && store_quota(tx, r->account, &q) == ST_OK &&
	       (is_over(q.used_octets, q.limit_octets, percent) ||
		is_over(q.used_messages, q.limit_messages, percent));
}

static enum status is_admin(struct request *r, struct tx *tx)
{
	struct store_account self;
	enum status st = store_account_get(tx, r->account, &self);

	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	return settings_is_admin(r->service->settings, self.name) ? ST_OK
		: request_fail(r, ST_DENIED, "NOPERM", "no administrator");
}

/* Whose limits they are. Another's are an administrator's to see, and everybody's to
 * set. */
static enum status find_root(struct request *r, struct tx *tx, struct slice root,
			     bool sets, uint64_t *account)
{
	struct store_account other;
	enum status st = root.len || sets ? is_admin(r, tx) : ST_OK;

	*account = r->account;
	if (st != ST_OK || root.len == 0)
		return st;
	st = store_account_find(tx, root, &other);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	*account = other.id;
	return ST_OK;
}

static enum status put_quota(struct request *r, struct tx *tx, uint64_t account)
{
	struct store_quota q;
	struct ipc_message m = { .type = IPC_TYPE_QUOTA_IS };
	uint64_t used, limit;
	enum status st = store_quota(tx, account, &q);

	if (st == ST_OK)
		st = store_quota_mailboxes(tx, account, &used, &limit);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	m.quota_is = (struct ipc_quota_is){
		q.used_octets, q.limit_octets, q.used_messages, q.limit_messages,
		used, limit,
	};
	return request_put(r, IPC_LAST, &m);
}

static enum status quota_run(struct request *r, struct tx *tx)
{
	uint64_t account;
	enum status st = find_root(r, tx, r->message.quota.root, false, &account);

	return st == ST_OK ? put_quota(r, tx, account) : st;
}

void req_quota(struct request *r)
{
	request_go(r, PLACE_READER, 0, quota_run, request_ended);
}

static enum status quota_set_run(struct request *r, struct tx *tx)
{
	const struct ipc_quota_set *m = &r->message.quota_set;
	uint64_t account;
	enum status st = find_root(r, tx, m->root, true, &account);

	if (st != ST_OK)
		return st;
	request_act(r, tx);
	st = store_account_set_quota(tx, account, m->octets, m->messages);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	return put_quota(r, tx, account);
}

static void quota_set_done(struct request *r, enum status st)
{
	if (st == ST_OK)
		service_directory_changed(r->service);
	request_finish(r, st);
}

void req_quota_set(struct request *r)
{
	const struct ipc_quota_set *m = &r->message.quota_set;

	/* the highest would be the default again */
	if (m->octets > INT64_MAX || m->messages > INT64_MAX)
		request_finish(r, ST_SYNTAX);
	else
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, quota_set_run,
			   quota_set_done);
}
