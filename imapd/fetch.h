/*
 * FETCH (RFC 3501 section 6.4.5, RFC 9051 section 6.4.5) between its files:
 *
 *   fetch_items.c	the item table; arguments to a plan
 *   fetch_section.c	BODY[...]: reading it, finding it, filtering fields
 *   fetch_body.c	the octets of a section on their way to the client
 *   fetch_binary.c	those of BINARY[...], decoded
 *   fetch_vanished.c	what was expunged, told before the first row
 *   cmd_fetch.c	the command: one question, rows in, answers out
 *
 * A plan is made once for the command and then played for every message, so
 * that an answer is a few copies.
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include "common/fetch_row.h"
#include "common/part_record.h"
#include "common/transfer.h"
#include "imapd/args.h"
#include "imapd/session_priv.h"

/* Different BODY[...] of one command, names in one HEADER.FIELDS, numbers in
 * one part path (mailboxd cuts nesting at 100). */
#define FETCH_SECTIONS_MAX	((size_t)64)
#define FETCH_NAMES_MAX		((size_t)200)
#define FETCH_PATH_MAX		((size_t)100)
/* A header that HEADER.FIELDS looks at; what is longer is cut for it. Sections
 * of the header up to here come without a question of their own. */
#define FETCH_HEADER_MAX	((size_t)256 * 1024)

/* What the items of one row are made of. */
struct fetch_values {
	const struct fetch_row *row;
	struct slice flags;	/* "(\Seen)" ready to send */
};

/* Writes the item, name and value; gives where it ends. There is room for
 * FETCH_ITEM_OCTETS and the row's own texts and flags. */
typedef char *fetch_put(char *at, const struct fetch_values *v);
#define FETCH_ITEM_OCTETS ((size_t)96)

/* A row of the item table (fetch-att of RFC 9051 section 9). */
struct fetch_att {
	const char *name;
	uint32_t columns;	/* enum fetch_item of common/fetch_row.h */
	fetch_put *put;
};

#define FETCH_ITEMS_MAX ((size_t)16)	/* rows of the table, at most */

enum fetch_section_kind {
	FETCH_SECTION_WHOLE,
	FETCH_SECTION_HEADER,
	FETCH_SECTION_FIELDS,
	FETCH_SECTION_FIELDS_NOT,
	FETCH_SECTION_TEXT,
	FETCH_SECTION_MIME,
};

/* What is told of a section (RFC 3516, RFC 9051 section 6.4.5). */
enum fetch_form {
	FETCH_FORM_BODY,	/* its octets as they are */
	FETCH_FORM_BINARY,	/* without its transfer encoding */
	FETCH_FORM_BINARY_SIZE,	/* how many these are */
};

struct fetch_section {
	struct slice label;	/* "BODY[1.TEXT]<0>", as it stands in answers */
	enum fetch_form form;
	enum fetch_section_kind kind;
	uint32_t *path;		/* part numbers */
	size_t path_len;
	struct slice *names;	/* of FIELDS and FIELDS_NOT */
	size_t name_count;
	bool is_partial;
	uint64_t from, octets;	/* where is_partial */
};

#define FETCH_NO_STREAM SIZE_MAX

struct fetch_plan {
	uint32_t columns;	/* to ask of mailboxd */
	const struct fetch_att *items[FETCH_ITEMS_MAX];
	size_t item_count;
	struct fetch_section sections[FETCH_SECTIONS_MAX];
	size_t section_count;
	size_t stream;		/* the section whose octets come with the row */
	bool with_header;	/* the header's octets come with the row */
	bool needs_parts;
	bool has_binary;	/* a section of another form than BODY */
	bool sets_seen;		/* an item was not PEEK */
	bool sends_body;	/* more than headers */
};

/* Reads a macro, an item or a list of items; an item named twice counts once. On
 * false a->why says what was wrong. */
bool fetch_plan_read(struct imap_args *a, struct fetch_plan *plan);
/* UID comes first, asked for or not (the UID form). False: no room. */
bool fetch_plan_add_uid(struct fetch_plan *plan);
bool fetch_plan_add_modseq(struct fetch_plan *plan);
/* After all items: chooses how the octets come. */
void fetch_plan_finish(struct fetch_plan *plan);
/* Appends "* seq FETCH (" and the items. ST_LIMIT, ST_NO_MEMORY. */
enum status fetch_plan_put(const struct fetch_plan *plan, uint32_t seq,
			   const struct fetch_values *v, struct buf *out);

/* Reads what follows BODY, BODY.PEEK or BINARY: "[HEADER]<0.10>". Only BODY has
 * more than part numbers, and BINARY.SIZE no partial range. */
bool fetch_section_read(struct imap_args *a, enum fetch_form form,
			struct fetch_section *s);
/* Same label, same octets asked for. */
bool fetch_section_same(const struct fetch_section *a,
			const struct fetch_section *b);

struct fetch_range {
	uint64_t offset, octets;	/* in the message as its user sees it */
};

/*
 * Where the section's octets (for FIELDS: the header they are taken from) lie,
 * without regard to its partial range. parts are those of the row. False: the
 * message has no such part.
 */
bool fetch_section_find(const struct fetch_section *s, const struct part *parts,
			size_t count, const struct fetch_row *row,
			struct fetch_range *range);
/* How the part is encoded that a section of another form than BODY names; no
 * encoding is undone in front of a multipart, a message, or the whole. */
enum part_encoding fetch_section_encoding(const struct fetch_section *s,
					  const struct part *parts, size_t count);
/* Cuts the range to what a partial section wants. */
void fetch_section_cut(const struct fetch_section *s, struct fetch_range *range);
/* Appends the fields of header that are wanted, and the empty line. */
enum status fetch_section_filter(const struct fetch_section *s,
				 struct slice header, struct buf *out);

/* Where one message is on its way. */
enum fetch_stage {
	FETCH_BETWEEN,		/* no answer is begun */
	FETCH_SECTIONS,		/* between two sections of one */
	FETCH_GATHERS,		/* the header's octets are still coming */
	FETCH_READS,		/* a READ is in flight */
	FETCH_STREAMS,		/* the stream section's octets are coming */
};

/* What the octets of a READ are for. */
enum fetch_reading {
	FETCH_READING_SENT,	/* the client, as they come */
	FETCH_READING_FIELDS,	/* scratch, for the filter */
	FETCH_READING_COUNTED,	/* decoded: counted, and kept while they are few */
	FETCH_READING_DECODED,	/* decoded, the client */
};

/* One FETCH command; c->data. */
struct fetch {
	struct fetch_plan plan;
	uint64_t changed_since;
	bool wants_vanished;	/* (RFC 7162 section 3.2.6) */
	struct imap_args set;	/* where the set stands */
	struct ranges vanished;
	size_t vanished_at;
	bool has_vanished;	/* all of it is there, and is told first */
	struct ranges uids;
	enum fetch_stage stage;
	bool is_last;		/* all rows have come */
	size_t view_at;		/* of view_seq_next() */
	/* of the message in progress */
	size_t section;		/* the next */
	bool has_space;		/* one is due before the next item */
	uint32_t stream_uid;	/* of a row that is gone while its octets come */
	uint64_t stream_flags;
	struct part *parts;	/* of it, once they were decoded */
	size_t part_count;
	struct arena part_arena;
	struct buf header;	/* gathered */
	struct buf large;	/* items too large to be put out at once */
	size_t large_at;
	/* of the section in progress */
	uint64_t left;		/* octets of its literal, or of what is gathered */
	uint64_t octets;	/* of the literal of a READ */
	bool is_head_sent;
	enum fetch_reading reading;
	struct buf scratch, filtered;
	/* of BINARY, for a second READ */
	struct transfer transfer;
	struct fetch_range encoded;
	uint32_t encoded_uid;
	uint64_t decoded;	/* octets so far */
	bool has_nul;		/* among those that are sent */
	bool is_unkept;		/* too many for scratch */
	/* rows that were kept: one that came in part, or waits for its header */
	struct buf carry;
	bool is_carry_cut;	/* its last row lacks its end */
	/* over all messages */
	uint64_t flags_key;	/* what flags_text is of */
	bool is_flags_recent;
	struct buf flags_text;
	struct ranges seen;	/* UIDs that become \Seen at the end */
	struct ranges sent;	/* UIDs whose bodies were sent */
	bool has_unknown;	/* a message was left out: [UNKNOWN-CTE] */
};

/* fetch_body.c: plays the sections of the row from f->section on. False: it
 * waits for the client or for mailboxd, and the row is needed again; or the
 * session is ending, and c is gone. */
bool fetch_body_play(struct imap_command *c, const struct fetch_row *row);
/* fetch_body.c, for fetch_binary.c: label and value; a READ of the row's octets. */
void fetch_body_put(struct imap_command *c, const struct fetch_section *s,
		    struct slice octets);
void fetch_body_put_label(struct imap_command *c, const struct fetch_section *s);
void fetch_body_read(struct imap_command *c, uint32_t uid,
		     struct fetch_range range, enum fetch_reading reading);
/* The parts of this row, decoded once. False: the record is damaged. */
bool fetch_body_parts(struct fetch *f, const struct fetch_row *row);

/* fetch_binary.c: whether every BINARY section of the row has an encoding that we
 * know (RFC 3516 section 4.3). Asked before anything of it is put out. */
bool fetch_binary_is_known(struct fetch *f, const struct fetch_row *row);
/* Begins with a section whose encoding is no identity. */
void fetch_binary_begin(struct imap_command *c, uint32_t uid,
			struct fetch_range range, enum part_encoding encoding);
/* Octets of its READ. */
void fetch_binary_take(struct imap_command *c, struct slice octets);
/* The READ is over. True: so is the section; false: it is read once more. */
bool fetch_binary_over(struct imap_command *c);

/* fetch_vanished.c: asks what has vanished and tells it, then fetch_go_on(). */
void fetch_vanished_begin(struct imap_command *c);
/* cmd_fetch.c: asks for the rows. */
void fetch_go_on(struct imap_command *c);
/* cmd_fetch.c: a READ is over, or the client has read: goes on. */
void fetch_resume(struct imap_command *c);

#endif
