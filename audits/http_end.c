#include "audits/http_end.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"

void http_end_feed(struct http_end *x, const char *data, size_t n)
{
	size_t room = sizeof(x->tail), kept;

	if (n > room) {
		data += n - room;
		n = room;
	}
	kept = room - n < x->n_tail ? room - n : x->n_tail;
	memmove(x->tail, x->tail + x->n_tail - kept, kept);
	memcpy(x->tail + kept, data, n);
	x->n_tail = kept + n;
}

static bool has_end(const struct http_end *x, const char *end)
{
	size_t n = strlen(end), at = x->n_tail;

	while (at > 0 && (x->tail[at - 1] == '\n' || x->tail[at - 1] == '\r'))
		at--;
	return n <= at && memcmp(x->tail + at - n, end, n) == 0;
}

const char *http_end_problem(const struct http_end *x, const struct http_end_spec *spec,
			     const struct http_response *res, struct arena *a)
{
	char size[NUM_REAL_MAX], limit[NUM_REAL_MAX];

	if (res->n_body_bytes < spec->min_body) {
		(void)num_format_size(res->n_body_bytes, size); /* cannot fail */
		(void)num_format_size(spec->min_body, limit);	/* same */
		return arena_printf(a, "the body has %s, less than min_body (%s): it may be torn",
				    size, limit);
	}
	if (spec->ends_with != NULL && !has_end(x, spec->ends_with))
		return arena_printf(a,
				    "the body does not end in \"%s\" (ends_with): it may be torn",
				    str_escaped(a, spec->ends_with));
	return NULL;
}

bool http_end_is_unknown(const struct http_end_spec *spec, const struct http_response *res)
{
	return !res->is_length_known && spec->min_body == 0 && spec->ends_with == NULL;
}
