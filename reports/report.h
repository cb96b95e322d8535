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

#include "runner/history/record.h"
#include "runner/model/result.h"

struct arena;
struct buf;
struct err;

struct report {
	struct run_info run;
	struct result *results; /* definition order */
	size_t n_results;
	struct point **trails; /* trails[i]: past of results[i] up to and including this run */
	size_t *n_trails;
	bool has_previous;
	struct run_info previous;
	struct result *previous_results;
	size_t n_previous_results;
	struct restoration *restorations;
	size_t n_restorations;
	struct decision *decisions; /* made on this run */
	size_t n_decisions;
	const char *record_path;
};

/* trail_points: how much history to read a series (0 for formats that show none). */
int report_load(struct record *r, struct arena *a, int64_t run_id, size_t trail_points,
		struct report *out, struct err *e);

enum junit_profile { JUNIT_JENKINS, JUNIT_GITLAB };

void report_json(struct buf *out, const struct report *r);
void report_junit(struct buf *out, const struct report *r, enum junit_profile profile);
void report_html(struct buf *out, const struct report *r);

#endif
