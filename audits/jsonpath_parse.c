/*
 * Segments and selectors of a query: RFC 9535, section 2.3 to 2.5.
 */
#include "audits/jsonpath.h"

#include <string.h>

#include "audits/jsonpath_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

static bool is_number_next(const struct jsonpath_reader *r)
{
	return r->at < r->n &&
	       ((r->text[r->at] >= '0' && r->text[r->at] <= '9') || r->text[r->at] == '-');
}

/* Behind the start of what is a slice because a colon comes next. */
static int slice(struct jsonpath_reader *r, struct jsonpath_selector *s)
{
	s->type = JSONPATH_SLICE;
	s->step = 1;
	r->at++;
	jsonpath_blanks(r);
	if (is_number_next(r)) {
		s->has_end = true;
		if (jsonpath_integer(r, &s->end) != 0)
			return -1;
		jsonpath_blanks(r);
	}
	if (!jsonpath_takes(r, ":"))
		return 0;
	jsonpath_blanks(r);
	return is_number_next(r) ? jsonpath_integer(r, &s->step) : 0;
}

static int index_or_slice(struct jsonpath_reader *r, struct jsonpath_selector *s)
{
	size_t behind;

	s->type = JSONPATH_INDEX;
	if (is_number_next(r)) {
		s->has_start = true;
		if (jsonpath_integer(r, &s->start) != 0)
			return -1;
	}
	behind = r->at;
	jsonpath_blanks(r);
	if (jsonpath_sees(r, ":"))
		return slice(r, s);
	r->at = behind;
	return 0;
}

static int selector(struct jsonpath_reader *r, struct jsonpath_selector *s)
{
	if (jsonpath_sees(r, "'") || jsonpath_sees(r, "\"")) {
		s->type = JSONPATH_NAME;
		return jsonpath_string(r, &s->name, &s->n_name);
	}
	if (jsonpath_takes(r, "*")) {
		s->type = JSONPATH_WILDCARD;
		return 0;
	}
	if (is_number_next(r) || jsonpath_sees(r, ":"))
		return index_or_slice(r, s);
	if (jsonpath_takes(r, "?")) {
		s->type = JSONPATH_FILTER;
		jsonpath_blanks(r);
		return jsonpath_filter(r, &s->filter);
	}
	return jsonpath_refuse(r, r->at,
			       "a name in quotes, an index, a slice, * or ? belongs here");
}

/* Behind the opening bracket. */
static int bracketed(struct jsonpath_reader *r, struct jsonpath_segment *segment)
{
	struct jsonpath_selector **last = &segment->selectors;

	do {
		*last = arena_alloc(r->arena, sizeof(**last));
		jsonpath_blanks(r);
		if (selector(r, *last) != 0)
			return -1;
		jsonpath_blanks(r);
		last = &(*last)->next;
	} while (jsonpath_takes(r, ","));
	if (!jsonpath_takes(r, "]"))
		return jsonpath_refuse(r, r->at, "a comma or ] belongs here");
	return 0;
}

static int segment_of(struct jsonpath_reader *r, struct jsonpath_segment *segment)
{
	struct jsonpath_selector *s;

	segment->is_descendant = jsonpath_takes(r, "..");
	if ((segment->is_descendant || !jsonpath_sees(r, ".")) && jsonpath_takes(r, "["))
		return bracketed(r, segment);
	if (!segment->is_descendant)
		r->at++; /* the dot that made this a segment */
	s = segment->selectors = arena_alloc(r->arena, sizeof(*s));
	if (jsonpath_takes(r, "*")) {
		s->type = JSONPATH_WILDCARD;
		return 0;
	}
	s->type = JSONPATH_NAME;
	return jsonpath_shorthand(r, &s->name, &s->n_name);
}

static bool is_singular(const struct jsonpath_segment *segment)
{
	const struct jsonpath_selector *s = segment->selectors;

	return !segment->is_descendant && s->next == NULL &&
	       (s->type == JSONPATH_NAME || s->type == JSONPATH_INDEX);
}

int jsonpath_query(struct jsonpath_reader *r, struct jsonpath *out)
{
	struct jsonpath_segment **last = &out->segments;

	out->is_singular = true;
	if (jsonpath_enter(r) != 0)
		return -1;
	for (;;) {
		size_t before = r->at;

		jsonpath_blanks(r);
		if (!jsonpath_sees(r, ".") && !jsonpath_sees(r, "[")) {
			r->at = before; /* the blanks are not the query's */
			break;
		}
		*last = arena_alloc(r->arena, sizeof(**last));
		if (segment_of(r, *last) != 0)
			return -1;
		out->is_singular = out->is_singular && is_singular(*last);
		last = &(*last)->next;
	}
	jsonpath_leave(r);
	return 0;
}

int jsonpath_parse(struct arena *a, const char *text, size_t n, struct jsonpath **out,
		   struct err *e)
{
	struct jsonpath_reader r = {.arena = a, .n = n, .e = e};
	struct jsonpath *p = arena_alloc(a, sizeof(*p));

	if (n > JSONPATH_MAX_BYTES)
		return err_set(e, ERR_DEFINITION, "a JSONPath has at most %d bytes, not %zu",
			       JSONPATH_MAX_BYTES, n);
	if (!str_is_utf8(text, n))
		return err_set(e, ERR_DEFINITION, "the JSONPath is not valid UTF-8");
	r.text = arena_strndup(a, text, n);
	if (!jsonpath_takes(&r, "$"))
		return jsonpath_refuse(&r, 0, "it begins with $");
	if (jsonpath_query(&r, p) != 0)
		return -1;
	if (r.at < n)
		return jsonpath_refuse(&r, r.at, "nothing belongs here");
	*out = p;
	return 0;
}

bool jsonpath_is_singular(const struct jsonpath *p)
{
	return p->is_singular;
}

const struct jsonpath *jsonpath_stem(struct arena *a, const struct jsonpath *p)
{
	struct jsonpath *stem = arena_alloc(a, sizeof(*stem));
	struct jsonpath_segment **last = &stem->segments;

	stem->is_relative = p->is_relative;
	stem->is_singular = true;
	for (const struct jsonpath_segment *s = p->segments; s != NULL && is_singular(s);
	     s = s->next) {
		*last = arena_alloc(a, sizeof(**last));
		(*last)->selectors = s->selectors;
		last = &(*last)->next;
	}
	return stem;
}
