/*
 * Regular expressions with a bound on work: an audit must not hang on a catastrophic pattern, and a
 * pattern that ran out of budget has told us nothing.
 *
 * Source: pcre2api(3).
 */
#include "runner/model/pattern.h"

#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/model/pattern_literals.h"

#define MATCH_STEPS 100000
#define MATCH_DEPTH 1000
#define MATCH_KIB   16384 /* of heap */

struct pattern {
	pcre2_code *search;
	pcre2_code *whole;
	pcre2_match_context *limits;
	const char *literals[PATTERN_MAX_LITERALS];
	size_t n_literals;
};

#define TEXT_OF(x)		 #x
#define VERSION_OF(major, minor) TEXT_OF(major) "." TEXT_OF(minor)

void pattern_version(struct arena *a, struct library_version *out)
{
	char text[64] = "";

	if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(text))
		(void)pcre2_config(PCRE2_CONFIG_VERSION, text); /* it fits */
	out->in_use = arena_strndup(a, text, strcspn(text, " "));
	out->built = VERSION_OF(PCRE2_MAJOR, PCRE2_MINOR);
	out->more = NULL;
}

static void free_pattern(void *ptr)
{
	struct pattern *p = ptr;

	pcre2_match_context_free(p->limits);
	pcre2_code_free(p->search);
	pcre2_code_free(p->whole);
}

static pcre2_code *compile(const char *re, size_t n, uint32_t options, struct err *e)
{
	int code;
	PCRE2_SIZE offset;
	PCRE2_UCHAR text[160];
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)re, n, options, &code, &offset, NULL);

	if (compiled != NULL)
		return compiled;
	(void)pcre2_get_error_message(code, text, sizeof(text)); /* worst case: cut */
	(void)err_set(e, ERR_DEFINITION, "cannot compile pattern /%.*s/ at character %zu: %s",
		      n > 200 ? 200 : (int)n, re, (size_t)offset + 1, (const char *)text);
	return NULL;
}

int pattern_compile(struct arena *a, const char *re, size_t n, bool is_caseless,
		    struct pattern **out, struct err *e)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (is_caseless ? PCRE2_CASELESS : 0);
	struct pattern *p = arena_alloc(a, sizeof(*p));

	p->search = compile(re, n, options | PCRE2_MULTILINE, e);
	if (p->search == NULL)
		return -1;
	arena_defer(a, free_pattern, p);
	p->whole = compile(re, n, options | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL, e);
	p->limits = pcre2_match_context_create(NULL);
	if (p->limits == NULL)
		oom();
	if (p->whole == NULL)
		return -1;
	(void)pcre2_set_match_limit(p->limits, MATCH_STEPS); /* always succeeds */
	(void)pcre2_set_depth_limit(p->limits, MATCH_DEPTH); /* always succeeds */
	(void)pcre2_set_heap_limit(p->limits, MATCH_KIB);    /* always succeeds */
	if (!is_caseless)
		p->n_literals = pattern_literals(a, re, n, p->literals);
	*out = p;
	return 0;
}

void pattern_hasten(struct pattern *p)
{
	(void)pcre2_jit_compile(p->search, PCRE2_JIT_COMPLETE); /* where it cannot, it is slower */
}

size_t pattern_texts(const struct pattern *p, const char *const **out)
{
	*out = p->literals;
	return p->n_literals;
}

/* 1, 0, -1 out of what pcre2_match() said. */
static int tell(int rc, struct err *e)
{
	PCRE2_UCHAR text[160];

	if (rc >= 0)
		return 1;
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	(void)pcre2_get_error_message(rc, text, sizeof(text)); /* worst case: cut */
	return err_set(e, ERR_MEASURE, "could not match the pattern: %s", (const char *)text);
}

static int match(const pcre2_code *code, pcre2_match_context *limits, const char *s, size_t n,
		 struct err *e)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int rc;

	if (data == NULL)
		oom();
	rc = pcre2_match(code, (PCRE2_SPTR)s, n, 0, 0, data, limits);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter has no such limit */
		rc = pcre2_match(code, (PCRE2_SPTR)s, n, 0, PCRE2_NO_JIT, data, limits);
	pcre2_match_data_free(data);
	return tell(rc, e);
}

size_t pattern_groups(const struct pattern *p)
{
	uint32_t n = 0;

	(void)pcre2_pattern_info(p->search, PCRE2_INFO_CAPTURECOUNT, &n); /* a valid question */
	return n;
}

int pattern_capture(const struct pattern *p, const char *s, size_t n, size_t *from, size_t *length,
		    struct err *e)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(p->search, NULL);
	const PCRE2_SIZE *ends;
	int rc;

	if (data == NULL)
		oom();
	rc = pcre2_match(p->search, (PCRE2_SPTR)s, n, 0, 0, data, p->limits);
	if (rc > 0) {
		ends = pcre2_get_ovector_pointer(data) + (pattern_groups(p) > 0 ? 2 : 0);
		if (ends[0] == PCRE2_UNSET || ends[1] < ends[0]) {
			rc = PCRE2_ERROR_NOMATCH;
		} else {
			*from = ends[0];
			*length = ends[1] - ends[0];
		}
	}
	pcre2_match_data_free(data);
	return tell(rc, e);
}

int pattern_search(const struct pattern *p, const char *s, size_t n, struct err *e)
{
	return match(p->search, p->limits, s, n, e);
}

int pattern_search_line(const struct pattern *p, const char *s, size_t n, struct err *e)
{
	int rc = pattern_search(p, s, n, e);

	return rc == 0 && n > 0 && s[n - 1] == '\r' ? pattern_search(p, s, n - 1, e) : rc;
}

int pattern_match_all(const struct pattern *p, const char *s, size_t n, struct err *e)
{
	return match(p->whole, p->limits, s, n, e);
}
