/*
 * A result without a value can only be undecided or skipped, one of which nothing was expected
 * passes; every other one is judged by the evaluator that judged it then.
 */
#include "runner/replay_results.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/expects.h"
#include "runner/history/record.h"
#include "runner/judge.h"
#include "runner/model/definition.h"
#include "runner/model/unit.h"

#define TWO_TO_63 9223372036854775808.0

/* "total" of `total{shop="paris"}`. */
static const char *value_name(struct arena *a, const char *series)
{
	return arena_strndup(a, series, strcspn(series, "{"));
}

static const struct named_expectation *find(const struct named_expectation *items, size_t n,
					    const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].name, name) == 0)
			return &items[i];
	return NULL;
}

static bool is_masked(const char *text)
{
	return text != NULL && strstr(text, REDACT_MASK) != NULL;
}

/* Why the value cannot be judged again; NULL = it can. */
static const char *obstacle(const struct result *r, const struct named_expectation *x)
{
	const struct expectation *parts[] = {x->has_expect ? &x->expect : NULL,
					     x->has_warn ? &x->warn : NULL};

	for (size_t i = 0; i < 2; i++) {
		if (parts[i] == NULL)
			continue;
		if (parts[i]->has_history || parts[i]->has_control)
			return "\"not worse than\" is judged by repetitions and what the check "
			       "says "
			       "about them, which are not all recorded";
		if (is_masked(parts[i]->text))
			return "the bound holds a secret";
	}
	if (r->value.type == VALUE_TEXT && is_masked(r->value.text))
		return "the value holds a secret";
	if (r->value.type == VALUE_REAL && fabs(r->value.real) >= TWO_TO_63)
		return "the value is beyond 2^63: whether it was rounded is not recorded";
	if (r->reason != NULL && str_starts(r->reason, EXPECT_TOO_CLOSE))
		return "the value was rounded, its last digits are not recorded";
	return NULL;
}

static struct measurement measurement_of(const struct result *r, const char *name)
{
	return (struct measurement){
		.name = name,
		.value = r->value,
		.unit = r->unit,
		.n = r->n,
		.n_total = r->n_total,
		.share = r->share,
	};
}

/* One comparison with the same limit, which was shown in fewer digits when it was recorded. */
static bool is_other_digits(const struct result *r, const struct verdict *v)
{
	size_t n = strspn(r->bound, "<>=!");

	return n > 0 && n == strspn(v->bound, "<>=!") && strncmp(r->bound, v->bound, n) == 0 &&
	       r->bound[n] == ' ' && v->bound[n] == ' ' && strchr(r->bound, ',') == NULL &&
	       strchr(v->bound, ',') == NULL && r->has_limit && v->has_limit &&
	       r->limit == v->limit;
}

/* "9 007 199 254 740 993 B", in bytes; leaves s behind it. NAN = it is no number. */
static double take_shown(struct arena *a, const char **s)
{
	char digits[64];
	size_t n = 0;
	const char *base;
	double value;

	for (; **s && n < sizeof(digits) - 1; (*s)++) {
		if (strchr("0123456789+-.", **s) || (n > 0 && **s == 'e'))
			digits[n++] = **s;
		else if (**s != ' ' || !strchr("0123456789", (*s)[1]) || !(*s)[1])
			break;
	}
	if (num_parse_real(digits, n, &value) != 0)
		return NAN;
	*s += **s == ' ';
	n = strcspn(*s, " ,]");
	value *= unit_to_base(arena_strndup(a, *s, n), &base);
	*s += n;
	return value;
}

/* "between 1 B and 8 PiB", with the same numbers but for what fewer digits lose. */
static bool is_other_list(struct arena *a, const char *was, const char *is)
{
	if (strpbrk(is, "\"/")) /* texts and patterns are themselves */
		return false;
	while (*was && *is) {
		double x, y;

		if (!strchr("0123456789-", *was)) {
			if (*was++ != *is++)
				return false;
			continue;
		}
		x = take_shown(a, &was);
		y = take_shown(a, &is);
		if (!(fabs(x - y) <= 1e-11 * fabs(y)))
			return false;
	}
	return *was == *is;
}

static enum replayed compare(struct arena *a, const struct result *r, const struct verdict *v,
			     const char **text)
{
	if (r->outcome != v->outcome && judge_is_given_up(r)) {
		if (!outcome_is_passing(v->outcome))
			return REPLAYED_EQUAL; /* it did not pass, and was not tried again */
	}
	if (r->outcome != v->outcome) {
		*text = arena_printf(a, "recorded is %s, judged again it is %s%s%s",
				     outcome_name(r->outcome), outcome_name(v->outcome),
				     v->reason != NULL ? ": " : "",
				     v->reason != NULL ? v->reason : "");
		return REPLAYED_DIFFERS;
	}
	if (strcmp(r->bound, v->bound) != 0 && !is_other_digits(r, v) &&
	    !is_other_list(a, r->bound, v->bound)) {
		*text = arena_printf(a, "the bound recorded is \"%s\", what was expected is \"%s\"",
				     r->bound, v->bound);
		return REPLAYED_DIFFERS;
	}
	if (r->has_limit != v->has_limit || (v->has_limit && r->limit != v->limit)) {
		*text = arena_printf(a, "the limit recorded is %.17g, judged again it is %.17g",
				     r->has_limit ? r->limit : NAN, v->has_limit ? v->limit : NAN);
		return REPLAYED_DIFFERS;
	}
	return REPLAYED_EQUAL;
}

static int64_t longest_window(const struct named_expectation *x)
{
	int64_t window = x->has_expect ? x->expect.window_ms : 0;

	return x->has_warn && x->warn.window_ms > window ? x->warn.window_ms : window;
}

static int judge_again(struct record *record, struct arena *a, const struct run_info *run,
		       const struct result *r, const struct named_expectation *x,
		       enum replayed *out, const char **text, struct err *e)
{
	struct measurement m = measurement_of(r, x->name);
	int64_t window = longest_window(x);
	struct baseline baseline = {0};
	struct verdict v;

	*text = obstacle(r, x);
	if (*text == NULL && window > 0 && run->merge_id != 0)
		*text = "it was judged by the history of the record it was merged from";
	if (*text != NULL)
		return 0;
	if (window > 0 && record_baseline(record, r->check, r->series, r->measured_ms - window,
					  run->id, &baseline, e) != 0)
		return -1;
	judge_value(a, x, &m, &baseline, &v);
	*out = compare(a, r, &v, text);
	return 0;
}

/* Of a result nobody expected anything of, or that has no value. */
static enum replayed expect_outcome(struct arena *a, const struct result *r, bool is_expected,
				    const char *because, const char **text)
{
	if (is_expected)
		return REPLAYED_EQUAL;
	*text = arena_printf(a, "recorded is %s, but %s", outcome_name(r->outcome), because);
	return REPLAYED_DIFFERS;
}

int replay_result(struct record *record, struct arena *a, const struct run_info *run,
		  const struct result *r, enum replayed *out, const char **text, struct err *e)
{
	struct named_expectation *items = NULL;
	const struct named_expectation *x;
	size_t n = 0;

	*out = REPLAYED_UNKNOWN;
	*text = NULL;
	if (r->value.type == VALUE_NONE) {
		*out = expect_outcome(a, r,
				      r->outcome == OUTCOME_UNDECIDED || r->outcome == OUTCOME_SKIP,
				      "there is no value", text);
		return 0;
	}
	if (r->check->expects == NULL) {
		*text = "what was expected of it was not recorded: an older assize wrote it";
		return 0;
	}
	if (expects_read(a, r->check->expects, &items, &n, e) != 0)
		return -1;
	x = find(items, n, value_name(a, r->series));
	if (x == NULL) {
		*out = expect_outcome(a, r, r->outcome == OUTCOME_PASS,
				      "nothing was expected of it", text);
		return 0;
	}
	return judge_again(record, a, run, r, x, out, text, e);
}
