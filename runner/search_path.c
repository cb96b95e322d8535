#include "runner/search_path.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/db_catalog.h"

#define MAX_SCHEMAS 5

/* Names come sorted, so those of a schema stand together. */
static bool is_of(const char *object, const char *schema)
{
	size_t n = strlen(schema);

	return strncmp(object, schema, n) == 0 && object[n] == '.';
}

const char *search_path_misses(struct db *db, struct arena *a, int64_t deadline_ms)
{
	struct db_object *objects;
	const char *schemas = "", *last = NULL;
	size_t n, n_schemas = 0;

	if (db_elsewhere(db, a, deadline_ms, &objects, &n, NULL) != 0 || n == 0)
		return NULL;
	for (size_t i = 0; i < n && n_schemas <= MAX_SCHEMAS; i++) {
		if (last && is_of(objects[i].name, last))
			continue;
		last = arena_strndup(a, objects[i].name, strcspn(objects[i].name, "."));
		if (n_schemas++ == MAX_SCHEMAS)
			schemas = arena_printf(a, "%s, ...", schemas);
		else
			schemas =
				arena_printf(a, "%s%s%s", schemas, n_schemas > 1 ? ", " : "", last);
	}
	return arena_printf(a,
			    "%zu %s in schemas beside the search path (%s); for those, add "
			    "options='-c search_path=public,NAME' to the connection",
			    n, n == 1 ? "table or view is" : "tables and views are", schemas);
}
