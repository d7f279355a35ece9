#include "mailboxd/subject_base.h"

void subject_normalise(struct buf *subject)
{
	size_t to = 0, len = subject->len;

	if (len > SUBJECT_OCTETS_MAX) {
		len = SUBJECT_OCTETS_MAX;
		while (len > 0 && (subject->data[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		char c = subject->data[i];

		if (c == '\t' || c == '\r' || c == '\n')
			c = ' ';
		if (c != ' ' || to == 0 || subject->data[to - 1] != ' ')
			subject->data[to++] = c;
	}
	subject->len = to;
}

static struct slice skip_spaces(struct slice s)
{
	while (s.len > 0 && s.data[0] == ' ')
		s = slice_from(s, 1);
	return s;
}

/* subj-trailer, all there are */
static struct slice without_trailers(struct slice s, bool *is_reply)
{
	for (;;) {
		if (s.len > 0 && s.data[s.len - 1] == ' ') {
			s.len--;
		} else if (s.len >= 5 &&
			   slice_case_eq(slice_from(s, s.len - 5), SLICE("(fwd)"))) {
			s.len -= 5;
			*is_reply = true;
		} else {
			return s;
		}
	}
}

/* subj-blob at the beginning: octets, or 0. */
static size_t blob_octets(struct slice s)
{
	size_t n = 1;

	if (s.len == 0 || s.data[0] != '[')
		return 0;
	while (n < s.len && s.data[n] != '[' && s.data[n] != ']')
		n++;
	if (n == s.len || s.data[n] != ']')
		return 0;
	for (n++; n < s.len && s.data[n] == ' '; n++)
		;
	return n;
}

/* subj-refwd at the beginning: octets, or 0. */
static size_t refwd_octets(struct slice s)
{
	struct slice rest;

	if (slice_case_starts(s, SLICE("re")))
		rest = slice_from(s, 2);
	else if (slice_case_starts(s, SLICE("fwd")))
		rest = slice_from(s, 3);
	else if (slice_case_starts(s, SLICE("fw")))
		rest = slice_from(s, 2);
	else
		return 0;
	rest = skip_spaces(rest);
	rest = slice_from(rest, blob_octets(rest));
	return rest.len > 0 && rest.data[0] == ':'
		? (size_t)(rest.data + 1 - s.data) : 0;
}

/* *subj-blob subj-refwd at the beginning: octets, or 0. */
static size_t leader_octets(struct slice s)
{
	struct slice rest = s;
	size_t n;

	while ((n = blob_octets(rest)) > 0)
		rest = slice_from(rest, n);
	n = refwd_octets(rest);
	return n ? (size_t)(rest.data - s.data) + n : 0;
}

/* Steps (3) to (5). */
static struct slice without_leaders(struct slice s, bool *is_reply)
{
	for (;;) {
		size_t n;

		s = skip_spaces(s);
		n = leader_octets(s);
		if (n > 0) {
			*is_reply = true;
			s = slice_from(s, n);
			continue;
		}
		n = blob_octets(s);
		if (n == 0 || n == s.len)
			return s;
		s = slice_from(s, n);
	}
}

struct slice subject_base(struct slice subject, bool *is_reply)
{
	const struct slice fwd = SLICE("[fwd:");

	*is_reply = false;
	for (;;) {
		subject = without_trailers(subject, is_reply);
		subject = without_leaders(subject, is_reply);
		if (subject.len <= fwd.len || !slice_case_starts(subject, fwd) ||
		    subject.data[subject.len - 1] != ']')
			return subject;
		*is_reply = true;
		subject = slice_of(subject.data + fwd.len, subject.len - fwd.len - 1);
	}
}
