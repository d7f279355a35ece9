#include "mailboxd/prepare.h"

#include <criterion/criterion.h>

#define PLAIN "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
#define NO_ENVELOPE "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

static const struct { const char *name, *message, *full, *basic; } rows[] = {
	{ "nothing", "", "(" PLAIN " 0 0 NIL NIL NIL NIL)", "(" PLAIN " 0 0)" },
	{ "defaults", "Subject: x\r\n\r\none\r\ntwo\r\n",
	  "(" PLAIN " 10 2 NIL NIL NIL NIL)", "(" PLAIN " 10 2)" },
	{ "everything",
	  "Content-Type: Text/HTML; Charset=\"utf-8\"; format=flowed\r\nContent-ID: <i@d>\r\n"
	  "Content-Description: a\r\n description\r\nContent-Transfer-Encoding: Quoted-Printable\r\n"
	  "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Disposition: attachment; filename=\"a b.html\"; size=3\r\n"
	  "Content-Language: de, en-GB\r\nContent-Location: http://example.org/\r\n\r\nx\r\n",
	  "(\"Text\" \"HTML\" (\"Charset\" \"utf-8\" \"format\" \"flowed\") \"<i@d>\" \"a description\""
	  " \"Quoted-Printable\" 3 1 \"Q2hlY2sgSW50ZWdyaXR5IQ==\""
	  " (\"attachment\" (\"filename\" \"a b.html\" \"size\" \"3\")) (\"de\" \"en-GB\") \"http://example.org/\")",
	  "(\"Text\" \"HTML\" (\"Charset\" \"utf-8\" \"format\" \"flowed\") \"<i@d>\" \"a description\""
	  " \"Quoted-Printable\" 3 1)" },
	{ "one language", "Content-Language: (x) de (y)\r\nContent-Disposition: inline\r\n\r\n",
	  "(" PLAIN " 0 0 NIL (\"inline\" NIL) \"de\" NIL)", NULL },
	{ "empty fields", "Content-ID:\r\nContent-Disposition:\r\nContent-Language: ,\r\nContent-Transfer-Encoding:\r\n\r\n",
	  "(\"text\" \"plain\" (\"charset\" \"us-ascii\") \"\" NIL \"7bit\" 0 0 NIL NIL NIL NIL)", NULL },
	{ "text without charset", "Content-Type: text/x; a=b\r\n\r\n",
	  "(\"text\" \"x\" (\"a\" \"b\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)", NULL },
	{ "no text has no lines", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
	  "(\"image\" \"png\" NIL NIL NIL \"base64\" 6 NIL NIL NIL NIL)",
	  "(\"image\" \"png\" NIL NIL NIL \"base64\" 6)" },
	{ "invalid type", "Content-Type: text\r\n\r\nx\r\n", "(" PLAIN " 3 1 NIL NIL NIL NIL)", NULL },
	{ "quotes and 8 bit in a parameter", "Content-Type: a/b; n=\"x\\\"y\\\\\"; m=\"\xc3\xa4\"\r\n\r\n",
	  "(\"a\" \"b\" (\"n\" \"x\\\"y\\\\\" \"m\" {2}\r\n\xc3\xa4) NIL NIL \"7bit\" 0 NIL NIL NIL NIL)", NULL },
	{ "RFC 2231 continuation", "Content-Type: a/b; n*0=\"on\"; n*1=e\r\n\r\n",
	  "(\"a\" \"b\" (\"n\" \"one\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)", NULL },
	{ "RFC 2231 charset", "Content-Disposition: attachment;\r\n filename*0*=iso-8859-1'de'%A3%20;\r\n filename*1=\"rates\"\r\n\r\n",
	  "(" PLAIN " 0 0 NIL (\"attachment\" (\"filename*\" \"utf-8'de'%C2%A3%20rates\")) NIL NIL)", NULL },
	{ "RFC 2231 in UTF-8", "Content-Disposition: attachment; filename*=UTF-8''%e2%82%ac\r\n\r\n",
	  "(" PLAIN " 0 0 NIL (\"attachment\" (\"filename*\" \"UTF-8''%e2%82%ac\")) NIL NIL)", NULL },
	{ "multipart",
	  "Content-Type: multipart/Mixed; boundary=b\r\nContent-Disposition: inline\r\nContent-Language: de\r\n"
	  "Content-Location: x\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo\r\n--b--\r\n",
	  "((" PLAIN " 3 0 NIL NIL NIL NIL)(\"a\" \"b\" NIL NIL NIL \"7bit\" 3 NIL NIL NIL NIL)"
	  " \"Mixed\" (\"boundary\" \"b\") (\"inline\" NIL) \"de\" \"x\")",
	  "((" PLAIN " 3 0)(\"a\" \"b\" NIL NIL NIL \"7bit\" 3) \"Mixed\")" },
	{ "nested multipart",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
	  "--c\r\n\r\none\r\n\r\n--c--\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	  "(((" PLAIN " 5 1 NIL NIL NIL NIL) \"alternative\" (\"boundary\" \"c\") NIL NIL NIL)"
	  "(" PLAIN " 3 0 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)",
	  "(((" PLAIN " 5 1) \"alternative\")(" PLAIN " 3 0) \"mixed\")" },
	{ "multipart without parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n",
	  "(" PLAIN " 9 1 NIL NIL NIL NIL)", NULL },
	{ "message",
	  "Content-Type: message/rfc822\r\nContent-Description: d\r\n\r\nSubject: s\r\nFrom: a@b\r\n\r\none\r\ntwo\r\n",
	  "(\"message\" \"rfc822\" NIL NIL \"d\" \"7bit\" 35 (NIL \"s\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\"))"
	  " ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) (" PLAIN " 10 2 NIL NIL NIL NIL) 5 NIL NIL NIL NIL)",
	  "(\"message\" \"rfc822\" NIL NIL \"d\" \"7bit\" 35 (NIL \"s\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\"))"
	  " ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL) (" PLAIN " 10 2) 5)" },
	{ "message of a multipart in a digest",
	  "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nContent-Type: multipart/x; boundary=c\r\n\r\n"
	  "--c\r\n\r\none\r\n--c--\r\n--b--\r\n",
	  "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 58 " NO_ENVELOPE " ((" PLAIN " 3 0 NIL NIL NIL NIL)"
	  " \"x\" (\"boundary\" \"c\") NIL NIL NIL) 5 NIL NIL NIL NIL) \"digest\" (\"boundary\" \"b\") NIL NIL NIL)",
	  "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 58 " NO_ENVELOPE " ((" PLAIN " 3 0) \"x\") 5) \"digest\")" },
	{ "empty message within", "Content-Type: message/global\r\n\r\n",
	  "(\"message\" \"global\" NIL NIL NIL \"7bit\" 0 " NO_ENVELOPE " (" PLAIN " 0 0 NIL NIL NIL NIL) 0 NIL NIL NIL NIL)",
	  NULL },
	{ "encoded message", "Content-Type: message/rfc822; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
	  "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6 NIL NIL NIL NIL)", NULL },
	{ "delivery status", "Content-Type: message/delivery-status\r\n\r\nA: b\r\n",
	  "(\"message\" \"delivery-status\" NIL NIL NIL \"7bit\" 6 NIL NIL NIL NIL)", NULL },
};

Test(bodystructure, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prepare *p = prepare_new();
		struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
		struct prepared r;

		cr_assert_eq(prepare_feed(p, slice_str(rows[i].message)), ST_OK);
		cr_assert_eq(prepare_end(p, &record), ST_OK);
		cr_assert_eq(prepare_record_decode(buf_slice(&record), &r), ST_OK, "%s", rows[i].name);
		cr_expect(slice_eq(r.bodystructure, slice_str(rows[i].full)), "%s:\n%.*s\n%s",
			  rows[i].name, SLICE_ARG(r.bodystructure), rows[i].full);
		if (rows[i].basic)
			cr_expect(slice_eq(r.body, slice_str(rows[i].basic)), "%s:\n%.*s",
				  rows[i].name, SLICE_ARG(r.body));
		prepare_free(p);
		buf_free(&record);
	}
}
