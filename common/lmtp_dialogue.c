#include "common/lmtp_dialogue.h"

#include "common/dsn.h"
#include "common/lmtp_offer.h"
#include "common/xtext.h"

#define PENDING_MAX	((size_t)8192)
#define REPLY_LINES_MAX	100
/* A thousand recipients, one after the other. */
#define WAITING_MAX	((size_t)2 << 20)

void lmtp_dialogue_init(struct lmtp_dialogue *d, const char *hostname)
{
	d->hostname = hostname;
	d->out.max = 2 * LMTP_OUT_HIGH + 4 * LMTP_CHUNK_MAX;
	d->in.max = LMTP_LINE_MAX;
	d->text.max = LMTP_LINE_MAX;
	d->steps.max = PENDING_MAX;
	d->body.max = 2 * LMTP_CHUNK_MAX;
	d->waiting.max = WAITING_MAX;
	buf_append_char(&d->steps, LMTP_STEP_GREETING);
	d->in_flight = 1;
}

void lmtp_dialogue_clear(struct lmtp_dialogue *d)
{
	buf_free(&d->out);
	buf_free(&d->in);
	buf_free(&d->text);
	buf_free(&d->steps);
	buf_free(&d->body);
	buf_free(&d->waiting);
}

size_t lmtp_dialogue_pending(const struct lmtp_dialogue *d)
{
	return d->steps.len - d->steps_done;
}

enum lmtp_step lmtp_dialogue_next(const struct lmtp_dialogue *d)
{
	return (enum lmtp_step)d->steps.data[d->steps_done];
}

/* ---- commands ------------------------------------------------------------------ */

static enum status expect(struct lmtp_dialogue *d, enum lmtp_step step)
{
	if (d->steps_done > PENDING_MAX / 2) {
		buf_consume(&d->steps, d->steps_done);
		d->steps_done = 0;
	}
	d->in_flight++;
	return buf_append_char(&d->steps, (char)step);
}

static void pop_step(struct lmtp_dialogue *d)
{
	if (++d->steps_done == d->steps.len)
		d->steps_done = d->steps.len = 0;
}

static void append_word(struct buf *out, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	buf_append_str(out, name);
	xtext_encode(value, out);
}

/* What is written into out by several calls went whole, or out was full. Without
 * PIPELINING it waits for the reply of what is under way (RFC 2920). */
static enum status sent(struct lmtp_dialogue *d, size_t before, enum lmtp_step step)
{
	struct slice all = slice_from(buf_slice(&d->out), before);

	if (all.len < 2 || slice_crlf(all) != all.len - 2)
		return ST_LIMIT;
	if (!d->has_pipelining && d->in_flight) {
		if (buf_append(&d->waiting, all) != ST_OK)
			return ST_LIMIT;
		d->out.len = before;
		d->waiting_lines++;
		d->in_flight--;
	}
	return expect(d, step);
}

/* Nothing is under way any more: the next one goes. */
static enum status send_waiting(struct lmtp_dialogue *d)
{
	struct slice line;
	enum status st;

	if (!d->waiting_lines || d->in_flight)
		return ST_OK;
	line = slice_head(buf_slice(&d->waiting),
			  slice_crlf(buf_slice(&d->waiting)) + 2);
	st = buf_append(&d->out, line);
	buf_consume(&d->waiting, line.len);
	d->waiting_lines--;
	d->in_flight++;
	return st;
}

/* A recipient that the server was not asked for is answered in its turn. */
static void answer_refused(struct lmtp_dialogue *d)
{
	while (lmtp_dialogue_pending(d) &&
	       lmtp_dialogue_next(d) == LMTP_STEP_REFUSED) {
		pop_step(d);
		d->answered(d->context, LMTP_STEP_RCPT, lmtp_offer_no_dsn());
	}
}

static void begin(struct lmtp_dialogue *d)
{
	d->body.len = 0;
	d->uncredited = 0;
	d->accepted = 0;
	d->data_asked = d->data_goes = d->is_chunked = d->is_ended = false;
	d->dots = (struct dot_writer){ 0 };
}

enum status lmtp_dialogue_mail(struct lmtp_dialogue *d,
			       const struct ipc_lmtp_mail *mail)
{
	const struct lmtp_reply *refusal = lmtp_offer_mail(d, mail);
	size_t before = d->out.len;

	begin(d);
	if (refusal) {
		d->answered(d->context, LMTP_STEP_MAIL, refusal);
		return ST_OK;
	}
	buf_append_str(&d->out, "MAIL FROM:<");
	buf_append(&d->out, mail->sender);
	buf_append_char(&d->out, '>');
	if (mail->octets && d->has_size) {
		buf_append_str(&d->out, " SIZE=");
		buf_append_u64(&d->out, mail->octets);
	}
	if (d->has_8bitmime)
		append_word(&d->out, " BODY=", mail->body);
	if (mail->utf8)
		buf_append_str(&d->out, " SMTPUTF8");
	if (lmtp_offer_says_requiretls(d, mail))
		buf_append_str(&d->out, " REQUIRETLS");
	if (mail->ret)
		buf_append_str(&d->out, mail->ret == DSN_RET_FULL ? " RET=FULL"
								  : " RET=HDRS");
	append_word(&d->out, " ENVID=", mail->envid);
	if (d->has_xpostroom) {
		append_word(&d->out, " XMID=", mail->mid);
		append_word(&d->out, " XSID=", mail->sid);
		append_word(&d->out, " XADDR=", mail->address);
		append_word(&d->out, " XHELO=", mail->helo);
		append_word(&d->out, " XLOGIN=", mail->login);
		append_word(&d->out, " XTLS=", mail->tls);
	}
	buf_append_str(&d->out, "\r\n");
	return sent(d, before, LMTP_STEP_MAIL);
}

enum status lmtp_dialogue_rcpt(struct lmtp_dialogue *d,
			       const struct ipc_lmtp_rcpt *rcpt)
{
	size_t before = d->out.len;

	if (lmtp_offer_lacks_rcpt(d, rcpt)) {
		enum status st = buf_append_char(&d->steps, LMTP_STEP_REFUSED);

		answer_refused(d);
		return st;
	}
	buf_append_str(&d->out, "RCPT TO:<");
	buf_append(&d->out, rcpt->recipient);
	buf_append_char(&d->out, '>');
	if (rcpt->notify) {
		buf_append_str(&d->out, " NOTIFY=");
		dsn_notify_render(rcpt->notify, &d->out);
	}
	if (rcpt->orcpt.len) {
		buf_append_str(&d->out, " ORCPT=");
		dsn_orcpt_render(rcpt->orcpt, &d->out);
	}
	buf_append_str(&d->out, "\r\n");
	return sent(d, before, LMTP_STEP_RCPT);
}

/* What is held back goes out as one chunk (RFC 3030 section 2). */
static enum status send_chunk(struct lmtp_dialogue *d, bool last)
{
	enum status st;

	buf_append_str(&d->out, "BDAT ");
	buf_append_u64(&d->out, d->body.len);
	st = buf_append_str(&d->out, last ? " LAST\r\n" : "\r\n");
	if (st == ST_OK)
		st = buf_append(&d->out, buf_slice(&d->body));
	d->uncredited += d->body.len;
	d->body.len = 0;
	if (d->body.cap >= LMTP_CHUNK_LATER)
		buf_free(&d->body);
	d->is_chunked = true;
	if (st == ST_OK)
		st = expect(d, last ? LMTP_STEP_STORED : LMTP_STEP_CHUNK);
	return st;
}

static enum status ask_data(struct lmtp_dialogue *d)
{
	size_t before = d->out.len;

	d->data_asked = true;
	buf_append_str(&d->out, "DATA\r\n");
	return sent(d, before, LMTP_STEP_DATA);
}

/* Behind 354: what is held back, stuffed, and the end where it has come. */
static enum status send_stuffed(struct lmtp_dialogue *d)
{
	enum status st = dot_writer_feed(&d->dots, buf_slice(&d->body), &d->out);

	d->uncredited += d->body.len;
	d->body.len = 0;
	if (st == ST_OK && d->is_ended) {
		st = dot_writer_end(&d->dots, &d->out);
		if (st == ST_OK)
			st = expect(d, LMTP_STEP_STORED);
	}
	return st;
}

enum status lmtp_dialogue_data(struct lmtp_dialogue *d, struct slice octets)
{
	enum status st = ST_OK;

	if (d->out.len > LMTP_OUT_HIGH || octets.len > LMTP_CHUNK_MAX)
		return octets.len > LMTP_CHUNK_MAX ? ST_LIMIT : ST_MORE;
	if (!d->has_chunking && !d->data_asked)
		st = ask_data(d);
	if (!d->has_chunking && !d->data_goes &&
	    buf_room(&d->body) < octets.len)
		return ST_MORE;
	if (st == ST_OK && d->has_chunking &&
	    d->body.len + octets.len > LMTP_CHUNK_MAX)
		st = send_chunk(d, false);
	if (st == ST_OK)
		st = buf_append(&d->body, octets);
	if (st == ST_OK && d->is_chunked && d->body.len >= LMTP_CHUNK_LATER)
		st = send_chunk(d, false);
	if (st == ST_OK && d->data_goes)
		st = send_stuffed(d);
	return st;
}

static enum status send_digest(struct lmtp_dialogue *d, struct slice digest,
			       bool is_junk)
{
	static const char digits[] = "0123456789abcdef";
	size_t before = d->out.len;

	buf_append_str(&d->out, "XDIGEST ");
	for (size_t i = 0; i < digest.len; i++) {
		unsigned char c = (unsigned char)digest.data[i];

		buf_append_char(&d->out, digits[c >> 4]);
		buf_append_char(&d->out, digits[c & 15]);
	}
	buf_append_str(&d->out, is_junk ? " JUNK\r\n" : "\r\n");
	return sent(d, before, LMTP_STEP_DIGEST);
}

enum status lmtp_dialogue_end(struct lmtp_dialogue *d, struct slice digest,
			      bool is_junk)
{
	enum status st = ST_OK;

	d->is_ended = true;
	if (!d->has_chunking) {
		if (!d->data_asked)
			st = ask_data(d);
		return st == ST_OK && d->data_goes ? send_stuffed(d) : st;
	}
	if (d->has_xpostroom && digest.len)
		st = send_digest(d, digest, is_junk);
	return st == ST_OK ? send_chunk(d, true) : st;
}

enum status lmtp_dialogue_abort(struct lmtp_dialogue *d)
{
	size_t before = d->out.len;

	if (d->data_asked)
		return ST_CLOSED;
	begin(d);
	buf_append_str(&d->out, "RSET\r\n");
	return sent(d, before, LMTP_STEP_RSET);
}

static enum status send_word(struct lmtp_dialogue *d, const char *verb,
			     struct slice args, enum lmtp_step step)
{
	size_t before = d->out.len;

	if (!d->has_xpostroom)
		return ST_OK;
	buf_append_str(&d->out, verb);
	buf_append(&d->out, args);
	buf_append_str(&d->out, "\r\n");
	return sent(d, before, step);
}

enum status lmtp_dialogue_tell(struct lmtp_dialogue *d, struct slice mids)
{
	return send_word(d, "XTELL ", mids, LMTP_STEP_TELL);
}

enum status lmtp_dialogue_done(struct lmtp_dialogue *d, struct slice mid)
{
	return send_word(d, "XDONE ", mid, LMTP_STEP_DONE);
}

/* ---- replies --------------------------------------------------------------------- */

/* A line of the answer to LHLO behind the code (RFC 1869 section 4). */
static void take_offer(struct lmtp_dialogue *d, struct slice line)
{
	struct slice word = slice_head(line, slice_index(line, ' '));

	if (slice_case_eq(word, SLICE("CHUNKING")))
		d->has_chunking = true;
	else if (slice_case_eq(word, SLICE("8BITMIME")))
		d->has_8bitmime = true;
	else if (slice_case_eq(word, SLICE("SMTPUTF8")))
		d->has_utf8 = true;
	else if (slice_case_eq(word, SLICE("SIZE")))
		d->has_size = true;
	else if (slice_case_eq(word, SLICE("PIPELINING")))
		d->has_pipelining = true;
	else if (slice_case_eq(word, SLICE("DSN")))
		d->has_dsn = true;
	else if (slice_case_eq(word, SLICE("REQUIRETLS")))
		d->has_requiretls = true;
	else if (slice_case_eq(line, SLICE("XPOSTROOM 1")))
		d->has_xpostroom = !d->is_foreign;
}

/* "2.1.5 text" (RFC 3463): class, subject, detail. Where it is missing, or of
 * another class than the code, the class alone says it. */
static void split_enhanced(struct lmtp_reply *r, struct slice line)
{
	static const char *const general[] = { "2.0.0", "3.0.0", "4.0.0", "5.0.0" };
	struct slice word = slice_head(line, slice_index(line, ' '));
	struct slice rest = word, part;
	unsigned long long n;
	int parts = 0;

	while (slice_split(&rest, '.', &part) && slice_number(part, 999, &n))
		parts++;
	if (parts == 3 && !rest.data && word.data[1] == '.' &&
	    word.data[0] == (char)('0' + r->code / 100)) {
		r->enhanced = word;
		r->text = slice_trim(slice_from(line, word.len));
		return;
	}
	r->enhanced = slice_str(general[r->code / 100 - 2]);
	r->text = line;
}

static enum status greet(struct lmtp_dialogue *d)
{
	size_t before = d->out.len;

	buf_append_str(&d->out, "LHLO ");
	buf_append_str(&d->out, d->hostname);
	buf_append_str(&d->out, "\r\n");
	return sent(d, before, LMTP_STEP_LHLO);
}

static void pop_replied(struct lmtp_dialogue *d)
{
	d->in_flight--;
	pop_step(d);
}

static enum status take_stored(struct lmtp_dialogue *d, struct lmtp_reply *r)
{
	if (d->accepted)
		d->accepted--;
	r->last = d->accepted == 0;
	if (r->last)
		pop_replied(d);
	d->answered(d->context, LMTP_STEP_STORED, r);
	return ST_OK;
}

/* A whole reply has come. */
static enum status take_reply(struct lmtp_dialogue *d)
{
	struct lmtp_reply r = { .code = d->code };
	bool good = d->code / 100 == 2;
	enum lmtp_step step;

	split_enhanced(&r, buf_slice(&d->text));
	if (d->code == 421)
		return ST_CLOSED;
	if (d->in_flight == 0)
		return ST_SYNTAX;
	step = lmtp_dialogue_next(d);
	if (step != LMTP_STEP_STORED)
		pop_replied(d);
	switch (step) {
	case LMTP_STEP_GREETING:
		return good ? greet(d) : ST_CLOSED;
	case LMTP_STEP_LHLO:
		d->is_ready = good;
		/* a chunk stands behind its command without a reply between */
		d->has_chunking = d->has_chunking && d->has_pipelining;
		d->answered(d->context, step, &r);
		return good ? ST_OK : ST_CLOSED;
	case LMTP_STEP_RCPT:
		d->accepted += good;
		d->answered(d->context, step, &r);
		return ST_OK;
	case LMTP_STEP_CHUNK:
		if (!good)
			d->answered(d->context, step, &r);
		return ST_OK;
	case LMTP_STEP_DATA:
		if (good)	/* nothing is stored: 2xx would be told as if it were */
			return ST_SYNTAX;
		d->data_goes = d->code == 354;
		if (d->data_goes)
			return send_stuffed(d);
		d->data_asked = false;
		d->answered(d->context, step, &r);
		return ST_OK;
	case LMTP_STEP_STORED:
		return take_stored(d, &r);
	case LMTP_STEP_MAIL:
	case LMTP_STEP_DONE:
		d->answered(d->context, step, &r);
		return ST_OK;
	default:
		return ST_OK;
	}
}

/* "250-text" or "250 text" or "250", without its CRLF. */
static enum status take_line(struct lmtp_dialogue *d, struct slice line)
{
	unsigned long long code;
	struct slice text = slice_from(line, line.len < 4 ? line.len : 4);
	bool goes_on = line.len > 3 && line.data[3] == '-';
	enum status st;

	if (!slice_number(slice_head(line, 3), 599, &code) || line.len < 3 ||
	    code < 200 || (line.len > 3 && !goes_on && line.data[3] != ' '))
		return ST_SYNTAX;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\t')
			return ST_SYNTAX;
	if (d->lines && code != d->code)
		return ST_SYNTAX;
	if (++d->lines > REPLY_LINES_MAX)
		return ST_LIMIT;
	d->code = (unsigned)code;
	if (d->lines == 1) {
		d->text.len = 0;
		if (buf_append(&d->text, text) != ST_OK)
			return ST_NO_MEMORY;
	}
	if (lmtp_dialogue_pending(d) && lmtp_dialogue_next(d) == LMTP_STEP_LHLO)
		take_offer(d, text);
	if (goes_on)
		return ST_OK;
	d->lines = 0;
	st = take_reply(d);
	if (st == ST_OK)
		answer_refused(d);
	return st == ST_OK ? send_waiting(d) : st;
}

enum status lmtp_dialogue_feed(struct lmtp_dialogue *d, struct slice in)
{
	enum status st = ST_OK;

	while (in.len && st == ST_OK) {
		size_t end = slice_index(in, '\n');
		struct slice part = slice_head(in, end + 1), line;

		in = slice_from(in, part.len);
		if (d->in.len == 0 && end < part.len) {
			line = part;	/* whole, as a rule */
		} else {
			st = buf_append(&d->in, part);
			if (st != ST_OK || end == part.len)
				break;
			line = buf_slice(&d->in);
		}
		if (line.len < 2 || line.len > LMTP_LINE_MAX ||
		    line.data[line.len - 2] != '\r')
			return ST_SYNTAX;
		st = take_line(d, slice_head(line, line.len - 2));
		d->in.len = 0;
	}
	return st;
}
