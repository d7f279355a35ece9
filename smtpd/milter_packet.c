#include "smtpd/milter_packet.h"

/* ---- tables ------------------------------------------------------------------- */

#define BIT(n) (UINT32_C(1) << (n))

static const struct milter_event_row events[MILTER_EVENT_COUNT] = {
	/* command, version, unwanted, unanswered, stage, content */
	[MILTER_CONNECT] = { 'C', 2, BIT(0), BIT(12), MILTER_STAGE_CONNECT, false },
	[MILTER_HELO] = { 'H', 2, BIT(1), BIT(13), MILTER_STAGE_HELO, false },
	[MILTER_MAIL] = { 'M', 2, BIT(2), BIT(14), MILTER_STAGE_MAIL, false },
	[MILTER_RCPT] = { 'R', 2, BIT(3), BIT(15), MILTER_STAGE_RCPT, false },
	[MILTER_DATA] = { 'T', 4, BIT(9), BIT(16), MILTER_STAGE_DATA, false },
	[MILTER_HEADER] = { 'L', 2, BIT(5), BIT(7), MILTER_STAGE_NONE, true },
	[MILTER_END_OF_HEADER] = { 'N', 2, BIT(6), BIT(18),
				   MILTER_STAGE_END_OF_HEADER, true },
	[MILTER_BODY] = { 'B', 2, BIT(4), BIT(19), MILTER_STAGE_NONE, true },
	[MILTER_END] = { 'E', 2, 0, 0, MILTER_STAGE_END, true },
	[MILTER_UNKNOWN] = { 'U', 3, BIT(8), BIT(17), MILTER_STAGE_NONE, false },
};

static const struct milter_answer_row answers[MILTER_ANSWER_COUNT] = {
	[MILTER_CONTINUE] = { 'c', false, 0 },
	[MILTER_ACCEPT] = { 'a', false, 0 },
	[MILTER_REJECT] = { 'r', false, 0 },
	[MILTER_TEMPFAIL] = { 't', false, 0 },
	[MILTER_DISCARD] = { 'd', false, 0 },
	[MILTER_REPLY] = { 'y', false, 0 },
	[MILTER_SKIP] = { 's', false, 0 },
	[MILTER_SHUTDOWN] = { '4', false, 0 },
	[MILTER_CONNECTION_FAILURE] = { 'f', false, 0 },
	[MILTER_PROGRESS] = { 'p', false, 0 },
	[MILTER_ADD_FIELD] = { 'h', true, MILTER_MAY_ADD_FIELDS },
	[MILTER_INSERT_FIELD] = { 'i', true, MILTER_MAY_ADD_FIELDS },
	[MILTER_CHANGE_FIELD] = { 'm', true, MILTER_MAY_CHANGE_FIELDS },
	[MILTER_CHANGE_FROM] = { 'e', true, MILTER_MAY_CHANGE_FROM },
	[MILTER_ADD_RCPT] = { '+', true, MILTER_MAY_ADD_RCPT },
	[MILTER_ADD_RCPT_PAR] = { '2', true, MILTER_MAY_ADD_RCPT_PAR },
	[MILTER_DELETE_RCPT] = { '-', true, MILTER_MAY_DELETE_RCPT },
	[MILTER_REPLACE_BODY] = { 'b', true, MILTER_MAY_CHANGE_BODY },
	[MILTER_QUARANTINE] = { 'q', true, MILTER_MAY_QUARANTINE },
	[MILTER_OPTIONS] = { 'O', false, 0 },
};

/* What each version added. */
static const struct {
	unsigned version;
	uint32_t protocol, actions;
} versions[] = {
	{ 2, 0x7f, 0x3f },
	{ 3, BIT(8), 0 },
	{ 4, BIT(9), 0 },
	{ 6, BIT(7) | 0x1ffc00, 0x1c0 },
};

const struct milter_event_row *milter_event_row(enum milter_event event)
{
	return &events[event];
}

const struct milter_answer_row *milter_answer_row(enum milter_answer_kind kind)
{
	return &answers[kind];
}

uint32_t milter_protocol_offered(unsigned version)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].version <= version)
			bits |= versions[i].protocol;
	return bits;
}

uint32_t milter_actions_offered(unsigned version)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].version <= version)
			bits |= versions[i].actions;
	return bits;
}

/* ---- building ------------------------------------------------------------------- */

static void write_u32(char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i) & 0xff);
}

static uint32_t read_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
	       p[3];
}

enum status milter_put_u32(struct buf *out, uint32_t value)
{
	char octets[4];

	write_u32(octets, value);
	return buf_append(out, slice_of(octets, sizeof octets));
}

enum status milter_put_begin(struct buf *out, char command, size_t *at)
{
	char *head;
	enum status st = buf_reserve(out, 5, &head);

	*at = out->len;
	if (st != ST_OK)
		return st;
	write_u32(head, 1);
	head[4] = command;
	out->len += 5;
	return ST_OK;
}

void milter_put_end(struct buf *out, size_t at)
{
	write_u32(out->data + at, (uint32_t)(out->len - at - 4));
}

enum status milter_put_text(struct buf *out, struct slice text)
{
	char *at;
	enum status st;

	text = slice_head(text, slice_index(text, '\0'));
	st = buf_reserve(out, text.len + 1, &at);
	if (st != ST_OK)
		return st;
	if (text.len)
		memcpy(at, text.data, text.len);
	at[text.len] = '\0';
	out->len += text.len + 1;
	return ST_OK;
}

enum status milter_put(struct buf *out, char command, struct slice data)
{
	size_t at;
	enum status st = milter_put_begin(out, command, &at);

	if (st == ST_OK)
		st = buf_append(out, data);
	if (st == ST_OK)
		milter_put_end(out, at);
	else
		out->len = at;
	return st;
}

enum status milter_put_options(struct buf *out, unsigned version)
{
	char data[12];

	write_u32(data, version);
	write_u32(data + 4, milter_actions_offered(version));
	write_u32(data + 8, milter_protocol_offered(version));
	return milter_put(out, 'O', slice_of(data, sizeof data));
}

/* ---- reading ---------------------------------------------------------------------- */

enum status milter_packet_next(struct slice in, char *letter, struct slice *data,
			       size_t *used)
{
	uint32_t octets;

	if (in.len < 4)
		return ST_MORE;
	octets = read_u32(in.data);
	if (octets == 0)
		return ST_SYNTAX;
	if (octets > MILTER_PACKET_MAX)
		return ST_LIMIT;
	if (in.len - 4 < octets)
		return ST_MORE;
	*letter = in.data[4];
	*data = slice_of(in.data + 5, octets - 1);
	*used = 4 + (size_t)octets;
	return ST_OK;
}

/* A string with its NUL off the beginning of *in. */
static bool take_text(struct slice *in, struct slice *text)
{
	size_t end = slice_index(*in, '\0');

	if (end == in->len)
		return false;
	*text = slice_head(*in, end);
	*in = slice_from(*in, end + 1);
	return true;
}

static bool take_u32(struct slice *in, uint32_t *value)
{
	if (in->len < 4)
		return false;
	*value = read_u32(in->data);
	*in = slice_from(*in, 4);
	return true;
}

/* "5.7.1" before a space, of the class of code (RFC 3463 section 2). */
static size_t enhanced_octets(struct slice text, unsigned code)
{
	size_t i = 1, digits = 0, dots = 0;

	if (text.len < 5 || text.data[0] != (char)('0' + code / 100) ||
	    text.data[1] != '.')
		return 0;
	for (; i < text.len && (text.data[i] == '.' || ascii_is_digit(text.data[i]));
	     i++) {
		bool is_dot = text.data[i] == '.';

		if (is_dot && dots && digits == 0)
			return 0;
		dots += is_dot;
		digits = is_dot ? 0 : digits + 1;
		if (digits > 3 || dots > 2)
			return 0;
	}
	return dots == 2 && digits && (i == text.len || text.data[i] == ' ') ? i : 0;
}

/* "550 5.7.1 text"; of several lines, "550-", the first. */
static enum status parse_reply(struct slice text, struct milter_answer *a)
{
	unsigned long long code;
	size_t octets;

	if (text.len < 3 || !slice_number(slice_head(text, 3), 599, &code) ||
	    code < 400 || text.data[1] > '5')
		return ST_SYNTAX;
	if (text.len > 3 && text.data[3] != ' ' && text.data[3] != '-')
		return ST_SYNTAX;
	a->code = (unsigned)code;
	text = slice_from(text, text.len > 3 ? 4 : 3);
	octets = slice_index(text, '\r');
	text = slice_head(text, octets);
	text = slice_trim(slice_head(text, slice_index(text, '\n')));
	octets = enhanced_octets(text, a->code);
	/* one of another class is not said with this code (RFC 2034 section 4) */
	if (!octets && text.len > 4 && ascii_is_digit(text.data[0]) &&
	    enhanced_octets(text, (unsigned)(text.data[0] - '0') * 100))
		return ST_SYNTAX;
	if (octets >= sizeof a->enhanced)
		return ST_SYNTAX;
	memcpy(a->enhanced, text.data, octets);
	a->enhanced[octets] = '\0';
	a->text = slice_trim(slice_from(text, octets));
	return ST_OK;
}

static enum status parse_data(struct slice data, struct milter_answer *a)
{
	bool fits = true;

	switch (a->kind) {
	case MILTER_REPLY:
		return take_text(&data, &a->text) && data.len == 0
			? parse_reply(a->text, a) : ST_SYNTAX;
	case MILTER_INSERT_FIELD:
	case MILTER_CHANGE_FIELD:
		fits = take_u32(&data, &a->index);
		/* fall through */
	case MILTER_ADD_FIELD:
		fits = fits && take_text(&data, &a->name) &&
		       take_text(&data, &a->value) && data.len == 0;
		break;
	case MILTER_ADD_RCPT:
	case MILTER_DELETE_RCPT:
		fits = take_text(&data, &a->address) && data.len == 0;
		break;
	case MILTER_CHANGE_FROM:
	case MILTER_ADD_RCPT_PAR:
		fits = take_text(&data, &a->address) &&
		       (data.len == 0 || data.data[data.len - 1] == '\0');
		a->parameters = data;
		break;
	case MILTER_QUARANTINE:
		fits = take_text(&data, &a->text) && data.len == 0;
		break;
	case MILTER_REPLACE_BODY:
	case MILTER_OPTIONS:
		a->octets = data;
		break;
	default:
		/* some put a NUL or a text behind a verdict; it says nothing */
		break;
	}
	return fits ? ST_OK : ST_SYNTAX;
}

enum status milter_answer_parse(char letter, struct slice data,
				struct milter_answer *answer)
{
	*answer = (struct milter_answer){
		.name = SLICE_EMPTY, .value = SLICE_EMPTY, .address = SLICE_EMPTY,
		.parameters = SLICE_EMPTY, .octets = SLICE_EMPTY,
		.text = SLICE_EMPTY,
	};
	for (unsigned i = 0; i < MILTER_ANSWER_COUNT; i++) {
		if (answers[i].letter != letter)
			continue;
		answer->kind = (enum milter_answer_kind)i;
		return parse_data(data, answer);
	}
	return ST_SYNTAX;
}

enum status milter_options_parse(struct slice data, struct milter_options *options)
{
	*options = (struct milter_options){ 0 };
	if (!take_u32(&data, &options->version) ||
	    !take_u32(&data, &options->actions) ||
	    !take_u32(&data, &options->protocol))
		return ST_SYNTAX;
	while (data.len) {
		uint32_t stage;
		struct slice names;

		if (!take_u32(&data, &stage) || !take_text(&data, &names) ||
		    stage >= MILTER_STAGE_COUNT || options->macros[stage].data)
			return ST_SYNTAX;
		options->macros[stage] = names;
	}
	return ST_OK;
}
