#include "smtpd/milter_dialogue.h"

#include "common/clock.h"

/* An event with its macros, or a step of fields. */
#define OUT_MAX ((size_t)512 * 1024)
/* Of a field's name: a body has room behind it. */
#define NAME_MAX_TOLD 1000

void milter_dialogue_init(struct milter_dialogue *d,
			  const struct milter_settings *settings)
{
	*d = (struct milter_dialogue){
		.settings = settings,
		.out = BUF_INIT(OUT_MAX),
		.in = BUF_INIT(MILTER_PACKET_MAX + 4),
		.lists = BUF_INIT(MILTER_PACKET_MAX),
	};
}

void milter_dialogue_clear(struct milter_dialogue *d)
{
	buf_free(&d->out);
	buf_free(&d->in);
	buf_free(&d->lists);
}

/* ---- macros --------------------------------------------------------------------- */

/* Those of Postfix 3.7 (milter_*_macros in postconf(5)), and who the client is. */
static const char *const default_macros[MILTER_STAGE_COUNT] = {
	[MILTER_STAGE_CONNECT] = "j {daemon_name} {daemon_addr} {daemon_port} v _ "
				 "{client_addr} {client_name} {client_port}",
	[MILTER_STAGE_HELO] = "{tls_version} {cipher} {cipher_bits} "
			      "{cert_subject} {cert_issuer}",
	[MILTER_STAGE_MAIL] = "i {auth_type} {auth_authen} {auth_author} "
			      "{mail_addr} {mail_host} {mail_mailer} "
			      "{client_addr} {client_name}",
	[MILTER_STAGE_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_STAGE_DATA] = "i",
	[MILTER_STAGE_END] = "i",
	[MILTER_STAGE_END_OF_HEADER] = "i",
};

const char *milter_default_macros(enum milter_stage stage)
{
	return default_macros[stage];
}

/* Its own value, else the administrator's. */
static struct slice macro_value(const struct milter_dialogue *d, struct slice name)
{
	struct slice lines = d->settings->macros, line;
	struct slice value = d->macro ? d->macro(d->context, name)
				      : (struct slice){ NULL, 0 };

	while (!value.data && lines.data && slice_split(&lines, '\n', &line)) {
		size_t equals = slice_index(line, '=');

		if (equals < line.len && slice_eq(slice_head(line, equals), name))
			value = slice_from(line, equals + 1);
	}
	return value;
}

static enum status put_macro(struct milter_dialogue *d, struct slice name)
{
	struct slice value = macro_value(d, name);
	enum status st;

	if (name.len == 0 || !value.data)
		return ST_OK;
	st = milter_put_text(&d->out, name);
	return st == ST_OK ? milter_put_text(&d->out, value) : st;
}

/* SMFIC_MACRO for the event that follows; nothing where no macro has a value. */
static enum status put_macros(struct milter_dialogue *d, enum milter_event event)
{
	const struct milter_event_row *row = milter_event_row(event);
	struct slice names, name;
	size_t at, before;
	enum status st;

	if (row->stage == MILTER_STAGE_NONE)
		return ST_OK;
	names = d->list[row->stage].is_set
		? slice_head(slice_from(buf_slice(&d->lists),
					d->list[row->stage].at),
			     d->list[row->stage].octets)
		: slice_str(default_macros[row->stage]);
	st = milter_put_begin(&d->out, 'D', &at);
	if (st == ST_OK)
		st = buf_append_char(&d->out, row->command);
	before = d->out.len;
	while (st == ST_OK && slice_split(&names, ' ', &name))
		st = put_macro(d, slice_head(name, slice_index(name, ',')));
	if (st != ST_OK)
		return st;
	if (d->out.len == before)
		d->out.len = at;
	else
		milter_put_end(&d->out, at);
	return ST_OK;
}

/* ---- what is said ----------------------------------------------------------------- */

static void wait_for(struct milter_dialogue *d, int64_t ms)
{
	d->is_waiting = true;
	d->due_ms = clock_ms() + ms;
}

static int64_t patience(const struct milter_dialogue *d)
{
	if (!d->is_ready)
		return d->settings->connect_ms;
	return milter_event_row(d->event)->is_content ? d->settings->content_ms
						      : d->settings->command_ms;
}

enum status milter_begin(struct milter_dialogue *d)
{
	wait_for(d, d->settings->connect_ms);
	return milter_put_options(&d->out, d->settings->version);
}

bool milter_wants(const struct milter_dialogue *d, enum milter_event event)
{
	const struct milter_event_row *row = milter_event_row(event);
	bool is_of_message = event != MILTER_CONNECT && event != MILTER_HELO &&
			     event != MILTER_UNKNOWN;

	if (!d->is_ready || d->is_over || row->version > d->version ||
	    d->protocol & row->unwanted)
		return false;
	if (is_of_message && d->is_message_over)
		return false;
	return event != MILTER_BODY || !d->is_skipped;
}

/* Macros, and the head of the event's packet. */
static enum status open_event(struct milter_dialogue *d, enum milter_event event,
			      size_t *at)
{
	enum status st = put_macros(d, event);

	d->event = event;
	if (event >= MILTER_MAIL && event <= MILTER_BODY)
		d->is_message = true;
	return st == ST_OK
		? milter_put_begin(&d->out, milter_event_row(event)->command, at)
		: st;
}

static enum status close_event(struct milter_dialogue *d, size_t at,
			       enum status st)
{
	if (st != ST_OK)
		return st;
	/* no packet may be longer: what a field has beyond it is not told */
	if (d->out.len - at - 5 > MILTER_DATA_MAX) {
		d->out.len = at + 5 + MILTER_DATA_MAX;
		d->out.data[d->out.len - 1] = '\0';
	}
	milter_put_end(&d->out, at);
	d->due_ms = 0;
	if (!(d->protocol & milter_event_row(d->event)->unanswered))
		wait_for(d, patience(d));
	return ST_OK;
}

/* SMFIC_CONNECT: host, family, port in network order, address. */
enum status milter_say_connect(struct milter_dialogue *d, struct slice host,
			       struct slice address, uint16_t port)
{
	bool is_6 = slice_index(address, ':') < address.len;
	char rest[3] = { is_6 ? '6' : '4', (char)(port >> 8), (char)(port & 0xff) };
	size_t at;
	enum status st = open_event(d, MILTER_CONNECT, &at);

	if (st == ST_OK)
		st = milter_put_text(&d->out, host);
	if (st == ST_OK && address.len == 0)
		return close_event(d, at, buf_append_char(&d->out, 'U'));
	if (st == ST_OK)
		st = buf_append(&d->out, slice_of(rest, sizeof rest));
	if (st == ST_OK)
		st = milter_put_text(&d->out, address);
	return close_event(d, at, st);
}

enum status milter_say_text(struct milter_dialogue *d, enum milter_event event,
			    struct slice text)
{
	size_t at;
	enum status st = open_event(d, event, &at);

	return close_event(d, at, st == ST_OK ? milter_put_text(&d->out, text) : st);
}

enum status milter_say_path(struct milter_dialogue *d, enum milter_event event,
			    struct slice address, struct slice parameters)
{
	size_t at;
	struct slice one;
	enum status st = open_event(d, event, &at);

	if (st == ST_OK)
		st = buf_append_char(&d->out, '<');
	if (st == ST_OK)
		st = buf_append(&d->out, address);
	if (st == ST_OK)
		st = milter_put_text(&d->out, SLICE(">"));
	while (st == ST_OK && parameters.len && slice_split(&parameters, ' ', &one))
		if (one.len)
			st = milter_put_text(&d->out, one);
	return close_event(d, at, st);
}

/* A field's body as milters know it: LF at its folds, and without the space behind
 * the colon unless SMFIP_HDR_LEADSPC was agreed on. What does not fit into a packet
 * is not copied: a sender could fill the buffer with it. */
static enum status put_body(struct milter_dialogue *d, struct slice body)
{
	size_t crlf, most = d->out.len + MILTER_DATA_MAX;
	enum status st = ST_OK;

	if (!(d->protocol & MILTER_PROTOCOL_LEADING_SPACE) && body.len &&
	    (body.data[0] == ' ' || body.data[0] == '\t'))
		body = slice_from(body, 1);
	body = slice_head(body, slice_index(body, '\0'));
	while (st == ST_OK && d->out.len < most &&
	       (crlf = slice_crlf(body)) < body.len) {
		st = buf_append(&d->out, slice_head(slice_head(body, crlf),
						    MILTER_DATA_MAX));
		if (st == ST_OK)
			st = buf_append_char(&d->out, '\n');
		body = slice_from(body, crlf + 2);
	}
	return st == ST_OK ? milter_put_text(&d->out, slice_head(body, MILTER_DATA_MAX))
			   : st;
}

enum status milter_say_field(struct milter_dialogue *d, struct slice name,
			     struct slice body)
{
	size_t at;
	enum status st = open_event(d, MILTER_HEADER, &at);

	if (st == ST_OK)
		st = milter_put_text(&d->out, slice_head(name, NAME_MAX_TOLD));
	return close_event(d, at, st == ST_OK ? put_body(d, body) : st);
}

enum status milter_say_body(struct milter_dialogue *d, struct slice octets)
{
	size_t at;
	enum status st = open_event(d, MILTER_BODY, &at);

	return close_event(d, at, st == ST_OK ? buf_append(&d->out, octets) : st);
}

enum status milter_say(struct milter_dialogue *d, enum milter_event event)
{
	size_t at;
	enum status st = open_event(d, event, &at);

	return close_event(d, at, st);
}

enum status milter_say_abort(struct milter_dialogue *d)
{
	bool is_due = d->is_message && d->is_ready && !d->is_over;

	d->is_message = d->is_message_over = d->is_skipped = false;
	d->is_waiting = false;
	d->due_ms = 0;
	return is_due ? milter_put(&d->out, 'A', SLICE_EMPTY) : ST_OK;
}

/* ---- what it says ------------------------------------------------------------------- */

static enum status keep_lists(struct milter_dialogue *d,
			      const struct milter_options *o)
{
	enum status st = ST_OK;

	for (unsigned i = 0; i < MILTER_STAGE_COUNT && st == ST_OK; i++) {
		if (!o->macros[i].data)
			continue;
		d->list[i].at = (uint32_t)d->lists.len;
		d->list[i].octets = (uint32_t)o->macros[i].len;
		d->list[i].is_set = true;
		st = buf_append(&d->lists, o->macros[i]);
	}
	return st;
}

/* It may choose among what was offered, and nothing else. */
static enum status agree(struct milter_dialogue *d, struct slice data)
{
	unsigned offered = d->settings->version;
	struct milter_options o;

	if (milter_options_parse(data, &o) != ST_OK ||
	    o.version < MILTER_VERSION_MIN || o.version > offered ||
	    o.actions & ~milter_actions_offered(offered) ||
	    o.protocol & ~milter_protocol_offered(offered))
		return ST_SYNTAX;
	d->version = o.version;
	d->actions = o.actions;
	d->protocol = o.protocol;
	d->is_ready = true;
	d->is_waiting = false;
	d->due_ms = 0;
	return keep_lists(d, &o);
}

static bool is_allowed(const struct milter_dialogue *d,
		       const struct milter_answer *a)
{
	const struct milter_answer_row *row = milter_answer_row(a->kind);

	if (row->is_edit)
		return d->event == MILTER_END &&
		       (d->actions & row->action) == row->action;
	if (a->kind == MILTER_SKIP)
		return d->event == MILTER_BODY &&
		       d->protocol & MILTER_PROTOCOL_SKIP;
	return true;
}

/* What a verdict ends: accepted once is accepted for good; what is refused is not
 * talked about any more. A recipient is refused alone. */
static void conclude(struct milter_dialogue *d, enum milter_answer_kind kind)
{
	bool is_connection = d->event == MILTER_CONNECT || d->event == MILTER_HELO;

	d->is_waiting = false;
	d->due_ms = 0;
	if (d->event == MILTER_END)
		d->is_message = false;
	if (kind == MILTER_SKIP)
		d->is_skipped = true;
	if (kind == MILTER_CONTINUE || kind == MILTER_SKIP ||
	    d->event == MILTER_UNKNOWN)
		return;
	if (is_connection || kind == MILTER_SHUTDOWN ||
	    kind == MILTER_CONNECTION_FAILURE)
		d->is_over = true;
	else if (d->event != MILTER_RCPT || kind == MILTER_ACCEPT ||
		 kind == MILTER_DISCARD)
		d->is_message_over = true;
}

static enum status take_packet(struct milter_dialogue *d, char letter,
			       struct slice data)
{
	struct milter_answer a;
	enum status st;

	if (!d->is_ready) {
		st = letter == 'O' && d->is_waiting ? agree(d, data) : ST_SYNTAX;
		a = (struct milter_answer){ .kind = MILTER_OPTIONS };
		if (st == ST_OK && d->answered)
			d->answered(d->context, &a);
		return st;
	}
	st = milter_answer_parse(letter, data, &a);
	if (st != ST_OK || a.kind == MILTER_OPTIONS)
		return ST_SYNTAX;
	if (a.kind == MILTER_PROGRESS) {
		if (d->is_waiting)
			d->due_ms = clock_ms() + patience(d);
		return ST_OK;
	}
	if (!d->is_waiting || !is_allowed(d, &a))
		return ST_SYNTAX;
	if (milter_answer_row(a.kind)->is_edit)
		d->due_ms = clock_ms() + patience(d);
	else
		conclude(d, a.kind);
	if (d->answered)
		d->answered(d->context, &a);
	return ST_OK;
}

enum status milter_dialogue_feed(struct milter_dialogue *d, struct slice in)
{
	while (in.len) {
		struct slice part = slice_head(in, buf_room(&d->in)), data;
		size_t used, taken = 0;
		char letter;
		enum status st = buf_append(&d->in, part);

		if (st != ST_OK)
			return st;
		in = slice_from(in, part.len);
		while ((st = milter_packet_next(slice_from(buf_slice(&d->in), taken),
						&letter, &data, &used)) == ST_OK) {
			taken += used;
			st = take_packet(d, letter, data);
			if (st != ST_OK)
				return st;
		}
		if (st != ST_MORE)
			return st;
		buf_consume(&d->in, taken);
	}
	if (d->in.len == 0)
		buf_free(&d->in);
	return ST_OK;
}
