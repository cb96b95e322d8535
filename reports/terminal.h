/*
 * terminal: what `run` and `gate` print while they work and when they are done (mock/terminal.txt).
 *
 * Two styles. On a terminal: a live line for work under way, failures at once and again in full at
 * the end, one summary line; only failure and drift take colour. Not a terminal: one stable UTC
 * line per event, no cursor movement, a heartbeat every 10 s. Writes to the FILE given, flushes
 * after each event. All foreign text is made visible (text.h). Used by one thread.
 */
#ifndef ASSIZE_REPORTS_TERMINAL_H
#define ASSIZE_REPORTS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/report.h"

struct terminal {
	FILE *out;
	bool is_live; /* a terminal: cursor movement allowed */
	bool has_color;
	bool is_quiet; /* say nothing unless something is not passing */
	size_t width;  /* columns, 80 when unknown */
	/* " -f other.yaml": options that printed commands are to be run with; NULL = none */
	const char *repeated;
	bool has_live_line; /* something to erase */
	size_t n_done, n_planned;
	int64_t last_event_ms; /* wall, for the heartbeat */
	int64_t spin;
};

void terminal_begin(struct terminal *t, const struct run_info *run, size_t n_planned);
/* All series of one check, in definition order, after they were committed. */
void terminal_check(struct terminal *t, const struct result *series, size_t n, int64_t now_ms);
/* Called every 100 ms on a live terminal and every second otherwise; running: names of checks under
 * way. */
void terminal_tick(struct terminal *t, const char *const *running, const int64_t *running_ms,
		   size_t n_running, const char *detail, int64_t now_ms);
/* Failures in full, then the summary line; quiet prints nothing when all passed. */
void terminal_end(struct terminal *t, const struct report *r);
/* OPEN/SHUT/OVERRIDDEN with the reasons and what to do; the only place that says those words. */
void terminal_decision(struct terminal *t, const struct decision *d);

/* Tables: columns aligned by str_width(); used by status, history, rollback list, kinds. */
struct table {
	struct arena *arena;
	size_t n_columns;
	const char *const *headers; /* NULL = no header line */
	const char *right;	    /* one char a column: 'r' right aligned, 'l' left */
	bool hides_empty;	    /* a column without a word in it is left out */
	const char ***rows;
	size_t n_rows, cap_rows;
};
void table_init(struct table *t, struct arena *a, const char *const *headers, size_t n_columns,
		const char *right);
/* n_columns const char *; NULL = empty. Foreign text is made visible. */
void table_row(struct table *t, ...);
void table_print(const struct table *t, FILE *out);

#endif
