/*
 * benchmark: often enough, and what came of it.
 *
 * One repetition that fails ends the benchmark without a value: it is not dropped, and the others
 * are not the rest of a sample. Time that runs out between two repetitions is no failure: then
 * fewer were made, which is said, and too few are no measurement. The time that is kept back for
 * that is twice what the slowest one took, so that no repetition is cut off by the deadline unless
 * it is itself out of the ordinary.
 *
 * A control is run beside each repetition; lots are drawn about which goes first, so that neither
 * what warms up nor what wears out favours one of them.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "audits/benchmark.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"
#include "runner/stats/random.h"
#include "runner/stats/summary.h"

/* A timer's least step: two times of 0 have no ratio. */
#define LEAST_TIME_S 1e-6

struct series {
	double *time, *cpu, *memory;
	double *control, *ratio, *log_ratio; /* with a control */
	int64_t least_rows, most_rows;
	size_t n;
};

struct benchmark {
	struct benchmark_world world;
	const struct check *check;
	const struct benchmark_spec *spec;
	bool has_control;
	uint64_t seed;
	struct stats_random lots;
	int64_t slowest_ms; /* both halves of a pair together */
	struct series s;
	const char *remark; /* with every value; NULL = none */
};

static void make_series(struct benchmark *b, struct arena *a)
{
	size_t n = (size_t)b->spec->n;

	b->s = (struct series){
		.time = arena_array(a, n, sizeof(double)),
		.cpu = arena_array(a, n, sizeof(double)),
		.memory = arena_array(a, n, sizeof(double)),
		.control = arena_array(a, n, sizeof(double)),
		.ratio = arena_array(a, n, sizeof(double)),
		.log_ratio = arena_array(a, n, sizeof(double)),
		.least_rows = INT64_MAX,
		.most_rows = INT64_MIN,
	};
}

/* ---- repetitions ---- */

/* The program and its control, in the order the lots have it. */
static int do_pair(struct benchmark *b, struct benchmark_once *own, struct benchmark_once *control,
		   struct err *e)
{
	const struct clock *clock = b->world.probe->world->clock;
	int64_t start_ms = clock_monotonic_ms(clock), took_ms;
	bool is_control_first = b->has_control && (stats_random_next(&b->lots) >> 63) != 0;

	*control = (struct benchmark_once){0};
	if (is_control_first && benchmark_do(&b->world, true, control, e) != 0)
		return err_context(e, "the control");
	if (benchmark_do(&b->world, false, own, e) != 0)
		return -1;
	if (b->has_control && !is_control_first && benchmark_do(&b->world, true, control, e) != 0)
		return err_context(e, "the control");
	took_ms = clock_monotonic_ms(clock) - start_ms;
	b->slowest_ms = took_ms > b->slowest_ms ? took_ms : b->slowest_ms;
	return 0;
}

static void keep(struct benchmark *b, const struct benchmark_once *own,
		 const struct benchmark_once *control)
{
	struct series *s = &b->s;
	size_t i = s->n++;

	s->time[i] = own->time_s;
	s->cpu[i] = own->cpu_s;
	s->memory[i] = own->peak_bytes;
	s->control[i] = control->time_s;
	s->ratio[i] = fmax(own->time_s, LEAST_TIME_S) / fmax(control->time_s, LEAST_TIME_S);
	s->log_ratio[i] = log(s->ratio[i]);
	s->least_rows = own->n_rows < s->least_rows ? own->n_rows : s->least_rows;
	s->most_rows = own->n_rows > s->most_rows ? own->n_rows : s->most_rows;
}

static const char *timeout_text(const struct benchmark *b)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration(b->check->timeout_ms, text); /* its length */
	return arena_strdup(b->world.probe->arena, text);
}

/* Is there time for one more, and some to spare? */
static bool has_time(const struct benchmark *b)
{
	const struct probe *p = b->world.probe;

	return p->deadline_ms - clock_monotonic_ms(p->world->clock) > 2 * b->slowest_ms;
}

/* Who is told that one repetition took too long should know that all of them share the time. */
static int fail(const struct benchmark *b, const char *what, int64_t i, int64_t n, struct err *e)
{
	const struct probe *p = b->world.probe;

	if (clock_monotonic_ms(p->world->clock) >= p->deadline_ms)
		(void)err_help(e,
			       "the check's timeout of %s is for all repetitions together: "
			       "raise it, or lower n",
			       timeout_text(b));
	return err_context(e, "%s %" PRId64 " of %" PRId64, what, i, n);
}

static int look_out(const struct benchmark *b, struct err *e)
{
	if (atomic_load(&b->world.probe->world->is_interrupted))
		return err_set(e, ERR_MEASURE, "the run was interrupted");
	return 0;
}

static int warm_up(struct benchmark *b, struct err *e)
{
	struct benchmark_once own, control;

	for (int64_t i = 0; i < b->spec->warm_up; i++)
		if (look_out(b, e) != 0 || do_pair(b, &own, &control, e) != 0)
			return fail(b, "warm-up", i + 1, b->spec->warm_up, e);
	b->slowest_ms = 0; /* a cold start is no measure of what comes */
	return 0;
}

static int too_few(const struct benchmark *b, struct err *e)
{
	(void)err_set(e, ERR_MEASURE,
		      "only %zu of %" PRId64 " repetitions fitted into the timeout of %s, at "
		      "least %" PRId64 " are needed",
		      b->s.n, b->spec->n, timeout_text(b), b->spec->min_samples);
	return err_help(e, "raise the check's timeout");
}

static int repeat(struct benchmark *b, struct err *e)
{
	struct benchmark_once own, control;

	for (int64_t i = 0; i < b->spec->n; i++) {
		if (!has_time(b) && i < b->spec->min_samples)
			return too_few(b, e);
		if (!has_time(b))
			break;
		if (look_out(b, e) != 0 || do_pair(b, &own, &control, e) != 0)
			return fail(b, "repetition", i + 1, b->spec->n, e);
		keep(b, &own, &control);
	}
	if (b->s.n < (size_t)b->spec->n)
		b->remark =
			arena_printf(b->world.probe->arena,
				     "%zu of %" PRId64 " repetitions fitted into the timeout of %s",
				     b->s.n, b->spec->n, timeout_text(b));
	return 0;
}

/* ---- values ---- */

static double *sorted(struct arena *a, const double *values, size_t n)
{
	double *copy = arena_array(a, n, sizeof(*copy));

	memcpy(copy, values, n * sizeof(*copy));
	stats_sort(copy, n);
	return copy;
}

static void emit(const struct benchmark *b, struct measurement m)
{
	m.n = (int64_t)b->s.n;
	m.query = benchmark_line(b->world.probe->arena, b->check);
	if (m.reason == NULL)
		m.reason = b->remark;
	probe_emit(b->world.probe, 0, &m);
}

/* The effect as it applies to a value in this unit. */
static struct sampling *sampling_of(const struct benchmark *b, const double *values)
{
	const struct benchmark_spec *spec = b->spec;
	struct sampling *s = arena_alloc(b->world.probe->arena, sizeof(*s));

	*s = (struct sampling){
		.values = values,
		.n = b->s.n,
		.effect = spec->effect,
		.is_effect_share = strcmp(spec->effect_unit, "%") == 0,
		.level = spec->level,
		.max_runs = (size_t)spec->runs,
		.is_any_host = spec->is_any_host,
		.seed = b->seed,
	};
	return s;
}

static void emit_sampled(const struct benchmark *b, const char *name, const double *values,
			 const char *unit, const char *evidence)
{
	struct measurement m = measurement_real(name, stats_median(values, b->s.n), unit);

	m.sampling = sampling_of(b, values);
	m.evidence = evidence;
	emit(b, m);
}

/* A time's effect ("5ms") becomes a share of what the control takes. */
static void emit_ratio(const struct benchmark *b)
{
	struct arena *a = b->world.probe->arena;
	double control = stats_median(b->s.control, b->s.n);
	struct measurement m = measurement_real("ratio", stats_median(b->s.ratio, b->s.n), "");
	struct sampling *s = sampling_of(b, b->s.ratio);

	if (!s->is_effect_share) {
		s->effect /= fmax(control, LEAST_TIME_S);
		s->is_effect_share = true;
	}
	s->paired = b->s.log_ratio;
	s->n_pairs = b->s.n;
	m.sampling = s;
	m.evidence = arena_printf(a, "the control is %s", benchmark_control_line(a, b->check));
	emit(b, m);
	emit(b, measurement_real("control", control, "s"));
}

static void emit_rows(const struct benchmark *b)
{
	const struct series *s = &b->s;

	if (s->least_rows == s->most_rows)
		emit(b, measurement_int("rows", s->least_rows, ""));
	else
		emit(b, measurement_none("rows", arena_printf(b->world.probe->arena,
							      "the repetitions gave %" PRId64
							      " to %" PRId64 " rows",
							      s->least_rows, s->most_rows)));
}

/* How they lie, in a line. */
static const char *spread(const struct benchmark *b, const double *in_order)
{
	size_t n = b->s.n;
	struct buf text;
	const char *copy;

	buf_init(&text, BUF_UNBOUNDED); /* of this one line: cannot fail */
	(void)buf_printf(&text, "%zu repetitions after %" PRId64 " to warm up: half of them from ",
			 n, b->spec->warm_up);
	unit_format(&text, stats_percentile(in_order, n, 0.25), "s");
	(void)buf_puts(&text, " to ");
	unit_format(&text, stats_percentile(in_order, n, 0.75), "s");
	(void)buf_puts(&text, ", all from ");
	unit_format(&text, in_order[0], "s");
	(void)buf_puts(&text, " to ");
	unit_format(&text, in_order[n - 1], "s");
	copy = arena_strndup(b->world.probe->arena, text.data, text.len);
	buf_release(&text);
	return copy;
}

static void emit_all(const struct benchmark *b)
{
	const struct series *s = &b->s;
	double *in_order = sorted(b->world.probe->arena, s->time, s->n);

	emit_sampled(b, "time", s->time, "s", spread(b, in_order));
	emit(b, measurement_real("p95", stats_percentile(in_order, s->n, 0.95), "s"));
	emit(b, measurement_real("min", in_order[0], "s"));
	emit(b, measurement_real("max", in_order[s->n - 1], "s"));
	switch (benchmark_subject(b->check)) {
	case BENCHMARK_COMMAND:
		emit_sampled(b, "cpu", s->cpu, "s", NULL);
		emit_sampled(b, "memory", s->memory, "B", NULL);
		break;
	case BENCHMARK_SQL:
		emit_rows(b);
		break;
	case BENCHMARK_HTTP:
		break;
	}
	if (b->has_control)
		emit_ratio(b);
}

int benchmark_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct benchmark_spec *spec = c->spec;
	struct benchmark b = {
		.world = {.probe = p, .check = c},
		.check = c,
		.spec = spec,
		.has_control = spec->against.n > 0,
	};
	int rc;

	b.seed = spec->seed >= 0 ? (uint64_t)spec->seed
				 : stats_random_seed((uint64_t)p->world->run_id, c->name);
	b.lots.state = b.seed;
	make_series(&b, p->arena);
	if (benchmark_open(&b.world, e) != 0)
		return -1;
	rc = warm_up(&b, e) == 0 ? repeat(&b, e) : -1;
	benchmark_close(&b.world);
	if (rc == 0)
		emit_all(&b);
	return rc;
}
