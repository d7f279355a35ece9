#include "mailboxd/logins.h"

#include "mailboxd/password.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	unsigned char tag[PASSWORD_KEY_OCTETS];
	uint64_t directory;
	int64_t until_ms;
	struct login *login;
};

struct logins {
	struct slot slots[LOGINS_SLOTS];
};

struct logins *logins_new(void)
{
	return calloc(1, sizeof(struct logins));
}

void logins_free(struct logins *l)
{
	for (size_t i = 0; l && i < LOGINS_SLOTS; i++)
		free(l->slots[i].login);
	free(l);
}

static struct slot *slot_of(struct logins *l, struct slice name,
			    struct slice password,
			    unsigned char tag[PASSWORD_KEY_OCTETS])
{
	password_tag(name, password, tag);
	return &l->slots[(tag[0] | (size_t)tag[1] << 8) % LOGINS_SLOTS];
}

bool logins_find(struct logins *l, struct slice name, struct slice password,
		 uint64_t directory, int64_t now_ms, struct login *login)
{
	unsigned char tag[PASSWORD_KEY_OCTETS];
	const struct slot *s = slot_of(l, name, password, tag);

	if (!s->login || s->directory != directory || now_ms > s->until_ms ||
	    !password_equal(tag, s->tag, sizeof tag))
		return false;
	*login = *s->login;
	return true;
}

void logins_keep(struct logins *l, struct slice name, struct slice password,
		 uint64_t directory, int64_t now_ms, const struct login *login)
{
	unsigned char tag[PASSWORD_KEY_OCTETS];
	struct slot *s = slot_of(l, name, password, tag);

	if (!s->login)
		s->login = malloc(sizeof *s->login);
	if (!s->login)
		return;
	memcpy(s->tag, tag, sizeof tag);
	s->directory = directory;
	s->until_ms = now_ms + LOGINS_KEEP_MS;
	*s->login = *login;
}
