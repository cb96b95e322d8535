/*
 * migrations_frameworks: the table of frameworks, and those that need little more than a row.
 *
 * Adding one: a row here with the columns its table has, its file names, and what it cannot know.
 * A finding that is not in `knows` gives no value at all for that framework: 0 would be a claim.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

/* The same where versions are numbers that only so many rows may have. */
#define KNOWS_NUMBERS                                                                              \
	(KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_DUPLICATE) | KNOWS(FOUND_UNKNOWN))

/* A version in digits, as a row has it. */
static bool take_number(struct world *w, const char *cell, struct applied *out)
{
	const char *text = cell ? cell : "NULL";

	*out = (struct applied){.key = text, .name = text};
	if (!migrations_is_digits(text)) {
		out->state = APPLIED_UNKNOWN;
		return true;
	}
	out->key = migrations_number(w->scratch, text, strlen(text));
	return true;
}

static bool take_first_number(struct world *w, cells c, struct applied *out)
{
	return take_number(w, c[0], out);
}

/* ---- Prisma ---- */

static const struct column_shape prisma_columns[] = {
	{.name = "migration_name", .class = COLUMN_TEXT},
	{.name = "checksum", .class = COLUMN_TEXT},
	{.name = "finished_at"},
	{.name = "rolled_back_at"},
	{.name = "logs"},
	{.name = "started_at"},
	{.name = "id"},
	{.name = "applied_steps_count"},
	{.name = NULL},
};

/* One row an attempt: a rolled back one is followed by the next attempt's. */
static bool prisma_take(struct world *w, cells c, struct applied *out)
{
	(void)w;
	migrations_take_name(c[0], out);
	out->checksum = c[1];
	if (c[3]) {
		out->state = APPLIED_ROLLED_BACK;
	} else if (!c[2]) {
		out->state = APPLIED_FAILED;
		out->remark = "began and never finished";
	}
	return true;
}

static bool agrees_sha256(const struct migration *m, const struct applied *row, const char *text,
			  size_t n)
{
	(void)m;
	return migrations_is_sha256(text, n, row->checksum);
}

static const struct framework prisma = {
	.name = "prisma",
	.title = "Prisma",
	.tables = "_prisma_migrations",
	.columns = prisma_columns,
	.order_by = "started_at",
	.naming = {.key = NAMING_FOLDER,
		   .suffixes = "migration.sql",
		   .depth_min = 1,
		   .depth_max = 1},
	.take = prisma_take,
	.order = migrations_order_text,
	.agrees = agrees_sha256,
	.tolerates_line_ends = true,
	.down_file = "migration.sql>down.sql",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_MODIFIED) |
		 KNOWS(FOUND_FAILED) | KNOWS(FOUND_ROLLED_BACK),
	.apply = "prisma migrate deploy",
	.repair = "mend the database, then prisma migrate resolve",
	.compares = "folders NAME/migration.sql; SHA-256 of the file in either line ends",
};

/* ---- goose ---- */

static const struct column_shape goose_columns[] = {
	{.name = "version_id", .class = COLUMN_INTEGER},
	{.name = "is_applied"},
	{.name = "id"},
	{.name = "tstamp"},
	{.name = NULL},
};

/* Version 0 is the row goose begins with. */
static bool goose_take(struct world *w, cells c, struct applied *out)
{
	take_number(w, c[0], out);
	if (!migrations_is_true(c[1]))
		out->state = APPLIED_ROLLED_BACK;
	return strcmp(out->key, "0") != 0;
}

static const struct framework goose = {
	.name = "goose",
	.title = "goose",
	.tables = "goose_db_version",
	.columns = goose_columns,
	.order_by = "id",
	.naming = {.suffixes = ".sql .go",
		   .except = "_test.go",
		   .min_digits = 1,
		   .after = "_",
		   .depth_max = 0},
	.take = goose_take,
	.order = migrations_order_number,
	.down_words = "-- +goose Down",
	.knows = KNOWS_NUMBERS | KNOWS(FOUND_ROLLED_BACK),
	.apply = "goose up",
	.compares = "files N_x.sql and N_x.go; the newest row of a version counts; no checksum, so "
		    "an edited file is not seen",
};

/* ---- golang-migrate ---- */

static const struct column_shape golang_migrate_columns[] = {
	{.name = "version", .class = COLUMN_INTEGER},
	{.name = "dirty"},
	{.name = NULL},
};

static bool golang_migrate_take(struct world *w, cells c, struct applied *out)
{
	take_number(w, c[0], out);
	if (migrations_is_true(c[1])) {
		out->state = APPLIED_FAILED;
		out->remark = "the table is dirty: this migration ended half way";
	}
	return true;
}

/* The one row says how far the database is; what lies behind it counts as applied. */
static int golang_migrate_compare(struct world *w, struct err *e)
{
	if (w->n_rows > 1)
		return err_set(e, ERR_MEASURE,
			       "table %s has %zu rows where golang-migrate keeps one", w->table,
			       w->n_rows);
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];

		if (w->n_rows > 0 && w->rows[0].state != APPLIED_UNKNOWN &&
		    migrations_order_number(m->version, w->rows[0].version) <= 0)
			m->is_applied = true;
	}
	migrations_find_unapplied(w);
	migrations_remark(w, "golang-migrate keeps the last version only: whether all before it "
			     "were applied cannot be known");
	return 0;
}

static const struct framework golang_migrate = {
	.name = "golang-migrate",
	.title = "golang-migrate",
	.tables = "schema_migrations",
	.columns = golang_migrate_columns,
	.is_exact = true,
	.order_by = "version",
	.naming = {.suffixes = ".up.sql", .min_digits = 1, .after = "_", .depth_max = 0},
	.take = golang_migrate_take,
	.order = migrations_order_number,
	.compare = golang_migrate_compare,
	.down_file = ".up.sql>.down.sql",
	.refuses_newer = true,
	.knows = KNOWS_NAMES | KNOWS(FOUND_FAILED) | KNOWS(FOUND_DUPLICATE) | KNOWS(FOUND_UNKNOWN),
	.apply = "migrate up",
	.repair = "mend the database, then migrate force VERSION",
	.compares = "files N_x.up.sql against one row with the last version: gaps before it, edits "
		    "and order cannot be known",
};

/* ---- Rails, Ecto, Diesel, dbmate, sqlx: a row a version ---- */

static const struct column_shape version_columns[] = {
	{.name = "version", .class = COLUMN_TEXT},
	{.name = NULL},
};

static const struct framework rails = {
	.name = "rails",
	.title = "Rails",
	.tables = "schema_migrations",
	.columns = version_columns,
	.is_exact = true,
	.order_by = "version",
	.naming = {.suffixes = ".rb", .min_digits = 1, .after = "_", .depth_max = 16},
	.take = take_first_number,
	.order = migrations_order_number,
	.down_words = "def down|def change",
	.knows = KNOWS_NUMBERS,
	.apply = "rails db:migrate",
	.compares = "files N_x.rb; no checksum, so an edited file is not seen",
};

static const struct framework dbmate = {
	.name = "dbmate",
	.title = "dbmate",
	.tables = "schema_migrations",
	.columns = version_columns,
	.is_exact = true,
	.order_by = "version",
	.naming = {.suffixes = ".sql", .min_digits = 1, .depth_max = 0},
	.take = take_first_number,
	.order = migrations_order_number,
	.down_words = "-- migrate:down",
	.knows = KNOWS_NUMBERS,
	.apply = "dbmate up",
	.compares = "files N_x.sql; no checksum, so an edited file is not seen",
};

static const struct column_shape ecto_columns[] = {
	{.name = "version", .class = COLUMN_INTEGER},
	{.name = "inserted_at"},
	{.name = NULL},
};

static const struct framework ecto = {
	.name = "ecto",
	.title = "Ecto",
	.tables = "schema_migrations",
	.columns = ecto_columns,
	.is_exact = true,
	.order_by = "version",
	.naming = {.suffixes = ".exs", .min_digits = 1, .after = "_", .depth_max = 16},
	.take = take_first_number,
	.order = migrations_order_number,
	.down_words = "def down|def change",
	.knows = KNOWS_NUMBERS,
	.apply = "mix ecto.migrate",
	.compares = "files N_x.exs; no checksum, so an edited file is not seen",
};

static const struct column_shape diesel_columns[] = {
	{.name = "version", .class = COLUMN_TEXT},
	{.name = "run_on"},
	{.name = NULL},
};

/* The folder's name up to the first "_", without dashes. */
static bool diesel_adjust(struct world *w, struct migration *m)
{
	char *version = arena_strndup(w->arena, m->key, strcspn(m->key, "_"));
	size_t n = 0;

	for (const char *s = version; *s; s++)
		if (*s != '-')
			version[n++] = *s;
	version[n] = '\0';
	m->key = m->version = version;
	return true;
}

static const struct framework diesel = {
	.name = "diesel",
	.title = "Diesel",
	.tables = "__diesel_schema_migrations",
	.columns = diesel_columns,
	.order_by = "version",
	.naming = {.key = NAMING_FOLDER, .suffixes = "up.sql", .depth_min = 1, .depth_max = 1},
	.adjust = diesel_adjust,
	.take = migrations_take_first_name,
	.order = migrations_order_text,
	.down_file = "up.sql>down.sql",
	.knows = KNOWS_NAMES | KNOWS(FOUND_OUT_OF_ORDER) | KNOWS(FOUND_DUPLICATE),
	.apply = "diesel migration run",
	.compares = "folders VERSION_x/up.sql; no checksum, so an edited file is not seen",
};

static const struct column_shape sqlx_columns[] = {
	{.name = "version", .class = COLUMN_INTEGER},
	{.name = "success"},
	{.name = "checksum"},
	{.name = "description"},
	{.name = "installed_on"},
	{.name = "execution_time"},
	{.name = NULL},
};

static bool sqlx_take(struct world *w, cells c, struct applied *out)
{
	take_number(w, c[0], out);
	out->checksum = c[2];
	if (c[3])
		out->name = arena_printf(w->scratch, "%s %s", out->key, c[3]);
	if (!migrations_is_true(c[1])) {
		out->state = APPLIED_FAILED;
		out->remark = "the table says that it ended half way";
	}
	return true;
}

static bool agrees_sha384(const struct migration *m, const struct applied *row, const char *text,
			  size_t n)
{
	(void)m;
	return migrations_is_sha384(text, n, row->checksum);
}

static const struct framework sqlx = {
	.name = "sqlx",
	.title = "sqlx",
	.tables = "_sqlx_migrations",
	.columns = sqlx_columns,
	.order_by = "version",
	.naming = {.suffixes = ".sql",
		   .except = ".down.sql",
		   .min_digits = 1,
		   .after = "_",
		   .depth_max = 0},
	.take = sqlx_take,
	.order = migrations_order_number,
	.agrees = agrees_sha384,
	.down_file = ".up.sql>.down.sql",
	.refuses_newer = true,
	.knows = KNOWS_NUMBERS | KNOWS(FOUND_MODIFIED) | KNOWS(FOUND_LINE_ENDS) |
		 KNOWS(FOUND_FAILED),
	.apply = "sqlx migrate run",
	.repair = "mend the database and delete the row, as sqlx asks",
	.compares = "files N_x.sql and N_x.up.sql; SHA-384 of the file, line ends included",
};

/* ---- the table ---- */

const struct framework *const migrations_frameworks[] = {
	&migrations_flyway,
	&migrations_liquibase,
	&migrations_alembic,
	&migrations_django,
	&rails,
	&prisma,
	&goose,
	&golang_migrate,
	&migrations_knex,
	&migrations_sqitch,
	&migrations_atlas,
	&sqlx,
	&migrations_drizzle,
	&migrations_refinery,
	&migrations_efcore,
	&migrations_laravel,
	&migrations_typeorm,
	&migrations_sequelize,
	&migrations_doctrine,
	&ecto,
	&diesel,
	&dbmate,
};

const size_t migrations_n_frameworks =
	sizeof(migrations_frameworks) / sizeof(migrations_frameworks[0]);

/* In the same order; a test compares the two. */
const char *const migrations_framework_names[] = {
	"auto",	     "flyway",	 "liquibase",	   "alembic", "django",	 "rails",
	"prisma",    "goose",	 "golang-migrate", "knex",    "sqitch",	 "atlas",
	"sqlx",	     "drizzle",	 "refinery",	   "efcore",  "laravel", "typeorm",
	"sequelize", "doctrine", "ecto",	   "diesel",  "dbmate",	 NULL,
};
