/*
 * Frames of a connected daemon. First the codec: what decodes is encoded to the
 * same octets. Then a session of mailboxd over a real store, whose writes are
 * all rolled back: the first octet chooses the socket and whether somebody is
 * logged in, the rest are the frames.
 */
#include "fuzz/fuzz.h"

#include "common/ipc_codec.h"
#include "common/log.h"
#include "mailboxd/prepare.h"
#include "mailboxd/service.h"
#include "mailboxd/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS_MAX 256

static struct store *store;
static struct tx *reader, *writer;
static struct settings *settings;
static uint64_t account;
static char dir[] = "/tmp/fuzz-ipc-XXXXXX";
static struct { struct job *job; enum job_place place; } jobs[JOBS_MAX];
static size_t job_count;

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_ipc: %s\n", what);
	abort();
}

/* ---- the host: jobs in order, nothing is ever committed -------------------------- */

static enum status submit(struct service *s, struct job *job,
			  enum job_place place)
{
	(void)s;
	if (job_count == JOBS_MAX)
		return ST_LIMIT;
	jobs[job_count].job = job;
	jobs[job_count++].place = place;
	return ST_OK;
}

static void set_alarm(struct service *s, int64_t due_ms)
{
	(void)s;
	(void)due_ms;
}

static bool is_pressed(struct service *s)
{
	(void)s;
	return false;
}

static const struct service_host host = { submit, set_alarm, is_pressed };

static enum status run_in(struct tx *tx, struct job *job)
{
	enum status st = store_begin(tx, job->sync);

	if (st == ST_OK) {
		st = job->run(job, tx);
		store_rollback(tx);
	}
	return st;
}

static void run_jobs(void)
{
	while (job_count > 0) {
		struct job *job = jobs[0].job;
		enum job_place place = jobs[0].place;
		struct error error = { 0 };
		enum status st;

		memmove(jobs, jobs + 1, --job_count * sizeof *jobs);
		st = place == PLACE_WORKER ? job->run(job, NULL)
		   : run_in(place == PLACE_READER ? reader : writer, job);
		job->done(job, st, &error);
	}
}

/* ---- once ------------------------------------------------------------------------- */

static void remove_store(void)
{
	static const char *const names[] = {
		"store.db", "store.db-wal", "store.db-shm", "store.lock",
	};
	char path[64];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void make_account(void)
{
	struct arena arena = ARENA_INIT(4096);
	struct address ann;

	check(address_parse(SLICE("ann@example.test"), 0, &arena, &ann) == ST_OK &&
	      store_begin(writer, JOB_SYNC_FULL) == ST_OK &&
	      store_account_ensure(writer, &ann, &account) == ST_OK &&
	      store_commit(writer) == ST_OK, "no account");
	arena_clear(&arena);
}

static void begin(void)
{
	struct error error = { 0 };

	if (store)
		return;
	log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC), false);
	settings = settings_default();
	check(settings && mkdtemp(dir) && prepare_load() == ST_OK, "start");
	atexit(remove_store);
	settings->store.dir = dir;
	settings->store.ephemeral = true;
	settings->store.first_use = true;
	settings->throttle = false;
	settings->rounds = 1;
	check(store_open(&settings->store, &store, &error) == ST_OK &&
	      store_connect(store, TX_READ, &reader, &error) == ST_OK &&
	      store_connect(store, TX_WRITE, &writer, &error) == ST_OK,
	      error.text);
	make_account();
}

/* ---- the two halves ----------------------------------------------------------------- */

static void codec(struct slice in)
{
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used;

	while (ipc_frame_next(in, &frame, &used) == ST_OK) {
		struct buf again = BUF_INIT(IPC_FRAME_MAX);

		if (ipc_decode(&frame, &m) == ST_OK) {
			check(ipc_encode(&again, frame.id, frame.flags, &m) ==
			      ST_OK, "what was decoded is not encoded");
			check(slice_eq(buf_slice(&again), slice_head(in, used)),
			      "it is encoded in another way");
		}
		buf_free(&again);
		in = slice_from(in, used);
	}
}

static void session(uint8_t kind, struct slice in)
{
	static const enum session_socket sockets[] = {
		SESSION_STORE, SESSION_AUTH, SESSION_CONTROL, SESSION_STORE,
	};
	struct service service;
	struct buf out = BUF_INIT((size_t)64 << 20);
	struct session *s;
	enum status st = ST_OK;
	size_t used = 1;

	check(service_init(&service, store, settings, &host, NULL) == ST_OK,
	      "no service");
	s = session_new(&service, sockets[kind & 3], kind & 8, &out);
	check(s != NULL, "no session");
	if ((kind & 3) == 0) {
		s->state = SESSION_BOUND;
		s->account = account;
	}
	while (st != ST_SYNTAX && used > 0 && in.len > 0) {
		st = session_input(s, in, &used);
		in = slice_from(in, used);
		run_jobs();
		out.len = 0;
		session_drained(s);
	}
	session_free(s);
	run_jobs();
	service_clear(&service);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of((const char *)data + 1, size - 1);

	if (size < 1)
		return 0;
	begin();
	codec(in);
	session(data[0], in);
	return 0;
}
