/*
 * rollback_smoke: a program of the tag, run in the restored tree by the rules of kind command.
 *
 * Disproved: it says so by its exit status, a signal ends it, or it does not end in time; whatever
 * it started is ended with it. Unproven: it cannot be started, the sandbox that is required cannot
 * be had, or it writes more than can be judged. The tree is read-only for it; what it may write is
 * a directory of its own beside the tree, its HOME and TMPDIR.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audits/command.h"
#include "audits/rollback_look.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/io/proc.h"
#include "runner/io/sandbox.h"

static const enum sandbox_network networks[] = {SANDBOX_NONE, SANDBOX_LOOPBACK, SANDBOX_ANY};

/* One smoke test on its way. */
struct smoke {
	struct arena *a;
	const struct rollback_look *look;
	const struct rollback_smoke *spec;
	const struct rollback_place *place;
	struct texts run; /* expanded */
	const char *line; /* as one would type it */
	const char *own;  /* directory it may write to */
	const struct sandbox *sandbox;
	struct rollback_found *out;
};

static void find(struct smoke *m, enum outcome outcome, const char *remedy, const char *finding)
{
	m->out->outcome = outcome;
	m->out->finding = finding;
	m->out->remedy = remedy;
}

static const char *as_typed(struct arena *a, const struct texts *words)
{
	const char *line;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	command_put_line(&b, words);
	line = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return line;
}

static void expand(struct smoke *m)
{
	const struct texts *run = &m->spec->run;

	m->run.items = arena_array(m->a, run->n, sizeof(*m->run.items));
	m->run.n = run->n;
	for (size_t i = 0; i < run->n; i++)
		m->run.items[i] = rollback_expand(m->a, run->items[i], m->place);
	m->line = as_typed(m->a, &m->run);
}

/* Where one can look at it oneself. */
static const char *by_hand(struct smoke *m)
{
	const char *words[] = {"git",	     "-C",  m->look->set->repo->location,
			       "worktree",   "add", "/tmp/smoke",
			       m->place->tag};
	const struct texts add = {.items = words, .n = sizeof(words) / sizeof(words[0])};

	return arena_printf(m->a, "%s && cd /tmp/smoke && %s", as_typed(m->a, &add), m->line);
}

static const struct sandbox *make_sandbox(struct smoke *m)
{
	const struct command_sandbox s = {
		.is_required = m->spec->sandbox == ROLLBACK_SANDBOX_REQUIRED,
		.write = {.items = &m->own, .n = 1},
		.network = (int)networks[m->spec->network],
		.user = m->spec->user,
		.memory = m->spec->memory,
		.processes = m->spec->processes,
	};

	return command_sandbox_of(m->a, &s, m->run.items[0], m->place->tree, m->place->tree);
}

/*
 * Is there a sandbox to be had? Its own directory is made, and whom root becomes may pass through
 * scratch to it: the group alone, so that nobody else gets at what is restored. -1: it cannot be
 * arranged.
 */
static int make_room(struct smoke *m, struct err *e)
{
	const char *told, *missing;
	struct sandbox_plan plan;

	if (sandbox_plan(m->a, m->sandbox, &plan, &told, &missing, e) < 0)
		return -1;
	if (mkdir(m->own, 0700) < 0)
		return err_set(e, ERR_MEASURE, "could not create \"%s\": %s", m->own,
			       strerror(errno));
	if (!plan.has_user)
		return 0;
	if (chown(m->own, plan.uid, plan.gid) < 0 ||
	    chown(m->place->scratch, (uid_t)-1, plan.gid) < 0 || chmod(m->place->scratch, 0710) < 0)
		return err_set(e, ERR_MEASURE,
			       "could not let the user of the sandbox into \"%s\": %s",
			       m->place->scratch, strerror(errno));
	return 0;
}

static bool is_set(const struct pairs *env, const char *name)
{
	for (size_t i = 0; i < env->n; i++)
		if (strcmp(env->items[i].name, name) == 0)
			return true;
	return false;
}

static const char *const *environment(struct smoke *m)
{
	static const char *const own[] = {"HOME", "TMPDIR"};
	const struct pairs *given = &m->spec->env;
	struct command_spec spec = {.format = COMMAND_PLAIN};

	spec.env.items = arena_array(m->a, given->n + 2, sizeof(*spec.env.items));
	for (size_t i = 0; i < 2; i++)
		if (!is_set(given, own[i]))
			spec.env.items[spec.env.n++] =
				(struct pair){.name = own[i], .value = m->own};
	for (size_t i = 0; i < given->n; i++) {
		struct pair *p = &spec.env.items[spec.env.n++];

		*p = given->items[i];
		p->value = rollback_expand(m->a, p->value, m->place);
	}
	return command_env(m->a, &spec);
}

/* The last it said, errors rather than output; masked already. */
static const char *last_line(struct arena *a, const char *words)
{
	static const char mark[] = "stderr: ";
	const char *last = words;

	for (const char *p = words; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, mark, sizeof(mark) - 1) == 0 ||
		    strncmp(last, mark, sizeof(mark) - 1) != 0)
			last = p;
	}
	return last ? arena_printf(a, ": %.*s", (int)strcspn(last, "\n"), last) : "";
}

/* It ran, or was ended. */
static void judge(struct smoke *m, const struct proc_result *r, const char *words)
{
	const char *last = last_line(m->a, words);
	char limit[NUM_REAL_MAX];

	if (r->is_late) {
		(void)num_format_duration(m->spec->timeout_ms, limit);
		find(m, OUTCOME_FAIL, by_hand(m),
		     arena_printf(m->a, "\"%s\" did not end within %s%s", m->line, limit, last));
	} else if (r->signal != 0) {
		find(m, OUTCOME_FAIL, by_hand(m),
		     arena_printf(m->a, "\"%s\" was killed by signal %d (%s)%s", m->line, r->signal,
				  command_signal_name(r->signal), last));
	} else if (r->exit_status != 0) {
		find(m, OUTCOME_FAIL, by_hand(m),
		     arena_printf(m->a, "\"%s\" ended with status %d%s", m->line, r->exit_status,
				  last));
	} else {
		find(m, OUTCOME_PASS, NULL, NULL);
	}
}

/* Of what did not run to its end. */
static const char *remedy_of(struct smoke *m, const struct proc_result *r, const struct err *e)
{
	size_t most = (size_t)m->spec->max_output;

	if (r->out_len >= most || r->err_len >= most)
		return "raise smoke: { max_output: }";
	return *e->help ? arena_strdup(m->a, e->help) : by_hand(m);
}

static void run(struct smoke *m)
{
	const struct probe_world *world = m->look->probe->world;
	int64_t now_ms = clock_monotonic_ms(world->clock);
	bool is_cut = m->place->deadline_ms - now_ms < m->spec->timeout_ms;
	struct proc_request request = {
		.argv = command_argv(m->a, &m->run),
		.env = environment(m),
		.cwd = m->place->tree,
		.deadline_ms = is_cut ? m->place->deadline_ms : now_ms + m->spec->timeout_ms,
		.is_cancelled = &world->is_interrupted,
		.limit_ms = is_cut ? 0 : m->spec->timeout_ms,
		.max_output_bytes = (size_t)m->spec->max_output,
		.sandbox = m->sandbox,
	};
	struct proc_result result;
	struct err e = {.class = ERR_NONE};
	struct command_view view = {.probe = m->look->probe, .result = &result};
	int rc = proc_run(m->a, world->clock, &request, &result, &e);

	view.reason = rc < 0 ? e.message : NULL;
	m->out->note = command_last_words(&view);
	m->out->may_have_written = result.sandbox_missing != NULL;
	if (rc == 0 || (result.is_late && !is_cut))
		judge(m, &result, m->out->note);
	else
		find(m, OUTCOME_UNDECIDED, remedy_of(m, &result, &e),
		     arena_strdup(m->a, e.message));
	if (m->out->outcome == OUTCOME_PASS)
		m->out->note = NULL; /* of what went well nobody reads the words */
	if (result.sandbox_missing)
		m->out->note =
			arena_printf(m->a, "not in the sandbox: %s%s%s", result.sandbox_missing,
				     m->out->note ? "\n" : "", m->out->note ? m->out->note : "");
}

void rollback_smoke(void *ctx, const struct rollback_place *place, struct rollback_found *out)
{
	const struct rollback_look *look = ctx;
	struct smoke m = {
		.a = look->probe->arena,
		.look = look,
		.spec = &look->set->smoke,
		.place = place,
		.own = arena_printf(look->probe->arena, "%s/own", place->scratch),
		.out = out,
	};
	struct err e = {.class = ERR_NONE};

	expand(&m);
	m.sandbox = make_sandbox(&m);
	if (make_room(&m, &e) == 0)
		run(&m);
	else
		find(&m, OUTCOME_UNDECIDED,
		     *e.help ? "smoke: { sandbox: available } runs it with what there is"
			     : "set smoke: { user: } to a user of this machine",
		     arena_strdup(m.a, e.message));
	/* Fails only where it was never opened to others. */
	(void)chmod(place->scratch, 0700);
}
