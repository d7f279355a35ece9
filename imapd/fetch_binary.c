/*
 * The part of fetch.h about BINARY (RFC 3516 section 4, RFC 9051 section 6.4.5).
 * The size of what is decoded stands in front of it, so the octets are read and
 * counted first; what fits into memory is then put out, the rest read again.
 */
#include "imapd/fetch.h"

bool fetch_binary_is_known(struct fetch *f, const struct fetch_row *row)
{
	f->parts = NULL;
	for (size_t i = 0; i < f->plan.section_count; i++) {
		const struct fetch_section *s = &f->plan.sections[i];

		if (s->form == FETCH_FORM_BODY || !s->path_len ||
		    !fetch_body_parts(f, row))
			continue;
		if (fetch_section_encoding(s, f->parts, f->part_count) == PART_UNKNOWN)
			return false;
	}
	return true;
}

static void begin_read(struct imap_command *c, enum fetch_reading reading)
{
	struct fetch *f = c->data;

	transfer_init(&f->transfer, f->transfer.encoding);
	f->decoded = 0;
	fetch_body_read(c, f->encoded_uid, f->encoded, reading);
}

void fetch_binary_begin(struct imap_command *c, uint32_t uid,
			struct fetch_range range, enum part_encoding encoding)
{
	struct fetch *f = c->data;

	f->transfer.encoding = encoding;
	f->encoded = range;
	f->encoded_uid = uid;
	f->has_nul = f->is_unkept = false;
	f->scratch.len = 0;
	begin_read(c, FETCH_READING_COUNTED);
}

/* Decoded octets; only those in the partial range are of interest. */
static void take_decoded(struct imap_command *c, struct slice octets)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];
	uint64_t from = f->decoded, to = from + octets.len;

	f->decoded = to;
	if (s->is_partial) {
		uint64_t end = s->octets > UINT64_MAX - s->from ? UINT64_MAX
								: s->from + s->octets;

		if (to <= s->from || from >= end)
			return;
		if (from < s->from)
			octets = slice_from(octets, (size_t)(s->from - from));
		if (to > end)
			octets.len -= (size_t)(to - end);
	}
	if (f->reading == FETCH_READING_DECODED) {
		respond_slice(imap_out(c), octets);
		return;
	}
	f->has_nul |= octets.len && memchr(octets.data, '\0', octets.len);
	if (s->form == FETCH_FORM_BINARY && !f->is_unkept)
		f->is_unkept = buf_append(&f->scratch, octets) != ST_OK;
}

void fetch_binary_take(struct imap_command *c, struct slice octets)
{
	struct fetch *f = c->data;

	f->filtered.len = 0;
	if (transfer_feed(&f->transfer, octets, &f->filtered) != ST_OK)
		c->session->is_ending = true;
	take_decoded(c, buf_slice(&f->filtered));
}

/* "~{n}" only where a NUL asks for it (RFC 3516 section 4.3). */
static void put_head(struct imap_command *c, uint64_t octets)
{
	struct fetch *f = c->data;

	fetch_body_put_label(c, &f->plan.sections[f->section]);
	if (f->has_nul)
		respond_char(imap_out(c), '~');
	respond_literal(imap_out(c), octets);
}

/* All was decoded once, so that the size is known. */
static bool counted(struct imap_command *c)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];
	struct fetch_range range = { 0, f->decoded };

	fetch_section_cut(s, &range);
	if (s->form == FETCH_FORM_BINARY_SIZE) {
		fetch_body_put_label(c, s);
		respond_u64(imap_out(c), f->decoded);
	} else if (range.octets == 0) {
		fetch_body_put(c, s, SLICE_EMPTY);
	} else {
		put_head(c, range.octets);
		if (f->is_unkept) {
			begin_read(c, FETCH_READING_DECODED);
			return false;
		}
		respond_slice(imap_out(c), buf_slice(&f->scratch));
	}
	return true;
}

bool fetch_binary_over(struct imap_command *c)
{
	struct fetch *f = c->data;

	f->filtered.len = 0;
	if (transfer_end(&f->transfer, &f->filtered) != ST_OK)
		c->session->is_ending = true;
	take_decoded(c, buf_slice(&f->filtered));
	return f->reading == FETCH_READING_DECODED || counted(c);
}
