/*
 * Asks name servers, by c-ares on linkd's loop: never waits, remembers what was
 * answered (dns_cache.h), and has at most DNS_QUESTIONS_MAX questions out. What is
 * sent and taken in c-ares is its; what a reply says is read by dns_reply.h.
 */
#ifndef LINKD_DNS_H
#define LINKD_DNS_H

#include "common/conn.h"
#include "linkd/dns_reply.h"

#define DNS_QUESTIONS_MAX 4096u

struct dns_figures {
	uint64_t asked, remembered, failed, left_out;
};

struct dns;

/* Reads /etc/resolv.conf, and what c-ares needs for its ids: before the sandbox.
 * ST_UNAVAILABLE, ST_NO_MEMORY. */
enum status dns_new(struct dns **dns, struct error *err);
/* "192.0.2.1:53,[2001:db8::1]:53", or "": those that /etc/resolv.conf had. Questions
 * that are out are answered ST_UNAVAILABLE; what is remembered stays. ST_SYNTAX. */
enum status dns_set_servers(struct dns *d, const char *servers, struct error *err);
/* From now on it may be asked. */
void dns_open(struct dns *d, struct conn_loop *l);
/* Questions that are out are answered ST_UNAVAILABLE; handles close when the loop
 * runs. NULL is fine. */
void dns_close(struct dns *d);
/* The loop has ended. NULL is fine. */
void dns_free(struct dns *d);

typedef void dns_done(void *arg, const struct dns_answer *answer);
/* Calls done once, from in here where the answer is at hand. */
void dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done,
	     void *arg);
const struct dns_figures *dns_figures(const struct dns *d);

#endif
