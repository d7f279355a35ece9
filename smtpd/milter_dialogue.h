/*
 * One connection to a milter, without its socket: the options are settled, events
 * are said, answers are checked against what was asked for and agreed on
 * (smtpd/milter_packet.h has the packets and the texts they come from).
 *
 * What is said gathers in out; what the milter says comes by feed(), which calls
 * answered() for each edit and for the answer that ends an event. An event that
 * is unwanted, or over because the milter has accepted the message or the
 * connection, is not said.
 */
#ifndef SMTPD_MILTER_DIALOGUE_H
#define SMTPD_MILTER_DIALOGUE_H

#include "smtpd/milter_packet.h"

/* What happens to mail where the milter is away, breaks off or talks nonsense. */
enum milter_default {
	MILTER_DEFAULT_ACCEPT,
	MILTER_DEFAULT_TEMPFAIL,
	MILTER_DEFAULT_REJECT,
	MILTER_DEFAULT_QUARANTINE,
};

/* Of one milter, as configured; outlives the sessions. */
struct milter_settings {
	char title[64];
	uint32_t number;	/* names it to the backend */
	enum milter_default failing;
	unsigned version;	/* the highest that is offered */
	int64_t connect_ms, command_ms, content_ms;
	/* "name=value", a line each: macros of the administrator's. Borrowed. */
	struct slice macros;
};

/* The value of a macro; data NULL: it has none now. */
typedef struct slice milter_macro_fn(void *context, struct slice name);

struct milter_dialogue {
	const struct milter_settings *settings;
	void (*answered)(void *context, const struct milter_answer *answer);
	milter_macro_fn *macro;
	void *context;		/* of both */
	struct buf out;		/* for the milter */
	struct buf in;		/* of a packet that has not come whole */
	struct buf lists;	/* names of macros it asked for, a list behind the other */
	struct { uint32_t at, octets; bool is_set; } list[MILTER_STAGE_COUNT];
	uint32_t version, actions, protocol;	/* as agreed */
	bool is_ready;		/* they are */
	bool is_waiting;	/* event has no answer yet */
	bool is_over;		/* nothing more is said in this connection */
	bool is_message;	/* it was told of a message that has no end yet */
	bool is_message_over;	/* nothing more is said about it */
	bool is_skipped;	/* no more of its body */
	enum milter_event event;
	int64_t due_ms;		/* when the answer must have come; 0: none is due */
};

/* settings is borrowed. answered, macro and context are the caller's to set. */
void milter_dialogue_init(struct milter_dialogue *d,
			  const struct milter_settings *settings);
void milter_dialogue_clear(struct milter_dialogue *d);

/* Offers options; is_waiting until they are answered. All that say something:
 * ST_OK; ST_LIMIT, ST_NO_MEMORY: the dialogue cannot go on. */
enum status milter_begin(struct milter_dialogue *d);
/* Whether the event is to be said now. */
bool milter_wants(const struct milter_dialogue *d, enum milter_event event);
/* address numeric, "" for a Unix socket. */
enum status milter_say_connect(struct milter_dialogue *d, struct slice host,
			       struct slice address, uint16_t port);
/* HELO, UNKNOWN. */
enum status milter_say_text(struct milter_dialogue *d, enum milter_event event,
			    struct slice text);
/* MAIL, RCPT: address without "<>", parameters with spaces between them. */
enum status milter_say_path(struct milter_dialogue *d, enum milter_event event,
			    struct slice address, struct slice parameters);
/* body: behind the colon, folds and all, without the last CRLF. */
enum status milter_say_field(struct milter_dialogue *d, struct slice name,
			     struct slice body);
/* At most MILTER_DATA_MAX octets. */
enum status milter_say_body(struct milter_dialogue *d, struct slice octets);
/* DATA, END_OF_HEADER, END. */
enum status milter_say(struct milter_dialogue *d, enum milter_event event);
/* The transaction is over, if it has one; a new one may begin. */
enum status milter_say_abort(struct milter_dialogue *d);

/*
 * Takes what the milter said. ST_SYNTAX: an answer that was not asked for, or is
 * not allowed; ST_LIMIT: a packet is too long; ST_NO_MEMORY. Then the milter has
 * failed. answered() may say the next thing, and may not free the dialogue.
 */
enum status milter_dialogue_feed(struct milter_dialogue *d, struct slice in);

/* The macros that are sent before a stage where the milter asks for none. */
const char *milter_default_macros(enum milter_stage stage);

#endif
