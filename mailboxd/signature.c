#include "mailboxd/signature.h"

#include "mailboxd/casemap.h"
#include "mailboxd/charset.h"
#include "mailboxd/search_text.h"

#include <gnu/libc-version.h>
#include <stdint.h>
#include <stdlib.h>

/* Bits of a filter for each trigram in it. With one bit set a trigram, 4 fill 22
 * of 100: a needle of 8 octets asks for 6, of which one in 9,000 is in vain. */
#define BITS_A_GRAM 4
#define SLOTS_MIN ((size_t)1 << 12)
#define SLOTS_MAX ((size_t)1 << 18)
#define NAME_MAX_OCTETS ((size_t)16 << 20)
#define HEAD_LENGTHS 4		/* octets in front: two u16 */

enum section { SUBJECT, ADDRESS, HEADER, BODY, SECTIONS };

/* Fields that have a section of their own; the others are HEADER. */
static const struct {
	const char *name;
	enum section section;
} fields[] = {
	{ "Subject", SUBJECT },
	{ "From", ADDRESS },
	{ "To", ADDRESS },
	{ "Cc", ADDRESS },
	{ "Bcc", ADDRESS },
	{ "Sender", ADDRESS },
	{ "Reply-To", ADDRESS },
};

static enum section section_of(struct slice field)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (slice_case_eq(slice_str(fields[i].name), field))
			return fields[i].section;
	return HEADER;
}

enum status signature_kind(struct buf *out)
{
	return buf_append_fmt(out, "signature=%d libc=%s casemap=%x charsets=%llx",
			      SIGNATURE_VERSION, gnu_get_libc_version(),
			      casemap_version(),
			      (unsigned long long)charset_fingerprint());
}

/* The bit of a trigram in a filter of so many. */
static inline uint32_t bit_of(uint32_t gram, uint32_t bits)
{
	uint32_t hash = gram * UINT32_C(0x9e3779b1);

	hash ^= hash >> 15;
	hash *= UINT32_C(0x85ebca77);
	return (uint32_t)((uint64_t)hash * bits >> 32);
}

/* ---- making one ------------------------------------------------------------------ */

struct signature_maker {
	struct search_text *text;
	struct buf name;	/* of a field, mapped */
	/* The set of section << 24 | gram: keys in the order they came, and a
	 * table of them; a slot of an older message is free. */
	uint32_t *keys;
	uint64_t *slots;	/* message << 32 | key */
	size_t count, size;
	uint32_t message;
	size_t grams[SECTIONS];
	bool is_full[SECTIONS];
	/* the text in work */
	enum section section;
	uint32_t last;		/* its last octets */
	size_t octets;
};

static size_t slot_of(const struct signature_maker *m, uint32_t key)
{
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
	uint64_t wanted = (uint64_t)m->message << 32 | key;

	for (i &= m->size - 1; m->slots[i] >> 32 == m->message;
	     i = (i + 1) & (m->size - 1))
		if (m->slots[i] == wanted)
			break;
	return i;
}

/* Twice the slots. False: it has as many as it may, or memory is short. */
static bool grow(struct signature_maker *m)
{
	size_t size = m->size ? m->size * 2 : SLOTS_MIN;
	uint64_t *slots;
	uint32_t *keys;

	if (size > SLOTS_MAX)
		return false;
	keys = realloc(m->keys, size / 2 * sizeof *keys);
	if (!keys)
		return false;
	m->keys = keys;
	slots = calloc(size, sizeof *slots);
	if (!slots)
		return false;
	free(m->slots);
	m->slots = slots;
	m->size = size;
	for (size_t i = 0; i < m->count; i++)
		m->slots[slot_of(m, m->keys[i])] =
			(uint64_t)m->message << 32 | m->keys[i];
	return true;
}

static void add_gram(struct signature_maker *m, uint32_t gram)
{
	uint32_t key = (uint32_t)m->section << 24 | gram;
	uint64_t *slot = &m->slots[slot_of(m, key)];

	if (*slot >> 32 == m->message)
		return;
	if (m->count == m->size / 2) {
		if (!grow(m)) {
			m->is_full[m->section] = true;
			return;
		}
		slot = &m->slots[slot_of(m, key)];
	}
	*slot = (uint64_t)m->message << 32 | key;
	m->keys[m->count++] = key;
	m->grams[m->section]++;
}

static void add_text(struct signature_maker *m, struct slice text)
{
	if (m->is_full[m->section])
		return;
	for (size_t i = 0; i < text.len; i++) {
		m->last = (m->last << 8 | (unsigned char)text.data[i]) & 0xffffff;
		if (++m->octets >= SIGNATURE_GRAM)
			add_gram(m, m->last);
	}
}

/* What search_match.c compares with: a field's name stands in front. */
static bool on_begin(void *context, enum search_text_where where, struct slice name)
{
	struct signature_maker *m = context;

	m->section = where == SEARCH_TEXT_HEADER ? section_of(name) : BODY;
	m->octets = 0;
	m->name.len = 0;
	if (where == SEARCH_TEXT_BODY || name.len == 0)
		return true;
	if (casemap_append(&m->name, name) != ST_OK) {
		m->is_full[m->section] = true;
		return true;
	}
	add_text(m, buf_slice(&m->name));
	add_text(m, SLICE(": "));
	return true;
}

static enum status on_text(void *context, struct slice mapped)
{
	add_text(context, mapped);
	return ST_OK;
}

static void on_end(void *context)
{
	(void)context;
}

struct signature_maker *signature_maker_new(void)
{
	struct signature_maker *m = calloc(1, sizeof *m);
	struct search_text_sink sink = { m, on_begin, on_text, on_end };

	if (!m)
		return NULL;
	m->name = (struct buf)BUF_INIT(NAME_MAX_OCTETS);
	m->text = search_text_new(&sink);
	if (!m->text || !grow(m)) {
		signature_maker_free(m);
		return NULL;
	}
	return m;
}

void signature_maker_free(struct signature_maker *m)
{
	if (!m)
		return;
	search_text_free(m->text);
	buf_free(&m->name);
	free(m->keys);
	free(m->slots);
	free(m);
}

enum status signature_begin(struct signature_maker *m, const struct part *parts,
			    size_t count)
{
	if (++m->message == 0) {	/* the slots of so long ago would count */
		memset(m->slots, 0, m->size * sizeof *m->slots);
		m->message = 1;
	}
	m->count = 0;
	memset(m->grams, 0, sizeof m->grams);
	memset(m->is_full, 0, sizeof m->is_full);
	return search_text_begin(m->text, SLICE_EMPTY, parts, count);
}

enum status signature_feed(struct signature_maker *m, struct slice octets)
{
	return search_text_feed(m->text, octets);
}

uint64_t signature_needs(const struct signature_maker *m)
{
	return search_text_next(m->text);
}

void signature_seek(struct signature_maker *m, uint64_t offset)
{
	search_text_seek(m->text, offset);
}

/* Octets of a section; one whose bits are all set may hold anything. */
static size_t section_octets(const struct signature_maker *m, enum section s)
{
	size_t octets = (m->grams[s] * BITS_A_GRAM + 7) / 8;

	if (m->is_full[s])
		return 1;
	return octets < SIGNATURE_SECTION_MAX ? octets : SIGNATURE_SECTION_MAX;
}

static void fill_section(const struct signature_maker *m, enum section s,
			 unsigned char *at, size_t octets)
{
	if (octets == 0)	/* at may be NULL */
		return;
	memset(at, m->is_full[s] ? 0xff : 0, octets);
	if (m->is_full[s])
		return;
	for (size_t i = 0; i < m->count; i++)
		if (m->keys[i] >> 24 == (uint32_t)s) {
			uint32_t bit = bit_of(m->keys[i] & 0xffffff,
					      (uint32_t)octets * 8);

			at[bit / 8] |= (unsigned char)(1u << bit % 8);
		}
}

static void put_u16(unsigned char *at, size_t n)
{
	at[0] = (unsigned char)n;
	at[1] = (unsigned char)(n >> 8);
}

static enum status put_signature(struct signature_maker *m, struct buf *head,
				 struct buf *body)
{
	size_t octets[SECTIONS], sum;
	char *at, *body_at;
	enum status st;

	for (int s = 0; s < SECTIONS; s++)
		octets[s] = section_octets(m, (enum section)s);
	sum = HEAD_LENGTHS + octets[SUBJECT] + octets[ADDRESS] + octets[HEADER];
	st = buf_reserve(head, sum, &at);
	if (st == ST_OK)
		st = buf_reserve(body, octets[BODY], &body_at);
	if (st != ST_OK)
		return st;
	head->len += sum;
	body->len += octets[BODY];
	put_u16((unsigned char *)at, octets[SUBJECT]);
	put_u16((unsigned char *)at + 2, octets[ADDRESS]);
	at += HEAD_LENGTHS;
	for (int s = SUBJECT; s < BODY; at += octets[s], s++)
		fill_section(m, (enum section)s, (unsigned char *)at, octets[s]);
	fill_section(m, BODY, (unsigned char *)body_at, octets[BODY]);
	return ST_OK;
}

enum status signature_end(struct signature_maker *m, struct buf *head,
			  struct buf *body)
{
	enum status st = search_text_end(m->text);

	return st == ST_OK ? put_signature(m, head, body) : st;
}

enum status signature_anything(struct buf *head, struct buf *body)
{
	enum status st = buf_append(head, SLICE("\x01\0\x01\0\xff\xff\xff"));

	return st == ST_OK ? buf_append(body, SLICE("\xff")) : st;
}

/* ---- asking ------------------------------------------------------------------------ */

struct query_key {
	unsigned sections;	/* bits: one of them has all */
	uint32_t *grams;
	size_t count;
};

struct signature_query {
	struct query_key *keys;
	size_t count;
};

static enum status add_grams(struct query_key *k, struct slice text)
{
	size_t n = text.len < SIGNATURE_GRAM ? 0 : text.len - SIGNATURE_GRAM + 1;
	const unsigned char *at = (const unsigned char *)text.data;
	uint32_t *grown;

	if (n == 0)
		return ST_OK;
	grown = realloc(k->grams, (k->count + n) * sizeof *grown);
	if (!grown)
		return ST_NO_MEMORY;
	k->grams = grown;
	for (size_t i = 0; i < n; i++)
		k->grams[k->count++] = (uint32_t)at[i] << 16 |
				       (uint32_t)at[i + 1] << 8 | at[i + 2];
	return ST_OK;
}

static enum status make_key(struct query_key *k, const struct search_key *key)
{
	struct buf mapped = BUF_INIT(NAME_MAX_OCTETS);
	bool is_header = key->op == SEARCH_OP_HEADER;
	enum status st = casemap_append(&mapped, key->needle);

	k->sections = key->op == SEARCH_OP_TEXT ? (1u << SECTIONS) - 1
		    : is_header ? 1u << section_of(key->field) : 1u << BODY;
	if (st == ST_OK)
		st = add_grams(k, buf_slice(&mapped));
	mapped.len = 0;
	if (st == ST_OK && is_header && key->field.len > 0)
		st = casemap_append(&mapped, key->field);
	if (st == ST_OK && mapped.len > 0)
		st = buf_append_str(&mapped, ": ");
	if (st == ST_OK)
		st = add_grams(k, buf_slice(&mapped));
	buf_free(&mapped);
	return st;
}

struct signature_query *signature_query_new(const struct search_key *keys,
					    size_t count)
{
	struct signature_query *q = calloc(1, sizeof *q);
	enum status st = ST_OK;

	if (!q)
		return NULL;
	q->keys = calloc(count ? count : 1, sizeof *q->keys);
	if (!q->keys)
		st = ST_NO_MEMORY;
	for (; q->count < count && st == ST_OK; q->count++)
		st = make_key(&q->keys[q->count], &keys[q->count]);
	if (st == ST_OK)
		return q;
	signature_query_free(q);
	return NULL;
}

void signature_query_free(struct signature_query *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->keys[i].grams);
	free(q->keys);
	free(q);
}

unsigned signature_query_blobs(const struct signature_query *q, size_t i)
{
	const struct query_key *k = &q->keys[i];
	unsigned blobs = 0;

	if (k->count == 0)
		return 0;
	if (k->sections & ~(1u << BODY))
		blobs |= SIGNATURE_HEAD;
	if (k->sections & 1u << BODY)
		blobs |= SIGNATURE_BODY;
	return blobs;
}

static bool section_has(const struct query_key *k, struct slice section)
{
	const unsigned char *at = (const unsigned char *)section.data;
	uint32_t bits = (uint32_t)section.len * 8;

	if (bits == 0)
		return false;
	for (size_t i = 0; i < k->count; i++) {
		uint32_t bit = bit_of(k->grams[i], bits);

		if (!(at[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}

static bool head_has(const struct query_key *k, struct slice head)
{
	const unsigned char *at = (const unsigned char *)head.data;
	size_t octets[2];

	if (head.len < HEAD_LENGTHS)
		return true;
	octets[SUBJECT] = at[0] | (size_t)at[1] << 8;
	octets[ADDRESS] = at[2] | (size_t)at[3] << 8;
	head = slice_from(head, HEAD_LENGTHS);
	if (octets[SUBJECT] + octets[ADDRESS] > head.len)
		return true;
	for (int s = SUBJECT; s < HEADER; s++) {
		if (k->sections & 1u << s &&
		    section_has(k, slice_head(head, octets[s])))
			return true;
		head = slice_from(head, octets[s]);
	}
	return k->sections & 1u << HEADER && section_has(k, head);
}

bool signature_may_hold(const struct signature_query *q, size_t i,
			struct slice head, struct slice body)
{
	const struct query_key *k = &q->keys[i];

	if (k->count == 0)
		return true;
	if (k->sections & ~(1u << BODY) && (!head.data || head_has(k, head)))
		return true;
	return k->sections & 1u << BODY && (!body.data || section_has(k, body));
}
