#include "postroom/maildir.h"

#include "common/flags.h"

#include <criterion/criterion.h>

static const struct {
	const char *file;
	uint32_t flags;
	const char *keywords;
} names[] = {
	{ "17.M1.host", 0, "" },
	{ "17.M1.host:2,", 0, "" },
	{ "17.M1.host,S=12:2,S", FLAG_SEEN, "" },
	{ "17.M1.host:2,DFRSTab", FLAG_DRAFT | FLAG_FLAGGED | FLAG_ANSWERED | FLAG_SEEN |
	  FLAG_DELETED, "$Label work" },
	{ "17.M1.host:2,PSzc", FLAG_SEEN, "" },
	{ "17.M1.host:1,S", 0, "" },
};

Test(maildir, flags_of_names)
{
	struct maildir_keywords k = { 0 };

	maildir_keywords_take(&k, SLICE("0 $Label"));
	maildir_keywords_take(&k, SLICE("1 work"));
	maildir_keywords_take(&k, SLICE("99 no"));
	maildir_keywords_take(&k, SLICE("x"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct buf keywords = BUF_INIT(1000), again = BUF_INIT(1000);
		uint32_t flags = 99, flags_again;
		bool lost;

		cr_assert_eq(maildir_flags(slice_str(names[i].file), &k, &flags, &keywords),
			     ST_OK);
		cr_expect_eq(flags, names[i].flags, "%s: %u", names[i].file, flags);
		cr_expect(slice_eq(buf_slice(&keywords), slice_str(names[i].keywords)),
			  "%s: %.*s", names[i].file, SLICE_ARG(buf_slice(&keywords)));
		cr_expect(slice_eq(maildir_base(slice_str(names[i].file)),
				   slice_head(slice_str(names[i].file),
					      slice_index(slice_str(names[i].file), ':'))));
		/* and back */
		cr_assert_eq(maildir_info(flags, buf_slice(&keywords), &k, &lost, &again),
			     ST_OK);
		keywords.len = 0;
		cr_assert_eq(maildir_flags(buf_slice(&again), &k, &flags_again, &keywords),
			     ST_OK);
		cr_expect(!lost && flags_again == flags);
		cr_expect(slice_eq(buf_slice(&keywords), slice_str(names[i].keywords)));
		buf_free(&keywords);
		buf_free(&again);
	}
}

Test(maildir, letters_are_26)
{
	struct maildir_keywords k = { 0 };
	struct buf out = BUF_INIT(1000);
	char name[] = "k0";
	bool lost;

	for (char c = 'a'; c <= 'z'; c++) {
		name[1] = c;
		cr_expect_eq(maildir_keywords_letter(&k, slice_str(name)), c);
	}
	cr_expect_eq(maildir_keywords_letter(&k, SLICE("KB")), 'b');
	cr_expect_eq(maildir_keywords_letter(&k, SLICE("more")), '\0');
	cr_assert_eq(maildir_info(FLAG_SEEN, SLICE("more kz ka"), &k, &lost, &out), ST_OK);
	cr_expect(lost && slice_eq(buf_slice(&out), SLICE(":2,Saz")));
	buf_free(&out);
}

static const struct { const char *directory, *mailbox; bool is_same; } folders[] = {
	{ ".Work", "Work", true },
	{ ".Work.Old", "Work/Old", true },
	{ ".A\\2eb", "A.b", true },
	{ ".back\\5cslash", "back\\slash", true },
	{ ".&APw-ber", "\xc3\xbc" "ber", true },
	{ ".R&D", "R&D", false },
	{ ".\xc3\xbc", "\xc3\xbc", false },
	{ "Work", NULL, false },
	{ ".", NULL, false },
	{ "..", NULL, false },
	{ ".a..b", NULL, false },
	{ ".\xff", NULL, false },
};

Test(maildir, folders)
{
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		struct buf b = BUF_INIT(1000);
		enum status st = maildir_folder(slice_str(folders[i].directory), &b);

		cr_expect_eq(st, folders[i].mailbox ? ST_OK : ST_SYNTAX, "%s",
			     folders[i].directory);
		if (!st)
			cr_expect(slice_eq(buf_slice(&b), slice_str(folders[i].mailbox)),
				  "%s: %.*s", folders[i].directory, SLICE_ARG(buf_slice(&b)));
		b.len = 0;
		if (folders[i].is_same) {
			cr_assert_eq(maildir_directory(slice_str(folders[i].mailbox), &b),
				     ST_OK);
			cr_expect(slice_eq(buf_slice(&b), slice_str(folders[i].directory)),
				  "%s: %.*s", folders[i].mailbox, SLICE_ARG(buf_slice(&b)));
		}
		buf_free(&b);
	}
}

static const struct { const char *line; uint32_t uid; const char *uidl, *file; } list[] = {
	{ "12 P0004.x W123 :17.M1.host", 12, "0004.x", "17.M1.host" },
	{ "13 :17.M2.host,S=5:2,S", 13, "", "17.M2.host,S=5" },
	{ "3 V1795 N14 Gabc", 0, NULL, NULL },
	{ "13", 0, NULL, NULL },
	{ "x :y", 0, NULL, NULL },
	{ "4294967296 :y", 0, NULL, NULL },
	{ "1 :", 0, NULL, NULL },
	{ "", 0, NULL, NULL },
};

Test(maildir, uidlist)
{
	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		struct slice uidl, file;
		uint32_t uid = 0;
		bool is = maildir_uidlist_take(slice_str(list[i].line), &uid, &uidl, &file);

		cr_expect_eq(is, list[i].file != NULL, "%s", list[i].line);
		if (is)
			cr_expect(uid == list[i].uid &&
				  slice_eq(uidl, slice_str(list[i].uidl)) &&
				  slice_eq(file, slice_str(list[i].file)), "%s", list[i].line);
	}
}
