/*
 * distribution_baseline: what is compared with, as written by a person or captured in a file.
 *
 * A file is read when the check runs, not when the definition is loaded: it may not have been
 * captured yet. Nothing in it is trusted: a hole in it would compare less than it says.
 */
#include "audits/distribution.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/keys.h"

#define FILE_MAX_BYTES (4 * 1024 * 1024)
/* Shares are written rounded: nine of 11.1 % are whole. */
#define ROUNDING 0.01

/* ---- in the definition ---- */

/* "0.2", "20%", "120" */
static int read_share(const char *text, double *out)
{
	size_t n = strlen(text);
	bool is_percent = n > 0 && text[n - 1] == '%';

	if (num_parse_real(text, is_percent ? n - 1 : n, out) != 0 || *out < 0)
		return -1;
	if (is_percent)
		*out /= 100;
	return 0;
}

void distribution_check_baseline(struct keys_context *ctx, const struct check *c,
				 struct distribution_spec *s)
{
	double sum = 0;
	bool is_whole = true;

	s->shares = arena_array(ctx->arena, s->baseline.n, sizeof(*s->shares));
	for (size_t i = 0; i < s->baseline.n; i++) {
		const struct pair *p = &s->baseline.items[i];

		if (read_share(p->value, &s->shares[i]) != 0) {
			diags_at(ctx->diags, p->pos, "for example 0.2, 20% or 120",
				 "check \"%s\": the baseline of \"%s\" must be a share or a number "
				 "of rows, not \"%s\"",
				 c->name, str_escaped(ctx->arena, p->name),
				 str_escaped(ctx->arena, p->value));
			return;
		}
		sum += s->shares[i];
		is_whole = is_whole && s->shares[i] == floor(s->shares[i]);
	}
	if (s->baseline.n == 0 || fabs(sum - 1) <= ROUNDING)
		return;
	if (is_whole && sum > 1)
		s->are_counts = true;
	else
		diags_at(ctx->diags, keys_pos(c->spec_node, "baseline"),
			 "write shares that add up to 1 (or 100 %), or numbers of rows",
			 "check \"%s\": the shares of the baseline add up to %.4g", c->name, sum);
}

void distribution_written(struct distribution *d, const struct distribution_spec *s)
{
	d->n_baseline = s->are_counts ? 0 : -1;
	for (size_t i = 0; i < s->baseline.n; i++) {
		distribution_cell(d, s->baseline.items[i].name)->baseline += s->shares[i];
		if (s->are_counts)
			d->n_baseline += s->shares[i];
	}
}

/* ---- in a file ---- */

void distribution_write(struct buf *out, const struct check *c, const struct distribution *d)
{
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_int(&w, "assize_baseline", 1);
	json_put_text(&w, "check", c->name);
	json_open(&w, "edges", '[');
	for (size_t i = 0; i < d->n_edges; i++)
		json_put_real(&w, NULL, d->edges[i]);
	json_close(&w, ']');
	json_open(&w, "cells", '[');
	for (size_t i = 0; i < d->n; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "name", d->cells[i].name);
		json_put_int(&w, "rows", (int64_t)d->cells[i].rows);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	(void)buf_putc(out, '\n');
}

static int number_at(const struct json_doc *doc, const char *pointer, double *out, struct err *e)
{
	struct json_value v;

	if (json_pointer(doc, pointer, &v, e) != 0)
		return -1;
	if (v.type != JSON_IS_INT && v.type != JSON_IS_REAL)
		return err_set(e, ERR_MEASURE, "%s is not a number", pointer);
	*out = v.type == JSON_IS_INT ? (double)v.integer : v.real;
	return 0;
}

static int length_at(const struct json_doc *doc, const char *pointer, size_t max, size_t *out,
		     struct err *e)
{
	struct json_value v;

	if (json_pointer(doc, pointer, &v, e) != 0)
		return -1;
	if (v.type != JSON_IS_ARRAY || v.n > max)
		return err_set(e, ERR_MEASURE, "%s is not a list of at most %zu", pointer, max);
	*out = v.n;
	return 0;
}

static int read_edges(struct distribution *d, const struct json_doc *doc, struct err *e)
{
	size_t n;

	if (length_at(doc, "/edges", DISTRIBUTION_MAX_BINS, &n, e) != 0)
		return -1;
	if (n == 0)
		return 0;
	d->edges = arena_array(d->arena, n, sizeof(*d->edges));
	d->n_edges = n;
	for (size_t i = 0; i < n; i++) {
		const char *at = arena_printf(d->arena, "/edges/%zu", i);

		if (number_at(doc, at, &d->edges[i], e) != 0)
			return -1;
		if (i > 0 && !(d->edges[i - 1] < d->edges[i]))
			return err_set(e, ERR_MEASURE, "%s is not above the one before", at);
	}
	return 0;
}

static int read_cells(struct distribution *d, const struct json_doc *doc, struct err *e)
{
	struct json_value name;
	double rows;
	size_t n;

	if (length_at(doc, "/cells", DISTRIBUTION_MAX_CELLS, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *at = arena_printf(d->arena, "/cells/%zu", i);

		if (json_pointer(doc, arena_printf(d->arena, "%s/name", at), &name, e) != 0 ||
		    number_at(doc, arena_printf(d->arena, "%s/rows", at), &rows, e) != 0)
			return -1;
		if (name.type != JSON_IS_TEXT || !(rows >= 0))
			return err_set(e, ERR_MEASURE, "%s is not a name with a number of rows",
				       at);
		distribution_cell(d, arena_strdup(d->arena, name.text))->baseline += rows;
		d->n_baseline += rows;
	}
	return d->n_baseline > 0 ? 0 : err_set(e, ERR_MEASURE, "it has no rows");
}

static int read_document(struct distribution *d, const struct json_doc *doc, struct err *e)
{
	struct json_value form;

	if (json_pointer(doc, "/assize_baseline", &form, e) != 0)
		return -1;
	if (form.type != JSON_IS_INT || form.integer != 1)
		return err_set(e, ERR_MEASURE, "/assize_baseline is not 1, the only form there is");
	return read_edges(d, doc, e) != 0 ? -1 : read_cells(d, doc, e);
}

int distribution_read_file(struct distribution *d, const struct check *c, struct err *e)
{
	const struct distribution_spec *s = c->spec;
	struct json_doc *doc = NULL;
	struct buf text;
	int rc;

	buf_init(&text, FILE_MAX_BYTES);
	rc = file_read(s->baseline_file, &text, e);
	if (rc == 0)
		rc = json_parse(text.data, text.len, &doc, e);
	if (rc == 0)
		rc = read_document(d, doc, e);
	if (rc != 0) {
		err_context(e, "baseline \"%s\"", s->baseline_file);
		err_help(e, "capture it: assize baseline %s -o FILE", c->name);
	}
	json_free(doc);
	buf_release(&text);
	return rc;
}
