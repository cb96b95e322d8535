/* db_lens: each door's answer becomes a catalog, is looked at, and becomes an answer again. */
#include "runner/io/db_lens.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_driver.h"
#include "runner/io/db_shadow_view.h"

void db_lens_catalog(const struct db *db, struct arena *a, struct db_catalog *c)
{
	if (!db->view->lens)
		return;
	db->view->lens(db->view->lens_ctx, a, c);
	db_catalog_sort(c);
}

void db_lens_objects(const struct db *db, struct arena *a, struct db_object **objects, size_t *n)
{
	struct db_catalog c = {.engine = db_engine(db), .n_tables = *n};

	if (!db->view->lens)
		return;
	c.tables = arena_array(a, *n, sizeof(*c.tables));
	for (size_t i = 0; i < *n; i++) {
		c.tables[i].name = (*objects)[i].name;
		c.tables[i].is_view = (*objects)[i].is_view;
	}
	db_lens_catalog(db, a, &c);
	*objects = arena_array(a, c.n_tables, sizeof(**objects));
	*n = c.n_tables;
	for (size_t i = 0; i < *n; i++)
		(*objects)[i] = (struct db_object){c.tables[i].name, c.tables[i].is_view};
}

int db_lens_table(struct db *db, struct arena *a, struct db_table *t, struct err *e)
{
	const char *name = t->name;
	struct db_catalog c = {.engine = db_engine(db), .n_tables = 1};

	if (!db->view->lens)
		return 0;
	c.tables = arena_alloc(a, sizeof(*c.tables));
	c.tables[0] = *t;
	db_lens_catalog(db, a, &c);
	for (size_t i = 0; i < c.n_tables; i++) {
		if (strcmp(c.tables[i].name, name) != 0)
			continue;
		*t = c.tables[i];
		return 0;
	}
	db->absence = DB_ABSENT_TABLE;
	db->missing[0] = '\0';
	return err_set(e, ERR_MEASURE, "there is no table \"%s\"", name);
}
