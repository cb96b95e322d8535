/*
 * Text of a decision: what a person reads in a job log at the moment a release is stopped. Sorting
 * goes rank by rank, so that lines of one rank keep the order of the definition.
 */
#include "gates/lines.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

struct decision_line *lines_add(struct lines *l, const char *check, enum outcome outcome,
				bool is_hard, const char *text)
{
	struct decision_line *line;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : l->cap * 2;
		struct decision_line *more = arena_array(l->arena, cap, sizeof(*more));

		if (l->n > 0)
			memcpy(more, l->items, l->n * sizeof(*more));
		l->items = more;
		l->cap = cap;
	}
	line = &l->items[l->n++];
	*line = (struct decision_line){
		.check = check,
		.series = "",
		.outcome = outcome,
		.is_hard = is_hard,
		.text = text,
		.measured_ms = -1,
	};
	return line;
}

void lines_rest_on(struct lines *l, int64_t measured_ms)
{
	if (l->oldest_ms == -1 || measured_ms < l->oldest_ms)
		l->oldest_ms = measured_ms;
}

enum { N_RANKS = 10 };

static size_t rank_of(const struct decision_line *line)
{
	size_t soft = line->is_hard ? 0 : N_RANKS / 2;

	if (line->waived != NULL)
		return soft + 3;
	switch (line->outcome) {
	case OUTCOME_FAIL:
		return soft;
	case OUTCOME_UNDECIDED:
		return soft + 1;
	case OUTCOME_SKIP:
		return soft + 2;
	case OUTCOME_WARN:
		return soft + 3;
	case OUTCOME_PASS:
		return soft + 4;
	}
	return soft + 1;
}

void lines_sort(struct lines *l)
{
	struct decision_line *sorted = arena_array(l->arena, l->n, sizeof(*sorted));
	size_t n = 0;

	for (size_t rank = 0; rank < N_RANKS; rank++)
		for (size_t i = 0; i < l->n; i++)
			if (rank_of(&l->items[i]) == rank)
				sorted[n++] = l->items[i];
	l->items = sorted;
}

/*
 * In the largest unit of which there are two: "25 h ago, limit 24 h" says what "1 d ago, limit 1 d"
 * hides. And in the next one, for "2 h failed" may be all of a budget of 2 h 50 min, or not.
 */
const char *lines_duration(struct lines *l, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
	size_t n = sizeof(units) / sizeof(units[0]), i = 0;
	int64_t rest;

	while (i < n && ms / units[i].ms < 2)
		i++;
	if (i == n)
		return arena_printf(l->arena, "%" PRId64 " ms", ms);
	rest = i + 1 < n && !l->has_one_unit ? ms % units[i].ms / units[i + 1].ms : 0;
	if (rest == 0)
		return arena_printf(l->arena, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
	return arena_printf(l->arena, "%" PRId64 " %s %" PRId64 " %s", ms / units[i].ms,
			    units[i].name, rest, units[i + 1].name);
}

const char *lines_age(struct lines *l, int64_t at_ms, int64_t now_ms)
{
	/* instants from outside may be anything: their difference is taken without a sign */
	bool is_ahead = at_ms > now_ms;
	uint64_t distance =
		is_ahead ? (uint64_t)at_ms - (uint64_t)now_ms : (uint64_t)now_ms - (uint64_t)at_ms;
	int64_t shown = distance > INT64_MAX ? INT64_MAX : (int64_t)distance;

	if (distance < 1000)
		return "just now";
	return arena_printf(l->arena, "%s %s", lines_duration(l, shown),
			    is_ahead ? "in the future" : "ago");
}

const char *lines_word(struct lines *l, const char *word)
{
	return str_as_word(l->arena, word);
}

const char *lines_run(struct lines *l, const struct gate_input *in, const struct check *check)
{
	const char *subject = in->subject != NULL && in->subject[0] != '\0' ? in->subject : "any";

	return arena_printf(l->arena, "assize run %s --subject %s", lines_word(l, check->name),
			    lines_word(l, subject));
}
