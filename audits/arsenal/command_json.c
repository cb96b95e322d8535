/*
 * JSON. Only the value that is meant is another one, every other byte stays; of places that are
 * counted some are taken out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/arsenal/command.h"
#include "audits/capture.h"
#include "audits/json_edit.h"
#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

/* Where it is in the document: what json_edit() calls it. */
struct place {
	const char *name;
	size_t *numbers; /* ascending */
	size_t n;
};

struct editing {
	const struct place *place;
	size_t from;	   /* of the numbers: those from here on are meant */
	const char *token; /* NULL = taken out */
};

static int by_number(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static enum json_edit edit(void *ctx, size_t number, struct buf *out)
{
	const struct editing *x = ctx;
	const struct place *p = x->place;

	if (x->from >= p->n || bsearch(&number, p->numbers + x->from, p->n - x->from,
				       sizeof(number), by_number) == NULL)
		return JSON_KEEP;
	if (x->token == NULL)
		return JSON_DROP;
	(void)buf_puts(out, x->token);
	return JSON_REPLACE;
}

static void edit_document(const struct saying *s, struct editing *x, struct command_ran *ran)
{
	struct command_document d = command_document_at(s->spec, ran, 0);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* of a document that is bounded */
	json_edit(d.text, d.n, edit, x, &b);
	command_put_document(s, ran, 0, arena_strndup(s->arena, b.data, b.len), b.len);
	buf_release(&b);
}

static int put_value(const struct saying *s, const struct command_value *v, const char *token,
		     struct command_ran *ran, struct err *e)
{
	struct editing x = {.place = v->place, .token = token};

	(void)e;
	edit_document(s, &x, ran);
	return 0;
}

static const char *quoted(struct arena *a, const char *text)
{
	return arena_printf(a, "\"%s\"", text); /* of ours */
}

/* ---- what is counted ---- */

static size_t n_lost(const struct place *p, double share)
{
	double n = round(share * (double)p->n);

	return n < 1 ? 1 : n < (double)p->n ? (size_t)n : p->n;
}

static const struct place *place_of(const struct attack *a)
{
	const struct command_plan *plan = a->state;

	return plan->of;
}

/* The first stay, so that what is lost is lost by more, too. */
static int say_lost(const struct saying *s, struct command_ran *ran, struct err *e)
{
	const struct place *p = place_of(s->attack);
	struct editing x = {.place = p, .from = p->n - n_lost(p, s->dose)};

	(void)e;
	edit_document(s, &x, ran);
	return 0;
}

static const char *words_lost(const struct challenge *c, const struct attack *a, double dose)
{
	const struct place *p = place_of(a);

	return arena_printf(c->arena, "%zu of the %zu that %s counts %s gone", n_lost(p, dose),
			    p->n, p->name, n_lost(p, dose) == 1 ? "is" : "are");
}

static void attack_count(struct challenge *c, const struct place *p)
{
	struct attack *a;

	if (p->n == 0 || p->numbers[0] == 0) /* none, or the document itself */
		return;
	a = command_attack_add(
		c, COMMAND_ITEMS_LOST, p->name,
		&(struct command_plan){.say = say_lost, .words = words_lost, .of = p});
	a->dose = 0.5;
	a->least = 1 / (double)p->n;
	a->most = 1;
}

/* ---- survey ---- */

static bool is_shared(const struct json_doc *doc, const struct json_t *node)
{
	struct json_value v;

	json_read(doc, node, &v);
	return v.type == JSON_IS_BOOL || v.type == JSON_IS_NULL;
}

/* What a path selects. false = it cannot be told: of all that is true there is one node. */
static bool find_path(struct challenge *c, const struct capture *capture,
		      const struct json_doc *doc, struct place *out, struct json_t **first)
{
	struct json_nodes found = {.items = NULL};
	struct err e = {0};
	bool is = jsonpath_select(capture->path, doc, &found, &e) == 0;

	out->numbers = arena_array(c->arena, found.n + 1, sizeof(*out->numbers));
	for (size_t i = 0; is && i < found.n; i++) {
		is = !is_shared(doc, found.items[i]);
		out->numbers[out->n++] = json_number_of(doc, found.items[i]);
	}
	qsort(out->numbers, out->n, sizeof(*out->numbers), by_number);
	*first = out->n > 0 ? found.items[0] : NULL;
	json_nodes_release(&found);
	return is && (capture->source == CAPTURE_COUNT || out->n == 1);
}

static void find_pointer(struct challenge *c, const char *pointer, const struct json_doc *doc,
			 struct place *out, struct json_t **first)
{
	out->numbers = arena_alloc(c->arena, sizeof(*out->numbers));
	out->numbers[0] = json_number_at(doc, pointer);
	out->n = 1;
	*first = json_pointer_at(doc, pointer);
}

/* False: there is no value, and so nothing to miss. */
static bool read_value(struct arena *a, const struct json_doc *doc, const struct json_t *node,
		       struct command_value *v)
{
	struct json_value read;

	json_read(doc, node, &read);
	v->type = VALUE_TEXT;
	v->is_bool = read.type == JSON_IS_BOOL;
	switch (read.type) {
	case JSON_IS_BOOL:
		v->text = read.boolean ? "true" : "false";
		return true;
	case JSON_IS_INT:
		v->type = VALUE_INT;
		v->number = (double)read.integer;
		v->text = arena_printf(a, "%" PRId64, read.integer);
		return true;
	case JSON_IS_REAL:
		v->type = VALUE_REAL;
		v->number = read.real;
		v->has_point = true;
		v->text = arena_printf(a, "%.4g", read.real);
		return true;
	case JSON_IS_TEXT:
		v->text = arena_strndup(a, read.text, read.n);
		return true;
	case JSON_ABSENT:
	case JSON_IS_NULL:
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		break;
	}
	return false;
}

static void attack_capture(struct challenge *c, const struct pair *wanted,
			   const struct json_doc *doc)
{
	struct command_value *v = arena_alloc(c->arena, sizeof(*v));
	struct place *p = arena_alloc(c->arena, sizeof(*p));
	struct json_t *node = NULL;
	struct capture capture;
	struct err e = {0};

	*p = (struct place){.name = wanted->name};
	*v = (struct command_value){.name = wanted->name,
				    .text = "",
				    .put = put_value,
				    .quoted = quoted,
				    .unknown = "null",
				    .place = p};
	if (!command_expects(c->check, wanted->name)) {
		command_attack_settled(c, v, ATTACK_OUT_OF_REACH, "nothing is expected of it");
		return;
	}
	if (capture_parse_json(c->arena, wanted->value, &capture, &e) != 0)
		return; /* refused by the definition's check */
	if (capture.source == CAPTURE_POINTER) {
		find_pointer(c, wanted->value, doc, p, &node);
	} else if (!find_path(c, &capture, doc, p, &node)) {
		command_attack_settled(c, v, ATTACK_INCONCLUSIVE,
				       "which place of the document it is cannot be told: name it "
				       "by a JSON Pointer");
		return;
	}
	if (capture.source == CAPTURE_COUNT)
		attack_count(c, p);
	else if (read_value(c->arena, doc, node, v))
		command_attack_value(c, v);
}

void command_survey_json(struct challenge *c)
{
	const struct command_spec *spec = c->check->spec;
	const struct command_ran *ran = command_said(c);
	struct command_document d;
	struct json_doc *doc;
	struct err e = {0};

	if (command_n_documents(spec, ran) != 1)
		return; /* no value was measured of it */
	d = command_document_at(spec, ran, 0);
	if (json_parse(d.text, d.n, &doc, &e) != 0)
		return;
	for (size_t i = 0; i < spec->json.n; i++)
		attack_capture(c, &spec->json.items[i], doc);
	json_free(doc);
}
