/* The three profiles: where each keeps its state and how it is prepared. */
#include <config.h>

#include "common/links.h"
#include "common/tls_make.h"
#include "postroom/certificates.h"
#include "postroom/files.h"
#include "postroom/launch.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#define CONFIG_FILE_MAX ((size_t)16 * 1024 * 1024)
#define SHM_NEEDED (UINT64_C(512) * 1024 * 1024)

static int complain(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int complain(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("postroom: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return code;
}

/* ---- configuration ------------------------------------------------------------- */

enum status launch_configure(const struct launch *l, struct config **out,
			     struct buf *mistakes)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct config_source source = {
		.name = l->file ? l->file : "postroom.conf",
		.profile = l->profile,
		.profile_fixed = l->profile != PROFILE_SERVER,
		.sets = l->sets,
		.set_count = l->set_count,
	};
	struct error err = { 0 };
	enum status st = ST_OK;

	*out = NULL;
	if (l->file)
		st = file_read(l->file, &text, &err);
	if (st) {
		buf_append_fmt(mistakes, "%s\n", err.text);
		return st;
	}
	source.text = buf_slice(&text);
	st = config_parse(&source, out, mistakes);
	buf_free(&text);
	return st;
}

static bool add_set(struct launch *l, const char *name, const char *value)
{
	char *set;

	if (l->set_count == LAUNCH_LIST_MAX || l->made_count == LAUNCH_MADE_MAX ||
	    asprintf(&set, "%s=%s", name, value) < 0)
		return false;
	l->made_sets[l->made_count++] = set;
	l->sets[l->set_count++] = set;
	return true;
}

static int configure(struct launch *l)
{
	struct buf mistakes = BUF_INIT(100000);
	enum status st;

	config_free(l->config);
	st = launch_configure(l, &l->config, &mistakes);
	if (mistakes.len)
		fwrite(mistakes.data, 1, mistakes.len, stderr);
	buf_free(&mistakes);
	if (st == ST_OK)
		return EX_OK;
	if (st == ST_IO)
		return complain(EX_NOINPUT, "the configuration cannot be read; name "
				"another with -c, or try: postroom lab");
	return complain(EX_CONFIG, "the configuration has mistakes; they are named "
			"above, and `postroom config explain NAME` tells of an option");
}

/* The kernel's name for this machine, where the configuration has none. */
static int complete(struct launch *l)
{
	struct utsname name;

	if (*config_text(l->config, OPTION_HOSTNAME) || uname(&name) < 0)
		return EX_OK;
	if (!add_set(l, "hostname", name.nodename))
		return complain(EX_USAGE, "too many --set");
	return configure(l);
}

/* ---- directories ------------------------------------------------------------------- */

/* A new directory in memory where there is room, else among temporary files. */
static char *temporary_directory(void)
{
	struct statvfs space;
	const char *tmp = getenv("TMPDIR");
	char *path;

	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	if (statvfs("/dev/shm", &space) == 0 &&
	    (uint64_t)space.f_bavail * space.f_frsize >= SHM_NEEDED &&
	    asprintf(&path, "/dev/shm/postroom-%d-XXXXXX", (int)getpid()) > 0) {
		if (mkdtemp(path))
			return path;
		free(path);
	}
	if (asprintf(&path, "%s/postroom-%d-XXXXXX", tmp, (int)getpid()) < 0)
		return NULL;
	if (mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

static int find_state(struct launch *l)
{
	struct error err = { 0 };
	const char *dir = l->dir ? l->dir : "lab";

	if (l->profile == PROFILE_TEST && !l->dir) {
		l->state = temporary_directory();
		l->is_temporary = l->state != NULL;
		return l->state ? EX_OK :
			complain(EX_CANTCREAT, "no directory can be made in /dev/shm "
				 "or $TMPDIR: %s", strerror(errno));
	}
	if (directory_make(dir, 0700, &err))
		return complain(EX_CANTCREAT, "%s; choose another with --dir", err.text);
	l->state = realpath(dir, NULL);
	return l->state ? EX_OK : complain(EX_CANTCREAT, "%s: %s", dir, strerror(errno));
}

/* data and run: as configured, or below the state. */
static int find_directories(struct launch *l)
{
	const char *data = config_text(l->config, OPTION_DATA);
	const char *run = config_text(l->config, OPTION_RUN);
	struct error err = { 0 };

	free(l->data);
	free(l->run);
	l->data = *data || !l->state ? strdup(data) : path_join(l->state, "store");
	l->run = *run || !l->state ? strdup(run) : path_join(l->state, "run");
	if (!l->data || !l->run)
		return complain(EX_OSERR, "out of memory");
	if (l->data[0] != '/' || l->run[0] != '/')
		return complain(EX_CONFIG, "data and run are absolute paths: \"%s\", "
				"\"%s\"", l->data, l->run);
	if (directory_make(l->data, 0700, &err))
		return complain(EX_CANTCREAT, "%s; data = ... names the store's "
				"directory", err.text);
	if (directory_make(l->run, 0711, &err))
		return complain(EX_CANTCREAT, "%s; run = ... names the directory of the "
				"sockets", err.text);
	return EX_OK;
}

/* ---- ports of lab and test ------------------------------------------------------------ */

static int choose_ports(struct launch *l)
{
	unsigned long long base = 0;
	bool is_auto = !l->ports || strcmp(l->ports, "auto") == 0;

	if (!l->ports)
		return EX_OK;	/* the profile's own */
	if (!is_auto && !slice_number(slice_str(l->ports), 65535 - 995, &base))
		return complain(EX_USAGE, "--ports takes a number up to %d, to which "
				"25, 110... are added, or auto", 65535 - 995);
	for (size_t i = 0; i < KNOWN_LISTENER_COUNT; i++) {
		const struct known_listener *known = &known_listeners[i];
		char name[64], address[32];

		snprintf(name, sizeof name, "listen.%s.address", known->title);
		snprintf(address, sizeof address, "127.0.0.1:%u",
			 is_auto ? 0 : (unsigned)base + known->port);
		/* in front, so that --set listen... wins */
		if (l->set_count == LAUNCH_LIST_MAX || l->made_count == LAUNCH_MADE_MAX)
			return complain(EX_USAGE, "too many --set");
		memmove(l->sets + 1, l->sets, l->set_count * sizeof *l->sets);
		if (asprintf(&l->made_sets[l->made_count], "%s=%s", name, address) < 0)
			return complain(EX_OSERR, "out of memory");
		l->sets[0] = l->made_sets[l->made_count++];
		l->set_count++;
	}
	return EX_OK;
}

/* ---- certificates ---------------------------------------------------------------------- */

static enum status read_authority(const char *ca, const char *key,
				  struct buf *certificate, struct buf *secret)
{
	enum status st = file_read(ca, certificate, NULL);

	if (!st)
		st = file_read(key, secret, NULL);
	if (!st)
		st = tls_certificate_check(buf_slice(certificate), buf_slice(secret), NULL);
	if (st) {
		buf_wipe(secret);
		buf_free(certificate);
	}
	return st;
}

/* The authority is kept, so that clients which know it go on; the certificate
 * is made anew at each start. */
static enum status make_certificates(struct launch *l, const char *ca_key,
				     struct error *err)
{
	const char *names[] = {
		config_text(l->config, OPTION_HOSTNAME), "localhost", "127.0.0.1", "::1",
	};
	struct buf ca = BUF_INIT(TLS_MAKE_PEM_MAX), secret = BUF_INIT(TLS_MAKE_PEM_MAX);
	struct buf cert = BUF_INIT(TLS_MAKE_PEM_MAX), key = BUF_INIT(TLS_MAKE_PEM_MAX);
	enum status st = ST_OK;

	if (read_authority(l->ca, ca_key, &ca, &secret)) {
		st = tls_make_authority(&ca, &secret, err);
		if (!st && !l->is_temporary)
			st = file_write(ca_key, buf_slice(&secret), 0600, err);
		if (!st)
			st = file_write(l->ca, buf_slice(&ca), 0644, err);
	}
	if (!st)
		st = tls_make_certificate(buf_slice(&ca), buf_slice(&secret), names, 4,
					  &cert, &key, err);
	if (!st)
		st = file_write(l->key, buf_slice(&key), 0600, err);
	if (!st)
		st = file_write(l->cert, buf_slice(&cert), 0644, err);
	buf_free(&ca);
	buf_wipe(&secret);
	buf_free(&cert);
	buf_wipe(&key);
	return st;
}

static bool needs_certificate(const struct config *c, const char **title)
{
	for (size_t i = 0; i < config_sections(c, SECTION_LISTEN); i++) {
		struct listen_settings listen = config_listen(c, i);

		*title = listen.title;
		if (listen.daemon == R_LINKD && *config_text(c, OPTION_LINKS_CERT))
			continue;
		if (listen.tls == LISTEN_TLS_IMPLICIT || listen.tls == LISTEN_TLS_REQUIRED)
			return true;
	}
	return false;
}

static int check_pairs(const struct launch *l)
{
	struct certificates all = { 0 };
	struct error err = { 0 };
	enum status st = certificates_read(&all, l->config, l->cert, l->key, &err);

	certificates_clear(&all);
	if (st == ST_OK)
		return EX_OK;
	if (st == ST_SYNTAX)
		return complain(EX_CONFIG, "%s", err.text);
	return complain(EX_NOINPUT, "%s (a server of letsencrypt has both in "
			"/etc/letsencrypt/live)", err.text);
}

static int find_certificates(struct launch *l)
{
	const char *cert = config_text(l->config, OPTION_TLS_CERT);
	const char *key = config_text(l->config, OPTION_TLS_KEY);
	const char *title = "";
	struct error err = { 0 };
	char *ca_key;
	enum status st;

	if (*cert || *key) {
		if (!*cert || !*key)
			return complain(EX_CONFIG, "tls.%s is missing: certificate and "
					"key are named together", *cert ? "key" : "cert");
		l->cert = strdup(cert);
		l->key = strdup(key);
		return l->cert && l->key ? EX_OK :
			complain(EX_OSERR, "out of memory");
	}
	if (!l->state)
		return needs_certificate(l->config, &title) ?
			complain(EX_CONFIG, "there is no certificate, and listener %s "
				 "needs one: set tls { cert = ... key = ... }, or that "
				 "listener's tls = none", title) : EX_OK;
	l->ca = path_join(l->state, "ca.pem");
	l->cert = path_join(l->state, "cert.pem");
	l->key = path_join(l->state, "key.pem");
	ca_key = path_join(l->state, "ca-key.pem");
	st = l->ca && l->cert && l->key && ca_key ? make_certificates(l, ca_key, &err)
						   : ST_NO_MEMORY;
	free(ca_key);
	return st ? complain(EX_CANTCREAT, "%s", err.text) : EX_OK;
}

static int check_links(const struct launch *l)
{
	struct link_row rows[LINK_ROWS_MAX];
	struct error err = { 0 };
	size_t count;

	return links_read(l->config, rows, &count, &err) == ST_OK
		? EX_OK : complain(EX_CONFIG, "%s", err.text);
}

static int find_and_check_certificates(struct launch *l)
{
	int code = check_links(l);

	if (!code)
		code = find_certificates(l);
	return code ? code : check_pairs(l);
}

/* ---- all of it ------------------------------------------------------------------------------ */

int launch_prepare(struct launch *l)
{
	int code = EX_OK;

	if (l->profile != PROFILE_SERVER)
		code = choose_ports(l);
	if (!code && l->strict && !(add_set(l, "accounts.any_recipient", "no") &&
				    add_set(l, "accounts.any_password", "no")))
		code = complain(EX_USAGE, "too many --set");
	if (!code)
		code = configure(l);
	if (!code)
		code = complete(l);
	if (!code && l->profile != PROFILE_SERVER)
		code = find_state(l);
	if (!code && l->profile == PROFILE_SERVER &&
	    config_profile(l->config) != PROFILE_SERVER)
		code = complain(EX_CONFIG, "profile = %s is for `postroom %s`; `run` "
				"needs profile = server",
				profile_name(config_profile(l->config)),
				profile_name(config_profile(l->config)));
	if (!code)
		code = find_directories(l);
	if (!code)
		code = find_and_check_certificates(l);
	return code;
}

int launch_check(struct launch *l)
{
	return config_profile(l->config) == PROFILE_SERVER
		? find_and_check_certificates(l) : EX_OK;
}

void launch_clear(struct launch *l)
{
	if (l->is_temporary)
		directory_remove(l->state);
	config_free(l->config);
	free(l->state);
	free(l->data);
	free(l->run);
	free(l->ca);
	free(l->cert);
	free(l->key);
	for (size_t i = 0; i < l->made_count; i++)
		free(l->made_sets[i]);
}
