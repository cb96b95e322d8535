/*
 * JUnit XML: one suite an audit, one case a series. A case without a child element is what every
 * reader counts as passed, so only pass and warn come without one: fail is a failure, undecided an
 * error, skip skipped; so is a failure that the gate let through, with who did, and one that the
 * gate the report is about does not mind, with why (ruling.h). Checks
 * without any result, a run that never ended and a shut gate are cases of their own, so that no
 * reader sees only the part that went well.
 *
 * Profile jenkins validates against the schema of Jenkins' xUnit plugin (junit-10.xsd), which knows
 * neither a file attribute nor properties on a case; profile gitlab has both.
 */
#include "reports/report.h"

#include <inttypes.h>
#include <string.h>

#include "reports/ruling.h"
#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/utc.h"

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

struct counts {
	size_t n_tests, n_failures, n_errors, n_skipped;
	int64_t us;
};

struct junit {
	struct buf *out;
	const struct report *r;
	enum junit_profile profile;
	struct arena *a;
	struct ruling_index rulings;
};

static void count(struct counts *n, enum outcome o, int64_t us)
{
	n->n_tests++;
	n->us += us;
	switch (o) {
	case OUTCOME_FAIL:
		n->n_failures++;
		return;
	case OUTCOME_UNDECIDED:
		n->n_errors++;
		return;
	case OUTCOME_SKIP:
		n->n_skipped++;
		return;
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return;
	}
}

static void put_seconds(struct buf *out, int64_t us)
{
	int64_t ms = us > 0 ? (us + 500) / 1000 : 0;

	(void)buf_printf(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

static void put_counts(struct buf *out, const struct counts *n, bool has_skipped)
{
	(void)buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", n->n_tests,
			 n->n_failures, n->n_errors);
	if (has_skipped)
		(void)buf_printf(out, " skipped=\"%zu\"", n->n_skipped);
	(void)buf_puts(out, " time=\"");
	put_seconds(out, n->us);
	(void)buf_putc(out, '"');
}

static void put_suite_open(const struct junit *j, const char *name, size_t n_name,
			   const struct counts *n)
{
	char stamp[UTC_MAX];

	(void)utc_format(j->r->run.begin_ms, 0, stamp);
	stamp[strcspn(stamp, "Z")] = '\0'; /* the schema knows no zone; UTC is the custom */
	(void)buf_puts(j->out, "  <testsuite name=\"");
	text_markup_n(j->out, name, n_name);
	(void)buf_putc(j->out, '"');
	put_counts(j->out, n, true);
	(void)buf_printf(j->out, " timestamp=\"%s\" hostname=\"", stamp);
	text_markup(j->out, j->r->run.host);
	(void)buf_puts(j->out, "\">\n");
}

static void put_markup_line(struct buf *out, const char *label, const char *text)
{
	const char *line;
	size_t n;

	while (text_line(&text, &line, &n)) {
		(void)buf_puts(out, label);
		text_markup_n(out, line, n);
		(void)buf_putc(out, '\n');
	}
}

/* Appends what a text function makes of s, as markup. */
static void put_value(struct buf *out, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_value(&b, s);
	text_markup_n(out, b.data, b.len);
	buf_release(&b);
}

static void put_position(struct buf *out, const struct result *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_position(&b, s);
	text_markup_n(out, b.data, b.len);
	buf_release(&b);
}

/* One line: what, against what, where it is written. */
static void put_message(struct buf *out, const struct result *s)
{
	if (s->value.type == VALUE_NONE) {
		(void)buf_puts(out, "no measurement: ");
		text_markup(out, s->reason != NULL ? s->reason : "no reason recorded");
	} else {
		(void)buf_puts(out, "measured ");
		put_value(out, s);
	}
	if (s->bound[0] != '\0') {
		(void)buf_puts(out, ", bound ");
		text_markup(out, s->bound);
	}
	(void)buf_puts(out, " (");
	put_position(out, s);
	(void)buf_putc(out, ')');
}

static void put_details(const struct junit *j, const struct result *s)
{
	put_markup_line(j->out, "reason: ", s->reason);
	put_markup_line(j->out, "evidence: ", s->evidence);
	put_markup_line(j->out, "query: ", s->query);
	(void)buf_printf(j->out, "explain: assize explain %" PRId64 " ", j->r->run.id);
	text_markup(j->out, s->check->name);
	(void)buf_putc(j->out, '\n');
}

static void put_child(const struct junit *j, const char *element, const char *type,
		      const struct result *s)
{
	(void)buf_printf(j->out, "      <%s type=\"%s\" message=\"", element, type);
	put_message(j->out, s);
	(void)buf_puts(j->out, "\">");
	put_details(j, s);
	(void)buf_printf(j->out, "</%s>\n", element);
}

/* Why it does not count and what it is: as skipped, which no reader takes for passed. */
static void put_skipped_as(const struct junit *j, const struct ruling *x, enum outcome outcome)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	ruling_put(&b, x);
	(void)buf_puts(j->out, "      <skipped message=\"");
	text_markup(j->out, b.data);
	(void)buf_printf(j->out, "; %s: ", outcome_name(outcome));
	buf_release(&b);
}

static void put_outcome(const struct junit *j, const struct result *s)
{
	const struct ruling ruling = ruling_of_series(&j->rulings, s);

	if (!ruling_is_none(&ruling)) {
		put_skipped_as(j, &ruling, s->outcome);
		put_message(j->out, s);
		(void)buf_puts(j->out, "\"/>\n");
		return;
	}
	if (result_is_noted(s->outcome, s->bound)) {
		(void)buf_puts(j->out, "      <skipped message=\"noted: ");
		put_message(j->out, s);
		(void)buf_puts(j->out, "\"/>\n");
		return;
	}
	switch (s->outcome) {
	case OUTCOME_FAIL:
		put_child(j, "failure", "fail", s);
		return;
	case OUTCOME_UNDECIDED:
		put_child(j, "error", "undecided", s);
		return;
	case OUTCOME_SKIP:
		(void)buf_puts(j->out, "      <skipped message=\"");
		text_markup(j->out, s->reason != NULL ? s->reason : "no reason recorded");
		(void)buf_puts(j->out, "\"/>\n");
		return;
	case OUTCOME_WARN:
	case OUTCOME_PASS:
		(void)buf_printf(j->out, "      <system-out>%s: ", outcome_name(s->outcome));
		put_message(j->out, s);
		if (s->is_flaky) {
			(void)buf_printf(j->out, "\nflaky: passed at attempt %" PRId64 "\n",
					 s->attempts);
			put_markup_line(j->out, "evidence: ", s->evidence);
		}
		(void)buf_puts(j->out, "</system-out>\n");
		return;
	}
}

static void put_properties(const struct junit *j, const struct result *s)
{
	const struct check_info *c = s->check;

	(void)buf_printf(j->out,
			 "      <properties>\n"
			 "        <property name=\"severity\" value=\"%" PRId64 "\"/>\n",
			 c->severity);
	(void)buf_puts(j->out, "        <property name=\"kind\" value=\"");
	text_markup(j->out, c->kind);
	(void)buf_puts(j->out, "\"/>\n");
	if (c->owner != NULL) {
		(void)buf_puts(j->out, "        <property name=\"owner\" value=\"");
		text_markup(j->out, c->owner);
		(void)buf_puts(j->out, "\"/>\n");
	}
	(void)buf_puts(j->out, "      </properties>\n");
}

/* "tasks/missing" is the class, the series (or else the check's id) the name. */
static void put_case(const struct junit *j, const struct result *s)
{
	const char *slash = strchr(s->check->name, '/');
	const char *id = slash != NULL ? slash + 1 : s->check->name;

	(void)buf_puts(j->out, "    <testcase classname=\"");
	text_markup(j->out, s->check->name);
	(void)buf_puts(j->out, "\" name=\"");
	text_markup(j->out, id);
	if (s->series[0] != '\0' && s->series[0] != '{')
		(void)buf_putc(j->out, ':');
	text_markup(j->out, s->series);
	(void)buf_puts(j->out, "\" time=\"");
	put_seconds(j->out, s->duration_us);
	(void)buf_putc(j->out, '"');
	if (j->profile == JUNIT_GITLAB && s->check->file != NULL) {
		(void)buf_puts(j->out, " file=\"");
		text_markup(j->out, report_place(j->a, j->r, s->check->file));
		(void)buf_putc(j->out, '"');
	}
	(void)buf_puts(j->out, ">\n");
	if (j->profile == JUNIT_GITLAB)
		put_properties(j, s);
	put_outcome(j, s);
	(void)buf_puts(j->out, "    </testcase>\n");
}

static size_t audit_length(const char *name)
{
	return strcspn(name, "/");
}

/* First result after i that belongs to another audit. */
static size_t suite_end(const struct report *r, size_t i)
{
	const char *name = r->results[i].check->name;
	size_t n = audit_length(name), end = i + 1;

	while (end < r->n_results && audit_length(r->results[end].check->name) == n &&
	       memcmp(r->results[end].check->name, name, n) == 0)
		end++;
	return end;
}

static enum outcome counted_outcome(const struct junit *j, const struct result *s)
{
	const struct ruling ruling = ruling_of_series(&j->rulings, s);
	bool is_noted = result_is_noted(s->outcome, s->bound);

	return ruling_is_none(&ruling) && !is_noted ? s->outcome : OUTCOME_SKIP;
}

static void put_audit(const struct junit *j, size_t from, size_t to)
{
	const char *name = j->r->results[from].check->name;
	struct counts n = {0};

	for (size_t i = from; i < to; i++)
		count(&n, counted_outcome(j, &j->r->results[i]), j->r->results[i].duration_us);
	put_suite_open(j, name, audit_length(name), &n);
	for (size_t i = from; i < to; i++)
		put_case(j, &j->r->results[i]);
	(void)buf_puts(j->out, "  </testsuite>\n");
}

/* Of a run with a problem. */
static enum outcome run_outcome(const struct junit *j)
{
	const struct ruling ruling = ruling_of_run(&j->rulings);

	return ruling_is_none(&ruling) ? OUTCOME_UNDECIDED : OUTCOME_SKIP;
}

static void put_run_suite(const struct junit *j, const char *problem)
{
	const struct ruling ruling = ruling_of_run(&j->rulings);
	struct counts n = {0};

	count(&n, run_outcome(j), 0);
	put_suite_open(j, "run", 3, &n);
	(void)buf_puts(j->out,
		       "    <testcase classname=\"run\" name=\"complete\" time=\"0.000\">\n");
	if (ruling_is_none(&ruling))
		(void)buf_puts(j->out, "      <error type=\"undecided\" message=\"");
	else
		put_skipped_as(j, &ruling, OUTCOME_UNDECIDED);
	text_markup(j->out, problem);
	(void)buf_puts(j->out, "\"/>\n    </testcase>\n  </testsuite>\n");
}

/* "fail tasks/missing{column="owner"}: what was found"; of the gate itself no name. */
static void put_line(struct buf *out, const struct decision_line *l)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_printf(&b, "%s ", outcome_name(l->outcome));
	text_series(&b, l->check[0] != '\0' ? l->check : "gate", l->series);
	(void)buf_printf(&b, ": %s", l->text);
	text_markup(out, b.data);
	buf_release(&b);
}

/* Neither passed nor stopped: skipped, with who let it through, and all that kept it shut. */
static void put_overridden(const struct junit *j, const struct decision *d)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	override_put(&b, d->override);
	(void)buf_puts(j->out, "      <skipped message=\"");
	text_markup(j->out, b.data);
	(void)buf_printf(j->out, "; it would be shut: %s", outcome_name(d->outcome));
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (!decision_line_shuts(l))
			continue;
		(void)buf_puts(j->out, "; ");
		put_line(j->out, l);
	}
	(void)buf_puts(j->out, "\"/>\n");
	buf_release(&b);
}

/* What keeps it shut, a line each. */
static void put_reasons(const struct junit *j, const struct decision *d)
{
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (!decision_line_shuts(l))
			continue;
		put_line(j->out, l);
		(void)buf_putc(j->out, '\n');
	}
}

static void put_shut(const struct junit *j, const struct decision *d)
{
	const struct ruling ruling = ruling_of_decision(&j->rulings, d);
	const char *element = d->outcome == OUTCOME_FAIL ? "failure" : "error";

	if (ruling_is_none(&ruling))
		(void)buf_printf(j->out, "      <%s type=\"%s\" message=\"", element,
				 outcome_name(d->outcome));
	else
		put_skipped_as(j, &ruling, d->outcome);
	(void)buf_puts(j->out, "the gate is shut for ");
	text_markup(j->out, d->subject[0] != '\0' ? d->subject : "no subject");
	if (!ruling_is_none(&ruling)) {
		(void)buf_puts(j->out, "\"/>\n");
		return;
	}
	(void)buf_puts(j->out, "\">");
	put_reasons(j, d);
	(void)buf_printf(j->out, "</%s>\n", element);
}

static void put_decision(const struct junit *j, const struct decision *d)
{
	(void)buf_puts(j->out, "    <testcase classname=\"gate\" name=\"");
	text_markup(j->out, d->gate);
	(void)buf_puts(j->out, "\" time=\"0.000\">\n");
	if (decision_is_overridden(d)) {
		put_overridden(j, d);
	} else if (d->is_open) {
		(void)buf_puts(j->out, "      <system-out>open");
		if (decision_waived(d) > 0)
			(void)buf_printf(j->out, ", %zu waived", decision_waived(d));
		(void)buf_puts(j->out, "</system-out>\n");
	} else {
		put_shut(j, d);
	}
	(void)buf_puts(j->out, "    </testcase>\n");
}

static enum outcome decision_outcome(const struct junit *j, const struct decision *d)
{
	const struct ruling ruling = ruling_of_decision(&j->rulings, d);

	if (decision_is_overridden(d) || !ruling_is_none(&ruling))
		return OUTCOME_SKIP;
	if (d->is_open)
		return OUTCOME_PASS;
	return d->outcome == OUTCOME_FAIL ? OUTCOME_FAIL : OUTCOME_UNDECIDED;
}

static void count_decisions(struct counts *n, const struct junit *j)
{
	for (size_t i = 0; i < j->r->n_decisions; i++)
		if (!decision_is_superseded(j->r, &j->r->decisions[i]))
			count(n, decision_outcome(j, &j->r->decisions[i]), 0);
}

static void put_gates(const struct junit *j)
{
	struct counts n = {0};

	count_decisions(&n, j);
	put_suite_open(j, "gates", 5, &n);
	for (size_t i = 0; i < j->r->n_decisions; i++)
		if (!decision_is_superseded(j->r, &j->r->decisions[i]))
			put_decision(j, &j->r->decisions[i]);
	(void)buf_puts(j->out, "  </testsuite>\n");
}

void report_junit(struct buf *out, const struct report *r, enum junit_profile profile)
{
	struct arena *a = arena_new();
	struct junit j = {.out = out, .r = r, .profile = profile, .a = a};
	struct counts all = {0};
	const char *problem = report_problem(a, r);

	ruling_index_init(&j.rulings, a, r);
	for (size_t i = 0; i < r->n_results; i++)
		count(&all, counted_outcome(&j, &r->results[i]), r->results[i].duration_us);
	count_decisions(&all, &j);
	if (problem != NULL)
		count(&all, run_outcome(&j), 0);
	(void)buf_puts(out,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assize\"");
	put_counts(out, &all, false);
	(void)buf_puts(out, ">\n");
	for (size_t i = 0, end; i < r->n_results; i = end) {
		end = suite_end(r, i);
		put_audit(&j, i, end);
	}
	if (problem != NULL)
		put_run_suite(&j, problem);
	if (r->n_decisions > 0)
		put_gates(&j);
	(void)buf_puts(out, "</testsuites>\n");
	arena_free(a);
}
