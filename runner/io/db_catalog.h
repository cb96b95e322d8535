/*
 * db_catalog: what a database is made of, in the engine's own words; included by db.h.
 *
 * All of it comes from one call, which asks the engine one query for each kind of object and never
 * one for each object. Text is in the arena. The zero of every field means the usual or "this
 * engine has no such thing", so a driver fills what its engine knows and leaves the rest alone.
 *
 * Order is made here, not by the engine: columns as declared, everything else bytewise by name,
 * what has no name by its columns. The same schema gives the same catalog, whatever the order of
 * creation; OIDs, row counts and the positions of sequences are no facts of a schema.
 *
 * Names: an object of the search path (PostgreSQL), of the current database (MySQL) or of main
 * (SQLite) has its bare name, any other "schema.name"; the same holds for names that are referred
 * to. Internal objects (pg_catalog, information_schema, sqlite_...) are left out, and so is what an
 * extension owns.
 */
#ifndef ASSIZE_IO_DB_CATALOG_H
#define ASSIZE_IO_DB_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"

enum db_engine { DB_SQLITE = 0, DB_POSTGRES, DB_MYSQL, DB_ODBC };

struct arena;
struct db;
struct err;

enum db_generation {
	DB_PLAIN = 0,
	DB_VIRTUAL,	    /* computed when read */
	DB_STORED,	    /* computed when written */
	DB_IDENTITY,	    /* BY DEFAULT AS IDENTITY, AUTO_INCREMENT, AUTOINCREMENT */
	DB_IDENTITY_ALWAYS, /* ALWAYS AS IDENTITY */
};

struct db_column {
	const char *name;
	const char *type; /* as declared or as the engine prints it: "varchar(20)"; "" = none */
	const char *base; /* of a PostgreSQL domain: the type that it is of at last; NULL = none,
			     and in whole catalogs */
	bool is_nullable; /* what the engine enforces, not only what NOT NULL says */
	enum db_generation generation;
	const char *expression;	 /* VIRTUAL and STORED: what of; NULL = unknown */
	const char *def;	 /* default as SQL text; NULL = none, and for generated columns */
	const char *collation;	 /* NULL = that of the type, table or database */
	const char *comment;	 /* NULL = none */
	int64_t key;		 /* place in the primary key, from 1; 0 = not part of it */
	const char *on_conflict; /* SQLite, NOT NULL ON CONFLICT: "REPLACE"; NULL = ABORT */
	const char *sequence;	 /* IDENTITY: how it counts, "INCREMENT BY 10"; NULL = 1, 2, 3 */
	/* MySQL: "INVISIBLE", "WITHOUT SYSTEM VERSIONING", and "ON UPDATE x" where there is no
	 * default that says it, joined by ", "; NULL = none */
	const char *options;
};

enum db_constraint_type { DB_PRIMARY_KEY = 0, DB_UNIQUE, DB_CHECK, DB_EXCLUDE };

struct db_constraint {
	enum db_constraint_type type;
	const char *name;     /* NULL = it has none (SQLite) */
	const char **columns; /* in key order; CHECK: none */
	size_t n_columns;
	const char **options;	/* of the columns, as an index has them: what decides whether two
				   values are one; NULL for all: no column has any */
	const char *expression; /* CHECK: the condition without CHECK and its parentheses;
				   EXCLUDE: the definition */
	bool is_deferrable, is_deferred;
	bool is_unvalidated;	 /* rows that exist may break it: NOT VALID, NOT ENFORCED */
	bool is_no_inherit;	 /* CHECK: it does not hold in tables that inherit */
	bool has_equal_nulls;	 /* UNIQUE NULLS NOT DISTINCT */
	const char *on_conflict; /* SQLite: "REPLACE", "IGNORE", ...; NULL = ABORT */
};

struct db_index {
	const char *name;
	bool is_unique;
	bool is_automatic;    /* made by a PRIMARY KEY, UNIQUE or EXCLUDE constraint */
	const char **columns; /* the key: a column's name, or "(expression)" with the text */
	const char **options; /* per column: "DESC", "(10)", "COLLATE C", joined by a space;
				 NULL = none; NULL for all: no column has any */
	size_t n_columns;
	const char **include; /* columns carried beside the key */
	size_t n_include;
	const char *where;  /* predicate of a partial index, without WHERE; NULL = whole */
	const char *method; /* lower case: "hash", "gin"; NULL = btree, or the only one there is */
	bool has_equal_nulls; /* NULLS NOT DISTINCT */
	bool is_invalid;      /* not valid or not ready, disabled, or ignored: it serves no query */
};

struct db_foreign_key {
	const char *name; /* NULL = it has none (SQLite) */
	const char **columns;
	const char *table;
	const char *schema;   /* or database that the table is in, as of tables */
	const char **targets; /* n_columns; a NULL entry is the other table's primary key */
	size_t n_columns;
	const char *on_update, *on_delete; /* "NO ACTION", "CASCADE", ...; NULL = not shown */
	bool is_deferrable, is_deferred;
	bool is_unvalidated;	 /* rows that exist may break it */
	bool is_disabled;	 /* it guards nothing: its triggers are disabled (PostgreSQL) */
	bool is_match_full;	 /* all columns are NULL or none is */
	const char *set_columns; /* the only ones ON DELETE sets, "b, c"; NULL = all */
};

/* A trigger, and what else hangs on a table with a name and a definition. */
struct db_trigger {
	const char *name;
	const char *definition; /* whole, as the engine prints it */
	bool is_disabled;	/* it does not fire in the session of an application */
	const char *enabled;	/* PostgreSQL: "ALWAYS", "REPLICA"; NULL = neither */
	int64_t place;		/* MySQL: among those of one event, from 2; 0 = the first */
};

struct db_partition {
	const char *name;
	const char
		*bounds; /* "FOR VALUES FROM (1) TO (10)", "VALUES LESS THAN (10)"; NULL = none */
};

/* What a role may not be shown of a table it sees (MySQL). */
enum db_hidden {
	DB_HIDES_COLUMNS = 1, /* those it has no privilege on, with the keys they are in */
	DB_HIDES_CHECKS = 2,
	DB_HIDES_ACTIONS = 4, /* of foreign keys: on_update and on_delete are NULL */
	DB_HIDES_QUERY = 8,   /* of a view: definition is NULL */
};

struct db_table {
	const char *name;
	const char *schema; /* or database that it is in, also when its name is bare; NULL = none */
	bool is_view;
	bool is_materialized;	/* a view whose rows are stored */
	bool is_unpopulated;	/* its rows are not there yet: reading it is refused */
	const char *definition; /* views: the query; NULL = unknown */
	/* Why its facts could not be read (a view that no longer resolves): columns and the rest
	 * are then empty. NULL = they were read. */
	const char *error;
	unsigned hidden; /* enum db_hidden: what may be there and is not listed; 0 = nothing */
	/* What it is kept in when not the usual: "InnoDB" (always said on MySQL), "UNLOGGED",
	 * "FOREIGN TABLE", "STRICT", "WITHOUT ROWID", "VIRTUAL TABLE", joined by ", ". */
	const char *storage;
	const char *charset, *collation; /* MySQL */
	const char *comment;
	bool has_row_security, forces_row_security; /* PostgreSQL */
	/* PostgreSQL: WITH (...), "security_barrier=true"; a foreign table's server and options.
	 * MySQL: of a view, "ALGORITHM=x, SQL SECURITY INVOKER, CHECK OPTION=x". SQLite: a virtual
	 * table's module with its arguments. NULL = none */
	const char *options;
	const char *replica_identity; /* "FULL", "NOTHING", "USING INDEX x"; NULL = primary key */
	const char *parent;	      /* the table this is a partition of, or inherits from */
	const char *other_parents;    /* those it inherits from as well, "b, c" */
	const char *partition_by;     /* "RANGE (created_at)"; NULL = not partitioned */
	struct db_partition *partitions;
	size_t n_partitions;
	struct db_column *columns;
	size_t n_columns;
	struct db_constraint *constraints;
	size_t n_constraints;
	struct db_index *indexes;
	size_t n_indexes;
	struct db_foreign_key *foreign_keys;
	size_t n_foreign_keys;
	struct db_trigger *triggers;
	size_t n_triggers;
	struct db_trigger *rules; /* PostgreSQL, but for those that views are */
	size_t n_rules;
	struct db_trigger *statistics; /* PostgreSQL: CREATE STATISTICS */
	size_t n_statistics;
	struct db_trigger *policies; /* PostgreSQL: which rows a role sees and writes */
	size_t n_policies;
};

/* Sequences of identity columns are part of the column and left out; serial's are listed. */
struct db_sequence {
	const char *name;
	const char *type;				   /* "bigint" */
	const char *start, *increment, *minimum, *maximum; /* numbers as text; NULL = unknown */
	bool is_cycle;
	bool is_unlogged;  /* it begins again after a crash (PostgreSQL) */
	const char *owner; /* "table.column" it is dropped with; NULL = none */
};

struct db_extension {
	const char *name, *version;
};

struct db_enum {
	const char *name;
	const char **values; /* in their order, which is a fact */
	size_t n_values;
};

/* A domain, a composite type or a range: "DOMAIN numeric(10,2) NOT NULL CHECK ((VALUE > 0))". */
struct db_user_type {
	const char *name, *definition;
	const char *collation; /* "C"; of a composite "street C"; NULL = that of the types */
};

/* A table or view by its name. */
struct db_object {
	const char *name;
	bool is_view;
};

struct db_catalog {
	enum db_engine engine;
	struct db_table *tables; /* and views */
	size_t n_tables;
	struct db_sequence *sequences;
	size_t n_sequences;
	struct db_extension *extensions;
	size_t n_extensions;
	struct db_enum *enums;
	size_t n_enums;
	struct db_user_type *types;
	size_t n_types;
	bool hides_tables; /* those the role has no privilege on are not listed (MySQL) */
	bool tells_case;   /* names of tables differ by it, though columns' do not (MySQL) */
	/* Of schemas that were not read, for hints: whoever wants them asks db_elsewhere(). */
	struct db_object *others;
	size_t n_others;
};

/* What a catalog may be read without; tables with their columns and primary keys always are. */
enum db_facts {
	DB_FACTS_CONSTRAINTS = 1,
	DB_FACTS_INDEXES = 2,
	DB_FACTS_FOREIGN_KEYS = 4,
	DB_FACTS_TRIGGERS = 8, /* and rules, statistics and policies */
	DB_FACTS_TRAITS = 16,  /* comments, collations, queries, parents, partitions, options */
	DB_FACTS_SEQUENCES = 32,
	DB_FACTS_EXTENSIONS = 64,
	DB_FACTS_TYPES = 128, /* and enums */
};

struct db_wanted {
	/* Schemas or databases to be read beside the search path; those that do not exist have no
	 * objects. */
	struct texts schemas;
	struct texts tables; /* bare names of tables and views; n = 0: all */
	unsigned facts;	     /* enum db_facts */
};

/*
 * What is wanted at least (NULL = everything): an engine whose catalog is read soon gives more. A
 * view that no longer resolves is listed with its error and takes nothing else with it.
 */
int db_catalog(struct db *db, struct arena *a, const struct db_wanted *wanted, int64_t deadline_ms,
	       struct db_catalog *out, struct err *e);

/* Names only, and one table or view: for hints, where a whole catalog would be too much. */
/* Tables and views, sorted bytewise by name. */
int db_objects(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
	       size_t *n, struct err *e);
/* The same of PostgreSQL's schemas that the search path does not name: "schema.table". */
int db_elsewhere(struct db *db, struct arena *a, int64_t deadline_ms, struct db_object **out,
		 size_t *n, struct err *e);
/*
 * One table or view with its columns at least (name, type, nullability, generation, default, key),
 * its name compared as the engine does. A name that does not exist is an error with db_missing() ==
 * DB_ABSENT_TABLE.
 */
int db_describe(struct db *db, struct arena *a, const char *name, int64_t deadline_ms,
		struct db_table *out, struct err *e);

/* Do the rows of a table of SQLite have numbers? Its storage is written as its author wrote it. */
bool db_has_rowid(const struct db_table *t);

#endif
