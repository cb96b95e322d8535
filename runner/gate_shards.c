/* Each run is asked about once, and each whole is looked up once, however many of its parts count.
 */
#include "runner/gate_shards.h"

#include <stdlib.h>
#include <string.h>

#include "gates/gate.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"

/* Runs the gate rests on. */
struct runs {
	int64_t *ids;
	size_t n;
};

static size_t count_pasts(const struct gate_input *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_budgets; i++)
		n += in->budgets[i].past.n;
	for (size_t i = 0; i < in->n_baselines; i++)
		n += in->baselines[i].past.n;
	return n;
}

static void add_pasts(struct runs *r, const struct gate_pasts *pasts)
{
	for (size_t i = 0; i < pasts->n; i++)
		if (pasts->items[i].n > 0)
			r->ids[r->n++] = pasts->items[i].results[0].run_id;
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Ascending, each once. */
static struct runs runs_of(struct arena *a, const struct gate_input *in)
{
	size_t most = in->n_items + in->n_restorations + count_pasts(in), kept = 0;
	struct runs r = {.ids = arena_array(a, most, sizeof(*r.ids))};

	for (size_t i = 0; i < in->n_items; i++)
		if (in->items[i].n_evidence > 0)
			r.ids[r.n++] = in->items[i].evidence[0].run_id;
	for (size_t i = 0; i < in->n_budgets; i++)
		add_pasts(&r, &in->budgets[i].past);
	for (size_t i = 0; i < in->n_baselines; i++)
		add_pasts(&r, &in->baselines[i].past);
	for (size_t i = 0; i < in->n_restorations; i++)
		r.ids[r.n++] = in->restorations[i].run_id;
	if (r.n > 1)
		qsort(r.ids, r.n, sizeof(*r.ids), compare_ids);
	for (size_t i = 0; i < r.n; i++)
		if (kept == 0 || r.ids[kept - 1] != r.ids[i])
			r.ids[kept++] = r.ids[i];
	r.n = kept;
	return r;
}

/* The whole a run belongs to among those that are known already; NULL = none of them. */
static struct gate_shards *known(struct gate_shards *items, size_t n, const unsigned char *manifest)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(items[i].set.manifest, manifest, sizeof(items[i].set.manifest)) == 0)
			return &items[i];
	return NULL;
}

static void add_run(struct arena *a, struct gate_shards *s, int64_t run_id)
{
	int64_t *runs = arena_array(a, s->n_runs + 1, sizeof(*runs));

	if (s->n_runs > 0)
		memcpy(runs, s->runs, s->n_runs * sizeof(*runs));
	runs[s->n_runs++] = run_id;
	s->runs = runs;
}

int gate_shards_find(struct record *record, struct arena *a, struct gate_input *in, struct err *e)
{
	struct runs runs = runs_of(a, in);
	struct gate_shards *items = arena_array(a, runs.n, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < runs.n; i++) {
		struct gate_shards *s;
		struct run_shard shard;

		if (record_run_shard(record, runs.ids[i], &shard, e) != 0)
			return -1;
		if (shard.index == 0)
			continue;
		s = known(items, n, shard.manifest);
		if (s == NULL) {
			s = &items[n++];
			if (record_shard_set(record, a, runs.ids[i], in->before_seq, &s->set, e) !=
			    0)
				return -1;
		}
		add_run(a, s, runs.ids[i]);
	}
	in->shards = items;
	in->n_shards = n;
	return 0;
}
