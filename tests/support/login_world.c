#include "tests/support/login_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct world login_begin_world(void)
{
	struct world w = { .b = store_backend_new(false) };

	store_backend_user(w.b, "ann@example.test", "secret");
	store_backend_user(w.b, "bob@example.test", "geheim");
	w.l = store_link_new(w.b, SESSION_STORE);
	w.control = store_link_new(w.b, SESSION_CONTROL);
	return w;
}

void login_end_world(struct world w)
{
	store_link_free(w.l);
	store_link_free(w.control);
	store_backend_free(w.b);
}

struct exchange scram(struct store_link *l, const char *user,
			     const char *password)
{
	struct exchange x = {
		.l = l, .client = SCRAM_CLIENT(user, password),
		.mechanism = "SCRAM-SHA-256", .exporter = SLICE_EMPTY,
		.end_point = SLICE_EMPTY, .id = 5,
		.server_first = BUF_INIT(1024),
	};

	return x;
}

struct answer *begin_exchange(struct exchange *x)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH };
	struct buf out = BUF_INIT(4096);
	struct answer *a;

	scram_client_first(&x->client, &out);
	m.auth = (struct ipc_auth){
		.mechanism = slice_str(x->mechanism), .service = SLICE("imap"),
		.sid = SLICE("s06h0p5uvn9s6p4dhfjgd"), .address = SLICE("192.0.2.1"),
		.secure = 1, .tls_exporter = x->exporter,
		.tls_end_point = x->end_point, .response = buf_slice(&out),
	};
	a = ask(x->l, x->id, &m);
	buf_free(&out);
	return a;
}

struct answer *go_on(struct exchange *x, struct slice response)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH_CONTINUE };

	m.auth_continue.response = response;
	return ask(x->l, x->id, &m);
}

struct answer *play(struct exchange *x)
{
	struct answer *a = begin_exchange(x);
	struct buf out = BUF_INIT(4096);

	if (a->messages[a->count - 1].type != IPC_TYPE_AUTH_CHALLENGE)
		return a;
	buf_append(&x->server_first, a->messages[a->count - 1].auth_challenge.challenge);
	answer_clear(a);
	cr_assert(scram_client_final(&x->client, buf_slice(&x->server_first), &out));
	a = go_on(x, buf_slice(&out));
	buf_free(&out);
	if (a->messages[a->count - 1].type != IPC_TYPE_AUTH_CHALLENGE)
		return a;
	x->is_verified = scram_client_verify(&x->client,
		a->messages[a->count - 1].auth_challenge.challenge);
	answer_clear(a);
	return go_on(x, SLICE_EMPTY);
}

void end_exchange(struct exchange *x, struct answer *a)
{
	answer_clear(a);
	scram_client_clear(&x->client);
	buf_free(&x->server_first);
}

void do_control(struct world w, const char *verb, const char *words)
{
	struct answer *a = control(w.control, verb, words);

	last(a, IPC_TYPE_DONE);
	answer_clear(a);
}

bool can_log_in(struct world w, const char *user, const char *password,
		       const char *service)
{
	bool is_smtp = strcmp(service, "smtp") == 0;
	struct store_link *l = store_link_new(w.b, is_smtp ? SESSION_AUTH
							   : SESSION_STORE);
	struct buf plain = BUF_INIT(1024);
	struct ipc_message m = asking_login(&plain, user, password, service);
	struct answer *a = ask(l, 1, &m);
	bool good = a->messages[a->count - 1].type == IPC_TYPE_AUTH_OK;

	answer_clear(a);
	buf_free(&plain);
	store_link_free(l);
	return good;
}

void add_app(struct world w, const char *words, char password[64])
{
	struct answer *a = control(w.control, "password add", words);
	struct slice cells, cell = SLICE_EMPTY;

	last(a, IPC_TYPE_DONE);
	cr_assert_eq(a->messages[a->count - 2].type, IPC_TYPE_RECORD);
	cells = a->messages[a->count - 2].record.cells;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ipc_list_next(&cells, &cell), ST_OK);
	snprintf(password, 64, "%.*s", SLICE_ARG(cell));
	cr_expect_eq(strlen(password), 24u, "%s", password);
	answer_clear(a);
}

bool can_scram(struct world w, const char *user, const char *password)
{
	struct store_link *l = store_link_new(w.b, SESSION_STORE);
	struct exchange x = scram(l, user, password);
	struct answer *a = play(&x);
	bool good = a->messages[a->count - 1].type == IPC_TYPE_AUTH_OK;

	end_exchange(&x, a);
	store_link_free(l);
	return good;
}
