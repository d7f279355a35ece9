#include "common/log.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Put behind the fields of a line that was cut; room is kept for both. */
#define CUT_MARK	" cut=1"
#define WARNING_MARK	" level=warning"

static struct {
	const char *program;
	int fd;
	bool with_time, with_debug;
	pthread_mutex_t lock;
	uint64_t lost;		/* lines, under the lock */
} sink = { "postroom", 2, true, false, PTHREAD_MUTEX_INITIALIZER, 0 };

void log_open(const char *program, int fd, bool with_time)
{
	sink.program = program;
	sink.fd = fd;
	sink.with_time = with_time;
}

void log_set_debug(bool on)
{
	sink.with_debug = on;
}

struct log_field log_status(enum status status)
{
	return log_str("status", status_name(status));
}

struct log_field log_error(const struct error *err)
{
	return log_str("error", err->text[0] ? err->text : status_name(err->status));
}

static bool is_bare(struct slice text)
{
	static const char marks[] = "-._:/@+,<>[]*%";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
		    !memchr(marks, c, sizeof marks - 1))
			return false;
	}
	return text.len > 0;
}

/* The octets of the code point at the beginning of text, 0 if it is none. */
static size_t code_point_octets(struct slice text)
{
	for (size_t n = 1; n <= 4 && n <= text.len; n++)
		if (utf8_is_valid(slice_head(text, n)))
			return n;
	return 0;
}

static enum status append_escaped(struct buf *out, struct slice text)
{
	static const char plain[] = "\"\\\r\n\t", escaped[] = "\"\\rnt";
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)text.data[0];
	const char *mark = memchr(plain, c, sizeof plain - 1);
	char code[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	if (mark) {
		code[1] = escaped[mark - plain];
		return buf_append(out, slice_of(code, 2));
	}
	return buf_append(out, slice_of(code, 4));
}

/* U+0080 to U+009F are controls too: C2 80 to C2 9F. */
static bool is_clean(struct slice code_point)
{
	unsigned char c = (unsigned char)code_point.data[0];

	if (code_point.len == 1)
		return c >= ' ' && c != 0x7f && c != '"' && c != '\\';
	return c != 0xc2 || (unsigned char)code_point.data[1] >= 0xa0;
}

static enum status append_quoted(struct buf *out, struct slice text)
{
	enum status st = buf_append_char(out, '"');

	while (st == ST_OK && text.len) {
		size_t n = code_point_octets(text);

		if (n && is_clean(slice_head(text, n))) {
			st = buf_append(out, slice_head(text, n));
		} else {
			n = 1;
			st = append_escaped(out, text);
		}
		text = slice_from(text, n);
	}
	return st == ST_OK ? buf_append_char(out, '"') : st;
}

static enum status append_text(struct buf *out, struct slice text)
{
	char cut[LOG_VALUE_MAX + 3];

	if (text.len > LOG_VALUE_MAX) {
		memcpy(cut, text.data, LOG_VALUE_MAX);
		memcpy(cut + LOG_VALUE_MAX, "...", 3);
		text = slice_of(cut, sizeof cut);
	}
	return is_bare(text) ? buf_append(out, text) : append_quoted(out, text);
}

static enum status append_number(struct buf *out, const struct log_field *f)
{
	uint64_t number = f->number;

	if (f->kind == LOG_SIGNED && (int64_t)number < 0) {
		if (buf_append_char(out, '-'))
			return ST_LIMIT;
		number = -number;
	}
	return buf_append_u64(out, number);
}

static enum status append_field(struct buf *out, const struct log_field *f)
{
	enum status st = buf_append_char(out, ' ');

	if (st == ST_OK)
		st = buf_append_str(out, f->key);
	if (st == ST_OK)
		st = buf_append_char(out, '=');
	if (st != ST_OK)
		return st;
	return f->kind == LOG_TEXT ? append_text(out, f->text)
				   : append_number(out, f);
}

enum status log_render(enum log_level level, const char *event,
		       const struct log_field *fields, struct buf *out)
{
	const size_t room = sizeof CUT_MARK + sizeof WARNING_MARK;
	size_t max = out->max;
	enum status st = buf_append_str(out, "event=");

	if (st == ST_OK)
		st = buf_append_str(out, event);
	out->max -= room < buf_room(out) ? room : buf_room(out);
	for (; st == ST_OK && fields->key; fields++) {
		size_t before = out->len;

		if (fields->kind == LOG_TEXT && fields->text.len == 0)
			continue;
		st = append_field(out, fields);
		if (st != ST_OK)
			out->len = before;
	}
	out->max = max;
	if (st == ST_LIMIT)
		st = buf_append_str(out, CUT_MARK);
	if (st == ST_OK && level == LOG_LEVEL_WARNING)
		st = buf_append_str(out, WARNING_MARK);
	return st == ST_OK ? buf_append_char(out, '\n') : st;
}

static void append_front(struct buf *line)
{
	char time[DATE_RFC3339_OCTETS];

	if (sink.with_time) {
		date_render_rfc3339(clock_wall_ms(), time);
		buf_append(line, slice_of(time, sizeof time));
		buf_append_char(line, ' ');
	}
	buf_append_str(line, sink.program);
	buf_append_char(line, '[');
	buf_append_u64(line, (uint64_t)getpid());
	buf_append_str(line, "]: ");
}

static bool write_line(enum log_level level, const char *event,
		       const struct log_field *fields)
{
	char memory[LOG_LINE_MAX];
	struct buf line = { memory, 0, sizeof memory, sizeof memory };
	ssize_t n;

	append_front(&line);
	if (log_render(level, event, fields, &line) != ST_OK)
		return true;
	do
		n = write(sink.fd, line.data, line.len);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

void log_write(enum log_level level, const char *event,
	       const struct log_field *fields)
{
	int saved = errno;

	if (level == LOG_LEVEL_DEBUG && !sink.with_debug)
		return;
	pthread_mutex_lock(&sink.lock);
	if (!write_line(level, event, fields))
		sink.lost++;
	else if (sink.lost && write_line(LOG_LEVEL_WARNING, "log.lost",
					 LOG_FIELDS(log_u64("lines", sink.lost))))
		sink.lost = 0;
	pthread_mutex_unlock(&sink.lock);
	errno = saved;
}
