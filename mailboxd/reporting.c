#include "mailboxd/reporting.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/id.h"
#include "mailboxd/deliveries.h"
#include "mailboxd/prepare.h"

#include <stdlib.h>

void reporting_init(struct reporting *r, struct service *service,
		    struct arena *arena)
{
	*r = (struct reporting){
		.service = service, .arena = arena, .envid = SLICE_EMPTY,
		.header = BUF_INIT(REPORT_HEADER_MAX),
		.text = BUF_INIT(REPORT_MAX),
		.record = BUF_INIT(PREPARE_RECORD_MAX),
	};
}

void reporting_clear(struct reporting *r)
{
	free(r->recipients);
	buf_free(&r->header);
	buf_free(&r->text);
	buf_free(&r->record);
	r->recipients = NULL;
	r->count = 0;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	return true;
}

enum status reporting_recipient(struct reporting *r, struct slice address,
				struct slice orcpt, bool is_expanded)
{
	struct report_recipient *grown;

	if (!is_ascii(address) || r->count == REPORTING_RECIPIENTS_MAX)
		return ST_OK;
	/* few ask, and each of them costs a command of its own */
	grown = reallocarray(r->recipients, r->count + 1, sizeof *grown);
	if (!grown)
		return ST_NO_MEMORY;
	r->recipients = grown;
	grown[r->count] = (struct report_recipient){
		.address = arena_copy(r->arena, address),
		.original = arena_copy(r->arena, orcpt),
		.is_expanded = is_expanded,
	};
	if (!grown[r->count].address.data || !grown[r->count].original.data)
		return ST_NO_MEMORY;
	r->count++;
	return ST_OK;
}

void reporting_octets(struct reporting *r, struct slice octets)
{
	if (r->count)
		buf_append(&r->header, slice_head(octets, buf_room(&r->header)));
}

static enum status prepare_report(struct reporting *r)
{
	struct prepare *p = service_prepare_take(r->service);
	enum status st = p ? prepare_feed(p, buf_slice(&r->text)) : ST_NO_MEMORY;

	if (st == ST_OK)
		st = prepare_end(p, &r->record);
	if (p)
		service_prepare_give(r->service, p);
	return st;
}

enum status reporting_end(struct reporting *r, struct slice sender,
			  struct slice mid, struct slice sid)
{
	struct slice domain = slice_from(sender, slice_index(sender, '@'));
	char from[ADDRESS_OCTETS_MAX];
	struct buf postmaster = { from, 0, sizeof from, sizeof from };
	int64_t now = clock_wall_seconds();
	struct report report = {
		.hostname = slice_str(r->service->settings->lmtp.hostname),
		.to = sender, .envid = r->envid, .about = mid,
		.header = buf_slice(&r->header),
		.recipients = r->recipients, .count = r->count,
		.seconds = now, .zone = date_local_zone(now),
	};
	enum status st;

	if (!r->count || !sender.len || !is_ascii(sender))
		return ST_OK;
	r->mid = id_make(ID_MESSAGE);
	report.mid = id_slice(&r->mid);
	buf_append_str(&postmaster, "postmaster");
	buf_append(&postmaster, domain);
	report.from = buf_slice(&postmaster);
	st = report_write(&report, &r->text);
	if (st == ST_OK)
		st = prepare_report(r);
	r->message = (struct store_message){
		.id = store_message_id(r->service->store),
		.mid = report.mid, .sid = sid,
		.prepared = buf_slice(&r->record),
		.size = r->text.len, .tail = buf_slice(&r->text),
		.internaldate = INT64_MIN,
		.sender = SLICE_EMPTY, .client = SLICE_EMPTY,
	};
	return st;
}

static enum status find_sender(struct reporting *r, struct tx *tx,
			       struct slice sender, struct arena *arena,
			       const struct store_target **targets, size_t *count)
{
	struct address address;
	uint64_t account;
	enum status st = address_parse(sender, ADDRESS_UTF8, arena, &address);

	if (st == ST_OK && r->service->settings->store.first_use)
		st = store_account_ensure(tx, &address, &account);
	if (st == ST_OK)
		st = store_resolve(tx, &address, UINT64_MAX, NULL, NULL, targets,
				   count);
	return st;
}

enum status reporting_deliver(struct reporting *r, struct tx *tx,
			      struct slice sender)
{
	struct arena arena = ARENA_INIT(1 << 20);
	const struct store_target *targets;
	struct store_delivery *deliveries;
	size_t count;
	enum status st;

	if (!r->text.len)
		return ST_OK;
	st = find_sender(r, tx, sender, &arena, &targets, &count);
	if (st == ST_OK)
		st = deliveries_of(targets, count, &arena, &deliveries);
	if (st == ST_OK)
		st = store_deliver(tx, &r->message, deliveries, count);
	arena_clear(&arena);
	/* he is not ours, or is disabled */
	return st == ST_NOT_FOUND || st == ST_DENIED || st == ST_SYNTAX ||
	       st == ST_LIMIT ? ST_OK : st;
}
