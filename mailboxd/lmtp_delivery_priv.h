/*
 * What lmtp_delivery.c (transactions, answers, XDONE), lmtp_delivery_rcpt.c (who gets
 * it) and lmtp_delivery_body.c (the octets, the commit) share.
 */
#ifndef MAILBOXD_LMTP_DELIVERY_PRIV_H
#define MAILBOXD_LMTP_DELIVERY_PRIV_H

#include "common/arena.h"
#include "common/id.h"
#include "mailboxd/deliveries.h"
#include "mailboxd/intake.h"
#include "mailboxd/job.h"
#include "mailboxd/lmtp_delivery.h"
#include "mailboxd/reporting.h"
#include "mailboxd/untold.h"

struct lmtp_transaction {
	struct job job;		/* first: a job is its transaction */
	struct service *service;
	struct lmtp_delivery *owner;	/* NULL: the session ended */
	struct arena arena;
	uint32_t id;
	struct slice sender, mid, sid, client, helo, login, tls;
	uint64_t announced;	/* SIZE */
	struct intake *intake;
	enum status failed;	/* of the body */
	uint32_t recipients;	/* accepted */
	struct deliveries deliveries;
	struct store_message message;
	int64_t since_ms;
	bool is_running, is_ending;
	bool is_known;		/* in the untold list, under this key */
	unsigned char key[UNTOLD_KEY_OCTETS];
	struct reporting reporting;

	/* ---- the recipient that is being looked up */
	struct slice recipient;
	struct store_delivery *found;
	size_t found_count;
	bool is_roomy;		/* no quota is near: the answer may be kept */
	bool is_foreign;	/* its domain is not ours */
	unsigned notify;
	struct slice orcpt;
};

/* XDONE on its way to the writer. */
struct lmtp_asking {
	struct job job;
	struct lmtp_delivery *owner;
	uint32_t id;
	struct id mid;
	bool is_barred;		/* it was not there */
};

struct lmtp_delivery {
	struct service *service;
	lmtp_answer_fn *answer;
	void (*moved)(void *arg);
	void *arg;
	struct lmtp_transaction *open;	/* or NULL */
	struct lmtp_asking *asking;
};

/* ---- lmtp_delivery.c --- */

/* How a failure is told: by what happened, not by where. */
struct lmtp_delivery_failure {
	enum status status;
	unsigned code;
	const char *enhanced, *text;
};
const struct lmtp_delivery_failure *lmtp_delivery_failure(enum status st);

/* last: nothing more comes for this request. */
void lmtp_delivery_answer(struct lmtp_delivery *d, uint32_t id, unsigned code,
			  const char *enhanced, const char *text, bool last);
void lmtp_delivery_answer_status(struct lmtp_transaction *t, enum status st, bool last);

void lmtp_transaction_free(struct lmtp_transaction *t);
/* Its job goes to the writer or a reader; done() is called in any case, from in here
 * where it cannot go. */
void lmtp_delivery_submit(struct lmtp_transaction *t, enum job_place place,
			  enum status (*run)(struct job *job, struct tx *tx),
			  void (*done)(struct job *job, enum status status,
				       const struct error *error));

/* ---- lmtp_delivery_rcpt.c --- */

void lmtp_delivery_take_rcpt(struct lmtp_delivery *d, uint32_t id,
			     const struct ipc_lmtp_rcpt *m);

/* ---- lmtp_delivery_body.c --- */

/* ST_MORE: not now, the frame comes again. */
enum status lmtp_delivery_take_data(struct lmtp_delivery *d, uint32_t id,
				    const struct ipc_lmtp_data *m);
void lmtp_delivery_take_end(struct lmtp_delivery *d, uint32_t id,
			    const struct ipc_lmtp_end *m);

#endif
