/*
 * invalid_rules: the rules a column may have, as keys and as SQL conditions; private to invalid.
 */
#ifndef ASSIZE_AUDITS_INVALID_RULES_H
#define ASSIZE_AUDITS_INVALID_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/io/db.h"
#include "runner/io/db_dialect.h"
#include "runner/model/keys.h"

struct arena;
struct check;
struct err;
struct node;
struct scan;

enum rule { RULE_SET, RULE_RANGE, RULE_MATCHES, RULE_NOT_MATCHES, RULE_LENGTH, RULE_FORMAT };
#define INVALID_N_RULES (RULE_FORMAT + 1)

/* The label of a series. */
extern const char *const invalid_rule_names[INVALID_N_RULES];

struct rules {
	struct texts in;
	const char *in_file;
	const char *min, *max; /* number or text */
	const char *matches, *not_matches;
	int64_t min_length, max_length; /* 0 = no bound */
	int format;
};

extern const struct key_row invalid_rules_rows[];

bool invalid_has_rule(const struct rules *r, enum rule rule);

/* What a condition is about. */
struct subject {
	enum db_engine engine;
	const char *x;	/* a column's value, or what has its text */
	bool is_single; /* see column.h */
	enum dialect_content content;
	bool has_functions; /* assize's own, of a session of SQLite: see db_sqlite_values.c */
};

/*
 * What holds for the rows whose value breaks the rule, never for NULL; in the arena. NULL with an
 * error: the engine has no such condition.
 */
const char *invalid_condition(struct arena *a, const struct subject *of, const struct rules *r,
			      enum rule rule, struct err *e);

/* What the rule is about of a column of a table, which may be NULL; nothing is known to be cheaper.
 */
struct subject invalid_subject(struct arena *a, enum db_engine engine, const struct db_table *table,
			       const char *column, enum rule rule);

/* Adds the condition, if the engine has it, of a column which was added before. */
void invalid_add_condition(struct scan *s, const char *column, const struct rules *r,
			   enum rule rule);

/* Definition errors of one column's rules; reads in_file. node is the mapping of the rules. */
void invalid_check_rules(struct keys_context *ctx, const struct check *c,
			 const struct group *column, const struct node *node);

#endif
