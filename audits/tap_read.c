/*
 * Lines of a stream belong to the level their indentation says, four blanks a level. A test point
 * ends the stream one level deeper, which is judged then: it must not be better than it was.
 */
#include "audits/tap_read.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"

#define MAX_LEVELS 32
#define INDENT	   4

struct span {
	const char *s;
	size_t n;
};

/* One stream. */
struct level {
	bool is_open; /* something of it was seen */
	bool has_plan, has_plan_first;
	int64_t planned;
	const char *plan_reason;
	int64_t n_points, next;
	int64_t passed, failed, skipped, todo;
	int64_t largest;
	const char *problem;
};

struct reader {
	struct arena *arena;
	struct tap_report *out;
	struct level levels[MAX_LEVELS];
	int64_t *numbers; /* of the outermost test points */
	size_t cap;
	bool has_version, is_yaml, is_strict;
	size_t yaml_indent; /* when is_yaml */
	size_t point_indent;
	bool is_after_point; /* a YAML block may follow */
	size_t n_lines;
	const char *bail;
};

static bool starts(struct span line, const char *prefix)
{
	size_t n = strlen(prefix);

	return line.n >= n && strncasecmp(line.s, prefix, n) == 0;
}

static const char *escaped(struct reader *r, struct span text)
{
	while (text.n > 0 && isspace((unsigned char)*text.s))
		text = (struct span){text.s + 1, text.n - 1};
	return str_escaped(r->arena, arena_strndup(r->arena, text.s, text.n < 200 ? text.n : 200));
}

static void blame(struct level *l, const char *problem)
{
	if (!l->problem)
		l->problem = problem;
}

/* The stream has ended: does it hold together? Sets l->problem. */
static void end_level(struct reader *r, struct level *l)
{
	if (!l->has_plan) {
		blame(l, "there is no plan (1..N): nobody knows how many tests are missing");
		return;
	}
	if (l->n_points != l->planned)
		blame(l,
		      arena_printf(r->arena, "%" PRId64 " test%s planned, %" PRId64 " %s reported",
				   l->planned, l->planned == 1 ? " was" : "s were", l->n_points,
				   l->n_points == 1 ? "was" : "were"));
	if (l->largest == INT64_MAX)
		blame(l, arena_printf(r->arena,
				      "the number of a test is outside of the plan 1..%" PRId64,
				      l->planned));
	else if (l->largest > l->planned)
		blame(l,
		      arena_printf(r->arena, "test %" PRId64 " is outside of the plan 1..%" PRId64,
				   l->largest, l->planned));
}

/* 1..N, behind which only a # may be. False: no plan. */
static bool take_plan(struct reader *r, struct level *l, struct span line)
{
	size_t digits = 0, first = 0;
	struct span rest;
	int64_t n = 0;

	while (first < line.n && isdigit((unsigned char)line.s[first]))
		first++;
	if (first == 0 || first + 2 >= line.n || memcmp(line.s + first, "..", 2) != 0)
		return false;
	rest = (struct span){line.s + first + 2, line.n - first - 2};
	while (digits < rest.n && isdigit((unsigned char)rest.s[digits]))
		digits++;
	if (digits == 0)
		return false;
	if (num_parse_int(rest.s, digits, &n) < 0 || n > TAP_MAX_TESTS)
		blame(l, "more tests are planned than are read");
	rest = (struct span){rest.s + digits, rest.n - digits};
	while (rest.n > 0 && isspace((unsigned char)*rest.s))
		rest = (struct span){rest.s + 1, rest.n - 1};
	if (rest.n > 0 && *rest.s != '#')
		return false;
	if (first != 1 || line.s[0] != '1')
		blame(l, "the plan does not start at 1");
	if (l->has_plan)
		blame(l, "there are two plans: two streams in one, or a lost line between them");
	l->is_open = l->has_plan = true;
	l->has_plan_first = l->n_points == 0;
	l->planned = n;
	l->plan_reason = rest.n > 0 ? escaped(r, (struct span){rest.s + 1, rest.n - 1}) : "";
	return true;
}

static void keep_number(struct reader *r, int64_t number)
{
	size_t n = (size_t)r->levels[0].n_points - 1;

	if (n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		int64_t *grown = arena_array(r->arena, cap, sizeof(*grown));

		if (n > 0)
			memcpy(grown, r->numbers, n * sizeof(*grown));
		r->numbers = grown;
		r->cap = cap;
	}
	r->numbers[n] = number;
}

static void count_point(struct level *l, const struct tap_point *p)
{
	switch (p->directive) {
	case TAP_SKIP:
		l->skipped++;
		return;
	case TAP_TODO:
		l->todo++;
		return;
	case TAP_NONE:
		break;
	}
	if (p->is_ok)
		l->passed++;
	else
		l->failed++;
}

/* A point at this level ends the streams below it. */
static void close_below(struct reader *r, size_t level, const struct tap_point *p)
{
	struct level *below = level + 1 < MAX_LEVELS ? &r->levels[level + 1] : NULL;
	bool is_plain_ok = p->is_ok && p->directive == TAP_NONE;

	if (below && below->is_open && is_plain_ok) {
		/* Its plan may be missing: its parent has seen it end. */
		if (below->has_plan)
			end_level(r, below);
		if (below->failed > 0)
			blame(below, "a test of it failed");
		if (below->problem)
			blame(&r->levels[level],
			      arena_printf(r->arena,
					   "\"%s\" is said to be ok, but of its subtest: %s",
					   p->description, below->problem));
	}
	for (size_t i = level + 1; i < MAX_LEVELS; i++)
		r->levels[i] = (struct level){0};
}

static bool take_point(struct reader *r, size_t level, struct span line)
{
	struct level *l = &r->levels[level];
	struct tap_report *out = r->out;
	struct tap_point p;

	if (!tap_point_parse(r->arena, line.s, line.n, &p))
		return false;
	close_below(r, level, &p);
	l->is_open = true;
	if (l->has_plan && !l->has_plan_first)
		blame(l, "a test comes after the plan at the end");
	if (l->n_points == TAP_MAX_TESTS) {
		blame(l, "there are more tests than are read");
		return true;
	}
	l->n_points++;
	/* INT64_MAX stands for what is beyond all plans, and nothing comes behind it. */
	if (p.number)
		l->next = p.number;
	else if (l->next < INT64_MAX)
		l->next++;
	if (l->next > l->largest)
		l->largest = l->next;
	count_point(l, &p);
	if (level > 0)
		return true;
	keep_number(r, l->next);
	if (!p.is_ok && p.directive == TAP_NONE && out->n_failures < TAP_MAX_SHOWN)
		out->failures[out->n_failures++] =
			str_escaped(r->arena, arena_strndup(r->arena, line.s, line.n));
	return true;
}

static void take_version(struct reader *r, struct level *l, struct span line)
{
	struct span number = {line.s + 12, line.n - 12};

	if (r->has_version)
		blame(l, "there is a second version line: two streams in one");
	r->has_version = true;
	l->is_open = true;
	if (number.n != 2 || memcmp(number.s, "1", 1) != 0 || number.s[1] < '2' ||
	    number.s[1] > '4')
		blame(l, arena_printf(r->arena, "\"%s\" is a version that is not known",
				      escaped(r, line)));
}

/*
 * pragma +strict: what is no TAP is then an error. A stream of version 12 knows no pragma, and that
 * of a subtest is about its lines alone, which are not needed here. False: no pragma.
 */
static bool take_pragma(struct reader *r, size_t level, struct span line)
{
	if (!starts(line, "pragma "))
		return false;
	if (level == 0 && r->has_version && memcmp(line.s + line.n - 6, "strict", 6) == 0)
		r->is_strict = line.s[line.n - 7] == '+';
	return true;
}

/* Inside a YAML block, or at its first line? Less indented lines end it, closed or not. */
static bool is_of_yaml(struct reader *r, struct span line, size_t indent)
{
	bool is_blank = indent == line.n;

	if (!r->is_yaml) {
		if (!r->is_after_point || indent != r->point_indent + 2 || line.n - indent != 3 ||
		    memcmp(line.s + indent, "---", 3) != 0)
			return false;
		r->is_yaml = true;
		r->yaml_indent = indent;
		return true;
	}
	if (!is_blank && indent < r->yaml_indent) {
		r->is_yaml = false;
		return false;
	}
	if (indent == r->yaml_indent && line.n - indent == 3 &&
	    memcmp(line.s + indent, "...", 3) == 0)
		r->is_yaml = r->is_after_point = false;
	return true;
}

static void refuse_if_strict(struct reader *r, size_t level, struct span text)
{
	if (r->is_strict && level == 0)
		blame(&r->levels[0],
		      arena_printf(r->arena, "it is strict (pragma), but \"%s\" is no TAP",
				   escaped(r, text)));
}

static void take_line(struct reader *r, struct span line)
{
	size_t indent = 0, level;
	struct span text;

	while (line.n > 0 && isspace((unsigned char)line.s[line.n - 1]))
		line.n--;
	while (indent < line.n && line.s[indent] == ' ')
		indent++;
	if (is_of_yaml(r, line, indent) || indent == line.n || line.s[indent] == '#')
		return;
	r->is_after_point = false;
	level = indent / INDENT;
	text = (struct span){line.s + indent, line.n - indent};
	if (indent % INDENT != 0 || level >= MAX_LEVELS) {
		refuse_if_strict(r, level, text);
		return;
	}
	if (starts(text, "bail out!")) {
		if (!r->bail)
			r->bail = escaped(r, (struct span){text.s + 9, text.n - 9});
	} else if (level == 0 && starts(text, "TAP version ")) {
		take_version(r, &r->levels[0], text);
	} else if (take_plan(r, &r->levels[level], text) || take_pragma(r, level, text)) {
		return;
	} else if (take_point(r, level, text)) {
		r->is_after_point = true;
		r->point_indent = indent;
	} else {
		refuse_if_strict(r, level, text);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void find_repeated(struct reader *r)
{
	struct level *l = &r->levels[0];
	size_t n = (size_t)l->n_points;

	if (n > 1)
		qsort(r->numbers, n, sizeof(*r->numbers), compare_numbers);
	for (size_t i = 1; i < n; i++)
		if (r->numbers[i] == r->numbers[i - 1])
			blame(l, arena_printf(r->arena, "test %" PRId64 " is reported twice",
					      r->numbers[i]));
}

static void finish(struct reader *r)
{
	struct level *l = &r->levels[0];
	struct tap_report *out = r->out;

	find_repeated(r);
	if (!l->is_open)
		l->problem = "the output is no TAP: it has neither a plan nor a test";
	end_level(r, l);
	if (r->is_yaml)
		blame(l, "it ends inside of a YAML block: it is torn");
	out->planned = l->planned;
	out->passed = l->passed;
	out->failed = l->failed;
	out->skipped = l->skipped;
	out->todo = l->todo;
	out->skip_reason = l->has_plan && l->planned == 0 ? l->plan_reason : NULL;
	/* What the stream itself says comes before what is missing behind it. */
	out->problem =
		r->bail ? arena_printf(r->arena, "it bailed out%s%s", *r->bail ? ": " : "", r->bail)
			: l->problem;
}

void tap_read(struct arena *a, const char *s, size_t n, struct tap_report *out)
{
	struct reader r = {.arena = a, .out = out};

	size_t i = n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* as some shells begin */

	*out = (struct tap_report){0};
	while (i < n) {
		size_t length = 0;

		while (i + length < n && s[i + length] != '\n' && s[i + length] != '\r')
			length++;
		take_line(&r, (struct span){s + i, length});
		i += length + 1;
	}
	finish(&r);
}
