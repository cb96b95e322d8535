/*
 * schema_review: changes as a reviewer wants to read them: object by object, first what goes, then
 * what changes, then what comes; behind each change what it costs.
 */
#include <string.h>

#include "audits/schema_changes.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/io/json.h"

static const char marks[] = {[SCHEMA_REMOVED] = '-', [SCHEMA_ALTERED] = '~', [SCHEMA_ADDED] = '+'};

static void put_notes(struct buf *out, const struct schema_change *c)
{
	if (c->maybe_from)
		(void)buf_printf(out, "  [maybe renamed from %s]", c->maybe_from);
	if (c->risk)
		(void)buf_printf(out, "  [%s]", c->risk);
}

static void put_change(const struct schema_changes *all, struct buf *out,
		       const struct schema_change *c)
{
	struct arena *a = all->arena;
	const char *indent = c->part || c->how == SCHEMA_ALTERED ? "  " : "";
	const char *name = c->part ? c->part : arena_printf(a, "%s %s", c->kind, c->object);

	(void)buf_printf(out, "%s%c ", indent, marks[c->how]);
	if (c->how == SCHEMA_ALTERED)
		(void)buf_printf(out, "%s%s%s%s%s -> %s", c->part ? str_escaped(a, c->part) : "",
				 c->part ? ", " : "", c->fact ? c->fact : "", c->fact ? ": " : "",
				 str_escaped(a, c->was), str_escaped(a, c->is));
	else
		(void)buf_printf(out, "%s%s%s", str_escaped(a, name), c->is ? ": " : "",
				 c->is ? str_escaped(a, c->is) : "");
	put_notes(out, c);
	(void)buf_putc(out, '\n');
}

static bool is_whole_object(const struct schema_change *c)
{
	return !c->part && c->how != SCHEMA_ALTERED;
}

static bool same_object(const struct schema_change *a, const struct schema_change *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->object, b->object) == 0;
}

static void put_objects(const struct schema_changes *c, struct buf *out, enum schema_how how)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_whole_object(&c->items[i]) && c->items[i].how == how)
			put_change(c, out, &c->items[i]);
}

/* The changes of one object stand together. */
static void put_altered(const struct schema_changes *c, struct buf *out)
{
	const struct schema_change *last = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct schema_change *item = &c->items[i];

		if (is_whole_object(item))
			continue;
		if (!last || !same_object(last, item))
			(void)buf_printf(out, "%s %s\n", item->kind,
					 str_escaped(c->arena, item->object));
		put_change(c, out, item);
		last = item;
	}
}

void schema_changes_review(const struct schema_changes *c, struct buf *out)
{
	size_t counts[3] = {0}, n_risks = 0;

	for (size_t i = 0; i < c->n; i++) {
		counts[c->items[i].how]++;
		n_risks += c->items[i].risk != NULL;
	}
	put_objects(c, out, SCHEMA_REMOVED);
	put_altered(c, out);
	put_objects(c, out, SCHEMA_ADDED);
	if (c->n == 0) {
		(void)buf_printf(out, "same schema: %lld facts compared\n", (long long)c->n_facts);
		return;
	}
	(void)buf_printf(out, "\n%zu difference%s: %zu removed, %zu changed, %zu added", c->n,
			 c->n == 1 ? "" : "s", counts[SCHEMA_REMOVED], counts[SCHEMA_ALTERED],
			 counts[SCHEMA_ADDED]);
	if (n_risks > 0)
		(void)buf_printf(out, "; %zu with a risk", n_risks);
	(void)buf_putc(out, '\n');
}

void schema_changes_json(const struct schema_changes *c, struct buf *out)
{
	static const char *const words[] = {[SCHEMA_REMOVED] = "removed",
					    [SCHEMA_ALTERED] = "changed",
					    [SCHEMA_ADDED] = "added"};
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < c->n; i++) {
		const struct schema_change *item = &c->items[i];

		json_open(&w, NULL, '{');
		json_put_text(&w, "how", words[item->how]);
		json_put_text(&w, "kind", item->kind);
		json_put_text(&w, "object", item->object);
		json_put_text(&w, "part", item->part);
		json_put_text(&w, "fact", item->fact);
		json_put_text(&w, "was", item->how == SCHEMA_REMOVED ? item->is : item->was);
		json_put_text(&w, "is", item->how == SCHEMA_REMOVED ? NULL : item->is);
		json_put_text(&w, "risk", item->risk);
		json_put_text(&w, "maybe_renamed_from", item->maybe_from);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	(void)buf_putc(out, '\n');
}
