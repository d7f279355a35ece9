#include "tests/support/sharing.h"

#include "mailboxd/requests.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct grant {
	uint64_t by, account;
	const char *mailbox, *letters;
};

static enum status give(struct tx *tx, void *arg)
{
	const struct grant *g = arg;
	struct store_mailbox m;
	uint32_t rights;
	enum status st = store_rights_parse(slice_str(g->letters), &rights);

	if (!st)
		st = store_mailbox_find(tx, g->by, slice_str(g->mailbox), &m);
	return st ? st : store_acl_set(tx, g->by, m.id, g->account,
				       IPC_STORE_REPLACE, rights);
}

void sharing_grant(struct sharing *w, const char *mailbox, const char *letters)
{
	struct grant g = { w->ids[0], w->ids[1], mailbox, letters };

	cr_assert_eq(store_backend_do(w->b, TX_WRITE, give, &g), ST_OK, "%s", letters);
}

static enum status find_accounts(struct tx *tx, void *arg)
{
	struct sharing *w = arg;
	struct store_account a;
	enum status st = store_account_find(tx, SLICE(ANN), &a);

	w->ids[0] = a.id;
	if (!st)
		st = store_account_find(tx, SLICE(BOB), &a);
	w->ids[1] = a.id;
	return st;
}

struct slice sharing_uid(uint32_t uid)
{
	static char octets[8];

	for (int i = 0; i < 4; i++)
		octets[i] = octets[i + 4] = (char)(uid >> 8 * i);
	return slice_of(octets, 8);
}

enum status sharing_outcome(struct store_link *l, const struct ipc_message *m,
			    char detail[32])
{
	struct answer *a = ask(l, 7, m);
	const struct ipc_message *end = &a->messages[a->count - 1];
	enum status st = ST_OK;

	cr_assert_gt(a->count, 0u);
	detail[0] = '\0';
	if (end->type == IPC_TYPE_ERROR) {
		st = (enum status)end->error.code;
		snprintf(detail, 32, "%.*s", SLICE_ARG(end->error.detail));
	}
	answer_clear(a);
	return st;
}

enum status sharing_ask(struct store_link *l, const struct ipc_message *m)
{
	char detail[32];

	return sharing_outcome(l, m, detail);
}

struct ipc_message sharing_open_message(const char *owner, const char *name)
{
	struct ipc_message m = { .type = IPC_TYPE_OPEN };

	m.open.owner = slice_str(owner);
	m.open.name = slice_str(name);
	return m;
}

struct ipc_opened sharing_open(struct store_link *l, const char *owner)
{
	struct ipc_message m = sharing_open_message(owner, "Box");
	struct answer *a = ask(l, 6, &m);
	struct ipc_opened opened = last(a, IPC_TYPE_OPENED)->opened;

	answer_clear(a);
	return opened;
}

struct ipc_message sharing_flags_message(uint32_t handle, unsigned mode, uint32_t flags,
					 const char *keywords)
{
	struct ipc_message m = { .type = IPC_TYPE_STORE };

	m.store = (struct ipc_store){
		handle, sharing_uid(1), mode, flags, slice_str(keywords), UINT64_MAX,
	};
	return m;
}

enum status sharing_append(struct store_link *l, const char *owner, const char *name,
			   uint32_t flags, const char *keywords, char detail[32])
{
	struct buf frames = BUF_INIT(65536);
	struct ipc_message m = { .type = IPC_TYPE_APPEND };
	const struct ipc_message *end;
	struct answer *a;
	enum status st = ST_OK;

	m.append.name = slice_str(name);
	m.append.owner = slice_str(owner);
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_MESSAGE;
	m.append_message = (struct ipc_append_message){
		flags, slice_str(keywords), INT64_MIN, 0, 7, 0,
	};
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_DATA;
	m.append_data.octets = SLICE("A: b\n\nx");
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_COMMIT;
	m.append_commit.messages = 1;
	ipc_encode(&frames, 5, 0, &m);
	cr_assert_eq(feed(l, buf_slice(&frames), &a), ST_OK);
	end = &a->messages[a->count - 1];
	detail[0] = '\0';
	if (end->type == IPC_TYPE_ERROR) {
		st = (enum status)end->error.code;
		snprintf(detail, 32, "%.*s", SLICE_ARG(end->error.detail));
	}
	answer_clear(a);
	buf_free(&frames);
	return st;
}

enum status sharing_copy(struct sharing *w, uint32_t handle, const char *owner,
			 const char *name, bool move, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_COPY };

	m.copy.handle = handle;
	m.copy.uids = sharing_uid(2);
	m.copy.owner = slice_str(owner);
	m.copy.name = slice_str(name);
	m.copy.move = move;
	return sharing_outcome(w->bob, &m, detail);
}

struct sharing sharing_begin(void)
{
	struct sharing w = { .b = store_backend_new(false) };
	struct ipc_message m = { .type = IPC_TYPE_CREATE };
	char detail[32];

	store_backend_user(w.b, ANN, "secret");
	store_backend_user(w.b, BOB, "geheim");
	cr_assert_eq(store_backend_do(w.b, TX_READ, find_accounts, &w), ST_OK);
	w.ann = store_link_new(w.b, SESSION_STORE);
	w.bob = store_link_new(w.b, SESSION_STORE);
	answer_clear(asking_log_in(w.ann, ANN, "secret"));
	answer_clear(asking_log_in(w.bob, BOB, "geheim"));
	m.create.name = SLICE("Box/Below");
	m.create.special_use = m.create.owner = SLICE_EMPTY;
	cr_assert_eq(sharing_ask(w.ann, &m), ST_OK);
	cr_assert_eq(sharing_append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(sharing_append(w.ann, "", "Box", 0, "", detail), ST_OK);
	return w;
}

void sharing_end(struct sharing *w)
{
	store_link_free(w->ann);
	store_link_free(w->bob);
	store_backend_free(w->b);
}
