#include "runner/model/progress.h"

#include <inttypes.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"

#define PACE_MS 3000 /* before that a pace means little */

void progress_begin(struct progress *p, const char *what, int64_t now_ms)
{
	atomic_store(&p->done, 0);
	atomic_store(&p->total, 0);
	atomic_store(&p->bytes, 0);
	atomic_store(&p->total_bytes, 0);
	atomic_store(&p->since_ms, now_ms);
	atomic_store(&p->what, what);
}

/* -1 = cannot be told. */
static int64_t left_ms(int64_t done, int64_t total, int64_t spent_ms)
{
	if (done <= 0 || total <= done || spent_ms < PACE_MS)
		return -1;
	return (int64_t)((double)spent_ms * (double)(total - done) / (double)done);
}

const char *progress_words(struct arena *a, const struct progress *p, int64_t now_ms)
{
	const char *what = atomic_load(&p->what), *things = "", *bytes = "", *left = "";
	int64_t done = atomic_load(&p->done), total = atomic_load(&p->total);
	int64_t n_bytes = atomic_load(&p->bytes), all_bytes = atomic_load(&p->total_bytes);
	int64_t spent_ms = now_ms - atomic_load(&p->since_ms), rest_ms;
	char text[NUM_REAL_MAX], all[NUM_REAL_MAX];

	if (what == NULL)
		return NULL;
	if (total > 0)
		things = arena_printf(a, " %" PRId64 "/%" PRId64, done < total ? done : total,
				      total);
	if (all_bytes > 0 && n_bytes > 0) {
		(void)num_format_size(n_bytes < all_bytes ? n_bytes : all_bytes,
				      text);	       /* its length */
		(void)num_format_size(all_bytes, all); /* same */
		bytes = arena_printf(a, ", %s of %s", text, all);
	}
	rest_ms = all_bytes > 0 && n_bytes > 0 ? left_ms(n_bytes, all_bytes, spent_ms)
					       : left_ms(done, total, spent_ms);
	if (rest_ms >= 0) {
		(void)num_format_duration(rest_ms, text); /* its length */
		left = arena_printf(a, ", %s left", text);
	}
	return arena_printf(a, "%s%s%s%s", what, things, bytes, left);
}
