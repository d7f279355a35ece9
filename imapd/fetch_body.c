/* The part of fetch.h about octets. */
#include "imapd/fetch.h"

/* Label in front of a value, with the space that is due. */
void fetch_body_put_label(struct imap_command *c, const struct fetch_section *s)
{
	struct fetch *f = c->data;
	struct respond *r = imap_out(c);

	if (f->has_space)
		respond_char(r, ' ');
	f->has_space = true;
	respond_slice(r, s->label);
	respond_char(r, ' ');
}

void fetch_body_put(struct imap_command *c, const struct fetch_section *s,
		    struct slice octets)
{
	fetch_body_put_label(c, s);
	if (octets.len == 0) {
		respond_slice(imap_out(c), SLICE("\"\""));
		return;
	}
	respond_literal(imap_out(c), octets.len);
	respond_slice(imap_out(c), octets);
}

/* There is no such part; NIL is no number. */
static void put_nil(struct imap_command *c, const struct fetch_section *s)
{
	fetch_body_put_label(c, s);
	respond_slice(imap_out(c), s->form == FETCH_FORM_BINARY_SIZE ? SLICE("0")
								     : SLICE("NIL"));
}

static void put_filtered(struct imap_command *c, const struct fetch_section *s,
			 struct slice header)
{
	struct fetch *f = c->data;
	struct fetch_range range;
	enum status st;

	f->filtered.len = 0;
	st = fetch_section_filter(s, header, &f->filtered);
	if (st != ST_OK) {
		put_nil(c, s);
		return;
	}
	range = (struct fetch_range){ 0, f->filtered.len };
	fetch_section_cut(s, &range);
	fetch_body_put(c, s, slice_of(f->filtered.data + range.offset,
				  (size_t)range.octets));
}

/* Octets of a READ on their way: to the client, or gathered for the filter. */
static void take_octets(struct imap_command *c, struct slice octets)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];

	octets = slice_head(octets, f->left < SIZE_MAX ? (size_t)f->left : SIZE_MAX);
	f->left -= octets.len;
	if (f->reading == FETCH_READING_FIELDS) {
		if (buf_append(&f->scratch, octets) != ST_OK)
			c->session->is_ending = true;
		return;
	}
	if (f->reading != FETCH_READING_SENT) {
		fetch_binary_take(c, octets);
		return;
	}
	if (!f->is_head_sent) {
		f->is_head_sent = true;
		fetch_body_put_label(c, s);
		respond_literal(imap_out(c), f->octets);
	}
	respond_slice(imap_out(c), octets);
}

/* The section's READ is over, and with it the section. False: it goes on. */
static bool read_over(struct imap_command *c)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];

	/* so many octets were promised */
	if (f->left && (f->is_head_sent || f->reading == FETCH_READING_DECODED))
		c->session->is_ending = true;
	else if (f->left)
		put_nil(c, s);
	else if (f->reading == FETCH_READING_FIELDS)
		put_filtered(c, s, buf_slice(&f->scratch));
	else if (f->reading != FETCH_READING_SENT && !fetch_binary_over(c))
		return false;
	f->scratch.len = 0;
	f->section++;
	f->stage = FETCH_SECTIONS;
	return true;
}

static void read_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	if (m->type == IPC_TYPE_BODY)
		take_octets(c, m->body.octets);
	if (last && read_over(c))
		fetch_resume(c);
}

/* Asks for the range; the section goes on in read_step(). */
void fetch_body_read(struct imap_command *c, uint32_t uid,
		     struct fetch_range range, enum fetch_reading reading)
{
	struct fetch *f = c->data;
	const struct ipc_message m = {
		.type = IPC_TYPE_READ,
		.read = { .handle = imap_view(c)->handle, .uid = uid,
			  .offset = range.offset, .length = range.octets },
	};
	struct imap_session *s = c->session;

	f->stage = FETCH_READS;
	f->left = f->octets = range.octets;
	f->is_head_sent = false;
	f->reading = reading;
	/* in the middle of an answer there is no way back */
	if (!imap_ask(c, &m, read_step))
		s->is_ending = true;
}

bool fetch_body_parts(struct fetch *f, const struct fetch_row *row)
{
	uint64_t stored = row->size - (row->prefix < row->size ? row->prefix
								: row->size);

	if (f->parts || !f->plan.needs_parts)
		return true;
	arena_clear(&f->part_arena);
	return part_record_decode(row->parts, stored, &f->part_arena, &f->parts,
				  &f->part_count) == ST_OK;
}

/* The octets of the header that came with the row. */
static struct slice header_of(const struct fetch *f, const struct fetch_row *row)
{
	if (!f->plan.with_header)
		return SLICE_EMPTY;
	return f->header.len ? buf_slice(&f->header) : row->octets;
}

enum played { PLAYED_DONE, PLAYED_WAITS, PLAYED_NOT };

/* BINARY and BINARY.SIZE. PLAYED_NOT: what is left is as for BODY. */
static enum played play_binary(struct imap_command *c, const struct fetch_row *row,
			       struct fetch_range range)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];
	enum part_encoding encoding =
		fetch_section_encoding(s, f->parts, f->part_count);

	if (!transfer_is_identity(encoding) && range.octets) {
		fetch_binary_begin(c, row->uid, range, encoding);
		return PLAYED_WAITS;
	}
	if (s->form == FETCH_FORM_BINARY)
		return PLAYED_NOT;
	fetch_body_put_label(c, s);
	respond_u64(imap_out(c), range.octets);
	return PLAYED_DONE;
}

/* One section. True: it is done; false: it waits for a READ. */
static bool play_section(struct imap_command *c, const struct fetch_row *row)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];
	struct slice header = header_of(f, row);
	bool is_filtered = s->kind == FETCH_SECTION_FIELDS ||
			   s->kind == FETCH_SECTION_FIELDS_NOT;
	struct fetch_range range;
	enum played played = PLAYED_NOT;

	if (is_filtered && s->path_len == 0) {
		put_filtered(c, s, header);
		return true;
	}
	if (s->kind == FETCH_SECTION_HEADER && s->path_len == 0) {
		range = (struct fetch_range){ 0, row->octets_total };
	} else if (!fetch_body_parts(f, row) ||
		   !fetch_section_find(s, f->parts, f->part_count, row, &range)) {
		put_nil(c, s);
		return true;
	}
	if (s->form != FETCH_FORM_BODY)
		played = play_binary(c, row, range);
	if (played != PLAYED_NOT)
		return played == PLAYED_DONE;
	if (is_filtered && range.octets > FETCH_HEADER_MAX)
		range.octets = FETCH_HEADER_MAX;
	if (!is_filtered)
		fetch_section_cut(s, &range);
	if (range.octets == 0) {
		fetch_body_put(c, s, SLICE_EMPTY);
		return true;
	}
	if (!is_filtered && range.offset + range.octets <= header.len) {
		fetch_body_put(c, s, slice_of(header.data + range.offset,
					  (size_t)range.octets));
		return true;
	}
	fetch_body_read(c, row->uid, range, is_filtered ? FETCH_READING_FIELDS
							: FETCH_READING_SENT);
	return false;
}

bool fetch_body_play(struct imap_command *c, const struct fetch_row *row)
{
	struct fetch *f = c->data;

	for (; f->section < f->plan.section_count; f->section++) {
		if (f->section == f->plan.stream)
			continue;
		if (imap_out_is_full(c->session) || !play_section(c, row))
			return false;
	}
	if (f->plan.stream == FETCH_NO_STREAM)
		return true;
	if (imap_out_is_full(c->session))
		return false;
	f->left = row->octets_total - row->octets.len;
	fetch_body_put_label(c, &f->plan.sections[f->plan.stream]);
	if (row->octets_total == 0) {
		respond_slice(imap_out(c), SLICE("\"\""));
		return true;
	}
	respond_literal(imap_out(c), row->octets_total);
	respond_slice(imap_out(c), row->octets);
	return true;
}
