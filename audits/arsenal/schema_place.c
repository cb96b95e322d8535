/*
 * arsenal_schema_place: places in a catalog, by number and by name.
 *
 * Arrays of a catalog are reached by offset, so that what is said of one part holds for all. A
 * place is found again by its number, and by its words it is known to be the same.
 */
#include "audits/arsenal/schema.h"

#include <string.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"

/* Where the items of a part are kept, and how large one is. */
struct shelf {
	const char *word;
	bool is_of_table;
	size_t items, n, size;
};

#define IN_TABLE(word_, member_, type_)                                                            \
	{                                                                                          \
		(word_), true, offsetof(struct db_table, member_),                                 \
			offsetof(struct db_table, n_##member_), sizeof(type_)                      \
	}
#define IN_CATALOG(word_, member_, type_)                                                          \
	{                                                                                          \
		(word_), false, offsetof(struct db_catalog, member_),                              \
			offsetof(struct db_catalog, n_##member_), sizeof(type_)                    \
	}

static const struct shelf shelves[PART_N] = {
	[PART_TABLE] = IN_CATALOG("table", tables, struct db_table),
	[PART_VIEW] = IN_CATALOG("view", tables, struct db_table),
	[PART_COLUMN] = IN_TABLE("column", columns, struct db_column),
	[PART_CONSTRAINT] = IN_TABLE("constraint", constraints, struct db_constraint),
	[PART_INDEX] = IN_TABLE("index", indexes, struct db_index),
	[PART_FOREIGN_KEY] = IN_TABLE("foreign key", foreign_keys, struct db_foreign_key),
	[PART_TRIGGER] = IN_TABLE("trigger", triggers, struct db_trigger),
	[PART_RULE] = IN_TABLE("rule", rules, struct db_trigger),
	[PART_STATISTICS] = IN_TABLE("statistics", statistics, struct db_trigger),
	[PART_POLICY] = IN_TABLE("policy", policies, struct db_trigger),
	[PART_PARTITION] = IN_TABLE("partition", partitions, struct db_partition),
	[PART_SEQUENCE] = IN_CATALOG("sequence", sequences, struct db_sequence),
	[PART_EXTENSION] = IN_CATALOG("extension", extensions, struct db_extension),
	[PART_ENUM] = IN_CATALOG("enum", enums, struct db_enum),
	[PART_TYPE] = IN_CATALOG("type", types, struct db_user_type),
};

static bool is_whole_table(enum schema_part part)
{
	return part == PART_TABLE || part == PART_VIEW;
}

static char *base_of(struct db_catalog *c, struct db_table *t, enum schema_part part)
{
	return shelves[part].is_of_table ? (char *)t : (char *)c;
}

static char *items_of(const char *base, enum schema_part part)
{
	char *items;

	memcpy(&items, base + shelves[part].items, sizeof(items));
	return items;
}

static size_t number_of(const char *base, enum schema_part part)
{
	size_t n;

	memcpy(&n, base + shelves[part].n, sizeof(n));
	return n;
}

static void put_back(char *base, enum schema_part part, const void *items, size_t n)
{
	memcpy(base + shelves[part].items, &items, sizeof(items));
	memcpy(base + shelves[part].n, &n, sizeof(n));
}

size_t schema_part_count(const struct db_catalog *c, const struct db_table *t,
			 const struct schema_spec *spec, enum schema_part part)
{
	const char *base = shelves[part].is_of_table ? (const char *)t : (const char *)c;

	if (part == PART_CATALOG)
		return 1;
	if (part == PART_ABSENT)
		return spec->absent.n;
	if (is_whole_table(part))
		return t && t->is_view == (part == PART_VIEW) ? 1 : 0;
	return base ? number_of(base, part) : 0;
}

bool schema_spot_fill(struct schema_spot *s)
{
	char *base;

	if (s->i >= schema_part_count(s->catalog, s->table, s->spec, s->part))
		return false;
	if (s->part == PART_CATALOG)
		s->item = s->catalog;
	else if (s->part == PART_ABSENT)
		s->item = (void *)(uintptr_t)s->spec->absent.items[s->i]; /* only read */
	else if (is_whole_table(s->part))
		s->item = s->table;
	else if ((base = base_of(s->catalog, s->table, s->part)) != NULL)
		s->item = items_of(base, s->part) + s->i * shelves[s->part].size;
	return true;
}

/* ---- names ---- */

/* What has no name is known by what it says. */
static const char *constraint_name(struct arena *a, const struct db_constraint *k)
{
	static const char *const types[] = {"primary key", "unique", "check", "exclude"};

	if (k->name)
		return arena_printf(a, "constraint %s", k->name);
	return arena_printf(a, "%s (%s)", types[k->type],
			    k->type == DB_CHECK || k->type == DB_EXCLUDE
				    ? (k->expression ? k->expression : "?")
				    : schema_list(a, k->columns, k->n_columns));
}

static const char *key_name(struct arena *a, const struct db_foreign_key *k)
{
	return arena_printf(a, "foreign key %s",
			    k->name ? k->name
				    : arena_printf(a, "(%s) to %s",
						   schema_list(a, k->columns, k->n_columns),
						   k->table));
}

/* Every item of a part but for these two begins with its name. */
static const char *first_text(const void *item)
{
	const char *name;

	memcpy(&name, item, sizeof(name));
	return name;
}

static const char *part_name(const struct schema_spot *s)
{
	if (s->part == PART_CONSTRAINT)
		return constraint_name(s->arena, s->item);
	if (s->part == PART_FOREIGN_KEY)
		return key_name(s->arena, s->item);
	return arena_printf(s->arena, "%s %s", shelves[s->part].word, first_text(s->item));
}

const char *schema_spot_what(const struct schema_spot *s)
{
	if (s->part == PART_CATALOG)
		return "the schema";
	if (s->part == PART_ABSENT)
		return s->item;
	if (s->part == PART_COLUMN)
		return arena_printf(s->arena, "column %s.%s", s->table->name, first_text(s->item));
	if (shelves[s->part].is_of_table)
		return arena_printf(s->arena, "%s of %s", part_name(s), s->table->name);
	return part_name(s);
}

/* Does the operator damage several facts of such a place? */
static bool is_one_of(const struct schema_fact *f)
{
	for (const struct schema_fact *g = schema_facts; g->damage; g++)
		if (g->op == f->op && g->part == f->part && f->label &&
		    strcmp(g->label, f->label) != 0)
			return true;
	return false;
}

const char *schema_spot_object(const struct schema_spot *s, const struct schema_fact *f)
{
	const char *object = "", *name = "";

	if (s->part == PART_CONSTRAINT) {
		const struct db_constraint *k = s->item;

		name = k->name ? k->name : constraint_name(s->arena, k);
	} else if (s->part == PART_FOREIGN_KEY) {
		const struct db_foreign_key *k = s->item;

		name = k->name ? k->name : key_name(s->arena, k);
	} else if (s->part == PART_ABSENT) {
		object = s->item;
	} else if (s->part != PART_CATALOG) {
		name = first_text(s->item);
	}
	if (shelves[s->part].is_of_table)
		object = arena_printf(s->arena, "%s.%s", s->table->name, name);
	else if (s->part != PART_CATALOG && s->part != PART_ABSENT)
		object = name;
	if (!is_one_of(f))
		return object;
	return *object ? arena_printf(s->arena, "%s (%s)", object, f->label) : f->label;
}

/* ---- copies ---- */

static void copy_items(struct arena *a, char *base, enum schema_part part)
{
	size_t n = number_of(base, part);
	void *items = arena_array(a, n, shelves[part].size);

	if (n > 0)
		memcpy(items, items_of(base, part), n * shelves[part].size);
	put_back(base, part, items, n);
}

struct db_catalog schema_copy(struct arena *a, const struct db_catalog *c, const char *table)
{
	struct db_catalog copy = *c;

	copy_items(a, (char *)&copy, PART_TABLE);
	for (int part = PART_SEQUENCE; part < PART_N; part++)
		copy_items(a, (char *)&copy, (enum schema_part)part);
	for (size_t i = 0; table && i < copy.n_tables; i++) {
		if (strcmp(copy.tables[i].name, table) != 0)
			continue;
		for (int part = PART_COLUMN; part < PART_SEQUENCE; part++)
			copy_items(a, (char *)&copy.tables[i], (enum schema_part)part);
	}
	return copy;
}

void schema_spot_remove(struct schema_spot *s)
{
	enum schema_part part = s->part == PART_VIEW ? PART_TABLE : s->part;
	char *base = base_of(s->catalog, s->table, part);
	char *items = items_of(base, part);
	size_t n = number_of(base, part), size = shelves[part].size;
	size_t i = is_whole_table(part) ? (size_t)(s->table - s->catalog->tables) : s->i;

	memmove(items + i * size, items + (i + 1) * size, (n - i - 1) * size);
	put_back(base, part, items, n - 1);
}

void *schema_spot_add(struct schema_spot *s, enum schema_part part)
{
	char *base = base_of(s->catalog, s->table, part);
	size_t n = number_of(base, part), size = shelves[part].size;
	char *items = arena_array(s->arena, n + 1, size);

	if (n > 0)
		memcpy(items, items_of(base, part), n * size);
	put_back(base, part, items, n + 1);
	return items + n * size;
}
