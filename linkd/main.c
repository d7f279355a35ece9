/*
 * linkd: every connection to and from other hosts (linkd(8)). It reads no protocol:
 * it carries octets between the Unix sockets of the suite and what the
 * configuration names, over TLS where that says so.
 */
#include <config.h>

#include "common/daemon.h"
#include "common/log.h"
#include "linkd/carry.h"
#include "linkd/dns_door.h"
#include "linkd/targets.h"

#include <stdlib.h>
#include <unistd.h>

struct linkd {
	struct daemon *daemon;
	struct carrier *carrier;
	struct targets *targets;
	struct dns_door dns;
	struct target_files files;	/* as they come, until BEGIN */
	enum status files_status;
	bool is_serving, is_stopping;
};

/* What a listener's settings belong to: a socket of these targets. */
struct offer {
	struct linkd *linkd;
	struct targets *targets;
	struct target *target;	/* NULL: other hosts connect */
	unsigned references;
};

/* ---- configuration ----------------------------------------------------------------- */

static void take_file(struct daemon *d, const struct ipc_message *m)
{
	struct linkd *l = d->state;
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_LINK_CERTIFICATE) {
		st = buf_append(&l->files.chain, m->link_certificate.chain);
		if (st == ST_OK)
			st = buf_append(&l->files.key, m->link_certificate.key);
	} else if (m->type == IPC_TYPE_LINK_AUTHORITY) {
		st = target_files_add(&l->files, m->link_authority.name,
				      m->link_authority.pem);
	}
	if (st != ST_OK)
		l->files_status = st;
}

static enum status serve(struct daemon *d, struct error *err);

static enum status configure(struct daemon *d, struct slice text, struct error *err)
{
	struct linkd *l = d->state;
	struct targets *fresh = NULL;
	enum status st = l->files_status;

	if (st != ST_OK)
		error_set(err, st, "links: certificate or authority is too large");
	else
		st = targets_new(text, &l->files, l->targets, &fresh, err);
	target_files_clear(&l->files);
	l->files_status = ST_OK;
	if (st == ST_OK)
		st = dns_door_configure(&l->dns, fresh->config, !l->is_serving, err);
	if (st != ST_OK) {
		targets_release(fresh);
		return st;
	}
	targets_release(l->targets);
	l->targets = fresh;
	log_set_debug(config_bool(fresh->config, OPTION_LOG_DEBUG));
	return l->is_serving ? serve(d, err) : ST_OK;
}

/* The last connection ended. */
static void idle(void *context)
{
	struct linkd *l = context;

	if (l->is_stopping)
		daemon_stopped(l->daemon);
}

/* ---- listeners ----------------------------------------------------------------------- */

static void hold(void *context)
{
	((struct offer *)context)->references++;
}

static void release(void *context)
{
	struct offer *o = context;

	if (--o->references)
		return;
	targets_release(o->targets);
	free(o);
}

static void accepted(void *context, int fd, const struct peer_info *peer)
{
	struct offer *o = context;

	if (o->linkd->is_stopping)
		close(fd);
	else if (o->target)
		carrier_outgoing(o->linkd->carrier, o->targets, o->target, fd);
	else
		carrier_incoming(o->linkd->carrier, o->targets, fd, peer);
}

static enum status listen_on(struct linkd *l, const char *name, struct target *target,
			     struct error *err)
{
	struct offer *o = calloc(1, sizeof *o);
	struct listener_settings s = {
		.service = { .protocol = "link", .context = o },
		.hold = hold, .release = release, .accepted = accepted,
	};
	enum status st;

	if (!o)
		return error_set(err, ST_NO_MEMORY, "no memory for a listener");
	if (target) {
		s.uids = target->uids;
		s.uid_count = target->uid_count;
	}
	o->linkd = l;
	o->targets = targets_hold(l->targets);
	o->target = target;
	o->references = 1;
	st = daemon_listen(l->daemon, name, &s, err);
	release(o);
	/* a socket that the configuration names since a reload is bound at the next
	 * start */
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status serve(struct daemon *d, struct error *err)
{
	struct linkd *l = d->state;
	const struct config *c = l->targets->config;
	enum status st = ST_OK;

	l->daemon = d;
	if (!l->carrier)
		l->carrier = carrier_new(d->conns, idle, l);
	if (!l->carrier)
		return error_set(err, ST_NO_MEMORY, "no memory");
	for (size_t i = 0; st == ST_OK && i < l->targets->count; i++)
		st = listen_on(l, l->targets->rows[i].row.socket, &l->targets->rows[i],
			       err);
	for (size_t i = 0; st == ST_OK && i < config_sections(c, SECTION_LISTEN); i++)
		if (config_listen(c, i).daemon == R_LINKD)
			st = listen_on(l, config_title(c, SECTION_LISTEN, i), NULL, err);
	if (st == ST_OK)
		st = dns_door_serve(&l->dns, d, err);
	l->is_serving = true;
	return st;
}

/* ---- figures and the end ---------------------------------------------------------------- */

static void counters(struct daemon *d, struct buf *cells)
{
	const struct carrier_figures *f =
		carrier_figures(((struct linkd *)d->state)->carrier);

	daemon_count(cells, "carried", f->carried);
	daemon_count(cells, "opened", f->opened);
	daemon_count(cells, "refused", f->refused);
	daemon_count(cells, "away", f->failed);
	daemon_count(cells, "octets", f->octets);
	dns_door_counters(&((struct linkd *)d->state)->dns, cells);
}

/* What is open goes on until its ends hang up, or the grace is over. */
static void stop(struct daemon *d, unsigned grace_ms)
{
	struct linkd *l = d->state;

	l->is_stopping = true;
	if (carrier_figures(l->carrier)->carried == 0)
		idle(l);
}

static void close_all(struct daemon *d)
{
	struct linkd *l = d->state;

	dns_door_close(&l->dns);
	carrier_close(l->carrier);
}

static void finish(struct daemon *d)
{
	struct linkd *l = d->state;

	target_files_clear(&l->files);
	targets_release(l->targets);
	dns_door_free(&l->dns);
	carrier_free(l->carrier);
}

int main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.name = "linkd", .sandbox = PROC_SANDBOX_LINK,
		.configure = configure, .serve = serve, .stop = stop,
		.counters = counters, .control = take_file,
		.close = close_all, .finish = finish,
		.memory = UINT64_C(2) << 30, .keeps_root = true,
	};
	static struct linkd linkd;

	target_files_clear(&linkd.files);
	return daemon_main(&ops, &linkd, argc, argv);
}
