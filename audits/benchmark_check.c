/*
 * benchmark: what is wrong with a definition, found before anything is run. An effect that says
 * nothing about the value it is for, and a level that no history could reach, would otherwise be
 * noticed after weeks of passes.
 */
#include <string.h>

#include "audits/benchmark.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/http.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"
#include "runner/stats/permutation.h"

/* Above it nearly everything counts as worse. */
#define MAX_LEVEL 0.5

static size_t count_subjects(const struct check *c)
{
	return (size_t)(node_get(c->spec_node, "command") != NULL) +
	       (size_t)(node_get(c->spec_node, "sql") != NULL) +
	       (size_t)(node_get(c->spec_node, "http") != NULL);
}

/* A key that only a command knows: with another subject it would be read and do nothing. */
static void check_command_keys(struct keys_context *ctx, const struct check *c)
{
	static const char *const keys[] = {"against", "cwd", "env", "max_output"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (node_get(c->spec_node, keys[i]) != NULL)
			(void)diags_at(ctx->diags, keys_pos(c->spec_node, keys[i]), NULL,
				       "check \"%s\": \"%s\" is for a command", c->name, keys[i]);
}

static bool is_database(const struct target *t)
{
	return (TARGET_BIT(t->type) & TARGET_DATABASES) != 0;
}

static void check_request(struct keys_context *ctx, const struct check *c)
{
	const struct benchmark_request *http = &((const struct benchmark_spec *)c->spec)->http;
	const char *method = http_methods[http->method];
	const struct node *node = node_get(c->spec_node, "http");

	if (http->body != NULL && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
		(void)diags_at(ctx->diags, keys_pos(node, "body"), "add method: POST",
			       "check \"%s\": a %s request has no body", c->name, method);
	if (http_join(ctx->arena, c->target->location, http->path) == NULL)
		(void)diags_at(ctx->diags, keys_pos(node, "path"),
			       "write a path, or make a target of that host",
			       "check \"%s\": \"path\" leaves the host of target \"%s\"", c->name,
			       c->target->name);
}

static void check_subject(struct keys_context *ctx, const struct check *c)
{
	const struct benchmark_spec *spec = c->spec;
	enum benchmark_subject subject = benchmark_subject(c);

	if (subject == BENCHMARK_COMMAND) {
		command_check_argv(ctx, c, "command", &spec->program.run);
		command_check_argv(ctx, c, "against", &spec->against);
		command_check_env(ctx, c, &spec->program.env);
		return;
	}
	check_command_keys(ctx, c);
	if (subject == BENCHMARK_SQL && spec->sql != NULL &&
	    spec->sql[strspn(spec->sql, " \t\r\n;")] == '\0')
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "sql"), NULL,
			       "check \"%s\": the statement is empty", c->name);
	if (c->target == NULL || is_database(c->target) != (subject == BENCHMARK_SQL))
		(void)diags_at(ctx->diags, c->kind_pos,
			       subject == BENCHMARK_SQL ? "give the check a target: that is one"
							: "give the check a target: of type http",
			       "check \"%s\": \"%s\" needs %s", c->name,
			       subject == BENCHMARK_SQL ? "sql" : "http",
			       subject == BENCHMARK_SQL ? "a database" : "a web server");
	else if (subject == BENCHMARK_HTTP)
		check_request(ctx, c);
}

static int read_effect(struct benchmark_spec *spec)
{
	const char *text = spec->effect_text, *unit;
	size_t n = strspn(text, "0123456789.");

	if (n == 0 || num_parse_real(text, n, &spec->effect) != 0)
		return -1;
	unit = text + n + strspn(text + n, " ");
	if (!unit_is_suffix(unit, strlen(unit)))
		return -1;
	spec->effect *= unit_to_base(unit, &spec->effect_unit);
	return 0;
}

static bool is_level(double level)
{
	return level > 0 && level <= MAX_LEVEL;
}

static void check_numbers(struct keys_context *ctx, const struct check *c)
{
	struct benchmark_spec *spec = c->spec;

	if (spec->min_samples > spec->n)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "min_samples"), NULL,
			       "check \"%s\": min_samples is more than n", c->name);
	if (read_effect(spec) != 0)
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "effect"),
			       "write a share, a time or a size: 5%, 2ms, 1MiB",
			       "check \"%s\": cannot read effect \"%s\"", c->name,
			       str_escaped(ctx->arena, spec->effect_text));
	if (!is_level(spec->level))
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "level"), "0.05 is usual",
			       "check \"%s\": level must be above 0 and at most 0.5", c->name);
}

void benchmark_check(struct keys_context *ctx, struct check *c)
{
	if (count_subjects(c) != 1)
		(void)diags_at(ctx->diags, c->kind_pos, "for example command: [bin/shop, report]",
			       "check \"%s\": write one of command, sql and http", c->name);
	else
		check_subject(ctx, c);
	check_numbers(ctx, c);
}

/* What has too little beside it to reach the level never fails. */
static void check_reach(struct keys_context *ctx, const struct check *c, size_t needed,
			size_t given, size_t most, const char *key, const char *what)
{
	struct pos pos = keys_pos(c->spec_node, "level");

	if (needed <= given)
		return;
	if (needed <= most)
		(void)diags_at(ctx->diags, pos,
			       arena_printf(ctx->arena, "write %s: %zu", key, needed),
			       "check \"%s\": at this level nothing can be told from fewer than "
			       "%zu %s",
			       c->name, needed, what);
	else
		(void)diags_at(ctx->diags, pos, "0.05 is usual",
			       "check \"%s\": at this level nothing can be told from %zu %s, the "
			       "most there are",
			       c->name, most, what);
}

static void check_level(struct keys_context *ctx, const struct check *c)
{
	const struct benchmark_spec *spec = c->spec;
	bool has_history = false, has_control = false;

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		has_history = has_history || (x->has_expect && x->expect.has_history) ||
			      (x->has_warn && x->warn.has_history);
		has_control = has_control || (x->has_expect && x->expect.has_control) ||
			      (x->has_warn && x->warn.has_control);
	}
	if (!is_level(spec->level))
		return;
	if (has_history)
		check_reach(ctx, c, stats_permutation_min_runs(spec->level), (size_t)spec->runs,
			    BENCHMARK_MAX_RUNS, "runs", "runs");
	if (has_control)
		check_reach(ctx, c, stats_permutation_min_pairs(spec->level), (size_t)spec->n,
			    BENCHMARK_MAX_REPETITIONS, "n", "repetitions");
}

/* An effect in ms says nothing about bytes. */
void benchmark_check_bounds(struct keys_context *ctx, const struct check *c)
{
	const struct benchmark_spec *spec = c->spec;

	check_level(ctx, c);
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];
		bool is_compared = (x->has_expect && x->expect.has_history) ||
				   (x->has_warn && x->warn.has_history);
		const char *unit = strcmp(x->name, "memory") == 0 ? "B" : "s";

		if (!is_compared || strcmp(spec->effect_unit, "%") == 0 ||
		    (strcmp(x->name, "ratio") != 0 && strcmp(spec->effect_unit, unit) == 0) ||
		    (strcmp(x->name, "ratio") == 0 && strcmp(spec->effect_unit, "s") == 0))
			continue;
		(void)diags_at(ctx->diags, keys_pos(c->spec_node, "effect"),
			       "write a share, for example 5%",
			       "check \"%s\": an effect of %s says nothing about \"%s\"", c->name,
			       spec->effect_text, x->name);
	}
}
