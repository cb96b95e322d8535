/*
 * migrations_by_name: frameworks whose table has a row a name: Knex, Sequelize, Laravel, EF Core,
 * TypeORM, Doctrine. None of them keeps a checksum, so none can tell an edited file.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

static const struct column_shape knex_columns[] = {
	{.name = "name", .class = COLUMN_TEXT},
	{.name = "batch"},
	{.name = "migration_time"},
	{.name = "id"},
	{.name = NULL},
};

const struct framework migrations_knex = {
	.name = "knex",
	.title = "Knex",
	.tables = "knex_migrations",
	.lock_suffix = "_lock",
	.lock_column = "is_locked",
	.columns = knex_columns,
	.order_by = "id",
	.naming = {.key = NAMING_BASE,
		   .suffixes = ".js .cjs .mjs .ts .coffee",
		   .except = ".d.ts",
		   .depth_max = 0},
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_words = "exports.down|function down|const down",
	.refuses_newer = true,
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_FAILED),
	.apply = "knex migrate:latest",
	.repair = "when none runs, knex migrate:unlock",
	.compares = "file names as they are; the lock; no checksum, so an edited file is not seen",
};

static const struct column_shape sequelize_columns[] = {
	{.name = "name", .class = COLUMN_TEXT},
	{.name = "createdAt", .is_optional = true},
	{.name = "updatedAt", .is_optional = true},
	{.name = NULL},
};

const struct framework migrations_sequelize = {
	.name = "sequelize",
	.title = "Sequelize",
	.tables = "SequelizeMeta",
	.columns = sequelize_columns,
	.is_exact = true,
	.order_by = "name",
	.naming = {.key = NAMING_BASE,
		   .suffixes = ".js .cjs .mjs .ts .cts",
		   .except = ".d.ts",
		   .depth_max = 0},
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_words = "down(|down:|down =",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER),
	.apply = "sequelize db:migrate",
	.compares = "file names as they are; no checksum, so an edited file is not seen",
};

static const struct column_shape laravel_columns[] = {
	{.name = "migration", .class = COLUMN_TEXT},
	{.name = "batch", .class = COLUMN_INTEGER},
	{.name = "id", .is_optional = true},
	{.name = NULL},
};

const struct framework migrations_laravel = {
	.name = "laravel",
	.title = "Laravel",
	.tables = "migrations",
	.columns = laravel_columns,
	.is_exact = true,
	.order_by = "id",
	.naming = {.key = NAMING_STEM,
		   .suffixes = ".php",
		   .min_digits = 1,
		   .after = "_",
		   .depth_max = 0},
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_words = "function down(",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER),
	.apply = "php artisan migrate",
	.compares = "file names without .php; no checksum, so an edited file is not seen",
};

static const struct column_shape efcore_columns[] = {
	{.name = "MigrationId", .class = COLUMN_TEXT},
	{.name = "ProductVersion"},
	{.name = NULL},
};

const struct framework migrations_efcore = {
	.name = "efcore",
	.title = "EF Core",
	.tables = "__EFMigrationsHistory",
	.columns = efcore_columns,
	.order_by = "MigrationId",
	.naming = {.key = NAMING_STEM,
		   .suffixes = ".cs",
		   .except = ".Designer.cs",
		   .min_digits = 14,
		   .after = "_",
		   .depth_max = 16},
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_words = "void Down(",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_DUPLICATE),
	.apply = "dotnet ef database update",
	.compares = "files STAMP_X.cs; the Migration attribute is taken to be the file's name; no "
		    "checksum, so an edited file is not seen",
};

static const struct column_shape typeorm_columns[] = {
	{.name = "name", .class = COLUMN_TEXT},
	{.name = "timestamp", .class = COLUMN_INTEGER},
	{.name = "id"},
	{.name = NULL},
};

static bool typeorm_take(struct world *w, cells c, struct applied *out)
{
	(void)w;
	migrations_take_name(c[0], out);
	out->version = c[1];
	return true;
}

static bool ends_in_timestamp(const char *name)
{
	size_t n = strlen(name);

	return n > 13 && migrations_is_digits(name + n - 13);
}

/* A property `name` with a literal, else the first class called X and 13 digits; NULL = neither. */
static const char *typeorm_name(struct world *w, const char *text)
{
	const char *code = migrations_code(w->scratch, text, SOURCE_JS);
	const char *class, *name = migrations_js_property(w->arena, text, code, "name");

	if (name && ends_in_timestamp(name))
		return name;
	do
		class = migrations_word_after(w->arena, &code, "class ");
	while (class && !ends_in_timestamp(class));
	return class;
}

static int typeorm_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		struct migration m = {.file = f};
		const char *text;
		size_t size;

		if ((!str_ends(f->base, ".ts") && !str_ends(f->base, ".js")) ||
		    str_ends(f->base, ".d.ts"))
			continue;
		if (migrations_read(w, f, &text, &size, e) != 0)
			return -1;
		m.key = typeorm_name(w, text);
		migrations_end_scratch(w);
		if (!m.key)
			continue;
		m.version = m.key + strlen(m.key) - 13;
		m.name = m.key;
		migrations_add(w, &m);
	}
	return 0;
}

const struct framework migrations_typeorm = {
	.name = "typeorm",
	.title = "TypeORM",
	.tables = "migrations",
	.columns = typeorm_columns,
	.is_exact = true,
	.order_by = "id",
	.files = typeorm_files,
	.take = typeorm_take,
	.order = migrations_order_number,
	.down_words = "down(",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_DUPLICATE),
	.apply = "typeorm migration:run",
	.compares = "the property name of a .ts or .js file, else its first class called X and 13 "
		    "digits; no checksum, so an edited file is not seen",
};

static const struct column_shape doctrine_columns[] = {
	{.name = "version", .class = COLUMN_TEXT},
	{.name = "executed_at"},
	{.name = "execution_time"},
	{.name = NULL},
};

static int doctrine_files(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_files; i++) {
		const struct migration_file *f = &w->files[i];
		const char *namespace, *class, *key, *text, *code, *rest;
		size_t size;

		if (!str_ends(f->base, ".php") || !str_starts(f->base, "Version"))
			continue;
		if (migrations_read(w, f, &text, &size, e) != 0)
			return -1;
		rest = code = migrations_code(w->scratch, text, SOURCE_PHP);
		namespace = migrations_word_after(w->arena, &rest, "namespace ");
		rest = code;
		do
			class = migrations_word_after(w->arena, &rest, "class ");
		while (class && !str_starts(class, "Version"));
		migrations_end_scratch(w);
		if (!class)
			continue;
		key = namespace ? arena_printf(w->arena, "%s\\%s", namespace, class) : class;
		migrations_add(w, &(struct migration){
					  .key = key, .version = key, .name = f->base, .file = f});
	}
	return 0;
}

const struct framework migrations_doctrine = {
	.name = "doctrine",
	.title = "Doctrine",
	.tables = "doctrine_migration_versions",
	.columns = doctrine_columns,
	.order_by = "version",
	.files = doctrine_files,
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_words = "function down(",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_DUPLICATE),
	.apply = "doctrine:migrations:migrate",
	.compares = "namespace and class of VersionX.php; no checksum, so an edited file is not "
		    "seen",
};
