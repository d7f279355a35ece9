/*
 * The header of a message that a user submits (RFC 6409 section 8): what is
 * missing is added, Bcc goes, and who is named as author is told, so that
 * somebody can look whether the account may use that address. Everything else
 * stays octet for octet. No I/O and no session.
 */
#ifndef SMTPD_SUBMISSION_HEADER_H
#define SMTPD_SUBMISSION_HEADER_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A submitted header may have so many octets, and From so many authors. */
#define SUBMISSION_HEADER_MAX	((size_t)256 * 1024)
#define SUBMISSION_AUTHORS_MAX	100

struct submission {
	struct slice login;	/* canonical address of the account */
	struct slice hostname;	/* ours, for a Message-ID */
	struct slice mid;
	int64_t seconds;	/* Unix time, for a Date */
	int32_t zone;		/* minutes east of UTC */
};

/* What the header holds. */
struct submission_scan {
	bool has_date, has_message_id;
	bool has_sender;	/* whose only address is the login */
	bool names_login;	/* the login is one of the authors */
	unsigned authors;	/* addresses in From */
};

/* One author, rendered as local@domain; ST_OK to go on. */
typedef enum status submission_author_fn(void *arg, struct slice address);

/*
 * Reads the fields of header, which ends with its empty line or is all there is.
 * author is called for each address in From, groups taken apart; what has no
 * domain or is no address comes as an empty slice. ST_LIMIT: too many authors;
 * ST_NO_MEMORY; what author returned.
 */
enum status submission_scan(struct slice header, const struct submission *by,
			    submission_author_fn *author, void *arg,
			    struct submission_scan *scan);
/*
 * Appends the header as it goes on: without Bcc and Resent-Bcc, and without a Sender that is
 * not the login's where From does not name the login (section 8.1); Date (8.2),
 * Message-ID (8.3) and Sender (8.1) where they are missing, in front of the empty
 * line. ST_LIMIT, ST_NO_MEMORY.
 */
enum status submission_rewrite(struct slice header, const struct submission *by,
			       const struct submission_scan *scan,
			       struct buf *out);

#endif
