#include "popd/session_priv.h"

/* STAT, LIST and UIDL: RFC 1939 sections 5 and 7. */

void pop_cmd_stat(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	pop_put(s, SLICE("+OK "));
	pop_put_number(s, s->maildrop.count - s->maildrop.deleted);
	pop_put(s, SLICE(" "));
	pop_put_number(s, s->maildrop.octets);
	pop_put(s, SLICE("\r\n"));
}

/* "number octets" or "number unique-id". */
static void row(struct pop_session *s, const struct pop_message *message,
		bool is_uidl)
{
	enum status st;

	pop_put_number(s, (uint64_t)(message - s->maildrop.messages) + 1);
	pop_put(s, SLICE(" "));
	if (is_uidl) {
		st = maildrop_uidl(&s->maildrop, message, &s->engine.out);
		if (st != ST_OK)
			s->trouble = st;
	} else {
		pop_put_number(s, message->octets);
	}
	pop_put(s, SLICE("\r\n"));
}

/* A long list is given as the client takes it. */
void pop_listing_go_on(struct pop_session *s)
{
	struct pop_listing *l = &s->listing;

	for (; l->next < s->maildrop.count; l->next++) {
		const struct pop_message *message = &s->maildrop.messages[l->next];

		if (s->engine.out.len > ENGINE_OUT_HIGH) {
			s->wait = POP_WAIT_LISTING;
			return;
		}
		if (!message->is_deleted)
			row(s, message, l->is_uidl);
	}
	s->wait = POP_WAIT_NONE;
	pop_put(s, SLICE(".\r\n"));
}

static void list(struct pop_session *s, struct slice argument, bool is_uidl)
{
	const struct pop_message *message;

	if (argument.len == 0) {
		pop_ok(s, is_uidl ? "Unique ids follow" : "Sizes follow");
		s->listing = (struct pop_listing){ .is_uidl = is_uidl };
		pop_listing_go_on(s);
		return;
	}
	message = pop_message_argument(s, argument);
	if (message) {
		pop_put(s, SLICE("+OK "));
		row(s, message, is_uidl);
	}
}

void pop_cmd_list(struct pop_session *s, struct slice arguments)
{
	list(s, arguments, false);
}

void pop_cmd_uidl(struct pop_session *s, struct slice arguments)
{
	list(s, arguments, true);
}
