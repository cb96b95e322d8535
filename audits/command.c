/*
 * command: a program of the user's own, run without a shell.
 *
 * What it is given is exactly what the definition says: no inherited environment, no standard
 * input. An exit status is a measurement only when the program chose it: a signal, a deadline, too
 * much output or a program that cannot be started is no measurement of anything, also not of
 * `status` (the 127 of a shell never appears).
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define MAX_JUDGED_BYTES (64 * 1024)
#define EVIDENCE_LINES	 20
#define EVIDENCE_BYTES	 3000 /* of each stream */
#define DEFAULT_PATH	 "/usr/local/bin:/usr/bin:/bin"

struct command_spec {
	struct texts run;
	const char *cwd;
	struct pairs env;
	int64_t max_output;
};

static const struct key_row command_keys[] = {
	{.name = "run",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .offset = offsetof(struct command_spec, run),
	 .help = "the program and its arguments, one a list item; no shell reads them",
	 .example = "[scripts/smoke, --fast]"},
	{.name = "cwd",
	 .type = KEY_PATH,
	 .offset = offsetof(struct command_spec, cwd),
	 .help = "directory to run in, that of the definition if absent",
	 .example = "build"},
	{.name = "env",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct command_spec, env),
	 .help = "the whole environment, besides PATH=" DEFAULT_PATH " and LC_ALL=C.UTF-8",
	 .example = "{ TOKEN: \"${env:TOKEN}\" }"},
	{.name = "max_output",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct command_spec, max_output),
	 .min = 1,
	 .max = 64 * 1024 * 1024,
	 .def = "1MiB",
	 .help = "a program that writes more, on either stream, is ended and not judged",
	 .example = "64KiB"},
	KEY_END,
};

static const struct value_row command_values[] = {
	{.name = "status", .type = VALUE_INT, .unit = "", .implied = "== 0", .help = "exit status"},
	{.name = "output",
	 .type = VALUE_TEXT,
	 .unit = "",
	 .help = "standard output without the newlines at its end, at most 64 KiB"},
	{.name = "errors", .type = VALUE_TEXT, .unit = "", .help = "standard error, likewise"},
	{.name = "duration", .type = VALUE_REAL, .unit = "s", .help = "from start to end"},
	{.name = NULL},
};

static bool is_variable_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(s, letters);

	return n > 0 && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				    "0123456789")] == '\0';
}

static void command_check(struct keys_context *ctx, struct check *c)
{
	const struct command_spec *spec = c->spec;
	const struct node *run = node_get(c->spec_node, "run");

	if (spec->run.n > 0 && spec->run.items[0][0] == '\0')
		diags_at(ctx->diags, spec->run.positions[0], NULL,
			 "check \"%s\": the program to run has no name", c->name);
	/* The one mistake everybody makes who comes from a shell. */
	if (run && run->type == NODE_SCALAR && strpbrk(run->text, " \t\n"))
		diags_at(ctx->diags, run->pos,
			 "write a list, one word an item: run: [test, -f, data.csv]; for a shell "
			 "line: run: [sh, -c, \"...\"]",
			 "check \"%s\": \"run\" is a line, and no shell splits it", c->name);
	for (size_t i = 0; i < spec->env.n; i++) {
		if (is_variable_name(spec->env.items[i].name))
			continue;
		diags_at(ctx->diags, spec->env.items[i].pos, NULL,
			 "check \"%s\": \"%s\" cannot be the name of an environment variable",
			 c->name, str_escaped(ctx->arena, spec->env.items[i].name));
	}
}

static void put_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";

	if (word[0] && word[strspn(word, plain)] == '\0') {
		(void)buf_puts(out, word); /* the definition is bounded */
		return;
	}
	(void)buf_putc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			(void)buf_puts(out, "'\\''");
		else
			str_escape(out, word, 1);
	}
	(void)buf_putc(out, '\'');
}

/* As one would type it, for people. */
static void put_command_line(struct buf *out, const struct command_spec *spec)
{
	for (size_t i = 0; i < spec->run.n; i++) {
		if (i > 0)
			(void)buf_putc(out, ' ');
		put_word(out, spec->run.items[i]);
	}
}

static const char *command_line(struct arena *a, const struct command_spec *spec)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	put_command_line(&b, spec);

	const char *line = arena_strdup(a, b.data);
	buf_release(&b);
	return line;
}

static void command_describe(struct probe *p, struct buf *out)
{
	const struct command_spec *spec = p->checks[0]->spec;

	put_command_line(out, spec);
	(void)buf_putc(out, '\n');
	if (spec->cwd)
		(void)buf_printf(out, "in %s\n", spec->cwd);
	for (size_t i = 0; i < spec->env.n; i++)
		(void)buf_printf(out, "%s%s%s", i == 0 ? "with " : " ", spec->env.items[i].name,
				 i + 1 == spec->env.n ? "\n" : "");
}

static bool has_variable(const struct pairs *env, const char *name)
{
	for (size_t i = 0; i < env->n; i++)
		if (strcmp(env->items[i].name, name) == 0)
			return true;
	return false;
}

static const char *const *build_argv(struct arena *a, const struct texts *run)
{
	const char **argv = arena_array(a, run->n + 1, sizeof(*argv));

	memcpy(argv, run->items, run->n * sizeof(*argv));
	return argv;
}

static const char *const *build_env(struct arena *a, const struct pairs *env)
{
	const char **out = arena_array(a, env->n + 3, sizeof(*out));
	size_t n = 0;

	if (!has_variable(env, "PATH"))
		out[n++] = "PATH=" DEFAULT_PATH;
	if (!has_variable(env, "LC_ALL"))
		out[n++] = "LC_ALL=C.UTF-8";
	for (size_t i = 0; i < env->n; i++)
		out[n++] = arena_printf(a, "%s=%s", env->items[i].name, env->items[i].value);
	return out;
}

/* Where the last lines of s begin, at most EVIDENCE_LINES of them and EVIDENCE_BYTES. */
static size_t tail_start(const char *s, size_t n)
{
	size_t lines = 0, start = n;

	while (start > 0 && n - start < EVIDENCE_BYTES) {
		if (s[start - 1] == '\n' && start < n && ++lines == EVIDENCE_LINES)
			break;
		start--;
	}
	return start;
}

static void put_tail(struct buf *out, const char *name, const char *s, size_t n)
{
	size_t start = tail_start(s, n);

	if (start > 0)
		(void)buf_printf(out, "%s: (%zu bytes before this)\n", name, start);
	while (start < n) {
		const char *newline = memchr(s + start, '\n', n - start);
		size_t len = newline ? (size_t)(newline - (s + start)) : n - start;

		(void)buf_printf(out, "%s: ", name);
		str_escape(out, s + start, len);
		(void)buf_putc(out, '\n');
		start += len + 1;
	}
}

/* The last words of the program, errors first; NULL when it said nothing. */
static const char *last_words(struct arena *a, const struct proc_result *r)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* both tails are bounded */
	put_tail(&b, "stderr", r->err, r->err_len);
	put_tail(&b, "stdout", r->out, r->out_len);
	if (b.len > 0)
		b.len--; /* the last newline */

	const char *text = b.len > 0 ? arena_strndup(a, b.data, b.len) : NULL;
	buf_release(&b);
	return text;
}

static const char *signal_name(int number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
		{SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},
		{SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
		{SIGSEGV, "SIGSEGV"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"},
		{SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"},
		{SIGSYS, "SIGSYS"},   {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "unnamed";
}

/* A stream as a value, or the reason why it cannot be judged as text. */
static struct measurement text_of(struct arena *a, const char *name, const char *s, size_t n)
{
	while (n > 0 && s[n - 1] == '\n')
		n--;
	if (n > MAX_JUDGED_BYTES)
		return measurement_none(name, arena_printf(a,
							   "%zu bytes were written, more than the "
							   "%d that are kept for judging",
							   n, MAX_JUDGED_BYTES));
	if (memchr(s, '\0', n))
		return measurement_none(name, "a NUL byte was written: this is no text");
	if (!str_is_utf8(s, n))
		return measurement_none(name, "what was written is not valid UTF-8");
	return measurement_text(name, arena_strndup(a, s, n));
}

static struct measurement measure(struct arena *a, const char *name, const struct proc_result *r)
{
	if (strcmp(name, "status") == 0)
		return measurement_int(name, r->exit_status, "");
	if (strcmp(name, "duration") == 0)
		return measurement_real(name, (double)r->duration_us / 1e6, "s");
	if (strcmp(name, "output") == 0)
		return text_of(a, name, r->out, r->out_len);
	return text_of(a, name, r->err, r->err_len);
}

/* Texts are kept only when somebody judges them. */
static bool is_wanted(const struct check *c, const struct value_row *row)
{
	if (row->type != VALUE_TEXT)
		return true;
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, row->name) == 0)
			return true;
	return false;
}

static int command_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct command_spec *spec = c->spec;
	struct proc_request request = {
		.argv = build_argv(p->arena, &spec->run),
		.env = build_env(p->arena, &spec->env),
		.cwd = spec->cwd ? spec->cwd : p->world->definition->root_dir,
		.deadline_ms = p->deadline_ms,
		.limit_ms = c->timeout_ms,
		.max_output_bytes = (size_t)spec->max_output,
	};
	struct proc_result result;
	struct err failure = {.class = ERR_NONE};
	const char *reason = NULL;

	if (proc_run(p->arena, p->world->clock, &request, &result, &failure) < 0) {
		/* Nothing was seen of it: the error says all there is to say, with its help. */
		if (result.out_len == 0 && result.err_len == 0) {
			*e = failure;
			return -1;
		}
		reason = arena_strdup(p->arena, failure.message);
	} else if (result.signal != 0) {
		reason =
			arena_printf(p->arena, "\"%s\" was killed by signal %d (%s)",
				     spec->run.items[0], result.signal, signal_name(result.signal));
	}

	const char *evidence = last_words(p->arena, &result);
	const char *query = command_line(p->arena, spec);
	for (const struct value_row *row = command_values; row->name; row++) {
		if (!is_wanted(c, row))
			continue;

		struct measurement m = reason ? measurement_none(row->name, reason)
					      : measure(p->arena, row->name, &result);
		m.evidence = evidence;
		m.query = query;
		probe_emit(p, 0, &m);
	}
	return 0;
}

const struct audit_kind audit_kind_command = {
	.name = "command",
	.family = "command",
	.summary = "a program run without a shell: exit status, output, time",
	.blind = "It proves what the program said, not that the program looked: a script that "
		 "swallows its own errors and exits 0 passes. The program sees the machine as the "
		 "user who runs assize does; it is not kept from changing what it audits. What it "
		 "asks another service to start (a container, a unit) is not ended with it.",
	.spec_size = sizeof(struct command_spec),
	.keys = command_keys,
	.values = command_values,
	.check = command_check,
	.describe = command_describe,
	.probe = command_probe,
};
