#include "runner/search_path.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/io/db_catalog.h"

#define MAX_SCHEMAS 5

/* Names come sorted, so those of a schema stand together. */
static bool is_of(const char *object, const char *schema)
{
	size_t n = strlen(schema);

	return strncmp(object, schema, n) == 0 && object[n] == '.';
}

static bool is_plain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

	return name[strspn(name, letters)] == '\0' && !(name[0] >= '0' && name[0] <= '9');
}

/*
 * A name of search_path in the options of a connection string: quoted as SQL has it, blanks and \
 * behind a \ for the server's command line, and \ and ' behind one for libpq.
 */
static void put_schema(struct buf *out, const char *name)
{
	bool is_quoted = !is_plain(name);

	/* The caller looks at the buffer once, at the end; names are bounded by the server. */
	if (is_quoted)
		(void)buf_putc(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			(void)buf_putc(out, '"');
		if (*name == ' ' || *name == '\t' || *name == '\\')
			(void)buf_puts(out, "\\\\");
		if (*name == '\'' || *name == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, *name);
	}
	if (is_quoted)
		(void)buf_putc(out, '"');
}

const char *search_path_misses(struct db *db, struct arena *a, int64_t deadline_ms)
{
	struct db_object *objects;
	const char *schemas = "", *last = NULL, *path;
	size_t n, n_schemas = 0;
	bool is_plain_path = true;
	struct buf b;

	if (db_elsewhere(db, a, deadline_ms, &objects, &n, NULL) != 0 || n == 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* MAX_SCHEMAS names */
	for (size_t i = 0; i < n && n_schemas <= MAX_SCHEMAS; i++) {
		if (last && is_of(objects[i].name, last))
			continue;
		last = arena_strndup(a, objects[i].name, strcspn(objects[i].name, "."));
		if (n_schemas++ == MAX_SCHEMAS) {
			schemas = arena_printf(a, "%s, ...", schemas);
			continue;
		}
		schemas = arena_printf(a, "%s%s%s", schemas, n_schemas > 1 ? ", " : "", last);
		(void)buf_putc(&b, ',');
		put_schema(&b, last);
		is_plain_path = is_plain_path && is_plain(last);
	}
	path = arena_strdup(a, b.data);
	buf_release(&b);
	return arena_printf(a,
			    "%zu %s in schemas beside the search path (%s); for those, add "
			    "options='-c search_path=public%s' to the connection%s",
			    n, n == 1 ? "table or view is" : "tables and views are", schemas, path,
			    is_plain_path ? ""
					  : ", in double quotes of YAML or of a shell with a \\ "
					    "before each \" and \\");
}
