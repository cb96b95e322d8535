/*
 * command: the program is run, and what every program has is told: how it ended, what it wrote, how
 * long it took. What it printed by a protocol is read only when it ended by itself.
 */
#include "audits/command.h"

#include <signal.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/proc.h"

#define MAX_JUDGED_BYTES (64 * 1024)
#define EVIDENCE_LINES	 20
#define EVIDENCE_BYTES	 3000 /* of each stream */
#define SHOWN_BYTES	 200

static const char *command_line(struct arena *a, const struct command_spec *spec)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	command_put_line(&b, &spec->run);

	const char *line = arena_strdup(a, b.data);
	buf_release(&b);
	return line;
}

static bool has_variable(const struct pairs *env, const char *name)
{
	for (size_t i = 0; i < env->n; i++)
		if (strcmp(env->items[i].name, name) == 0)
			return true;
	return false;
}

const char *const *command_argv(struct arena *a, const struct texts *run)
{
	const char **argv = arena_array(a, run->n + 1, sizeof(*argv));

	memcpy(argv, run->items, run->n * sizeof(*argv));
	return argv;
}

const char *const *command_env(struct arena *a, const struct command_spec *spec)
{
	const struct pairs *env = &spec->env;
	const char **out = arena_array(a, env->n + 3, sizeof(*out));
	size_t n = 0;

	if (!has_variable(env, "PATH"))
		out[n++] = spec->format == COMMAND_NAGIOS ? "PATH=" COMMAND_PATH COMMAND_PLUGIN_PATH
							  : "PATH=" COMMAND_PATH;
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

/*
 * Masked before it is cut into lines, so that no part of a secret gets through; of a program that
 * was stopped in the middle of one, what it had written of it is masked as well. A secret has no
 * NUL, and one ends every piece of s, also the last.
 */
static void put_stream(struct buf *out, const struct command_view *v, const char *name,
		       const char *s, size_t n)
{
	const struct redactor *r = v->probe->world->definition->redactor;
	struct arena *a = v->probe->arena;
	struct buf masked;

	buf_init(&masked, BUF_UNBOUNDED); /* the output is bounded */
	for (size_t i = 0; i < n;) {
		size_t len = strlen(s + i);
		bool is_cut = v->reason && i + len == n;

		(void)buf_puts(&masked,
			       is_cut ? redact_cut(r, a, s + i) : redact_text(r, a, s + i));
		i += len;
		if (i < n)
			(void)buf_putc(&masked, s[i++]);
	}
	put_tail(out, name, masked.data, masked.len);
	buf_release(&masked);
}

const char *command_last_words(const struct command_view *v)
{
	const struct proc_result *r = v->result;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* both tails are bounded */
	put_stream(&b, v, "stderr", r->err, r->err_len);
	put_stream(&b, v, "stdout", r->out, r->out_len);
	if (b.len > 0)
		b.len--; /* the last newline */

	const char *text = b.len > 0 ? arena_strndup(v->probe->arena, b.data, b.len) : NULL;
	buf_release(&b);
	return text;
}

const char *command_signal_name(int number)
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

bool command_expects(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

void command_emit(const struct command_view *v, struct measurement m)
{
	if (v->reason)
		m = measurement_none(m.name, v->reason);
	m.evidence = v->evidence;
	m.query = v->query;
	if (!m.reason)
		m.reason = v->remark;
	probe_emit(v->probe, 0, &m);
}

const char *command_shown(const struct command_view *v, const char *text)
{
	struct arena *a = v->probe->arena;
	const char *masked = redact_text(v->probe->world->definition->redactor, a, text);
	size_t n = strlen(masked), shown = utf8_fit(masked, n, SHOWN_BYTES);

	return shown == n ? masked : arena_printf(a, "%.*s...", (int)shown, masked);
}

void command_add_evidence(struct command_view *v, const char *line)
{
	v->evidence =
		v->evidence ? arena_printf(v->probe->arena, "%s\n%s", line, v->evidence) : line;
}

/* Texts are kept only when somebody judges them. */
static void emit_texts(const struct command_view *v)
{
	const struct proc_result *r = v->result;
	struct arena *a = v->probe->arena;

	if (command_expects(v->check, "output"))
		command_emit(v, text_of(a, "output", r->out, r->out_len));
	if (command_expects(v->check, "errors"))
		command_emit(v, text_of(a, "errors", r->err, r->err_len));
	command_emit(v, measurement_real("duration", (double)r->duration_us / 1e6, "s"));
	command_emit(v, measurement_real("cpu", (double)r->cpu_us / 1e6, "s"));
	command_emit(v, measurement_int("memory", r->peak_bytes, "B"));
}

static void emit_all(struct command_view *v)
{
	/* In a format of its own the status is told by who knows what it means. */
	if (v->spec->format != COMMAND_NAGIOS)
		command_emit(v, measurement_int("status", v->result->exit_status, ""));
	switch ((enum command_format)v->spec->format) {
	case COMMAND_PLAIN:
		break;
	case COMMAND_NAGIOS:
		command_emit_nagios(v);
		break;
	case COMMAND_TAP:
		command_emit_tap(v);
		break;
	case COMMAND_JUNIT:
		command_emit_junit(v);
		break;
	case COMMAND_JSON:
		command_emit_json(v);
		break;
	}
	emit_texts(v);
}

/* What the program wrote for the protocol to read, once it has ended. */
static void read_report(struct arena *a, const struct command_spec *spec,
			const struct command_report *before, struct command_ran *ran)
{
	struct err e = {.class = ERR_NONE};

	if (ran->reason != NULL)
		return;
	if (command_report_read(a, before, (size_t)spec->max_output, &ran->documents,
				&ran->n_documents, &e) < 0)
		ran->documents_problem = arena_strdup(a, e.message);
}

static void find_documents(struct command_view *v, const struct command_ran *ran)
{
	struct command_document *d;

	v->documents = ran->documents;
	v->n_documents = ran->n_documents;
	v->documents_problem = ran->documents_problem;
	if (v->spec->report)
		return;
	d = arena_alloc(v->probe->arena, sizeof(*d));
	*d = (struct command_document){.text = ran->result.out, .n = ran->result.out_len};
	v->documents = d;
	v->n_documents = 1;
}

/* What was kept from it, in the evidence; what could not be, with every value. */
static void tell_sandbox(struct command_view *v)
{
	const struct proc_result *r = v->result;
	struct arena *a = v->probe->arena;

	if (r->sandbox_told)
		command_add_evidence(v, arena_printf(a, "sandbox: %s", r->sandbox_told));
	if (r->sandbox_missing) {
		command_add_evidence(v,
				     arena_printf(a, "not in the sandbox: %s", r->sandbox_missing));
		v->remark = arena_printf(a, "not in the sandbox: %s", r->sandbox_missing);
	}
}

int command_run_once(struct probe *p, const atomic_bool *is_cancelled, struct command_ran *out,
		     struct err *e)
{
	const struct check *c = p->checks[0];
	const struct command_spec *spec = c->spec;
	const char *root = p->world->definition->root_dir;
	const char *cwd = spec->cwd ? spec->cwd : root;
	struct proc_request request = {
		.argv = command_argv(p->arena, &spec->run),
		.env = command_env(p->arena, spec),
		.cwd = cwd,
		.deadline_ms = p->deadline_ms,
		.is_cancelled = is_cancelled,
		.limit_ms = c->timeout_ms,
		.max_output_bytes = (size_t)spec->max_output,
		.sandbox = command_sandbox(p->arena, c, root, cwd),
	};
	struct command_report *report =
		spec->report ? command_report_before(p->arena, spec->report) : NULL;
	struct command_ran ran = {.reason = NULL};
	struct err failure = {.class = ERR_NONE};

	if (proc_run(p->arena, p->world->clock, &request, &ran.result, &failure) < 0) {
		/* Nothing was seen of it: the error says all there is to say, with its help. */
		if (ran.result.out_len == 0 && ran.result.err_len == 0) {
			*e = failure;
			return -1;
		}
		ran.reason = arena_strdup(p->arena, failure.message);
	} else if (ran.result.signal != 0) {
		ran.reason = arena_printf(p->arena, "\"%s\" was killed by signal %d (%s)",
					  spec->run.items[0], ran.result.signal,
					  command_signal_name(ran.result.signal));
	}
	if (report)
		read_report(p->arena, spec, report, &ran);
	*out = ran;
	return 0;
}

void command_tell(struct probe *p, const struct command_ran *ran)
{
	const struct check *c = p->checks[0];
	struct command_view v = {.probe = p,
				 .check = c,
				 .spec = c->spec,
				 .result = &ran->result,
				 .reason = ran->reason};

	v.evidence = command_last_words(&v);
	v.query = command_line(p->arena, v.spec);
	tell_sandbox(&v);
	find_documents(&v, ran);
	emit_all(&v);
}

int command_probe(struct probe *p, struct err *e)
{
	struct command_ran ran;

	if (command_run_once(p, NULL, &ran, e) < 0)
		return -1;
	command_tell(p, &ran);
	return 0;
}
