/*
 * A stack of suites; each counts its own test cases and, when it ends, is held against what it said
 * of itself and added to the suite around it.
 */
#include "audits/junit_read.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/xml.h"

/* Test cases by how they ended; elements tells a producer that counts those instead. */
struct counts {
	int64_t tests, failures, errors, skipped;
	int64_t bad; /* with a failure, an error, or both */
	int64_t failure_elements, error_elements;
};

/* What a suite says; -1 = nothing. */
struct claims {
	int64_t tests, failures, errors, skipped, disabled;
};

struct suite {
	const char *name;
	struct counts own, all;
	struct claims claims;
	double time;
	bool is_root; /* <testsuites> */
};

struct reader {
	struct arena *arena;
	struct junit_report *out;
	struct suite suites[XML_MAX_DEPTH + 1];
	size_t n;
	bool is_in_case;
	bool has_failure, has_error, is_skipped, is_flaky, has_rerun;
	const char *ending; /* an attribute that says the case failed; NULL = none */
	const char *case_name, *message;
	double time; /* of what is in the outermost suite */
};

static int take_claim(const struct reader *r, const char *const *attributes, const char *name,
		      int64_t *out, struct err *e)
{
	const char *text = xml_attribute(attributes, name);

	*out = -1;
	if (!text || !*text)
		return 0;
	if (num_parse_int(text, strlen(text), out) < 0 || *out < 0)
		return err_set(e, ERR_MEASURE, "%s=\"%s\" of a suite is no count", name,
			       str_escaped(r->arena, text));
	return 0;
}

static double seconds(const char *text)
{
	double v;

	return text && num_parse_real(text, strlen(text), &v) == 0 && v >= 0 ? v : NAN;
}

static int start_suite(struct reader *r, const char *name, const char *const *attributes,
		       struct err *e)
{
	const char *title = xml_attribute(attributes, "name");
	struct suite s = {
		.name = title ? arena_strdup(r->arena, title) : "",
		.is_root = strcmp(name, "testsuites") == 0,
		.time = seconds(xml_attribute(attributes, "time")),
	};

	if (r->is_in_case)
		return err_set(e, ERR_MEASURE, "a suite is inside of a test case");
	if (take_claim(r, attributes, "tests", &s.claims.tests, e) < 0 ||
	    take_claim(r, attributes, "failures", &s.claims.failures, e) < 0 ||
	    take_claim(r, attributes, "errors", &s.claims.errors, e) < 0 ||
	    take_claim(r, attributes, "skipped", &s.claims.skipped, e) < 0 ||
	    take_claim(r, attributes, "disabled", &s.claims.disabled, e) < 0)
		return -1;
	if (s.claims.skipped < 0 && take_claim(r, attributes, "skips", &s.claims.skipped, e) < 0)
		return -1;
	r->suites[r->n++] = s; /* depth is limited by the door */
	return 0;
}

/* The word of the list that status or result is, in small letters or not; NULL = neither is. */
static const char *ending_of(const char *const *attributes, const char *const *words)
{
	const char *status = xml_attribute(attributes, "status");
	const char *result = xml_attribute(attributes, "result");

	for (; *words; words++)
		if ((status && strcasecmp(status, *words) == 0) ||
		    (result && strcasecmp(result, *words) == 0))
			return *words;
	return NULL;
}

/* GoogleTest and CTest tell by an attribute how a test ended, CTest all of it. */
bool junit_is_not_run(const char *const *attributes)
{
	static const char *const not_run[] = {"notrun", "skipped", "disabled", "suppressed", NULL};

	return ending_of(attributes, not_run) != NULL;
}

static int start_case(struct reader *r, const char *const *attributes, struct err *e)
{
	static const char *const failed[] = {"fail",	"failed", "failure", "error",
					     "errored", "broken", "timeout", NULL};
	const char *class = xml_attribute(attributes, "classname");
	const char *name = xml_attribute(attributes, "name");

	if (r->is_in_case)
		return err_set(e, ERR_MEASURE, "a test case is inside of another");
	r->is_in_case = true;
	r->has_failure = r->has_error = r->is_flaky = r->has_rerun = false;
	r->is_skipped = junit_is_not_run(attributes);
	r->ending = ending_of(attributes, failed);
	r->message = "";
	if (r->n == 1)
		r->time += seconds(xml_attribute(attributes, "time"));
	r->case_name = arena_printf(r->arena, "%s%s%s", class ? class : "", class ? "." : "",
				    name ? name : "(no name)");
	return 0;
}

static void take_end(struct reader *r, const char *const *attributes)
{
	const char *message = xml_attribute(attributes, "message");

	if (message && !*r->message)
		r->message = arena_strdup(r->arena, message);
}

static int on_start(void *ctx, const char *name, const char *const *attributes, struct err *e)
{
	struct reader *r = ctx;
	bool is_suite = strcmp(name, "testsuite") == 0 || strcmp(name, "testsuites") == 0;

	if (is_suite)
		return start_suite(r, name, attributes, e);
	if (r->n == 0)
		return err_set(e, ERR_MEASURE, "it is no JUnit report: its first element is <%s>",
			       str_escaped(r->arena, name));
	if (strcmp(name, "testcase") == 0)
		return start_case(r, attributes, e);
	if (!r->is_in_case && (strcmp(name, "failure") == 0 || strcmp(name, "error") == 0))
		return err_set(e, ERR_MEASURE, "suite \"%s\" has a <%s> outside of all test cases",
			       str_escaped(r->arena, r->suites[r->n - 1].name), name);
	if (!r->is_in_case)
		return 0; /* properties, system-out, ... */
	if (strcmp(name, "failure") == 0) {
		r->has_failure = true;
		r->suites[r->n - 1].own.failure_elements++;
		take_end(r, attributes);
	} else if (strcmp(name, "error") == 0) {
		r->has_error = true;
		r->suites[r->n - 1].own.error_elements++;
		take_end(r, attributes);
	} else if (strcmp(name, "skipped") == 0) {
		r->is_skipped = true;
	} else if (strcmp(name, "flakyFailure") == 0 || strcmp(name, "flakyError") == 0) {
		r->is_flaky = true;
	} else if (strcmp(name, "rerunFailure") == 0 || strcmp(name, "rerunError") == 0) {
		r->has_rerun = true;
	}
	return 0;
}

/* What the case says of its end, against what is in it. */
static int check_case(const struct reader *r, struct err *e)
{
	const char *name = str_escaped(r->arena, r->case_name);

	if (r->has_failure || r->has_error)
		return 0;
	if (r->ending)
		return err_set(e, ERR_MEASURE,
			       "test case \"%s\" says \"%s\" of itself, but has no <failure> or "
			       "<error>",
			       name, r->ending);
	if (r->has_rerun)
		return err_set(e, ERR_MEASURE,
			       "test case \"%s\" failed when run again, but has no <failure> or "
			       "<error>",
			       name);
	return 0;
}

static int end_case(struct reader *r, struct err *e)
{
	struct counts *own = &r->suites[r->n - 1].own;
	struct junit_report *out = r->out;

	if (check_case(r, e) < 0)
		return -1;
	r->is_in_case = false;
	own->tests++;
	own->failures += r->has_failure;
	own->errors += r->has_error;
	own->skipped += r->is_skipped;
	out->tests++;
	if (r->has_failure || r->has_error) {
		out->failed++;
		own->bad++;
		if (out->n_failures < JUNIT_MAX_SHOWN)
			out->failures[out->n_failures++] = str_escaped(
				r->arena, arena_printf(r->arena, "%s%s%s", r->case_name,
						       *r->message ? ": " : "", r->message));
	} else if (r->is_skipped) {
		out->skipped++;
	} else {
		out->passed++;
		out->flaky += r->is_flaky;
	}
	return 0;
}

static void add_counts(struct counts *to, const struct counts *from)
{
	to->tests += from->tests;
	to->failures += from->failures;
	to->errors += from->errors;
	to->skipped += from->skipped;
	to->failure_elements += from->failure_elements;
	to->error_elements += from->error_elements;
}

/* A suite's number may mean its own test cases or those of the suites in it as well. */
static bool agrees(int64_t claim, int64_t own, int64_t all)
{
	return claim < 0 || claim == own || claim == all;
}

static int contradicts(const struct reader *r, const struct suite *s, const char *what,
		       int64_t claim, int64_t seen, struct err *e)
{
	return err_set(e, ERR_MEASURE,
		       "suite \"%s\" says that it has %" PRId64 " %s, but %" PRId64 " %s in it",
		       str_escaped(r->arena, s->name), claim, what, seen, seen == 1 ? "is" : "are");
}

static int hold_against(const struct reader *r, const struct suite *s, struct err *e)
{
	const struct claims *said = &s->claims;
	const struct counts *own = &s->own, *all = &s->all;
	int64_t disabled = said->disabled > 0 ? said->disabled : 0;

	if (!agrees(said->tests, own->tests, all->tests))
		return contradicts(r, s, "tests", said->tests, all->tests, e);
	if (!agrees(said->failures, own->failures, all->failures) &&
	    !agrees(said->failures, own->failure_elements, all->failure_elements))
		return contradicts(r, s, "failures", said->failures, all->failures, e);
	if (!agrees(said->errors, own->errors, all->errors) &&
	    !agrees(said->errors, own->error_elements, all->error_elements))
		return contradicts(r, s, "errors", said->errors, all->errors, e);
	if (!agrees(said->skipped, own->skipped, all->skipped) &&
	    !agrees(said->skipped + disabled, own->skipped, all->skipped))
		return contradicts(r, s, "skipped tests", said->skipped, all->skipped, e);
	return 0;
}

static void keep_suite(struct reader *r, const struct suite *s)
{
	struct junit_report *out = r->out;

	if (s->is_root && s->own.tests == 0)
		return;
	if (out->n_suites == JUNIT_MAX_SUITES) {
		out->n_left_out++;
		return;
	}
	if (out->n_suites == out->cap_suites) {
		size_t cap = out->cap_suites ? out->cap_suites * 2 : 16;
		struct junit_suite *grown = arena_array(r->arena, cap, sizeof(*grown));

		if (out->n_suites > 0)
			memcpy(grown, out->suites, out->n_suites * sizeof(*grown));
		out->suites = grown;
		out->cap_suites = cap;
	}
	out->suites[out->n_suites++] = (struct junit_suite){
		.name = s->name,
		.tests = s->own.tests,
		.failed = s->own.bad,
		.time = s->time,
	};
}

static int end_suite(struct reader *r, struct err *e)
{
	struct suite *s = &r->suites[r->n - 1];

	add_counts(&s->all, &s->own);
	if (hold_against(r, s, e) < 0)
		return -1;
	keep_suite(r, s);
	r->n--;
	if (r->n == 0) {
		/* A root that does not say its time is as long as what is in it. */
		r->time = isnan(s->time) && s->is_root ? r->time : s->time;
		return 0;
	}
	add_counts(&r->suites[r->n - 1].all, &s->all);
	if (r->n == 1)
		r->time += s->time;
	return 0;
}

static int on_end(void *ctx, const char *name, struct err *e)
{
	struct reader *r = ctx;

	if (strcmp(name, "testcase") == 0)
		return end_case(r, e);
	if (strcmp(name, "testsuite") == 0 || strcmp(name, "testsuites") == 0)
		return end_suite(r, e);
	return 0;
}

int junit_read(struct arena *a, const char *text, size_t n, struct junit_report *out, struct err *e)
{
	static const struct xml_handler handler = {on_start, on_end};
	struct reader *r = arena_alloc(a, sizeof(*r));

	*r = (struct reader){.arena = a, .out = out};
	if (xml_read(text, n, &handler, r, e) < 0)
		return -1;
	out->time += r->time;
	out->n_documents++;
	return 0;
}
