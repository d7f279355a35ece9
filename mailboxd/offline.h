/*
 * What `postroom` has done to a store that no mailboxd serves, in a process of its
 * own: `mailboxd --offline VERB WORDS...` in the store's directory, as its user.
 *
 *	restore		standard input, a backup, takes the store's place
 *	check [quick] [repair]	findings on standard output
 *	read ADDRESS [MAILBOX]	mail of a backup, standard input, as frames on
 *			standard output: DONE with the lineage, then MAIL_BOX, MAIL
 *			and PIECE as `mailbox import` takes them, MAIL_END
 */
#ifndef MAILBOXD_OFFLINE_H
#define MAILBOXD_OFFLINE_H

/* argv: behind "--offline". Says on standard error why not. Returns the exit status. */
int offline_main(int argc, char **argv);

#endif
