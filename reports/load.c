/*
 * Everything a page needs, read at once: after this nothing touches the record, so that a page is a
 * function of what is here. Points and runs newer than the run are left out: a page rendered today
 * and the same page rendered in a year are the same bytes.
 */
#include "reports/report.h"

#include "runner/base/arena.h"

static int load_trails(struct record *r, struct arena *a, size_t trail_points, struct report *out,
		       struct err *e)
{
	out->trails = arena_array(a, out->n_results, sizeof(*out->trails));
	out->n_trails = arena_array(a, out->n_results, sizeof(*out->n_trails));
	return record_trails(r, a, out->run.id, out->results, out->n_results, trail_points,
			     out->trails, out->n_trails, e);
}

/* Runs whose repetitions stand beside this one's. */
#define MAX_BEFORE 40

int report_load_before(struct record *r, struct arena *a, int64_t run_id, const struct result *s,
		       struct earlier_samples *out, struct err *e)
{
	struct sample_query query = {.check = s->check->name,
				     .series = s->series,
				     .hash = s->check->hash,
				     .before_run_id = run_id,
				     .limit = MAX_BEFORE};

	out->is_elsewhere = false;
	if (record_sample_runs(r, a, &query, &out->runs, &out->n, e) != 0)
		return -1;
	if (out->n > 0)
		return 0;
	query.is_any_host = out->is_elsewhere = true;
	return record_sample_runs(r, a, &query, &out->runs, &out->n, e);
}

static int load_samples(struct record *r, struct arena *a, struct report *out, struct err *e)
{
	if (record_run_samples(r, a, out->run.id, out->results, out->n_results, e) != 0)
		return -1;
	out->before = arena_array(a, out->n_results, sizeof(*out->before));
	for (size_t i = 0; i < out->n_results; i++)
		if (out->results[i].n_samples > 0 &&
		    report_load_before(r, a, out->run.id, &out->results[i], &out->before[i], e) !=
			    0)
			return -1;
	return 0;
}

static int load_previous(struct record *r, struct arena *a, struct report *out, struct err *e)
{
	int found = record_previous_run(r, a, &out->run, &out->previous, e);

	if (found != 0)
		return found < 0 ? -1 : 0;
	out->has_previous = true;
	return record_run_results(r, a, out->previous.id, &out->previous_results,
				  &out->n_previous_results, e);
}

int report_load(struct record *r, struct arena *a, int64_t run_id, size_t trail_points,
		struct report *out, struct err *e)
{
	struct report loaded = {0};

	if (record_run(r, a, run_id, &loaded.run, e) != 0 ||
	    record_run_results(r, a, run_id, &loaded.results, &loaded.n_results, e) != 0 ||
	    record_run_restorations(r, a, run_id, &loaded.restorations, &loaded.n_restorations,
				    e) != 0 ||
	    record_run_decisions(r, a, run_id, &loaded.decisions, &loaded.n_decisions, e) != 0 ||
	    load_previous(r, a, &loaded, e) != 0 ||
	    ledger_reach(r, a, run_id, &loaded.reach, e) != 0)
		return -1;
	if (trail_points > 0 && (load_trails(r, a, trail_points, &loaded, e) != 0 ||
				 load_samples(r, a, &loaded, e) != 0))
		return -1;
	*out = loaded;
	return 0;
}
