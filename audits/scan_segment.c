/*
 * scan_segment: segments, told apart by the text of their columns.
 *
 * NULL is a segment like any other, shown as "(null)"; that text is shown in quotes.
 */
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "audits/scan_show.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"
#include "runner/model/measurement.h"

#define MAX_LABEL_BYTES 256

static int label_text(const struct scan *s, size_t i, const struct db_value *v, const char **out,
		      struct err *e)
{
	const char *column = s->spec->by.items[i];
	char number[NUM_REAL_MAX];

	switch (v->type) {
	case DB_NULL:
		*out = SCAN_NULL_LABEL;
		return 0;
	case DB_INT:
		*out = arena_printf(s->probe->arena, "%lld", (long long)v->integer);
		return 0;
	case DB_REAL:
		(void)num_format_real(v->real, number);
		*out = arena_strdup(s->probe->arena, number);
		return 0;
	case DB_TEXT:
	case DB_BLOB: /* MySQL: text as bytes */
		break;
	}
	if (v->len > MAX_LABEL_BYTES || !str_is_utf8(v->text, v->len) ||
	    memchr(v->text, '\0', v->len)) {
		(void)err_set(e, ERR_MEASURE, "column \"%s\" of by: holds values that are %s",
			      column,
			      v->len > MAX_LABEL_BYTES ? "longer than 256 bytes" : "not text");
		return err_help(e, "segments are told apart by short texts and numbers");
	}
	*out = database_label(s->probe->arena, arena_strndup(s->probe->arena, v->text, v->len),
			      SCAN_NULL_LABEL);
	return 0;
}

static int too_many(const struct scan *s, struct err *e)
{
	if (s->n_segments >= SCAN_MAX_SEGMENTS)
		(void)err_set(e, ERR_MEASURE, "by: gives more than %d segments", SCAN_MAX_SEGMENTS);
	else
		(void)err_set(e, ERR_MEASURE, "by: gives more than %zu segments of %zu values each",
			      s->n_segments, s->n);
	return err_help(e, "segment by fewer or coarser columns, or narrow the rows with where:");
}

int scan_segment_of(struct scan *s, const struct db_value *keys, size_t *out, struct err *e)
{
	struct arena *a = s->probe->arena;
	size_t n = s->spec->by.n;
	struct label *labels = arena_array(a, n, sizeof(*labels));
	struct buf key;

	buf_init(&key, BUF_UNBOUNDED); /* every part is bounded */
	for (size_t i = 0; i < n; i++) {
		labels[i].name = s->spec->by.items[i];
		if (label_text(s, i, &keys[i], &labels[i].value, e) != 0) {
			buf_release(&key);
			return -1;
		}
		(void)buf_printf(&key, "%s%c\x1f", labels[i].value,
				 keys[i].type == DB_NULL ? '-' : '+');
	}
	const struct scan_segment *known = map_get(&s->by_key, key.data);

	if (known) {
		*out = known->index;
		buf_release(&key);
		return 0;
	}
	if (s->n_segments >= SCAN_MAX_SEGMENTS || (s->n_segments + 1) * s->n > SCAN_MAX_ANSWERS) {
		buf_release(&key);
		return too_many(s, e);
	}
	struct scan_segment *g = arena_alloc(a, sizeof(*g));

	*g = (struct scan_segment){
		.key = arena_strndup(a, key.data, key.len),
		.index = s->n_segments,
		.labels = labels,
		.answers = arena_array(a, s->n, sizeof(*g->answers)),
	};
	buf_release(&key);
	(void)map_put(&s->by_key, g->key, g); /* it is new */
	*out = s->n_segments;
	s->segments[s->n_segments++] = g;
	return 0;
}

static int compare_segments(const void *a, const void *b)
{
	const struct scan_segment *const *left = a, *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

void scan_sort_segments(struct scan *s)
{
	qsort(s->segments, s->n_segments, sizeof(struct scan_segment *), compare_segments);
}
