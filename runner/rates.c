/*
 * Rates as a table and as JSON.
 */
#include "runner/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/options.h"

#define DEFAULT_MS (30 * INT64_C(86400000))

static int64_t n_passing(const struct outcome_counts *c)
{
	return c->n[OUTCOME_PASS] + c->n[OUTCOME_WARN];
}

static int64_t n_telling(const struct outcome_counts *c)
{
	return n_passing(c) + c->n[OUTCOME_FAIL] + c->n[OUTCOME_UNDECIDED];
}

/* "99.98 %", "100 %"; "" when nothing was told. */
static const char *rate_text(struct arena *a, const struct outcome_counts *c)
{
	int64_t n = n_telling(c), parts;

	if (n == 0)
		return "";
	parts = n_passing(c) * 10000 / n;
	if (parts % 100 == 0)
		return arena_printf(a, "%lld %%", (long long)parts / 100);
	return arena_printf(a, "%lld.%02lld %%", (long long)parts / 100, (long long)parts % 100);
}

static const char *date_text(struct arena *a, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 0, text); /* its length */
	return arena_strndup(a, text, strcspn(text, "T"));
}

/* Worst first; what told nothing last; then by name. */
static int compare_rates(const void *a, const void *b)
{
	const struct check_rate *x = a, *y = b;
	int64_t n_x = n_telling(&x->outcomes), n_y = n_telling(&y->outcomes);
	double rate_x = n_x > 0 ? (double)n_passing(&x->outcomes) / (double)n_x : 2;
	double rate_y = n_y > 0 ? (double)n_passing(&y->outcomes) / (double)n_y : 2;

	if (rate_x != rate_y)
		return rate_x < rate_y ? -1 : 1;
	return strcmp(x->check, y->check);
}

/* ---- one line of either ---- */

static void add_row(struct table *t, struct arena *a, const char *name,
		    const struct outcome_counts *c)
{
	const char *n[OUTCOME_COUNT];

	for (int i = 0; i < OUTCOME_COUNT; i++)
		n[i] = arena_printf(a, "%lld", (long long)c->n[i]);
	table_row(t, name, rate_text(a, c), n[OUTCOME_PASS], n[OUTCOME_WARN], n[OUTCOME_FAIL],
		  n[OUTCOME_UNDECIDED], n[OUTCOME_SKIP]);
}

static void add_json(struct json_writer *w, const char *key, const char *name,
		     const struct outcome_counts *c)
{
	int64_t n = n_telling(c);

	json_open(w, NULL, '{');
	json_put_text(w, key, name);
	for (int i = 0; i < OUTCOME_COUNT; i++)
		json_put_int(w, outcome_name((enum outcome)i), c->n[i]);
	if (n > 0)
		json_put_real(w, "rate", (double)n_passing(c) / (double)n);
	else
		json_put_null(w, "rate");
	json_close(w, '}');
}

/* ---- both ---- */

/* What is shown: n lines of a name and its counts. */
struct lines {
	const char *form, *list, *key; /* of JSON */
	const char *header;
	const char *check, *series; /* NULL = all */
	const char **names;
	const struct outcome_counts **counts;
	size_t n;
};

static void show_table(struct app *app, const struct lines *l)
{
	const char *const headers[] = {l->header, "rate", "pass", "warn", "fail", "undec.", "skip"};
	struct table t;

	table_init(&t, app->arena, headers, 7, "lrrrrrr");
	for (size_t i = 0; i < l->n; i++)
		add_row(&t, app->arena, l->names[i], l->counts[i]);
	table_print(&t, app->out);
}

static void show_json(struct app *app, const struct lines *l, int64_t since_ms)
{
	struct json_writer w;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", l->form);
	if (l->check != NULL)
		json_put_text(&w, "check", l->check);
	if (l->series != NULL)
		json_put_text(&w, "series", l->series);
	json_put_text(&w, "since", date_text(app->arena, since_ms));
	json_open(&w, l->list, '[');
	for (size_t i = 0; i < l->n; i++)
		add_json(&w, l->key, l->names[i], l->counts[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
}

static void take(struct lines *l, const char *name, const struct outcome_counts *counts,
		 int64_t limit)
{
	if (limit > 0 && l->n >= (size_t)limit)
		return;
	l->names[l->n] = name;
	l->counts[l->n++] = counts;
}

static int gather_checks(struct app *app, struct record *r, int64_t since_ms, int64_t limit,
			 struct lines *l, struct err *e)
{
	struct check_rate *rates;
	size_t n;

	if (record_rates(r, app->arena, since_ms, &rates, &n, e) != 0)
		return -1;
	if (n > 1)
		qsort(rates, n, sizeof(*rates), compare_rates);
	l->names = arena_array(app->arena, n + 1, sizeof(*l->names));
	l->counts = arena_array(app->arena, n + 1, sizeof(const struct outcome_counts *));
	for (size_t i = 0; i < n; i++)
		take(l, rates[i].check, &rates[i].outcomes, limit);
	return 0;
}

static int gather_days(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		       struct lines *l, struct err *e)
{
	const char *series = o->n_words > 1 ? o->words[1] : NULL;
	struct day_rate *days;
	size_t n;

	l->check = o->words[0];
	l->series = series;
	if (record_days(r, app->arena, l->check, series, since_ms, &days, &n, e) != 0)
		return -1;
	if (n == 0)
		return err_set(e, ERR_USAGE,
			       "the record holds nothing about %s%s%s%s that was judged since %s",
			       series != NULL ? "series " : "check \"",
			       series != NULL ? series : l->check, series != NULL ? " of " : "\"",
			       series != NULL ? l->check : "", date_text(app->arena, since_ms));
	l->names = arena_array(app->arena, n + 1, sizeof(*l->names));
	l->counts = arena_array(app->arena, n + 1, sizeof(const struct outcome_counts *));
	while (n-- > 0)
		take(l, date_text(app->arena, days[n].begin_ms), &days[n].outcomes, o->limit);
	return 0;
}

int rates_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
	       struct err *e)
{
	struct lines l = {
		.form = o->n_words == 0 ? "rates/1" : "days/1",
		.list = o->n_words == 0 ? "checks" : "days",
		.key = o->n_words == 0 ? "check" : "day",
		.header = o->n_words == 0 ? "check" : "day (UTC)",
	};
	int rc;

	if (o->since == NULL)
		since_ms = clock_wall_ms(&app->clock) - DEFAULT_MS;
	rc = o->n_words == 0 ? gather_checks(app, r, since_ms, o->limit, &l, e)
			     : gather_days(app, r, o, since_ms, &l, e);
	if (rc != 0)
		return -1;
	if (o->is_json)
		show_json(app, &l, since_ms);
	else
		show_table(app, &l);
	return 0;
}
