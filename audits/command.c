/*
 * command: a program of the user's own, run without a shell.
 *
 * What it is given is exactly what the definition says: no inherited environment, no standard
 * input. An exit status is a measurement only when the program chose it: a signal, a deadline, too
 * much output or a program that cannot be started is no measurement of anything, also not of
 * `status` (the 127 of a shell never appears).
 */
#include "audits/command.h"

#include <stddef.h>
#include <string.h>

#include "audits/capture.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"

static const char *const formats[] = {"plain", "nagios", "tap", "junit", "json", NULL};

static const struct key_row command_keys[] = {
	{.name = "run",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .offset = offsetof(struct command_spec, run),
	 .help = "the program and its arguments, one a list item; no shell reads them",
	 .example = "[scripts/smoke, --fast]"},
	{.name = "cwd",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct command_spec, cwd),
	 .help = "directory to run in, that of the definition if absent",
	 .example = "build"},
	{.name = "env",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct command_spec, env),
	 .help = "the whole environment, besides PATH=" COMMAND_PATH " (with nagios also the "
		 "folders of plugins) and LC_ALL=C.UTF-8",
	 .example = "{ TOKEN: \"${env:TOKEN}\" }"},
	{.name = "max_output",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct command_spec, max_output),
	 .min = 1,
	 .max = 64 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "a program that writes more, on either stream, is ended and not judged; the "
		 "files of `report` together may be as large",
	 .example = "64KiB"},
	{.name = "sandbox",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct command_spec, sandbox),
	 .sub = command_sandbox_keys,
	 .help = "what the kernel keeps from the program; no more privileges, memory of others, "
		 "System V IPC, io_uring or namespaces in any case; without this key nothing is "
		 "kept from it",
	 .example = "{ read: [scripts], network: none, memory: 512MiB }"},
	{.name = "format",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct command_spec, format),
	 .choices = formats,
	 .def = "plain",
	 .help = "what the output is: nagios (any check_* plugin; one whose text names a worse "
		 "status than it exits with is undecided: negate needs -s), tap (12 to 14), "
		 "junit, json"},
	{.name = "report",
	 .type = KEY_PATH,
	 .flags = KEY_WORLD,
	 .offset = offsetof(struct command_spec, report),
	 .help = "with tap, junit, json: read the files of this name (a glob) that the program "
		 "wrote, instead of its output; one that it left as it was is refused",
	 .example = "build/reports/TEST-*.xml"},
	{.name = "min_tests",
	 .type = KEY_INT,
	 .offset = offsetof(struct command_spec, min_tests),
	 .max = 1000000,
	 .def = "1",
	 .help = "with tap, junit: a report of fewer tests that ran measures nothing"},
	{.name = "perfdata",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct command_spec, perfdata),
	 .help = "with nagios: values of yours, each from performance data by its label",
	 .example = "{ response: time, root: / }"},
	{.name = "json",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct command_spec, json),
	 .help = "with json: values of yours, each by a JSON Pointer or a JSONPath that selects "
		 "one place; count(PATH) is how many it selects",
	 .example = "{ queue: /jobs/waiting }"},
	KEY_END,
};

#define STATUS_HELP                                                                                \
	"exit status; of a plugin 0 is OK, 1 WARNING, 2 CRITICAL, and 3 or anything else is no "   \
	"measurement (then `<= 1` holds, with a warning above 0)"

const struct value_row command_values[] = {
	{.name = "status",
	 .type = VALUE_INT,
	 .unit = "",
	 .most = 255,
	 .implied = "== 0",
	 .help = STATUS_HELP},
	{.name = "output",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "standard output without the newlines at its end, at most 64 KiB"},
	{.name = "errors", .type = VALUE_TEXT, .unit = "", .help = "standard error, likewise"},
	{.name = "duration",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "from start to end"},
	{.name = "cpu",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "processor time of the program and all it started and waited for"},
	{.name = "memory",
	 .type = VALUE_INT,
	 .unit = "B",
	 .help = "peak of resident memory of the largest of its processes"},
	{.name = "perfdata",
	 .type = VALUE_REAL,
	 .unit = "",
	 .needs_key = "format",
	 .help = "nagios: each value of the performance data, a series by label, in base units (kB "
		 "and KB are 1,000 B, KiB 1,024 B); a bound on what the plugin gives in ms, % or "
		 "MB "
		 "needs a unit"},
	{.name = "tests",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "tap, junit: tests that are in the report, of whatever outcome"},
	{.name = "passed",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "tap, junit: tests that ran and passed"},
	{.name = "failed",
	 .type = VALUE_INT,
	 .unit = "",
	 .implied = "== 0",
	 .counts_of_total = true,
	 .needs_key = "format",
	 .help = "tap, junit: tests that failed or broke, also as a share of those that ran"},
	{.name = "skipped",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "tap, junit: tests that were not run"},
	{.name = "todo",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "tap: tests marked todo, which may fail"},
	{.name = "flaky",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "junit: tests that passed only when they were run again"},
	{.name = "time",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .needs_key = "format",
	 .help = "junit: what the report says its tests took"},
	{.name = "suite_tests",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "junit: tests of each suite, a series by suite"},
	{.name = "suite_failed",
	 .type = VALUE_INT,
	 .unit = "",
	 .needs_key = "format",
	 .help = "junit: tests of each suite that failed or broke"},
	{.name = "suite_time",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .needs_key = "format",
	 .help = "junit: what each suite says it took"},
	{.name = NULL},
};

/* Which formats give a value; 0 = all. */
static unsigned formats_of(const char *value)
{
	static const struct {
		const char *name;
		unsigned formats;
	} rows[] = {
		{"perfdata", 1u << COMMAND_NAGIOS},
		{"tests", 1u << COMMAND_TAP | 1u << COMMAND_JUNIT},
		{"passed", 1u << COMMAND_TAP | 1u << COMMAND_JUNIT},
		{"failed", 1u << COMMAND_TAP | 1u << COMMAND_JUNIT},
		{"skipped", 1u << COMMAND_TAP | 1u << COMMAND_JUNIT},
		{"todo", 1u << COMMAND_TAP},
		{"flaky", 1u << COMMAND_JUNIT},
		{"time", 1u << COMMAND_JUNIT},
		{"suite_tests", 1u << COMMAND_JUNIT},
		{"suite_failed", 1u << COMMAND_JUNIT},
		{"suite_time", 1u << COMMAND_JUNIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, value) == 0)
			return rows[i].formats;
	return 0;
}

static const struct value_row *find_row(const char *name)
{
	for (const struct value_row *row = command_values; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static bool has_name(const struct pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->items[i].name, name) == 0)
			return true;
	return false;
}

/* What a format changes about the values that are listed, and those the definition names. */
static bool command_has_value(const struct check *c, const char *name, struct value_row *out)
{
	const struct command_spec *spec = c->spec;
	const struct value_row *row = find_row(name);
	unsigned of = formats_of(name);

	if (has_name(&spec->perfdata, name) || has_name(&spec->json, name)) {
		/* Type and unit are those the program gives it. */
		*out = (struct value_row){.name = name};
		return true;
	}
	if (!row)
		return false;
	*out = *row;
	if (spec->format == COMMAND_NAGIOS && strcmp(name, "status") == 0) {
		out->implied = "<= 1";
		out->implied_warn = "== 0";
	}
	if (strcmp(name, "perfdata") == 0)
		*out = (struct value_row){.name = name, .needs_key = row->needs_key};
	if (of != 0 && !(of & 1u << spec->format))
		out->implied = NULL;
	return true;
}

bool command_is_variable(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(s, letters);

	return n > 0 && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				    "0123456789")] == '\0';
}

static void check_names(struct keys_context *ctx, const struct check *c, const struct pairs *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct pair *p = &names->items[i];

		if (find_row(p->name))
			(void)diags_at(ctx->diags, p->pos, "choose another name",
				       "check \"%s\": \"%s\" is a value of every command", c->name,
				       p->name);
		else if (!str_is_name(p->name))
			(void)diags_at(ctx->diags, p->pos, "use letters, digits, _ . and -",
				       "check \"%s\": \"%s\" cannot be the name of a value",
				       c->name, str_escaped(ctx->arena, p->name));
	}
}

/* A key that only some formats know: with another it would be read and do nothing. */
static void check_key(struct keys_context *ctx, const struct check *c, const char *key,
		      unsigned known, const char *words)
{
	const struct command_spec *spec = c->spec;

	if (!node_get(c->spec_node, key) || known & 1u << spec->format)
		return;
	(void)diags_at(ctx->diags, keys_pos(c->spec_node, key),
		       arena_printf(ctx->arena, "add format: %s", words),
		       "check \"%s\": \"%s\" means nothing with format %s", c->name, key,
		       formats[spec->format]);
}

static void check_formats(struct keys_context *ctx, const struct check *c)
{
	const struct command_spec *spec = c->spec;
	const unsigned tests = 1u << COMMAND_TAP | 1u << COMMAND_JUNIT;

	check_key(ctx, c, "perfdata", 1u << COMMAND_NAGIOS, "nagios");
	check_key(ctx, c, "json", 1u << COMMAND_JSON, "json");
	check_key(ctx, c, "min_tests", tests, "tap or junit");
	check_key(ctx, c, "report", tests | 1u << COMMAND_JSON, "tap, junit or json");
	check_names(ctx, c, &spec->perfdata);
	check_names(ctx, c, &spec->json);
	for (size_t i = 0; i < spec->json.n; i++) {
		const struct pair *p = &spec->json.items[i];
		struct err e = {.class = ERR_NONE};
		struct capture capture;

		if (capture_parse_json(ctx->arena, p->value, &capture, &e) < 0)
			(void)diags_at(ctx->diags, p->pos, *e.help ? e.help : NULL,
				       "check \"%s\": %s", c->name, e.message);
	}
	if (spec->format == COMMAND_JSON && spec->json.n == 0)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "format"),
			       "for example json: { queue: /jobs/waiting }",
			       "check \"%s\": format json needs \"json\", the values to take",
			       c->name);
}

void command_check_argv(struct keys_context *ctx, const struct check *c, const char *key,
			const struct texts *run)
{
	const struct node *node = node_get(c->spec_node, key);

	if (run->n > 0 && run->items[0][0] == '\0')
		diags_at(ctx->diags, run->positions[0], NULL,
			 "check \"%s\": the program to run has no name", c->name);
	if (node && node->type == NODE_SCALAR && strpbrk(node->text, " \t\n"))
		diags_at(ctx->diags, node->pos,
			 arena_printf(ctx->arena,
				      "write a list, one word an item: %s: [test, -f, data.csv]; "
				      "for a shell line: %s: [sh, -c, \"...\"]",
				      key, key),
			 "check \"%s\": \"%s\" is a line, and no shell splits it", c->name, key);
}

void command_check_env(struct keys_context *ctx, const struct check *c, const struct pairs *env)
{
	for (size_t i = 0; i < env->n; i++) {
		if (command_is_variable(env->items[i].name))
			continue;
		diags_at(ctx->diags, env->items[i].pos, NULL,
			 "check \"%s\": \"%s\" cannot be the name of an environment variable",
			 c->name, str_escaped(ctx->arena, env->items[i].name));
	}
}

static void command_check(struct keys_context *ctx, struct check *c)
{
	const struct command_spec *spec = c->spec;

	command_check_argv(ctx, c, "run", &spec->run);
	command_check_env(ctx, c, &spec->env);
	check_formats(ctx, c);
	command_sandbox_check(ctx, c);
}

static void command_check_bounds(struct keys_context *ctx, const struct check *c)
{
	const struct command_spec *spec = c->spec;

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];
		unsigned of = formats_of(x->name);

		if (of != 0 && !(of & 1u << spec->format))
			(void)diags_at(ctx->diags, x->has_expect ? x->expect.pos : x->warn.pos,
				       NULL, "check \"%s\": format %s gives no value \"%s\"",
				       c->name, formats[spec->format], x->name);
	}
}

/* As one would type it, for people. */
void command_put_line(struct buf *out, const struct texts *run)
{
	for (size_t i = 0; i < run->n; i++) {
		if (i > 0)
			(void)buf_putc(out, ' ');
		str_word(out, run->items[i]);
	}
}

static void command_describe(struct probe *p, struct buf *out)
{
	const struct command_spec *spec = p->checks[0]->spec;

	command_put_line(out, &spec->run);
	(void)buf_putc(out, '\n');
	if (spec->cwd)
		(void)buf_printf(out, "in %s\n", spec->cwd);
	if (node_get(p->checks[0]->spec_node, "sandbox"))
		(void)buf_puts(out, "in a sandbox\n");
	if (spec->report)
		(void)buf_printf(out, "%s from %s\n", formats[spec->format], spec->report);
	else if (spec->format != COMMAND_PLAIN)
		(void)buf_printf(out, "%s from its output\n", formats[spec->format]);
	for (size_t i = 0; i < spec->env.n; i++)
		(void)buf_printf(out, "%s%s%s", i == 0 ? "with " : " ", spec->env.items[i].name,
				 i + 1 == spec->env.n ? "\n" : "");
}

const struct audit_kind audit_kind_command = {
	.name = "command",
	.family = "command",
	.summary = "a program run without a shell: exit status, output, time; plugins and test "
		   "reports",
	.blind = "It proves what the program said, not that the program looked: a script that "
		 "swallows its own errors and exits 0 passes. Without sandbox: it sees the machine "
		 "as the user who runs assize does and is not kept from changing what it audits; "
		 "with it, what the kernel cannot keep from it is said, and unless read: is given "
		 "it may read all that its user may; a kernel older than Linux 6.12 "
		 "(Landlock ABI 6) lets it send signals to other processes of its user. setuid "
		 "programs (check_icmp) need to run without one. A plugin, a test report or a "
		 "document is believed in what it says, once it is whole and does not contradict "
		 "itself. What it asks another service to "
		 "start (a container, a unit) is not ended with it, nor counted in cpu; memory is "
		 "that of its largest process, and less than about 2 MiB is not told apart.",
	.spec_size = sizeof(struct command_spec),
	.keys = command_keys,
	.values = command_values,
	.has_value = command_has_value,
	.check = command_check,
	.check_bounds = command_check_bounds,
	.arsenal = &arsenal_command,
	.describe = command_describe,
	.probe = command_probe,
};
