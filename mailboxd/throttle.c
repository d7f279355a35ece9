#include "mailboxd/throttle.h"

#include "mailboxd/password.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Slots stand in sets that share a hash value; within one the oldest goes. */
#define SETS		1024
#define WAYS		8
#define KEY_OCTETS	16
#define WRONG_KEPT	8	/* distinct wrong passwords remembered */
#define WRONG_OCTETS	8

#define MINUTE_MS	INT64_C(60000)
#define FORGET_MS	(15 * MINUTE_MS)
#define KNOWN_MS	(INT64_C(30) * 24 * 60 * MINUTE_MS)
#define START_MS	MINUTE_MS
#define KNOWN_BONUS	2	/* failures that a known address has free */

static const int16_t ladder_s[] = { 0, 0, 1, 2, 4, 8, 15 };

#define LADDER_TOP ((unsigned)(sizeof ladder_s / sizeof *ladder_s - 1))

struct slot {
	unsigned char key[KEY_OCTETS];
	int64_t used_ms;	/* when anything happened; 0: free */
	int64_t failed_ms;
	int64_t good_ms;	/* 0: never */
	uint16_t failures;	/* distinct wrong passwords */
	uint16_t trying;	/* logins that are looked at */
	uint8_t next_wrong;
	unsigned char wrong[WRONG_KEPT][WRONG_OCTETS];
	/* until when answers are held back, also to who did not wait for his */
	int64_t waiting[THROTTLE_WAITING_MAX];
};

struct throttle {
	int64_t start_ms;
	struct slot slots[SETS][WAYS];
};

struct throttle *throttle_new(int64_t now_ms)
{
	struct throttle *t = calloc(1, sizeof *t);

	if (t)
		t->start_ms = now_ms;
	return t;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

/* The /32 or /64 that an address stands for; other text as it is. */
static struct slice network(struct slice address, unsigned char out[16])
{
	char text[INET6_ADDRSTRLEN];

	if (address.len >= sizeof text || slice_index(address, ':') == address.len)
		return address;
	memcpy(text, address.data, address.len);
	text[address.len] = '\0';
	if (inet_pton(AF_INET6, text, out) != 1)
		return address;
	return slice_of((char *)out, 8);
}

static void key_of(struct slice address, struct slice account,
		   unsigned char key[PASSWORD_KEY_OCTETS])
{
	unsigned char bits[16];

	password_tag(network(address, bits), account, key);
}

static const struct slot *find(const struct throttle *t,
			       const unsigned char key[PASSWORD_KEY_OCTETS])
{
	size_t set = (key[KEY_OCTETS] | (size_t)key[KEY_OCTETS + 1] << 8) % SETS;

	for (size_t i = 0; i < WAYS; i++) {
		const struct slot *s = &t->slots[set][i];

		if (s->used_ms && memcmp(s->key, key, KEY_OCTETS) == 0)
			return s;
	}
	return NULL;
}

static struct slot *take(struct throttle *t, int64_t now_ms,
			 const unsigned char key[PASSWORD_KEY_OCTETS])
{
	size_t set = (key[KEY_OCTETS] | (size_t)key[KEY_OCTETS + 1] << 8) % SETS;
	struct slot *oldest = &t->slots[set][0];

	for (size_t i = 0; i < WAYS; i++) {
		struct slot *s = &t->slots[set][i];

		if (s->used_ms && memcmp(s->key, key, KEY_OCTETS) == 0) {
			oldest = s;
			goto found;
		}
		if (s->used_ms < oldest->used_ms)
			oldest = s;
	}
	memset(oldest, 0, sizeof *oldest);
	memcpy(oldest->key, key, KEY_OCTETS);
found:
	if (oldest->failures && now_ms - oldest->failed_ms > FORGET_MS) {
		oldest->failures = 0;
		memset(oldest->wrong, 0, sizeof oldest->wrong);
	}
	/* 0 marks a free slot, and the clock may begin there */
	oldest->used_ms = now_ms > 0 ? now_ms : 1;
	return oldest;
}

static bool is_known(const struct slot *pair, int64_t now_ms)
{
	return pair && pair->good_ms && now_ms - pair->good_ms < KNOWN_MS;
}

static unsigned failures_of(const struct slot *s, int64_t now_ms)
{
	return s && now_ms - s->failed_ms <= FORGET_MS ? s->failures : 0;
}

/* before: failures that came before the one to be answered. */
static int64_t ladder(unsigned before)
{
	return ladder_s[before < LADDER_TOP ? before : LADDER_TOP] * INT64_C(1000);
}

static int64_t delay_ms(const struct throttle *t, int64_t now_ms,
			const struct slot *pair, unsigned pair_before,
			unsigned address_before)
{
	unsigned n = pair_before;
	int64_t delay;

	if (is_known(pair, now_ms))
		n = n > KNOWN_BONUS ? n - KNOWN_BONUS : 0;
	else if (address_before > n)
		n = address_before;
	delay = ladder(n);
	if (delay < 1000 && now_ms - t->start_ms < START_MS &&
	    !is_known(pair, now_ms))
		delay = 1000;
	return delay;
}

/* True when this password was not among the last wrong ones. */
static bool count_wrong(struct slot *s, int64_t now_ms,
			const unsigned char tag[32])
{
	s->failed_ms = now_ms;
	for (size_t i = 0; i < WRONG_KEPT; i++)
		if (s->failures && memcmp(s->wrong[i], tag, WRONG_OCTETS) == 0)
			return false;
	memcpy(s->wrong[s->next_wrong], tag, WRONG_OCTETS);
	s->next_wrong = (uint8_t)((s->next_wrong + 1) % WRONG_KEPT);
	if (s->failures < UINT16_MAX)
		s->failures++;
	return true;
}

bool throttle_is_known(const struct throttle *t, int64_t now_ms,
		       struct slice address, struct slice account)
{
	unsigned char key[PASSWORD_KEY_OCTETS];

	key_of(address, account, key);
	return is_known(find(t, key), now_ms);
}

static unsigned waiting(const struct slot *alone, int64_t now_ms)
{
	unsigned count = 0;

	for (size_t i = 0; i < THROTTLE_WAITING_MAX; i++)
		count += alone->waiting[i] > now_ms;
	return count;
}

bool throttle_begin(struct throttle *t, int64_t now_ms, struct slice address,
		    struct slice account, bool *is_counted)
{
	unsigned char pair_key[PASSWORD_KEY_OCTETS], key[PASSWORD_KEY_OCTETS];
	const struct slot *pair;
	struct slot *alone;
	unsigned before, of_pair;

	*is_counted = false;
	key_of(address, account, pair_key);
	key_of(address, SLICE_EMPTY, key);
	pair = find(t, pair_key);
	alone = (struct slot *)find(t, key);
	before = failures_of(alone, now_ms);
	of_pair = failures_of(pair, now_ms);
	if (of_pair > before)
		before = of_pair;
	/* an address without failures takes no slot */
	if (!alone || before == 0)
		return true;
	if (!is_known(pair, now_ms) && ladder(before) > 0 &&
	    waiting(alone, now_ms) + alone->trying >= THROTTLE_WAITING_MAX)
		return false;
	*is_counted = alone->trying < UINT16_MAX;
	alone->trying = (uint16_t)(alone->trying + *is_counted);
	return true;
}

void throttle_end(struct throttle *t, struct slice address)
{
	unsigned char key[PASSWORD_KEY_OCTETS];
	struct slot *alone;

	key_of(address, SLICE_EMPTY, key);
	/* it may have made room meanwhile */
	alone = (struct slot *)find(t, key);
	if (alone && alone->trying)
		alone->trying--;
}

int64_t throttle_failed(struct throttle *t, int64_t now_ms,
			struct slice address, struct slice account,
			const unsigned char tag[32])
{
	unsigned char pair_key[PASSWORD_KEY_OCTETS], key[PASSWORD_KEY_OCTETS];
	struct slot *pair, *alone;
	int64_t delay;

	key_of(address, account, pair_key);
	key_of(address, SLICE_EMPTY, key);
	/* alone second: if both share a set, the one just taken is the newest */
	pair = take(t, now_ms, pair_key);
	alone = take(t, now_ms, key);
	count_wrong(pair, now_ms, tag);
	count_wrong(alone, now_ms, tag);
	delay = delay_ms(t, now_ms, pair, pair->failures - 1u,
			 alone->failures - 1u);
	if (delay == 0)
		return 0;
	for (size_t i = 0; i < THROTTLE_WAITING_MAX; i++)
		if (alone->waiting[i] <= now_ms) {
			alone->waiting[i] = now_ms + delay;
			return delay;
		}
	return -1;
}

void throttle_good(struct throttle *t, int64_t now_ms, struct slice address,
		   struct slice account)
{
	unsigned char key[PASSWORD_KEY_OCTETS];
	struct slot *pair;

	key_of(address, account, key);
	pair = take(t, now_ms, key);
	pair->failures = 0;
	memset(pair->wrong, 0, sizeof pair->wrong);
	pair->good_ms = now_ms > 0 ? now_ms : 1;
}

int64_t throttle_delay(const struct throttle *t, int64_t now_ms,
		       struct slice address, struct slice account)
{
	unsigned char pair_key[PASSWORD_KEY_OCTETS], key[PASSWORD_KEY_OCTETS];
	const struct slot *pair;

	key_of(address, account, pair_key);
	key_of(address, SLICE_EMPTY, key);
	pair = find(t, pair_key);
	return delay_ms(t, now_ms, pair, failures_of(pair, now_ms),
			failures_of(find(t, key), now_ms));
}
