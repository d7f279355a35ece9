/*
 * The packets of the milter protocol, versions 2 to 6, as the mail server sends
 * and reads them: u32 length (big endian) of what follows, an octet that says
 * what it is, its data. No RFC has it; the texts followed are
 *
 *   milter-protocol.txt 1.6 (2004), of Sendmail::PMilter: version 2;
 *   milter-protocol-extras.txt of go-milter: what versions 3 to 6 add;
 *   the libmilter API documentation (smfi_*.html of sendmail 8.17);
 *   MILTER_README and milter_*_macros in postconf(5) of Postfix 3.7.
 *
 * Nothing here knows a socket or a session; what a milter sends is checked to
 * its last octet.
 */
#ifndef SMTPD_MILTER_PACKET_H
#define SMTPD_MILTER_PACKET_H

#include "common/buf.h"

#include <stdbool.h>

#define MILTER_VERSION_MIN	2u
#define MILTER_VERSION_MAX	6u
/* Data of a packet to a milter, and of a piece of a body. */
#define MILTER_DATA_MAX		((size_t)65535)
/* Of one from a milter, with the octet before it: a piece of a body, or a field
 * with its index. */
#define MILTER_PACKET_MAX	((size_t)128 * 1024)

/* ---- what is said to a milter ------------------------------------------------- */

enum milter_event {
	MILTER_CONNECT,
	MILTER_HELO,
	MILTER_MAIL,
	MILTER_RCPT,
	MILTER_DATA,
	MILTER_HEADER,
	MILTER_END_OF_HEADER,
	MILTER_BODY,
	MILTER_END,		/* of the message: edits are the answer */
	MILTER_UNKNOWN,		/* a command that is none */
	MILTER_EVENT_COUNT
};

/* Where macros have lists of their own; the numbers are those of SMFIM_*. */
enum milter_stage {
	MILTER_STAGE_CONNECT,
	MILTER_STAGE_HELO,
	MILTER_STAGE_MAIL,
	MILTER_STAGE_RCPT,
	MILTER_STAGE_DATA,
	MILTER_STAGE_END,
	MILTER_STAGE_END_OF_HEADER,
	MILTER_STAGE_COUNT,
	MILTER_STAGE_NONE = MILTER_STAGE_COUNT
};

/* SMFIF_*: what a milter may do to a message. */
enum milter_action {
	MILTER_MAY_ADD_FIELDS = 1u << 0,
	MILTER_MAY_CHANGE_BODY = 1u << 1,
	MILTER_MAY_ADD_RCPT = 1u << 2,
	MILTER_MAY_DELETE_RCPT = 1u << 3,
	MILTER_MAY_CHANGE_FIELDS = 1u << 4,
	MILTER_MAY_QUARANTINE = 1u << 5,
	MILTER_MAY_CHANGE_FROM = 1u << 6,
	MILTER_MAY_ADD_RCPT_PAR = 1u << 7,
	MILTER_MAY_SET_MACROS = 1u << 8,
	MILTER_MAY_ALL = (1u << 9) - 1,
};

/* SMFIP_* that belong to no event. */
#define MILTER_PROTOCOL_SKIP		(UINT32_C(1) << 10)
#define MILTER_PROTOCOL_RCPT_REJECTED	(UINT32_C(1) << 11)
#define MILTER_PROTOCOL_LEADING_SPACE	(UINT32_C(1) << 20)

struct milter_event_row {
	char command;		/* SMFIC_* */
	unsigned version;	/* of the protocol that has it */
	uint32_t unwanted;	/* SMFIP_NO*: the milter does not want it; 0: it must */
	uint32_t unanswered;	/* SMFIP_NR_*: it gives no answer; 0: it does */
	enum milter_stage stage;	/* macros before it */
	bool is_content;	/* times.milter_content, not times.milter_command */
};

const struct milter_event_row *milter_event_row(enum milter_event event);
/* All SMFIP_* and SMFIF_* that are offered in this version. */
uint32_t milter_protocol_offered(unsigned version);
uint32_t milter_actions_offered(unsigned version);

/* A packet whose data is one slice. ST_LIMIT, ST_NO_MEMORY: nothing was put. */
enum status milter_put(struct buf *out, char command, struct slice data);
/* One that is built: begin gives where it stands, for end. */
enum status milter_put_begin(struct buf *out, char command, size_t *at);
enum status milter_put_u32(struct buf *out, uint32_t value);
/* text up to its first NUL, and one NUL. */
enum status milter_put_text(struct buf *out, struct slice text);
void milter_put_end(struct buf *out, size_t at);
/* SMFIC_OPTNEG with what we offer in this version. */
enum status milter_put_options(struct buf *out, unsigned version);

/* ---- what it says --------------------------------------------------------------- */

enum milter_answer_kind {
	MILTER_CONTINUE,
	MILTER_ACCEPT,
	MILTER_REJECT,
	MILTER_TEMPFAIL,
	MILTER_DISCARD,
	MILTER_REPLY,		/* code, enhanced, text */
	MILTER_SKIP,
	MILTER_SHUTDOWN,
	MILTER_CONNECTION_FAILURE,
	MILTER_PROGRESS,
	/* edits, in answer to MILTER_END before the one that ends it */
	MILTER_ADD_FIELD,	/* name, value */
	MILTER_INSERT_FIELD,	/* index, name, value */
	MILTER_CHANGE_FIELD,	/* index, name, value */
	MILTER_CHANGE_FROM,	/* address, parameters */
	MILTER_ADD_RCPT,	/* address */
	MILTER_ADD_RCPT_PAR,	/* address, parameters */
	MILTER_DELETE_RCPT,	/* address */
	MILTER_REPLACE_BODY,	/* octets */
	MILTER_QUARANTINE,	/* text */
	MILTER_OPTIONS,
	MILTER_ANSWER_COUNT
};

struct milter_answer {
	enum milter_answer_kind kind;
	uint32_t index;
	struct slice name, value;
	struct slice address;
	struct slice parameters;	/* with a NUL behind each */
	struct slice octets;
	unsigned code;			/* 400..599 */
	char enhanced[12];		/* "" where it had none */
	struct slice text;		/* of the first line of a reply */
};

struct milter_options {
	uint32_t version, actions, protocol;
	/* The macros it wants before a stage: names with spaces between them; data
	 * NULL where it did not say. */
	struct slice macros[MILTER_STAGE_COUNT];
};

struct milter_answer_row {
	char letter;		/* SMFIR_* */
	bool is_edit;
	uint32_t action;	/* the SMFIF_* it needs; 0: none */
};

const struct milter_answer_row *milter_answer_row(enum milter_answer_kind kind);
/*
 * The packet at the beginning of in: what it is in *letter, its data, and the
 * octets of it all in *used. ST_MORE: it has not come whole. ST_LIMIT: longer than
 * MILTER_PACKET_MAX; ST_SYNTAX: empty.
 */
enum status milter_packet_next(struct slice in, char *letter, struct slice *data,
			       size_t *used);
/* Slices borrow from data. ST_SYNTAX: no answer is like this, or the code of a
 * reply is none of RFC 5321 with 4 or 5, or does not go with its enhanced one. */
enum status milter_answer_parse(char letter, struct slice data,
				struct milter_answer *answer);
/* The data of SMFIC_OPTNEG. ST_SYNTAX: malformed. */
enum status milter_options_parse(struct slice data, struct milter_options *options);

#endif
