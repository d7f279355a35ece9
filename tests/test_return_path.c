#include "mailboxd/return_path.h"

#include "common/buf.h"

#include <criterion/criterion.h>

static const struct { const char *name, *in, *out; } rows[] = {
	{ "none", "A: b\r\n\r\nReturn-Path: <x>\r\n",
	  "A: b\r\n\r\nReturn-Path: <x>\r\n" },
	{ "first", "Return-Path: <x>\r\nA: b\r\n\r\nbody", "A: b\r\n\r\nbody" },
	{ "several, any case, folded",
	  "A: b\r\nRETURN-path : <x>\r\n\t(and more)\r\nReceived: c\r\n d\r\n"
	  "return-Path:<y>\r\n\r\nbody\r\n",
	  "A: b\r\nReceived: c\r\n d\r\n\r\nbody\r\n" },
	{ "only begins like it", "Return-Paths: x\r\nReturn: y\r\nR: z\r\n\r\n",
	  "Return-Paths: x\r\nReturn: y\r\nR: z\r\n\r\n" },
	{ "no colon", "Return-Path\r\nReturn-Path x: y\r\n\r\n",
	  "Return-Path\r\nReturn-Path x: y\r\n\r\n" },
	{ "many spaces", "Return-Path          : y\r\n\r\n",
	  "Return-Path          : y\r\n\r\n" },
	{ "ends early", "A: b\r\nReturn-Pa", "A: b\r\nReturn-Pa" },
	{ "ends inside one", "A: b\r\nReturn-Path: <", "A: b\r\n" },
	{ "nothing", "", "" },
	{ "no header", "\r\nReturn-Path: <x>\r\n", "\r\nReturn-Path: <x>\r\n" },
};

static enum status append(void *arg, struct slice octets)
{
	return buf_append(arg, octets);
}

Test(return_path, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = strlen(rows[i].in);

		for (size_t chunk = 1; chunk <= len + 1; chunk++) {
			struct return_path r;
			struct buf out = BUF_INIT(4096);

			return_path_init(&r);
			for (size_t at = 0; at < len; at += chunk)
				cr_expect_eq(return_path_feed(&r,
					slice_head(slice_of(rows[i].in + at,
							    len - at), chunk),
					append, &out), ST_OK);
			cr_expect_eq(return_path_end(&r, append, &out), ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s, chunks of %zu: '%.*s'", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&out)));
			buf_free(&out);
		}
	}
}
