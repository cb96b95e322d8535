/*
 * A sabotage proves something only by the difference it makes: the same question, asked of the same
 * world, was answered with 0 before. So nothing here believes a red answer for its colour alone; it
 * has to name what was damaged.
 */
#include "runner/challenge_self.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/challenge_self_world.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_SHOWN_BYTES 300

struct sabotage {
	struct attack_row row;
	const char *before; /* the definition; NULL = the usual one */
	const char *after;  /* NULL = it stays */
	int (*prepare)(struct self_world *, struct err *); /* NULL = one run about v1 */
	int (*damage)(struct self_world *, struct err *);  /* MAY be NULL */
	const char *const *ask;				   /* NULL = may v1 go out? */
	const char *const *ask_after;			   /* NULL = the same */
	enum self_way way;				   /* of asking, afterwards */
	const char *says;				   /* of the answer then */
};

#define CHECK(bound) "      - { id: data, file: data, expect: { size: \"" bound "\" } }\n"
#define AUDIT	     "assize: 1\naudits:\n  own:\n    checks:\n"
#define GATE	     "gates: { ship: { require: [ { check: \"own/*\", max_age: 1h } ], run: never } }\n"
#define USUAL	     AUDIT CHECK(">= 5000000") GATE
#define GATE_OF(words)                                                                             \
	AUDIT CHECK(">= 5000000") "gates: { ship: { require: [ " words " ], run: never } }\n"
#define WAIVED(rest)                                                                               \
	AUDIT CHECK(">= 5000000") "      - { id: more, file: data, expect: { size: \">= "          \
				  "9000000\" } }\n" GATE                                           \
				  "waivers:\n  - { id: W-1, check: own/more, gates: [ship], "      \
				  "owner: self, reason: trial,\n"                                  \
				  "      ticket: T-1, granted: \"@LAST_WEEK@\"" rest " }\n"
/* What runs every five minutes; one that was asked a day ago is late. */
#define SCHEDULED                                                                                  \
	"assize: 1\naudits:\n  own:\n    schedule: \"*/5 * * * *\"\n    checks:\n" CHECK(          \
		">= 5000000")
/* A run that starts another with a record of its own, or with the one it is written to itself. */
#define NESTED(record)                                                                             \
	"assize: 1\naudits:\n  own:\n    schedule: \"@yearly\"\n    checks:\n"                     \
	"      - { id: nested, command: { run: [\"@PROGRAM@\", run, --due, -f, inner.yaml, "       \
	"--record, " record "] } }\n"
#define INNER                                                                                      \
	"assize: 1\naudits:\n  own:\n    schedule: \"@yearly\"\n    checks:\n" CHECK(">= 5000000")
/* The second check ends the whole run once the file doom is there. */
#define KILLED                                                                                     \
	AUDIT CHECK(">= 5000000") "      - { id: doom, needs: [own/data],\n"                       \
				  "          command: { run: [/bin/sh, -c, \"test ! -e doom || "   \
				  "kill -9 $(cat pid)\"] } }\n" GATE
#define BACK                                                                                       \
	"assize: 1\ntargets: { r: { git: repo } }\nrollback: { back: { repo: r, tags: \"v*\" } "   \
	"}\n"                                                                                      \
	"gates: { ship: { rollback: { set: back, tags: any, verified_within: 24h }, run: never } " \
	"}\n"

static const char *const run_v1[] = {"run", "--quiet", "--subject", "v1", NULL};
static const char *const gate_v1[] = {"gate", "ship", "--subject", "v1", NULL};
static const char *const gate_v2[] = {"gate", "ship", "--subject", "v2", NULL};
static const char *const gate_pinned[] = {"gate",     "ship", "--subject", "v1", "--policy-sha256",
					  "@POLICY@", NULL};
static const char *const status[] = {"status", NULL};
static const char *const verify[] = {"ledger", "verify", NULL};
static const char *const verify_kept[] = {"ledger", "verify", "--against", "kept", NULL};
static const char *const run_due[] = {"run", "--due", NULL};

static int prepare_run(struct self_world *w, struct err *e)
{
	return self_ask(w, SELF_FREELY, run_v1, e);
}

/* "policy HEX", as `assize check` prints it. */
static int prepare_pin(struct self_world *w, struct err *e)
{
	const char *const words[] = {w->program, "check", NULL};
	const char *found;

	if (prepare_run(w, e) != 0 || self_run(w, SELF_FREELY, words, e) != 0)
		return -1;
	found = strstr(w->out, "policy ");
	w->policy =
		found == NULL ? "" : arena_strndup(w->arena, found + 7, strcspn(found + 7, "\n"));
	return 0;
}

static int prepare_ledger(struct self_world *w, struct err *e)
{
	static const char *const init[] = {"ledger", "init", "--quiet", NULL};

	return self_ask(w, SELF_FREELY, init, e) == 0 ? prepare_run(w, e) : -1;
}

/* A signed record that grew since it was copied, and a checkpoint of it that is kept elsewhere. */
static int prepare_copy(struct self_world *w, struct err *e)
{
	static const char *const copy[] = {"cp", SELF_RECORD, "old.db", NULL};
	static const char *const checkpoint[] = {"ledger", "checkpoint", "--output", "kept", NULL};

	if (prepare_ledger(w, e) != 0 || self_must(w, copy, e) != 0 || prepare_run(w, e) != 0)
		return -1;
	return self_ask(w, SELF_FREELY, checkpoint, e);
}

static int prepare_inner(struct self_world *w, struct err *e)
{
	return self_write(w, "inner.yaml", INNER, e);
}

static int prepare_tag(struct self_world *w, struct err *e)
{
	static const char *const init[] = {"git", "init", "--quiet", "repo", NULL};
	static const char *const commit[] = {"git",    "-C",	       "repo",
					     "commit", "--quiet",      "--allow-empty",
					     "-m",     "the only one", NULL};
	static const char *const tag[] = {"git", "-C", "repo", "tag", "-a", "-m", "v1", "v1", NULL};
	static const char *const prove[] = {"rollback", "verify", "--quiet", NULL};

	if (self_must(w, init, e) != 0 || self_must(w, commit, e) != 0 || self_must(w, tag, e) != 0)
		return -1;
	return self_ask(w, SELF_FREELY, prove, e);
}

static int damage_clock(struct self_world *w, struct err *e)
{
	return self_shift(w, SELF_DAY_MS, e);
}

static int damage_age(struct self_world *w, struct err *e)
{
	return self_shift(w, -SELF_DAY_MS, e);
}

static int damage_record_gone(struct self_world *w, struct err *e)
{
	return self_remove(w, SELF_RECORD, e);
}

/* A new run finds nothing where the data was. */
static int damage_target(struct self_world *w, struct err *e)
{
	return self_remove(w, "data", e) == 0 ? prepare_run(w, e) : -1;
}

static int damage_run(struct self_world *w, struct err *e)
{
	const char *const words[] = {
		"/bin/sh",   "-c",  "echo $$ >pid; exec \"$0\" \"$@\"",
		"@PROGRAM@", "run", "--quiet",
		"--subject", "v1",  "--record",
		SELF_RECORD, NULL,
	};

	if (self_remove(w, SELF_RECORD, e) != 0 || self_write(w, "doom", "", e) != 0)
		return -1;
	return self_run(w, SELF_FREELY, words, e);
}

static int damage_copy(struct self_world *w, struct err *e)
{
	static const char *const copy[] = {"cp", "old.db", SELF_RECORD, NULL};

	return self_must(w, copy, e);
}

static int damage_tags(struct self_world *w, struct err *e)
{
	static const char *const words[] = {"git", "-C", "repo", "tag", "-d", "v1", NULL};

	return self_must(w, words, e);
}

static const struct sabotage sabotages[] = {
	{.row = {.name = "clock-back", .help = "the clock is set back by a day"},
	 .damage = damage_clock,
	 .says = "a clock is wrong"},
	{.row = {.name = "record-read-only", .help = "the record cannot be written"},
	 .way = SELF_WITHOUT_WRITING,
	 .says = SELF_RECORD},
	{.row = {.name = "record-full", .help = "there is no room for the record"},
	 .way = SELF_WITHOUT_ROOM,
	 .says = SELF_RECORD},
	{.row = {.name = "record-missing", .help = "the record is gone"},
	 .damage = damage_record_gone,
	 .says = "never measured"},
	{.row = {.name = "record-torn", .help = "the second half of the record is gone"},
	 .damage = self_tear_record,
	 .says = SELF_RECORD},
	{.row = {.name = "row-edited", .help = "a recorded value is another one"},
	 .damage = self_edit_row,
	 .ask = verify,
	 .says = "BROKEN"},
	{.row = {.name = "signed-row-edited",
		 .help = "a recorded value of a signed record is another one"},
	 .prepare = prepare_ledger,
	 .damage = self_edit_row,
	 .ask = verify,
	 .says = "BROKEN"},
	{.row = {.name = "record-rolled-back", .help = "the record is an older copy of itself"},
	 .prepare = prepare_copy,
	 .damage = damage_copy,
	 .ask = verify_kept,
	 .says = "shorter than it was"},
	{.row = {.name = "definition-empty", .help = "the definition says nothing"},
	 .after = "assize: 1\n",
	 .says = "no such gate"},
	{.row = {.name = "checks-removed", .help = "the definition has no check left"},
	 .after = "assize: 1\naudits: { own: { checks: [] } }\n" GATE,
	 .says = "checks"},
	{.row = {.name = "expectation-removed", .help = "nothing is expected of the value"},
	 .after = AUDIT "      - { id: data, file: data }\n" GATE,
	 .says = "under another definition"},
	{.row = {.name = "bound-infinite", .help = "the bound is infinity"},
	 .after = AUDIT CHECK("<= inf") GATE,
	 .says = "cannot read expectation"},
	{.row = {.name = "bound-vast", .help = "the bound is 1e308"},
	 .after = AUDIT CHECK("<= 1e308") GATE,
	 .says = "under another definition"},
	{.row = {.name = "waiver-endless", .help = "a waiver has no end"},
	 .before = WAIVED(", expires: \"@TOMORROW@\""),
	 .after = WAIVED(""),
	 .says = "expires"},
	{.row = {.name = "waiver-expired", .help = "a waiver ended yesterday"},
	 .before = WAIVED(", expires: \"@TOMORROW@\""),
	 .after = WAIVED(", expires: \"@YESTERDAY@\""),
	 .says = "waiver W-1 expired"},
	{.row = {.name = "gate-missing", .help = "there is no such gate"},
	 .after = AUDIT CHECK(">= 5000000"),
	 .says = "no such gate"},
	{.row = {.name = "gate-of-nothing", .help = "the gate requires checks that there are not"},
	 .after = GATE_OF("{ check: \"own/none*\" }"),
	 .says = "matches nothing"},
	{.row = {.name = "gate-empty", .help = "the gate requires nothing"},
	 .after = GATE_OF(""),
	 .says = "is empty"},
	{.row = {.name = "other-subject", .help = "the evidence is about another release"},
	 .ask_after = gate_v2,
	 .says = "never measured about"},
	{.row = {.name = "target-missing", .help = "what the check looks at is gone"},
	 .damage = damage_target,
	 .says = "FAIL own/data"},
	{.row = {.name = "evidence-old",
		 .help = "the evidence is a day old, and an hour is allowed"},
	 .damage = damage_age,
	 .says = "limit 60 min"},
	{.row = {.name = "never-ran", .help = "what runs every five minutes did not for a day"},
	 .before = SCHEDULED,
	 .damage = damage_age,
	 .ask = status,
	 .says = "OVERDUE"},
	{.row = {.name = "two-runs", .help = "a scheduled run starts while another is under way"},
	 .before = NESTED("inner.db"),
	 .after = NESTED(SELF_RECORD),
	 .prepare = prepare_inner,
	 .ask = run_due,
	 .says = "another scheduled run is under way"},
	{.row = {.name = "run-killed", .help = "the run was killed before its end"},
	 .before = KILLED,
	 .damage = damage_run,
	 .says = "undecided own/data"},
	{.row = {.name = "tags-gone", .help = "the rollback set has no tag left"},
	 .before = BACK,
	 .prepare = prepare_tag,
	 .damage = damage_tags,
	 .ask = gate_v2,
	 .says = "no tag to roll back to"},
	{.row = {.name = "policy-changed", .help = "the definition is not the one that is pinned"},
	 .after = AUDIT CHECK(">= 5000001") GATE,
	 .prepare = prepare_pin,
	 .ask = gate_pinned,
	 .says = "policy"},
};

#define N_SABOTAGES (sizeof(sabotages) / sizeof(*sabotages))

int challenge_self_program(struct app *app, const char **out, struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	if (n < 0 || (size_t)n == sizeof(path))
		return err_set(e, ERR_INTERNAL, "could not tell which program this is: %s",
			       n < 0 ? strerror(errno) : "its path is too long");
	*out = arena_strndup(app->arena, path, (size_t)n);
	return 0;
}

/* The line with the words in it, without the names of private directories; NULL = there is none. */
static const char *line_with(const struct self_world *w, const char *text, const char *words)
{
	const char *found = strstr(text, words);
	size_t n_dir = strlen(w->dir);
	struct buf b;
	const char *out;

	if (found == NULL)
		return NULL;
	while (found > text && found[-1] != '\n')
		found--;
	buf_init(&b, MAX_SHOWN_BYTES); /* what does not fit is left out */
	for (const char *at = found; *at != '\0' && *at != '\n' && !b.is_full; at++) {
		if (strncmp(at, w->dir, n_dir) == 0 && at[n_dir] == '/')
			at += n_dir;
		else
			(void)buf_putc(&b, *at);
	}
	out = str_escaped(w->arena, arena_strndup(w->arena, b.data, b.len));
	buf_release(&b);
	return out;
}

/* What the program said first, errors before the rest. */
static const char *first_line(const struct self_world *w)
{
	return line_with(w, *w->err != '\0' ? w->err : w->out, "");
}

/* Anything but red for the reason that was made is no notice. */
static void judge(const struct self_world *w, const struct sabotage *s, struct arena *a,
		  struct attack_result *out)
{
	const char *said = line_with(w, w->err, s->says);

	if (said == NULL)
		said = line_with(w, w->out, s->says);
	out->before = "exit status 0";
	out->after = arena_printf(a, "exit status %d", w->status);
	if (w->status < 0) {
		out->after = NULL;
		out->reason = "the program was killed instead of answering";
	} else if (w->status == 0) {
		out->outcome = ATTACK_BLIND;
		out->reason = "it is answered as before";
	} else if (said == NULL) {
		out->reason = arena_printf(a, "it turned red, but not for that reason: %s",
					   first_line(w));
	} else {
		out->outcome = w->status == EXIT_DISPROVED   ? ATTACK_FAILED
			       : w->status == EXIT_UNDECIDED ? ATTACK_NO_VALUE
							     : ATTACK_ERROR;
		out->reason = arena_strdup(a, said);
	}
}

/* -1: what could not be done, which makes the sabotage inconclusive. */
static int make(struct self_world *w, const struct sabotage *s, struct err *e)
{
	const char *const *ask = s->ask != NULL ? s->ask : gate_v1;

	w->begin_ms = clock_wall_ms(w->clock);
	if (self_write(w, "assize.yaml", s->before != NULL ? s->before : USUAL, e) != 0 ||
	    self_write_data(w, e) != 0 ||
	    (s->prepare != NULL ? s->prepare(w, e) : prepare_run(w, e)) != 0 ||
	    self_ask(w, SELF_FREELY, ask, e) != 0)
		return -1;
	if (w->status != 0)
		return err_set(e, ERR_MEASURE, "the unharmed world does not pass: %s",
			       first_line(w));
	if (s->damage != NULL && s->damage(w, e) != 0)
		return -1;
	if (s->after != NULL && self_write(w, "assize.yaml", s->after, e) != 0)
		return -1;
	return self_ask(w, s->way, s->ask_after != NULL ? s->ask_after : ask, e);
}

static int sabotage_one(const struct self_request *req, const struct sabotage *s,
			const char *parent, struct attack_result *out, struct err *e)
{
	struct app *app = req->app;
	struct self_world w = {
		.arena = arena_new(),
		.clock = &app->clock,
		.program = req->program,
		.is_interrupted = req->is_interrupted,
	};
	int64_t begin_us = clock_monotonic_us(w.clock);
	struct err why = {0};
	int rc = scratch_create(w.arena, parent, &w.dir, e);

	*out = (struct attack_result){.name = s->row.name, .object = "", .words = s->row.help};
	if (rc == 0) {
		if (req->is_interrupted != NULL && atomic_load(req->is_interrupted))
			out->reason = "the challenge was interrupted";
		else if (make(&w, s, &why) == 0)
			judge(&w, s, app->arena, out);
		else
			out->reason = arena_strdup(app->arena, why.message);
		(void)scratch_remove(w.dir, &why); /* it goes with its parent */
	}
	out->duration_us = clock_monotonic_us(w.clock) - begin_us;
	arena_free(w.arena);
	return rc;
}

const struct check_info *challenge_self_info(void)
{
	static const struct check_info own = {
		.name = "assize", .kind = "self", .file = "", .tags = ""};

	return &own;
}

int challenge_self(const struct self_request *req, struct challenged *out, struct err *e)
{
	struct app *app = req->app;
	int64_t begin_us = clock_monotonic_us(&app->clock);
	struct scratch parent;
	struct err ignored = {0}; /* the next sweep of the folder removes it */
	int rc = 0;

	*out = (struct challenged){
		.check = challenge_self_info(),
		.at_ms = clock_wall_ms(&app->clock),
		.subject = "",
		.attacks = arena_array(app->arena, N_SABOTAGES, sizeof(*out->attacks)),
	};
	if (scratch_hold(app->arena, app_temporary(app), &parent, e) != 0)
		return -1;
	for (size_t i = 0; i < N_SABOTAGES && rc == 0; i++) {
		if (req->tell != NULL)
			req->tell(req->tell_ctx, &sabotages[i].row, i, N_SABOTAGES);
		rc = sabotage_one(req, &sabotages[i], parent.path, &out->attacks[i], e);
		out->n_attacks = i + (rc == 0);
	}
	(void)scratch_release(&parent, &ignored);
	challenged_count(out);
	out->duration_us = clock_monotonic_us(&app->clock) - begin_us;
	return rc;
}
