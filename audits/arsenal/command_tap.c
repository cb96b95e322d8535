/* A report of TAP, written again: its plan first, then the outermost test points. */
#include <inttypes.h>
#include <string.h>

#include "audits/arsenal/command.h"
#include "audits/tap_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

struct test_report {
	const struct tap_point *points;
	size_t n, n_passed;
};

static bool is_passed(const struct tap_point *p)
{
	return p->is_ok && p->directive == TAP_NONE;
}

static bool is_left(const struct tap_point *p, size_t *n_harmed, size_t n, enum test_ending ending)
{
	if (ending != TEST_GONE && ending != TEST_UNREPORTED)
		return true;
	if (n == SIZE_MAX)
		return false;
	return !is_passed(p) || (*n_harmed)++ >= n;
}

/* A # would begin a directive. */
static void put_description(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '#' || *text == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, *text);
	}
}

static void put_point(struct buf *out, const struct tap_point *p, bool is_failed, bool is_skipped)
{
	static const char *const directives[] = {
		[TAP_NONE] = "", [TAP_TODO] = " # todo ", [TAP_SKIP] = " # SKIP "};

	(void)buf_puts(out, p->is_ok && !is_failed ? "ok - " : "not ok - ");
	put_description(out, p->description);
	(void)buf_puts(out, directives[is_skipped ? TAP_SKIP : p->directive]);
	if (p->directive != TAP_NONE)
		(void)buf_puts(out, p->reason);
	(void)buf_putc(out, '\n');
}

static void put_report(struct buf *out, const struct test_report *r, size_t n,
		       enum test_ending ending)
{
	size_t n_left = 0, n_harmed = 0;

	for (size_t i = 0; i < r->n; i++)
		n_left += is_left(&r->points[i], &n_harmed, n, ending);
	(void)buf_printf(out, "1..%zu\n", ending == TEST_UNREPORTED ? r->n : n_left);
	n_harmed = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct tap_point *p = &r->points[i];
		bool is_harmed;

		if (ending == TEST_GONE || ending == TEST_UNREPORTED) {
			if (is_left(p, &n_harmed, n, ending))
				put_point(out, p, false, false);
			continue;
		}
		is_harmed = is_passed(p) && n_harmed++ < n;
		put_point(out, p, is_harmed && ending == TEST_FAILED,
			  is_harmed && ending == TEST_SKIPPED);
	}
}

static void tap_write(const struct test_report *r, const struct saying *s, size_t n,
		      enum test_ending ending, const char *time, struct command_ran *ran)
{
	struct buf b;

	(void)time;		     /* it tells none */
	buf_init(&b, BUF_UNBOUNDED); /* of a report that is bounded */
	put_report(&b, r, n, ending);
	command_put_document(s, ran, 0, arena_strndup(s->arena, b.data, b.len), b.len);
	buf_release(&b);
}

/* Lines that are not indented are of the outermost stream, whatever is between them. */
static void read_points(struct arena *a, const struct command_document *d, struct tap_point *out,
			size_t *n)
{
	for (size_t i = 0, length; i < d->n; i += length + 1) {
		struct tap_point p;

		length = 0;
		while (i + length < d->n && d->text[i + length] != '\n' &&
		       d->text[i + length] != '\r')
			length++;
		if (tap_point_parse(a, d->text + i, length, &p))
			out[(*n)++] = p;
	}
}

/* Would it count the same? */
static bool is_faithful(struct arena *a, const struct test_report *r,
			const struct command_document *d)
{
	struct tap_report before, after;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* as above */
	put_report(&b, r, 0, TEST_PASSED);
	tap_read(a, d->text, d->n, &before);
	tap_read(a, b.data, b.len, &after);
	buf_release(&b);
	return before.problem == NULL && after.problem == NULL && before.planned == after.planned &&
	       before.passed == after.passed && before.failed == after.failed &&
	       before.skipped == after.skipped && before.todo == after.todo &&
	       before.passed == (int64_t)r->n_passed;
}

static const struct test_report *tap_read_again(const struct challenge *c)
{
	struct test_report *r = arena_alloc(c->arena, sizeof(*r));
	const struct command_spec *spec = c->check->spec;
	struct command_document d;
	struct tap_point *points;
	size_t n_lines = 1;

	if (command_n_documents(spec, command_said(c)) != 1)
		return NULL;
	d = command_document_at(spec, command_said(c), 0);
	for (size_t i = 0; i < d.n; i++)
		n_lines += d.text[i] == '\n' || d.text[i] == '\r';
	points = arena_array(c->arena, n_lines, sizeof(*points));
	*r = (struct test_report){.points = points};
	read_points(c->arena, &d, points, &r->n);
	for (size_t i = 0; i < r->n; i++)
		r->n_passed += is_passed(&points[i]);
	return is_faithful(c->arena, r, &d) ? r : NULL;
}

static size_t tap_n_passed(const struct test_report *r)
{
	return r->n_passed;
}

static bool tap_has_plan(const struct test_report *r)
{
	(void)r;
	return true;
}

const struct test_format test_format_tap = {tap_read_again, tap_n_passed, tap_has_plan, tap_write};
