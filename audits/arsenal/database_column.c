/*
 * arsenal_database_column: what columns hold, and which rows are damaged first.
 *
 * SQLite's types bind nobody, so that its values are asked. A damage of p takes the rows whose rank
 * is below p of all ranks: the same rows in every strike, and a larger p takes those of a smaller
 * one and more. The rank of an integer key is that of Weyl's sequence (key times the golden
 * section, modulo 2^31): spread so evenly that p of the rows are p of the ranks, and the same on
 * every engine. Other keys, and rows without one, are hashed by the engine; SQLite has no hash, and
 * takes the rowid, or of a view the place of the row.
 */
#include <string.h>
#include <strings.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

#define RANKS 2147483648.0

static const char *column_name(const struct siege *s, const struct seen_table *t, size_t i)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a name */
	db_quote(t->of->source.engine, &b, t->facts->columns[i].name);
	return siege_keep(s, &b);
}

static const char *weyl(const struct siege *s, const char *x)
{
	/* Higher bits count as well: keys may be multiples of a power of two. */
	x = arena_printf(s->challenge->arena, "(%s & 9007199254740991)", x);
	return arena_printf(s->challenge->arena,
			    "(((((%s + (%s >> 16)) & 2147483647) * 1640531527)) & 2147483647)", x,
			    x);
}

/* The only column of the primary key, an integer; NO_COLUMN = there is none. */
static size_t integer_key(const struct siege *s, const struct seen_table *t)
{
	size_t found = NO_COLUMN;

	for (size_t i = 0; i < t->facts->n_columns; i++) {
		const struct db_column *c = &t->facts->columns[i];

		if (c->key > 1)
			return NO_COLUMN;
		if (c->key == 1 && siege_class(s, t, i) == CLASS_INTEGER)
			found = i;
	}
	return found;
}

/* "a, b": of the primary key, or all where there is none. */
static const char *key_columns(const struct siege *s, const struct seen_table *t)
{
	bool has_key = false;
	const char *gap = "";
	struct buf b;

	for (size_t i = 0; i < t->facts->n_columns; i++)
		has_key = has_key || t->facts->columns[i].key > 0;
	buf_init(&b, BUF_UNBOUNDED); /* as many names as there are columns */
	for (size_t i = 0; i < t->facts->n_columns; i++) {
		if (has_key && t->facts->columns[i].key == 0)
			continue;
		(void)buf_printf(&b, "%s%s", gap, column_name(s, t, i));
		gap = ", ";
	}
	return siege_keep(s, &b);
}

static const char *rowid_of(const struct seen_table *t)
{
	static const char *const names[] = {"rowid", "_rowid_", "oid"};

	if (!db_has_rowid(t->facts))
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (siege_find_column(t, names[i]) == NO_COLUMN)
			return names[i];
	return NULL;
}

void siege_rank(const struct siege *s, struct seen_table *t)
{
	struct arena *a = s->challenge->arena;
	const char *rowid;
	size_t key;

	t->rank_end = RANKS;
	switch (t->of->source.engine) {
	case DB_SQLITE:
		/* A key may hold what its type does not say: the rowid is a number. */
		rowid = rowid_of(t);
		t->is_numbered = rowid == NULL;
		t->rank = weyl(s, rowid != NULL ? rowid : "assize_row");
		return;
	case DB_POSTGRES:
		key = integer_key(s, t);
		if (key != NO_COLUMN)
			t->rank = weyl(
				s, arena_printf(a, "CAST(%s AS bigint)", column_name(s, t, key)));
		else
			t->rank = arena_printf(a,
					       "(pg_catalog.hashtextextended(CAST(ROW(%s) AS "
					       "text), 0) & 2147483647)",
					       key_columns(s, t));
		return;
	case DB_MYSQL:
		key = integer_key(s, t);
		if (key != NO_COLUMN) {
			t->rank = weyl(s, column_name(s, t, key));
			return;
		}
		t->rank = arena_printf(a, "CRC32(CONCAT_WS('|', %s))", key_columns(s, t));
		t->rank_end = 4294967296.0;
		return;
	case DB_ODBC: /* is not attacked */
		t->rank = NULL;
		return;
	}
}

/* ---- classes ---- */

static enum column_class sqlite_class(const struct siege *s, const struct seen_table *t, size_t i)
{
	const char *x = column_name(s, t, i);
	const char *sql = arena_printf(
		s->challenge->arena,
		"SELECT CASE WHEN min(k) = 'integer' AND max(k) = 'integer' THEN %d "
		"WHEN min(k) IN ('integer', 'real') AND max(k) IN ('integer', 'real') THEN %d "
		"WHEN min(k) = 'text' AND max(k) = 'text' AND min(is_time) = 1 THEN %d "
		"WHEN min(k) = 'text' AND max(k) = 'text' THEN %d ELSE %d END "
		"FROM (SELECT typeof(%s) AS k, (%s GLOB "
		"'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' AND julianday(%s) IS NOT NULL) AS "
		"is_time FROM %s WHERE %s IS NOT NULL)",
		CLASS_INTEGER, CLASS_REAL, CLASS_TIME, CLASS_TEXT, CLASS_OTHER, x, x, x, t->quoted,
		x);
	int64_t class;

	if (siege_count(s, t->of, sql, &class, NULL) != 0)
		return CLASS_OTHER;
	if (class == CLASS_INTEGER && str_glob_fold("*bool*", t->facts->columns[i].type))
		return CLASS_BOOL;
	return (enum column_class) class;
}

struct type_word {
	const char *begins;
	enum column_class class;
};

static enum column_class class_of(const struct type_word *words, const char *type)
{
	for (; words->begins != NULL; words++) {
		size_t n = strlen(words->begins);

		/* "date" and "date not known": the word ends with it. */
		if (strncasecmp(type, words->begins, n) == 0 &&
		    (type[n] == '\0' || strchr(" (", type[n]) != NULL))
			return words->class;
	}
	return CLASS_OTHER;
}

static bool is_array(const char *type)
{
	return str_ends(type, "[]");
}

static enum column_class postgres_class(const struct seen_table *t, const struct db_column *c)
{
	static const struct type_word words[] = {
		{"smallint", CLASS_INTEGER}, {"integer", CLASS_INTEGER},
		{"bigint", CLASS_INTEGER},   {"numeric", CLASS_REAL},
		{"real", CLASS_REAL},	     {"double precision", CLASS_REAL},
		{"text", CLASS_TEXT},	     {"character varying", CLASS_TEXT},
		{"varchar", CLASS_TEXT},     {"character", CLASS_TEXT},
		{"citext", CLASS_TEXT},	     {"date", CLASS_TIME},
		{"timestamp", CLASS_TIME},   {"timestamptz", CLASS_TIME},
		{"boolean", CLASS_BOOL},     {NULL, CLASS_OTHER},
	};
	const struct db_catalog *catalog = &t->of->catalog;

	for (size_t i = 0; i < catalog->n_enums; i++)
		if (strcmp(catalog->enums[i].name, c->type) == 0)
			return CLASS_ENUM;
	return is_array(c->type) ? CLASS_OTHER : class_of(words, c->type);
}

static enum column_class mysql_class(const struct db_column *c)
{
	static const struct type_word words[] = {
		{"tinyint", CLASS_INTEGER},   {"smallint", CLASS_INTEGER},
		{"mediumint", CLASS_INTEGER}, {"int", CLASS_INTEGER},
		{"bigint", CLASS_INTEGER},    {"decimal", CLASS_REAL},
		{"double", CLASS_REAL},	      {"float", CLASS_REAL},
		{"char", CLASS_TEXT},	      {"varchar", CLASS_TEXT},
		{"tinytext", CLASS_TEXT},     {"text", CLASS_TEXT},
		{"mediumtext", CLASS_TEXT},   {"longtext", CLASS_TEXT},
		{"datetime", CLASS_TIME},     {"timestamp", CLASS_TIME},
		{"date", CLASS_TIME},	      {"enum", CLASS_ENUM},
		{"set", CLASS_ENUM},	      {NULL, CLASS_OTHER},
	};

	/* What BOOLEAN is there. */
	return strncasecmp(c->type, "tinyint(1)", 10) == 0 ? CLASS_BOOL : class_of(words, c->type);
}

enum column_class siege_class(const struct siege *s, const struct seen_table *t, size_t column)
{
	const struct db_column *c = &t->facts->columns[column];

	switch (t->of->source.engine) {
	case DB_SQLITE:
		return sqlite_class(s, t, column);
	case DB_POSTGRES:
		return postgres_class(t, c);
	case DB_MYSQL:
		return mysql_class(c);
	case DB_ODBC:
		break;
	}
	return CLASS_OTHER;
}
