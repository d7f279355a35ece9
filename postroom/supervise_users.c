#include "postroom/supervise_priv.h"

#include "common/links.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

/*
 * Users and groups, only when postroom is root and the configuration names them:
 * a user a daemon, and a group a socket, so that smtpd cannot reach store.sock
 * nor popd auth.sock. etc/postroom.sysusers makes them.
 */

static const struct {
	enum option_reader daemon;
	enum option_id option;
	const char *groups[3];	/* of the sockets it connects to */
} rows[] = {
	{ R_MAILBOXD,	OPTION_USERS_MAILBOXD,	{ NULL, NULL } },
	{ R_SMTPD,	OPTION_USERS_SMTPD,	{ "postroom-lmtp", "postroom-auth" } },
	{ R_POPD,	OPTION_USERS_POPD,	{ "postroom-access", NULL } },
	{ R_IMAPD,	OPTION_USERS_IMAPD,	{ "postroom-access", NULL } },
	{ R_LINKD,	OPTION_USERS_LINKD,
	  { "postroom-lmtp", "postroom-auth", "postroom-access" } },
};

static enum status find_group(const char *name, gid_t *gid, struct error *err)
{
	struct group *group = getgrnam(name);

	if (!group)
		return error_set(err, ST_NOT_FOUND, "there is no group %s; make users and "
				 "groups with: systemd-sysusers postroom.conf",
				 name);
	*gid = group->gr_gid;
	return ST_OK;
}

static enum status find_user(const char *name, struct child_user *user,
			     struct error *err)
{
	struct passwd *entry = getpwnam(name);

	if (!entry)
		return error_set(err, ST_NOT_FOUND, "there is no user %s; make it with: "
				 "systemd-sysusers postroom.conf, or set users { } to others",
				 name);
	user->is_set = true;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return ST_OK;
}

struct child_user suite_user_of(const struct suite *s, enum option_reader daemon)
{
	struct child_user user = { 0 };

	for (size_t i = 0; geteuid() == 0 && i < sizeof rows / sizeof *rows; i++) {
		const char *name = config_text(s->launch->config, rows[i].option);

		if (rows[i].daemon != daemon || !*name ||
		    find_user(name, &user, NULL) != ST_OK)
			continue;
		for (size_t k = 0; k < 3 && rows[i].groups[k]; k++)
			if (find_group(rows[i].groups[k], &user.groups[user.group_count],
				       NULL) == ST_OK)
				user.group_count++;
	}
	return user;
}

/* Its user need not be there as long as it is not started. */
static bool needs_linkd(const struct suite *s)
{
	const struct config *c = s->launch->config;
	struct link_row links[LINK_ROWS_MAX];
	size_t count;

	return links_has_door(c) || links_has_dns(c) ||
	       links_read(c, links, &count, NULL) != ST_OK || count > 0;
}

enum status suite_find_users(struct suite *s, struct error *err)
{
	const struct config *config = s->launch->config;
	struct child_user store = { 0 };
	enum status st = ST_OK;

	s->owners = (struct socket_owners){ (uid_t)-1, (uid_t)-1, (gid_t)-1,
					   (gid_t)-1, (gid_t)-1 };
	if (geteuid() != 0)
		return ST_OK;
	for (size_t i = 0; st == ST_OK && i < sizeof rows / sizeof *rows; i++) {
		const char *name = config_text(config, rows[i].option);
		struct child_user user = { 0 };

		if (*name && (rows[i].daemon != R_LINKD || needs_linkd(s)))
			st = find_user(name, &user, err);
		if (st == ST_OK && *name && rows[i].daemon == R_MAILBOXD)
			store = user;
		if (st == ST_OK && user.is_set && rows[i].daemon == R_LINKD)
			s->owners.link = user.uid;
	}
	if (st != ST_OK || !store.is_set)
		return st;
	s->owners.owner = store.uid;
	st = find_group("postroom-lmtp", &s->owners.lmtp, err);
	if (st == ST_OK)
		st = find_group("postroom-auth", &s->owners.auth, err);
	if (st == ST_OK)
		st = find_group("postroom-access", &s->owners.access, err);
	if (st == ST_OK && chown(s->launch->data, store.uid, store.gid))
		st = error_set(err, ST_IO, "%s", s->launch->data);
	return st;
}
