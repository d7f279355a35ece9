/*
 * Hands mail to mailboxd's `mailbox import` (doc/ipc.md): mailboxes, messages and
 * their octets in, as fast as mailboxd takes them. What it says of a message is
 * printed.
 */
#ifndef POSTROOM_MAIL_SINK_H
#define POSTROOM_MAIL_SINK_H

#include "postroom/ask.h"
#include "postroom/progress.h"

struct mail_sink;

/*
 * Opens the import into an account: its address, then options as name=value. NULL
 * after a message, *code is then the exit status. progress is borrowed.
 */
struct mail_sink *mail_sink_open(const struct invocation *i,
				 const struct slice *words, size_t count,
				 struct progress *progress, int *code);
/* What follows goes to that mailbox. These give ST_OK, or after a message why the
 * run is over. */
enum status mail_sink_box(struct mail_sink *s, const struct ipc_mail_box *box);
enum status mail_sink_mail(struct mail_sink *s, const struct ipc_mail *mail);
enum status mail_sink_octets(struct mail_sink *s, struct slice octets);
/* All was given: what came of it. */
enum status mail_sink_end(struct mail_sink *s, struct ipc_mail_sum *sum);
/* NULL is fine. */
void mail_sink_close(struct mail_sink *s);
/* Says of a message of the run that it failed, as the sink itself does. */
void mail_sink_tell(struct mail_sink *s, struct slice label, const char *text);
/* Prints the summary, as JSON where that is asked for. failed: those that never came
 * to mailboxd. Gives the exit status. */
int mail_sink_report(const struct invocation *i, const struct ipc_mail_sum *sum,
		     uint64_t failed, int64_t ms);

#endif
