#include "common/dsn.h"

#include "common/xtext.h"

static const struct {
	const char *word;
	enum dsn_notify bit;
} words[] = {
	{ "NEVER", DSN_NEVER },
	{ "SUCCESS", DSN_SUCCESS },
	{ "FAILURE", DSN_FAILURE },
	{ "DELAY", DSN_DELAY },
};

bool dsn_notify(struct slice value, unsigned *notify)
{
	unsigned found = 0;
	struct slice one;

	while (slice_split(&value, ',', &one)) {
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (slice_case_eq(one, slice_str(words[i].word)))
				bit = words[i].bit;
		if (!bit)
			return false;
		found |= bit;
	}
	*notify = found;
	return !(found & DSN_NEVER) || found == DSN_NEVER;
}

void dsn_notify_render(unsigned notify, struct buf *out)
{
	const char *between = "";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(notify & words[i].bit))
			continue;
		buf_append_str(out, between);
		buf_append_str(out, words[i].word);
		between = ",";
	}
}

bool dsn_ret(struct slice value, enum dsn_ret *ret)
{
	*ret = slice_case_eq(value, SLICE("FULL")) ? DSN_RET_FULL
	     : slice_case_eq(value, SLICE("HDRS")) ? DSN_RET_HDRS
						   : DSN_RET_NONE;
	return *ret != DSN_RET_NONE;
}

/* Strict: xtext as it is written, and printable ASCII or space behind it. */
static bool decode(struct slice value, struct buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < '!' || value.data[i] > '~' ||
		    value.data[i] == '=')
			return false;
	if (value.len == 0 || xtext_decode(value, out) != ST_OK)
		return false;
	for (size_t i = before; i < out->len; i++)
		if (out->data[i] < ' ' || out->data[i] > '~')
			return false;
	return true;
}

bool dsn_envid(struct slice value, struct buf *out)
{
	return value.len <= DSN_ENVID_MAX && decode(value, out);
}

static bool is_atom(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' ||
		    memchr("()<>@,;:\\\".[]", text.data[i], 13))
			return false;
	return text.len > 0;
}

bool dsn_orcpt(struct slice value, struct buf *out)
{
	size_t semicolon = slice_index(value, ';');

	return value.len <= DSN_ORCPT_MAX && semicolon < value.len &&
	       is_atom(slice_head(value, semicolon)) &&
	       buf_append(out, slice_head(value, semicolon + 1)) == ST_OK &&
	       decode(slice_from(value, semicolon + 1), out);
}

bool dsn_decode(struct slice value, bool (*read)(struct slice value, struct buf *out),
		struct arena *arena, struct slice *text)
{
	size_t room = value.len + 1;	/* decoded, neither grows */
	struct buf out = { arena_alloc(arena, room), 0, room, room };

	if (!out.data || !read(value, &out))
		return false;
	*text = buf_slice(&out);
	return true;
}

void dsn_orcpt_render(struct slice text, struct buf *out)
{
	size_t semicolon = slice_index(text, ';');

	if (semicolon == text.len)
		return;
	buf_append(out, slice_head(text, semicolon + 1));
	xtext_encode(slice_from(text, semicolon + 1), out);
}
