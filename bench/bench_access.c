/*
 * What a session asks of mailboxd, through its socket: each figure with its gate.
 *   bench_access STORE.SOCK PID USER PASSWORD SMALL-USER IDLE [WHAT...]
 * INBOX of USER is read and changed; IDLE connections (as descriptors permit)
 * select INBOX of SMALL-USER and watch it. CPU is that of all threads of mailboxd.
 */
#include "common/fetch_row.h"
#include "common/flags.h"
#include "common/ipc_codec.h"
#include "common/ranges.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TURNS 7
#define BATCHES 10
#define SINGLES 500
#define WATCHES 1000

struct link {
	int fd;
	struct buf in, out;
	size_t used;		/* of in */
	uint32_t id, handle;
	uint64_t modseq, messages;
	uint32_t uidnext;
};

static const char *path, *pid;
static unsigned failed;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_access: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Nanoseconds all threads of mailboxd have run. */
static double cpu_ms(void)
{
	char name[300], line[128];
	struct dirent *entry;
	double total = 0;
	DIR *dir;

	snprintf(name, sizeof name, "/proc/%s/task", pid);
	dir = opendir(name);
	while (dir && (entry = readdir(dir))) {
		FILE *file;

		if (entry->d_name[0] == '.')	/* ".." is the first thread again */
			continue;
		snprintf(name, sizeof name, "/proc/%s/task/%s/schedstat", pid,
			 entry->d_name);
		file = fopen(name, "r");
		if (file && fgets(line, sizeof line, file))
			total += strtod(line, NULL);
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return total / 1e6;
}

static double memory_kb(void)
{
	char name[64], line[256];
	double kb = 0;
	FILE *file;

	snprintf(name, sizeof name, "/proc/%s/status", pid);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtod(line + 8, NULL);
	if (file)
		fclose(file);
	return kb;
}

/* Wall time of the turns of one operation, and mailboxd's CPU over all. */
struct timer {
	double times[2000], begin, cpu;
	size_t count;
};

static struct timer timer;

static void timer_start(void)
{
	timer.count = 0;
	timer.cpu = cpu_ms();
}

static void timer_begin(void)
{
	timer.begin = now_ms();
}

static void timer_end(void)
{
	timer.times[timer.count++] = now_ms() - timer.begin;
}

/* gate 0: none. */
static void report(const char *name, double value, const char *unit, double gate)
{
	printf("%-78s %9.2f %-3s", name, value, unit);
	if (gate > 0)
		printf("  gate %g %s: %s", gate, unit,
		       value <= gate ? "met" : "MISSED");
	printf("\n");
	fflush(stdout);
	failed += gate > 0 && value > gate;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double *values, size_t count, double q)
{
	size_t at = (size_t)((double)count * q);

	qsort(values, count, sizeof *values, ascending);
	return values[at < count ? at : count - 1];
}

/* ---- the protocol ------------------------------------------------------------------ */

static void flush(struct link *l)
{
	size_t sent = 0;

	while (sent < l->out.len) {
		ssize_t n = write(l->fd, l->out.data + sent, l->out.len - sent);

		if (n < 0)
			die("write");
		sent += (size_t)n;
	}
	l->out.len = 0;
}

static void put(struct link *l, uint32_t id, const struct ipc_message *m)
{
	if (ipc_encode(&l->out, id, 0, m))
		die("encode");
}

/* The next frame; borrows until the next call. */
static void next_frame(struct link *l, struct ipc_frame *frame)
{
	size_t octets;
	char *at;
	ssize_t n;

	for (;;) {
		struct slice in = slice_from(buf_slice(&l->in), l->used);
		enum status st = ipc_frame_next(in, frame, &octets);

		if (st == ST_OK) {
			l->used += octets;
			return;
		}
		if (st != ST_MORE)
			die("frame");
		buf_consume(&l->in, l->used);
		l->used = 0;
		if (buf_reserve(&l->in, 65536, &at))
			die("memory");
		n = read(l->fd, at, 65536);
		if (n <= 0)
			die("read");
		l->in.len += (size_t)n;
	}
}

typedef void row_fn(struct link *l, const struct ipc_message *m, void *arg);

/* Asks, and reads to the last answer; octets are credited as they come. */
static void ask(struct link *l, const struct ipc_message *m, row_fn *fn,
		void *arg)
{
	uint32_t id = ++l->id, owed = 0;
	struct ipc_message credit = { .type = IPC_TYPE_CREDIT }, answer;
	struct ipc_frame frame;

	put(l, id, m);
	flush(l);
	do {
		next_frame(l, &frame);
		if (frame.id != id)
			continue;
		if (ipc_decode(&frame, &answer))
			die("decode");
		if (answer.type == IPC_TYPE_ERROR) {
			fprintf(stderr, "%s: %.*s\n", ipc_type_name(m->type),
				SLICE_ARG(answer.error.text));
			exit(1);
		}
		if (fn)
			fn(l, &answer, arg);
		owed += (uint32_t)(frame.payload.len + IPC_FRAME_HEADER);
		if (owed >= 16384 && !(frame.flags & IPC_LAST)) {
			credit.credit.octets = owed;
			put(l, id, &credit);
			flush(l);
			owed = 0;
		}
	} while (frame.id != id || !(frame.flags & IPC_LAST));
}

static void opened(struct link *l, const struct ipc_message *m, void *arg)
{
	(void)arg;
	if (m->type != IPC_TYPE_OPENED)
		return;
	l->handle = m->opened.handle;
	l->modseq = m->opened.highestmodseq;
	l->messages = m->opened.messages;
	l->uidnext = m->opened.uidnext;
}

static void open_inbox(struct link *l)
{
	struct ipc_message m = { .type = IPC_TYPE_OPEN };

	m.open.name = SLICE("INBOX");
	ask(l, &m, opened, NULL);
}

static void close_inbox(struct link *l)
{
	struct ipc_message m = { .type = IPC_TYPE_CLOSE };

	m.close.handle = l->handle;
	ask(l, &m, NULL, NULL);
}

/* False: no descriptor is left. */
static bool connect_link(struct link *l, const char *user, const char *password)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct ipc_message m = { .type = IPC_TYPE_HELLO };
	char text[600];
	int n;

	*l = (struct link){ .in = BUF_INIT(1 << 20), .out = BUF_INIT(1 << 20) };
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	l->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (l->fd < 0)
		return false;
	if (connect(l->fd, (struct sockaddr *)&to, sizeof to))
		die(path);
	m.hello = (struct ipc_hello){ SLICE("bench"), IPC_MAJOR, IPC_MINOR,
				      SLICE_EMPTY };
	put(l, 0, &m);
	m = (struct ipc_message){ .type = IPC_TYPE_AUTH };
	n = snprintf(text, sizeof text, "%c%s%c%s", 0, user, 0, password);
	m.auth.mechanism = SLICE("PLAIN");
	m.auth.service = SLICE("imap");
	m.auth.sid = SLICE("sbenchbenchbenchbench");
	m.auth.address = SLICE("127.0.0.1");
	m.auth.secure = 1;
	m.auth.response = slice_of(text, (size_t)n);
	ask(l, &m, NULL, NULL);
	return true;
}

static struct buf encoded = BUF_INIT(1 << 20);

static struct slice set_of(uint32_t low, uint32_t high)
{
	struct ranges r = RANGES_INIT(1);

	encoded.len = 0;
	if (ranges_add(&r, low, high) || ranges_encode(&r, &encoded))
		die("set");
	ranges_free(&r);
	return buf_slice(&encoded);
}

static void count_rows(struct link *l, const struct ipc_message *m, void *arg)
{
	struct fetch_row row;
	struct slice rest = m->rows.rows;

	(void)l;
	if (m->type == IPC_TYPE_ROWS)
		while (fetch_row_decode(&rest, m->rows.items, &row) == ST_OK)
			++*(uint64_t *)arg;
}

static void watch_on(struct link *l)
{
	struct ipc_message m = { .type = IPC_TYPE_WATCH };

	m.watch.handle = l->handle;
	m.watch.on = 1;
	ask(l, &m, NULL, NULL);
}

static void store_flag(struct link *l, uint32_t low, uint32_t high, uint32_t flag,
		       bool on)
{
	struct ipc_message m = { .type = IPC_TYPE_STORE };

	m.store.handle = l->handle;
	m.store.uids = set_of(low, high);
	m.store.mode = on ? IPC_STORE_ADD : IPC_STORE_REMOVE;
	m.store.flags = flag;
	m.store.unchanged_since = UINT64_MAX;
	ask(l, &m, NULL, NULL);
}

/* Median and best of the turns, and CPU each. */
static void timer_report(const char *name, double gate)
{
	double cpu = (cpu_ms() - timer.cpu) / (double)timer.count;
	double median = quantile(timer.times, timer.count, 0.5);
	char text[120];

	snprintf(text, sizeof text, "%s (CPU %.1f, best %.1f)", name, cpu,
		 timer.times[0]);
	report(text, median, "ms", gate);
}

/* ---- reading ---------------------------------------------------------------------------- */

static struct link session, other;

static void fetch(const char *name, uint32_t items, double gate)
{
	timer_start();
	for (size_t i = 0; i < TURNS; i++) {
		struct ipc_message m = { .type = IPC_TYPE_FETCH };
		uint64_t rows = 0;

		timer_begin();
		m.fetch.handle = session.handle;
		m.fetch.uids = set_of(1, UINT32_MAX);
		m.fetch.items = items;
		ask(&session, &m, count_rows, &rows);
		timer_end();
		if (rows != session.messages) {
			fprintf(stderr, "%s: %llu rows\n", name,
				(unsigned long long)rows);
			exit(1);
		}
	}
	timer_report(name, gate);
}

static void scans(void)
{
	fetch("FETCH of UID FLAGS", FETCH_FLAGS, 15);
	fetch("FETCH of UID FLAGS MODSEQ", FETCH_FLAGS | FETCH_MODSEQ, 25);
}

static void listing(void)
{
	fetch("FETCH with SIZE DATE ENVELOPE BODYSTRUCTURE",
	      FETCH_FLAGS | FETCH_SIZE | FETCH_INTERNALDATE | FETCH_ENVELOPE |
	      FETCH_BODYSTRUCTURE, 150);
}

static void bodies(void)
{
	fetch("FETCH of all octets", FETCH_ALL_OCTETS, 0);
}

static void opens(void)
{
	timer_start();
	for (size_t i = 0; i < TURNS; i++) {
		close_inbox(&session);
		timer_begin();
		open_inbox(&session);
		timer_end();
	}
	timer_report("OPEN", 3);
}

static void changes(void)
{
	uint32_t step = session.uidnext / 100;

	store_flag(&session, 1, UINT32_MAX - 1, FLAG_ANSWERED, false);
	timer_start();
	for (size_t i = 0; i < TURNS; i++) {
		struct ipc_message m = { .type = IPC_TYPE_CHANGES };
		uint64_t rows = 0;

		close_inbox(&session);
		open_inbox(&session);
		for (uint32_t uid = 1, n = 0; n < 100; n++, uid += step)
			store_flag(&session, uid, uid, FLAG_ANSWERED, i % 2 == 0);
		m.changes.handle = session.handle;
		m.changes.since = session.modseq;
		timer_begin();
		ask(&session, &m, count_rows, &rows);
		timer_end();
		if (rows != 100)
			fprintf(stderr, "changes: %llu rows\n",
				(unsigned long long)rows);
	}
	report("changes: 100 news", quantile(timer.times, TURNS, 0.5), "ms", 10);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void ranged(void)
{
	store_flag(&session, 1, UINT32_MAX - 1, FLAG_SEEN, false);
	timer_start();
	for (size_t i = 0; i < TURNS; i++) {
		timer_begin();
		store_flag(&session, 1, UINT32_MAX - 1, FLAG_SEEN, i % 2 == 0);
		timer_end();
	}
	timer_report("STORE over all", 100);
}

static void single(void)
{
	uint32_t uids = session.uidnext - 1;
	double begin, cpu, wall[BATCHES], used[BATCHES];

	store_flag(&session, 1, UINT32_MAX - 1, FLAG_FLAGGED, false);
	for (uint32_t b = 0, i = 0; b < BATCHES; b++) {
		begin = now_ms();
		cpu = cpu_ms();
		for (uint32_t n = 0; n < SINGLES; n++, i++)
			store_flag(&session, 1 + i * 37 % uids,
				   1 + i * 37 % uids, FLAG_FLAGGED,
				   i / uids % 2 == 0);
		wall[b] = (now_ms() - begin) * 1e3 / SINGLES;
		used[b] = (cpu_ms() - cpu) * 1e3 / SINGLES;
	}
	report("STORE of one, one by one", quantile(wall, BATCHES, 0.5), "us", 0);
	report("  mailboxd's CPU, median of 10 batches",
	       quantile(used, BATCHES, 0.5), "us", 60);
	report("  mailboxd's CPU, the quietest batch", used[0], "us", 0);
}

static void copies(void)
{
	timer_start();
	for (size_t i = 0; i < TURNS; i++) {
		struct ipc_message m = { .type = IPC_TYPE_COPY };

		timer_begin();
		m.copy.handle = session.handle;
		m.copy.uids = set_of(1, 10000);
		m.copy.name = SLICE("Archive");
		ask(&session, &m, NULL, NULL);
		timer_end();
	}
	timer_report("COPY of 10,000", 50);
}

/* ---- watching ------------------------------------------------------------------------------ */

/* From the request of a change to the event at another connection: the commit
 * lies between, so the news is younger than that. */
static void news(void)
{
	static double whole[WATCHES], after[WATCHES];

	open_inbox(&other);
	watch_on(&other);
	for (size_t i = 0; i < WATCHES; i++) {
		struct timespec pause = { .tv_nsec = 200000 };
		struct ipc_frame frame;
		double begin, answered, heard;

		nanosleep(&pause, NULL);
		begin = now_ms();
		store_flag(&session, 5, 5, FLAG_DRAFT, i % 2 == 0);
		answered = now_ms();
		do {
			next_frame(&other, &frame);
		} while (!(frame.flags & IPC_EVENT));
		heard = now_ms();
		whole[i] = heard - begin;
		after[i] = heard - answered;
	}
	report("watcher hears, from the request on: median",
	       quantile(whole, WATCHES, 0.5), "ms", 1);
	report("  99 of 100", quantile(whole, WATCHES, 0.99), "ms", 1);
	report("  behind the changer's answer: median",
	       quantile(after, WATCHES, 0.5), "ms", 1);
	close_inbox(&other);
}

/* ---- memory --------------------------------------------------------------------------------- */

static const char *idle_user, *password;
static unsigned idle_count;

static void idle(void)
{
	const char *user = idle_user;
	unsigned count = idle_count;
	struct rlimit limit;
	struct link *links;
	double before;
	unsigned i;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (count + 64 > limit.rlim_cur)
		count = (unsigned)limit.rlim_cur - 64;
	links = calloc(count, sizeof *links);
	if (!links || !connect_link(&links[0], user, password))
		die("idle connections");
	open_inbox(&links[0]);
	watch_on(&links[0]);
	before = memory_kb();
	for (i = 1; i < count && connect_link(&links[i], user, password); i++) {
		open_inbox(&links[i]);
		watch_on(&links[i]);
		buf_free(&links[i].in);
		buf_free(&links[i].out);
	}
	sleep(1);
	printf("%u idle connections\n", i);
	report("  RssAnon each", (memory_kb() - before) / (i - 1), "KB", 4);
	for (unsigned k = 0; k < i; k++)
		close(links[k].fd);
	free(links);
}


static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	{ "scans", scans },	{ "listing", listing },	{ "bodies", bodies },
	{ "opens", opens },	{ "changes", changes },	{ "ranged", ranged },
	{ "single", single },	{ "copies", copies },	{ "news", news },
	{ "idle", idle },
};

static bool is_wanted(const char *name, int argc, char **argv)
{
	bool is = argc <= 7;

	for (int i = 7; i < argc; i++)
		is = is || strcmp(argv[i], name) == 0;
	return is;
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fprintf(stderr, "bench_access STORE.SOCK PID USER PASSWORD"
			" SMALL-USER IDLE [WHAT...]\n");
		return 2;
	}
	path = argv[1];
	pid = argv[2];
	password = argv[4];
	idle_user = argv[5];
	idle_count = (unsigned)strtoul(argv[6], NULL, 10);
	if (!connect_link(&session, argv[3], password) ||
	    !connect_link(&other, argv[3], password))
		die("connect");
	open_inbox(&session);
	printf("INBOX with %llu messages, mailboxd's RssAnon %.0f KB\n",
	       (unsigned long long)session.messages, memory_kb());
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_wanted(rows[i].name, argc, argv))
			rows[i].run();
	printf("%u gates missed\n", failed);
	return failed ? 1 : 0;
}
