/*
 * db_postgres_catalog: tables, columns, sequences, extensions and types.
 *
 * One query for each kind of object that is wanted, all of one snapshot: what a new session of the
 * server has to load of its catalog, and to plan, is most of the time. Definitions come from the
 * server's own printers (format_type, pg_get_expr, ...), so they read as pg_dump and psql write
 * them.
 *
 * Source: PostgreSQL manual, chapter 53 (system catalogs), 9.26.4 (catalog information functions).
 */
#include "runner/io/db_postgres_catalog.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/db_catalog_build.h"
#include "runner/base/pairs.h"

static const char *text_of(const struct postgres_catalog *c, const struct db_value *v)
{
	return db_value_text(c->arena, v);
}

int postgres_catalog_rows(struct postgres_catalog *c, const char *sql, db_row_fn *fn, struct err *e)
{
	return postgres_rows(c->session, sql, &c->oids, 1, fn, c, e);
}

struct db_table *postgres_catalog_table(const struct postgres_catalog *c, const struct db_row *row)
{
	return map_get(&c->tables, row->values[0].text);
}

const char *postgres_catalog_name(const struct postgres_catalog *c, const struct db_value *oid,
				  const struct db_value *printed)
{
	const struct db_table *t = map_get(&c->tables, oid->text);
	char *name;
	size_t n = 0;

	if (t)
		return t->name;
	/* regclass quotes a name that needs it */
	name = arena_alloc(c->arena, printed->len + 1);
	for (size_t i = 0; i < printed->len; i++) {
		if (printed->text[i] == '"' && printed->text[i + 1] != '"')
			continue;
		i += printed->text[i] == '"' ? 1 : 0;
		name[n++] = printed->text[i];
	}
	name[n] = '\0';
	return name;
}

/* ---- tables, and which sequences there are ---- */

/* $2: only tables of these names; NULL = all. */
static const char classes_sql[] =
	"SELECT c.oid::text, " POSTGRES_NAME ", c.relkind, c.relpersistence, c.relrowsecurity,"
	" c.relforcerowsecurity, n.nspname, c.relispopulated" POSTGRES_CLASSES(
		"'r', 'p', 'v', 'm', 'f', 'S'") " AND ($2::name[] IS NULL OR c.relname = ANY "
						"($2::name[]))";

static int add_table(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	struct db_catalog *all = c->catalog;
	const struct db_value *v = row->values;
	char kind = v[2].text[0];

	(void)e;
	if (kind == 'S') {
		(void)map_put(&c->sequences, text_of(c, &v[0]), arena_strdup(c->arena, v[1].text));
		return 0;
	}
	c->classes = db_array_grow(c->arena, c->classes, all->n_tables, sizeof(*c->classes));
	c->classes[all->n_tables] = (struct postgres_class){.oid = text_of(c, &v[0])};
	all->tables = db_array_grow(c->arena, all->tables, all->n_tables, sizeof(*all->tables));
	struct db_table *t = &all->tables[all->n_tables++];

	t->name = text_of(c, &v[1]);
	t->is_view = kind == 'v' || kind == 'm';
	t->is_materialized = kind == 'm';
	if (kind == 'f')
		t->storage = "FOREIGN TABLE";
	else if (v[3].text[0] == 'u')
		t->storage = "UNLOGGED";
	t->has_row_security = v[4].integer != 0;
	t->forces_row_security = v[5].integer != 0;
	t->schema = text_of(c, &v[6]);
	t->is_unpopulated = t->is_materialized && v[7].integer == 0;
	return 0;
}

static void know_tables(struct postgres_catalog *c)
{
	struct db_catalog *all = c->catalog;
	struct buf oids;

	buf_init(&oids, BUF_UNBOUNDED); /* the catalog is bounded */
	for (size_t i = 0; i < all->n_tables; i++) {
		(void)map_put(&c->tables, c->classes[i].oid, &all->tables[i]); /* oids are unique */
		(void)buf_printf(&oids, "%s%s", i > 0 ? "," : "", c->classes[i].oid);
	}
	c->oids = arena_printf(c->arena, "{%s}", oids.data);
	buf_release(&oids);
}

/* ---- columns ---- */

/* first: what a row begins with; last: what it ends with. */
#define COLUMNS_SQL(first, last, relation)                                                         \
	"SELECT " first ", a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),"            \
	" a.attnotnull, a.attidentity, a.attgenerated,"                                            \
	" pg_catalog.pg_get_expr(d.adbin, d.adrelid),"                                             \
	" coalesce(pg_catalog.array_position(k.conkey, a.attnum), 0)" last                         \
	" FROM pg_catalog.pg_attribute a"                                                          \
	" LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"      \
	" LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'p'"     \
	" WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid " relation                      \
	" ORDER BY a.attrelid, a.attnum"

static enum db_generation generation_of(char identity, char generated)
{
	if (identity != '\0')
		return identity == 'a' ? DB_IDENTITY_ALWAYS : DB_IDENTITY;
	if (generated == '\0')
		return DB_PLAIN;
	return generated == 's' ? DB_STORED : DB_VIRTUAL;
}

static void add_column_to(const struct postgres_catalog *c, struct db_table *t,
			  const struct db_value *v)
{
	t->columns = db_array_grow(c->arena, t->columns, t->n_columns, sizeof(*t->columns));
	struct db_column *column = &t->columns[t->n_columns++];
	const char *expression = text_of(c, &v[6]);

	column->name = text_of(c, &v[1]);
	column->type = text_of(c, &v[2]);
	column->is_nullable = v[3].integer == 0;
	column->generation = generation_of(v[4].text[0], v[5].text[0]);
	if (column->generation == DB_STORED || column->generation == DB_VIRTUAL)
		column->expression = expression;
	else
		column->def = expression;
	column->key = v[7].integer;
}

static int add_column(void *ctx, const struct db_row *row, struct err *e)
{
	const struct postgres_catalog *c = ctx;
	struct db_table *t = postgres_catalog_table(c, row);

	(void)e;
	if (t)
		add_column_to(c, t, row->values);
	return 0;
}

/* ---- what is no table ---- */

/* A sequence of an identity column depends on it internally: it is part of the column. The largest
 * number is that of its type. */
static const char sequences_sql[] =
	"SELECT s.seqrelid::text, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart,"
	" s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, d.refobjid::text,"
	" d.refobjid::pg_catalog.regclass::text, a.attname, d.deptype = 'i',"
	" s.seqmax = CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647"
	"  ELSE 9223372036854775807 END,"
	" (SELECT q.relpersistence = 'u' FROM pg_catalog.pg_class q WHERE q.oid = s.seqrelid)"
	" FROM pg_catalog.pg_sequence s LEFT JOIN pg_catalog.pg_depend d"
	"  ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid"
	"  AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0"
	" LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = "
	"d.refobjsubid"
	" WHERE $1::oid[] IS NOT NULL";

/* "START WITH 5 INCREMENT BY 10": what is not as usual; NULL = nothing. */
static const char *count_of(const struct postgres_catalog *c, const struct db_value *v)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* six numbers at most */
	if (v[2].integer != 1)
		(void)buf_printf(&b, " START WITH %lld", (long long)v[2].integer);
	if (v[3].integer != 1)
		(void)buf_printf(&b, " INCREMENT BY %lld", (long long)v[3].integer);
	if (v[4].integer != 1)
		(void)buf_printf(&b, " MINVALUE %lld", (long long)v[4].integer);
	if (v[11].integer == 0)
		(void)buf_printf(&b, " MAXVALUE %lld", (long long)v[5].integer);
	if (v[6].integer != 0)
		(void)buf_puts(&b, " CYCLE");
	const char *text = b.len > 0 ? arena_strndup(c->arena, b.data + 1, b.len - 1) : NULL;

	buf_release(&b);
	return text;
}

static void set_identity(const struct postgres_catalog *c, const struct db_value *v)
{
	struct db_table *t = map_get(&c->tables, v[7].text);

	for (size_t i = 0; t && i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, v[9].text) == 0)
			t->columns[i].sequence = count_of(c, v);
}

static int add_sequence(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	struct db_catalog *all = c->catalog;
	const struct db_value *v = row->values;
	const char *name = map_get(&c->sequences, v[0].text);
	const char *owner = NULL;

	(void)e;
	if (!name)
		return 0; /* of a schema that is not read */
	if (v[10].integer != 0) {
		set_identity(c, v);
		return 0;
	}
	if (v[9].type != DB_NULL)
		owner = arena_printf(c->arena, "%s.%s", postgres_catalog_name(c, &v[7], &v[8]),
				     v[9].text);
	all->sequences =
		db_array_grow(c->arena, all->sequences, all->n_sequences, sizeof(*all->sequences));
	all->sequences[all->n_sequences++] = (struct db_sequence){
		.name = name,
		.type = text_of(c, &v[1]),
		.start = text_of(c, &v[2]),
		.increment = text_of(c, &v[3]),
		.minimum = text_of(c, &v[4]),
		.maximum = text_of(c, &v[5]),
		.is_cycle = v[6].integer != 0,
		.is_unlogged = v[12].integer != 0,
		.owner = owner,
	};
	return 0;
}

static const char extensions_sql[] = "SELECT extname, extversion FROM pg_catalog.pg_extension";

static int add_extension(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	struct db_catalog *all = c->catalog;

	(void)e;
	all->extensions = db_array_grow(c->arena, all->extensions, all->n_extensions,
					sizeof(*all->extensions));
	all->extensions[all->n_extensions++] = (struct db_extension){
		.name = text_of(c, &row->values[0]),
		.version = text_of(c, &row->values[1]),
	};
	return 0;
}

/* Collations that are not those of the types they are of. */
#define DOMAIN_COLLATION                                                                           \
	"(SELECT l.collname::text FROM pg_catalog.pg_collation l"                                  \
	" JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype"                                      \
	" WHERE l.oid = t.typcollation AND l.oid <> b.typcollation)"
#define COMPOSITE_COLLATIONS                                                                       \
	"(SELECT pg_catalog.string_agg(a.attname || ' ' || l.collname, ', ' ORDER BY a.attnum)"    \
	" FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type b ON b.oid = a.atttypid"          \
	" JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"                                \
	" WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped"                   \
	" AND a.attcollation <> b.typcollation)"
#define RANGE_COLLATION                                                                            \
	"(SELECT l.collname::text FROM pg_catalog.pg_range r"                                      \
	" JOIN pg_catalog.pg_type b ON b.oid = r.rngsubtype"                                       \
	" JOIN pg_catalog.pg_collation l ON l.oid = r.rngcollation"                                \
	" WHERE r.rngtypid = t.oid AND r.rngcollation <> b.typcollation)"
/* What it is a range of, in which order and in which form. */
#define RANGE_DEFINITION                                                                           \
	"(SELECT pg_catalog.concat_ws(', ', 'RANGE ' ||"                                           \
	"  pg_catalog.format_type(r.rngsubtype, NULL), (SELECT 'OPERATOR CLASS ' || o.opcname"     \
	"   FROM pg_catalog.pg_opclass o WHERE o.oid = r.rngsubopc AND NOT o.opcdefault),"         \
	"  CASE WHEN r.rngcanonical <> 0 THEN 'CANONICAL ' || r.rngcanonical END)"                 \
	" FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)"

/*
 * Each value of an enum, or a domain, composite or range type as a whole: the last column but one
 * tells.
 */
static const char types_sql[] =
	"SELECT CASE WHEN pg_catalog.pg_type_is_visible(t.oid) THEN t.typname::text"
	"  ELSE n.nspname || '.' || t.typname END,"
	" CASE t.typtype WHEN 'e' THEN v.enumlabel::text"
	"  WHEN 'd' THEN pg_catalog.concat_ws(' ', 'DOMAIN',"
	"   pg_catalog.format_type(t.typbasetype, t.typtypmod),"
	"   CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault,"
	"   (SELECT pg_catalog.string_agg('CONSTRAINT ' || k.conname || ' ' ||"
	"     pg_catalog.pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)"
	"    FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))"
	"  WHEN 'r' THEN " RANGE_DEFINITION
	"  ELSE 'COMPOSITE (' || (SELECT coalesce(pg_catalog.string_agg(a.attname || ' ' ||"
	"     pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum), '')"
	"    FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0"
	"     AND NOT a.attisdropped) || ')' END, t.typtype = 'e',"
	" CASE t.typtype WHEN 'd' THEN " DOMAIN_COLLATION " WHEN 'c' THEN " COMPOSITE_COLLATIONS
	"  WHEN 'r' THEN " RANGE_COLLATION " END"
	" FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
	" LEFT JOIN pg_catalog.pg_enum v ON v.enumtypid = t.oid"
	" WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND EXISTS (SELECT"
	"  FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')))"
	" AND " POSTGRES_SCHEMAS
	" AND " POSTGRES_NOT_OF_EXTENSION("pg_type", "t.oid") " ORDER BY t.oid, v.enumsortorder";

static int add_type(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	struct db_catalog *all = c->catalog;
	const struct db_value *v = row->values;
	struct db_enum *last = all->n_enums > 0 ? &all->enums[all->n_enums - 1] : NULL;

	(void)e;
	if (v[2].integer == 0) {
		all->types = db_array_grow(c->arena, all->types, all->n_types, sizeof(*all->types));
		all->types[all->n_types++] = (struct db_user_type){
			.name = text_of(c, &v[0]),
			.definition = text_of(c, &v[1]),
			.collation = text_of(c, &v[3]),
		};
		return 0;
	}
	if (!last || strcmp(last->name, v[0].text) != 0) {
		all->enums = db_array_grow(c->arena, all->enums, all->n_enums, sizeof(*all->enums));
		last = &all->enums[all->n_enums++];
		last->name = text_of(c, &v[0]);
	}
	if (v[1].type == DB_NULL)
		return 0; /* it has no values */
	last->values = db_array_grow(c->arena, last->values, last->n_values, sizeof(*last->values));
	last->values[last->n_values++] = text_of(c, &v[1]);
	return 0;
}

/* ---- the whole ---- */

static const char *array_literal(struct arena *a, const struct texts *texts)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < texts->n; i++) {
		(void)buf_puts(&b, i == 0 ? "\"" : ",\"");
		for (const char *s = texts->items[i]; *s; s++) {
			if (*s == '"' || *s == '\\')
				(void)buf_putc(&b, '\\');
			(void)buf_putc(&b, *s);
		}
		(void)buf_putc(&b, '"');
	}
	const char *literal = arena_printf(a, "{%s}", b.data);

	buf_release(&b);
	return literal;
}

static int read_wanted(struct postgres_catalog *c, const struct db_wanted *w, struct err *e)
{
	struct postgres_db *s = c->session;
	const char *params[] = {array_literal(c->arena, &w->schemas),
				w->tables.n > 0 ? array_literal(c->arena, &w->tables) : NULL};

	if (postgres_rows(s, classes_sql, params, 2, add_table, c, e) != 0)
		return -1;
	know_tables(c);
	if (postgres_catalog_rows(c, COLUMNS_SQL("a.attrelid::text", "", "= ANY ($1::oid[])"),
				  add_column, e) != 0 ||
	    postgres_catalog_keys(c, w->facts, e) != 0)
		return -1;
	if ((w->facts & DB_FACTS_TRAITS) && postgres_catalog_traits(c, e) != 0)
		return -1;
	if ((w->facts & DB_FACTS_SEQUENCES) && c->sequences.n > 0 &&
	    postgres_catalog_rows(c, sequences_sql, add_sequence, e) != 0)
		return -1;
	if ((w->facts & DB_FACTS_EXTENSIONS) &&
	    postgres_rows(s, extensions_sql, NULL, 0, add_extension, c, e) != 0)
		return -1;
	return w->facts & DB_FACTS_TYPES ? postgres_rows(s, types_sql, params, 1, add_type, c, e)
					 : 0;
}

int postgres_read_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted,
			  int64_t deadline_ms, struct db_catalog *out, struct err *e)
{
	struct postgres_db *s = postgres_of(db);
	struct postgres_catalog c = {.session = s, .arena = a, .catalog = out};

	map_init(&c.tables, a);
	map_init(&c.sequences, a);
	postgres_begin_call(s, deadline_ms);
	int rc = postgres_begin_catalog(s, e);

	if (rc == 0)
		rc = read_wanted(&c, wanted, e);
	postgres_end(s);
	return rc;
}

/* ---- names, and one table ---- */

struct objects {
	struct arena *arena;
	struct db_object *items;
	size_t n;
};

static int add_object(void *ctx, const struct db_row *row, struct err *e)
{
	struct objects *o = ctx;

	(void)e;
	o->items = db_array_grow(o->arena, o->items, o->n, sizeof(*o->items));
	o->items[o->n++] = (struct db_object){
		.name = db_value_text(o->arena, &row->values[0]),
		.is_view = row->values[1].integer != 0,
	};
	return 0;
}

static const char objects_sql[] =
	"SELECT * FROM (SELECT " POSTGRES_NAME ", c.relkind IN ('v', 'm')" POSTGRES_CLASSES(
		"'r', 'p', 'v', 'm', 'f'") ") o(name, is_view) ORDER BY name COLLATE \"C\"";

/* Of schemas that are named in no search path; a partition is part of its table. */
static const char elsewhere_sql[] =
	"SELECT * FROM (SELECT n.nspname || '.' || c.relname, c.relkind IN ('v', 'm')"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
	" AND n.nspname <> ALL (pg_catalog.current_schemas(false))"
	" AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
	" AND " POSTGRES_NOT_OF_EXTENSION("pg_class",
					  "c.oid") ") o(name, is_view) ORDER BY name COLLATE \"C\"";

static int list_objects(struct db *db, struct arena *a, const char *sql, const char *const *params,
			size_t n_params, int64_t deadline_ms, struct objects *out, struct err *e)
{
	struct postgres_db *s = postgres_of(db);

	*out = (struct objects){.arena = a};
	postgres_begin_call(s, deadline_ms);
	int rc = postgres_begin_catalog(s, e);

	if (rc == 0)
		rc = postgres_rows(s, sql, params, n_params, add_object, out, e);
	postgres_end(s);
	return rc;
}

int postgres_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		     size_t *n, struct err *e)
{
	static const char *const no_schemas[] = {"{}"};
	struct objects o;

	if (list_objects(db, a, objects_sql, no_schemas, 1, deadline_ms, &o, e) != 0)
		return -1;
	*out = o.items;
	*n = o.n;
	return 0;
}

int postgres_elsewhere(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		       size_t *n, struct err *e)
{
	struct objects o;

	if (list_objects(db, a, elsewhere_sql, NULL, 0, deadline_ms, &o, e) != 0)
		return -1;
	*out = o.items;
	*n = o.n;
	return 0;
}

struct description {
	struct postgres_catalog catalog;
	struct db_table table;
};

/* Name and kind of a class, then what COLUMNS_SQL gives of it. */
#define DESCRIBED                                                                                  \
	"(SELECT " POSTGRES_NAME                                                                   \
	" || ' ' || c.relkind::pg_catalog.text FROM pg_catalog.pg_class c"                         \
	" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = a.attrelid)"

/* A domain may be one of another. */
#define BASE                                                                                       \
	", (WITH RECURSIVE b(id, modifier) AS (SELECT a.atttypid, a.atttypmod UNION ALL"           \
	"  SELECT t.typbasetype, t.typtypmod FROM b JOIN pg_catalog.pg_type t ON t.oid = b.id"     \
	"  WHERE t.typtype = 'd')"                                                                 \
	" SELECT pg_catalog.format_type(b.id, b.modifier) FROM b"                                  \
	" JOIN pg_catalog.pg_type t ON t.oid = b.id"                                               \
	" WHERE t.typtype <> 'd' AND b.id <> a.atttypid)"

static int describe_column(void *ctx, const struct db_row *row, struct err *e)
{
	struct description *d = ctx;
	const struct db_value *name = &row->values[0];
	char kind = name->text[name->len - 1];

	(void)e;
	if (!d->table.name)
		d->table.name = arena_strndup(d->catalog.arena, name->text, name->len - 2);
	d->table.is_view = kind == 'v' || kind == 'm';
	d->table.is_materialized = kind == 'm';
	add_column_to(&d->catalog, &d->table, row->values);
	d->table.columns[d->table.n_columns - 1].base = text_of(&d->catalog, &row->values[8]);
	return 0;
}

int postgres_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		      struct db_table *out, struct err *e)
{
	struct postgres_db *s = postgres_of(db);
	struct description d = {.catalog = {.session = s, .arena = a}};
	struct buf quoted;

	buf_init(&quoted, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote_table(DB_POSTGRES, &quoted, name);
	postgres_begin_call(s, deadline_ms);
	int rc = postgres_begin_catalog(s, e);
	const char *param = quoted.data;

	if (rc == 0)
		rc = postgres_rows(s, COLUMNS_SQL(DESCRIBED, BASE, "= pg_catalog.to_regclass($1)"),
				   &param, 1, describe_column, &d, e);
	postgres_end(s);
	buf_release(&quoted);
	if (rc != 0)
		return -1;
	if (!d.table.name) {
		db->absence = DB_ABSENT_TABLE;
		/* Cut at its size: for a hint only. */
		(void)snprintf(db->missing, sizeof(db->missing), "%s", name);
		return err_set(e, ERR_MEASURE, "no such table: %s", name);
	}
	*out = d.table;
	return 0;
}
