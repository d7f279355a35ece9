#include "postroom/output.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* What output_write() writes of two rows, in each form. */
static char *written(enum output_form form)
{
	struct slice first[] = { SLICE("ann@example.test"), SLICE("7"), SLICE("a\x1b[2J") };
	struct slice second[] = { SLICE("b"), SLICE("1024"), SLICE("\xc3\xa4\xff") };
	struct output o;
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	output_init(&o, form, "user octets subject");
	cr_assert_eq(output_row(&o, first), ST_OK);
	cr_assert_eq(output_row(&o, second), ST_OK);
	output_write(&o, file);
	fclose(file);
	output_clear(&o);
	return text;
}

static const struct { enum output_form form; const char *text; } rows[] = {
	{ OUTPUT_ALIGNED,
	  "user              octets  subject\n"
	  "ann@example.test       7  a\xef\xbf\xbd[2J\n"
	  "b                   1024  \xc3\xa4\xef\xbf\xbd\n" },
	{ OUTPUT_TABS,
	  "ann@example.test\t7\ta\xef\xbf\xbd[2J\nb\t1024\t\xc3\xa4\xef\xbf\xbd\n" },
	{ OUTPUT_JSON,
	  "[\n {\"user\":\"ann@example.test\",\"octets\":7,\"subject\":\"a\\u001B[2J\"},"
	  "\n {\"user\":\"b\",\"octets\":1024,\"subject\":\"\xc3\xa4\xef\xbf\xbd\"}\n]\n" },
};

/* Nothing that a sender wrote moves the cursor. */
Test(output, forms)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = written(rows[i].form);

		cr_expect_str_eq(text, rows[i].text, "form %d:\n%s", rows[i].form, text);
		free(text);
	}
}
