/*
 * Tokens to typed arguments (RFC 9051 section 9): a cursor over the text of one
 * command. Each function takes one thing off the front and says whether it was
 * there; on false nothing was taken. Values borrow from the text, or lie in the
 * arena where they had to be decoded.
 *
 *	if (!args_space(a) || !args_mailbox(a, &name) || !args_end(a))
 *		return imap_bad(c, "Mailbox expected");
 */
#ifndef IMAPD_ARGS_H
#define IMAPD_ARGS_H

#include "common/arena.h"
#include "imapd/numset.h"

#include <stdbool.h>
#include <stdint.h>

/* Nesting of parentheses that any command takes (trust.md section 5). */
#define ARGS_DEPTH_MAX 10

struct imap_args {
	struct slice rest;	/* what was not taken yet */
	struct arena *arena;	/* of the command */
	bool is_utf8;		/* UTF8=ACCEPT or IMAP4rev2 is enabled: mailbox
				 * names in UTF-8 */
	bool takes_8bit;	/* UTF-8 in quoted strings (RFC 6855 section 3) */
	struct slice given;	/* the last mailbox name, as it was given */
	const char *why;	/* what the last false was about, or NULL */
};

/* Exactly one space. */
bool args_space(struct imap_args *a);
/* Nothing is left. */
bool args_end(const struct imap_args *a);
/* That octet: '(' ')' '[' ']' '<' '>' '.'... */
bool args_char(struct imap_args *a, char c);
/* The next octet without taking it; 0 at the end. */
char args_peek(const struct imap_args *a);
/* An atom: one or more ATOM-CHAR ("]" included). */
bool args_atom(struct imap_args *a, struct slice *atom);
/* This word in any case, and no ATOM-CHAR behind it. */
bool args_word(struct imap_args *a, const char *word);
/* Letters, digits, "." and "-": the name of a FETCH item or SEARCH key, which
 * may be followed by "[" or ")". */
bool args_name(struct imap_args *a, struct slice *name);
/* Quoted or literal. Quoted without escapes and literals are borrowed. */
bool args_string(struct imap_args *a, struct slice *s);
/* As args_string; or NIL, which gives s->data == NULL. */
bool args_nstring(struct imap_args *a, struct slice *s);
/* Atom (with "]") or string. */
bool args_astring(struct imap_args *a, struct slice *s);
/* Any list-mailbox (with * and %): atom or string, decoded as a name is. */
bool args_pattern(struct imap_args *a, struct slice *pattern);
/* A mailbox name: UTF-8 in NFC; "INBOX" for it in any case, also in front of
 * "/". False with why set where it is no name at all. */
bool args_mailbox(struct imap_args *a, struct slice *name);
/* Digits only, checked. nz: not 0. */
bool args_number(struct imap_args *a, uint32_t *n);
bool args_nz_number(struct imap_args *a, uint32_t *n);
bool args_number64(struct imap_args *a, uint64_t *n);
/* "(" flags ")", or flags without parentheses where bare is true (STORE). system:
 * enum of common/flags.h; keywords: names separated by one space, each once.
 * \Recent is false. */
bool args_flags(struct imap_args *a, bool bare, uint32_t *system,
		struct slice *keywords);
/* A quoted date-time. */
bool args_date_time(struct imap_args *a, int64_t *seconds, int32_t *zone);
/* "1-Feb-1994", quoted or not: days since 1970. */
bool args_date(struct imap_args *a, int64_t *day);
/* A sequence set; the caller ends it with numset_clear(). */
bool args_set(struct imap_args *a, struct numset *set);

#endif
