/*
 * report: render a run from the record alone; the same record gives the same bytes.
 *
 * report_load() reads everything a page needs into an arena; each emitter is a pure function of it.
 * Foreign text (check names, evidence) is escaped by every emitter for its own format. Emitters
 * append to a buffer made with BUF_UNBOUNDED: the input is already bounded by the record.
 */
#ifndef ASSIZE_REPORTS_REPORT_H
#define ASSIZE_REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/ledger.h"
#include "runner/history/record.h"
#include "runner/model/result.h"

struct arena;
struct buf;
struct err;

/* The repetitions of a series in the runs before, oldest first. */
struct earlier_samples {
	struct sample_run *runs;
	size_t n;
	bool is_elsewhere; /* there were none on the run's host, these are of others */
};

struct report {
	struct run_info run;
	struct result *results; /* definition order */
	size_t n_results;
	/*
	 * The newest of the definition's other checks, and of those of the run that do not pass any
	 * more: for formats that tell how all stands.
	 */
	struct result *others;
	size_t n_others;
	bool has_others; /* it was looked for them: results and others are all there is to know */
	struct point **trails; /* trails[i]: past of results[i] up to and including this run */
	size_t *n_trails;
	struct earlier_samples
		*before; /* before[i] of results[i], which has its own; NULL = none */
	bool has_previous;
	struct run_info previous;
	struct result *previous_results;
	size_t n_previous_results;
	struct restoration *restorations;
	size_t n_restorations;
	struct decision *decisions; /* made on this run */
	size_t n_decisions;
	struct ledger_reach reach; /* as the run left it */
	const char *record_path;
	/* " -f other.yaml": options that commands to be pasted are to be run with; NULL = none */
	const char *repeated;
	const char *file_prefix; /* in front of relative files, for CI systems; NULL = "" */
};

/*
 * trail_points: how much history to read a series (0 for formats that show none). record_path,
 * repeated and file_prefix are NULL afterwards: the caller, who knows where it stands, sets them.
 */
int report_load(struct record *r, struct arena *a, int64_t run_id, size_t trail_points,
		struct report *out, struct err *e);

/* Those of the same definition as the result's, which is of the run. */
int report_load_before(struct record *r, struct arena *a, int64_t run_id, const struct result *s,
		       struct earlier_samples *out, struct err *e);

enum junit_profile { JUNIT_JENKINS, JUNIT_GITLAB };

/*
 * "assize": "run/1". Members are only ever added. All times are RFC 3339 UTC with milliseconds, or
 * null; numbers are in base units (a share is a ratio, time seconds, size bytes); null = does not
 * apply or unknown, never 0.
 *
 *   assize  "run/1"
 *   exit    exit status of the command: of the last decision if there is one, else of the run
 *   run     id, state (complete | incomplete | interrupted), outcome, command, subject, selection,
 *           begin, end, definition {file, sha256, commit, is_dirty}, host, user, version, job_url,
 *           checks {planned, pass, warn, fail, undecided, skip, missing}
 *   ledger  records (when the run ended), anchored (of them, those that were vouched for
 *           elsewhere), anchored_at, place; the last two null = none were
 *   checks  in definition order: name, outcome, kind, title, why, owner, target, severity, tags [],
 *           file, line, column, definition_sha256, series []:
 *             series, outcome, value (integer | real | text | null), unit, shown (for people),
 *             bound, limit, room (1 = at the bound), reason, line, column (of the bound), n,
 *             n_total, share, evidence [], query, measured, duration_us, attempts, is_flaky
 *   restorations  set, tag, outcome, commit, tree, objects, files, bytes, restore_us,
 *           steps [] {name, outcome, duration_us, finding, remedy}
 *   decisions  id, gate, subject, decision (open | shut), outcome (of a result, waived, or
 *           overridden), blocked_outcome (what it was overridden as, or null), waived (how many
 *           requirements), override {id, actor, reason, at, until, host, user} or null, at,
 *           oldest_evidence, run, definition_sha256,
 *           lines [] {check, series, outcome (of a result, or waived), measured_outcome (what it
 *           was waived as), is_required, text, remedy, file, line, column, run, measured,
 *           waiver {id, owner, reason, ticket, granted, expires} or null}
 */
void report_json(struct buf *out, const struct report *r);

/* The same of no run, null, where nothing was due; without a ledger. */
void report_none_json(struct buf *out);

/* "assize": "decision/1", exit, and the members of a decision above: for a gate that ran nothing.
 */
void report_decision_json(struct buf *out, const struct decision *d);

void report_junit(struct buf *out, const struct report *r, enum junit_profile profile);
/* TAP 13, one test a case (cases.h). */
void report_tap(struct buf *out, const struct report *r);
/* CTRF 0.0, one test a case; what is undecided counts as failed. */
void report_ctrf(struct buf *out, const struct report *r);
/* SARIF 2.1.0: everything that does not simply pass, at the line that judged it. */
void report_sarif(struct buf *out, const struct report *r);
/* The same for GitLab's code quality widget. */
void report_codequality(struct buf *out, const struct report *r);
/* Workflow commands: annotations of a step of GitHub Actions, at most ten of a level. */
void report_github(struct buf *out, const struct report *r);
/*
 * Gauges that OpenMetrics and the Prometheus text format both take, for a textfile collector: of
 * the run, and of all checks where others were looked for.
 */
void report_openmetrics(struct buf *out, const struct report *r);
/* A summary in GitHub Flavored Markdown, below 900 KiB: the verdict first. */
void report_markdown(struct buf *out, const struct report *r);
void report_markdown_verdict(struct buf *out, const struct report *r); /* its beginning alone */
void report_html(struct buf *out, const struct report *r);

#endif
