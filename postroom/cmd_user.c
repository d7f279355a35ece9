/* user add, user passwd, user quota. The other verbs of users need no help. */
#include "common/units.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/password_prompt.h"

#include <stdio.h>
#include <sysexits.h>

int cmd_user_password(const struct invocation *i)
{
	struct buf password = BUF_INIT(PASSWORD_MAX);
	struct control_client *c;
	struct slice words[2 + ASK_OPTIONS_MAX];
	char name[64];
	int code;

	/* asked for after we know that mailboxd is there */
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = EX_NOINPUT;
	verb_full_name(i->verb, name);
	if (password_read(i->password_stdin || i->verifier_stdin, i->words[0],
			  &password)) {
		words[0] = slice_str(i->words[0]);
		words[1] = buf_slice(&password);
		code = ask(c, i, name, words, ask_options(i, words, 2), NULL);
	}
	buf_wipe(&password);
	control_client_close(c);
	return code;
}

/* "5GB" is told as a number of octets. */
int cmd_user_quota(const struct invocation *i)
{
	struct slice words[3];
	struct control_client *c;
	char digits[24];
	uint64_t octets;
	int code;

	for (size_t k = 0; k < i->count; k++)
		words[k] = slice_str(i->words[k]);
	if (i->count > 1 && units_size(words[1], &octets)) {
		snprintf(digits, sizeof digits, "%llu", (unsigned long long)octets);
		words[1] = slice_str(digits);
	}
	c = ask_open(i, &code);
	if (!c)
		return code;
	code = ask(c, i, "user quota", words, i->count, NULL);
	control_client_close(c);
	return code;
}
