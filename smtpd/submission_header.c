#include "smtpd/submission_header.h"

#include "common/address.h"
#include "common/address_list.h"
#include "common/date.h"
#include "common/header.h"

static bool is_named(const struct header_field *f, const char *name)
{
	return slice_case_eq(f->name, slice_str(name));
}

/* ---- who wrote it ------------------------------------------------------------ */

struct authors {
	struct address_list list;
	struct arena arena;	/* of one address */
	struct buf login;	/* its comparison key */
	struct buf key, text;	/* of one address */
};

static enum status key_of(struct authors *a, struct slice text, struct buf *key,
			  struct address *address)
{
	enum status st = address_parse(text, ADDRESS_UTF8, &a->arena, address);

	key->len = 0;
	return st == ST_OK ? address_key(address, key) : st;
}

static enum status authors_init(struct authors *a, struct slice login)
{
	const struct buf empty = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct address address;
	enum status st;

	*a = (struct authors){ .arena = ARENA_INIT(16384), .login = empty,
			       .key = empty, .text = empty };
	address_list_init(&a->list);
	st = key_of(a, login, &a->login, &address);
	return st == ST_NO_MEMORY ? st : ST_OK;
}

static void authors_clear(struct authors *a)
{
	address_list_clear(&a->list);
	arena_clear(&a->arena);
	buf_free(&a->login);
	buf_free(&a->key);
	buf_free(&a->text);
}

/* a->text becomes the address as an envelope would have it; empty: it is none. */
static enum status render(struct authors *a, const struct list_address *one)
{
	struct address address = { .local = one->mailbox, .domain = one->host };
	enum status st;

	arena_clear(&a->arena);
	a->text.len = a->key.len = 0;
	if (one->mailbox.len == 0 || one->host.len == 0)
		return ST_OK;
	/* rendered, so that quotes stand where they must, and read again: what
	 * no envelope could carry is no address */
	st = address_render(&address, &a->text);
	if (st == ST_OK)
		st = key_of(a, buf_slice(&a->text), &a->key, &address);
	if (st == ST_OK) {
		a->text.len = 0;
		st = address_render(&address, &a->text);
	}
	if (st == ST_OK || st == ST_NO_MEMORY)
		return st;
	a->text.len = a->key.len = 0;
	return ST_OK;
}

static bool is_login(const struct authors *a)
{
	return a->key.len && slice_eq(buf_slice(&a->key), buf_slice(&a->login));
}

static enum status read_from(struct authors *a, struct slice body,
			     submission_author_fn *author, void *arg,
			     struct submission_scan *scan)
{
	struct list_address one;
	enum status st;

	address_list_begin(&a->list, body);
	while ((st = address_list_next(&a->list, &one)) == ST_OK) {
		if (one.kind != LIST_MAILBOX)
			continue;
		if (++scan->authors > SUBMISSION_AUTHORS_MAX)
			return ST_LIMIT;
		st = render(a, &one);
		if (st == ST_OK)
			st = author(arg, buf_slice(&a->text));
		if (st != ST_OK)
			return st;
		scan->names_login |= is_login(a);
	}
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Whether the field names the login and nobody else. */
static enum status read_sender(struct authors *a, struct slice body,
			       bool *is_ours)
{
	struct list_address one;
	unsigned count = 0;
	enum status st;

	*is_ours = false;
	address_list_begin(&a->list, body);
	while ((st = address_list_next(&a->list, &one)) == ST_OK) {
		if (one.kind != LIST_MAILBOX)
			continue;
		st = render(a, &one);
		if (st != ST_OK)
			return st;
		*is_ours = ++count == 1 && is_login(a);
	}
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- the fields -------------------------------------------------------------- */

enum status submission_scan(struct slice header, const struct submission *by,
			    submission_author_fn *author, void *arg,
			    struct submission_scan *scan)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	struct header_field f;
	struct authors a;
	enum status st = authors_init(&a, by->login);

	*scan = (struct submission_scan){ 0 };
	while (st == ST_OK && (st = header_next(&walk, &f)) == ST_OK) {
		if (is_named(&f, "Date"))
			scan->has_date = true;
		else if (is_named(&f, "Message-ID"))
			scan->has_message_id = true;
		else if (is_named(&f, "Sender"))
			st = read_sender(&a, f.body, &scan->has_sender);
		else if (is_named(&f, "From"))
			st = read_from(&a, f.body, author, arg, scan);
	}
	authors_clear(&a);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static bool is_dropped(const struct header_field *f,
		       const struct submission_scan *scan)
{
	if (is_named(f, "Bcc") || is_named(f, "Resent-Bcc"))
		return true;
	return is_named(f, "Sender") && !scan->has_sender && !scan->names_login;
}

static enum status add_missing(const struct submission *by,
			       const struct submission_scan *scan,
			       struct buf *out)
{
	bool adds = !scan->has_date || !scan->has_message_id ||
		    !(scan->names_login || scan->has_sender);
	enum status st = ST_OK;

	/* BDAT may leave the last line of a header open */
	if (adds && out->len && out->data[out->len - 1] != '\n')
		st = buf_append_str(out, "\r\n");
	if (st == ST_OK && !scan->has_date) {
		st = buf_append_str(out, "Date: ");
		if (st == ST_OK)
			st = date_render(by->seconds, by->zone, out);
		if (st == ST_OK)
			st = buf_append_str(out, "\r\n");
	}
	if (st == ST_OK && !scan->has_message_id)
		st = buf_append_fmt(out, "Message-ID: <%.*s@%.*s>\r\n",
				    SLICE_ARG(by->mid), SLICE_ARG(by->hostname));
	if (st == ST_OK && !scan->names_login && !scan->has_sender)
		st = buf_append_fmt(out, "Sender: %.*s\r\n",
				    SLICE_ARG(by->login));
	return st;
}

enum status submission_rewrite(struct slice header, const struct submission *by,
			       const struct submission_scan *scan,
			       struct buf *out)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	struct header_field f;
	size_t end = 0;
	enum status st;

	while ((st = header_next(&walk, &f)) == ST_OK) {
		end = f.offset + f.whole.len;
		if (!is_dropped(&f, scan))
			st = buf_append(out, f.whole);
		if (st != ST_OK)
			return st;
	}
	st = add_missing(by, scan, out);
	/* the empty line, where there is one */
	return st == ST_OK ? buf_append(out, slice_from(header, end)) : st;
}
