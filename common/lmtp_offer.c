#include "common/lmtp_offer.h"

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] >= 0x80)
			return false;
	return true;
}

static bool lacks_utf8(const struct lmtp_dialogue *d, const struct ipc_lmtp_mail *m)
{
	return !d->has_utf8 && (m->utf8 || !is_ascii(m->sender));
}

static bool lacks_8bitmime(const struct lmtp_dialogue *d,
			   const struct ipc_lmtp_mail *m)
{
	return !d->has_8bitmime && slice_case_eq(m->body, SLICE("8BITMIME"));
}

static bool lacks_dsn(const struct lmtp_dialogue *d, const struct ipc_lmtp_mail *m)
{
	return !d->has_dsn && (m->ret || m->envid.len);
}

/* A Unix socket leaves no host. Beyond it TLS has to be verified, and the server to
 * keep the promise too; our own mailboxd is the end of the way. A report (RFC 8689
 * section 5) is not held up. */
static bool lacks_requiretls(const struct lmtp_dialogue *d,
			     const struct ipc_lmtp_mail *m)
{
	if (!m->requiretls || m->sender.len == 0 || d->way == LMTP_WAY_LOCAL)
		return false;
	return d->way == LMTP_WAY_CLEAR || !(d->has_requiretls || d->has_xpostroom);
}

#define REPLY(code_, enhanced_, text_) { .code = code_, \
	.enhanced = { enhanced_, sizeof(enhanced_) - 1 }, \
	.text = { text_, sizeof(text_) - 1 } }

static const struct {
	bool (*lacks)(const struct lmtp_dialogue *d, const struct ipc_lmtp_mail *m);
	struct lmtp_reply reply;
} rows[] = {
	{ lacks_utf8, REPLY(550, "5.6.7", "The next server lacks SMTPUTF8") },
	{ lacks_8bitmime, REPLY(554, "5.6.3", "The next server lacks 8BITMIME") },
	{ lacks_dsn, REPLY(554, "5.3.3", "The next server lacks DSN") },
	{ lacks_requiretls, REPLY(550, "5.7.30", "REQUIRETLS support required") },
};

const struct lmtp_reply *lmtp_offer_mail(const struct lmtp_dialogue *d,
					 const struct ipc_lmtp_mail *mail)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].lacks(d, mail))
			return &rows[i].reply;
	return NULL;
}

bool lmtp_offer_lacks_rcpt(const struct lmtp_dialogue *d,
			   const struct ipc_lmtp_rcpt *rcpt)
{
	return !d->has_dsn && (rcpt->notify || rcpt->orcpt.len);
}

const struct lmtp_reply *lmtp_offer_no_dsn(void)
{
	static const struct lmtp_reply reply =
		REPLY(554, "5.3.3", "The next server lacks DSN");

	return &reply;
}

bool lmtp_offer_says_requiretls(const struct lmtp_dialogue *d,
				const struct ipc_lmtp_mail *mail)
{
	return mail->requiretls && d->has_requiretls;
}
