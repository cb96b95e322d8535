/*
 * query_plan_words: what the steps of a plan are called, so that a word that is no step's is an
 * error of the definition and not a step that is never found.
 *
 * PostgreSQL's names are whole; SQLite's and MariaDB's are how a step begins, tables and details
 * follow. A step whose name comes with a newer version is one more line here.
 *
 * Sources: PostgreSQL 17 src/backend/commands/explain.c (ExplainNode); SQLite 3.46 src/wherecode.c
 * and src/select.c (ExplainQueryPlan); MariaDB 11.4 sql/sql_select.cc (join_type_str, extra_tag)
 * and MySQL 8.4 sql/opt_explain.cc.
 */
#include <string.h>
#include <strings.h>

#include "audits/query_plan.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

static const char *const postgres[] = {
	"Aggregate",
	"Append",
	"Bitmap Heap Scan",
	"Bitmap Index Scan",
	"BitmapAnd",
	"BitmapOr",
	"CTE Scan",
	"Custom Scan",
	"Foreign Scan",
	"Function Scan",
	"Gather",
	"Gather Merge",
	"Group",
	"Hash",
	"Hash Join",
	"Incremental Sort",
	"Index Only Scan",
	"Index Scan",
	"Limit",
	"LockRows",
	"Materialize",
	"Memoize",
	"Merge Append",
	"Merge Join",
	"ModifyTable",
	"Nested Loop",
	"Named Tuplestore Scan",
	"ProjectSet",
	"Recursive Union",
	"Result",
	"Sample Scan",
	"Seq Scan",
	"SetOp",
	"Sort",
	"Subquery Scan",
	"Table Function Scan",
	"Tid Range Scan",
	"Tid Scan",
	"Unique",
	"Values Scan",
	"WindowAgg",
	"WorkTable Scan",
};

static const char *const sqlite[] = {
	"BLOOM FILTER ON",
	"CO-ROUTINE",
	"COMPOUND QUERY",
	"CORRELATED LIST SUBQUERY",
	"CORRELATED SCALAR SUBQUERY",
	"EXCEPT USING TEMP B-TREE",
	"INDEX",
	"INTERSECT USING TEMP B-TREE",
	"LEFT",
	"LEFT-MOST SUBQUERY",
	"LIST SUBQUERY",
	"MATERIALIZE",
	"MERGE",
	"MULTI-INDEX OR",
	"RECURSIVE STEP",
	"REUSE LIST SUBQUERY",
	"RIGHT",
	"RIGHT-JOIN",
	"SCALAR SUBQUERY",
	"SCAN",
	"SEARCH",
	"SETUP",
	"UNION ALL",
	"UNION USING TEMP B-TREE",
	"USE TEMP B-TREE",
	"USING ROWID SEARCH",
};

static const char *const mysql[] = {
	"ALL",
	"Backward index scan",
	"const",
	"const row not found",
	"Deleting all rows",
	"Distinct",
	"End materialize",
	"End temporary",
	"eq_ref",
	"FirstMatch",
	"Full scan on NULL key",
	"fulltext",
	"hash_ALL",
	"hash_index",
	"hash_range",
	"Impossible HAVING",
	"Impossible ON condition",
	"Impossible WHERE",
	"index",
	"index_merge",
	"index_subquery",
	"Key-ordered scan",
	"LooseScan",
	"Materialize",
	"No matching",
	"No tables used",
	"Not exists",
	"Open_frm_only",
	"Open_full_table",
	"Open_trigger_only",
	"range",
	"Range checked for each record",
	"Recursive",
	"ref",
	"ref_or_null",
	"Rowid-ordered scan",
	"Scan",
	"Scanned",
	"Select tables optimized away",
	"Skip_open_table",
	"Start materialize",
	"Start temporary",
	"Storage engine handles",
	"system",
	"unique row not found",
	"unique_subquery",
	"Using filesort",
	"Using index",
	"Using index condition",
	"Using index for group-by",
	"Using index for skip scan",
	"Using intersect",
	"Using join buffer",
	"Using MRR",
	"Using pushed condition",
	"Using pushed join",
	"Using rowid filter",
	"Using sort_intersect",
	"Using sort_union",
	"Using temporary",
	"Using union",
	"Using where",
	"Zero limit",
};

#define LIST(words) words, sizeof(words) / sizeof(*(words))

/* Are these the whole first words of the other, in any case? "Using union(a,b)" ends its word. */
static bool begins(const char *text, const char *words)
{
	size_t n = strlen(words);

	return strncasecmp(text, words, n) == 0 && (!text[n] || strchr(" (:;", text[n]));
}

static bool is_known(enum db_engine engine, const char *const *known, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (begins(known[i], word) || (engine != DB_POSTGRES && begins(word, known[i])))
			return true;
	return false;
}

static const char *lower(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *c = copy; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return copy;
}

static const char *closest(struct arena *a, const char *const *known, size_t n, const char *word)
{
	const char **names = arena_array(a, n, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = lower(a, known[i]);
	int i = str_closest(lower(a, word), names, n);

	return i < 0 ? NULL : known[i];
}

static bool look_up(struct arena *a, enum db_engine engine, const char *const *known, size_t n,
		    const char *word, const char **close)
{
	if (is_known(engine, known, n, word))
		return true;
	*close = closest(a, known, n, word);
	return false;
}

bool query_plan_has_word(struct arena *a, enum db_engine engine, const char *word,
			 const char **close)
{
	*close = NULL;
	switch (engine) {
	case DB_SQLITE:
		return look_up(a, engine, LIST(sqlite), word, close);
	case DB_POSTGRES:
		return look_up(a, engine, LIST(postgres), word, close);
	case DB_MYSQL:
		return look_up(a, engine, LIST(mysql), word, close);
	case DB_ODBC: /* nobody knows what answers */
		break;
	}
	return true;
}
