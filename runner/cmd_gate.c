/*
 * assize gate: run what is stale, decide, record the decision, exit with it.
 *
 * The decision itself is gates/decide.c, a pure function of what gate_gather.c finds in the record.
 * The record is asked again after the run, so that the decision rests on recorded evidence only.
 */
#include <string.h>

#include "gates/gate.h"
#include "gates/policy.h"
#include "reports/attest.h"
#include "reports/terminal.h"
#include "reports/view.h"
#include "runner/app.h"
#include "runner/attest.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/gate_gather.h"
#include "runner/gate_ledger.h"
#include "runner/gate_rests.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/git_ref.h"
#include "runner/io/shared_log.h"
#include "runner/io/sign.h"
#include "runner/model/definition.h"
#include "runner/notify.h"
#include "runner/options.h"
#include "runner/output.h"
#include "runner/session.h"
#include "runner/show.h"
#include "runner/subject.h"
#include "runner/vouch.h"

static int run_gate(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "attest",	 "sign-key", "policy-sha256", "record",
				      "var",  "subject", "report",   "json",	      "quiet",
				      "jobs", "color",	 NULL};

const struct command command_gate = {
	.name = "gate",
	.group = "decide",
	.words = "NAME --subject ID",
	.summary = "run what is stale, decide whether the gate opens, record the decision",
	.accepts = accepts,
	.run = run_gate,
};

struct gate_command {
	struct app *app;
	struct options o;
	struct definition *definition;
	struct record *record;
	const struct gate *gate;
	const char *subject;
	struct gate_item *items;
	size_t n_items;
	struct gate_input input;
	int64_t run_id; /* of the run made for this decision, 0 = none */
	struct terminal terminal;
	struct notifier *notifier;
	struct sign_key *key; /* of attestations; NULL = none are asked for */
};

static int find_gate(struct gate_command *g, struct err *e)
{
	if (g->o.n_words != 1) {
		(void)err_set(e, ERR_USAGE, "assize gate takes the name of one gate");
		if (g->o.n_words == 2 && g->o.subject == NULL &&
		    definition_gate(g->definition, g->o.words[0]) != NULL)
			return err_help(e, "assize gate %s --subject %s", g->o.words[0],
					str_as_word(g->app->arena, g->o.words[1]));
		return app_help_gates(g->app, g->definition, NULL, e);
	}
	g->gate = app_gate(g->app, g->definition, g->o.words[0], e);
	if (g->gate == NULL)
		return -1;
	/* An empty one is a variable that was not set: runs about nothing would count as about it.
	 */
	if (g->o.subject != NULL ? utf8_is_blank(g->o.subject) : !g->gate->is_any_subject) {
		(void)err_set(e, ERR_USAGE, "gate \"%s\" needs --subject ID%s", g->gate->name,
			      g->o.subject != NULL ? ", and it is empty" : "");
		return err_help(e, "the subject is what is to be released: a commit, a tag, an "
				   "artifact digest");
	}
	g->subject = g->o.subject != NULL ? g->o.subject : "any";
	return subject_check_branch(g->app->arena, g->definition, g->subject, e);
}

/* Of the moment in which the record is held. */
static int gather_held(struct gate_command *g, struct err *e)
{
	const struct gate_gather what = {
		.arena = g->app->arena,
		.record = g->record,
		.definition = g->definition,
		.gate = g->gate,
		.subject = g->subject,
		.now_ms = clock_wall_ms(&g->app->clock),
		.items = g->items,
		.n_items = g->n_items,
	};

	return gate_gather(&what, &g->input, e);
}

/*
 * Evidence of one moment: of two checks, one of which passed before a run and the other after it,
 * both never passed at once.
 */
static int gather(struct gate_command *g, struct err *e)
{
	if (record_hold(g->record, e) != 0)
		return -1;
	return record_let_go(g->record, gather_held(g, e), e);
}

/* Was this target proven lately, and is it still what was proven? */
static bool is_target_fresh(const struct gate_command *g, size_t target)
{
	const struct gate_input *in = &g->input;
	const char *commit = in->rollback_commits[target];

	for (size_t i = 0; i < in->n_restorations && commit != NULL; i++) {
		const struct restoration_row *row = &in->restorations[i];

		if (strcmp(row->restoration.tag, in->rollback_tags[target]) == 0)
			return rollback_row_counts(in, row) &&
			       row->restoration.outcome == OUTCOME_PASS &&
			       strcmp(row->restoration.commit, commit) == 0 &&
			       in->now_ms - row->at_ms <= g->gate->rollback_within_ms;
	}
	return false;
}

/* Enough of the set's targets are fresh? Then its verification need not run again. */
static bool is_rollback_fresh(const struct gate_command *g)
{
	const struct gate_input *in = &g->input;
	bool is_unknown = in->rollback_subject != NULL && *in->rollback_subject == '\0';
	size_t n_fresh = 0, n_others = 0, first = in->n_rollback_tags;

	for (size_t i = 0; i < in->n_rollback_tags; i++) {
		if (rollback_is_moved_release(in, i))
			return false; /* it may have been brought back since */
		if (!is_target_fresh(g, i))
			continue;
		n_fresh++;
		if (rollback_is_release(in, i) || (first < i && rollback_is_same(in, first, i)))
			continue;
		n_others++; /* ways back: a release that nobody knows may be one of them */
		first = first < i ? first : i;
	}
	if (g->gate->is_rollback_all)
		return n_fresh > 0 && n_fresh == in->n_rollback_tags;
	return n_others > (is_unknown ? 1 : 0);
}

static size_t stale_checks(const struct gate_command *g, const struct check **out)
{
	const struct definition *d = g->definition;
	bool is_always = g->gate->run == GATE_RUN_ALWAYS;
	size_t n = 0;

	for (size_t i = 0; i < g->n_items; i++)
		if (is_always || gate_item_is_stale(&g->input, &g->items[i]))
			out[n++] = g->items[i].check;
	for (size_t i = 0; i < d->n_checks && g->gate->rollback != NULL; i++)
		if (d->checks[i]->is_hidden &&
		    strcmp(d->checks[i]->id, g->gate->rollback->name) == 0 &&
		    (is_always || !is_rollback_fresh(g)))
			out[n++] = d->checks[i];
	return n;
}

static int run_stale(struct gate_command *g, struct err *e)
{
	const struct check **checks =
		arena_array(g->app->arena, g->definition->n_checks * 2, sizeof(*checks));
	struct run_info run;
	struct session_request req = {
		.app = g->app,
		.definition = g->definition,
		.record = g->record,
		.checks = checks,
		.command = "gate",
		.subject = g->subject,
		.selection = arena_printf(g->app->arena, "gate:%s", g->gate->name),
		.n_threads = (size_t)g->o.jobs,
		.terminal = g->o.is_json ? NULL : &g->terminal,
	};

	if (g->gate->run == GATE_RUN_NEVER || g->input.subject_error != NULL)
		return 0; /* nor would a run be about what is to be released */
	req.n_checks = stale_checks(g, checks);
	if (req.n_checks == 0)
		return 0;
	if (session_run(&req, &run, e) != 0)
		return -1;
	g->run_id = run.id;
	return gather(g, e);
}

/* A decision that ran nothing has no run of its own; reports then show the newest evidence's run.
 */
static int64_t reported_run(const struct gate_command *g)
{
	int64_t newest = g->run_id;

	for (size_t i = 0; i < g->n_items && g->run_id == 0; i++)
		if (g->items[i].n_evidence > 0 && g->items[i].evidence[0].run_id > newest)
			newest = g->items[i].evidence[0].run_id;
	return newest;
}

static int attest(struct gate_command *g, const struct decision *decision, struct err *e)
{
	struct run_info who = {0};
	struct attest what = {
		.decision = decision,
		.definition_file = g->definition->root_file,
		.commit = g->definition->commit,
	};

	if (g->key == NULL)
		return 0;
	identity_fill(g->app, g->definition, &who);
	what.host = who.host;
	what.version = who.version;
	what.job_url = who.job_url;
	return attest_write(g->app, &g->o, &what, g->key, e);
}

/* All that others read, before anything is said: who read that it is open looks no further. */
static int publish(struct gate_command *g, const struct decision *decision, struct err *e)
{
	if (output_write(g->app, g->record, decision->run_id, &g->o.reports, e) != 0 ||
	    vouch_sign(g->app, g->definition, g->record, e) < 0)
		return -1;
	return attest(g, decision, e); /* last: elsewhere it is taken for the decision itself */
}

/* The end of the run behind the decision; as JSON the decision alone when nothing was measured. */
static int show_evidence(struct gate_command *g, const struct decision *decision, struct err *e)
{
	struct options shown = g->o;
	struct buf out;

	shown.reports.n = 0; /* they were written */
	if (decision->run_id != 0 && (g->run_id != 0 || g->o.is_json))
		return show_run_end(g->app, &shown, g->record, decision->run_id, &g->terminal, e);
	if (g->o.is_json) {
		buf_init(&out, BUF_UNBOUNDED);
		report_decision_json(&out, decision);
		(void)fwrite(out.data, 1, out.len, g->app->out); /* main looks at the stream */
		buf_release(&out);
	}
	return 0;
}

/* What the decision was a function of, so that it can be made again. */
static void write_down(const struct gate_command *g, struct decision *decision)
{
	struct arena *a = g->app->arena;
	struct buf policy, basis;

	buf_init(&policy, BUF_UNBOUNDED); /* as large as the definition, which is bounded */
	buf_init(&basis, BUF_UNBOUNDED);
	policy_write(&policy, &g->input);
	basis_write(&basis, &g->input);
	decision->policy = arena_strndup(a, policy.data, policy.len);
	decision->basis = arena_strndup(a, basis.data, basis.len);
	buf_release(&policy);
	buf_release(&basis);
}

/*
 * The record itself, when the gate asks for it. Anchors take their time, in which the file can be
 * exchanged: what was gathered before is gathered again, of the very moment that is verified.
 */
static int look_in_a_moment(struct gate_command *g, const struct gate_trust *t, struct err *e)
{
	const struct gate_ledger *ledger;
	int rc;

	if (record_hold(g->record, e) != 0)
		return -1;
	ledger = gate_ledger_look(g->app, g->definition, g->gate, t, g->record);
	rc = gather_held(g, e);
	g->input.ledger = ledger;
	if (rc == 0)
		rc = gate_rests_on_unsigned(g->record, g->app->arena, &g->input, e);
	return record_let_go(g->record, rc, e);
}

/*
 * What this gate has measured counts when it is signed for, if its key is here. What others have
 * recorded between that and the look is signed for by the next turn.
 */
static int look_at_record(struct gate_command *g, struct err *e)
{
	struct gate_trust *t = gate_ledger_ask(g->app, g->definition, g->gate, g->record);
	int turns = 3, nobody_signs = 0;

	if (t == NULL)
		return 0;
	do {
		if (g->input.is_trust_named &&
		    (nobody_signs = vouch_sign(g->app, g->definition, g->record, e)) < 0)
			return -1;
		if (look_in_a_moment(g, t, e) != 0)
			return -1;
	} while (--turns > 0 && nobody_signs == 0 && g->input.not_signed.n_runs > 0);
	return 0;
}

/*
 * Reports are of a run. Where nothing was ever measured it is one of no checks: without it the
 * report of another day would stay where this one's is looked for.
 */
static int run_nothing(struct gate_command *g, int64_t *run_id, struct err *e)
{
	const struct check *none = NULL;
	struct run_info run;
	const struct session_request req = {
		.app = g->app,
		.definition = g->definition,
		.record = g->record,
		.checks = &none,
		.command = "gate",
		.subject = g->subject,
		.selection = arena_printf(g->app->arena, "gate:%s", g->gate->name),
		.n_threads = 1,
	};

	if (*run_id != 0 || g->o.reports.n == 0)
		return 0;
	if (session_run(&req, &run, e) != 0)
		return -1;
	*run_id = run.id;
	return 0;
}

static int make_decision(struct gate_command *g, struct decision *decision, struct err *e)
{
	int64_t run_id = reported_run(g);

	if (run_nothing(g, &run_id, e) != 0)
		return -1;
	gate_decide(g->app->arena, &g->input, decision);
	decision->run_id = run_id;
	memcpy(decision->definition_digest, g->definition->digest,
	       sizeof(decision->definition_digest));
	write_down(g, decision);
	return record_decision(g->record, decision, e);
}

static int decide(struct gate_command *g, struct err *e)
{
	struct decision decision = {0};
	int failed = EXIT_PASS;

	if (look_at_record(g, e) != 0 || make_decision(g, &decision, e) != 0)
		return -1;
	if (publish(g, &decision, e) != 0) {
		if (decision.is_open)
			return err_context(e, "the gate would be open, and nobody was told so");
		/* it stays shut, and why is shown below */
		failed = app_fail_beside(g->app, decision_exit_status(&decision), e);
	}
	if (show_evidence(g, &decision, e) != 0)
		return -1;
	if (!g->o.is_json)
		terminal_decision(&g->terminal, &decision);
	return failed != EXIT_PASS ? failed : decision_exit_status(&decision);
}

/* Who wrote what is decided on could have committed the evidence as well. */
static int refuse_committed(struct gate_command *g, const char *file, struct err *e)
{
	if (g->definition->commit == NULL ||
	    git_ref_not_checked_out(g->app->cwd, file, "the record", e) == 0)
		return 0;
	e->class = ERR_RECORD;
	return err_help(e, "evidence has to be measured, not brought along: git rm it, or name "
			   "another with --record");
}

static int open_record(struct gate_command *g, struct err *e)
{
	const char *path = app_record_path(g->app, &g->o, g->definition);

	if (!shared_url_is(path) && refuse_committed(g, path, e) != 0)
		return -1;
	if (record_open(path, RECORD_WRITE, &g->record, e) != 0)
		return -1;
	/* The copy of one on a server is where the environment says: in the checkout, maybe. */
	if (refuse_committed(g, record_file(g->record), e) == 0 &&
	    vouch_origin(g->app, g->definition, g->record, e) == 0)
		return 0;
	record_close(g->record);
	return -1;
}

static int run_gate(struct app *app, const struct command *self, int argc, char **argv)
{
	struct gate_command g = {.app = app};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &g.o, &status))
		return status;
	if (output_check(&g.o, &e) != 0 || output_check_files(app, &g.o.reports, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &g.o, &g.definition) != 0)
		return EXIT_USAGE;
	if (find_gate(&g, &e) != 0 ||
	    attest_begin(app, &g.o, g.definition, g.subject, &g.key, &e) != 0)
		return app_fail(app, &e);
	if (open_record(&g, &e) != 0) {
		sign_key_free(g.key);
		return app_fail(app, &e);
	}
	show_terminal(app, &g.o, &g.terminal);
	g.items = gate_items(app->arena, g.definition, g.gate, &g.n_items);
	status = notify_begin(app, &g.o, g.definition, g.record, false, &g.notifier, &e) == 0 &&
				 gather(&g, &e) == 0 && run_stale(&g, &e) == 0
			 ? decide(&g, &e)
			 : -1;
	if (status < 0)
		status = app_fail(app, &e);
	notify_end(g.notifier, status);
	sign_key_free(g.key);
	status = vouch_close(app, g.definition, g.record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}
