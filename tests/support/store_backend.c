#include "tests/support/store_backend.h"

#include "common/id.h"
#include "common/ipc_codec.h"
#include "common/log.h"
#include "mailboxd/intake.h"
#include "mailboxd/password.h"
#include "mailboxd/prepare.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store_backend {
	struct service service;
	struct settings *settings;
	struct store *store;
	struct tx *reader, *writer;
	char dir[64];
	char admin[64];
	/* submitted, with where each runs */
	struct { struct job *job; enum job_place place; } waiting[4096];
	size_t first, count;
};

struct store_link {
	struct store_backend *backend;
	struct session *session;
	struct buf in, out;
};

/* ---- the host: every job at once ------------------------------------------------- */

static enum status in_transaction(struct store_backend *b, enum tx_mode mode,
				  enum job_sync sync,
				  enum status (*f)(struct tx *tx, void *arg),
				  void *arg, struct error *error)
{
	struct tx *tx = mode == TX_READ ? b->reader : b->writer;
	enum status st = store_begin(tx, sync), ran;

	if (st != ST_OK)
		return error_set(error, st, "%s", store_error(tx)->text);
	if (mode == TX_READ) {
		ran = f(tx, arg);
		if (ran != ST_OK && ran != ST_MORE)
			error_set(error, ran, "%s", store_error(tx)->text);
		store_commit(tx);
		return ran;
	}
	cr_assert_eq(store_savepoint(tx), ST_OK);
	ran = f(tx, arg);
	if (ran == ST_OK) {
		st = store_release(tx);
	} else {
		error_set(error, ran, "%s", store_error(tx)->text);
		store_undo(tx);
	}
	if (st == ST_OK)
		st = store_commit(tx);
	else
		store_rollback(tx);
	return ran != ST_OK ? ran : st;
}

static enum status run_job(struct tx *tx, void *arg)
{
	struct job *job = arg;

	return job->run(job, tx);
}

static enum status host_submit(struct service *s, struct job *job,
			       enum job_place place)
{
	struct store_backend *b = s->host_data;
	size_t max = sizeof b->waiting / sizeof *b->waiting;

	cr_assert_lt(b->count, max);
	b->waiting[(b->first + b->count) % max].job = job;
	b->waiting[(b->first + b->count) % max].place = place;
	b->count++;
	return ST_OK;
}

static void host_alarm(struct service *s, int64_t due_ms)
{
	(void)s;	/* a test that fakes the clock calls service_tick() */
	(void)due_ms;
}

static bool host_is_pressed(struct service *s)
{
	(void)s;
	return false;
}

static const struct service_host host = {
	.submit = host_submit,
	.alarm = host_alarm,
	.is_pressed = host_is_pressed,
};

bool store_backend_step(struct store_backend *b)
{
	size_t max = sizeof b->waiting / sizeof *b->waiting;
	struct job *job = b->waiting[b->first].job;
	enum job_place place = b->waiting[b->first].place;
	struct error error = { 0 };
	enum status st;

	if (b->count == 0)
		return false;
	b->first = (b->first + 1) % max;
	b->count--;
	if (place == PLACE_WORKER)
		st = job->run(job, NULL);
	else
		st = in_transaction(b, place == PLACE_READER || place == PLACE_SLOW
					? TX_READ : TX_WRITE,
				    job->sync, run_job, job, &error);
	job->done(job, st, &error);
	return true;
}

void store_backend_run(struct store_backend *b)
{
	while (store_backend_step(b))
		;
	service_news(&b->service);
}

/* ---- the store --------------------------------------------------------------------- */

struct store_backend *store_backend_new(bool first_use)
{
	struct store_backend *b = calloc(1, sizeof *b);
	struct error error = { 0 };

	cr_assert(b);
	log_open("mailboxd", open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	cr_assert_eq(prepare_load(), ST_OK);
	temp_dir_make(b->dir, sizeof b->dir);
	b->settings = settings_default();
	cr_assert(b->settings);
	b->settings->store.dir = b->dir;
	b->settings->store.ephemeral = true;
	b->settings->store.first_use = first_use;
	b->settings->any_password = first_use;
	b->settings->throttle = false;
	b->settings->rounds = PASSWORD_ROUNDS_MIN;
	cr_assert_eq(store_open(&b->settings->store, &b->store, &error), ST_OK,
		     "%s", error.text);
	cr_assert_eq(store_connect(b->store, TX_READ, &b->reader, &error), ST_OK,
		     "%s", error.text);
	cr_assert_eq(store_connect(b->store, TX_WRITE, &b->writer, &error), ST_OK,
		     "%s", error.text);
	cr_assert_eq(service_init(&b->service, b->store, b->settings, &host, b),
		     ST_OK);
	return b;
}

void store_backend_admin(struct store_backend *b, struct slice address)
{
	snprintf(b->admin, sizeof b->admin, "%.*s", (int)address.len, address.data);
	b->settings->admins[0] = b->admin;
}

void store_backend_free(struct store_backend *b)
{
	static const char *const files[] = {
		"store.db", "store.db-wal", "store.db-shm", "store.lock",
		"search.db", "search.db-wal", "search.db-shm",
	};
	char path[160];

	store_backend_run(b);
	service_clear(&b->service);
	store_disconnect(b->reader);
	store_disconnect(b->writer);
	store_close(b->store);
	settings_free(b->settings);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", b->dir, files[i]);
		unlink(path);
	}
	rmdir(b->dir);
	free(b);
}

struct service *store_backend_service(struct store_backend *b)
{
	return &b->service;
}

enum status store_backend_do(struct store_backend *b, enum tx_mode mode,
			     enum status (*f)(struct tx *tx, void *arg),
			     void *arg)
{
	struct error error;
	enum status st = in_transaction(b, mode, JOB_SYNC_FULL, f, arg, &error);

	service_news(&b->service);
	return st;
}

struct user {
	const char *address;
	struct slice verifier;
};

static enum status add_user(struct tx *tx, void *arg)
{
	const struct user *u = arg;
	struct arena arena = ARENA_INIT(8192);
	struct address address;
	struct store_domain domain = { .separator = SLICE("+") };
	struct store_credential credential = {
		.scopes = STORE_SCOPE_ALL, .verifier = u->verifier,
		.label = SLICE_EMPTY,
	};
	uint64_t id;
	enum status st = address_parse(slice_str(u->address), ADDRESS_UTF8,
				       &arena, &address);

	domain.catchall = domain.postmaster = SLICE_EMPTY;
	if (st == ST_OK)
		domain.name = address.domain;
	if (st == ST_OK && store_domain_find(tx, domain.name, &domain) ==
			   ST_NOT_FOUND) {
		domain = (struct store_domain){
			.name = address.domain, .separator = SLICE("+"),
			.catchall = SLICE_EMPTY, .postmaster = SLICE_EMPTY,
		};
		st = store_domain_add(tx, &domain, &id);
	}
	if (st == ST_OK)
		st = store_account_add(tx, &address, &credential.account);
	if (st == ST_OK)
		st = store_credential_put(tx, &credential, &id);
	arena_clear(&arena);
	return st;
}

void store_backend_user(struct store_backend *b, const char *address,
			const char *password)
{
	struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);
	struct user user = { .address = address };
	struct error error = { 0 };

	cr_assert_eq(password_hash(slice_str(password), NULL, PASSWORD_ROUNDS_MIN,
				   &verifier), ST_OK);
	user.verifier = buf_slice(&verifier);
	cr_assert_eq(in_transaction(b, TX_WRITE, JOB_SYNC_FULL, add_user, &user,
				    &error), ST_OK, "%s: %s", address, error.text);
	service_directory_changed(&b->service);
	buf_free(&verifier);
}

/* ---- a message ------------------------------------------------------------------------ */

struct delivering {
	const char *address;
	struct store_message message;
	uint32_t uid;
};

static enum status deliver(struct tx *tx, void *arg)
{
	struct delivering *d = arg;
	struct arena arena = ARENA_INIT(8192);
	struct address address;
	const struct store_target *targets;
	struct store_delivery to;
	size_t count;
	uint64_t id;
	enum status st = address_parse(slice_str(d->address), ADDRESS_UTF8,
				       &arena, &address);

	if (st == ST_OK)
		st = store_resolve(tx, &address, 0, NULL, NULL, &targets, &count);
	if (st == ST_NOT_FOUND && store_account_ensure(tx, &address, &id) == ST_OK)
		st = store_resolve(tx, &address, 0, NULL, NULL, &targets, &count);
	if (st == ST_OK) {
		to = (struct store_delivery){
			.mailbox = targets[0].mailbox,
			.account = targets[0].account,
			.recipient = targets[0].recipient,
		};
		st = store_deliver(tx, &d->message, &to, 1);
		d->uid = to.uid;
	}
	arena_clear(&arena);
	return st;
}

static void nothing(void *arg)
{
	(void)arg;
}

uint32_t store_backend_deliver(struct store_backend *b, const char *address,
			       const char *message)
{
	/* APPEND's door turns LF into CRLF */
	struct intake *i = intake_new(&b->service, INTAKE_APPEND, nothing, NULL);
	struct delivering d = { .address = address };
	struct id mid = id_make(ID_MESSAGE);
	struct error error = { 0 };

	cr_assert(i);
	cr_assert_eq(intake_return_path(i, SLICE("sender@example.org")), ST_OK);
	cr_assert_eq(intake_feed(i, slice_str(message)), ST_OK);
	store_backend_run(b);
	cr_assert_eq(intake_end(i, &d.message), ST_OK);
	d.message.mid = id_slice(&mid);
	d.message.sid = d.message.client = SLICE_EMPTY;
	d.message.sender = SLICE("sender@example.org");
	d.message.internaldate = INT64_MIN;
	cr_assert_eq(in_transaction(b, TX_WRITE, JOB_SYNC_FULL, deliver, &d,
				    &error), ST_OK, "%s: %s", address, error.text);
	intake_committed(i);
	intake_free(i);
	service_news(&b->service);
	return d.uid;
}

/* ---- links ------------------------------------------------------------------------------ */

static struct store_link *link_new(struct store_backend *b,
				   enum session_socket socket,
				   struct slice name, struct slice features)
{
	struct store_link *l = calloc(1, sizeof *l);
	struct ipc_message hello = { .type = IPC_TYPE_HELLO };

	cr_assert(l);
	l->backend = b;
	l->in = (struct buf)BUF_INIT(4 * 1024 * 1024);
	l->out = (struct buf)BUF_INIT(4 * ENGINE_OUT_MAX);
	l->session = session_new(&b->service, socket, true, &l->out);
	cr_assert(l->session);
	hello.hello = (struct ipc_hello){
		name, IPC_MAJOR, IPC_MINOR, features,
	};
	cr_assert_eq(ipc_encode(&l->in, 0, 0, &hello), ST_OK);
	return l;
}

struct store_link *store_link_new(struct store_backend *b,
				  enum session_socket socket)
{
	return link_new(b, socket, SLICE("test"), SLICE_EMPTY);
}

struct store_link *store_link_new_service(struct store_backend *b,
					  enum session_socket socket,
					  const char *name)
{
	return link_new(b, socket, slice_str(name), SLICE("service"));
}

void store_link_free(struct store_link *l)
{
	if (!l)
		return;
	session_free(l->session);
	store_backend_run(l->backend);
	buf_free(&l->in);
	buf_free(&l->out);
	free(l);
}

struct session *store_link_session(struct store_link *l)
{
	return l->session;
}

enum status store_link_give(struct store_link *l, struct slice frames)
{
	size_t used = 0;
	enum status st = buf_append(&l->in, frames);

	if (st == ST_OK)
		st = session_input(l->session, buf_slice(&l->in), &used);
	buf_consume(&l->in, used);
	return st;
}

/* What waits in l->in goes to the session, as far as it takes it. */
static enum status push(struct store_link *l)
{
	size_t used;
	enum status st;

	do {
		st = session_input(l->session, buf_slice(&l->in), &used);
		buf_consume(&l->in, used);
		store_backend_run(l->backend);
	} while (st != ST_SYNTAX && used > 0 && l->in.len > 0);
	return st == ST_SYNTAX ? st : ST_OK;
}

enum status store_link_feed(struct store_link *l, struct slice frames,
			    struct buf *out)
{
	enum status st;

	cr_assert_eq(buf_append(&l->in, frames), ST_OK);
	st = push(l);
	cr_assert_eq(buf_append(out, buf_slice(&l->out)), ST_OK);
	l->out.len = 0;
	if (st == ST_OK)
		session_drained(l->session);
	store_backend_run(l->backend);
	return st;
}

/* Octets of an answer that were passed on are credited. */
static void credit(struct store_link *l, const struct ipc_frame *frame)
{
	struct ipc_message m = { .type = IPC_TYPE_CREDIT };

	if (frame->id == 0 || (frame->flags & IPC_LAST))
		return;
	m.credit.octets = (uint32_t)(IPC_FRAME_HEADER + frame->payload.len);
	cr_assert_eq(ipc_encode(&l->in, frame->id, 0, &m), ST_OK);
}

static enum want give(struct store_link *l, struct engine *e, enum want want)
{
	struct buf out = l->out;
	struct slice rest = buf_slice(&out);
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used;

	l->out = (struct buf)BUF_INIT(4 * ENGINE_OUT_MAX);
	while (ipc_frame_next(rest, &frame, &used) == ST_OK) {
		rest = slice_from(rest, used);
		cr_assert_eq(ipc_decode(&frame, &m), ST_OK);
		if (frame.flags & IPC_EVENT)
			want = e->ops->event(e, &m);
		else if (m.type != IPC_TYPE_HELLO)
			want = e->ops->reply(e, frame.id, &m,
					     frame.flags & IPC_LAST);
		credit(l, &frame);
	}
	buf_free(&out);
	session_drained(l->session);
	store_backend_run(l->backend);
	return want;
}

enum want store_link_serve(struct store_link *l, struct engine *e,
			   enum want want)
{
	store_backend_run(l->backend);
	do {
		cr_assert_eq(buf_append(&l->in, buf_slice(&e->requests)), ST_OK);
		e->requests.len = 0;
		if (push(l) != ST_OK)
			return WANT_CLOSE;
		if (l->out.len > 0)
			want = give(l, e, want);
	} while (e->requests.len > 0 || l->in.len > 0 ||
		 l->out.len > 0);
	return want;
}
