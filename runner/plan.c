/*
 * Merging is by text: two checks share a probe when kind family (its probe functions), target,
 * timeout, retries with their pauses, needs and the kind's own merge key are the same. One map from
 * that text to the job does it.
 */
#include "runner/plan.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"

/* NULL = this check is asked alone. */
static const char *merge_text(struct arena *a, const struct check *c)
{
	const char *key;
	struct buf b;
	const char *text;

	if (c->kind->merge_key == NULL)
		return NULL;
	key = c->kind->merge_key(a, c);
	if (key == NULL)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED);
	/* unbounded: cannot fail */
	(void)buf_printf(&b, "%s\x1f%lld\x1f%lld\x1f%s", c->target != NULL ? c->target->name : "",
			 (long long)c->timeout_ms, (long long)c->retries, key);
	if (c->retries > 0)
		(void)buf_printf(&b, "\x1f%lld\x1f%lld", (long long)c->retry_delay_ms,
				 (long long)c->retry_backoff);
	for (size_t i = 0; i < c->n_needs; i++)
		(void)buf_printf(&b, "\x1f%s", c->needs[i]->name);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static bool same_probe(const struct audit_kind *a, const struct audit_kind *b)
{
	return a->probe == b->probe && a->begin == b->begin;
}

static void add_check(struct arena *a, struct job *job, const struct check *c, size_t slot)
{
	size_t n = job->n_checks;

	if ((n & (n - 1)) == 0) { /* full at every power of two */
		size_t cap = n == 0 ? 1 : n * 2;
		const struct check **checks = arena_array(a, cap, sizeof(*checks));
		size_t *slots = arena_array(a, cap, sizeof(*slots));

		if (n > 0) {
			memcpy(checks, job->checks, n * sizeof(*checks));
			memcpy(slots, job->slots, n * sizeof(*slots));
		}
		job->checks = checks;
		job->slots = slots;
	}
	job->checks[n] = c;
	job->slots[n] = slot;
	job->n_checks = n + 1;
}

static struct job *job_for(struct arena *a, struct plan *plan, struct map *merged,
			   const struct check *c)
{
	const char *text = merge_text(a, c);
	struct job *job = text != NULL ? map_get(merged, text) : NULL;

	if (job != NULL && same_probe(job->checks[0]->kind, c->kind))
		return job;
	job = arena_alloc(a, sizeof(*job));
	job->attempt = 1;
	plan->jobs[plan->n_jobs++] = job;
	if (text != NULL)
		(void)map_put(merged, text, job); /* taken by another kind: this job stays alone */
	return job;
}

void plan_make(struct arena *a, const struct check *const *checks, size_t n, struct plan *out)
{
	struct plan plan = {.n_checks = n};
	struct map merged;

	map_init(&merged, a);
	plan.checks = arena_array(a, n, sizeof(*plan.checks));
	plan.jobs = arena_array(a, n, sizeof(struct job *));
	for (size_t i = 0; i < n; i++) {
		const struct check *c = checks[i];

		plan.checks[i] = c;
		add_check(a, job_for(a, &plan, &merged, c), c, i);
		if (c->kind->begin != NULL)
			plan.needs_http = true;
		if (strcmp(c->kind->family, "command") == 0 ||
		    (c->kind->runs_program && c->kind->runs_program(c)))
			plan.needs_proc = true;
	}
	for (size_t i = 0; i < plan.n_jobs; i++)
		if (plan.jobs[i]->checks[0]->kind->begin == NULL)
			plan.n_pool_jobs++;
	*out = plan;
}

struct job *plan_retry(struct arena *a, const struct job *of, const bool *wanted)
{
	struct job *job = arena_alloc(a, sizeof(*job));

	for (size_t i = 0; i < of->n_checks; i++)
		if (wanted[i])
			add_check(a, job, of->checks[i], of->slots[i]);
	job->attempt = of->attempt + 1;
	return job;
}
