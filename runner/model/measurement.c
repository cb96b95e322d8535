/*
 * Building, naming and showing measurements. The constructors exist so that no kind forgets an
 * optional field: zero would claim "sample size 0" where "does not apply" is meant.
 */
#include "runner/model/measurement.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/model/unit.h"

/* Text values are shown up to here; the whole of it stays in the record. */
#define SHOWN_TEXT_BYTES 60

struct measurement measurement_none(const char *name, const char *reason)
{
	return (struct measurement){
		.name = name,
		.reason = reason,
		.unit = "",
		.n = -1,
		.n_total = -1,
		.share = NAN,
	};
}

struct measurement measurement_int(const char *name, int64_t v, const char *unit)
{
	struct measurement m = measurement_none(name, NULL);

	m.value = (struct value){.type = VALUE_INT, .integer = v};
	m.unit = unit;
	return m;
}

struct measurement measurement_real(const char *name, double v, const char *unit)
{
	struct measurement m = measurement_none(name, NULL);

	m.value = (struct value){.type = VALUE_REAL, .real = v};
	m.unit = unit;
	return m;
}

struct measurement measurement_text(const char *name, const char *text)
{
	struct measurement m = measurement_none(name, NULL);

	m.value = (struct value){.type = VALUE_TEXT, .text = text};
	return m;
}

bool value_number(const struct value *v, double *out)
{
	switch (v->type) {
	case VALUE_INT:
		*out = (double)v->integer;
		return true;
	case VALUE_REAL:
		*out = v->real;
		return isfinite(v->real);
	case VALUE_NONE:
	case VALUE_TEXT:
		return false;
	}
	return false;
}

static void put_label_value(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			(void)buf_putc(out, '\\'); /* unbounded: cannot fail */
		if (*s == '\n')
			(void)buf_puts(out, "\\n");
		else
			(void)buf_putc(out, *s);
	}
}

const char *measurement_series(struct arena *a, const struct measurement *m)
{
	struct buf b;
	const char *series;

	if (m->n_labels == 0)
		return arena_strdup(a, m->name);
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, m->name); /* unbounded: cannot fail */
	(void)buf_putc(&b, '{');
	for (size_t i = 0; i < m->n_labels; i++) {
		(void)buf_printf(&b, "%s%s=\"", i > 0 ? "," : "", m->labels[i].name);
		put_label_value(&b, m->labels[i].value);
		(void)buf_putc(&b, '"');
	}
	(void)buf_putc(&b, '}');
	series = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return series;
}

bool value_is_same(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NONE:
		return true;
	case VALUE_INT:
		return a->integer == b->integer;
	case VALUE_REAL:
		return a->real == b->real;
	case VALUE_TEXT:
		return strcmp(a->text, b->text) == 0;
	}
	return false;
}

void value_format(struct buf *out, const struct value *v, const char *unit)
{
	switch (v->type) {
	case VALUE_NONE:
		(void)buf_puts(out, "no value");
		return;
	case VALUE_INT:
		unit_format_integer(out, v->integer, unit);
		return;
	case VALUE_REAL:
		unit_format(out, v->real, unit);
		return;
	case VALUE_TEXT: {
		size_t n = utf8_fit(v->text, strlen(v->text), SHOWN_TEXT_BYTES);

		(void)buf_putc(out, '"');
		str_escape(out, v->text, n);
		(void)buf_puts(out, v->text[n] != '\0' ? "\xE2\x80\xA6\"" : "\"");
		return;
	}
	}
}
