/*
 * scan_key: what a table can be divided by, so that several sessions read a part each.
 *
 * The key must be an integer that every row has: SQLite's rowid, or MySQL's primary key of one
 * integer column. The first range has no lower end and the last no upper one, so that together they
 * hold every row whatever the smallest and the largest key are. Ranges are equally wide; there are
 * several for each session, so that gaps in the keys make little difference. PostgreSQL divides by
 * itself, with parallel workers.
 *
 * A condition on the key is written beside the check's own (where:), and must bind stronger than
 * anything in it. So a filter is only divided when it is database_is_closed(); one that cannot be
 * read that simply is asked whole.
 */
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

static bool has_column(const struct scan *s, const struct db_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (db_same_name(s->engine, t->columns[i].name, name))
			return true;
	return false;
}

/* A name of the rowid that no column has taken. */
static const char *rowid_of(const struct scan *s, const struct db_table *t)
{
	static const char *const names[] = {"rowid", "_rowid_", "oid"};

	if (!db_has_rowid(t))
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!has_column(s, t, names[i]))
			return names[i];
	return NULL;
}

/* The only column of the primary key; whether it is an integer, its smallest value says. */
static const char *primary_key_of(const struct db_table *t)
{
	const char *name = NULL;

	/* The others have no snapshots. */
	if (!t->storage || strncmp(t->storage, "InnoDB", 6) != 0)
		return NULL;
	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].key > 1)
			return NULL;
		if (t->columns[i].key == 1 && strstr(t->columns[i].type, "int"))
			name = t->columns[i].name;
	}
	return name;
}

static int take_ends(void *ctx, const struct db_row *row, struct err *e)
{
	struct scan_key *key = ctx;

	(void)e;
	if (row->values[0].type == DB_INT && row->values[1].type == DB_INT) {
		key->min = row->values[0].integer;
		key->max = row->values[1].integer;
	}
	return 0;
}

static bool read_ends(struct scan *s, struct db *db, struct scan_key *key)
{
	struct buf sql;

	key->max = -1; /* no integers: not large */
	buf_init(&sql, BUF_UNBOUNDED);
	/* A statement each: SQLite answers from the ends of the tree only one at a time. */
	(void)buf_printf(&sql, "SELECT (SELECT min(%s) FROM ", key->sql);
	db_quote_table(s->engine, &sql, s->spec->table);
	(void)buf_printf(&sql, "), (SELECT max(%s) FROM ", key->sql);
	db_quote_table(s->engine, &sql, s->spec->table);
	(void)buf_putc(&sql, ')');
	int rc = db_query(db, sql.data, NULL, 0, s->probe->deadline_ms, take_ends, key, NULL);

	buf_release(&sql);
	return rc == 0;
}

static bool is_large(const struct scan_key *key)
{
	/* The width of a key of 64 bits does not fit into 64 bits with a sign. */
	return (uint64_t)key->max - (uint64_t)key->min >= SCAN_LARGE_ROWS - 1;
}

bool scan_key_of(struct scan *s, struct db *db, struct scan_key *key)
{
	const struct db_table *t = scan_table(s, db);

	if (!t || t->is_view)
		return false;
	key->table = t;
	key->name = s->engine == DB_SQLITE ? rowid_of(s, t) : primary_key_of(t);
	if (!key->name)
		return false;
	key->sql = scan_column(s, key->name);
	return read_ends(s, db, key) && key->max >= key->min;
}

static bool is_closed(const struct scan *s)
{
	if (s->spec->where && !database_is_closed(s->spec->where))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (!database_is_closed(s->terms[i]->expression))
			return false;
	return true;
}

const struct scan_key *scan_find_key(struct scan *s, struct db *db)
{
	struct scan_key *key = arena_alloc(s->probe->arena, sizeof(*key));

	*key = (struct scan_key){.table = NULL};
	if (s->engine != DB_SQLITE && s->engine != DB_MYSQL)
		return NULL;
	bool is_found = scan_key_of(s, db, key);

	if (key->table && s->engine == DB_SQLITE)
		scan_know_columns(s, key->table);
	return is_found && is_large(key) && is_closed(s) ? key : NULL;
}

const char **scan_ranges(const struct scan *s, size_t n)
{
	const struct scan_key *key = s->key;
	struct arena *a = s->probe->arena;
	const char **ranges = arena_array(a, n, sizeof(*ranges));
	uint64_t width = ((uint64_t)key->max - (uint64_t)key->min) / n + 1;
	long long from = 0;

	for (size_t i = 0; i < n; i++) {
		/* Wraps around where it must: the sum is between min and max. */
		long long to = (long long)(int64_t)((uint64_t)key->min + width * (i + 1));

		if (i == 0)
			ranges[i] = arena_printf(a, "%s < %lld", key->sql, to);
		else if (i + 1 < n)
			ranges[i] = arena_printf(a, "%s >= %lld AND %s < %lld", key->sql, from,
						 key->sql, to);
		else
			ranges[i] = arena_printf(a, "%s >= %lld", key->sql, from);
		from = to;
	}
	return ranges;
}
