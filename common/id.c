#include "common/id.h"

#include "common/clock.h"

#include <pthread.h>
#include <sys/random.h>

#define RANDOM_BITS	52
#define RANDOM_MASK	((UINT64_C(1) << RANDOM_BITS) - 1)
#define TIME_MASK	((UINT64_C(1) << 48) - 1)
/* Ids of one millisecond differ by less than this: still not to be guessed, and
 * a million of them fit before the next millisecond has to be borrowed. */
#define STEP_MASK	((UINT64_C(1) << 32) - 1)

/* In the order of ASCII, so that text orders as the numbers do. */
static const char base32[] = "0123456789abcdefghijklmnopqrstuv";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_time, last_random;

static uint64_t random_bits(void)
{
	static uint64_t pool[32];	/* under the lock */
	static size_t left;

	if (left == 0) {
		/* up to 256 octets come whole, once the kernel is seeded */
		while (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
			continue;
		left = sizeof pool / sizeof *pool;
	}
	return pool[--left];
}

static void next_numbers(uint64_t *time, uint64_t *random)
{
	uint64_t now = (uint64_t)clock_wall_ms() & TIME_MASK;

	pthread_mutex_lock(&lock);
	if (now > last_time) {
		last_time = now;
		last_random = random_bits() & RANDOM_MASK;
	} else {
		uint64_t step = (random_bits() & STEP_MASK) + 1;

		if (last_random > RANDOM_MASK - step) {
			last_time++;
			last_random = random_bits() & STEP_MASK;
		} else {
			last_random += step;
		}
	}
	*time = last_time;
	*random = last_random;
	pthread_mutex_unlock(&lock);
}

/* The low bits of number, 5 a character, the highest first. */
static void render(uint64_t number, char *at, int characters)
{
	while (characters-- > 0) {
		at[characters] = base32[number & 31];
		number >>= 5;
	}
}

struct id id_make(char letter)
{
	uint64_t time, random;
	struct id id;

	/* 48 bits and 52 do not part at a character: 45 of the time, its last 3
	 * with the first 2 of the random ones, then 50 */
	next_numbers(&time, &random);
	id.text[0] = letter;
	render(time >> 3, id.text + 1, 9);
	render((time & 7) << 2 | random >> 50, id.text + 10, 1);
	render(random, id.text + 11, 10);
	id.text[ID_OCTETS] = '\0';
	return id;
}

static int value_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

bool id_is_valid(struct slice text, char letter)
{
	if (text.len != ID_OCTETS || text.data[0] != letter)
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (value_of(text.data[i]) < 0)
			return false;
	return true;
}

void id_number_render(uint64_t number, char at[ID_NUMBER_OCTETS])
{
	render(number, at, ID_NUMBER_OCTETS);
}

bool id_number_parse(struct slice text, uint64_t *number)
{
	uint64_t n = 0;

	/* 13 characters are 65 bits: the first has only four of its own */
	if (text.len != ID_NUMBER_OCTETS || value_of(text.data[0]) > 15)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.data[i]);

		if (value < 0)
			return false;
		n = n << 5 | (unsigned)value;
	}
	*number = n;
	return true;
}
