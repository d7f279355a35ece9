#include "tests/support/scripted_check.h"

#include "smtpd/session_priv.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const stages[SMTP_STAGE_COUNT] = {
	"connect", "helo", "mail", "rcpt", "data", "end",
};

static bool is_wanted(const struct smtp_session *s)
{
	return !smtp_is_trusted(s);
}

static bool is_guest(const struct smtp_session *s)
{
	return s->login.len == 0;
}

static void ask(struct smtp_session *s, const struct smtp_check *c,
		enum smtp_stage stage)
{
	struct ipc_message m = { .type = IPC_TYPE_MAY_SEND };
	char login[64];

	snprintf(login, sizeof login, "%s %s", c->name, stages[stage]);
	m.may_send.login = slice_str(login);
	m.may_send.address = smtp_gate_recipient(s);
	smtp_check_request(s, c, &m);
	cr_expect(smtp_check_is_out(s, c));
}

static void ask_slowly(struct smtp_session *s, const struct smtp_check *c,
		       enum smtp_stage stage)
{
	ask(s, c, stage);
	smtp_check_wait(s, c, 90000);
}

static enum smtp_scope scope_of(struct slice word)
{
	if (slice_eq(word, SLICE("transaction")))
		return SMTP_SCOPE_TRANSACTION;
	if (slice_eq(word, SLICE("session")))
		return SMTP_SCOPE_SESSION;
	return slice_eq(word, SLICE("end")) ? SMTP_SCOPE_END : SMTP_SCOPE_COMMAND;
}

static void answer(struct smtp_session *s, const struct smtp_check *c,
		   const struct ipc_message *m, bool last)
{
	struct smtp_verdict v = { .text = m->error.text };
	struct slice words = m->error.detail, word;
	unsigned long long code = 0;

	if (!last)
		return;
	if (m->type != IPC_TYPE_ERROR) {
		smtp_check_pass(s, c);
		return;
	}
	slice_split(&words, ' ', &word);
	slice_number(word, 999, &code);
	v.code = (unsigned)code;
	slice_split(&words, ' ', &v.enhanced);
	if (slice_split(&words, ' ', &word))
		v.scope = scope_of(word);
	smtp_check_refuse(s, c, &v);
}

static void heard(struct smtp_session *s, const struct smtp_check *c)
{
	const struct smtp_verdict v = {
		.code = 554, .enhanced = SLICE("5.5.1"), .text = SLICE("Heard you"),
	};

	smtp_check_refuse(s, c, &v);
}

static unsigned stages_of(struct slice text)
{
	unsigned bits = 0;
	struct slice word;

	while (slice_split(&text, ',', &word))
		for (unsigned i = 0; i < SMTP_STAGE_COUNT; i++)
			if (slice_eq(word, slice_str(stages[i])))
				bits |= 1u << i;
	return bits;
}

static void add(struct scripted_checks *c, const struct dialogue *d,
		const char *name)
{
	char is[32];
	const char *text = dialogue_setting(d, name, NULL), *words;

	if (!text)
		return;
	snprintf(is, sizeof is, "%s_is", name);
	words = dialogue_setting(d, is, "");
	c->rows[c->table.count++] = (struct smtp_check){
		.name = name,
		.stages = stages_of(slice_str(text)),
		.is_at_once = strstr(words, "once"),
		.tempfails = strstr(words, "tempfails"),
		.is_wanted = is_wanted,
		.is_on = strstr(words, "guests") ? is_guest : NULL,
		.ask = strstr(words, "slow") ? ask_slowly : ask,
		.answer = answer,
		.heard = strstr(words, "hears") ? heard : NULL,
	};
}

const struct smtp_check_table *scripted_checks_set(struct scripted_checks *c,
						   const struct dialogue *d)
{
	*c = (struct scripted_checks){ .table.rows = c->rows };
	add(c, d, "first");
	add(c, d, "second");
	return c->table.count ? &c->table : NULL;
}
