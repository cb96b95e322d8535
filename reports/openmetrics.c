/*
 * A file for the textfile collector of node_exporter, and for anything else that scrapes.
 *
 * The collector reads the Prometheus text format, others OpenMetrics 1.0. This is what both take:
 * gauges only (the types info and stateset exist in one of them), each family in one piece, no
 * timestamps, help without quotes, "# EOF" at the end (a comment to the older format).
 *
 * Nothing measured is a sample that is not there, never 0. An outcome is one gauge a state, of
 * which exactly one is 1: with a number for each outcome somebody would sooner or later compare
 * them. A series nothing is expected of has a value and no outcome. assize_run_passing is 1 only
 * where the exit status is 0; watch its age (assize_run_end_timestamp_seconds) too, for a file that
 * is not written any more stays as it is.
 *
 * A scheduled run measures what is due, and its file replaces the one before: the gauges of checks
 * and series are therefore of the whole definition, those of the run first, of the others the
 * newest there are, each with the moment it was measured. assize_checks_passing is about all, and
 * is not there in a report of one run alone, which does not know. Of a check the run measured as
 * well, what does not pass any more stands in the place of what did.
 *
 * Cardinality is bounded: names of checks and series are labels, what was found never is; of one
 * check and of all of them only so many series are written, those that do not pass first, and
 * assize_run_series_left_out tells how many are not there.
 */
#include "reports/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/text.h"
#include "reports/view.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/digest.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

#define MAX_OF_CHECK 100
#define MAX_SERIES   10000
#define MAX_LABEL    200 /* bytes as they are recorded */

static const enum outcome outcomes[] = {OUTCOME_PASS, OUTCOME_WARN, OUTCOME_FAIL, OUTCOME_UNDECIDED,
					OUTCOME_SKIP};
#define N_OUTCOMES (sizeof(outcomes) / sizeof(outcomes[0]))

struct metrics {
	struct buf *out;
	struct arena *a;
	const struct report *r;
	struct result *results; /* the run's, then the others */
	size_t n_results;
	struct check_view *views;
	size_t n_views;
	const struct result **series; /* those that are written, definition order */
	size_t n_series, n_left_out;
};

static void join_results(struct metrics *m)
{
	const struct report *r = m->r;

	struct map is_other;

	map_init(&is_other, m->a);
	for (size_t i = 0; i < r->n_others; i++)
		(void)map_put(&is_other, r->others[i].check->name, &r->others[i]); /* once */
	m->results = arena_array(m->a, r->n_results + r->n_others, sizeof(*m->results));
	for (size_t i = 0; i < r->n_results; i++)
		if (map_get(&is_other, r->results[i].check->name) == NULL)
			m->results[m->n_results++] = r->results[i];
	for (size_t i = 0; i < r->n_others; i++)
		m->results[m->n_results++] = r->others[i];
}

static int compare(const void *left, const void *right)
{
	const struct result *x = *(const struct result *const *)left;
	const struct result *y = *(const struct result *const *)right;

	if (x->outcome != y->outcome)
		return outcome_rank(y->outcome) - outcome_rank(x->outcome);
	return x < y ? -1 : x > y; /* one array: definition order */
}

static int compare_places(const void *left, const void *right)
{
	const struct result *x = *(const struct result *const *)left;
	const struct result *y = *(const struct result *const *)right;

	return x < y ? -1 : x > y;
}

static void choose(struct metrics *m)
{
	size_t n = 0;

	m->series = arena_array(m->a, m->n_results, sizeof(const struct result *));
	for (size_t i = 0; i < m->n_views; i++) {
		const struct check_view *v = &m->views[i];
		const struct result **first = &m->series[n];

		for (size_t k = 0; k < v->n; k++)
			first[k] = &v->series[k];
		qsort(first, v->n, sizeof(const struct result *), compare);
		n += v->n < MAX_OF_CHECK ? v->n : MAX_OF_CHECK;
	}
	qsort(m->series, n, sizeof(const struct result *), compare);
	m->n_series = n < MAX_SERIES ? n : MAX_SERIES;
	m->n_left_out = m->n_results - m->n_series;
	qsort(m->series, m->n_series, sizeof(const struct result *), compare_places);
}

/* Two names that differ stay different: what cannot stand there is escaped, backslashes too. */
static void put_escaped(struct buf *out, const char *s, size_t n)
{
	struct buf visible;

	buf_init(&visible, BUF_UNBOUNDED);
	str_escape(&visible, s, n);
	for (size_t i = 0; i < visible.len; i++) {
		if (visible.data[i] == '\\' || visible.data[i] == '"')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, visible.data[i]);
	}
	buf_release(&visible);
}

/* A long one is cut, and a digest of all of it keeps it apart from others that begin so. */
static void put_label(struct buf *out, const char *name, const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	(void)buf_printf(out, "%s=\"", name);
	if (n <= MAX_LABEL) {
		put_escaped(out, s != NULL ? s : "", n);
	} else {
		sha256_of(s, n, digest);
		sha256_hex(digest, hex);
		put_escaped(out, s, utf8_fit(s, n, MAX_LABEL));
		(void)buf_printf(out, "... %.16s", hex);
	}
	(void)buf_putc(out, '"');
}

static void put_family(struct metrics *m, const char *name, const char *help)
{
	(void)buf_printf(m->out, "# HELP assize_%s %s\n# TYPE assize_%s gauge\n", name, help, name);
}

static void put_number(struct metrics *m, double v)
{
	char text[NUM_REAL_MAX];

	num_format_real(v, text);
	(void)buf_printf(m->out, " %s\n", text);
}

static void put_count(struct metrics *m, const char *name, const char *help, int64_t n)
{
	put_family(m, name, help);
	(void)buf_printf(m->out, "assize_%s %" PRId64 "\n", name, n);
}

/* Milliseconds of the record as seconds. -1 = there is none. */
static void put_seconds(struct metrics *m, int64_t ms)
{
	(void)buf_printf(m->out, " %" PRId64 ".%03" PRId64 "\n", ms / 1000, ms % 1000);
}

static void put_time(struct metrics *m, const char *name, const char *help, int64_t ms)
{
	if (ms < 0)
		return;
	put_family(m, name, help);
	(void)buf_printf(m->out, "assize_%s", name);
	put_seconds(m, ms);
}

static void put_states(struct metrics *m, const char *name, const char *labels, enum outcome o)
{
	for (size_t i = 0; i < N_OUTCOMES; i++)
		(void)buf_printf(m->out, "assize_%s{%s%soutcome=\"%s\"} %d\n", name, labels,
				 labels[0] != '\0' ? "," : "", outcome_name(outcomes[i]),
				 outcomes[i] == o);
}

static void put_run_info(struct metrics *m)
{
	const struct run_info *run = &m->r->run;

	put_family(m, "run_info", "What the newest run was about.");
	(void)buf_puts(m->out, "assize_run_info{");
	put_label(m->out, "command", run->command);
	(void)buf_putc(m->out, ',');
	put_label(m->out, "selection", run->selection);
	(void)buf_putc(m->out, ',');
	put_label(m->out, "subject", run->subject);
	(void)buf_putc(m->out, ',');
	put_label(m->out, "definition", run->definition_file);
	(void)buf_putc(m->out, ',');
	put_label(m->out, "version", run->version);
	(void)buf_puts(m->out, "} 1\n");
}

static void put_run(struct metrics *m)
{
	const struct run_info *run = &m->r->run;
	size_t n_views;
	struct check_view *views = check_views(m->a, m->r->results, m->r->n_results, &n_views);
	const struct tally n = tally(views, n_views, run->n_planned);
	bool is_passing = report_problem(m->a, m->r) == NULL && run->exit_status == 0;
	enum outcome outcome =
		!is_passing && outcome_is_passing(run->outcome) ? OUTCOME_UNDECIDED : run->outcome;
	const struct {
		const char *word;
		size_t n;
	} checks[] = {{"pass", n.n_pass}, {"warn", n.n_warn},	    {"fail", n.n_fail},
		      {"skip", n.n_skip}, {"missing", n.n_missing}, {"undecided", n.n_undecided}};

	put_count(m, "run_passing", "1 when the run passed as a whole, else 0.", is_passing);
	put_family(m, "run_outcome", "The outcome of the run: one state is 1.");
	put_states(m, "run_outcome", "", outcome);
	put_count(m, "run_exit_status", "Exit status of the run.", run->exit_status);
	put_count(m, "run_number", "Number of the run in its record.", run->id);
	put_time(m, "run_begin_timestamp_seconds", "When the run began.", run->begin_ms);
	put_time(m, "run_end_timestamp_seconds", "When the run ended; absent without an end.",
		 run->end_ms);
	put_family(m, "run_checks", "Checks of the run by outcome; missing were planned only.");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		(void)buf_printf(m->out, "assize_run_checks{outcome=\"%s\"} %zu\n", checks[i].word,
				 checks[i].n);
	put_count(m, "run_series_left_out", "Series that are not in this file, for its size.",
		  (int64_t)m->n_left_out);
	put_run_info(m);
}

/* The newest decision of each gate: the subject is not part of a gate's identity here. */
static const struct decision **newest_decisions(struct metrics *m, size_t *n_out)
{
	const struct report *r = m->r;
	const struct decision **newest =
		arena_array(m->a, r->n_decisions, sizeof(const struct decision *));
	size_t n = 0;

	for (size_t i = 0; i < r->n_decisions; i++) {
		const struct decision *d = &r->decisions[i];
		bool is_newest = true;

		for (size_t k = 0; k < r->n_decisions && is_newest; k++)
			is_newest = r->decisions[k].id <= d->id ||
				    strcmp(r->decisions[k].gate, d->gate) != 0;
		if (is_newest)
			newest[n++] = d;
	}
	*n_out = n;
	return newest;
}

static void put_gate(struct metrics *m, const char *name, const struct decision *d)
{
	(void)buf_printf(m->out, "assize_gate_%s{", name);
	put_label(m->out, "gate", d->gate);
}

static void put_gates(struct metrics *m)
{
	size_t n;
	const struct decision **newest = newest_decisions(m, &n);

	put_family(m, "gate_open", "1 when the gate is open, else 0.");
	for (size_t i = 0; i < n; i++) {
		put_gate(m, "open", newest[i]);
		(void)buf_printf(m->out, "} %d\n", newest[i]->is_open);
	}
	put_family(m, "gate_waived", "Requirements that are not met, and waived.");
	for (size_t i = 0; i < n; i++) {
		put_gate(m, "waived", newest[i]);
		(void)buf_printf(m->out, "} %zu\n", decision_waived(newest[i]));
	}
	put_family(m, "gate_overridden", "1 when an override opened the gate, else 0.");
	for (size_t i = 0; i < n; i++) {
		put_gate(m, "overridden", newest[i]);
		(void)buf_printf(m->out, "} %d\n", decision_is_overridden(newest[i]));
	}
	put_family(m, "gate_decision_timestamp_seconds", "When the gate was decided.");
	for (size_t i = 0; i < n; i++) {
		put_gate(m, "decision_timestamp_seconds", newest[i]);
		(void)buf_putc(m->out, '}');
		put_seconds(m, newest[i]->at_ms);
	}
	put_family(m, "gate_oldest_evidence_timestamp_seconds",
		   "When the oldest evidence of the decision was measured; absent without any.");
	for (size_t i = 0; i < n; i++) {
		if (newest[i]->oldest_ms < 0)
			continue;
		put_gate(m, "oldest_evidence_timestamp_seconds", newest[i]);
		(void)buf_putc(m->out, '}');
		put_seconds(m, newest[i]->oldest_ms);
	}
	put_family(m, "gate_info", "What the gate was asked about.");
	for (size_t i = 0; i < n; i++) {
		put_gate(m, "info", newest[i]);
		(void)buf_putc(m->out, ',');
		put_label(m->out, "subject", newest[i]->subject);
		(void)buf_puts(m->out, "} 1\n");
	}
}

static void put_checks(struct metrics *m)
{
	bool is_passing = report_problem(m->a, m->r) == NULL;

	for (size_t i = 0; i < m->n_views; i++)
		is_passing = is_passing && outcome_is_passing(m->views[i].outcome);
	if (m->r->has_others)
		put_count(m, "checks_passing",
			  "1 when every check passed when it was last measured, else 0.",
			  is_passing);
	put_family(m, "check_outcome", "The outcome of a check: one state is 1.");
	for (size_t i = 0; i < m->n_views; i++) {
		struct buf labels;

		buf_init(&labels, BUF_UNBOUNDED);
		put_label(&labels, "check", m->views[i].info->name);
		put_states(m, "check_outcome", labels.data, m->views[i].outcome);
		buf_release(&labels);
	}
	put_family(m, "check_info", "What a check is, and who looks after it.");
	for (size_t i = 0; i < m->n_views; i++) {
		const struct check_info *c = m->views[i].info;

		(void)buf_puts(m->out, "assize_check_info{");
		put_label(m->out, "check", c->name);
		(void)buf_putc(m->out, ',');
		put_label(m->out, "kind", c->kind);
		(void)buf_putc(m->out, ',');
		put_label(m->out, "owner", c->owner);
		(void)buf_printf(m->out, ",severity=\"%" PRId64 "\"} 1\n", c->severity);
	}
}

static const char *unit_word(const struct result *s)
{
	if (result_is_share(s) || strcmp(s->unit, "%") == 0)
		return "ratio";
	if (strcmp(s->unit, "s") == 0)
		return "seconds";
	return strcmp(s->unit, "B") == 0 ? "bytes" : s->unit;
}

static void put_sample(struct metrics *m, const char *name, const struct result *s, bool has_unit)
{
	(void)buf_printf(m->out, "assize_%s{", name);
	put_label(m->out, "check", s->check->name);
	(void)buf_putc(m->out, ',');
	put_label(m->out, "series", s->series);
	if (has_unit) {
		(void)buf_putc(m->out, ',');
		put_label(m->out, "unit", unit_word(s));
	}
	(void)buf_putc(m->out, '}');
}

static bool value_of(const struct result *s, double *v)
{
	return result_number(s, v) && isfinite(*v);
}

static bool limit_of(const struct result *s, double *v)
{
	*v = s->limit;
	return s->has_limit && isfinite(s->limit);
}

static bool room_of(const struct result *s, double *v)
{
	*v = s->room;
	return isfinite(s->room);
}

static bool duration_of(const struct result *s, double *v)
{
	*v = (double)s->duration_us / 1e6;
	return s->outcome != OUTCOME_SKIP && s->measured_ms >= 0;
}

static bool measured_of(const struct result *s, double *v)
{
	*v = (double)s->measured_ms / 1e3;
	return s->outcome != OUTCOME_SKIP && s->measured_ms >= 0;
}

static const struct {
	const char *name, *help;
	bool (*of)(const struct result *s, double *v); /* false: there is none */
	bool has_unit;
} numbers[] = {
	{"series_value", "What was measured and judged, in the unit named.", value_of, true},
	{"series_limit", "The bound, in the same unit.", limit_of, true},
	{"series_room_ratio", "Share of the allowed room that is used; 1 is at the bound.", room_of,
	 false},
	{"series_duration_seconds", "How long measuring took.", duration_of, false},
	{"series_measured_timestamp_seconds", "When it was measured.", measured_of, false},
};

static void put_series(struct metrics *m)
{
	put_family(m, "series_outcome",
		   "The outcome of a series: one state is 1; absent where nothing is expected.");
	for (size_t i = 0; i < m->n_series; i++) {
		struct buf labels;

		if (result_is_noted(m->series[i]->outcome, m->series[i]->bound))
			continue;
		buf_init(&labels, BUF_UNBOUNDED);
		put_label(&labels, "check", m->series[i]->check->name);
		(void)buf_putc(&labels, ',');
		put_label(&labels, "series", m->series[i]->series);
		put_states(m, "series_outcome", labels.data, m->series[i]->outcome);
		buf_release(&labels);
	}
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
		put_family(m, numbers[k].name, numbers[k].help);
		for (size_t i = 0; i < m->n_series; i++) {
			double v;

			if (!numbers[k].of(m->series[i], &v))
				continue;
			put_sample(m, numbers[k].name, m->series[i], numbers[k].has_unit);
			put_number(m, v);
		}
	}
}

void report_openmetrics(struct buf *out, const struct report *r)
{
	struct metrics m = {.out = out, .a = arena_new(), .r = r};

	join_results(&m);
	m.views = check_views(m.a, m.results, m.n_results, &m.n_views);
	choose(&m);
	put_run(&m);
	if (r->n_decisions > 0)
		put_gates(&m);
	if (m.n_views > 0)
		put_checks(&m);
	if (m.n_series > 0)
		put_series(&m);
	(void)buf_puts(out, "# EOF\n");
	arena_free(m.a);
}
