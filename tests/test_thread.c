#include "common/ipc_codec.h"
#include "mailboxd/thread.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* "(3 6 (4 23)(44 7 96))" */
static const char *text_of(const struct buf *tokens)
{
	static char text[65536];
	size_t n = 0;
	bool is_number = false;

	for (size_t i = 0; i + 4 <= tokens->len; i += 4) {
		uint32_t token = ipc_get_u32(tokens->data + i);

		if (token == THREAD_CLOSE) {
			text[n++] = ')';
			is_number = false;
			continue;
		}
		if (is_number)
			text[n++] = ' ';
		is_number = token != THREAD_OPEN;
		if (is_number)
			n += (size_t)snprintf(text + n, 16, "%u", token);
		else
			text[n++] = '(';
	}
	text[n] = '\0';
	return text;
}

struct row {
	uint32_t uid;
	int64_t sent;
	const char *subject;	/* "R:x": a reply whose base is x */
	const char *id, *refs;
};

/* arrivals: one a row, or NULL. */
static struct threads *add_all(const struct row *rows, const int64_t *arrivals,
			       size_t count)
{
	struct threads *t = threads_new();

	for (size_t i = 0; i < count && rows[i].uid; i++) {
		struct slice subject = slice_str(rows[i].subject);
		bool is_reply = slice_starts(subject, SLICE("R:"));
		struct thread_message m = {
			.uid = rows[i].uid, .sent = rows[i].sent,
			.is_reply = is_reply,
			.subject = is_reply ? slice_from(subject, 2) : subject,
			.message_id = slice_str(rows[i].id),
			.refs = slice_str(rows[i].refs),
			.arrival = arrivals ? arrivals[i] : 0,
		};

		cr_assert_eq(threads_add(t, &m), ST_OK);
	}
	return t;
}

/* Each row of messages ends with uid 0. */
static const struct {
	const char *name, *by_subject, *by_references;
	struct row rows[10];
} cases[] = {
	{ "none", "", "", { { 0 } } },
	{ "one", "(1)", "(1)", { { 1, 5, "a", "<1>", "" } } },
	{ "an answer and its answer", "(1 (2)(3))", "(1 2 3)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "R:a", "<2>", "<1>" },
	    { 3, 3, "R:a", "<3>", "<1> <2>" } } },
	{ "siblings by date, not by place", "(1 (3)(2))", "(1 (3)(2))",
	  { { 1, 1, "a", "<1>", "" }, { 2, 9, "R:a", "<2>", "<1>" },
	    { 3, 3, "R:a", "<3>", "<1>" } } },
	{ "the example of section 4", "(2)(3)(6)(4)(23)(44)(7)(96)",
	  "(2)(3 6 (4 23)(44 7 96))",
	  { { 2, 1, "a", "<2>", "" }, { 3, 2, "b", "<3>", "" },
	    { 6, 3, "c", "<6>", "<3>" }, { 4, 4, "d", "<4>", "<3> <6>" },
	    { 23, 5, "e", "<23>", "<3> <6> <4>" }, { 44, 6, "f", "<44>", "<3> <6>" },
	    { 7, 7, "g", "<7>", "<3> <6> <44>" },
	    { 96, 8, "h", "<96>", "<44> <7>" } } },
	{ "a parent that is not there", "(3)(5)", "((3)(5))",
	  { { 3, 1, "a", "<3>", "<x>" }, { 5, 2, "b", "<5>", "<x>" } } },
	{ "an only child of a parent that is not there", "(3)", "(3)",
	  { { 3, 1, "a", "<3>", "<x> <y>" } } },
	{ "between two that are there", "(1)(2)", "(1 2)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "b", "<2>", "<1> <x>" } } },
	{ "an answer in front of the question", "(2)(1)", "(2 1)",
	  { { 1, 2, "a", "<1>", "<2>" }, { 2, 1, "b", "<2>", "" } } },
	{ "a loop of two", "(1)(2)", "(2 1)",
	  { { 1, 1, "a", "<1>", "<2>" }, { 2, 2, "b", "<2>", "<1>" } } },
	{ "itself", "(1)", "(1)", { { 1, 1, "a", "<1>", "<1>" } } },
	{ "the same id twice", "(1)(2)(3)", "(1 3)(2)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "b", "<1>", "" },
	    { 3, 3, "c", "<3>", "<1>" } } },
	{ "no ids at all", "(1)(2)", "(1)(2)",
	  { { 1, 1, "a", "", "" }, { 2, 2, "b", "", "" } } },
	{ "references cut short: the last one counts", "(1)(2)(3)", "(1 2 3)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 3, "c", "<2>", "<1>" },
	    { 3, 4, "d", "<3>", "<2>" } } },
	{ "what others refer to in front of it", "(1)(2)(3)", "(1 2 3)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "b", "<2>", "" },
	    { 3, 3, "c", "<3>", "<1> <2>" } } },
	{ "its own word comes later, and counts", "(1)(3)(2)", "(1)(3 2)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 3, "c", "<2>", "<1> <3>" },
	    { 3, 2, "b", "<3>", "" } } },
	{ "no subject is none in common", "(1 2)", "(1)(2)",
	  { { 1, 1, "", "<1>", "" }, { 2, 2, "", "<2>", "" } } },
	{ "5.C: a reply goes below what it answers", "(1 2)", "(1 2)",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "R:a", "<2>", "" } } },
	{ "5.C: the reply came first", "(1 2)", "(2 1)",
	  { { 1, 1, "R:a", "<1>", "" }, { 2, 2, "a", "<2>", "" } } },
	{ "5.C: two of the same subject get a parent", "(1 2)", "((1)(2))",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "a", "<2>", "" } } },
	{ "5.C: and a third", "(1 (2)(3))", "((1)(2)(3))",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "a", "<2>", "" },
	    { 3, 3, "a", "<3>", "" } } },
	{ "5.C: both have a parent that is not there", "(1 (2)(3)(4))",
	  "((1)(2)(3)(4))",
	  { { 1, 1, "a", "<1>", "<x>" }, { 2, 2, "a", "<2>", "<x>" },
	    { 3, 3, "a", "<3>", "<y>" }, { 4, 4, "a", "<4>", "<y>" } } },
	{ "5.C: one of them", "(1 (2)(3))", "((1)(2)(3))",
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "a", "<2>", "<x>" },
	    { 3, 3, "a", "<3>", "<x>" } } },
	{ "threads by the date of their first", "(2)(1)(3)", "(2)(1)(3)",
	  { { 1, 2, "a", "<1>", "" }, { 2, 1, "b", "<2>", "" },
	    { 3, 2, "c", "<3>", "" } } },
};

Test(thread, table)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int by = 0; by < 2; by++) {
			struct threads *t = add_all(cases[i].rows, NULL, 10);
			struct buf out = BUF_INIT(65536);

			cr_expect_eq(by ? threads_by_references(t, &out)
					: threads_by_subject(t, &out), ST_OK);
			cr_expect_str_eq(text_of(&out), by ? cases[i].by_references
							   : cases[i].by_subject,
					 "%s, %s: %s", cases[i].name,
					 by ? "references" : "subject", text_of(&out));
			buf_free(&out);
			threads_free(t);
		}
}

/* draft-ietf-morg-inthread section 4 */
static const struct {
	const char *name, *by_refs;
	int64_t arrivals[10];
	struct row rows[10];
} refs_cases[] = {
	{ "none", "", { 0 }, { { 0 } } },
	{ "the subject counts for nothing", "(1)(2)(3)",
	  { 1, 2, 3 },
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "R:a", "<2>", "" },
	    { 3, 3, "a", "<3>", "" } } },
	{ "threads by what came last in each", "(3)(1 4)(2 5)",
	  { 1, 2, 3, 4, 5 },
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "b", "<2>", "" },
	    { 3, 3, "c", "<3>", "" }, { 4, 4, "d", "<4>", "<1>" },
	    { 5, 5, "e", "<5>", "<2>" } } },
	{ "not by what was sent last", "(2)(1)",
	  { 9, 8 },
	  { { 1, 1, "a", "<1>", "" }, { 2, 7, "b", "<2>", "" } } },
	{ "the last to come may be deep down", "(4)(1 2 3)",
	  { 1, 2, 9, 8 },
	  { { 1, 1, "a", "<1>", "" }, { 2, 2, "b", "<2>", "<1>" },
	    { 3, 3, "c", "<3>", "<2>" }, { 4, 4, "d", "<4>", "" } } },
	{ "or below a parent that is not there", "(3)((1)(2))",
	  { 1, 9, 5 },
	  { { 1, 1, "a", "<1>", "<x>" }, { 2, 2, "b", "<2>", "<x>" },
	    { 3, 3, "c", "<3>", "" } } },
	{ "messages of a thread by date", "(1 (3)(2))",
	  { 1, 2, 3 },
	  { { 1, 1, "a", "<1>", "" }, { 2, 9, "b", "<2>", "<1>" },
	    { 3, 3, "c", "<3>", "<1>" } } },
	{ "at the same time: by place", "(1)(2)",
	  { 5, 5 },
	  { { 1, 2, "a", "<1>", "" }, { 2, 1, "b", "<2>", "" } } },
};

Test(thread, refs)
{
	for (size_t i = 0; i < sizeof refs_cases / sizeof *refs_cases; i++) {
		struct threads *t = add_all(refs_cases[i].rows, refs_cases[i].arrivals,
					    10);
		struct buf out = BUF_INIT(65536);

		cr_expect_eq(threads_by_refs(t, &out), ST_OK);
		cr_expect_str_eq(text_of(&out), refs_cases[i].by_refs, "%s: %s",
				 refs_cases[i].name, text_of(&out));
		buf_free(&out);
		threads_free(t);
	}
}

/* Each UID once, parentheses that close. */
static void expect_sound(const struct buf *tokens, size_t messages)
{
	size_t seen = 0, depth = 0;

	for (size_t i = 0; i + 4 <= tokens->len; i += 4) {
		uint32_t token = ipc_get_u32(tokens->data + i);

		if (token == THREAD_OPEN) {
			depth++;
		} else if (token == THREAD_CLOSE) {
			cr_assert_gt(depth, 0);
			depth--;
		} else {
			cr_assert_gt(depth, 0);
			seen++;
		}
	}
	cr_expect_eq(depth, 0);
	cr_expect_eq(seen, messages);
}

/* A chain as long as the mailbox, in both directions; references of everybody to
 * everybody; all of it in time that is not squared, and without a stack. */
Test(thread, hostile, .timeout = 60)
{
	enum { N = 50000 };

	for (int kind = 0; kind < 5; kind++) {
		struct threads *t = threads_new();
		struct buf out = BUF_INIT(N * 16);
		unsigned seed = 7;

		for (unsigned i = 1; i <= N; i++) {
			char id[32], refs[600];
			size_t n = 0;
			struct thread_message m = { .uid = i, .sent = i,
						    .subject = SLICE("same") };

			snprintf(id, sizeof id, "<%u>", i);
			if (kind == 0)
				n = (size_t)snprintf(refs, sizeof refs, "<%u>", i - 1);
			else if (kind == 1)
				n = (size_t)snprintf(refs, sizeof refs, "<%u>", i + 1);
			else
				for (int k = 0; k < (kind == 2 ? 20 : 2); k++) {
					seed = seed * 1103515245 + 12345;
					n += (size_t)snprintf(refs + n, sizeof refs - n,
						"%s<%u>", k ? " " : "", 1 + seed / 7 % N);
				}
			m.message_id = slice_str(id);
			m.refs = slice_of(refs, n);
			cr_assert_eq(threads_add(t, &m), ST_OK);
		}
		cr_expect_eq(kind == 4 ? threads_by_refs(t, &out)
				       : threads_by_references(t, &out), ST_OK);
		expect_sound(&out, N);
		buf_free(&out);
		threads_free(t);
	}
}
