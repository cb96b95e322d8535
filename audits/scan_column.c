/*
 * scan_column: which expressions are columns, and what those are declared to hold.
 *
 * What is declared is only used where the engine enforces it: SQLite's columns hold anything.
 */
#include <string.h>
#include <strings.h>

#include "audits/column.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

static bool begins_as(const char *type, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncasecmp(type, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* By how the type begins: an enum('int') holds no numbers. */
static bool is_numeric(const struct db_column *c)
{
	static const char *const words[] = {
		"int",	"tinyint", "smallint", "mediumint", "bigint",  "unsigned",
		"real", "float",   "double",   "numeric",   "decimal", "bool",
	};

	return begins_as(c->type, words, sizeof(words) / sizeof(*words));
}

static bool is_integer(const struct db_column *c)
{
	static const char *const words[] = {"int", "tinyint", "smallint", "mediumint", "bigint"};

	return begins_as(c->type, words, sizeof(words) / sizeof(*words)) &&
	       !strstr(c->type, "zerofill");
}

/* By the name of its collation, which begins with that of its character set. */
static bool is_text(const struct db_column *c, const char *collation)
{
	static const char *const types[] = {"char", "varchar",	  "tinytext",
					    "text", "mediumtext", "longtext"};
	/* Those with bytes of ASCII in other characters (sjis, gbk, utf16) are not among them. */
	static const char *const sets[] = {
		"utf8mb4_", "utf8mb3_", "utf8_",   "latin1_", "latin2_", "latin5_",
		"latin7_",  "ascii_",	"cp1250_", "cp1251_", "cp1256_", "cp1257_",
	};

	return collation && begins_as(c->type, types, sizeof(types) / sizeof(*types)) &&
	       begins_as(collation, sets, sizeof(sets) / sizeof(*sets));
}

static bool is_one_of(const char *type, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, names[i]) == 0)
			return true;
	return false;
}

/* By the whole name: an interval begins like an integer. */
static enum dialect_content postgres_content_of(const struct db_column *c)
{
	static const char *const integers[] = {"smallint", "integer", "bigint"};
	static const char *const numbers[] = {"real", "double precision", "numeric"};
	static const char varying[] = "character varying", decimal[] = "numeric(";
	const char *type = column_base(c);

	if (strchr(type, '[')) /* an array */
		return DIALECT_ANYTHING;
	if (is_one_of(type, integers, sizeof(integers) / sizeof(*integers)))
		return DIALECT_INTEGER;
	if (is_one_of(type, numbers, sizeof(numbers) / sizeof(*numbers)) ||
	    strncmp(type, decimal, sizeof(decimal) - 1) == 0)
		return DIALECT_NUMBER;
	if (strcmp(type, "text") == 0 || strncmp(type, varying, sizeof(varying) - 1) == 0)
		return DIALECT_TEXT;
	return DIALECT_ANYTHING;
}

static enum dialect_content content_of(const struct scan *s, const struct db_table *t,
				       const struct db_column *c)
{
	if (s->engine == DB_SQLITE)
		return DIALECT_ANYTHING;
	if (s->engine == DB_POSTGRES)
		return postgres_content_of(c);
	if (is_integer(c) || column_is_bit(c))
		return DIALECT_INTEGER;
	if (is_numeric(c))
		return DIALECT_NUMBER;
	return is_text(c, c->collation ? c->collation : t->collation) ? DIALECT_TEXT
								      : DIALECT_ANYTHING;
}

const struct db_table *scan_table(struct scan *s, struct db *db)
{
	struct db_table *t = arena_alloc(s->probe->arena, sizeof(*t));

	if (!s->table &&
	    db_describe(db, s->probe->arena, s->spec->table, s->probe->deadline_ms, t, NULL) == 0)
		s->table = t;
	return s->table;
}

void scan_look(struct scan *s, struct db *db)
{
	bool asks_types = s->spec->by.n > 0;

	for (size_t i = 0; i < s->probe->n_checks; i++) {
		const struct scan_spec *spec = s->probe->checks[i]->spec;

		asks_types = asks_types || spec->part->asks_types;
	}
	if (asks_types && (s->engine == DB_MYSQL || s->engine == DB_POSTGRES))
		(void)scan_table(s, db); /* kept there */
}

/* Is there a question that is cheaper when it is known what a column holds? */
static bool is_cheaper_known(const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->terms[i]->about || s->terms[i]->how == SCAN_AVG ||
		    s->terms[i]->how == SCAN_STDDEV)
			return true;
	return false;
}

void scan_know(struct scan *s, struct db *db)
{
	const struct db_table *t = NULL;

	if (s->engine == DB_MYSQL || (s->engine == DB_POSTGRES && is_cheaper_known(s)))
		t = scan_table(s, db);
	/* Looking at a view's first rows for scan_center.c may be reading all of it, which MySQL
	 * does anyway. */
	if (t && (s->engine == DB_MYSQL || !t->is_view || t->is_materialized))
		scan_know_columns(s, t);
}

void scan_know_columns(struct scan *s, const struct db_table *table)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct db_column *c = &table->columns[i];
		struct scan_operand *o = map_get(&s->by_expression, scan_column(s, c->name));

		if (!o)
			continue;
		o->column = c;
		o->content = content_of(s, table, c);
	}
}

bool scan_is_numeric(const struct scan_term *t)
{
	return scan_is_integer(t) || (t->operand->column && is_numeric(t->operand->column));
}

bool scan_is_integer(const struct scan_term *t)
{
	return t->operand->content == DIALECT_INTEGER;
}

bool scan_is_bit(const struct scan *s, const struct scan_term *t)
{
	return s->engine == DB_MYSQL && t->operand->column && column_is_bit(t->operand->column);
}

bool scan_is_bigint(const struct scan *s, const struct scan_term *t)
{
	return s->engine == DB_POSTGRES && t->operand->column &&
	       strcmp(column_base(t->operand->column), "bigint") == 0;
}

bool scan_is_float(const struct scan *s, const struct scan_term *t)
{
	return s->engine == DB_MYSQL && t->operand->column && column_is_float(t->operand->column);
}

bool scan_is_bytewise(const struct scan *s, const struct scan_term *t)
{
	const struct db_column *c = t->operand->column;

	if (!c)
		return false;
	if (s->engine == DB_SQLITE)
		return !c->collation || strcasecmp(c->collation, "BINARY") == 0;
	/* "2026-11-26 10:00:00": all digits are there, the year's as well. */
	return strncasecmp(c->type, "date", 4) == 0 || strncasecmp(c->type, "timestamp", 9) == 0;
}

const char *scan_condition(const struct scan *s, const struct scan_term *t)
{
	const char *cheaper = NULL;

	if (t->about && (s->engine == DB_SQLITE ? scan_has_functions(s) : !s->is_plain))
		cheaper = t->cheaper[t->about->content];
	return cheaper ? cheaper : t->expression;
}
