/*
 * Enhanced status codes (RFC 3463, 2034) against IANA's registry "Enumerated Status
 * Codes" (RFC 5248) as it was in 2024: those of smtpd's table, and those that stand in
 * the source of smtpd and mailboxd.
 */
#include "common/buf.h"
#include "smtpd/reply.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Details 0 to the last, by subject; the registry has no gaps. */
static const unsigned last_detail[] = {
	[0] = 0,	/* X.0.0 */
	[1] = 10,	/* addresses; 10: RFC 7505 */
	[2] = 4,	/* mailboxes */
	[3] = 6,	/* mail system; 6: RFC 6710 */
	[4] = 7,	/* network and routing */
	[5] = 6,	/* protocol; 6: RFC 4954 */
	[6] = 10,	/* content; 7 to 9: RFC 6531 */
	[7] = 30,	/* policy; 8 to 14: RFC 4954 and others, 30: RFC 8689 */
};

static bool is_registered(unsigned subject, unsigned detail)
{
	return subject < sizeof last_detail / sizeof *last_detail &&
	       detail <= last_detail[subject];
}

/* "5.1.1" of a reply with this code. */
static bool is_good(unsigned code, const char *enhanced)
{
	unsigned class, subject, detail;
	int end = 0;

	return sscanf(enhanced, "%1u.%3u.%3u%n", &class, &subject, &detail, &end) == 3 &&
	       !enhanced[end] && class == code / 100 && is_registered(subject, detail);
}

/* Section 4 of RFC 2034: none with 3xx, the greeting and the answers to EHLO. */
static bool needs_none(enum smtp_reply reply)
{
	return smtp_reply_row(reply)->code / 100 == 3 || reply == SMTP_REPLY_GREETING ||
	       reply == SMTP_REPLY_HELO;
}

Test(codes, table_of_smtpd)
{
	for (int i = 0; i < SMTP_REPLY_COUNT; i++) {
		const struct smtp_reply_row *row = smtp_reply_row((enum smtp_reply)i);

		cr_expect(needs_none((enum smtp_reply)i) ? !*row->enhanced
			  : is_good(row->code, row->enhanced), "%u %s %s", row->code,
			  row->enhanced, row->text);
		cr_expect(*row->text, "%u", row->code);
	}
}

/* ---- literals ---------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_code(const char *at)
{
	return strchr("245", at[0]) && at[0] && is_digit(at[1]) && is_digit(at[2]);
}

/* What is between a code and its enhanced code in the source. */
static const char *const links[] = { " ", ", \"", ", SLICE(\"" };

/* Looks at "550 5.1.1 ...", or 550, "5.1.1"; counts those it finds. */
static void look_at(const char *file, const char *at, unsigned *count)
{
	unsigned code = (unsigned)strtoul(at, NULL, 10), class, subject, detail;

	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		size_t octets = strlen(links[i]);

		if (strncmp(at + 3, links[i], octets) != 0 ||
		    sscanf(at + 3 + octets, "%1u.%3u.%3u", &class, &subject,
			   &detail) != 3)
			continue;
		++*count;
		cr_expect(class == code / 100 && is_registered(subject, detail),
			  "%s: %.16s", file, at);
	}
}

static void scan(const char *folder, const char *name, unsigned *count)
{
	char path[512], line[1024];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s/%s", SOURCE_DIR, folder, name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	while (fgets(line, sizeof line, f))
		for (const char *at = line; *at; at++)
			if (is_code(at) && (at == line || !is_digit(at[-1])))
				look_at(name, at, count);
	fclose(f);
}

/* Also what mailboxd says over LMTP, which smtpd passes on. */
Test(codes, literals)
{
	static const char *const folders[] = { "smtpd", "mailboxd", "common" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[512];
		unsigned count = 0;
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, folders[i]);
		dir = opendir(path);
		cr_assert(dir, "%s", path);
		while ((entry = readdir(dir)) != NULL)
			if (strlen(entry->d_name) > 2 &&
			    strcmp(entry->d_name + strlen(entry->d_name) - 2, ".c") == 0)
				scan(folders[i], entry->d_name, &count);
		closedir(dir);
		/* the scan itself works */
		if (strcmp(folders[i], "mailboxd") == 0)
			cr_expect_geq(count, 50u);
	}
}
