/*
 * db_sqlite_matches: assize_matches(pattern, value), which SQLite has no function for.
 *
 * PCRE2 with the options that make it agree with the other engines: "." takes a line break, "$" is
 * the very end, case counts, text that is not UTF-8 is matched around. A statement compiles its
 * pattern once. A value on which the pattern runs out of budget, or that is reached after the
 * deadline, is an error of the statement: it has told us nothing.
 *
 * Source: pcre2api(3), https://sqlite.org/appfunc.html.
 */
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "runner/base/arena.h"
#include "runner/io/db_sqlite.h"

#define MATCH_STEPS 1000000
#define MATCH_DEPTH 1000
#define HEAP_KIB    4096

struct matcher {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static void matcher_free(void *ptr)
{
	struct matcher *m = ptr;

	pcre2_match_context_free(m->limits);
	pcre2_match_data_free(m->data);
	pcre2_code_free(m->code);
	sqlite3_free(m);
}

static void fail(sqlite3_context *ctx, const char *what, int code)
{
	PCRE2_UCHAR text[120];
	char *message;

	(void)pcre2_get_error_message(code, text, sizeof(text)); /* worst case: cut */
	message = sqlite3_mprintf("%s: %s", what, (const char *)text);
	if (!message)
		oom();
	sqlite3_result_error(ctx, message, -1);
	sqlite3_free(message);
}

/* NULL: the error is the function's result. */
static struct matcher *matcher_new(sqlite3_context *ctx, sqlite3_value *pattern)
{
	struct matcher *m = sqlite3_malloc(sizeof(*m));
	const unsigned char *text = sqlite3_value_text(pattern);
	int code;
	PCRE2_SIZE offset;

	if (!m || !text)
		oom();
	*m = (struct matcher){NULL, NULL, NULL};
	m->code = pcre2_compile(text, (PCRE2_SIZE)sqlite3_value_bytes(pattern),
				PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
					PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY,
				&code, &offset, NULL);
	if (!m->code) {
		fail(ctx, "cannot compile the pattern", code);
		sqlite3_free(m);
		return NULL;
	}
	(void)pcre2_jit_compile(m->code, PCRE2_JIT_COMPLETE); /* without it: the same, slower */
	m->data = pcre2_match_data_create(1, NULL);
	m->limits = pcre2_match_context_create(NULL);
	if (!m->data || !m->limits)
		oom();
	(void)pcre2_set_match_limit(m->limits, MATCH_STEPS); /* these always succeed */
	(void)pcre2_set_depth_limit(m->limits, MATCH_DEPTH);
	(void)pcre2_set_heap_limit(m->limits, HEAP_KIB);
	return m;
}

static void matches(sqlite3_context *ctx, int n_args, sqlite3_value **args)
{
	struct sqlite_db *s = sqlite3_user_data(ctx);
	struct matcher *m = sqlite3_get_auxdata(ctx, 0);
	bool is_kept = m != NULL;

	(void)n_args; /* registered with two */
	if (sqlite3_value_type(args[0]) == SQLITE_NULL ||
	    sqlite3_value_type(args[1]) == SQLITE_NULL)
		return; /* NULL */
	if (sqlite_is_late(s)) {
		sqlite3_result_error(ctx, "the deadline has passed", -1);
		return;
	}
	if (!m)
		m = matcher_new(ctx, args[0]);
	if (!m)
		return;
	const unsigned char *text = sqlite3_value_text(args[1]);

	if (!text)
		oom();
	int rc = pcre2_match(m->code, text, (PCRE2_SIZE)sqlite3_value_bytes(args[1]), 0, 0, m->data,
			     m->limits);

	if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
		sqlite3_result_int(ctx, rc >= 0);
	else
		fail(ctx, "could not match the pattern", rc);
	if (!is_kept) /* SQLite may free it at once: it is not touched again */
		sqlite3_set_auxdata(ctx, 0, m, matcher_free);
}

int sqlite_add_matches(struct sqlite_db *s)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

	return sqlite3_create_function_v2(s->handle, "assize_matches", 2, flags, s, matches, NULL,
					  NULL, NULL) == SQLITE_OK
		       ? 0
		       : -1;
}
