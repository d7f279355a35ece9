/*
 * A first line, client-first, and a second one, client-final, at the server's side
 * of SCRAM with and without channel binding: nothing breaks, what is taken is what
 * its parts say, and no proof but the right one is. "@" in the second line stands
 * for the nonce, "%" for the c= that is due.
 */
#include "fuzz/fuzz.h"

#include "common/base64.h"
#include "mailboxd/saslprep.h"
#include "mailboxd/scram.h"

#include <stdlib.h>

#define VERIFIER \
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void fill_in(struct slice line, const struct scram *s, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '@')
			buf_append(out, buf_slice(&s->nonce));
		else if (line.data[i] == '%')
			base64_encode(buf_slice(&s->binding), out);
		else
			buf_append_char(out, line.data[i]);
	}
}

static void run(struct slice first, struct slice second, bool is_plus,
		const struct scram_channel *channel)
{
	struct scram s = SCRAM_INIT;
	struct password_keys keys;
	struct buf out = BUF_INIT(4096), last = BUF_INIT(SCRAM_FINAL_MAX);
	struct buf name = BUF_INIT(SASLPREP_MAX * 4), again = BUF_INIT(SASLPREP_MAX * 16);
	unsigned char proof[PASSWORD_KEY_OCTETS], signature[PASSWORD_KEY_OCTETS];

	must(password_keys_parse(SLICE(VERIFIER), &keys) == ST_OK);
	if (scram_first(&s, first, is_plus, channel) != ST_OK)
		goto end;
	must(s.name.len > 0 && s.nonce.len > 0 && s.nonce.len <= SCRAM_NONCE_MAX);
	must((first.data[0] == 'p') == is_plus);
	must(first.data[0] != 'y' || channel->exporter.len == 0);
	/* preparing twice changes nothing */
	if (saslprep(buf_slice(&s.name), &name) == ST_OK &&
	    saslprep(buf_slice(&name), &again) == ST_OK)
		must(slice_eq(buf_slice(&name), buf_slice(&again)));
	must(scram_challenge(&s, &keys, SLICE("server"), &out) == ST_OK);
	fill_in(second, &s, &last);
	if (scram_final(&s, buf_slice(&last), proof) != ST_OK)
		goto end;
	must(s.text.len > out.len);
	must(password_proof_check(&keys, buf_slice(&s.text),
				  slice_of((char *)proof, sizeof proof),
				  signature) == ST_DENIED);
end:
	buf_free(&out);
	buf_free(&last);
	buf_free(&name);
	buf_free(&again);
	scram_clear(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scram_channel none = { { "", 0 }, { "", 0 } };
	static const struct scram_channel tls = { { "exporter", 8 }, { "end", 3 } };
	struct slice in = slice_of(size ? (const char *)data : "", size);
	struct slice first = slice_head(in, slice_index(in, '\n'));
	struct slice second = slice_from(in, first.len < in.len ? first.len + 1
								: in.len);
	struct password_keys keys;

	run(first, second, false, &none);
	run(first, second, false, &tls);
	run(first, second, true, &tls);
	run(first, second, true, &none);
	if (password_keys_parse(in, &keys) == ST_OK)
		must(keys.rounds > 0 && keys.salt_octets > 0);
	return 0;
}
