/*
 * command: a program that prints JSON; the definition names values in it. One document, nothing
 * before or behind it: a log line in front of it is told, not stepped over.
 */
#include "audits/capture.h"
#include "audits/command.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"
#include "runner/io/proc.h"

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
		return arena_printf(a, "%s, it begins \"%s\"", e.message,
				    str_escaped(a, command_shown(v, d->text)));
	return NULL;
}

static struct measurement measure(struct arena *a, const struct pair *p,
				  const struct capture_view *view)
{
	struct err e = {.class = ERR_NONE};
	struct capture c;

	if (capture_parse_json(a, p->value, &c, &e) < 0) /* refused by the definition's check */
		return measurement_none(p->name, arena_strdup(a, e.message));
	return capture_take(&c, p->name, view, a);
}

void command_emit_json(struct command_view *v)
{
	struct json_doc *doc = NULL;
	struct capture_view view = {.torn_problem = NULL};

	view.json_problem = v->reason ? v->reason : parse(v, &doc);
	view.json = doc;
	for (size_t i = 0; i < v->spec->json.n; i++)
		command_emit(v, measure(v->probe->arena, &v->spec->json.items[i], &view));
	json_free(doc);
}
