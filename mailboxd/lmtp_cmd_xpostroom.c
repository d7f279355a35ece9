#include "mailboxd/lmtp_session_priv.h"

/* XTELL mid ...: the clients of these have certainly seen their 250. */
enum want lmtp_cmd_xtell(struct lmtp_session *s, struct slice args)
{
	struct slice mid;

	while (slice_split(&args, ' ', &mid)) {
		struct ipc_message m = {
			.type = IPC_TYPE_LMTP_TELL, .lmtp_tell = { mid },
		};

		if (!id_is_valid(mid, ID_MESSAGE))
			return lmtp_bad_command(s, "501 5.5.4 XTELL mid ...");
		if (lmtp_ask(s, &m, NULL) != WANT_INPUT)
			return WANT_CLOSE;
	}
	return lmtp_reply(s, "250 2.0.0 Ok");
}

static enum want xdone_answered(struct lmtp_session *s,
				const struct ipc_message *m, bool last)
{
	(void)last;
	s->on_reply = NULL;
	return lmtp_reply_message(s, m);
}

/* XDONE mid: was it stored? */
enum want lmtp_cmd_xdone(struct lmtp_session *s, struct slice args)
{
	struct ipc_message m = {
		.type = IPC_TYPE_LMTP_ASK, .lmtp_ask = { args },
	};

	if (!id_is_valid(args, ID_MESSAGE))
		return lmtp_bad_command(s, "501 5.5.4 XDONE mid");
	return lmtp_ask(s, &m, xdone_answered);
}

static int hex_digit(char c)
{
	return ascii_is_digit(c) ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* XDIGEST hex [JUNK]: SHA-256 of the octets that smtpd received, and that a filter
 * took the message for junk. */
enum want lmtp_cmd_xdigest(struct lmtp_session *s, struct slice args)
{
	size_t space = slice_index(args, ' ');
	bool is_junk = slice_case_eq(slice_from(args, space), SLICE(" JUNK"));

	if (is_junk)
		args = slice_head(args, space);
	if (args.len != 2 * sizeof s->digest)
		return lmtp_bad_command(s, "501 5.5.4 XDIGEST needs 64 hex digits");
	for (size_t i = 0; i < sizeof s->digest; i++) {
		int high = hex_digit(args.data[2 * i]);
		int low = hex_digit(args.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return lmtp_bad_command(s, "501 5.5.4 XDIGEST needs 64 hex digits");
		s->digest[i] = (char)(high * 16 + low);
	}
	s->has_digest = true;
	s->is_junk = is_junk;
	return lmtp_reply(s, "250 2.0.0 Ok");
}
