/* database: sessions, values and helpful words for the database kinds. */
#include "audits/database.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/model/kind.h"

#define HELP_MAX_NAMES 12

enum db_engine database_engine(const struct target *t)
{
	switch (t->type) {
	case TARGET_POSTGRES:
		return DB_POSTGRES;
	case TARGET_MYSQL:
		return DB_MYSQL;
	case TARGET_ODBC:
		return DB_ODBC;
	case TARGET_NONE:
	case TARGET_SQLITE:
	case TARGET_HTTP:
	case TARGET_PROMETHEUS:
	case TARGET_GIT:
		break;
	}
	return DB_SQLITE;
}

struct db_source database_source(const struct target *t)
{
	return (struct db_source){
		.engine = database_engine(t),
		.name = t->name,
		.location = t->location,
		.password = t->password,
		.max_connections = t->max_connections,
		.statement_timeout_ms = t->statement_timeout_ms,
		.allow_writable_role = t->allow_writable_role,
	};
}

int database_acquire(struct probe *p, struct db **out, struct err *e)
{
	struct db_source source = database_source(p->checks[0]->target);

	return db_acquire(p->world->dbs, &source, p->deadline_ms, out, e);
}

void database_release(struct probe *p, struct db *db)
{
	db_release(p->world->dbs, db);
}

/* "did you mean ..." when one is close, else the names there are. */
static void help_names(struct err *e, struct arena *a, const char *word, const char *what,
		       const char **names, size_t n)
{
	int close = str_closest(word, names, n);
	struct buf b;

	if (close >= 0) {
		err_help(e, "did you mean \"%s\"?", names[close]);
		return;
	}
	if (n == 0) {
		err_help(e, "there is no %s at all", what);
		return;
	}
	buf_init(&b, sizeof(e->help));
	for (size_t i = 0; i < n && i < HELP_MAX_NAMES; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", names[i]);
	if (n > HELP_MAX_NAMES)
		buf_printf(&b, " and %zu more", n - HELP_MAX_NAMES);
	err_help(e, "%ss there are: %s", what, str_escaped(a, b.data));
	buf_release(&b);
}

static const char **names_of(struct arena *a, const struct db_object *objects, size_t n)
{
	const char **names = arena_array(a, n, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = objects[i].name;
	return names;
}

const char *database_full_name(enum db_engine engine, const struct db_object *objects, size_t n,
			       const char *table)
{
	for (size_t i = 0; i < n; i++) {
		const char *dot = strchr(objects[i].name, '.');

		if (dot && db_same_name(engine, dot + 1, table))
			return objects[i].name;
	}
	return NULL;
}

static void help_table(struct probe *p, struct db *db, const char *table, struct err *e)
{
	struct db_object *objects, *others;
	size_t n, n_others;

	if (db_objects(db, p->arena, p->deadline_ms, &objects, &n, NULL) != 0 ||
	    db_elsewhere(db, p->arena, p->deadline_ms, &others, &n_others, NULL) != 0)
		return;
	const char *meant = database_full_name(db_engine(db), others, n_others, table);

	if (meant)
		err_help(e, "did you mean \"%s\"? Its schema is not in the search path", meant);
	else if (n == 0 && n_others > 0)
		help_names(e, p->arena, table, "table", names_of(p->arena, others, n_others),
			   n_others);
	else
		help_names(e, p->arena, table, "table", names_of(p->arena, objects, n), n);
}

static void help_column(struct probe *p, struct db *db, const char *table, const char *column,
			struct err *e)
{
	struct db_table t;

	if (db_describe(db, p->arena, table, p->deadline_ms, &t, NULL) != 0)
		return;
	const char **names = arena_array(p->arena, t.n_columns, sizeof(*names));

	for (size_t i = 0; i < t.n_columns; i++)
		names[i] = t.columns[i].name;
	help_names(e, p->arena, column, "column", names, t.n_columns);
}

int database_explain(struct probe *p, struct db *db, const char *table, struct err *e)
{
	const char *name;

	switch (db_missing(db, &name)) {
	case DB_ABSENT_NOTHING:
		break;
	case DB_ABSENT_TABLE:
		help_table(p, db, arena_strdup(p->arena, name), e);
		break;
	case DB_ABSENT_COLUMN:
		if (table)
			help_column(p, db, table, arena_strdup(p->arena, name), e);
		break;
	}
	return -1;
}

void database_one_line(struct buf *out, const char *sql)
{
	bool is_gap = false;

	/* The caller looks at the buffer once, at the end. */
	for (const char *s = sql; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r') {
			is_gap = true;
			continue;
		}
		if (is_gap && s > sql)
			buf_putc(out, ' ');
		is_gap = false;
		buf_putc(out, *s);
	}
}

/* The closing quote of a text or name, doubled ones inside passed over; NULL = not seen. */
static const char *end_of_quoted(const char *c)
{
	char quote = *c++;

	for (; *c; c++) {
		if (*c == '\\')
			return NULL; /* an escape to MySQL and to nobody else */
		if (*c != quote)
			continue;
		if (c[1] != quote)
			return c;
		c++;
	}
	return NULL;
}

bool database_is_closed(const char *sql)
{
	size_t depth = 0;

	for (const char *c = sql; *c; c++) {
		if (strchr(";[]#\\", *c) || strncmp(c, "--", 2) == 0 || strncmp(c, "/*", 2) == 0)
			return false;
		if (*c == '\'' || *c == '"' || *c == '`') {
			c = end_of_quoted(c);
			if (!c)
				return false;
		}
		if (*c == '(')
			depth++;
		if (*c == ')' && depth-- == 0)
			return false;
	}
	return depth == 0;
}

static bool gives_one(struct db *db, struct buf *sql)
{
	size_t n_columns = 0;
	int rc = db_prepare(db, sql->data, &n_columns, NULL);

	buf_release(sql);
	return rc == 0 && n_columns == 1;
}

bool database_is_condition(struct db *db, const char *source, const char *sql)
{
	struct buf b;

	if (database_is_closed(sql))
		return true;
	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_printf(&b, "SELECT 1 FROM %s WHERE\n%s\n", source, sql);
	return gives_one(db, &b);
}

bool database_is_expression(struct db *db, const char *source, const char *sql)
{
	struct buf b;

	if (database_is_closed(sql))
		return true;
	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	(void)buf_printf(&b, "SELECT\n%s\nFROM %s", sql, source);
	return gives_one(db, &b);
}

static struct measurement measure_text(struct arena *a, const struct db_value *v)
{
	if (v->len > DATABASE_MAX_TEXT_BYTES)
		return measurement_none("", arena_printf(a,
							 "the value is a text of %zu bytes, "
							 "longest allowed %d",
							 v->len, DATABASE_MAX_TEXT_BYTES));
	if (!str_is_utf8(v->text, v->len) || memchr(v->text, '\0', v->len))
		return measurement_none("", "the value is text that is not valid UTF-8");
	return measurement_text("", arena_strndup(a, v->text, v->len));
}

static struct measurement measure_rounded(void)
{
	struct measurement m = measurement_none("", "the value is a FLOAT, of which the server "
						    "sends six digits only");

	m.evidence = "help: write `column + 0e0`, which is exact";
	return m;
}

struct measurement database_measure(struct arena *a, const struct db_value *v, double factor,
				    const char *unit)
{
	struct measurement m;

	switch (v->type) {
	case DB_INT:
		if (factor == 1)
			return measurement_int("", v->integer, unit);
		m = measurement_real("", (double)v->integer * factor, unit);
		m.is_rounded = fabs((double)v->integer) >= 0x1p53;
		return m;
	case DB_REAL:
		if (v->is_rounded)
			return measure_rounded();
		m = measurement_real("", v->real * factor, unit);
		m.is_rounded = v->is_cut;
		return m;
	case DB_TEXT:
		return measure_text(a, v);
	case DB_BLOB:
		m = measurement_none("", "the value is a blob");
		m.evidence = "help: cast it to what it is; a computed BIT is a number with `+ 0`";
		return m;
	case DB_NULL:
		break;
	}
	return measurement_none("", "the value is NULL");
}

/* How many quotes are around the word; false = it is another text. */
static bool is_quoted(const char *text, const char *word, size_t *n_quotes)
{
	size_t n = strspn(text, "'"), len = strlen(word);

	if (strncmp(text + n, word, len) != 0)
		return false;
	*n_quotes = n;
	return strspn(text + n + len, "'") == n && text[n + len + n] == '\0';
}

const char *database_label(struct arena *a, const char *text, const char *absent)
{
	size_t n;

	return is_quoted(text, absent, &n) ? arena_printf(a, "'%s'", text) : text;
}

const char *database_label_text(struct arena *a, const char *label, const char *absent)
{
	size_t n;

	if (!is_quoted(label, absent, &n))
		return label;
	return n == 0 ? NULL : arena_strndup(a, label + 1, strlen(label) - 2);
}
