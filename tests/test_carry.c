#include "linkd/carry.h"

#include "tests/support/rig.h"

#include "common/tls_make.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 8000

struct world {
	struct rig rig;		/* its loop */
	struct carrier *carrier;
	struct targets targets;
	struct target *target;
	int client;
	bool is_idle;
};

static void idle(void *context)
{
	((struct world *)context)->is_idle = true;
}

static void world_init(struct world *w)
{
	*w = (struct world){
		.client = -1, .is_idle = true,
		.targets = { .references = 1, .connect_ms = 100, .handshake_ms = 60000,
			     .stalled_ms = 60000, .connections = 100, .count = 1 },
	};
	w->target = &w->targets.rows[0];
	w->target->row = (struct link_row){ .socket = "route-x",
					    .to = { .kind = LINK_TCP } };
	rig_init(&w->rig);
	w->carrier = carrier_new(w->rig.conns, idle, w);
	cr_assert(w->carrier);
}

static void world_clear(struct world *w)
{
	carrier_close(w->carrier);
	rig_clear(&w->rig);
	carrier_free(w->carrier);
	if (w->client >= 0)
		close(w->client);
}

/* A listener on this host, and where it is. */
static int listen_at(struct target *t, int queue)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t octets = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(fd, queue), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &octets), 0);
	memcpy(&t->addresses[t->address_count++], &at, sizeof at);
	return fd;
}

/* What comes now is dropped, and not refused. */
static void fill(const struct target *t, int fds[4])
{
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (const struct sockaddr *)&t->addresses[0],
			sizeof(struct sockaddr_in));
	}
}

static void connect_client(struct world *w)
{
	int ends[2];

	if (w->client >= 0)
		close(w->client);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	w->client = ends[0];
	w->is_idle = false;
	carrier_outgoing(w->carrier, &w->targets, w->target, ends[1]);
	w->targets.references = 1000;	/* never freed: it is ours */
}

static void until_idle(struct world *w)
{
	for (int i = 0; i < PATIENCE_MS && !w->is_idle; i++) {
		rig_turn_unread(&w->rig, 1);
		usleep(1000);
	}
	cr_assert(w->is_idle);
}

Test(carry, the_next_address_where_one_says_nothing)
{
	struct world w;
	int silent, there, fds[4];

	world_init(&w);
	silent = listen_at(w.target, 0);
	there = listen_at(w.target, 10);
	fill(w.target, fds);
	connect_client(&w);
	until_idle(&w);
	cr_expect_eq(w.target->address, 1);
	cr_expect_not(w.target->is_away, "one of two");
	connect_client(&w);
	for (int i = 0; i < PATIENCE_MS && !carrier_figures(w.carrier)->opened; i++) {
		rig_turn_unread(&w.rig, 1);
		usleep(1000);
	}
	cr_expect_eq(carrier_figures(w.carrier)->opened, 1);
	world_clear(&w);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(silent);
	close(there);
}

static struct tls_peer *door(void)
{
	static const char *const names[] = { "mx.example.test" };
	struct buf parts[4];
	struct tls_peer_settings s = { .is_server = true, .names = names,
				       .name_count = 1, .alpn_prefix = "postroom-" };
	struct tls_peer *p;

	for (int i = 0; i < 4; i++)
		parts[i] = (struct buf)BUF_INIT(TLS_MAKE_PEM_MAX);
	cr_assert_eq(tls_make_authority(&parts[0], &parts[1], NULL), ST_OK);
	cr_assert_eq(tls_make_certificate(buf_slice(&parts[0]), buf_slice(&parts[1]),
					  names, 1, &parts[2], &parts[3], NULL), ST_OK);
	s.authority = buf_slice(&parts[0]);
	s.chain = buf_slice(&parts[2]);
	s.key = buf_slice(&parts[3]);
	p = tls_peer_new(&s, NULL);
	cr_assert(p);
	for (int i = 0; i < 4; i++)
		buf_free(&parts[i]);
	return p;
}

/* Who has not shown a certificate yet keeps nobody else out. */
Test(carry, strangers_that_say_nothing)
{
	static const struct peer_info peer = { .address = "192.0.2.1" };
	struct world w;
	int there, strangers[20], ends[2];

	world_init(&w);
	w.targets.door = door();
	w.targets.connections = 10;
	w.targets.references = 1000;
	there = listen_at(w.target, 10);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
		strangers[i] = ends[0];
		carrier_incoming(w.carrier, &w.targets, ends[1], &peer);
	}
	cr_expect_eq(carrier_figures(w.carrier)->carried, 5);
	/* the last of them are there, the first have gone */
	cr_expect_eq(read(strangers[0], ends, 1), 0);
	cr_expect_eq(read(strangers[19], ends, 1), -1);
	connect_client(&w);
	for (int i = 0; i < PATIENCE_MS && !carrier_figures(w.carrier)->opened; i++) {
		rig_turn_unread(&w.rig, 1);
		usleep(1000);
	}
	cr_expect_eq(carrier_figures(w.carrier)->opened, 1);
	world_clear(&w);
	tls_peer_free(w.targets.door);
	for (int i = 0; i < 20; i++)
		close(strangers[i]);
	close(there);
}
