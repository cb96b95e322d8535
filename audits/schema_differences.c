/* schema_differences: see the header. Order is by weight, then as found; nothing depends on names.
 */
#include "audits/schema_differences.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/model/measurement.h"

#define ROOM_FOR_MORE 64

void differences_init(struct differences *d, struct arena *a, enum db_engine engine)
{
	*d = (struct differences){.arena = a, .engine = engine, .object = ""};
}

void differences_begin(struct differences *d, const char *object)
{
	d->object = object;
}

void differences_expect(struct differences *d, bool holds, enum schema_weight weight,
			const char *fmt, ...)
{
	va_list ap;

	d->n_facts++;
	if (holds)
		return;
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 16;
		struct difference *items = arena_array(d->arena, cap, sizeof(*items));

		if (d->n > 0)
			memcpy(items, d->items, d->n * sizeof(*items));
		d->items = items;
		d->cap = cap;
	}
	va_start(ap, fmt);
	const char *line = arena_vprintf(d->arena, fmt, ap);

	va_end(ap);
	d->items[d->n] = (struct difference){
		.object = d->object,
		.weight = weight,
		.order = d->n,
		.line = str_escaped(d->arena, line),
	};
	d->n++;
}

/* The first and the heaviest difference of an object, and where the object stands. */
struct standing {
	enum schema_weight weight;
	size_t order;
};

struct placed {
	struct standing object;
	const struct difference *difference;
};

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->object.weight != y->object.weight)
		return x->object.weight < y->object.weight ? -1 : 1;
	if (x->object.order != y->object.order)
		return x->object.order < y->object.order ? -1 : 1;
	if (x->difference->weight != y->difference->weight)
		return x->difference->weight < y->difference->weight ? -1 : 1;
	return x->difference->order < y->difference->order ? -1 : 1;
}

static const struct placed *place(struct differences *d)
{
	struct placed *placed = arena_array(d->arena, d->n, sizeof(*placed));
	struct map objects;

	map_init(&objects, d->arena);
	for (size_t i = 0; i < d->n; i++) {
		const struct difference *item = &d->items[i];
		struct standing *s = map_get(&objects, item->object);

		if (!s) {
			s = arena_alloc(d->arena, sizeof(*s));
			*s = (struct standing){item->weight, item->order};
			(void)map_put(&objects, item->object, s); /* it is new */
		}
		if (item->weight < s->weight)
			s->weight = item->weight;
	}
	for (size_t i = 0; i < d->n; i++)
		placed[i] = (struct placed){
			*(const struct standing *)map_get(&objects, d->items[i].object),
			&d->items[i],
		};
	qsort(placed, d->n, sizeof(*placed), by_place);
	return placed;
}

const char *differences_text(struct differences *d)
{
	struct buf b;
	size_t i;

	if (d->n == 0)
		return NULL;
	const struct placed *placed = place(d);

	buf_init(&b, EVIDENCE_MAX_BYTES);
	for (i = 0; i < d->n; i++) {
		const char *line = placed[i].difference->line;

		if (b.len + strlen(line) + 1 + ROOM_FOR_MORE > EVIDENCE_MAX_BYTES)
			break;
		(void)buf_printf(&b, "%s%s", b.len > 0 ? "\n" : "", line);
	}
	if (i < d->n)
		(void)buf_printf(&b, "\nand %zu more", d->n - i);
	const char *text = arena_strndup(d->arena, b.data, b.len);

	buf_release(&b);
	return text;
}
