/*
 * What every source may ask: a name of its own, a path as the definition has it, what a round
 * measured.
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

/* A path that climbs higher is easier to read from the root. */
#define MAX_UPS 3

void init_name(struct init *in, struct init_subject *s, const char *from, size_t n,
	       const char *other)
{
	struct arena *a = in->app->arena;
	const char *name;
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < n; i++) {
		bool is_letter =
			(from[i] >= 'a' && from[i] <= 'z') || (from[i] >= 'A' && from[i] <= 'Z');

		if (is_letter || (b.len > 0 && from[i] >= '0' && from[i] <= '9'))
			(void)buf_putc(&b, from[i]); /* cut at the ceiling */
		else if (b.len > 0)
			(void)buf_putc(&b, '_');
	}
	name = b.len > 0 ? arena_strndup(a, b.data, b.len) : other;
	buf_release(&b);
	s->name = name;
	for (int k = 2; !map_put(&in->names, s->name, s); k++)
		s->name = arena_printf(a, "%s_%d", name, k);
}

const char *init_path(const struct init *in, const char *path)
{
	const char *root = in->root, *ups = "";
	size_t n = 0;

	if (strcmp(file_shown(in->app->arena, root, path), path) != 0)
		return file_shown(in->app->arena, root, path);
	/* The part both have, up to a slash; root then has one "../" for each part that is left. */
	for (size_t i = 0; root[i] && root[i] == path[i]; i++)
		if (path[i] == '/')
			n = i + 1;
	if (n <= 1)
		return path;
	for (const char *at = root + n - 1; at; at = strchr(at + 1, '/'))
		ups = arena_printf(in->app->arena, "%s../", ups);
	return strlen(ups) <= MAX_UPS * 3 ? arena_printf(in->app->arena, "%s%s", ups, path + n)
					  : path;
}

const struct result *init_value(const struct init_subject *s, size_t round, const char *id,
				const char *series, const char **reason)
{
	const char *why = "it was not measured";

	for (size_t i = 0; round < s->n_rounds && i < s->rounds[round].n; i++) {
		const struct result *r = &s->rounds[round].items[i];

		if (strcmp(strchr(r->check->name, '/') + 1, id) != 0)
			continue;
		if (r->value.type == VALUE_NONE && r->reason) /* maybe of all its series */
			why = r->reason;
		if (series && strcmp(r->series, series) != 0)
			continue;
		if (r->value.type != VALUE_NONE)
			return r;
		break;
	}
	if (reason)
		*reason = why;
	return NULL;
}

double init_number(const struct result *r)
{
	switch (r->value.type) {
	case VALUE_INT:
		return (double)r->value.integer;
	case VALUE_REAL:
		return r->value.real;
	case VALUE_TEXT:
	case VALUE_NONE:
		break;
	}
	return NAN;
}

void init_note(struct init_subject *s, const char *fmt, ...)
{
	const char **grown = arena_array(s->arena, s->n_notes + 1, sizeof(*grown));
	va_list ap;

	if (s->n_notes > 0)
		memcpy(grown, s->notes, s->n_notes * sizeof(*grown));
	va_start(ap, fmt);
	grown[s->n_notes++] = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
	s->notes = grown;
}
