/*
 * Where foreign text meets a page or a terminal. A backslash is not doubled: text that already went
 * through value_format() would come out doubled twice, and a regular expression nobody could read.
 */
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"
#include "runner/io/json.h"
#include "runner/model/measurement.h"
#include "runner/history/ledger.h"
#include "runner/model/unit.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

static void put_hidden(struct buf *out, uint32_t c)
{
	if (c == '\n')
		(void)buf_puts(out, "\\n");
	else if (c == '\t')
		(void)buf_puts(out, "\\t");
	else if (c < 0x80)
		(void)buf_printf(out, "\\x%02" PRIx32, c);
	else
		(void)buf_printf(out, "\\u{%04" PRIX32 "}", c);
}

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

static void put_safe(struct buf *out, const char *s, size_t n, bool is_markup)
{
	const char *plain = s; /* start of what can be copied as it is */
	const char *end = s + n;

	while (s < end) {
		uint32_t c = 0;
		size_t len = utf8_decode(s, (size_t)(end - s), &c);
		const char *name = is_markup && len == 1 ? entity(c) : NULL;

		if (len > 0 && name == NULL && !utf8_is_deceptive(c)) {
			s += len;
			continue;
		}
		(void)buf_add(out, plain, (size_t)(s - plain));
		if (len == 0)
			(void)buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*s);
		else if (name != NULL)
			(void)buf_puts(out, name);
		else
			put_hidden(out, c);
		s += len > 0 ? len : 1;
		plain = s;
	}
	(void)buf_add(out, plain, (size_t)(s - plain));
}

void text_visible(struct buf *out, const char *s, size_t n)
{
	put_safe(out, s, n, false);
}

void text_put(struct buf *out, const char *s)
{
	if (s != NULL)
		put_safe(out, s, strlen(s), false);
}

void text_command(struct buf *out, const char *text, const char *repeated)
{
	const char *words = strstr(text, " -- "); /* behind it there are no options */
	size_t n = words != NULL ? (size_t)(words - text) : strlen(text);

	(void)buf_add(out, text, n);
	if (repeated != NULL && strncmp(text, "assize ", strlen("assize ")) == 0)
		(void)buf_puts(out, repeated);
	(void)buf_puts(out, text + n);
}

void text_markup(struct buf *out, const char *s)
{
	if (s != NULL)
		put_safe(out, s, strlen(s), true);
}

void text_markup_n(struct buf *out, const char *s, size_t n)
{
	put_safe(out, s, n, true);
}

void text_json(struct json_writer *w, const char *key, const char *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_put(&b, s);
	json_put_text_n(w, key, b.data, b.len);
	buf_release(&b);
}

void text_json_time(struct json_writer *w, const char *key, int64_t ms)
{
	char text[UTC_MAX];

	if (ms < 0) {
		json_put_null(w, key);
		return;
	}
	(void)utc_format(ms, 1, text); /* its length */
	json_put_text(w, key, text);
}

bool text_line(const char **rest, const char **line, size_t *n)
{
	if (*rest == NULL || **rest == '\0')
		return false;
	*line = *rest;
	*n = strcspn(*rest, "\n");
	*rest += *n + ((*rest)[*n] == '\n' ? 1 : 0);
	return true;
}

bool point_number(const struct point *p, bool is_share, double *out)
{
	if (is_share && p->value.type != VALUE_NONE) {
		*out = p->share;
		return !isnan(p->share);
	}
	return value_number(&p->value, out);
}

/* Units are names from a definition and as foreign as anything; quoted text is already escaped. */
static void put_value(struct buf *out, const struct value *v, const char *unit)
{
	struct buf shown;

	buf_init(&shown, BUF_UNBOUNDED);
	value_format(&shown, v, unit);
	text_visible(out, shown.data, shown.len);
	buf_release(&shown);
}

void text_value(struct buf *out, const struct result *r)
{
	struct buf shown;

	buf_init(&shown, BUF_UNBOUNDED);
	result_format(&shown, r);
	text_visible(out, shown.data, shown.len);
	buf_release(&shown);
}

void text_point(struct buf *out, const struct point *p, const struct result *of)
{
	if (p->value.type == VALUE_NONE)
		(void)buf_puts(out, outcome_name(p->outcome));
	else if (result_is_share(of) && !isnan(p->share))
		unit_format(out, p->share, "%");
	else
		put_value(out, &p->value, p->unit);
}

void text_sample(struct buf *out, const struct result *r)
{
	if (r->n_total >= 0 && r->value.type != VALUE_NONE) {
		if (result_is_share(r)) {
			put_value(out, &r->value, r->unit);
			(void)buf_putc(out, ' ');
		}
		(void)buf_puts(out, "of ");
		unit_format(out, (double)r->n_total, "");
	} else if (r->n >= 0) {
		(void)buf_puts(out, "n = ");
		unit_format(out, (double)r->n, "");
	}
}

void text_series(struct buf *out, const char *check, const char *series)
{
	text_put(out, check);
	if (series[0] != '\0' && series[0] != '{')
		(void)buf_putc(out, ':');
	text_put(out, series);
}

void text_duration(struct buf *out, int64_t us)
{
	unit_format(out, (double)us / 1e6, "s");
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void text_day(struct buf *out, int64_t ms)
{
	struct civil c;

	utc_civil(ms, &c);
	(void)buf_printf(out, "%d %s %d", c.day, months[c.month - 1], c.year);
}

void text_minute(struct buf *out, int64_t ms)
{
	struct civil c;

	utc_civil(ms, &c);
	text_day(out, ms);
	(void)buf_printf(out, ", %02d:%02d", c.hour, c.minute);
}

void text_when(struct buf *out, int64_t ms)
{
	struct civil c;

	utc_civil(ms, &c);
	text_minute(out, ms);
	(void)buf_printf(out, ":%02d UTC", c.second);
}

void text_digest(struct buf *out, const unsigned char *digest, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(out, "%s%02x", i > 0 && i % 2 == 0 ? " " : "",
				 (unsigned)digest[i]);
}

void text_count(struct buf *out, int64_t n, const char *noun)
{
	unit_format(out, (double)n, "");
	(void)buf_printf(out, " %s%s", noun, n == 1 ? "" : "s");
}

void text_reach(struct buf *out, const struct ledger_reach *x)
{
	(void)buf_puts(out, x->place == NULL ? "none of " : "all but ");
	if (x->place != NULL) {
		unit_format(out, (double)(x->size - x->anchored), "");
		(void)buf_puts(out, " of ");
	}
	text_count(out, x->size, "record");
	if (x->place == NULL)
		return;
	(void)buf_puts(out, ", ");
	text_when(out, x->anchored_ms);
	(void)buf_puts(out, ", at ");
	text_put(out, x->place);
}

void text_position(struct buf *out, const struct result *r)
{
	int64_t line = r->bound_line > 0 ? r->bound_line : r->check->line;
	int64_t col = r->bound_line > 0 ? r->bound_col : r->check->col;

	if (r->check->file == NULL || r->check->file[0] == '\0')
		return;
	text_put(out, r->check->file);
	if (line > 0)
		(void)buf_printf(out, ":%" PRId64, line);
	if (line > 0 && col > 0)
		(void)buf_printf(out, ":%" PRId64, col);
}
