/*
 * command: a program that prints JSON; the definition names values in it. One document, nothing
 * before or behind it: a log line in front of it is told, not stepped over.
 */
#include "audits/command.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/io/proc.h"

#define SHOWN_BYTES 60

static struct measurement measure(struct arena *a, const char *name, const char *at,
				  const struct json_value *v)
{
	struct measurement m;

	switch (v->type) {
	case JSON_ABSENT:
		return measurement_none(name, arena_printf(a, "there is nothing at \"%s\"", at));
	case JSON_IS_NULL:
		return measurement_none(name, arena_printf(a, "there is null at \"%s\"", at));
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		return measurement_none(
			name, arena_printf(a, "there is an %s at \"%s\", not a value",
					   v->type == JSON_IS_ARRAY ? "array" : "object", at));
	case JSON_IS_BOOL:
		return measurement_text(name, v->boolean ? "true" : "false");
	case JSON_IS_TEXT:
		return measurement_text(name, arena_strdup(a, v->text));
	case JSON_IS_INT:
		return measurement_int(name, v->integer, "");
	case JSON_IS_REAL:
		break;
	}
	m = measurement_real(name, v->real, "");
	m.is_rounded = v->is_rounded;
	if (m.is_rounded)
		m.reason = "an integer beyond 2^63: its last digits are not kept";
	return m;
}

static const char *parse(const struct command_view *v, struct json_doc **doc)
{
	struct arena *a = v->probe->arena;
	const struct command_document *d = v->documents;
	struct err e = {.class = ERR_NONE};

	if (v->documents_problem)
		return v->documents_problem;
	if (v->n_documents != 1)
		return arena_printf(a, "\"%s\" names %zu files, but one is one document",
				    v->spec->report, v->n_documents);
	if (d->n == 0)
		return "it is empty, not JSON";
	if (json_parse(d->text, d->n, doc, &e) < 0)
		return arena_printf(
			a, "%s, it begins \"%s\"", e.message,
			str_escaped(a, arena_strndup(a, d->text,
						     d->n < SHOWN_BYTES ? d->n : SHOWN_BYTES)));
	return NULL;
}

void command_emit_json(struct command_view *v)
{
	struct json_doc *doc = NULL;
	const char *problem = v->reason ? v->reason : parse(v, &doc);

	for (size_t i = 0; i < v->spec->json.n; i++) {
		const struct pair *p = &v->spec->json.items[i];
		struct json_value found = {.type = JSON_ABSENT};
		struct err e = {.class = ERR_NONE};

		if (problem)
			command_emit(v, measurement_none(p->name, problem));
		else if (json_pointer(doc, p->value, &found, &e) < 0)
			command_emit(v, measurement_none(p->name,
							 arena_strdup(v->probe->arena, e.message)));
		else
			command_emit(v, measure(v->probe->arena, p->name, p->value, &found));
	}
	json_free(doc);
}
