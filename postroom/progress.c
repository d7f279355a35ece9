#include "postroom/progress.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define EACH_MS 200

void progress_begin(struct progress *p, const char *what, bool octets)
{
	*p = (struct progress){ .what = what, .is_octets = octets,
				.is_on = isatty(STDERR_FILENO) == 1,
				.began_ms = clock_ms() };
}

int64_t progress_ms(const struct progress *p)
{
	return clock_ms() - p->began_ms;
}

static void number(const struct progress *p, uint64_t n)
{
	if (p->is_octets)
		fprintf(stderr, "%.1f MB", (double)n / (1024 * 1024));
	else
		fprintf(stderr, "%" PRIu64, n);
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	int64_t now = clock_ms();

	if (!p->is_on || now < p->next_ms)
		return;
	p->next_ms = now + EACH_MS;
	fprintf(stderr, "\r%s: ", p->what);
	number(p, done);
	if (total) {
		fputs(" of ", stderr);
		number(p, total);
		fprintf(stderr, ", %u %%", (unsigned)((double)done * 100 / (double)total));
	}
	fputs("\033[K", stderr);
	p->is_shown = true;
}

void progress_end(struct progress *p)
{
	if (p->is_shown)
		fputs("\r\033[K", stderr);
	p->is_shown = false;
}
