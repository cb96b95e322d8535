/*
 * schema_type: when is a declared type the one that is expected?
 *
 * SQLite keeps the declared words and derives an affinity from them by looking for parts of words,
 * in this order: INT; CHAR, CLOB, TEXT; BLOB or nothing; REAL, FLOA, DOUB; else NUMERIC.
 * https://sqlite.org/datatype3.html, section 3.1.
 */
#include <string.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '"';
}

/* Upper case, white space only between two words, and there one space. */
static const char *canonical(struct arena *a, const char *type)
{
	char *out = arena_alloc(a, strlen(type) + 1);
	size_t n = 0;

	for (const char *s = type; *s; s++) {
		bool is_space = *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r';
		char next = upper(s[strspn(s, " \t\r\n")]);

		if (!is_space)
			out[n++] = upper(*s);
		else if (n > 0 && is_word(out[n - 1]) && is_word(next))
			out[n++] = ' ';
	}
	out[n] = '\0';
	return out;
}

static const char *affinity(const char *declared)
{
	static const struct {
		const char *part, *affinity;
	} rules[] = {
		{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"}, {"TEXT", "TEXT"},
		{"BLOB", "BLOB"},   {"REAL", "REAL"}, {"FLOA", "REAL"}, {"DOUB", "REAL"},
	};

	if (!*declared)
		return "BLOB";
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strstr(declared, rules[i].part))
			return rules[i].affinity;
	return "NUMERIC";
}

static bool is_family(const char *word)
{
	static const char *const families[] = {"INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC"};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(families[i], word) == 0)
			return true;
	return false;
}

bool schema_type_is(struct arena *a, const char *expected, const char *declared)
{
	return strcmp(canonical(a, expected), canonical(a, declared)) == 0;
}

bool schema_type_matches(struct arena *a, const char *expected, const char *declared)
{
	const char *wanted = canonical(a, expected);

	if (!is_family(wanted))
		return schema_type_is(a, expected, declared);
	return strcmp(affinity(canonical(a, declared)), wanted) == 0;
}
