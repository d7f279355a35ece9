#include "linkd/dns_client.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question of a look. */
struct asked {
	struct dns_look *look;
	const struct dns_list *list;	/* NULL: about its name */
	char name[DNS_NAME_OCTETS];	/* that may lead back; "": PTR */
};

struct dns_look {
	struct dns *dns;
	struct conn_loop *loop;
	struct conn_timer timer;
	const struct dns_rules *rules;
	struct dns_look **place;	/* where the owner has it */
	dns_client_done *done;	/* NULL: nobody waits any more */
	void *arg;
	unsigned open;		/* questions without an answer */
	bool is_begun;		/* all were asked */
	bool is_unsure;		/* about the name: a server did not say */
	unsigned char address[16];
	size_t address_octets;
	int heaviest;
	struct dns_client client;
};

static enum dns_type address_type(const struct dns_look *k)
{
	return k->address_octets == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA;
}

/* All is answered, or the time is over. */
static void finish(struct dns_look *k)
{
	dns_client_done *done = k->done;

	conn_timer_set(k->loop, &k->timer, 0);
	k->done = NULL;
	*k->place = NULL;
	k->client.name_st = k->client.name[0] ? ST_OK :
			    !k->rules->wants_name || k->is_unsure || k->open
				    ? ST_UNAVAILABLE : ST_NOT_FOUND;
	if (k->client.score < k->rules->threshold)
		k->client.list = NULL;
	done(k->arg, &k->client);
}

static void settle(struct dns_look *k)
{
	if (k->open || !k->is_begun)
		return;
	if (k->done)
		finish(k);
	free(k);
}

/* ---- answers ------------------------------------------------------------------------ */

static void take_list(struct dns_look *k, const struct dns_list *list,
		      const struct dns_answer *answer)
{
	for (unsigned i = 0; answer->st == ST_OK && i < answer->count; i++) {
		if (!dns_list_matches(list, answer->records[i].address))
			continue;
		k->client.score += list->weight;
		if (list->weight > k->heaviest) {
			k->heaviest = list->weight;
			k->client.list = list->zone;
		}
		return;
	}
}

static void take_address(struct dns_look *k, const char *name,
			 const struct dns_answer *answer)
{
	k->is_unsure |= answer->st == ST_UNAVAILABLE;
	for (unsigned i = 0; answer->st == ST_OK && i < answer->count; i++)
		if (k->client.name[0] == '\0' &&
		    memcmp(answer->records[i].address, k->address,
			   k->address_octets) == 0)
			snprintf(k->client.name, sizeof k->client.name, "%s", name);
}

static void ask(struct dns_look *k, const struct dns_list *list, const char *question,
		enum dns_type type, const char *name);

static void take_names(struct dns_look *k, const struct dns_answer *answer)
{
	k->is_unsure |= answer->st == ST_UNAVAILABLE;
	for (unsigned i = 0; answer->st == ST_OK && i < answer->count &&
	     i < DNS_CLIENT_NAMES_MAX; i++)
		ask(k, NULL, answer->records[i].name, address_type(k),
		    answer->records[i].name);
}

static void answered(void *arg, const struct dns_answer *answer)
{
	struct asked *a = arg;
	struct dns_look *k = a->look;

	if (k->done && a->list)
		take_list(k, a->list, answer);
	else if (k->done && a->name[0])
		take_address(k, a->name, answer);
	else if (k->done)
		take_names(k, answer);
	free(a);
	k->open--;
	settle(k);
}

/* What cannot be asked is not known. */
static void ask(struct dns_look *k, const struct dns_list *list, const char *question,
		enum dns_type type, const char *name)
{
	struct asked *a = malloc(sizeof *a);

	if (!a) {
		k->is_unsure |= !list;
		return;
	}
	a->look = k;
	a->list = list;
	snprintf(a->name, sizeof a->name, "%s", name);
	k->open++;
	dns_ask(k->dns, question, type, answered, a);
}

/* ---- life --------------------------------------------------------------------------- */

/* What is still open is read when it comes, for those that come after. */
static void due(struct conn_timer *t, int64_t now)
{
	(void)now;
	finish((struct dns_look *)((char *)t - offsetof(struct dns_look, timer)));
}

static bool take_numbers(struct dns_look *k, const char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	k->address_octets = 4;
	if (inet_pton(AF_INET, address, k->address) == 1)
		return true;
	if (inet_pton(AF_INET6, address, k->address) != 1)
		return false;
	if (memcmp(k->address, mapped, sizeof mapped) == 0)
		memmove(k->address, k->address + 12, 4);
	else
		k->address_octets = 16;
	return true;
}

bool dns_client_look(struct dns *d, struct conn_loop *l, const struct dns_rules *rules,
		     const char *address, dns_client_done *done, void *arg,
		     struct dns_look **look)
{
	struct dns_look *k = calloc(1, sizeof *k);
	char name[DNS_NAME_OCTETS];

	if (!k || !take_numbers(k, address)) {
		free(k);
		return false;
	}
	*look = k;
	k->place = look;
	k->dns = d;
	k->loop = l;
	k->timer.due = due;
	k->rules = rules;
	k->done = done;
	k->arg = arg;
	conn_timer_set(l, &k->timer, clock_ms() + rules->timeout_ms);
	if (rules->wants_name && dns_reverse_name(address, name) == ST_OK)
		ask(k, NULL, name, DNS_TYPE_PTR, "");
	for (size_t i = 0; i < rules->count; i++)
		if (dns_list_name(address, rules->lists[i].zone, name) == ST_OK)
			ask(k, &rules->lists[i], name, DNS_TYPE_A, "");
	k->is_begun = true;
	settle(k);
	return true;
}

void dns_client_forget(struct dns_look *k)
{
	conn_timer_set(k->loop, &k->timer, 0);
	k->done = NULL;
	settle(k);
}
