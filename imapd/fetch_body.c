/* The part of fetch.h about octets. */
#include "imapd/fetch.h"

/* Label in front of a value, with the space that is due. */
static void put_label(struct imap_command *c, const struct fetch_section *s)
{
	struct fetch *f = c->data;
	struct respond *r = imap_out(c);

	if (f->has_space)
		respond_char(r, ' ');
	f->has_space = true;
	respond_slice(r, s->label);
	respond_char(r, ' ');
}

static void put_octets(struct imap_command *c, const struct fetch_section *s,
		       struct slice octets)
{
	put_label(c, s);
	if (octets.len == 0) {
		respond_slice(imap_out(c), SLICE("\"\""));
		return;
	}
	respond_literal(imap_out(c), octets.len);
	respond_slice(imap_out(c), octets);
}

static void put_nil(struct imap_command *c, const struct fetch_section *s)
{
	put_label(c, s);
	respond_slice(imap_out(c), SLICE("NIL"));
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
	put_octets(c, s, slice_of(f->filtered.data + range.offset,
				  (size_t)range.octets));
}

/* Octets of a READ on their way: to the client, or gathered for the filter. */
static void take_octets(struct imap_command *c, struct slice octets)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];

	octets = slice_head(octets, f->left < SIZE_MAX ? (size_t)f->left : SIZE_MAX);
	f->left -= octets.len;
	if (f->is_filtered) {
		if (buf_append(&f->scratch, octets) != ST_OK)
			c->session->is_ending = true;
		return;
	}
	if (!f->is_head_sent) {
		f->is_head_sent = true;
		put_label(c, s);
		respond_literal(imap_out(c), f->octets);
	}
	respond_slice(imap_out(c), octets);
}

static void read_over(struct imap_command *c)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];

	if (f->is_filtered && f->left == 0)
		put_filtered(c, s, buf_slice(&f->scratch));
	else if (f->left && f->is_head_sent)
		c->session->is_ending = true;	/* so many octets were promised */
	else if (f->left)
		put_nil(c, s);
	f->scratch.len = 0;
	f->section++;
	f->stage = FETCH_SECTIONS;
}

static void read_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	if (m->type == IPC_TYPE_BODY)
		take_octets(c, m->body.octets);
	if (!last)
		return;
	read_over(c);
	fetch_resume(c);
}

/* Asks for the range; the section goes on in read_step(). */
static void begin_read(struct imap_command *c, uint32_t uid,
		       struct fetch_range range, bool is_filtered)
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
	f->is_filtered = is_filtered;
	/* in the middle of an answer there is no way back */
	if (!imap_ask(c, &m, read_step))
		s->is_ending = true;
}

static bool decode_parts(struct fetch *f, const struct fetch_row *row)
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

/* One section. True: it is done; false: it waits for a READ. */
static bool play_section(struct imap_command *c, const struct fetch_row *row)
{
	struct fetch *f = c->data;
	const struct fetch_section *s = &f->plan.sections[f->section];
	struct slice header = header_of(f, row);
	bool is_filtered = s->kind == FETCH_SECTION_FIELDS ||
			   s->kind == FETCH_SECTION_FIELDS_NOT;
	struct fetch_range range;

	if (is_filtered && s->path_len == 0) {
		put_filtered(c, s, header);
		return true;
	}
	if (s->kind == FETCH_SECTION_HEADER && s->path_len == 0) {
		range = (struct fetch_range){ 0, row->octets_total };
	} else if (!decode_parts(f, row) ||
		   !fetch_section_find(s, f->parts, f->part_count, row, &range)) {
		put_nil(c, s);
		return true;
	}
	if (is_filtered && range.octets > FETCH_HEADER_MAX)
		range.octets = FETCH_HEADER_MAX;
	if (!is_filtered)
		fetch_section_cut(s, &range);
	if (range.octets == 0) {
		put_octets(c, s, SLICE_EMPTY);
		return true;
	}
	if (!is_filtered && range.offset + range.octets <= header.len) {
		put_octets(c, s, slice_of(header.data + range.offset,
					  (size_t)range.octets));
		return true;
	}
	begin_read(c, row->uid, range, is_filtered);
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
	put_label(c, &f->plan.sections[f->plan.stream]);
	if (row->octets_total == 0) {
		respond_slice(imap_out(c), SLICE("\"\""));
		return true;
	}
	respond_literal(imap_out(c), row->octets_total);
	respond_slice(imap_out(c), row->octets);
	return true;
}
