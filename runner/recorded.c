/*
 * Recorded measurements as a table and as JSON.
 */
#include "runner/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/options.h"

#define DEFAULT_VALUES 100

static const char *time_text(struct arena *a, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 0, text); /* its length */
	return arena_strdup(a, text);
}

static const char *value_text(struct arena *a, const struct external *x)
{
	char number[NUM_REAL_MAX];

	if (x->value.type == VALUE_INT)
		(void)snprintf(number, sizeof(number), "%lld", (long long)x->value.integer);
	else
		num_format_real(x->value.real, number);
	return arena_printf(a, "%s%s%s", number, x->unit[0] != '\0' ? " " : "", x->unit);
}

/* Who recorded it; a gate whose definition trusts keys does not count what nobody signed for. */
static const char *by_text(struct arena *a, const struct external *x)
{
	return arena_printf(a, "%s@%s%s", x->user, x->host, x->is_unvouched ? ", unsigned" : "");
}

/* The members of one, in an object that is open. */
static void put(struct json_writer *w, const struct external *x)
{
	json_put_text(w, "name", x->name);
	json_put_text(w, "series", x->series);
	json_open(w, "labels", '{');
	for (size_t i = 0; i < x->n_labels; i++)
		json_put_text(w, x->labels[i].name, x->labels[i].value);
	json_close(w, '}');
	if (x->value.type == VALUE_INT)
		json_put_int(w, "value", x->value.integer);
	else
		json_put_real(w, "value", x->value.real);
	json_put_text(w, "unit", x->unit);
	json_put_int(w, "at_ms", x->at_ms);
	json_put_int(w, "recorded_ms", x->recorded_ms);
	json_put_text(w, "id", x->id);
	json_put_text(w, "user", x->user);
	json_put_text(w, "host", x->host);
	json_put_bool(w, "is_unsigned", x->is_unvouched);
}

/* ---- all names ---- */

static void series_table(struct app *app, const struct external_series *items, size_t n)
{
	static const char *const headers[] = {"name",	"labels", "values", "first",
					      "newest", "value",  "by"};
	struct arena *a = app->arena;
	struct table t;

	table_init(&t, a, headers, 7, "llrllrl");
	for (size_t i = 0; i < n; i++) {
		const struct external *x = &items[i].newest;

		table_row(&t, x->name, x->series, arena_printf(a, "%lld", (long long)items[i].n),
			  time_text(a, items[i].first_ms), time_text(a, x->at_ms), value_text(a, x),
			  by_text(a, x));
	}
	table_print(&t, app->out);
}

static void series_json(struct json_writer *w, const struct external_series *items, size_t n)
{
	json_put_text(w, "assize", "recorded/1");
	json_open(w, "recorded", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		put(w, &items[i].newest);
		json_put_int(w, "values", items[i].n);
		json_put_int(w, "first_ms", items[i].first_ms);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static int compare_series(const void *a, const void *b)
{
	const struct external_series *x = a, *y = b;
	int by_name = strcmp(x->newest.name, y->newest.name);

	return by_name != 0 ? by_name : strcmp(x->newest.series, y->newest.series);
}

/* ---- the values of one ---- */

static void values_table(struct app *app, const struct external *items, size_t n)
{
	static const char *const headers[] = {"when", "value", "labels", "id", "recorded", "by"};
	struct arena *a = app->arena;
	struct table t;

	table_init(&t, a, headers, 6, "lrllll");
	for (size_t i = 0; i < n; i++) {
		const struct external *x = &items[i];

		table_row(&t, time_text(a, x->at_ms), value_text(a, x), x->series,
			  x->id != NULL ? x->id : "", time_text(a, x->recorded_ms), by_text(a, x));
	}
	table_print(&t, app->out);
}

static void values_json(struct json_writer *w, const struct external *items, size_t n)
{
	json_put_text(w, "assize", "recorded-values/1");
	json_open(w, "values", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		put(w, &items[i]);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* ---- both ---- */

struct found {
	struct external_series *series;
	size_t n_series;
	struct external *values;
	size_t n_values;
};

static int find_series(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		       struct found *f, struct err *e)
{
	size_t n, kept = 0;

	if (record_external_series(r, app->arena, &f->series, &n, e) != 0)
		return -1;
	if (n > 1)
		qsort(f->series, n, sizeof(*f->series), compare_series);
	for (size_t i = 0; i < n && (o->limit == 0 || kept < (size_t)o->limit); i++)
		if (f->series[i].newest.at_ms >= since_ms)
			f->series[kept++] = f->series[i];
	f->n_series = kept;
	return 0;
}

static int find_values(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		       struct found *f, struct err *e)
{
	const struct external_query q = {
		.name = o->words[0],
		.series = o->n_words > 1 ? o->words[1] : NULL,
		.since_ms = since_ms,
		.limit = o->limit > 0 ? (size_t)o->limit : DEFAULT_VALUES,
	};

	if (record_external_values(r, app->arena, &q, &f->values, &f->n_values, e) != 0)
		return -1;
	if (f->n_values > 0)
		return 0;
	(void)err_set(e, ERR_USAGE, "the record holds nothing that was recorded as \"%s%s\"%s%s",
		      str_escaped(app->arena, q.name),
		      q.series != NULL ? str_escaped(app->arena, q.series) : "",
		      o->since != NULL ? " in the last " : "", o->since != NULL ? o->since : "");
	return err_help(e, "assize history --recorded lists what there is");
}

int recorded_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		  struct err *e)
{
	struct found f = {.n_series = 0};
	bool is_one = o->n_words > 0;
	struct json_writer w;
	struct buf b;

	if ((is_one ? find_values : find_series)(app, r, o, since_ms, &f, e) != 0)
		return -1;
	if (!o->is_json) {
		if (is_one)
			values_table(app, f.values, f.n_values);
		else
			series_table(app, f.series, f.n_series);
		return 0;
	}
	buf_init(&b, BUF_UNBOUNDED); /* the record is bounded */
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	if (is_one)
		values_json(&w, f.values, f.n_values);
	else
		series_json(&w, f.series, f.n_series);
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
	return 0;
}
