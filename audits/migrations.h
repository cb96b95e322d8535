/*
 * migrations: what the kind of that name is made of; private to this room.
 *
 * Two lists are compared. `files` become migrations: what the repository says there is to apply.
 * Rows of a framework's bookkeeping table become applied: what the database says was done. A
 * framework (migrations_frameworks.c) is a row that says how its table is recognised and read, how
 * a file name becomes a migration, what its checksums cover, and what it cannot know; where that
 * needs more than data it names a function. The findings are the same for all of them.
 *
 * Nothing is ever executed: what is written in Python, Ruby, JavaScript or PHP is read as text.
 * Everything lives in the probe's arena.
 */
#ifndef ASSIZE_AUDITS_MIGRATIONS_H
#define ASSIZE_AUDITS_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/pairs.h"

struct arena;
struct check;
struct db;
struct db_column;
struct db_table;
struct db_value;
struct err;
struct framework;
struct git_files;
struct probe;
struct world;

#define MIGRATIONS_MAX_FILE_BYTES ((size_t)4 << 20)
#define MIGRATIONS_MAX		  100000
/* Names of files and rows, beside the lists themselves: with it a check stays below 64 MB. */
#define MIGRATIONS_MAX_NAMES_BYTES ((size_t)20 << 20)

struct migrations_spec {
	int framework; /* 0 = auto, else 1 + index of the framework */
	struct texts paths;
	const char *root; /* absolute directory the paths are relative to */
	const char *ref, *table;
	struct texts allow;
};

/* The order is that of the value rows in migrations.c. */
enum finding {
	FOUND_PENDING = 0,
	FOUND_MISSING,
	FOUND_MODIFIED,
	FOUND_LINE_ENDS,
	FOUND_OUT_OF_ORDER,
	FOUND_FAILED,
	FOUND_ROLLED_BACK,
	FOUND_UNKNOWN,
	FOUND_DUPLICATE,
	FOUND_BROKEN,
	FOUND_SINCE,   /* of a released tag: what was applied after it */
	FOUND_REFUSED, /* the same, and the tag's framework does not start with it */
	FOUND_N,
};
#define KNOWS(finding) (1u << (finding))
/* Found by comparing names alone. */
#define KNOWS_NAMES (KNOWS(FOUND_PENDING) | KNOWS(FOUND_MISSING))

/* A file below one of the directories. Content is read when somebody asks for it. */
struct migration_file {
	const char *dir;  /* absolute */
	const char *path; /* below dir */
	const char *base; /* its last component */
	int depth;	  /* directories between dir and it */
};

/* A migration of the repository. */
struct migration {
	const char *key;     /* by which its row in the table is found */
	const char *version; /* what the order compares */
	const char *name;    /* what messages call it */
	const struct migration_file *file;
	const char *body;      /* what the checksum covers when not the whole file */
	const char **requires; /* keys of migrations that come before: a graph's edges */
	const char **replaces; /* keys (Django) */
	const char *
		*labels; /* of branches that begin here: others may require it by them (Alembic) */
	size_t n_requires, n_replaces, n_labels;
	size_t next;	    /* + 1: another one of the same id and author (Liquibase) */
	bool is_repeatable; /* runs again whenever it changes */
	bool is_unhashable; /* its checksum cannot be known from the file */
	bool is_applied;    /* found out by the comparison */
	bool is_replaced;   /* another one stands for it */
	bool is_duplicated; /* another one has its key: which of them was applied is unknown */
};

enum applied_state {
	APPLIED_DONE = 0,
	APPLIED_FAILED,
	APPLIED_ROLLED_BACK,
	APPLIED_BASELINE, /* everything up to its version counts as done */
	APPLIED_UNKNOWN,  /* the row says something the framework never writes */
};

/* A row of the bookkeeping table; of several rows about one migration the last one counts. */
struct applied {
	const char *key, *version, *name;
	const char *checksum; /* NULL or empty = none kept for this one */
	/* Why it failed or is not understood; of what is done, what but the content disagrees with
	 * the file, and what to do; NULL = nothing. */
	const char *remark;
	enum applied_state state;
};

/* A value of a row as text; integers in digits, blobs in lower case hex. NULL stays NULL. */
typedef const char *const *cells;

enum column_class { COLUMN_ANY = 0, COLUMN_TEXT, COLUMN_INTEGER };

struct column_shape {
	const char *name;
	enum column_class class;
	bool is_optional; /* some versions of the framework lack it; its cell is then NULL */
};

/* How the usual file name becomes a migration. */
enum naming_key {
	NAMING_VERSION = 0, /* digits in front, leading zeros without meaning */
	NAMING_STEM,	    /* the name without suffix */
	NAMING_BASE,	    /* the name with suffix */
	NAMING_FOLDER,	    /* the name of the folder it is in */
};

struct naming {
	enum naming_key key;
	const char *suffixes; /* ".sql .go"; one of them must end the name */
	const char *except;   /* none of these may */
	int min_digits;	      /* in front of the name */
	const char *after;    /* one of these characters follows the digits; NULL = anything */
	int depth_min, depth_max;
};

struct framework {
	const char *name;
	const char *title;
	const char *tables; /* names it gives its table, separated by blanks */
	const struct column_shape *columns;
	bool is_exact;	      /* a column that is not listed: it is another framework's table */
	const char *order_by; /* column that orders the rows as they were written */
	/* MAY be NULL: what the name of the lock's table has behind that of the bookkeeping, and
	 * the column that is true while a migration runs, or since one was killed. */
	const char *lock_suffix, *lock_column;
	struct naming naming;
	/* MAY be NULL: the naming above is enough. Adds migrations from w->files. */
	int (*files)(struct world *w, struct err *e);
	/* MAY be NULL: adjusts a migration the naming gave; false = it is none after all. */
	bool (*adjust)(struct world *w, struct migration *m);
	/* MUST: one row of the table. false = the row is no migration. Its texts may be in
	 * w->scratch or static. */
	bool (*take)(struct world *w, cells c, struct applied *out);
	/* MAY be NULL: versions in the order the framework applies them; NULL = it keeps none. */
	int (*order)(const char *a, const char *b);
	/* MAY be NULL: does the content agree with the row's checksum? text may be in other line
	 * ends than the file. */
	bool (*agrees)(const struct migration *m, const struct applied *row, const char *text,
		       size_t n);
	bool tolerates_line_ends; /* the tool itself does not care, or does not look */
	/* MAY be NULL: the usual comparison is enough. */
	int (*compare)(struct world *w, struct err *e);
	/*
	 * How a migration is undone. down_words: one of these, separated by '|', in its text;
	 * down_file: "from>to", a file beside it; has_down: what its text says. All MAY be NULL:
	 * it is not.
	 */
	const char *down_words, *down_file;
	bool (*has_down)(const char *text);
	bool refuses_newer;   /* does not start with a table that has more than its files */
	unsigned knows;	      /* KNOWS(...) of the findings it can tell at all */
	const char *apply;    /* the command that applies what is pending */
	const char *repair;   /* what to do about a failed one */
	const char *compares; /* for the manual: files, checksum, and what cannot be known */
};

extern const struct framework *const migrations_frameworks[];
extern const size_t migrations_n_frameworks;
/* "auto", then the names in the order of the table; NULL terminated. */
extern const char *const migrations_framework_names[];

struct finding_list {
	int64_t n;
	struct buf lines;
};

struct world {
	struct probe *probe;
	size_t check; /* index into probe->checks */
	struct arena *arena;
	struct arena *scratch; /* of the row or finding at hand, and gone with it */
	void *grown[4];	       /* what migrations_grow() gave, freed with the arena */
	struct buf content;    /* of the file that was read last */
	const struct migration_file *content_of;
	const struct migrations_spec *spec;
	struct db *db;
	struct git_files *git; /* NULL = the work tree */

	struct migration_file *files;
	size_t n_files;

	const struct framework *framework;
	const char *table;
	const char *query;

	struct migration *migrations;
	size_t n_migrations;
	struct map by_key; /* struct migration, the first of each key */

	struct applied *rows;
	size_t n_rows;
	struct map row_by_key; /* struct applied, the last of each key */
	struct map row_names;  /* for a framework that counts rows of one name while reading */

	struct finding_list findings[FOUND_N];
	/* Why this world in particular leaves a kind of finding untold: no 0 is claimed then. */
	const char *untold[FOUND_N];
	struct buf remarks; /* what was not compared, and why */
};

/* ---- migrations_files.c ---- */

/* Lists what is below the directories of the spec. */
int migrations_list_files(struct world *w, struct err *e);
/* The content, NUL terminated, until the next file is read: no more than one is kept. */
int migrations_read(struct world *w, const struct migration_file *f, const char **text,
		    size_t *size, struct err *e);
/* The file as a message names it. */
const char *migrations_shown(const struct world *w, const struct migration_file *f);
/* Room for one more of n items of a size, NULL with 0; what it is outgrown by is not kept. */
void *migrations_grow(struct world *w, void *items, size_t n, size_t size);
/* Names that would take more memory than a check may have are an error. */
int migrations_check_size(const struct world *w, struct err *e);

/* ---- migrations_table.c ---- */

/* Finds the bookkeeping table: sets w->framework and w->table, and w->migrations from the files. */
int migrations_detect(struct world *w, struct err *e);
int migrations_read_rows(struct world *w, struct err *e);
/* Text as it is, integers in digits, blobs in hex; PostgreSQL may write a blob as \x and hex. */
const char *migrations_cell(struct arena *a, const struct db_value *v);
/* Case does not count: what a tool writes unquoted, each engine folds in its own way. */
const struct db_column *migrations_column(const struct db_table *t, const char *name);
/* Finds a lock that is held; one that cannot be read leaves failed untold. */
void migrations_read_lock(struct world *w);

/* ---- migrations.c ---- */

/* A world without a database, in the probe's arena. */
struct world *migrations_world(struct probe *p);
/* Everything up to the findings. */
int migrations_compare_all(struct world *w, struct err *e);

/* ---- migrations_since.c ---- */

/* The findings of a released tag's check (p->former). */
int migrations_compare_since(struct world *then, struct err *e);
/* Can the migration be undone, by its text and the files beside it? */
bool migrations_has_down(const struct world *w, const struct migration *m, const char *text);

/* ---- migrations_names.c ---- */

/* Adds the migrations of the files as the framework sees them. */
int migrations_of_files(struct world *w, struct err *e);
/* The listed file at a path below dir, or the first of a base name; NULL = none. */
const struct migration_file *migrations_find_file(const struct world *w, const char *dir,
						  const char *path);
const struct migration_file *migrations_find_base(const struct world *w, const char *base);
struct migration *migrations_add(struct world *w, const struct migration *m);
/* Digits without leading zeros, "0" for none but zeros. */
const char *migrations_number(struct arena *a, const char *digits, size_t n);
/* Orders: whole numbers as text, text bytewise, dotted versions. */
int migrations_order_number(const char *a, const char *b);
int migrations_order_text(const char *a, const char *b);
int migrations_order_dotted(const char *a, const char *b);
bool migrations_is_digits(const char *s);
bool migrations_is_true(const char *cell);
/* A name as a row has it, for `take`; NULL is nothing a framework writes. */
bool migrations_take_name(const char *cell, struct applied *out);
bool migrations_take_first_name(struct world *w, cells c, struct applied *out);

/* ---- migrations_source.c ---- */

enum source_language {
	SOURCE_PYTHON = 0,
	SOURCE_JS, /* TypeScript, too */
	SOURCE_PHP,
	SOURCE_XML,
	SOURCE_YAML,
};

enum source_value {
	SOURCE_ABSENT = 0,
	SOURCE_LITERAL,
	SOURCE_COMPUTED, /* something is there, and only running it would tell what */
};

struct source_strings {
	enum source_value value;
	const char **items; /* the texts in the literal, in order; in w->arena */
	size_t n;
};

/* A copy, byte for byte as long: comments are blank, quoted texts are all '"' (in YAML they stay),
 * a statement of Python is one line. */
char *migrations_code(struct arena *a, const char *text, enum source_language language);
/* What the last assignment to the name gives it, in the module itself or in the body of a class. */
struct source_strings migrations_python_strings(struct world *w, const char *text,
						const char *class, const char *word);
/* The text in the first line `word = "..."` or `word: type = "..."`; NULL = none. */
const char *migrations_js_property(struct arena *a, const char *text, const char *code,
				   const char *word);
/* The identifier behind the first `word ` in *code that one follows; NULL = none. Moves *code
 * behind it, so that the next one can be asked for. */
const char *migrations_word_after(struct arena *a, const char **code, const char *word);

/* ---- migrations_hash.c ---- */

void migrations_hex(const unsigned char *p, size_t n, char *out); /* 2n + 1 bytes */
void migrations_base64(const unsigned char *p, size_t n, char *out);
int32_t migrations_flyway_crc(const char *text, size_t n);
uint64_t migrations_siphash13(const void *p, size_t n);
bool migrations_is_sha256(const char *text, size_t n, const char *hex);
bool migrations_is_sha384(const char *text, size_t n, const char *hex);
bool migrations_is_sha1(const char *text, size_t n, const char *hex);

/* ---- migrations_compare.c ---- */

/* One finding: a line "NAME: TEXT; HELP". */
void migrations_found(struct world *w, enum finding class, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Nothing tells whether m was changed: no 0 is claimed. */
void migrations_has_no_checksum(struct world *w, const struct migration *m, enum finding class);
void migrations_remark(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Frees what the scratch arena holds. */
void migrations_end_scratch(struct world *w);
/* Fills by_key; before rows are read. */
void migrations_find_duplicates(struct world *w);
/* The parts of the usual comparison, in the order it calls them. */
int migrations_compare_rows(struct world *w, struct err *e);
void migrations_find_unapplied(struct world *w);
int migrations_compare(struct world *w, struct err *e);
/* Content against the row's checksum; finds modified and line_ends. */
int migrations_compare_content(struct world *w, struct migration *m, const struct applied *row,
			       struct err *e);
/* Pending, or out of order when newer is not NULL. */
void migrations_found_unapplied(struct world *w, const struct migration *m, const char *newer);

extern const struct framework migrations_flyway, migrations_liquibase, migrations_alembic,
	migrations_django, migrations_sqitch, migrations_atlas, migrations_drizzle,
	migrations_refinery, migrations_knex, migrations_sequelize, migrations_laravel,
	migrations_efcore, migrations_typeorm, migrations_doctrine;

#endif
