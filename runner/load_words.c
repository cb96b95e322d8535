/*
 * Keys that have no row, by what people mean who come from other tools: another word for one of
 * ours, a value that belongs into expect:, a key at the wrong depth. Only what is told about an
 * error depends on it; nothing is accepted.
 */
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/expect.h"
#include "runner/model/kind.h"

/* Where the words of no kind are: in the mapping of the check. */
#define CHECK "check"

static const struct word {
	const char *where, *word;
	const char *ours; /* a key there, or a value of the kind */
	const char *help; /* NULL = that ours was meant */
} words[] = {
	{CHECK, "name", "id", NULL},
	{CHECK, "description", NULL,
	 "write title: for a line about it, why: for what depends on it"},
	{CHECK, "desc", NULL, "write title: for a line about it, why: for what depends on it"},
	{CHECK, "summary", "title", NULL},
	{CHECK, "labels", "tags", NULL},
	{CHECK, "cron", "schedule", NULL},
	{CHECK, "every", "schedule", NULL},
	{CHECK, "interval", "schedule", NULL},
	{CHECK, "depends_on", "needs", NULL},
	{CHECK, "priority", "severity", NULL},
	{CHECK, "level", "severity", NULL},
	{CHECK, "assert", "expect", NULL},
	{CHECK, "expected", "expect", NULL},
	{CHECK, "condition", "expect", NULL},
	{CHECK, "threshold", "expect", NULL},
	{CHECK, "type", NULL, "the kind is a key of its own: rows: { table: orders }"},
	{CHECK, "kind", NULL, "the kind is a key of its own: rows: { table: orders }"},
	{CHECK, "not_null", "missing", NULL},
	{CHECK, "unique", "duplicates", NULL},
	{CHECK, "foreign_key", "orphans", NULL},
	{CHECK, "relationships", "orphans", NULL},
	{CHECK, "row_count", "rows", NULL},
	{CHECK, "query", NULL, "write sql: { query: ... }"},
	{CHECK, "url", NULL, "add a target { http: URL }, then write http: { path: / }"},
	{CHECK, "path", NULL, "write file: PATH, or http: { path: / } of a target { http: URL }"},
	{CHECK, "table", NULL, "it is a key of kinds: rows: { table: orders }"},
	{CHECK, "run", NULL, "write command: { run: [PROGRAM, ARGUMENT] }"},
	{CHECK, "cmd", NULL, "write command: { run: [PROGRAM, ARGUMENT] }"},
	{CHECK, "shell", NULL, "write command: { run: [sh, -c, ...] }"},
	{CHECK, "script", NULL, "write command: { run: [PROGRAM, ARGUMENT] }"},
	{"command", "cmd", "run", NULL},
	{"command", "command", "run", NULL},
	{"command", "exec", "run", NULL},
	{"command", "argv", "run", NULL},
	{"command", "script", "run", NULL},
	{"command", "args", NULL, "they stand behind the program: run: [PROGRAM, ARGUMENT]"},
	{"command", "shell", NULL, "no shell is used unless written: run: [sh, -c, ...]"},
	{"command", "exit", "status", NULL},
	{"command", "exit_code", "status", NULL},
	{"command", "exit_status", "status", NULL},
	{"command", "returncode", "status", NULL},
	{"command", "rc", "status", NULL},
	{"command", "stdout", "output", NULL},
	{"command", "stderr", "errors", NULL},
	{"command", "timeout_seconds", NULL, "write timeout: beside the kind"},
	{"file", "permissions", "mode", NULL},
	{"file", "regex", "pattern", NULL},
	{"file", "contains", "pattern", NULL},
	{"http", "url", NULL, "the target has the URL, the check its path: http: { path: / }"},
	{"http", "status_code", "status", NULL},
	{"http", "code", "status", NULL},
	{"http", "response_time", "total", NULL},
	{"http", "latency", "total", NULL},
	{"http", "time", "total", NULL},
	{"http", "contains", NULL, "write expect: { body: \"matches /text/\" } beside the kind"},
	{"http", "data", "body", NULL},
	{"http", "query", NULL, "it is part of path: \"/orders?state=open\""},
	{"sql", "sql", "query", NULL},
	{"sql", "statement", "query", NULL},
	{"aggregate", "percentile", NULL, "write expect: { p95: \"<= 1000\" } beside the kind"},
	{"aggregate", "function", NULL, "write expect: { max: \"<= 1000\" } beside the kind"},
	{"aggregate", "mean", "avg", NULL},
	{"aggregate", "average", "avg", NULL},
	{"tcp", "host", "address", NULL},
	{"tls", "host", "address", NULL},
	{"tls", "days", "days_left", NULL},
	{"tls", "expires", "days_left", NULL},
	{"promql", "expr", "query", NULL},
	{"scrape", "name", "metric", NULL},
};

static const struct word *word_of(const char *where, const char *key)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].where, where) == 0 && strcmp(words[i].word, key) == 0)
			return &words[i];
	return NULL;
}

static const struct value_row *value_of(const struct audit_kind *kind, const char *name)
{
	for (const struct value_row *row = kind->values; row && row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/* What stands at the key as a bound of the value, else one that people write. */
static const char *bound_of(struct loader *l, const struct value_row *row, const char *op,
			    const struct node *value)
{
	bool is_shown = value->type == NODE_SCALAR && !value->has_secret && value->len < 80 &&
			!strstr(value->text, "://"); /* it may have a password */
	const char *tries[3], *text = is_shown ? value->text : "";
	struct pos nowhere = {0};
	struct expectation x;

	tries[0] = text;
	tries[1] = arena_printf(l->arena, "%s %s", op, text);
	tries[2] = arena_printf(l->arena, "== \"%s\"", text);
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		tries[1] = *text == 't' ? "== 1" : "== 0";
	for (size_t i = row->type == VALUE_TEXT ? 2 : 0; *text && i < 3; i++)
		if (expect_parse(l->arena, &tries[i], &nowhere, 1, &x, NULL) == 0 &&
		    (row->type == VALUE_TEXT) == x.has_text)
			return expect_quoted(l->arena, tries[i]);
	return load_bound_usual(l, row);
}

/* `status: 200`, `expect_status: 200`, `max_total: 1s`, `max_age: 1h`, in the mapping of a kind. */
static const char *value_meant(struct loader *l, const struct audit_kind *kind,
			       const struct node *key, const struct node *value)
{
	static const struct {
		const char *prefix, *op;
	} prefixes[] = {{"expect_", NULL}, {"expected_", NULL}, {"assert_", NULL},
			{"max_", "<="},	   {"min_", ">="},	{"", NULL}};
	const struct value_row *row = NULL, *only = value_of(kind, "");
	const char *op = load_bound_operator(key->text);

	if (only && (op || strcmp(key->text, "threshold") == 0 || str_starts(key->text, "max_")))
		return arena_printf(l->arena, "a bound stands beside the kind: expect: %s",
				    bound_of(l, only, op ? op : "<=", value));
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes) && !row; i++) {
		const struct word *w;
		const char *name;

		if (!str_starts(key->text, prefixes[i].prefix))
			continue;
		name = key->text + strlen(prefixes[i].prefix);
		if (*name == '\0')
			continue;
		w = word_of(kind->name, name);
		row = value_of(kind, w && w->ours ? w->ours : name);
		op = prefixes[i].op;
	}
	if (!row)
		return NULL;
	if (!op)
		op = row->type != VALUE_REAL ? "==" : str_ends(row->name, "_left") ? ">=" : "<=";
	return arena_printf(l->arena, "%s is a value: write expect: { %s: %s } beside the kind",
			    row->name, row->name, bound_of(l, row, op, value));
}

const char *load_word_of_kind(void *ctx, const struct node *key, const struct node *value,
			      const char **help)
{
	const struct kind_words *k = ctx;
	const struct word *w = word_of(k->kind->name, key->text);

	*help = NULL;
	if (w && !w->ours) {
		*help = w->help;
		return NULL;
	}
	if (w && keys_row(k->kind->keys, w->ours))
		return w->ours;
	*help = value_meant(k->loader, k->kind, key, value);
	if (!*help && keys_row(check_rows, key->text))
		*help = arena_printf(k->loader->arena, "write %s: beside the kind, not in it",
				     key->text);
	return NULL;
}

const char *load_word_of_check(struct loader *l, const struct audit_kind *kind,
			       const struct node *key, const char **help)
{
	const struct word *w = word_of(CHECK, key->text);
	const struct key_row *row = kind ? keys_row(kind->keys, key->text) : NULL;

	*help = NULL;
	if (row)
		*help = arena_printf(l->arena, "it is a key of the kind: write %s: { %s: %s }",
				     kind->name, row->name, row->example ? row->example : "...");
	else if (w && !w->ours)
		*help = w->help;
	else if (w)
		return w->ours;
	return NULL;
}
