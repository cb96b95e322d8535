/*
 * benchmark: a program, a query or a request, done often enough to say how long it takes, and
 * whether that is longer than it was.
 *
 * `time` is the median: what a timer gives has its tail on one side, and a mean moves with the one
 * repetition that something else disturbed. What the tail does is p95's and max's to say.
 */
#include "audits/benchmark.h"

#include <stddef.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"

static const char *const connections[] = {"kept", "fresh", NULL};

#define HTTP_FIELD(name) offsetof(struct benchmark_request, name)
static const struct key_row http_keys[] = {
	{.name = "path",
	 .type = KEY_TEXT,
	 .offset = HTTP_FIELD(path),
	 .def = "/",
	 .help = "what to request, behind the target's URL",
	 .example = "/search?q=shoes"},
	{.name = "method",
	 .type = KEY_ENUM,
	 .offset = HTTP_FIELD(method),
	 .choices = http_methods,
	 .def = "GET",
	 .help = "request method",
	 .example = "POST"},
	{.name = "headers",
	 .type = KEY_PAIRS,
	 .offset = HTTP_FIELD(headers),
	 .help = "headers of this request, over those of the target",
	 .example = "{ Accept: application/json }"},
	{.name = "body",
	 .type = KEY_TEXT,
	 .offset = HTTP_FIELD(body),
	 .help = "body of the request",
	 .example = "'{\"id\": 1}'"},
	{.name = "status",
	 .type = KEY_INT,
	 .offset = HTTP_FIELD(status),
	 .min = 100,
	 .max = 599,
	 .def = "200",
	 .help = "the status of a repetition that counts; another one ends the benchmark without "
		 "a value"},
	{.name = "connection",
	 .type = KEY_ENUM,
	 .offset = HTTP_FIELD(connection),
	 .choices = connections,
	 .def = "kept",
	 .help = "kept: of the warm-up, so that names, connects and handshakes are not part of "
		 "it; fresh: a connection of its own for each request"},
	KEY_END,
};

#define FIELD(name) offsetof(struct benchmark_spec, name)
static const struct key_row benchmark_keys[] = {
	{.name = "command",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(program.run),
	 .help = "the program and its arguments, one a list item; no shell reads them; it has to "
		 "exit with 0",
	 .example = "[bin/shop, report, --year, \"2025\"]"},
	{.name = "sql",
	 .type = KEY_TEXT,
	 .offset = FIELD(sql),
	 .help = "one statement that only reads, of the check's target; timed until its last row",
	 .example = "SELECT count(*) FROM orders"},
	{.name = "http",
	 .type = KEY_GROUP,
	 .offset = FIELD(http),
	 .sub = http_keys,
	 .help = "a request to the check's target; timed until the last byte of its answer",
	 .example = "{ path: /search?q=shoes }"},
	{.name = "n",
	 .type = KEY_INT,
	 .offset = FIELD(n),
	 .min = 2,
	 .max = BENCHMARK_MAX_REPETITIONS,
	 .def = "30",
	 .help = "how often; a repetition that fails ends the benchmark without a value"},
	{.name = "warm_up",
	 .type = KEY_INT,
	 .offset = FIELD(warm_up),
	 .max = BENCHMARK_MAX_REPETITIONS,
	 .def = "3",
	 .help = "how often before that, without a look at the clock"},
	{.name = "min_samples",
	 .type = KEY_INT,
	 .offset = FIELD(min_samples),
	 .min = 2,
	 .max = BENCHMARK_MAX_REPETITIONS,
	 .def = "10",
	 .help = "when the check's timeout is near, as few repetitions as that are enough; fewer "
		 "are no measurement"},
	{.name = "against",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(against),
	 .help = "with command: a control, run beside each repetition, before or after it by lots",
	 .example = "[bin/shop-2.30, report, --year, \"2025\"]"},
	{.name = "effect",
	 .type = KEY_TEXT,
	 .offset = FIELD(effect_text),
	 .def = "5%",
	 .help = "with `not worse than`: a difference up to here does not count, as a share or a "
		 "time or size; below what runs differ by anyway it makes false alarms",
	 .example = "5ms"},
	{.name = "level",
	 .type = KEY_REAL,
	 .offset = FIELD(level),
	 .max = 1,
	 .def = "0.05",
	 .help = "with `not worse than`: the largest p-value that counts as worse, at most 0.5; "
		 "1 / level runs of history are needed"},
	{.name = "runs",
	 .type = KEY_INT,
	 .offset = FIELD(runs),
	 .min = 2,
	 .max = BENCHMARK_MAX_RUNS,
	 .def = "40",
	 .help = "with `not worse than history`: how many passing runs to look back, at most"},
	{.name = "any_host",
	 .type = KEY_BOOL,
	 .offset = FIELD(is_any_host),
	 .def = "false",
	 .help = "runs of other hosts are history too: for machines that are alike"},
	{.name = "seed",
	 .type = KEY_INT,
	 .offset = FIELD(seed),
	 .min = -1,
	 .max = INT64_MAX,
	 .def = "-1",
	 .help = "of the lots; -1: of the run's number and the check's name"},
	{.name = "cwd",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = FIELD(program.cwd),
	 .help = "with command: directory to run in, that of the definition if absent",
	 .example = "build"},
	{.name = "env",
	 .type = KEY_PAIRS,
	 .offset = FIELD(program.env),
	 .help = "with command: the whole environment, besides PATH=" COMMAND_PATH
		 " and LC_ALL=C.UTF-8",
	 .example = "{ TZ: UTC }"},
	{.name = "max_output",
	 .type = KEY_SIZE,
	 .offset = FIELD(program.max_output),
	 .min = 1,
	 .max = 64 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "with command: a repetition that writes more, on either stream, has failed"},
	KEY_END,
};

static const struct value_row benchmark_values[] = {
	{.name = "time",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .has_samples = true,
	 .help = "median of what the repetitions took"},
	{.name = "p95",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .usual = "< 300ms",
	 .help = "what 95 % of them did not exceed, one that was measured (nearest rank)"},
	{.name = "min",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "the quickest"},
	{.name = "max",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "the slowest"},
	{.name = "cpu",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .has_samples = true,
	 .needs_key = "command",
	 .help = "median of the processor time of the program and all it started and waited for"},
	{.name = "memory",
	 .type = VALUE_REAL,
	 .unit = "B",
	 .is_at_least_0 = true,
	 .has_samples = true,
	 .needs_key = "command",
	 .help = "median of the peaks of resident memory, each of the largest process"},
	{.name = "ratio",
	 .type = VALUE_REAL,
	 .unit = "",
	 .is_at_least_0 = true,
	 .has_samples = true,
	 .has_control = true,
	 .needs_key = "against",
	 .help = "median of a repetition's time over that of the control beside it: 1 = alike"},
	{.name = "control",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .needs_key = "against",
	 .help = "median of what the control took"},
	{.name = "rows",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "sql",
	 .help = "rows the statement gave, the same number each time"},
	{.name = NULL},
};

enum benchmark_subject benchmark_subject(const struct check *c)
{
	if (node_get(c->spec_node, "command") != NULL)
		return BENCHMARK_COMMAND;
	return node_get(c->spec_node, "sql") != NULL ? BENCHMARK_SQL : BENCHMARK_HTTP;
}

/* ---- words ---- */

static const char *take(struct arena *a, struct buf *b)
{
	const char *text = arena_strndup(a, b->data, b->len);

	buf_release(b);
	return text;
}

const char *benchmark_line(struct arena *a, const struct check *c)
{
	const struct benchmark_spec *spec = c->spec;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	switch (benchmark_subject(c)) {
	case BENCHMARK_COMMAND:
		command_put_line(&b, &spec->program.run);
		break;
	case BENCHMARK_SQL:
		database_one_line(&b, spec->sql);
		break;
	case BENCHMARK_HTTP:
		(void)buf_printf(&b, "%s %s", http_methods[spec->http.method],
				 http_join(a, c->target->location, spec->http.path));
		break;
	}
	return take(a, &b);
}

const char *benchmark_control_line(struct arena *a, const struct check *c)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	command_put_line(&b, &((const struct benchmark_spec *)c->spec)->against);
	return take(a, &b);
}

static void benchmark_describe(struct probe *p, struct buf *out)
{
	const struct check *c = p->checks[0];
	const struct benchmark_spec *spec = c->spec;

	(void)buf_printf(out, "%s\n%lld times", benchmark_line(p->arena, c), (long long)spec->n);
	if (spec->warm_up > 0)
		(void)buf_printf(out, " after %lld to warm up", (long long)spec->warm_up);
	if (spec->against.n > 0)
		(void)buf_printf(out, ", beside %s", benchmark_control_line(p->arena, c));
	(void)buf_putc(out, '\n');
}

static bool benchmark_runs_program(const struct check *c)
{
	return benchmark_subject(c) == BENCHMARK_COMMAND;
}

const struct audit_kind audit_kind_benchmark = {
	.name = "benchmark",
	.family = "benchmark",
	.summary = "a command, query or request repeated: its times, against bounds, a control or "
		   "its own history",
	.blind = "It proves how long it took on this machine in this hour. Other checks of the "
		 "run are kept away while it measures, other programs are not. A pass of `not "
		 "worse than history` means that no more than chance speaks against it: what "
		 "is worse by less than effect, or no worse than some of the runs before, "
		 "passes, and so does what gets slower little by little, each time within the "
		 "effect; a bound beside it holds that. Runs that failed are no history: with "
		 "an effect below what runs differ by anyway, history keeps the quick ones and "
		 "false alarms grow more frequent. Another definition of the check begins a "
		 "history of its own, and each value is judged at level by itself: three of "
		 "them make three times the false alarms. What it times is warm: caches are "
		 "full, and with connection: kept names, connects and handshakes are not in "
		 "it; the wait for a turn at the host is never. A command's time includes its "
		 "start, a statement's what keeps it from writing; what processes take below "
		 "about 2 MiB of memory is not told apart. Answers are not looked at beyond "
		 "exit status, rows, HTTP status and length.",
	.spec_size = sizeof(struct benchmark_spec),
	.keys = benchmark_keys,
	.values = benchmark_values,
	.targets = TARGET_DATABASES | TARGET_BIT(TARGET_HTTP),
	.is_target_optional = true,
	.runs_alone = true,
	.check = benchmark_check,
	.check_bounds = benchmark_check_bounds,
	.runs_program = benchmark_runs_program,
	.describe = benchmark_describe,
	.probe = benchmark_probe,
};
