/*
 * SEARCH. Each message is judged three times at most: by what its rows hold, with
 * HEADER, BODY and TEXT unknown; where that leaves the answer open, by its
 * signature; and only where that does too is its body read, for all text keys in
 * one pass (store_search_text.c). Where UID, flags, modseq and number of a message
 * are all that is asked of its rows they come from the array of the mailbox.
 */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/search_program.h"

#include <stdlib.h>

#define ROWS_A_LOOK 256		/* rows between two looks at the clock */

/* A step with what it needs at hand. */
struct step {
	struct search_step step;
	struct ranges uids;	/* UID */
	uint32_t *sets;		/* KEYWORD: keyword sets that have it */
	size_t set_count;
	size_t key;		/* HEADER, BODY, TEXT: number of the text key */
};

struct row {
	uint32_t uid;
	uint64_t flags, modseq, message, size, recipient;
	int64_t saved;
	int64_t internaldate, day;	/* only where needs_message */
	int64_t sent_day;
	bool has_sent;
	uint64_t thread;
};

struct run {
	struct tx *tx;
	struct store_search *search;
	struct step *steps;
	size_t count;
	struct search_key *keys;
	size_t key_count;
	bool needs_message;	/* its columns */
	bool needs_entry;	/* flags, size, when it was saved */
	bool needs_rows;	/* what an array does not have */
	bool uses_array;
	struct text_search *text;	/* made at the first that needs it */
	unsigned char *truths;	/* of the text keys */
	const struct ranges *only;	/* UIDs that the whole is limited to */
	const struct ranges *seen;	/* by one who is no owner */
	int64_t until_ms;		/* 0: no limit */
};

/* ---- making ready ------------------------------------------------------------------ */

static bool is_text_key(enum search_op op)
{
	return op == SEARCH_OP_HEADER || op == SEARCH_OP_BODY ||
	       op == SEARCH_OP_TEXT;
}

static bool needs_message(enum search_op op)
{
	switch (op) {
	case SEARCH_OP_BEFORE:
	case SEARCH_OP_ON:
	case SEARCH_OP_SINCE:
	case SEARCH_OP_SENTBEFORE:
	case SEARCH_OP_SENTON:
	case SEARCH_OP_SENTSINCE:
	case SEARCH_OP_OLDER:
	case SEARCH_OP_YOUNGER:
	case SEARCH_OP_THREADID:
		return true;
	default:
		return false;
	}
}

static bool needs_entry(enum search_op op)
{
	switch (op) {
	case SEARCH_OP_FLAG:
	case SEARCH_OP_KEYWORD:
	case SEARCH_OP_LARGER:
	case SEARCH_OP_SMALLER:
	case SEARCH_OP_SAVEDBEFORE:
	case SEARCH_OP_SAVEDON:
	case SEARCH_OP_SAVEDSINCE:
		return true;
	default:
		return false;
	}
}

/* An array has flags, but neither these nor who the recipient is. */
static bool needs_rows(const struct search_step *s)
{
	return needs_message(s->op) ||
	       (needs_entry(s->op) && s->op != SEARCH_OP_FLAG) ||
	       (is_text_key(s->op) &&
		text_search_sees_prefix(s->op, s->text));
}

static bool names_have(struct slice names, struct slice keyword)
{
	struct slice name;

	while (names.len > 0 && slice_split(&names, ' ', &name))
		if (slice_case_eq(name, keyword))
			return true;
	return false;
}

static enum status find_sets(struct run *r, struct step *s)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(r->tx, &row, "SELECT id, names"
		" FROM keyword_set WHERE mailbox = ?1 ORDER BY id",
		SQL_ARGS(sql_i(r->search->mailbox)));

	if (st)
		return st;
	while (!(st = sql_next(r->tx, row))) {
		uint32_t *grown;

		if (!names_have(sql_column_bytes(row, 1), s->step.text))
			continue;
		grown = realloc(s->sets, (s->set_count + 1) * sizeof *grown);
		if (!grown) {
			st = tx_no_memory(r->tx);
			break;
		}
		s->sets = grown;
		s->sets[s->set_count++] = (uint32_t)sql_column(row, 0);
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status prepare_step(struct run *r, struct step *s)
{
	enum search_op op = s->step.op;

	r->needs_message |= needs_message(op);
	r->needs_entry |= needs_entry(op);
	r->needs_rows |= needs_rows(&s->step);
	if (is_text_key(op)) {
		bool is_header = op == SEARCH_OP_HEADER;

		s->key = r->key_count++;
		r->keys[s->key] = (struct search_key){
			.op = op,
			.field = is_header ? s->step.text : SLICE_EMPTY,
			.needle = is_header ? s->step.value : s->step.text,
		};
	}
	if (op == SEARCH_OP_UID)
		return ranges_decode(s->step.text, &s->uids) ?
			tx_error(r->tx, ST_SYNTAX, "a malformed set") : ST_OK;
	return op == SEARCH_OP_KEYWORD ? find_sets(r, s) : ST_OK;
}

/* Where the operands of the last AND begin: a UID among them limits all. */
static void find_limit(struct run *r)
{
	size_t begins[SEARCH_OPS_MAX], depth = 0, at, n;

	for (size_t i = 0; i < r->count; i++) {
		const struct search_step *s = &r->steps[i].step;
		bool is_last = i + 1 == r->count;

		if (is_last && s->op == SEARCH_OP_UID)
			r->only = &r->steps[i].uids;
		if (is_last && s->op == SEARCH_OP_AND)
			for (n = 0; n < s->number; n++) {
				at = begins[depth - s->number + n];
				/* an operand of one step begins where it ends */
				if (r->steps[at].step.op == SEARCH_OP_UID &&
				    (n + 1 == s->number ? at + 1 == i :
				     begins[depth - s->number + n + 1] == at + 1))
					r->only = &r->steps[at].uids;
			}
		if (s->op == SEARCH_OP_AND || s->op == SEARCH_OP_OR)
			depth -= s->number - 1;
		else if (s->op != SEARCH_OP_NOT)
			begins[depth++] = i;
	}
}

static enum status make_ready(struct run *r)
{
	struct slice program = r->search->program;
	struct search_step step;
	enum status st;

	if (search_program_check(program))
		return tx_error(r->tx, ST_SYNTAX, "a malformed search");
	r->steps = calloc(SEARCH_OPS_MAX, sizeof *r->steps);
	r->keys = calloc(SEARCH_OPS_MAX, sizeof *r->keys);
	r->truths = malloc(SEARCH_OPS_MAX);
	if (!r->steps || !r->keys || !r->truths)
		return tx_no_memory(r->tx);
	while (!(st = search_program_next(&program, &step))) {
		struct step *s = &r->steps[r->count++];

		s->step = step;
		s->uids = (struct ranges)RANGES_INIT(RANGES_MAX);
		st = prepare_step(r, s);
		if (st)
			return st;
	}
	find_limit(r);
	return st == ST_MORE ? ST_OK : st;
}

static void clear(struct run *r)
{
	for (size_t i = 0; i < r->count; i++) {
		ranges_free(&r->steps[i].uids);
		free(r->steps[i].sets);
	}
	free(r->steps);
	free(r->keys);
	free(r->truths);
	text_search_free(r->text);
}

/* ---- judging ------------------------------------------------------------------------- */

static bool has_set(const struct step *s, uint32_t set)
{
	for (size_t i = 0; i < s->set_count; i++)
		if (s->sets[i] == set)
			return true;
	return false;
}

static bool holds(const struct run *r, const struct step *s,
		  const struct row *row)
{
	const struct search_step *t = &s->step;
	int64_t age = r->search->now - row->internaldate;
	int64_t saved_day;

	switch (t->op) {
	case SEARCH_OP_ALL:
		return true;
	case SEARCH_OP_UID:
		return ranges_has(&s->uids, row->uid);
	case SEARCH_OP_FLAG:
		return (row->flags & t->number) == t->number;
	case SEARCH_OP_KEYWORD:
		return has_set(s, flags_keyword_set(row->flags));
	case SEARCH_OP_LARGER:
		return row->size > t->number;
	case SEARCH_OP_SMALLER:
		return row->size < t->number;
	case SEARCH_OP_BEFORE:
		return row->day < t->day;
	case SEARCH_OP_ON:
		return row->day == t->day;
	case SEARCH_OP_SINCE:
		return row->day >= t->day;
	case SEARCH_OP_SENTBEFORE:
		return row->has_sent && row->sent_day < t->day;
	case SEARCH_OP_SENTON:
		return row->has_sent && row->sent_day == t->day;
	case SEARCH_OP_SENTSINCE:
		return row->has_sent && row->sent_day >= t->day;
	case SEARCH_OP_MODSEQ:
		return row->modseq >= t->number;
	case SEARCH_OP_OLDER:
		return age >= 0 && (uint64_t)age >= t->number;
	case SEARCH_OP_YOUNGER:
		return age < 0 || (uint64_t)age <= t->number;
	case SEARCH_OP_EMAILID:
		return row->message == t->number;
	case SEARCH_OP_THREADID:
		return row->thread == t->number;
	case SEARCH_OP_SAVEDBEFORE:
	case SEARCH_OP_SAVEDON:
	case SEARCH_OP_SAVEDSINCE:
		saved_day = date_day_at(row->saved, date_local_zone(row->saved));
		return t->op == SEARCH_OP_SAVEDBEFORE ? saved_day < t->day :
		       t->op == SEARCH_OP_SAVEDON ? saved_day == t->day :
						    saved_day >= t->day;
	default:	/* NONE */
		return false;
	}
}

/* truths: of the text keys; NULL: all are unknown. The program was checked: the
 * stack never runs empty. */
static enum truth judge(const struct run *r, const struct row *row,
			const unsigned char *truths)
{
	unsigned char stack[SEARCH_OPS_MAX + 1];
	size_t depth = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct step *s = &r->steps[i];
		enum search_op op = s->step.op;

		if (op == SEARCH_OP_AND || op == SEARCH_OP_OR) {
			for (uint64_t n = 1; n < s->step.number; n++) {
				unsigned char a = stack[depth - 1];
				unsigned char *b = &stack[depth - 2];

				if (op == SEARCH_OP_AND ? a < *b : a > *b)
					*b = a;
				depth--;
			}
		} else if (op == SEARCH_OP_NOT) {
			stack[depth - 1] = TRUE - stack[depth - 1];
		} else if (!is_text_key(op)) {
			stack[depth++] = holds(r, s, row) ? TRUE : FALSE;
		} else {
			stack[depth++] = truths ? truths[s->key] : UNKNOWN;
		}
	}
	return stack[0];
}

/* ---- the scan ----------------------------------------------------------------------------- */

/* Where text is all that counts, a column less is a twentieth of the time. */
#define LEAN "SELECT e.uid, e.modseq, e.message, e.recipient"
#define NARROW LEAN ", e.flags, e.size, e.saved"
#define WHERE " WHERE e.mailbox = ?1 AND e.uid BETWEEN ?2 AND ?3 ORDER BY e.uid"

static const char lean_sql[] = LEAN " FROM entry e" WHERE;
static const char narrow_sql[] = NARROW " FROM entry e" WHERE;
static const char wide_sql[] = NARROW ", m.internaldate, m.zone, m.sent_day,"
	" m.thread FROM entry e JOIN message m ON m.id = e.message" WHERE;

static void read_row(const struct run *r, struct sqlite3_stmt *stmt,
		     struct row *row)
{
	*row = (struct row){
		.uid = (uint32_t)sql_column(stmt, 0),
		.modseq = sql_column(stmt, 1), .message = sql_column(stmt, 2),
		.recipient = sql_column(stmt, 3),
	};
	if (!r->needs_entry && !r->needs_message)
		return;
	row->flags = seen_flags(r->seen, sql_column(stmt, 4), row->uid);
	row->size = sql_column(stmt, 5);
	row->saved = sql_column_signed(stmt, 6);
	if (!r->needs_message)
		return;
	row->internaldate = sql_column_signed(stmt, 7);
	row->day = date_day_at(row->internaldate,
			       (int32_t)sql_column_signed(stmt, 8));
	row->has_sent = !sql_column_is_null(stmt, 9);
	row->sent_day = sql_column_signed(stmt, 9);
	row->thread = sql_column(stmt, 10);
}

static bool time_is_up(const struct run *r)
{
	return r->until_ms && clock_ms() >= r->until_ms;
}

/* Signature, then body. What cannot be read is not found; FETCH names it in the
 * log. */
static enum status judge_text(struct run *r, const struct row *row,
			      enum truth *t, bool *read_body)
{
	enum status st;

	if (!r->text)
		r->text = text_search_new(r->tx, r->keys, r->key_count);
	if (!r->text)
		return tx_no_memory(r->tx);
	st = text_search_narrow(r->text, row->message, row->recipient, r->truths);
	if (st)
		return st;
	*t = judge(r, row, r->truths);
	if (*t != UNKNOWN)
		return ST_OK;
	*read_body = true;
	st = text_search_look(r->text, row->message, row->recipient, r->truths);
	if (!st)
		*t = judge(r, row, r->truths);
	return st == ST_NOT_FOUND || st == ST_IO || st == ST_UNAVAILABLE ? ST_OK : st;
}

static enum status judge_row(struct run *r, const struct row *row,
			     bool *read_body)
{
	struct store_search *s = r->search;
	enum truth t = judge(r, row, NULL);
	enum status st = ST_OK;

	*read_body = false;
	if (t == UNKNOWN)
		st = judge_text(r, row, &t, read_body);
	if (st || t != TRUE)
		return st;
	if (row->modseq > s->modseq)
		s->modseq = row->modseq;
	return ranges_add(s->found, row->uid, row->uid);
}

/* ST_MORE: the slice is over. */
static enum status take_row(struct run *r, const struct row *row, unsigned *rows)
{
	bool read_body;
	enum status st = judge_row(r, row, &read_body);

	r->search->next_uid = row->uid + 1;
	if (!st && (read_body || ++*rows % ROWS_A_LOOK == 0) && time_is_up(r))
		st = ST_MORE;
	return st;
}

static enum status scan_rows(struct run *r, struct range range)
{
	struct sqlite3_stmt *stmt;
	struct row row;
	unsigned rows = 0;
	enum status st;

	st = sql_query(r->tx, &stmt, r->needs_message ? wide_sql :
		       r->needs_entry ? narrow_sql : lean_sql,
		       SQL_ARGS(sql_i(r->search->mailbox), sql_i(range.low),
				sql_i(range.high)));
	if (st)
		return st;
	while (!(st = sql_next(r->tx, stmt))) {
		read_row(r, stmt, &row);
		st = take_row(r, &row, &rows);
		if (st)
			break;
	}
	sql_end(stmt);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* A message whose row cannot be read is not found. */
static enum status pass_rows(struct run *r, struct range range)
{
	struct store_search *s = r->search;
	uint32_t uid;
	enum status st;

	while ((st = scan_rows(r, range)) == ST_UNAVAILABLE || st == ST_IO) {
		if (range.low < s->next_uid)
			range.low = s->next_uid;
		st = message_pass_over(r->tx, s->mailbox, range, &uid);
		if (st)
			return st;
		s->next_uid = uid + 1;
	}
	return st;
}

/* ---- the array ------------------------------------------------------------------------------ */

static enum status take_marks(struct run *r, const struct array_marks *k, unsigned *rows)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < k->count && !st; i++) {
		const struct row row = { .uid = k->items[i].uid,
					 .flags = seen_flags(r->seen,
							     k->items[i].flags,
							     k->items[i].uid),
					 .modseq = k->items[i].modseq,
					 .message = k->items[i].message };

		st = take_row(r, &row, rows);
	}
	return st;
}

/* ST_NOT_FOUND: there is no array, or no longer; next_uid is where to go on. */
static enum status scan_array(struct run *r, struct range range)
{
	struct array_marks marks = { .range = range };
	unsigned rows = 0;
	enum status st;

	do {
		/* bodies are read in a snapshot that has what the array had */
		st = tx_refresh(r->tx);
		if (!st)
			st = arrays_look(r->tx->store->arrays, r->search->mailbox,
					 array_look_marks, &marks);
		if (!st)
			st = take_marks(r, &marks, &rows);
		marks.range.low = r->search->next_uid;
	} while (!st && !marks.is_last);
	return st;
}

static enum status scan_range(struct run *r, struct range range)
{
	uint32_t *next = &r->search->next_uid;
	enum status st = ST_NOT_FOUND;

	if (range.low < *next)
		range.low = *next;
	if (r->uses_array)
		st = scan_array(r, range);
	if (st != ST_NOT_FOUND)
		return st;
	if (range.low < *next)
		range.low = *next;
	return pass_rows(r, range);
}

static enum status scan(struct run *r)
{
	static const struct range everything = { 1, UINT32_MAX };
	enum status st = ST_OK;

	if (!r->only)
		return scan_range(r, everything);
	for (size_t i = 0; i < r->only->count && !st; i++)
		if (r->only->items[i].high >= r->search->next_uid)
			st = scan_range(r, r->only->items[i]);
	return st;
}

enum status store_search(struct tx *tx, struct store_search *s,
			 unsigned slice_ms)
{
	struct run r = { .tx = tx, .search = s,
			 .until_ms = slice_ms ? clock_ms() + slice_ms : 0 };
	enum status st = make_ready(&r);

	r.uses_array = !st && tx->mode == TX_READ && !r.needs_rows &&
		       arrays_want(tx, s->mailbox) == ST_OK;
	if (!st)
		st = seen_load(tx, s->as, &r.seen);
	if (!st)
		st = scan(&r);
	clear(&r);
	signature_done(tx);
	return st;
}
