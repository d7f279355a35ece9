/*
 * The part of session_priv.h about the life of a command: read, queued, run,
 * finished. Commands begin in the order in which they came; which may overlap
 * is a column of the table (RFC 9051 section 5.5).
 */
#include "common/clock.h"
#include "imapd/session_priv.h"

#include <stdlib.h>

/* Requests that must be free before one more command begins. */
#define REQUESTS_SPARE 3
/* Pause before a session with too many errors is listened to again. */
#define PAUSE_MS 1000

/* ---- a command comes in ---- */

/* tag = 1*<any ASTRING-CHAR except "+"> */
static bool take_tag(struct imap_args *a, struct slice *tag)
{
	struct slice atom;

	if (!args_atom(a, &atom))
		return false;
	*tag = atom;
	return slice_index(atom, '+') == atom.len;
}

static void refuse(struct imap_command *c, const char *why)
{
	static const struct imap_command_row row = {
		"", ~0u, IMAP_NEWS_NONE, IMAP_GROUP_ALONE, 0, imap_cmd_refused
	};

	c->row = &row;
	c->refused = why;
}

static void read_head(struct imap_command *c)
{
	struct slice name;

	if (!take_tag(&c->args, &c->tag)) {
		c->tag = SLICE("*");
		refuse(c, "Tag expected");
		return;
	}
	if (!args_space(&c->args) || !args_atom(&c->args, &name)) {
		refuse(c, "Command expected");
		return;
	}
	c->is_uid = slice_case_eq(name, SLICE("UID"));
	if (c->is_uid && (!args_space(&c->args) || !args_atom(&c->args, &name))) {
		refuse(c, "Command expected behind UID");
		return;
	}
	c->row = imap_command_find(name, c->is_uid);
	if (!c->row)
		refuse(c, "Unknown command");
}

/* A literal in a command that has not begun waits for its "+". Nothing else may
 * be half written then, so it waits for all before it. */
static void put_plus(struct imap_session *s)
{
	if (!s->wants_plus || s->first)
		return;
	s->wants_plus = false;
	respond_str(&s->respond, "+ OK\r\n");
}

bool imap_command_add(struct imap_session *s, struct buf *text,
		      bool has_message, const char *refused)
{
	struct imap_command *c = calloc(1, sizeof *c);

	if (!c)
		return false;
	c->session = s;
	c->has_message = has_message;
	c->text = *text;
	*text = (struct buf)BUF_INIT(0);
	c->arena = (struct arena)ARENA_INIT(IMAP_ARENA_MAX);
	c->args = (struct imap_args){
		.rest = buf_slice(&c->text),
		.arena = &c->arena,
	};
	read_head(c);
	if (refused)
		refuse(c, refused);
	c->news = c->is_uid && c->row->news == IMAP_NEWS_NO_EXPUNGE ? IMAP_NEWS_ALL
								    : c->row->news;
	if (has_message || (c->row->flags & IMAP_INPUT && c->row->run != imap_cmd_append))
		s->input_owner = c;
	if (s->last)
		s->last->next = c;
	else
		s->first = c;
	s->last = c;
	s->open++;
	s->open_octets += c->text.len;
	return true;
}

static void command_free(struct imap_session *s, struct imap_command *c)
{
	struct imap_command **at = &s->first, *last = NULL;

	while (*at != c) {
		last = *at;
		at = &(*at)->next;
	}
	*at = c->next;
	if (s->last == c)
		s->last = last;
	if (s->input_owner == c)
		s->input_owner = NULL;
	if (s->line_owner == c)
		s->line_owner = NULL;
	s->open--;
	s->open_octets -= c->text.len;
	imap_requests_drop(s, c);
	if (c->release)
		c->release(c);
	arena_clear(&c->arena);
	buf_free(&c->text);
	free(c);
}

void imap_commands_free(struct imap_session *s)
{
	while (s->first)
		command_free(s, s->first);
}

/* ---- it runs ---- */

/* Whether all before it let it begin. */
static bool may_begin(const struct imap_session *s, const struct imap_command *c)
{
	for (const struct imap_command *b = s->first; b != c; b = b->next)
		if (b->row->group == IMAP_GROUP_ALONE || b->row->group != c->row->group)
			return false;
	return imap_requests_free(s) >= REQUESTS_SPARE && !imap_out_is_full(s);
}

static void begin(struct imap_session *s, struct imap_command *c)
{
	const struct imap_command_row *row = c->row;

	c->stage = IMAP_STAGE_RUNNING;
	c->args.is_utf8 = s->respond.is_utf8;
	c->args.takes_8bit = true;
	if (c->refused)
		imap_bad(c, c->refused);
	else if (!(row->states & 1u << s->state))
		imap_bad(c, row->states ? "[CLIENTBUG] No mailbox is selected"
					: "[CLIENTBUG] Already logged in");
	else if (row->flags & IMAP_WRITES && s->view.is_read_only)
		imap_finish(c, IMAP_NO, NULL, "Mailbox is read-only");
	else
		row->run(c);
}

void imap_cmd_refused(struct imap_command *c)
{
	imap_bad(c, c->refused);
}

/* ---- it ends ---- */

void imap_finish_code(struct imap_command *c, enum imap_condition condition,
		      struct slice code, const char *words)
{
	if (c->stage >= IMAP_STAGE_FINISHING)
		return;
	c->stage = IMAP_STAGE_FINISHING;
	c->condition = condition;
	c->code = code.len ? arena_copy(&c->arena, code) : SLICE_EMPTY;
	c->words = arena_copy(&c->arena, slice_str(words));
	if (!c->code.data || !c->words.data)
		c->code = c->words = SLICE_EMPTY;
	imap_requests_drop(c->session, c);
}

void imap_finish(struct imap_command *c, enum imap_condition condition,
		 const char *code, const char *words)
{
	imap_finish_code(c, condition, slice_str(code), words);
}

void imap_bad(struct imap_command *c, const char *words)
{
	struct imap_session *s = c->session;
	bool is_limit = slice_starts(slice_str(words), SLICE("[LIMIT]")) ||
			slice_starts(slice_str(words), SLICE("[TOOBIG]"));

	if (c->stage >= IMAP_STAGE_FINISHING)
		return;
	if (!is_limit)
		s->errors++;
	imap_finish(c, is_limit ? IMAP_NO : IMAP_BAD, NULL, words);
}

void imap_bad_args(struct imap_command *c, const char *words)
{
	imap_bad(c, c->args.why ? c->args.why : words);
}

void imap_finish_short(struct imap_command *c)
{
	imap_finish(c, IMAP_NO, "UNAVAILABLE", "Not possible now, try again later");
}

/* What each failure of mailboxd is to the client (RFC 5530). */
static const struct {
	enum status status;
	const char *code, *words;
} failures[] = {
	{ ST_SYNTAX,		"CANNOT",	"That cannot be done" },
	{ ST_LIMIT,		"LIMIT",	"A limit is reached" },
	{ ST_NOT_FOUND,		"NONEXISTENT",	"No such mailbox" },
	{ ST_EXISTS,		"ALREADYEXISTS", "Mailbox exists" },
	{ ST_DENIED,		"NOPERM",	"Permission denied" },
	{ ST_QUOTA,		"OVERQUOTA",	"Quota exceeded" },
};

/* Response codes that mailboxd may ask for by name in ERROR.detail. */
static const char *const details[] = {
	"TRYCREATE", "ALREADYEXISTS", "NONEXISTENT", "CANNOT", "LIMIT", "OVERQUOTA",
	"INUSE", "NOPERM", "UNAVAILABLE", "TOOBIG", "HASCHILDREN", "EXPIRED",
	"USEATTR", "EXPUNGEISSUED", "SERVERBUG", "UNKNOWN-CTE",
};

void imap_finish_error(struct imap_command *c, const struct ipc_error *e)
{
	const char *code = "UNAVAILABLE", *words = "Temporary failure, try again later";

	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		if (failures[i].status == (enum status)e->code) {
			code = failures[i].code;
			words = failures[i].words;
		}
	for (size_t i = 0; i < sizeof details / sizeof *details; i++)
		if (slice_eq(e->detail, slice_str(details[i])))
			code = details[i];
	imap_finish(c, IMAP_NO, code, words);
}

/* A command in the queue has message numbers that must stay what they are. */
static bool has_numbers(const struct imap_session *s, const struct imap_command *but)
{
	for (const struct imap_command *c = s->first; c; c = c->next)
		if (c != but && c->row->flags & IMAP_NUMBERS && !c->is_uid &&
		    c->stage < IMAP_STAGE_FINISHING)
			return true;
	return false;
}

/* The news that may be told before the tagged answer. False: it must wait. */
static bool tell_news(struct imap_session *s, struct imap_command *c)
{
	bool with_expunges = c->news >= IMAP_NEWS_ALL && !has_numbers(s, c);

	if (s->state != IMAP_STATE_SELECTED || c->news == IMAP_NEWS_NONE)
		return true;
	if (!c->sync_due && (c->news == IMAP_NEWS_FRESH || imap_news_is_stale(s)))
		c->sync_due = imap_news_sync(s);
	if (c->sync_due && (int)(s->syncs_done - c->sync_due) < 0)
		return false;
	return imap_news_tell(s, with_expunges);
}

/*
 * With QRESYNC the client takes the highest modseq it sees for one up to which it
 * knows everything. It is told where that is not so, because an expunge may not be
 * told yet, and after expunges, which show none (RFC 7162 sections 3.2.7 and 6):
 * with the tagged answer, or in front of it where that has a code.
 */
static bool has_modseq_code(struct imap_session *s, const struct imap_command *c)
{
	struct view *v = &s->view;
	bool is_due;

	if (v->vanished.count == 0)
		v->safe = v->modseq;
	is_due = s->enabled & IMAP_ENABLED_QRESYNC &&
		 s->state == IMAP_STATE_SELECTED &&
		 (s->told_vanished || s->told_modseq > v->safe);
	s->told_vanished = false;
	s->told_modseq = 0;
	if (!is_due)
		return false;
	if (c->condition == IMAP_OK && !c->code.len)
		return true;
	respond_str(&s->respond, "* OK [HIGHESTMODSEQ ");
	respond_u64(&s->respond, v->safe);
	respond_str(&s->respond, "] All up to it is told\r\n");
	return false;
}

static void put_tagged(struct imap_session *s, const struct imap_command *c)
{
	static const char *const conditions[] = { " OK ", " NO ", " BAD " };
	struct respond *r = &s->respond;
	bool with_modseq = has_modseq_code(s, c);

	respond_slice(r, c->tag);
	respond_str(r, conditions[c->condition]);
	if (with_modseq) {
		respond_str(r, "[HIGHESTMODSEQ ");
		respond_u64(r, s->view.safe);
		respond_str(r, "] ");
	}
	if (c->code.len) {
		respond_char(r, '[');
		respond_slice(r, c->code);
		respond_str(r, "] ");
	}
	respond_slice(r, c->words);
	respond_crlf(r);
}

static void count_errors(struct imap_session *s)
{
	const struct imap_settings *set = s->settings;

	if (!set->errors_max)
		return;
	if (s->errors >= set->errors_max)
		imap_bye(s, "[CLIENTBUG] Too many errors");
	else if (s->errors > set->errors_slow)
		s->pause_until_ms = clock_ms() + PAUSE_MS;
}

static bool complete(struct imap_session *s, struct imap_command *c)
{
	bool is_error = c->condition == IMAP_BAD;

	if (imap_out_is_full(s) || s->line_owner || !tell_news(s, c))
		return false;
	if (s->is_ending)
		return false;
	put_tagged(s, c);
	c->stage = IMAP_STAGE_DONE;
	command_free(s, c);
	if (s->state == IMAP_STATE_LOGOUT)
		s->is_ending = true;
	else if (is_error)
		count_errors(s);
	return true;
}

/* ---- all of them ---- */

static bool advance_once(struct imap_session *s)
{
	for (struct imap_command *c = s->first; c; c = c->next) {
		if (c->stage == IMAP_STAGE_FINISHING && complete(s, c))
			return true;
		if (c->stage != IMAP_STAGE_QUEUED)
			continue;
		if (!may_begin(s, c))
			return false;
		begin(s, c);
		return true;
	}
	return false;
}

/* While the client idles everything may be told at once. */
static void tell_idler(struct imap_session *s)
{
	if (imap_news_is_stale(s) && s->syncs_begun == s->syncs_done)
		imap_news_sync(s);
	if (s->syncs_begun == s->syncs_done)
		imap_news_tell(s, true);
}

void imap_advance(struct imap_session *s)
{
	while (!s->is_ending) {
		imap_news_go_on(s);
		if (s->is_idling)
			tell_idler(s);
		if (!advance_once(s))
			break;
	}
	put_plus(s);
	if (s->respond.failed)
		s->is_ending = true;
}
