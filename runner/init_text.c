/*
 * Words of a definition. Names are quoted unless they are plain words that YAML reads as text; ${
 * is doubled, since a definition would replace it. Numbers are rounded to two digits: what is
 * written shall look like a bound somebody chose, not like a measurement.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/init.h"

#define MAX_ID 100 /* bytes; a name may have 128 */

static bool is_plain(const char *s)
{
	static const char *const words[] = {"true", "false", "null", "yes", "no",
					    "on",   "off",   "y",    "n"};

	if (!str_is_name(s))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], s) == 0)
			return false;
	return true;
}

/* In single quotes nothing is escaped, which reads better where much would be. */
static bool is_single(const char *s)
{
	size_t n = strlen(s), step;
	bool has_escape = false;
	uint32_t c;

	for (size_t i = 0; i < n; i += step) {
		step = utf8_decode(s + i, n - i, &c);
		if (step == 0 || utf8_is_deceptive(c) || c == '\'' || (c == '$' && s[i + 1] == '{'))
			return false;
		has_escape = has_escape || c == '"' || c == '\\';
	}
	return has_escape;
}

/* What a reader would not see, or see otherwise than it is, is written as a number. */
static void put_quoted(struct buf *out, const char *s, bool is_verbatim)
{
	size_t n = strlen(s), step;
	uint32_t c;

	if (is_single(s)) {
		(void)buf_printf(out, "'%s'", s);
		return;
	}
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < n; i += step) {
		step = utf8_decode(s + i, n - i, &c);
		if (step == 0) { /* no text; the loader tells */
			step = 1;
			c = 0;
		}
		if (c == '"' || c == '\\')
			(void)buf_putc(out, '\\');
		if (!is_verbatim && c == '$' && s[i + 1] == '{')
			(void)buf_putc(out, '$');
		if (c == 0 || !utf8_is_deceptive(c))
			(void)buf_add(out, s + i, step);
		else
			(void)buf_printf(out,
					 c < 0x100     ? "\\x%02X"
					 : c < 0x10000 ? "\\u%04X"
						       : "\\U%08X",
					 (unsigned)c);
	}
	(void)buf_putc(out, '"');
}

void init_put_text(struct buf *out, const char *s)
{
	if (is_plain(s))
		(void)buf_puts(out, s);
	else
		put_quoted(out, s, false);
}

void init_put_key(struct buf *out, const char *s)
{
	if (is_plain(s))
		(void)buf_puts(out, s);
	else
		put_quoted(out, s, true);
}

void init_put_verbatim(struct buf *out, const char *s)
{
	put_quoted(out, s, true);
}

void init_put_list(struct buf *out, const char *const *names, size_t n)
{
	(void)buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		(void)buf_puts(out, i > 0 ? ", " : "");
		init_put_text(out, names[i]);
	}
	(void)buf_putc(out, ']');
}

void init_put_equal(struct buf *out, const char *text)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "== \"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_putc(&b, '\\');
		(void)buf_putc(&b, *text);
	}
	(void)buf_putc(&b, '"');
	init_put_text(out, b.data);
	buf_release(&b);
}

/* ---- ids ---- */

/* What cannot stand in an id becomes "_". */
static void add_word(struct buf *id, const char *word)
{
	for (; *word; word++) {
		bool is_letter = (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z');
		bool is_digit = *word >= '0' && *word <= '9' && id->len > 0;

		(void)buf_putc(id, is_letter || is_digit ? *word : '_');
	}
}

/* Cut to what an id may have, with a number when it was used before. */
void init_put_id(struct init_writer *w, const char *subject, const char *what, const char *detail)
{
	const char *parts[] = {subject, what, detail}, *name;
	struct buf id;

	buf_init(&id, BUF_UNBOUNDED);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i])
			continue;
		if (id.len > 0)
			(void)buf_putc(&id, '-');
		add_word(&id, parts[i]);
	}
	name = arena_strndup(w->arena, id.data, id.len < MAX_ID ? id.len : MAX_ID);
	for (int i = 2; !map_put(&w->ids, name, w); i++)
		name = arena_printf(w->arena, "%.*s-%d", MAX_ID, id.data, i);
	buf_release(&id);
	(void)buf_printf(w->out, "      - id: %s", name);
	w->n_checks++;
}

/* ---- numbers ---- */

static double rounded(double x, bool is_up)
{
	double step, value;
	char digits[32];

	if (!(x > 0))
		return 0;
	step = pow(10, floor(log10(x)) - 1);
	/* A bound that is two digits already stays as it is: 0.57 / 0.01 is 56.99999999999999. */
	x = is_up ? ceil(x / step - 1e-9) : floor(x / step + 1e-9);
	/* By way of two digits: multiplying leaves 0.27000000000000002. */
	(void)snprintf(digits, sizeof(digits), "%.1e", x * step);
	return num_parse_real(digits, strlen(digits), &value) == 0 ? value : x * step;
}

void init_put_rounded(struct buf *out, double x, bool is_up)
{
	char text[NUM_REAL_MAX];

	(void)num_format_real(rounded(x, is_up), text); /* its length */
	(void)buf_puts(out, text);
}

struct step {
	double factor;
	const char *unit;
};

/* In the largest unit of which it is at least one. Steps begin with the smallest. */
static void put_scaled(struct buf *out, double x, bool is_up, const struct step *steps, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && x >= steps[i + 1].factor)
		i++;
	init_put_rounded(out, x / steps[i].factor, is_up);
	(void)buf_puts(out, steps[i].unit);
}

void init_put_duration(struct buf *out, double seconds, bool is_up)
{
	static const struct step steps[] = {{1e-6, "us"}, {1e-3, "ms"}, {1, "s"}};

	put_scaled(out, seconds, is_up, steps, sizeof(steps) / sizeof(*steps));
}

void init_put_size(struct buf *out, double bytes, bool is_up)
{
	static const struct step steps[] = {
		{1, " B"}, {1024, " KiB"}, {1048576, " MiB"}, {1073741824, " GiB"}};

	put_scaled(out, is_up ? ceil(bytes) : floor(bytes), is_up, steps,
		   sizeof(steps) / sizeof(*steps));
}
