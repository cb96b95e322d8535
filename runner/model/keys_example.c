/*
 * What a value or a whole mapping can look like, for whoever wrote something else. The rows'
 * examples are the only source.
 */
#include "runner/base/arena.h"
#include "runner/model/keys.h"

const char *keys_example(struct arena *a, const struct key_row *row)
{
	return row->example ? arena_printf(a, "for example %s: %s", row->name, row->example) : NULL;
}

const char *keys_example_of_all(struct arena *a, const struct key_row *rows)
{
	const char *text = NULL;

	for (const struct key_row *row = rows; row->name; row++) {
		if (!(row->flags & (KEY_REQUIRED | KEY_SHOWN)) || !row->example)
			continue;
		text = arena_printf(a, "%s%s%s: %s", text ? text : "", text ? ", " : "", row->name,
				    row->example);
	}
	if (!text && rows->example)
		text = arena_printf(a, "%s: %s", rows->name, rows->example);
	return text ? arena_printf(a, "for example { %s }", text) : NULL;
}
