#include "common/search_program.h"

#include "common/ipc_codec.h"

/* The argument letters of each code; NULL for codes that do not exist. */
static const char *const arguments[] = {
#define ROW(code, NAME, args) [code] = args,
	SEARCH_OPS(ROW)
#undef ROW
};

static const char *arguments_of(unsigned code)
{
	return code < sizeof arguments / sizeof *arguments ? arguments[code]
							   : NULL;
}

static enum status append_text(struct buf *out, struct slice text)
{
	char *at;
	enum status st;

	if (text.len > UINT32_MAX - 4)
		return ST_LIMIT;
	st = buf_reserve(out, 4 + text.len, &at);
	if (st != ST_OK)
		return st;
	ipc_put_u32(at, (uint32_t)text.len);
	if (text.len)
		memcpy(at + 4, text.data, text.len);
	out->len += 4 + text.len;
	return ST_OK;
}

static enum status append_u32(struct buf *out, uint64_t number)
{
	char octets[4];

	if (number > UINT32_MAX)
		return ST_LIMIT;
	ipc_put_u32(octets, (uint32_t)number);
	return buf_append(out, slice_of(octets, sizeof octets));
}

static enum status append_u64(struct buf *out, uint64_t number)
{
	char octets[8];

	ipc_put_u64(octets, number);
	return buf_append(out, slice_of(octets, sizeof octets));
}

enum status search_program_append(struct buf *out,
				  const struct search_step *step)
{
	size_t before = out->len;
	struct slice texts[2] = { step->text, step->value };
	size_t text = 0;
	enum status st = buf_append_char(out, (char)step->op);

	for (const char *a = arguments_of(step->op); st == ST_OK && *a; a++)
		switch (*a) {
		case 'u':
			st = append_u32(out, step->number);
			break;
		case 'U':
			st = append_u64(out, step->number);
			break;
		case 'i':
			st = append_u64(out, (uint64_t)step->day);
			break;
		default:
			st = append_text(out, texts[text++]);
			break;
		}
	if (st != ST_OK)
		out->len = before;
	return st;
}

static bool take_number(struct slice *in, size_t octets, uint64_t *number)
{
	if (in->len < octets)
		return false;
	*number = octets == 4 ? ipc_get_u32(in->data) : ipc_get_u64(in->data);
	*in = slice_from(*in, octets);
	return true;
}

static bool take_text(struct slice *in, struct slice *text)
{
	uint64_t octets;

	if (!take_number(in, 4, &octets) || octets > in->len)
		return false;
	*text = slice_head(*in, (size_t)octets);
	*in = slice_from(*in, (size_t)octets);
	return true;
}

static bool take_argument(struct slice *in, char kind, size_t nth,
			  struct search_step *step)
{
	uint64_t raw;

	switch (kind) {
	case 'u':
		return take_number(in, 4, &step->number);
	case 'U':
		return take_number(in, 8, &step->number);
	case 'i':
		if (!take_number(in, 8, &raw))
			return false;
		memcpy(&step->day, &raw, sizeof step->day);
		return true;
	default:
		return take_text(in, nth == 0 ? &step->text : &step->value);
	}
}

enum status search_program_next(struct slice *program,
				struct search_step *step)
{
	struct slice in = *program;
	const char *args;

	if (in.len == 0)
		return ST_MORE;
	args = arguments_of((unsigned char)in.data[0]);
	if (!args)
		return ST_SYNTAX;
	memset(step, 0, sizeof *step);
	step->op = (enum search_op)(unsigned char)in.data[0];
	in = slice_from(in, 1);
	for (size_t i = 0; args[i]; i++)
		if (!take_argument(&in, args[i], i, step))
			return ST_SYNTAX;
	*program = in;
	return ST_OK;
}

enum status search_program_check(struct slice program)
{
	struct search_step step;
	uint64_t stack = 0, steps = 0;
	enum status st;

	while ((st = search_program_next(&program, &step)) == ST_OK) {
		uint64_t takes = step.op == SEARCH_OP_NOT ? 1
			: step.op == SEARCH_OP_AND || step.op == SEARCH_OP_OR
				? step.number : 0;

		if (++steps > SEARCH_OPS_MAX)
			return ST_LIMIT;
		if (takes > stack ||
		    (takes == 0 && (step.op == SEARCH_OP_AND ||
				    step.op == SEARCH_OP_OR)))
			return ST_SYNTAX;
		stack = stack - takes + 1;
	}
	if (st != ST_MORE)
		return st;
	return stack == 1 ? ST_OK : ST_SYNTAX;
}
