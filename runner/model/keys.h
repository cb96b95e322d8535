/*
 * keys: key rows, the single source for what a mapping in a definition may hold.
 *
 * One table of rows drives the parser, validation with did-you-mean, `assize kinds`, the JSON
 * Schema for editors, the manual page and the README table; a test fails when they disagree. A row
 * names a key, how its value is read, and where in the caller's struct it goes.
 */
#ifndef ASSIZE_MODEL_KEYS_H
#define ASSIZE_MODEL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/pairs.h"

struct arena;
struct definition;
struct node;

enum key_type {
	KEY_TEXT,     /* const char * */
	KEY_NAME,     /* const char *, str_is_name() */
	KEY_PATH,     /* const char *, made absolute against the root definition's directory */
	KEY_BOOL,     /* bool: true | false */
	KEY_INT,      /* int64_t within min..max */
	KEY_REAL,     /* double within min..max */
	KEY_DURATION, /* int64_t milliseconds within min..max */
	KEY_SIZE,     /* int64_t bytes within min..max */
	KEY_ENUM,     /* int: index into choices */
	KEY_TEXTS,    /* struct texts: one text or a list of texts */
	KEY_PAIRS,    /* struct pairs: mapping of name to text, in source order */
	KEY_PATTERN,  /* struct pattern *: regular expression, compiled */
	KEY_GROUP,    /* nested mapping: sub rows, their offsets counted from this row's */
	KEY_GROUPS,   /* struct groups: mapping of name to nested mapping, each sub_size bytes */
	KEY_NODE,     /* const struct node *: the kind reads it itself in check() */
	KEY_LIST,     /* struct groups: one nested mapping or a list of them; names are NULL */
	/*
	 * struct groups: a name, a list of names, or a mapping of name to nested mapping, in which
	 * anything else than a mapping is the value of the first sub row (`id: integer`).
	 */
	KEY_NAMED,
};

enum {
	KEY_REQUIRED = 1 << 0,
	KEY_NO_SECRET = 1 << 1, /* value may not come from ${env:} or ${file:} (argv, texts that
				  decide); of no text it never may */
	/*
	 * What a KEY_PATH leads to; each row says one of them, or both. Policy is part of the
	 * definition: what is compared with, who is trusted. With `-f git:REF:PATH` it comes from
	 * the commit. The world is what is audited, and places to work in: always on the machine.
	 * Both: the commit's where it has the path, else the machine's (a list of digests that is
	 * committed is policy, one that a build has written is a product of it).
	 */
	KEY_POLICY = 1 << 2,
	KEY_WORLD = 1 << 3,
	KEY_MAY_BE_EMPTY = 1 << 4, /* a KEY_LIST that says that there are none */
	KEY_SHOWN = 1 << 5, /* no row has to be written, this one or another: part of examples */
};

struct group {
	const char *name;
	struct pos pos;
	void *value;		 /* sub_size bytes, filled by the sub rows */
	const struct node *node; /* as written: tells what was from what was not */
};

struct groups {
	struct group *items;
	size_t n;
};

struct key_row {
	const char *name;
	enum key_type type;
	unsigned flags;
	size_t offset;
	int64_t min, max;	    /* inclusive; both 0 = no range. KEY_REAL uses them too */
	const char *def;	    /* default in words as a user would write it; NULL = none */
	const char *const *choices; /* KEY_ENUM: NULL terminated */
	const struct key_row
		*sub; /* KEY_GROUP(S), KEY_LIST, KEY_NAMED: rows ended by a NULL name */
	size_t sub_size;
	const char *help;    /* one line, lower case, no full stop */
	const char *example; /* a value as YAML, for manual and schema; NULL = none */
};

#define KEY_END                                                                                    \
	{                                                                                          \
		.name = NULL                                                                       \
	}

struct keys_context {
	struct arena *arena;
	const char *root_dir; /* absolute; KEY_PATH is relative to it */
	/*
	 * Under which name the file of a KEY_POLICY row is read; path is absolute. NULL = the path
	 * itself. May report; NULL as a result = it did.
	 */
	const char *(*policy)(void *policy_ctx, const struct key_row *row, const struct node *node,
			      const char *path);
	void *policy_ctx;
	/*
	 * MAY be NULL. What was meant by a key of the outermost mapping that no row has: the name
	 * of a row, or through *help what to do instead; neither = no idea.
	 */
	const char *(*meant)(void *meant_ctx, const struct node *key, const struct node *value,
			     const char **help);
	void *meant_ctx;
	struct diags *diags;
	const char *what; /* "kind \"rows\"", for messages */
	/* Targets and rollback sets are in it when a kind's check() is called; NULL in some tests.
	 */
	const struct definition *definition;
};

/*
 * Reads the mapping into the struct at out (zeroed by the caller; defaults applied first; a field
 * whose key is absent and has no default keeps what the caller put there). Every problem becomes a
 * diagnostic with its position; returns -1 if there was one.
 */
int keys_read(struct keys_context *ctx, const struct key_row *rows, const struct node *map,
	      void *out);

/* keys_example.c: "for example NAME: ..."; NULL = the row has no example. */
const char *keys_example(struct arena *a, const struct key_row *row);
/*
 * "for example { ... }" with the rows that have to be written and those that are KEY_SHOWN, else
 * the first.
 */
const char *keys_example_of_all(struct arena *a, const struct key_row *rows);

/* NULL = no row has that name. */
const struct key_row *keys_row(const struct key_row *rows, const char *name);

/*
 * Reports a key that is none of the known names: with the name that was meant, else the help, both
 * of which may be NULL, else with the closest or all of them.
 */
void keys_unknown(struct keys_context *ctx, const struct node *key, const char *const *known,
		  size_t n, const char *meant, const char *help);

/* Does the mapping hold a key that is no row's name? It was reported by keys_read(). */
bool keys_has_unknown(const struct key_row *rows, const struct node *map);

/* "duration", "text or list of texts", for manuals. */
const char *key_type_words(enum key_type type);

/* Was the key written? A group written as a name or as its first value has only that. */
bool keys_has(const struct group *g, const char *key);

/* Position of a key's value in map, else of the map itself: for semantic checks. */
struct pos keys_pos(const struct node *map, const char *key);

#endif
