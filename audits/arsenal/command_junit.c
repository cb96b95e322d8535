/*
 * Reports of JUnit, written again: suites and test cases with what they are called and how they
 * ended. A suite says how many tests are in it when one of the report said so.
 */
#include <math.h>
#include <string.h>

#include "audits/arsenal/command.h"
#include "audits/junit_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/xml.h"

enum part_kind { SUITE_BEGIN, SUITE_END, CASE };
enum case_ending { CASE_PASSED, CASE_FAILED, CASE_SKIPPED, CASE_FLAKY };

struct part {
	enum part_kind kind;
	enum case_ending ending;
	bool is_root;					   /* <testsuites> */
	const char *name, *class, *time, *status, *result; /* NULL = not said */
};

struct document {
	struct part *parts;
	size_t n, cap;
};

struct test_report {
	struct document *documents;
	size_t n, n_passed;
	bool has_counts;
};

struct reader {
	struct arena *arena;
	struct document *out;
	bool has_counts, is_in_case;
};

static const char *kept(const struct reader *r, const char *const *attributes, const char *name)
{
	const char *text = xml_attribute(attributes, name);

	return text != NULL ? arena_strdup(r->arena, text) : NULL;
}

static struct part *add_part(struct reader *r, enum part_kind kind)
{
	struct document *d = r->out;

	if (d->n == d->cap) {
		size_t cap = d->cap > 0 ? d->cap * 2 : 64;
		struct part *grown = arena_array(r->arena, cap, sizeof(*grown));

		if (d->n > 0)
			memcpy(grown, d->parts, d->n * sizeof(*grown));
		d->parts = grown;
		d->cap = cap;
	}
	d->parts[d->n] = (struct part){.kind = kind};
	return &d->parts[d->n++];
}

static int on_start(void *ctx, const char *name, const char *const *attributes, struct err *e)
{
	struct reader *r = ctx;
	bool is_root = strcmp(name, "testsuites") == 0, is_case = strcmp(name, "testcase") == 0;
	struct part *p;

	(void)e;
	if (is_root || is_case || strcmp(name, "testsuite") == 0) {
		p = add_part(r, is_case ? CASE : SUITE_BEGIN);
		p->is_root = is_root;
		p->name = kept(r, attributes, "name");
		p->time = kept(r, attributes, "time");
		r->is_in_case = is_case;
		if (is_case) {
			p->class = kept(r, attributes, "classname");
			p->status = kept(r, attributes, "status");
			p->result = kept(r, attributes, "result");
			p->ending = junit_is_not_run(attributes) ? CASE_SKIPPED : CASE_PASSED;
		} else {
			r->has_counts = r->has_counts || xml_attribute(attributes, "tests");
		}
		return 0;
	}
	if (!r->is_in_case)
		return 0;
	p = &r->out->parts[r->out->n - 1];
	if (strcmp(name, "failure") == 0 || strcmp(name, "error") == 0)
		p->ending = CASE_FAILED;
	else if (strcmp(name, "skipped") == 0 && p->ending != CASE_FAILED)
		p->ending = CASE_SKIPPED;
	else if (strncmp(name, "flaky", 5) == 0 && p->ending == CASE_PASSED)
		p->ending = CASE_FLAKY;
	return 0;
}

static int on_end(void *ctx, const char *name, struct err *e)
{
	struct reader *r = ctx;

	(void)e;
	if (strcmp(name, "testcase") == 0)
		r->is_in_case = false;
	else if (strcmp(name, "testsuite") == 0 || strcmp(name, "testsuites") == 0)
		(void)add_part(r, SUITE_END);
	return 0;
}

/* ---- writing ---- */

static void put_attribute(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)buf_printf(out, " %s=\"", name);
	for (; *value != '\0'; value++) {
		if (strchr("&<>\"\t\r\n", *value) != NULL)
			(void)buf_printf(out, "&#%d;", *value);
		else
			(void)buf_putc(out, *value);
	}
	(void)buf_putc(out, '"');
}

/* One way of writing a report. */
struct writing {
	struct buf *out;
	size_t n, n_harmed; /* passed tests that end otherwise, and did so far */
	enum test_ending ending;
	const char *time; /* of the outermost suite; NULL = as it was, "" = none */
	bool has_counts;
};

/* Of a test that passed: does it end otherwise? Asked in the order of the report. */
static bool is_harmed(const struct part *p, size_t n, size_t *n_harmed)
{
	return n == SIZE_MAX || (p->ending == CASE_PASSED && (*n_harmed)++ < n);
}

static void put_counts(struct writing *w, const struct document *d, size_t i)
{
	size_t depth = 0, tests = 0, failures = 0, skipped = 0, n_harmed = w->n_harmed;

	for (; i < d->n; i++) {
		const struct part *p = &d->parts[i];
		bool is_other;

		depth += p->kind == SUITE_BEGIN;
		depth -= p->kind == SUITE_END;
		if (depth == 0)
			break;
		if (p->kind != CASE)
			continue;
		is_other = is_harmed(p, w->n, &n_harmed);
		if (is_other && w->ending == TEST_GONE)
			continue;
		tests++;
		failures += p->ending == CASE_FAILED || (is_other && w->ending == TEST_FAILED);
		skipped += p->ending == CASE_SKIPPED || (is_other && w->ending == TEST_SKIPPED);
	}
	(void)buf_printf(w->out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"",
			 tests, failures, skipped);
}

static void put_case(struct writing *w, const struct part *p)
{
	static const char *const elements[] = {[CASE_PASSED] = "",
					       [CASE_FAILED] = "<failure/>",
					       [CASE_SKIPPED] = "<skipped/>",
					       [CASE_FLAKY] = "<flakyFailure/>"};
	bool is_other = is_harmed(p, w->n, &w->n_harmed);
	enum case_ending ending = p->ending;

	if (is_other && (w->ending == TEST_GONE || w->ending == TEST_UNREPORTED))
		return;
	if (is_other && w->ending == TEST_FAILED)
		ending = CASE_FAILED;
	if (is_other && w->ending == TEST_SKIPPED)
		ending = CASE_SKIPPED;
	(void)buf_puts(w->out, "<testcase");
	put_attribute(w->out, "classname", p->class);
	put_attribute(w->out, "name", p->name);
	put_attribute(w->out, "time", p->time);
	put_attribute(w->out, "status", p->status);
	put_attribute(w->out, "result", p->result);
	(void)buf_printf(w->out, ">%s</testcase>\n", elements[ending]);
}

static void put_suite(struct writing *w, const struct document *d, size_t i)
{
	const struct part *p = &d->parts[i];
	const char *time = i == 0 && w->time != NULL ? w->time : p->time;

	(void)buf_puts(w->out, p->is_root ? "<testsuites" : "<testsuite");
	put_attribute(w->out, "name", p->name);
	put_attribute(w->out, "time", time != NULL && *time != '\0' ? time : NULL);
	if (w->has_counts)
		put_counts(w, d, i);
	(void)buf_puts(w->out, ">\n");
}

static void put_document(struct writing *w, const struct document *d)
{
	bool is_root[XML_MAX_DEPTH + 1];
	size_t depth = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct part *p = &d->parts[i];

		switch (p->kind) {
		case SUITE_BEGIN:
			is_root[depth++] = p->is_root; /* the door limits depth */
			put_suite(w, d, i);
			break;
		case SUITE_END:
			(void)buf_puts(w->out,
				       is_root[--depth] ? "</testsuites>\n" : "</testsuite>\n");
			break;
		case CASE:
			put_case(w, p);
			break;
		}
	}
}

static void junit_write(const struct test_report *r, const struct saying *s, size_t n,
			enum test_ending ending, const char *time, struct command_ran *ran)
{
	struct buf b;
	struct writing w = {
		.out = &b, .n = n, .ending = ending, .time = time, .has_counts = r->has_counts};

	buf_init(&b, BUF_UNBOUNDED); /* of a report that is bounded */
	for (size_t i = 0; i < r->n; i++) {
		/* Times of several documents are added up. */
		w.time = i > 0 && time != NULL && *time != '\0' ? "0" : time;
		put_document(&w, &r->documents[i]);
		command_put_document(s, ran, i, arena_strndup(s->arena, b.data, b.len), b.len);
		buf_reset(&b);
	}
	buf_release(&b);
}

/* ---- reading ---- */

static bool is_same_time(double a, double b)
{
	return isnan(a) ? isnan(b) : fabs(a - b) <= 1e-9 * fabs(a);
}

/* Would it count the same? */
static bool is_faithful(const struct challenge *c, const struct test_report *r)
{
	const struct command_spec *spec = c->check->spec;
	struct junit_report before = {0}, after = {0};
	struct err e = {0};
	struct buf b;
	struct writing w = {.out = &b, .ending = TEST_PASSED, .has_counts = r->has_counts};
	int rc = 0;

	buf_init(&b, BUF_UNBOUNDED); /* as above */
	for (size_t i = 0; i < r->n && rc == 0; i++) {
		struct command_document d = command_document_at(spec, command_said(c), i);

		put_document(&w, &r->documents[i]);
		rc = junit_read(c->arena, d.text, d.n, &before, &e);
		if (rc == 0)
			rc = junit_read(c->arena, b.data, b.len, &after, &e);
		buf_reset(&b);
	}
	buf_release(&b);
	return rc == 0 && before.tests == after.tests && before.passed == after.passed &&
	       before.passed == (int64_t)r->n_passed && before.failed == after.failed &&
	       before.skipped == after.skipped && before.flaky == after.flaky &&
	       before.n_suites == after.n_suites && is_same_time(before.time, after.time);
}

static const struct test_report *junit_read_again(const struct challenge *c)
{
	static const struct xml_handler handler = {on_start, on_end};
	const struct command_spec *spec = c->check->spec;
	const struct command_ran *ran = command_said(c);
	struct test_report *r = arena_alloc(c->arena, sizeof(*r));
	struct reader reader = {.arena = c->arena};

	*r = (struct test_report){.n = command_n_documents(spec, ran)};
	r->documents = arena_array(c->arena, r->n, sizeof(*r->documents));
	for (size_t i = 0; i < r->n; i++) {
		struct command_document d = command_document_at(spec, ran, i);
		struct err e = {0};

		r->documents[i] = (struct document){.parts = NULL};
		reader.out = &r->documents[i];
		if (xml_read(d.text, d.n, &handler, &reader, &e) != 0)
			return NULL;
		for (size_t k = 0; k < reader.out->n; k++)
			r->n_passed += reader.out->parts[k].kind == CASE &&
				       reader.out->parts[k].ending == CASE_PASSED;
	}
	r->has_counts = reader.has_counts;
	return is_faithful(c, r) ? r : NULL;
}

static size_t junit_n_passed(const struct test_report *r)
{
	return r->n_passed;
}

static bool junit_has_plan(const struct test_report *r)
{
	return r->has_counts;
}

const struct test_format test_format_junit = {junit_read_again, junit_n_passed, junit_has_plan,
					      junit_write};
