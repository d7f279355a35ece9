#include "popd/session_priv.h"

/* Languages of the replies: tag, what it is called in itself. The first is the one
 * that "*" asks for. */
static const struct { const char *tag, *name; } languages[] = {
	{ "en", "English" },
};

static void list(struct pop_session *s)
{
	pop_ok(s, "Languages follow");
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
		pop_put(s, slice_str(languages[i].tag));
		pop_put(s, SLICE(" "));
		pop_put(s, slice_str(languages[i].name));
		pop_put(s, SLICE("\r\n"));
	}
	pop_put(s, SLICE(".\r\n"));
}

/* LANG (RFC 6856 section 3): the argument is a basic language range (RFC 4647
 * section 2.1), which a tag matches that begins with it. */
void pop_cmd_lang(struct pop_session *s, struct slice arguments)
{
	if (arguments.len == 0) {
		list(s);
		return;
	}
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
		struct slice tag = slice_str(languages[i].tag);

		if (!slice_eq(arguments, SLICE("*")) &&
		    !(slice_case_starts(tag, arguments) &&
		      (tag.len == arguments.len || tag.data[arguments.len] == '-')))
			continue;
		pop_put(s, SLICE("+OK "));
		pop_put(s, tag);
		pop_put(s, SLICE(" So it is\r\n"));
		return;
	}
	pop_mistake(s, "That language is not spoken here");
}
