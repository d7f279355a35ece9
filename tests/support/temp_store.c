#include "tests/support/temp_store.h"

#include "common/id.h"
#include "mailboxd/prepare.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void connect_both(struct temp_store *t)
{
	struct error err = { 0 };

	t->options.dir = t->dir;
	cr_assert_eq(store_open(&t->options, &t->store, &err), ST_OK, "%s",
		     err.text);
	cr_assert_eq(store_connect(t->store, TX_WRITE, &t->write, &err), ST_OK,
		     "%s", err.text);
	cr_assert_eq(store_connect(t->store, TX_READ, &t->read, &err), ST_OK,
		     "%s", err.text);
}

static void disconnect_both(struct temp_store *t)
{
	store_disconnect(t->write);
	store_disconnect(t->read);
	t->write = t->read = NULL;
}

void temp_store_reconnect(struct temp_store *t)
{
	struct error err = { 0 };

	store_disconnect(t->read);
	cr_assert_eq(store_connect(t->store, TX_READ, &t->read, &err), ST_OK,
		     "%s", err.text);
}

struct address temp_address(struct tx *tx, const char *text)
{
	static struct arena arena = ARENA_INIT(1 << 20);
	struct address a;

	cr_assert_eq(address_parse(slice_str(text),
				   ADDRESS_UTF8 | ADDRESS_NO_DOMAIN, &arena, &a),
		     ST_OK, "%s", text);
	return a;
}

void temp_begin(struct temp_store *t)
{
	cr_assert_eq(store_begin(t->write, JOB_SYNC_FULL), ST_OK);
}

enum status temp_end(struct temp_store *t, enum status st)
{
	if (st)
		store_rollback(t->write);
	else
		cr_assert_eq(store_commit(t->write), ST_OK, "%s",
			     store_error(t->write)->text);
	return st;
}

static void make_accounts(struct temp_store *t)
{
	const struct store_domain d = { .name = SLICE("example.test"),
					.separator = SLICE("+"),
					.catchall = SLICE_EMPTY,
					.postmaster = SLICE_EMPTY };
	struct address ann, bob;

	temp_begin(t);
	ann = temp_address(t->write, "ann@example.test");
	bob = temp_address(t->write, "bob@example.test");
	cr_assert_eq(store_domain_add(t->write, &d, NULL), ST_OK);
	cr_assert_eq(store_account_add(t->write, &ann, &t->ann), ST_OK, "%s",
		     store_error(t->write)->text);
	cr_assert_eq(store_account_add(t->write, &bob, &t->bob), ST_OK);
	temp_end(t, ST_OK);
	t->inbox = temp_mailbox(t, "INBOX");
}

void temp_store_open(struct temp_store *t, const struct store_options *options)
{
	*t = (struct temp_store){ 0 };
	temp_dir_make(t->dir, sizeof t->dir);
	if (options)
		t->options = *options;
	connect_both(t);
	make_accounts(t);
}

void temp_store_copy(const struct temp_store *t, const char *from,
		     const char *to)
{
	char path[128], block[65536];
	FILE *in, *out;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", t->dir, from);
	in = fopen(path, "r");
	snprintf(path, sizeof path, "%s/%s", t->dir, to);
	out = fopen(path, "w");
	cr_assert(in && out, "%s", path);
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		cr_assert_eq(fwrite(block, 1, n, out), n);
	fclose(in);
	fclose(out);
}

void temp_store_forget(const struct temp_store *t, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", t->dir, name);
	cr_expect_eq(unlink(path), 0, "%s", path);
}

static void rename_file(const struct temp_store *t, const char *from,
			const char *to)
{
	char a[128], b[128];

	snprintf(a, sizeof a, "%s/%s", t->dir, from);
	snprintf(b, sizeof b, "%s/%s", t->dir, to);
	cr_assert_eq(rename(a, b), 0);
}

void temp_store_suspend(struct temp_store *t)
{
	disconnect_both(t);
	store_close(t->store);
	t->store = NULL;
}

void temp_store_resume(struct temp_store *t)
{
	connect_both(t);
}

void temp_store_kill(struct temp_store *t)
{
	temp_store_copy(t, "store.db", "kept.db");
	temp_store_copy(t, "store.db-wal", "kept.wal");
	temp_store_suspend(t);
	rename_file(t, "kept.db", "store.db");
	rename_file(t, "kept.wal", "store.db-wal");
}

void temp_store_reopen(struct temp_store *t, bool clean)
{
	if (clean)
		temp_store_suspend(t);
	else
		temp_store_kill(t);
	connect_both(t);
}

static enum status count_note(void *arg, struct slice text)
{
	size_t *count = arg;

	cr_log_error("store_check: %.*s", SLICE_ARG(text));
	++*count;
	return ST_OK;
}

size_t temp_store_check(struct temp_store *t)
{
	size_t count = 0;

	cr_assert_eq(store_begin(t->read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_check(t->read, false, count_note, &count), ST_OK,
		     "%s", store_error(t->read)->text);
	cr_assert_eq(store_commit(t->read), ST_OK);
	return count;
}

void temp_store_close(struct temp_store *t)
{
	static const char *const names[] = { "store.db", "store.db-wal",
					     "store.db-shm", "store.lock",
					     "search.db", "search.db-wal",
					     "search.db-shm" };
	char path[128];

	cr_expect_eq(temp_store_check(t), 0);
	disconnect_both(t);
	store_close(t->store);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", t->dir, names[i]);
		unlink(path);
	}
	cr_expect_eq(rmdir(t->dir), 0);
}

/* ---- mail ------------------------------------------------------------------------ */

void temp_message(struct temp_store *t, struct store_message *m,
		  struct slice octets, struct buf *record)
{
	struct prepare *p;

	cr_assert_eq(prepare_load(), ST_OK);
	p = prepare_new();
	cr_assert_eq(prepare_feed(p, octets), ST_OK);
	record->len = 0;
	cr_assert_eq(prepare_end(p, record), ST_OK);
	prepare_free(p);
	*m = (struct store_message){ .id = store_message_id(t->store),
				     .prepared = buf_slice(record),
				     .size = octets.len, .tail = octets,
				     .internaldate = 1700000000, .zone = 60,
				     .sender = SLICE("x@example.net"),
				     .client = SLICE("192.0.2.1"),
				     .mid = SLICE_EMPTY, .sid = SLICE_EMPTY };
}

uint32_t temp_deliver(struct temp_store *t, uint64_t mailbox,
		      struct slice octets)
{
	struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
	struct store_delivery d = { .mailbox = mailbox,
				    .recipient = SLICE("ann@example.test") };
	struct id mid = id_make(ID_MESSAGE);
	struct store_message m;
	enum status st;

	temp_message(t, &m, octets, &record);
	m.mid = id_slice(&mid);
	temp_begin(t);
	st = store_deliver(t->write, &m, &d, 1);
	cr_assert_eq(st, ST_OK, "%s: %s", status_name(st),
		     store_error(t->write)->text);
	temp_end(t, ST_OK);
	buf_free(&record);
	return d.uid;
}

uint32_t temp_mail(struct temp_store *t, const char *subject)
{
	char text[256];
	int n = snprintf(text, sizeof text,
			 "From: ann@example.test\r\nSubject: %s\r\n\r\nText.\r\n",
			 subject);

	return temp_deliver(t, t->inbox, slice_of(text, (size_t)n));
}

uint64_t temp_mailbox(struct temp_store *t, const char *name)
{
	struct store_mailbox m;

	cr_assert_eq(store_begin(t->read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_find(t->read, t->ann, slice_str(name), &m),
		     ST_OK, "%s", name);
	cr_assert_eq(store_commit(t->read), ST_OK);
	return m.id;
}

struct store_mailbox temp_status(struct temp_store *t, uint64_t mailbox)
{
	struct store_mailbox m;

	cr_assert_eq(store_begin(t->read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_get(t->read, mailbox, &m), ST_OK);
	cr_assert_eq(store_commit(t->read), ST_OK);
	return m;
}

/* ---- sets --------------------------------------------------------------------------- */

void temp_ranges(struct ranges *r, const char *text)
{
	struct slice rest = slice_str(text), part, low;
	unsigned long long a, b;

	*r = (struct ranges)RANGES_INIT(RANGES_MAX);
	while (rest.len && slice_split(&rest, ',', &part)) {
		cr_assert(slice_split(&part, ':', &low));
		cr_assert(slice_number(low, UINT32_MAX, &a));
		b = a;
		if (part.data)
			cr_assert(slice_number(part, UINT32_MAX, &b));
		cr_assert_eq(ranges_add(r, (uint32_t)a, (uint32_t)b), ST_OK);
	}
}

const char *temp_ranges_text(const struct ranges *r)
{
	static char text[4][4096];
	static unsigned turn;
	char *at = text[++turn % 4];
	size_t len = 0;

	at[0] = '\0';
	for (size_t i = 0; i < r->count && len < 4000; i++) {
		struct range x = r->items[i];

		len += (size_t)snprintf(at + len, 4096 - len, "%s%u",
					i ? "," : "", x.low);
		if (x.high != x.low)
			len += (size_t)snprintf(at + len, 4096 - len, ":%u",
						x.high);
	}
	return at;
}
