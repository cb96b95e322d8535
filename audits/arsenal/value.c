/*
 * What is taken away or changed is the value alone, every other byte stays: what the check notices
 * is then that value and nothing beside it. What stands for a number keeps its form: a whole number
 * stays whole, a number within quotes or a header stays a text that reads as one.
 */
#include "audits/arsenal/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audits/capture.h"
#include "audits/json_edit.h"
#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/json.h"
#include "runner/model/pattern.h"

#define FOREIGN "assize-unknown"
#define MOST	1e6 /* times as much: who does not notice that looks at no size */
#define EXACT	9e15
#define MAX_HEX 15 /* of a text 0x.., so that it fits */

const char *value_scaled(struct arena *a, const struct value *v, double factor)
{
	double scaled = (v->type == VALUE_INT ? (double)v->integer : v->real) * factor;
	char text[NUM_REAL_MAX];

	if (v->type == VALUE_INT && fabs(scaled) < EXACT)
		return arena_printf(a, "%" PRId64, (int64_t)llround(scaled));
	(void)num_format_real(scaled, text); /* length is known */
	return arena_strdup(a, text);
}

/* ---- where it is ---- */

static int by_number(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool find_nodes(const struct capture *capture, const struct json_doc *doc,
		       struct json_nodes *out)
{
	struct err ignored = {0}; /* the check could: then so can we, or it is not attacked */

	if (capture->source != CAPTURE_POINTER)
		return jsonpath_select(capture->path, doc, out, &ignored) == 0;
	out->items = xmalloc(sizeof(struct json_t *));
	out->items[0] = json_pointer_at(doc, capture->text);
	out->n = out->items[0] != NULL ? 1 : 0;
	return true;
}

static void read_value(struct arena *a, const struct json_doc *doc, const struct json_t *at,
		       struct value_place *out)
{
	struct json_value v;

	json_read(doc, at, &v);
	out->is_bool = v.type == JSON_IS_BOOL;
	if (v.type == JSON_IS_INT)
		out->value = (struct value){.type = VALUE_INT, .integer = v.integer};
	else if (v.type == JSON_IS_REAL)
		out->value = (struct value){.type = VALUE_REAL, .real = v.real};
	else if (out->is_bool)
		out->value =
			(struct value){.type = VALUE_TEXT, .text = v.boolean ? "true" : "false"};
	else if (v.type == JSON_IS_TEXT)
		out->value =
			(struct value){.type = VALUE_TEXT, .text = arena_strndup(a, v.text, v.n)};
}

/* Has any of them no place of its own? All that is true is one node, and so is all false and null.
 */
static bool has_shared(const struct json_doc *doc, const struct json_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++) {
		struct json_value v;

		json_read(doc, nodes->items[i], &v);
		if (v.type == JSON_IS_BOOL || v.type == JSON_IS_NULL)
			return true;
	}
	return false;
}

static bool locate_json(struct arena *a, const struct capture *capture, const struct http_taped *x,
			struct value_place *out)
{
	struct json_nodes nodes = {.items = NULL};
	struct json_doc *doc;
	struct err ignored = {0}; /* no JSON: the value is not there */
	bool is_there;

	if (json_parse(x->body, x->n_body, &doc, &ignored) != 0)
		return false;
	is_there = find_nodes(capture, doc, &nodes) && nodes.n > 0;
	out->where = capture->source == CAPTURE_COUNT ? COUNTED : IN_JSON;
	out->numbers = arena_array(a, nodes.n + 1, sizeof(*out->numbers));
	if (capture->source == CAPTURE_POINTER) {
		out->numbers[out->n_numbers++] = json_number_at(doc, capture->text);
	} else {
		out->n_numbers = json_numbers_of(doc, nodes.items, nodes.n, out->numbers);
		out->is_vague = has_shared(doc, &nodes);
	}
	if (is_there && out->where == IN_JSON)
		read_value(a, doc, nodes.items[0], out);
	json_nodes_release(&nodes);
	json_free(doc);
	return is_there && (out->where == COUNTED || out->value.type != VALUE_NONE);
}

static bool locate_header(const struct capture *capture, const struct http_response *res,
			  struct value_place *out)
{
	bool is_cookie = capture->source == CAPTURE_COOKIE;
	size_t n = strlen(capture->name);

	out->where = IN_HEADER;
	for (size_t i = 0; i < res->n_headers; i++) {
		const char *name = res->headers[i].name, *value = res->headers[i].value;

		if (strcasecmp(name, is_cookie ? "Set-Cookie" : capture->name) != 0 ||
		    (is_cookie && (strncmp(value, capture->name, n) != 0 || value[n] != '=')))
			continue;
		out->header = i;
		out->from = is_cookie ? n + 1 : 0;
		out->n = is_cookie ? strcspn(value + out->from, "; \t") : strlen(value);
		return true;
	}
	return false;
}

/* What the check makes of the text: a number or a text. */
static void read_text(struct arena *a, const char *s, size_t n, struct value_place *out)
{
	int64_t integer;
	double real;

	if (num_parse_int(s, n, &integer) == 0)
		out->value = (struct value){.type = VALUE_INT, .integer = integer};
	else if (num_parse_real(s, n, &real) == 0)
		out->value = (struct value){.type = VALUE_REAL, .real = real};
	else
		out->value = (struct value){.type = VALUE_TEXT, .text = arena_strndup(a, s, n)};
}

static bool locate(struct arena *a, const struct capture *capture, const struct http_taped *x,
		   struct value_place *out)
{
	struct err ignored = {0}; /* the check could search, and found it */

	if (capture_is_of_json(capture))
		return locate_json(a, capture, x, out);
	if (capture->source == CAPTURE_PATTERN) {
		out->where = IN_TEXT;
		if (pattern_capture(capture->pattern, x->body, x->n_body, &out->from, &out->n,
				    &ignored) != 1)
			return false;
		read_text(a, x->body + out->from, out->n, out);
		return true;
	}
	if (!locate_header(capture, &x->response, out))
		return false;
	read_text(a, x->response.headers[out->header].value + out->from, out->n, out);
	return true;
}

/* ---- what can be done to it ---- */

static struct attack *add(struct challenge *c, const struct value_place *p, size_t row)
{
	struct attack *a = challenge_add(c, &p->rows[row], p->name);

	a->state = p;
	return a;
}

static void settle_if(struct attack *a, bool is_so, const char *reason)
{
	if (!is_so)
		return;
	a->settled = ATTACK_NO_EFFECT;
	a->reason = reason;
}

static void grade(struct attack *a, double dose)
{
	a->dose = dose;
	a->least = 0.001;
	a->most = MOST;
}

static void survey_number(struct challenge *c, const struct value_place *p)
{
	static const size_t rows[] = {VALUE_ZEROED, VALUE_DOUBLED, VALUE_TEN_TIMES, VALUE_TENTH,
				      VALUE_NEGATED};
	bool is_zero = p->value.type == VALUE_INT ? p->value.integer == 0 : p->value.real == 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct attack *a;

		if (p->is_hex && rows[i] == VALUE_NEGATED)
			continue; /* there is no such text */
		a = add(c, p, rows[i]);

		if (rows[i] == VALUE_DOUBLED)
			grade(a, 1);
		else if (rows[i] == VALUE_TENTH)
			grade(a, 9);
		settle_if(a, is_zero, "it is 0 as it is");
	}
	if (is_zero) {
		struct attack *a = add(c, p, VALUE_NONZERO);

		grade(a, 10);
		a->least = p->value.type == VALUE_INT ? 1 : a->least;
	}
	if (p->where == IN_JSON && !p->is_hex)
		(void)add(c, p, VALUE_AS_TEXT);
}

static void survey_text(struct challenge *c, const struct value_place *p)
{
	if (p->is_bool) {
		(void)add(c, p, VALUE_NEGATED);
		return;
	}
	settle_if(add(c, p, VALUE_EMPTIED), p->value.text[0] == '\0', "it is empty as it is");
	(void)add(c, p, VALUE_UNKNOWN);
}

static void survey_counted(struct challenge *c, const struct value_place *p)
{
	struct attack *a;

	if (p->numbers[0] == 0) /* the document itself */
		return;
	a = add(c, p, VALUE_ITEMS_LOST);
	a->dose = 0.5;
	a->least = 1 / (double)p->n_numbers;
	a->most = 1;
}

/* Larger ones stay texts. */
static void read_hex(struct value_place *p)
{
	const char *text = p->value.type == VALUE_TEXT ? p->value.text : "";
	char *end;
	unsigned long long n;

	if (p->where != IN_JSON || strncmp(text, "0x", 2) != 0 || strlen(text) < 3 ||
	    strlen(text) > MAX_HEX)
		return;
	n = strtoull(text, &end, 16); /* of that length it fits */
	if (*end != '\0')
		return;
	p->is_hex = true;
	p->value = (struct value){.type = VALUE_INT, .integer = (int64_t)n};
}

void value_survey(struct challenge *c, const struct replay *r, const struct value_wanted *wanted)
{
	struct value_place *p = arena_alloc(c->arena, sizeof(*p));

	p->rows = wanted->rows;
	p->item = wanted->item;
	p->name = wanted->name;
	if (!locate(c->arena, wanted->capture, &r->tape.items[p->item], p))
		return; /* it has no value as it is: then nobody could miss it */
	if (wanted->is_hex)
		read_hex(p);
	if (p->is_vague) {
		struct attack *a = add(c, p, VALUE_REMOVED);

		a->settled = ATTACK_INCONCLUSIVE;
		a->reason = "the path leads to true, false or null, and where that stands cannot "
			    "be told: a JSON Pointer can";
		return;
	}
	if (p->where == COUNTED) {
		survey_counted(c, p);
		return;
	}
	if (p->where == IN_HEADER)
		(void)add(c, p, VALUE_HEADER_LOST);
	else if (p->where == IN_TEXT || p->numbers[0] > 0)
		(void)add(c, p, VALUE_REMOVED);
	if (p->where == IN_JSON)
		(void)add(c, p, VALUE_NULLED);
	if (!wanted->is_judged)
		return;
	if (p->value.type == VALUE_TEXT)
		survey_text(c, p);
	else
		survey_number(c, p);
}

const char *value_text(struct arena *a, const struct capture *capture, const struct http_taped *x)
{
	struct value_place p = {.rows = NULL};

	if (!locate(a, capture, x, &p) || p.where == COUNTED)
		return NULL;
	return p.value.type == VALUE_TEXT ? p.value.text : value_scaled(a, &p.value, 1);
}

/* ---- doing it ---- */

static size_t row_of(const struct attack *a)
{
	const struct value_place *p = a->state;

	return (size_t)(a->row - p->rows);
}

/* In place of 0; whole numbers stay whole. */
static struct value nonzero(const struct value_place *p, double dose)
{
	return p->value.type == VALUE_INT
		       ? (struct value){.type = VALUE_INT, .integer = llround(dose)}
		       : (struct value){.type = VALUE_REAL, .real = dose};
}

/* What stands there instead, without quotes; NULL = nothing. */
static const char *instead(const struct damage *d, const struct value_place *p)
{
	struct value other = nonzero(p, d->dose);

	switch (row_of(d->attack)) {
	case VALUE_NULLED:
		return "null";
	case VALUE_EMPTIED:
		return "";
	case VALUE_UNKNOWN:
		return FOREIGN;
	case VALUE_ZEROED:
		return "0";
	case VALUE_NONZERO:
		return value_scaled(d->arena, &other, 1);
	case VALUE_DOUBLED:
		return value_scaled(d->arena, &p->value, 1 + d->dose);
	case VALUE_TEN_TIMES:
		return value_scaled(d->arena, &p->value, 10);
	case VALUE_TENTH:
		return value_scaled(d->arena, &p->value, 1 / (1 + d->dose));
	case VALUE_NEGATED:
		if (p->is_bool)
			return strcmp(p->value.text, "true") == 0 ? "false" : "true";
		return value_scaled(d->arena, &p->value, -1);
	case VALUE_AS_TEXT:
		return value_scaled(d->arena, &p->value, 1);
	default: /* what is taken away */
		return NULL;
	}
}

struct editing {
	const struct value_place *place;
	const char *instead;
	bool is_quoted;
	size_t from; /* of place->numbers, those from here on are meant */
};

static enum json_edit edit(void *ctx, size_t number, struct buf *out)
{
	const struct editing *x = ctx;
	const struct value_place *p = x->place;

	if (x->from >= p->n_numbers ||
	    bsearch(&number, p->numbers + x->from, p->n_numbers - x->from, sizeof(number),
		    by_number) == NULL)
		return JSON_KEEP;
	if (x->instead == NULL)
		return JSON_DROP;
	(void)buf_printf(out, x->is_quoted ? "\"%s\"" : "%s", x->instead); /* ours, and short */
	return JSON_REPLACE;
}

static const char *as_hex(struct arena *a, const char *number)
{
	double v = 0;

	(void)num_parse_real(number, strlen(number), &v); /* it is one of ours */
	return v < EXACT ? arena_printf(a, "0x%" PRIx64, (uint64_t)v) : number;
}

static void damage_json(struct damage *d, const struct value_place *p)
{
	struct editing x = {.place = p, .instead = instead(d, p)};
	size_t row = row_of(d->attack);
	struct buf b;

	if (p->is_hex && row >= VALUE_ZEROED && row <= VALUE_TENTH)
		x.instead = as_hex(d->arena, x.instead);
	x.is_quoted = row == VALUE_EMPTIED || row == VALUE_UNKNOWN || row == VALUE_AS_TEXT ||
		      (p->is_hex && x.instead != NULL && row != VALUE_NULLED);
	if (row == VALUE_ITEMS_LOST) /* the first stay, so that lost ones are lost by more, too */
		x.from = p->n_numbers - (size_t)llround(d->dose * (double)p->n_numbers);
	buf_init(&b, BUF_UNBOUNDED);
	json_edit(d->answer->body, d->answer->n_body, edit, &x, &b);
	damage_body(d, arena_strndup(d->arena, b.data, b.len), b.len);
	buf_release(&b);
}

static const char *spliced(struct arena *a, const char *s, size_t n, const struct value_place *p,
			   const char *by, size_t *n_out)
{
	struct buf b;
	char *text;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_add(&b, s, p->from);
	(void)buf_puts(&b, by != NULL ? by : "");
	(void)buf_add(&b, s + p->from + p->n, n - p->from - p->n);
	text = arena_alloc(a, b.len + 1);
	memcpy(text, b.data, b.len); /* it may hold a NUL */
	*n_out = b.len;
	buf_release(&b);
	return text;
}

static void damage_header(struct damage *d, const struct value_place *p)
{
	struct http_response *res = &d->answer->response;
	struct http_header *headers = arena_array(d->arena, res->n_headers, sizeof(*headers));
	struct http_header *x = &headers[p->header];
	size_t n;

	memcpy(headers, res->headers, res->n_headers * sizeof(*headers));
	if (row_of(d->attack) == VALUE_HEADER_LOST) {
		size_t behind = res->n_headers - p->header - 1;

		if (strcasecmp(x->name, "Content-Type") == 0)
			res->content_type = "";
		memmove(x, x + 1, behind * sizeof(*x));
		res->n_headers--;
	} else {
		x->value = spliced(d->arena, x->value, strlen(x->value), p, instead(d, p), &n);
		if (strcasecmp(x->name, "Content-Type") == 0)
			res->content_type = x->value;
	}
	res->headers = headers;
}

void value_damage(struct damage *d)
{
	const struct value_place *p = d->attack->state;
	size_t n;

	if (d->i != p->item)
		return;
	if (p->where == IN_HEADER) {
		damage_header(d, p);
	} else if (p->where == IN_TEXT) {
		const char *text =
			spliced(d->arena, d->answer->body, d->answer->n_body, p, instead(d, p), &n);

		damage_body(d, text, n);
	} else {
		damage_json(d, p);
	}
}

const char *value_words(const struct challenge *c, const struct attack *a, double dose)
{
	size_t n_lost;
	const struct value_place *p = a->state;
	const char *name = p->name;
	struct value other;

	switch (row_of(a)) {
	case VALUE_REMOVED:
		return replay_printf(c, "%s is not there", name);
	case VALUE_NULLED:
		return replay_printf(c, "%s is null", name);
	case VALUE_EMPTIED:
		return replay_printf(c, "%s is empty", name);
	case VALUE_UNKNOWN:
		return replay_printf(c, "%s is \"%s\"", name, FOREIGN);
	case VALUE_ZEROED:
		return replay_printf(c, "%s is 0", name);
	case VALUE_NONZERO:
		other = nonzero(p, dose);
		return replay_printf(c, "%s is %s in place of 0", name,
				     value_scaled(c->arena, &other, 1));
	case VALUE_DOUBLED:
		return replay_printf(c, "%s is %.4g times as large", name, 1 + dose);
	case VALUE_TEN_TIMES:
		return replay_printf(c, "%s is 10 times as large", name);
	case VALUE_TENTH:
		return replay_printf(c, "%s is 1/%.4g of what it was", name, 1 + dose);
	case VALUE_NEGATED:
		return replay_printf(c, p->is_bool ? "%s is the opposite" : "%s has the other sign",
				     name);
	case VALUE_AS_TEXT:
		return replay_printf(c, "%s is a text in quotes", name);
	case VALUE_ITEMS_LOST:
		n_lost = (size_t)llround(dose * (double)p->n_numbers);
		return replay_printf(c, "%zu of the %zu that %s counts %s gone", n_lost,
				     p->n_numbers, name, n_lost == 1 ? "is" : "are");
	default: /* VALUE_HEADER_LOST: a row of ours */
		return replay_printf(c, "%s is not there", name);
	}
}
