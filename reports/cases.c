/*
 * What a case says is decided here once, so that no format tells less than another.
 */
#include "reports/cases.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

/* Reasons of a shut gate that fit into one line; the others are in the details. */
#define MAX_REASONS 3

/* Moves a buffer's text into the arena and releases the buffer. */
static const char *keep(struct arena *a, struct buf *b)
{
	const char *s = arena_strndup(a, b->data, b->len);

	buf_release(b);
	return s;
}

static const char *visible(struct arena *a, const char *s)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_put(&b, s);
	return keep(a, &b);
}

/* A unit separator keeps ("a", "bc") and ("ab", "c") apart. */
static void fingerprint(struct report_case *c, const char *rule, const char *series)
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, rule, strlen(rule));
	sha256_add(&h, "\x1f", 1);
	sha256_add(&h, series, strlen(series));
	sha256_final(&h, digest);
	sha256_hex(digest, c->fingerprint);
}

/* What the outcome and the decision make of the case. */
static void settle(struct report_case *c)
{
	bool is_bad = c->outcome == OUTCOME_FAIL || c->outcome == OUTCOME_UNDECIDED;

	c->is_failure = is_bad && ruling_is_none(&c->ruling);
	c->is_let_through = ruling_lets_through(&c->ruling);
	c->is_aside = c->ruling.aside != NULL;
	c->state = c->ruling.waived != NULL	? "waived"
		   : c->ruling.override != NULL ? "overridden"
						: outcome_name(c->outcome);
}

/* Before what was found: why it does not count, and what it is. */
static void put_ruling(struct buf *out, const struct ruling *x, enum outcome outcome)
{
	struct buf b;

	if (ruling_is_none(x))
		return;
	buf_init(&b, BUF_UNBOUNDED);
	ruling_put(&b, x);
	text_put(out, b.data);
	(void)buf_printf(out, "; %s: ", outcome_name(outcome));
	buf_release(&b);
}

static const char *message_of(struct arena *a, const struct result *s, const struct ruling *x)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	put_ruling(&b, x, s->outcome);
	if (s->value.type == VALUE_NONE) {
		(void)buf_printf(&b,
				 "%s: ", s->outcome == OUTCOME_SKIP ? "skipped" : "no measurement");
		text_put(&b, s->reason != NULL ? s->reason : "no reason recorded");
	} else {
		(void)buf_puts(&b, "measured ");
		text_value(&b, s);
	}
	if (s->bound[0] != '\0') {
		(void)buf_puts(&b, ", bound ");
		text_put(&b, s->bound);
	}
	if (s->value.type != VALUE_NONE && result_has_remark(s)) {
		(void)buf_puts(&b, ": ");
		text_put(&b, s->reason);
	}
	if (s->is_flaky)
		(void)buf_printf(&b, " (flaky: passed at attempt %" PRId64 ")", s->attempts);
	return keep(a, &b);
}

static void put_lines(struct buf *out, const char *label, const char *text)
{
	const char *line;
	size_t n;

	while (text_line(&text, &line, &n)) {
		(void)buf_printf(out, "%s: ", label);
		text_visible(out, line, n);
		(void)buf_putc(out, '\n');
	}
}

static void put_command(struct buf *out, const struct report *r, const char *label,
			const char *command)
{
	struct buf b;

	if (command == NULL)
		return;
	buf_init(&b, BUF_UNBOUNDED);
	text_command(&b, command, r->repeated);
	put_lines(out, label, b.data);
	buf_release(&b);
}

static const char *details_of(struct arena *a, const struct report *r, const struct result *s)
{
	struct buf b;

	if (s->outcome == OUTCOME_PASS && !s->is_flaky)
		return "";
	buf_init(&b, BUF_UNBOUNDED);
	put_lines(&b, "evidence", s->evidence);
	put_lines(&b, "query", s->query);
	put_lines(&b, "why", s->check->why);
	put_command(&b, r, "explain",
		    arena_printf(a, "assize explain %" PRId64 " %s", r->run.id,
				 str_as_word(a, s->check->name)));
	return keep(a, &b);
}

static struct report_case series_case(struct arena *a, const struct report *r,
				      const struct result *s, struct ruling ruling)
{
	const struct check_info *info = s->check;
	bool has_bound = s->bound_line > 0;
	struct report_case c = {
		.kind = CASE_SERIES,
		.outcome = s->outcome,
		.ruling = ruling,
		.group = visible(a, arena_strndup(a, info->name, strcspn(info->name, "/"))),
		.rule = visible(a, info->name),
		.title = info->title != NULL ? visible(a, info->title) : NULL,
		.message = message_of(a, s, &ruling),
		.details = details_of(a, r, s),
		.file = report_place(a, r, info->file),
		.line = has_bound ? s->bound_line : info->line,
		.col = has_bound ? s->bound_col : info->col,
		.start_ms = s->measured_ms,
		.duration_us = s->duration_us > 0 ? s->duration_us : 0,
		.severity = info->severity,
		.result = s,
	};
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	text_series(&b, info->name, s->series);
	c.name = keep(a, &b);
	fingerprint(&c, info->name, s->series);
	settle(&c);
	c.is_noted = result_is_noted(s->outcome, s->bound);
	if (c.is_noted)
		c.state = result_state(s->outcome, s->bound);
	return c;
}

static void put_reason(struct buf *out, const struct decision_line *l)
{
	(void)buf_printf(out, "%s ", l->waived != NULL ? "waived" : outcome_name(l->outcome));
	if (l->check[0] != '\0') {
		text_series(out, l->check, l->series != NULL ? l->series : "");
		(void)buf_puts(out, ": ");
	}
	text_put(out, l->text);
}

static const char *word_of(const struct decision *d)
{
	if (decision_is_overridden(d))
		return "overridden";
	return d->is_open ? "open" : "shut";
}

static void put_override(struct buf *out, const struct override *o)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	override_put(&b, o);
	(void)buf_puts(out, ", ");
	text_put(out, b.data);
	buf_release(&b);
}

static const char *decision_message(struct arena *a, const struct decision *d,
				    const struct ruling *x)
{
	size_t n = 0;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	put_ruling(&b, x, d->outcome);
	(void)buf_puts(&b, "gate ");
	text_put(&b, d->gate);
	(void)buf_printf(&b, " is %s for ", word_of(d));
	text_put(&b, d->subject[0] != '\0' ? d->subject : "no subject");
	if (decision_is_overridden(d))
		put_override(&b, d->override);
	for (size_t i = 0; i < d->n_lines && d->outcome != OUTCOME_PASS; i++) {
		if (!decision_line_shuts(&d->lines[i]) || n++ >= MAX_REASONS)
			continue;
		(void)buf_puts(&b, n == 1 ? ": " : "; ");
		put_reason(&b, &d->lines[i]);
	}
	if (decision_waived(d) > 0)
		(void)buf_printf(&b, "; %zu waived", decision_waived(d));
	if (n > MAX_REASONS)
		(void)buf_printf(&b, " (and %zu more)", n - MAX_REASONS);
	return keep(a, &b);
}

static const char *decision_details(struct arena *a, const struct report *r,
				    const struct decision *d)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (outcome_is_passing(l->outcome))
			continue;
		(void)buf_puts(&b, l->is_hard ? "required: " : "advised: ");
		put_reason(&b, l);
		(void)buf_putc(&b, '\n');
		put_command(&b, r, "to do", l->remedy);
	}
	return keep(a, &b);
}

/* Where the policy says the gate is defined, if it was recorded: false = it does not. */
static bool set_definition(struct arena *a, struct report_case *c, const struct report *r,
			   const struct decision *d)
{
	struct json_value file, line, col;
	struct err ignored = {0};
	struct json_doc *doc;
	bool is_told;

	if (d->policy == NULL || json_parse(d->policy, strlen(d->policy), &doc, &ignored) != 0)
		return false;
	json_read(doc, json_member(json_root(doc), "file"), &file);
	json_read(doc, json_member(json_root(doc), "line"), &line);
	json_read(doc, json_member(json_root(doc), "col"), &col);
	is_told = file.type == JSON_IS_TEXT && file.text[0] != '\0' && line.type == JSON_IS_INT &&
		  line.integer > 0;
	if (is_told) {
		c->file = report_place(a, r, arena_strdup(a, file.text));
		c->line = line.integer;
		c->col = col.type == JSON_IS_INT ? col.integer : 0;
	}
	json_free(doc);
	return is_told;
}

/* The line of the first reason; without one the gate's, or the definition the run was made with. */
static void set_position(struct arena *a, struct report_case *c, const struct report *r,
			 const struct decision *d)
{
	for (size_t i = 0; d != NULL && i < d->n_lines; i++) {
		const struct decision_line *l = &d->lines[i];

		if (!decision_line_shuts(l) || l->file == NULL || l->file[0] == '\0' ||
		    l->line <= 0)
			continue;
		c->file = report_place(a, r, l->file);
		c->line = l->line;
		c->col = l->col;
		return;
	}
	if (d != NULL && set_definition(a, c, r, d))
		return;
	c->file = report_place(a, r, r->run.definition_file);
	c->line = 1;
}

static struct report_case gate_case(struct arena *a, const struct report *r,
				    const struct decision *d, struct ruling ruling)
{
	struct report_case c = {
		.kind = CASE_GATE,
		.ruling = ruling,
		.outcome = decision_is_overridden(d) ? OUTCOME_WARN : d->outcome,
		.group = "gates",
		.message = decision_message(a, d, &ruling),
		.details = decision_details(a, r, d),
		.start_ms = d->at_ms,
		.severity = 10,
		.decision = d,
	};

	c.rule = c.name = arena_printf(a, "gates/%s", visible(a, d->gate));
	set_position(a, &c, r, d);
	fingerprint(&c, "gates", d->gate);
	if (!d->is_open && outcome_is_passing(c.outcome))
		c.outcome = OUTCOME_UNDECIDED; /* a record that contradicts itself opens nothing */
	settle(&c);
	c.is_let_through = decision_is_overridden(d) || c.is_let_through;
	if (decision_waived(d) > 0 || decision_is_overridden(d))
		c.state = d->is_open ? decision_state(d) : c.state;
	return c;
}

static const char *problem_message(struct arena *a, const char *problem, const struct ruling *x)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	put_ruling(&b, x, OUTCOME_UNDECIDED);
	text_put(&b, problem);
	return keep(a, &b);
}

static struct report_case run_case(struct arena *a, const struct report *r, const char *problem,
				   struct ruling ruling)
{
	struct report_case c = {
		.kind = CASE_RUN,
		.ruling = ruling,
		.outcome = OUTCOME_UNDECIDED,
		.group = "run",
		.rule = "run/complete",
		.name = "run/complete",
		.message = problem_message(a, problem, &ruling),
		.details = "",
		.start_ms = r->run.begin_ms,
		.severity = 10,
	};

	set_position(a, &c, r, NULL);
	fingerprint(&c, "run", "complete");
	settle(&c);
	return c;
}

struct report_case *report_cases(struct arena *a, const struct report *r, size_t *n)
{
	struct report_case *cases =
		arena_array(a, r->n_results + r->n_decisions + 1, sizeof(*cases));
	const char *problem = report_problem(a, r);
	struct ruling_index rulings;
	size_t k = 0;

	ruling_index_init(&rulings, a, r);
	if (problem != NULL)
		cases[k++] = run_case(a, r, problem, ruling_of_run(&rulings));
	for (size_t i = 0; i < r->n_decisions; i++)
		if (!decision_is_superseded(r, &r->decisions[i]))
			cases[k++] = gate_case(a, r, &r->decisions[i],
					       ruling_of_decision(&rulings, &r->decisions[i]));
	for (size_t i = 0; i < r->n_results; i++)
		cases[k++] = series_case(a, r, &r->results[i],
					 ruling_of_series(&rulings, &r->results[i]));
	*n = k;
	return cases;
}

/*
 * What the run and the gates have to say comes before any series, unless it is that all is well, or
 * nothing that counts: an overridden gate passes, and nothing is well.
 */
static int group_rank(const struct report_case *c)
{
	return c->kind == CASE_SERIES || c->is_aside ||
	       (outcome_is_passing(c->outcome) && !c->is_let_through);
}

static int case_rank(const struct report_case *c)
{
	return outcome_rank(c->is_aside			      ? OUTCOME_SKIP
			    : ruling_lets_through(&c->ruling) ? OUTCOME_WARN
							      : c->outcome);
}

static int compare_ranks(const void *left, const void *right)
{
	const struct report_case *x = *(struct report_case *const *)left;
	const struct report_case *y = *(struct report_case *const *)right;

	if (group_rank(x) != group_rank(y))
		return group_rank(x) - group_rank(y);
	if (case_rank(x) != case_rank(y))
		return case_rank(y) - case_rank(x);
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	return x < y ? -1 : x > y; /* one array: the order they have in it */
}

struct report_case **report_cases_ranked(struct arena *a, struct report_case *cases, size_t n)
{
	struct report_case **ranked = arena_array(a, n, sizeof(struct report_case *));

	for (size_t i = 0; i < n; i++)
		ranked[i] = &cases[i];
	qsort(ranked, n, sizeof(struct report_case *), compare_ranks);
	return ranked;
}

bool case_is_skipped(const struct report_case *c)
{
	return c->outcome == OUTCOME_SKIP || c->is_aside || c->is_noted;
}

const char *case_word(const struct report_case *c)
{
	return c->outcome == OUTCOME_FAIL && c->is_failure ? outcome_word(c->outcome) : c->state;
}

static void put_tally(struct buf *out, const struct tally *n)
{
	const struct {
		size_t n;
		const char *word;
	} parts[] = {
		{n->n_fail, "fail"}, {n->n_undecided, "undecided"},
		{n->n_skip, "skip"}, {n->n_warn, "warn"},
		{n->n_pass, "pass"}, {n->n_missing, "without a result"},
	};
	const char *separator = ": ";

	text_count(out, (int64_t)n->n_checks, "check");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].n == 0)
			continue;
		(void)buf_printf(out, "%s%zu %s", separator, parts[i].n, parts[i].word);
		separator = ", ";
	}
}

const char *report_verdict(struct arena *a, const struct report *r)
{
	const struct decision *d = report_decision(r);
	const char *problem = report_problem(a, r);
	size_t n_views;
	struct check_view *views = check_views(a, r->results, r->n_results, &n_views);
	struct tally n = tally(views, n_views, r->run.n_planned);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	if (d != NULL) {
		(void)buf_puts(&b, "gate ");
		text_put(&b, d->gate);
		(void)buf_printf(&b, " is %s for ", word_of(d));
		text_put(&b, d->subject[0] != '\0' ? d->subject : "no subject");
		(void)buf_puts(&b, "; ");
	}
	(void)buf_printf(&b, "run %" PRId64 ": %s, ", r->run.id,
			 problem != NULL && outcome_is_passing(r->run.outcome)
				 ? "undecided"
				 : outcome_name(r->run.outcome));
	put_tally(&b, &n);
	if (problem != NULL) {
		(void)buf_puts(&b, "; ");
		text_put(&b, problem);
	}
	return keep(a, &b);
}
