/*
 * arsenal_schema_damage: facts of columns, and the ways to damage any text or flag.
 *
 * A damage is what somebody could have done to a real database. Where the engine would not have
 * let them, the place says so (guard).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audits/arsenal/schema.h"
#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

/* ---- any fact ---- */

static const char *get_text(const struct schema_fact *f, const struct schema_spot *s)
{
	const char *text;

	memcpy(&text, (const char *)s->item + f->offset, sizeof(text));
	return text;
}

static bool put_text(const struct schema_fact *f, struct schema_spot *s, const char *text)
{
	s->was = get_text(f, s) ? get_text(f, s) : "none";
	s->is = text ? text : "none";
	memcpy((char *)s->item + f->offset, &text, sizeof(text));
	return true;
}

bool schema_drop(const struct schema_fact *f, struct schema_spot *s)
{
	(void)f;
	schema_spot_remove(s);
	return true;
}

bool schema_lose_text(const struct schema_fact *f, struct schema_spot *s)
{
	return get_text(f, s) && put_text(f, s, NULL);
}

/* Of what there is; to[0] where there is nothing. */
bool schema_other_text(const struct schema_fact *f, struct schema_spot *s)
{
	const char *was = get_text(f, s);

	return put_text(f, s, was && strcasecmp(was, f->to[0]) == 0 ? f->to[1] : f->to[0]);
}

bool schema_append_text(const struct schema_fact *f, struct schema_spot *s)
{
	const char *was = get_text(f, s);

	return was && put_text(f, s, arena_printf(s->arena, "%s%s", was, f->to[0]));
}

static bool put_flag(const struct schema_fact *f, struct schema_spot *s, bool is_set)
{
	bool was;

	memcpy(&was, (const char *)s->item + f->offset, sizeof(was));
	if (was == is_set)
		return false;
	s->was = was ? f->to[0] : f->to[1];
	s->is = is_set ? f->to[0] : f->to[1];
	memcpy((char *)s->item + f->offset, &is_set, sizeof(is_set));
	return true;
}

bool schema_set(const struct schema_fact *f, struct schema_spot *s)
{
	return put_flag(f, s, true);
}

bool schema_clear(const struct schema_fact *f, struct schema_spot *s)
{
	return put_flag(f, s, false);
}

bool schema_flip(const struct schema_fact *f, struct schema_spot *s)
{
	return put_flag(f, s, true) || put_flag(f, s, false);
}

/* ---- columns ---- */

bool schema_rename_column(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_column *c = s->item;
	const char *name = arena_printf(s->arena, "%s_old", c->name);

	(void)f;
	if (schema_find_column(s->catalog->engine, s->table, name))
		return false;
	s->words = arena_printf(s->arena, "%s is named %s", schema_spot_what(s), name);
	c->name = name;
	return true;
}

static bool put_type(struct schema_spot *s, const char *type)
{
	struct db_column *c = s->item;

	s->was = *c->type ? c->type : "none";
	s->is = type;
	c->type = type;
	c->base = NULL;
	return true;
}

/* Text becomes a number, and everything else becomes text. */
bool schema_other_type(const struct schema_fact *f, struct schema_spot *s)
{
	static const char *const texts[] = {"char", "text", "clob"};
	const struct db_column *c = s->item;
	const char *type = schema_column_type(s->catalog->engine, s->table, c);
	bool is_text = false;

	(void)f;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (const char *t = type; *t && !is_text; t++)
			is_text = strncasecmp(t, texts[i], strlen(texts[i])) == 0;
	if (s->catalog->engine == DB_SQLITE)
		return put_type(s, is_text ? "INTEGER" : "TEXT");
	return put_type(s, !is_text ? "text" : s->catalog->engine == DB_MYSQL ? "int" : "integer");
}

/* "bigint(20) unsigned" as "int unsigned": MySQL's widths of integers say nothing. */
static const char *narrower_word(struct arena *a, enum db_engine engine, const char *type)
{
	static const char *const words[][2] = {
		{"bigint", "int"},	 {"mediumint", "smallint"}, {"int", "smallint"},
		{"smallint", "tinyint"}, {"integer", "smallint"},   {"double precision", "real"},
		{"double", "float"},	 {"longtext", "text"},	    {"text", "tinytext"},
	};
	/* PostgreSQL has no smaller than smallint, nor other texts */
	size_t n = sizeof(words) / sizeof(*words);

	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(words[i][0]);
		const char *rest = type + length;
		const char *to = words[i][1];

		if (strncasecmp(type, words[i][0], length) != 0 || !strchr("( ", *rest))
			continue;
		if (engine == DB_POSTGRES && (strcmp(to, "tinyint") == 0 || strchr(to, 't') == to))
			return NULL;
		if (*rest == '(')
			rest += strcspn(rest, ")") + 1;
		if (engine == DB_POSTGRES && strcmp(to, "int") == 0)
			to = "integer";
		return arena_printf(a, "%s%s", to, rest);
	}
	return NULL;
}

/* "numeric(10,2)" as "numeric(9,2)". */
static const char *narrower_width(struct arena *a, const char *type)
{
	const char *open = strchr(type, '(');
	char *end;
	long width;

	if (!open)
		return NULL;
	width = strtol(open + 1, &end, 10);
	if (end == open + 1 || width < 2 || !strchr(",)", *end))
		return NULL;
	return arena_printf(a, "%.*s%ld%s", (int)(open + 1 - type), type, width - 1, end);
}

static bool is_display_width(enum db_engine engine, const char *type)
{
	return engine == DB_MYSQL && (strstr(type, "int(") || strstr(type, "year("));
}

bool schema_narrow_type(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_column *c = s->item;
	enum db_engine engine = s->catalog->engine;
	const char *type = NULL;

	(void)f;
	if (engine == DB_MYSQL || engine == DB_POSTGRES)
		type = narrower_word(s->arena, engine, c->type);
	if (!type && !is_display_width(engine, c->type))
		type = narrower_width(s->arena, c->type);
	return type && put_type(s, type);
}

static size_t key_columns(const struct db_table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		n += t->columns[i].key > 0;
	return n;
}

/* Does something else refuse NULL, or fill it in? */
static const char *null_guard(const struct schema_spot *s)
{
	const struct db_column *c = s->item;
	bool is_rowid = s->catalog->engine == DB_SQLITE && key_columns(s->table) == 1 &&
			strcasecmp(c->type, "INTEGER") == 0;
	bool has_rowid = s->catalog->engine == DB_SQLITE && db_has_rowid(s->table);

	if (c->key > 0 && (!has_rowid || is_rowid))
		return "the primary key refuses NULL by itself";
	if (c->generation == DB_IDENTITY || c->generation == DB_IDENTITY_ALWAYS)
		return "an identity refuses NULL by itself";
	return NULL;
}

bool schema_allow_null(const struct schema_fact *f, struct schema_spot *s)
{
	if (s->table->is_view)
		return false;
	s->guard = null_guard(s);
	return put_flag(f, s, true);
}

/* MariaDB knows no NOT NULL of computed columns. */
bool schema_forbid_null(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_column *c = s->item;

	if (s->table->is_view || (s->catalog->engine == DB_MYSQL && c->generation != DB_PLAIN))
		return false;
	return put_flag(f, s, false);
}

/* Another constant, which is no other writing of the same. */
bool schema_other_default(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_column *c = s->item;

	if (!c->def)
		return false;
	if (*c->def == '\'')
		return put_text(f, s, str_starts(c->def, "'assize") ? "'another'" : "'assize'");
	return put_text(f, s, str_starts(c->def, "17") ? "18" : "17");
}

bool schema_gain_default(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_column *c = s->item;

	if (c->def || s->table->is_view || c->generation != DB_PLAIN)
		return false;
	return put_text(f, s, "17");
}

static const char *generation_word(enum db_generation g)
{
	switch (g) {
	case DB_PLAIN:
		break;
	case DB_VIRTUAL:
		return "computed when read";
	case DB_STORED:
		return "computed when written";
	case DB_IDENTITY:
		return "an identity";
	case DB_IDENTITY_ALWAYS:
		return "an identity, always";
	}
	return "plain";
}

static bool put_generation(struct schema_spot *s, enum db_generation g)
{
	struct db_column *c = s->item;

	s->words = arena_printf(s->arena, "%s is %s instead of %s", schema_spot_what(s),
				generation_word(g), generation_word(c->generation));
	c->generation = g;
	return true;
}

bool schema_lose_generation(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_column *c = s->item;

	(void)f;
	if (c->generation == DB_PLAIN)
		return false;
	c->expression = c->sequence = NULL;
	return put_generation(s, DB_PLAIN);
}

bool schema_other_generation(const struct schema_fact *f, struct schema_spot *s)
{
	const struct db_column *c = s->item;

	(void)f;
	switch (c->generation) {
	case DB_PLAIN:
		break;
	case DB_VIRTUAL:
		return put_generation(s, DB_STORED);
	case DB_STORED:
		return put_generation(s, DB_VIRTUAL);
	case DB_IDENTITY:
		return s->catalog->engine == DB_POSTGRES && put_generation(s, DB_IDENTITY_ALWAYS);
	case DB_IDENTITY_ALWAYS:
		return put_generation(s, DB_IDENTITY);
	}
	return false;
}

bool schema_reorder_columns(const struct schema_fact *f, struct schema_spot *s)
{
	struct db_table *t = s->table;

	(void)f;
	if (t->n_columns < 2)
		return false;
	for (size_t i = 0; i < t->n_columns / 2; i++) {
		struct db_column c = t->columns[i];

		t->columns[i] = t->columns[t->n_columns - 1 - i];
		t->columns[t->n_columns - 1 - i] = c;
	}
	s->words = arena_printf(s->arena, "the columns of %s stand in another order", t->name);
	return true;
}
