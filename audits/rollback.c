/*
 * rollback: can one go back to the tags of a set right now?
 *
 * The rollback room finds out, this file puts it into values. A disproved tag has defects, which
 * are counted; an unproven one has no number of defects at all, so that it is undecided and never
 * 0. Under `tags: any` one proven tag is enough: the set as a whole then has no defects, whatever
 * became of the others, which stay visible as evidence and restorations.
 */
#include "audits/rollback.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "audits/command.h"
#include "audits/kind_rows.h"
#include "audits/rollback_look.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/model/kind.h"
#include "runner/model/progress.h"
#include "runner/model/unit.h"

static const char *const tags_choices[] = {"all", "any", NULL};

static const struct key_row rollback_keys[] = {
	{.name = "set",
	 .type = KEY_NAME,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct rollback_spec, set),
	 .help = "the rollback set whose tags are verified",
	 .example = "releases"},
	{.name = "tags",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct rollback_spec, tags),
	 .def = "all",
	 .choices = tags_choices,
	 .help = "must every tag of the set be proven, or is one enough",
	 .example = "any"},
	KEY_END,
};

static const struct value_row rollback_values[] = {
	{.name = "defects",
	 .type = VALUE_INT,
	 .unit = "defects",
	 .implied = "== 0",
	 .help = "what was disproved, a series a tag; under tags: any of the whole set, 0 as soon "
		 "as one tag is proven"},
	{.name = "restore",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "time to restore, a series a tag: reading, writing and comparing the tree"},
	{.name = "swap",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .is_optional = true,
	 .help = "of a drill: time for a link to lead to the restored tag in place of another"},
	{.name = "proven",
	 .type = VALUE_INT,
	 .unit = "tags",
	 .implied = ">= 1",
	 .help = "number of tags proven restorable"},
	{.name = NULL},
};

/* One verification and what it looks like to a person. */
struct tag_result {
	struct restoration restoration;
	int64_t n_defects;
	const char *evidence;
	const char *reason; /* the first thing that is not proven, with its remedy; NULL = proven */
};

struct tally {
	int64_t n_proven, n_unproven, n_defects, n_files;
	size_t n_good;	   /* newer tags of which nothing is known against, but for a warm copy */
	const char **warm; /* tags whose warm copies stand, proven */
	size_t n_warm;
	const char *reason; /* of the first tag that is not proven */
	struct buf evidence;
};

static void rollback_check(struct keys_context *ctx, struct check *c)
{
	struct rollback_spec *spec = c->spec;
	const struct definition *d = ctx->definition;
	const struct rollback_set *set = d && spec->set ? definition_rollback(d, spec->set) : NULL;
	const char **names;
	int closest;

	if (set)
		spec->runs_program =
			set->smoke.run.n > 0 || set->compatible.n > 0 || set->signature.keyring;
	if (!d || !spec->set || set)
		return;
	names = arena_array(ctx->arena, d->n_rollbacks, sizeof(*names));
	for (size_t i = 0; i < d->n_rollbacks; i++)
		names[i] = d->rollbacks[i]->name;
	closest = str_closest(spec->set, names, d->n_rollbacks);
	diags_at(ctx->diags, keys_pos(c->spec_node, "set"),
		 closest < 0 ? "name a set of the section `rollback:`"
			     : arena_printf(ctx->arena, "did you mean \"%s\"?", names[closest]),
		 "check \"%s\": there is no rollback set \"%s\"", c->name, spec->set);
}

static const struct pin *find_pin(const struct probe_world *world, const char *set, const char *tag)
{
	for (size_t i = 0; i < world->n_pins; i++)
		if (strcmp(world->pins[i].set, set) == 0 && strcmp(world->pins[i].tag, tag) == 0)
			return &world->pins[i];
	return NULL;
}

static bool is_defined(const struct definition *d, const char *set)
{
	for (size_t i = 0; d != NULL && i < d->n_rollbacks; i++)
		if (strcmp(d->rollbacks[i]->name, set) == 0)
			return true;
	return false;
}

/* A set that was renamed: what its tags were is known by the name it had; the oldest is meant. */
static const struct pin *find_lost_pin(const struct probe_world *world, const char *tag)
{
	const struct pin *lost = NULL;

	for (size_t i = 0; i < world->n_pins; i++) {
		const struct pin *pin = &world->pins[i];

		if (strcmp(pin->tag, tag) == 0 && !is_defined(world->definition, pin->set) &&
		    (lost == NULL || pin->first_seen_ms < lost->first_seen_ms))
			lost = pin;
	}
	return lost;
}

static void add_step(struct arena *a, const struct restoration_step *s, struct tag_result *out,
		     struct buf *text)
{
	if (s->outcome == OUTCOME_FAIL)
		out->n_defects++;
	if (s->finding)
		buf_printf(text, "\n  %s %s: %s", s->name, outcome_name(s->outcome), s->finding);
	if (s->finding && s->remedy)
		buf_printf(text, "\n  fix: %s", s->remedy);
	for (const char *line = s->note; line && *line; line += strspn(line, "\n")) {
		buf_printf(text, "\n  %s: %.*s", s->name, (int)strcspn(line, "\n"), line);
		line += strcspn(line, "\n");
	}
	/* The reason is the worst step's: one disproof says more than any number of doubts. */
	if (outcome_is_passing(s->outcome) || s->outcome != out->restoration.outcome || out->reason)
		return;
	out->reason = arena_printf(a, "%s: %s: %s%s%s", out->restoration.tag, s->name,
				   s->finding ? s->finding : outcome_name(s->outcome),
				   s->remedy ? "; fix: " : "", s->remedy ? s->remedy : "");
}

static void describe_result(struct arena *a, struct tag_result *out)
{
	const struct restoration *r = &out->restoration;
	struct buf text;

	buf_init(&text, EVIDENCE_MAX_BYTES);
	buf_printf(&text, "%s %s", r->tag,
		   r->outcome == OUTCOME_PASS	? "proven"
		   : r->outcome == OUTCOME_FAIL ? "disproved"
						: "unproven");
	if (r->commit)
		buf_printf(&text, ": commit %s, tree %s", r->commit, r->tree);
	if (r->restore_us >= 0) {
		buf_printf(&text, ", %" PRId64 " file%s, ", r->n_files, r->n_files == 1 ? "" : "s");
		unit_format(&text, (double)r->n_bytes, "B");
		buf_puts(&text, ", restored in ");
		unit_format(&text, (double)r->restore_us / 1e6, "s");
	}
	for (size_t i = 0; i < r->n_steps; i++)
		add_step(a, &r->steps[i], out, &text);
	out->evidence = arena_strdup(a, text.data);
	buf_release(&text);
}

/* The newest tags that are good have a warm copy: the next one has, if so many newer ones are. */
static enum rollback_warm warm_of(const struct rollback_spec *spec, const struct rollback_set *set,
				  size_t n_newer)
{
	if (!set->warm_path || n_newer >= (size_t)set->warm_keep)
		return ROLLBACK_WARM_NONE;
	return spec->verb == ROLLBACK_WARM ? ROLLBACK_WARM_MADE : ROLLBACK_WARM_CHECKED;
}

/* On the probe's thread, for the one that shows it. */
static void tell_progress(void *ctx, const struct rollback_progress *r)
{
	struct probe *p = ctx;
	struct progress *out = p->progress;

	if (!out)
		return;
	if (r->is_new)
		progress_begin(out, arena_printf(p->arena, "%s %s", r->tag, r->step),
			       clock_monotonic_ms(p->world->clock));
	atomic_store(&out->done, r->done);
	atomic_store(&out->total, r->total);
	atomic_store(&out->bytes, r->bytes);
	atomic_store(&out->total_bytes, r->total_bytes);
	atomic_store(&out->has_litter, r->has_scratch);
}

static int verify(struct probe *p, const struct rollback_set *set, const char *tag,
		  enum rollback_warm warm, struct tag_result *out, struct err *e)
{
	const struct rollback_spec *spec = p->checks[0]->spec;
	struct rollback_look look = {.probe = p, .set = set};
	struct rollback_request request = {
		.set = set,
		.tag = tag,
		.pin = find_pin(p->world, set->name, tag),
		.lost_pin = find_lost_pin(p->world, tag),
		.clock = p->world->clock,
		.deadline_ms = p->deadline_ms,
		.former = p->world->former,
		.former_ctx = p->world->former_ctx,
		.smoke = rollback_smoke,
		.artifact = rollback_artifact,
		.look_ctx = &look,
		.is_interrupted = &p->world->is_interrupted,
		.progress = tell_progress,
		.progress_ctx = p,
		.warm = warm,
		.is_drill = spec->verb == ROLLBACK_DRILL,
		.is_cold = spec->is_cold,
		.previous = spec->previous,
	};

	*out = (struct tag_result){0};
	if (rollback_verify(p->arena, &request, &out->restoration, e) < 0)
		return -1;
	/* What was cut short is no news about the tag: it is not recorded. */
	if (atomic_load(&p->world->is_interrupted) && out->restoration.outcome != OUTCOME_PASS)
		return err_set(e, ERR_MEASURE, "the run was interrupted while it verified \"%s\"",
			       tag);
	describe_result(p->arena, out);
	probe_restoration(p, &out->restoration);
	return 0;
}

static void emit_swap(struct probe *p, const struct restoration *r, struct label *label)
{
	const struct restoration_step *last = &r->steps[r->n_steps - 1];
	struct measurement swap;

	if (strcmp(last->name, ROLLBACK_STEP_SWAP) != 0)
		return;
	swap = outcome_is_passing(last->outcome)
		       ? measurement_real("swap", (double)last->duration_us / 1e6, "s")
		       : measurement_none("swap", last->finding);
	swap.labels = label;
	swap.n_labels = 1;
	probe_emit(p, 0, &swap);
}

static void emit_tag(struct probe *p, const struct tag_result *t)
{
	const struct restoration *r = &t->restoration;
	struct label *label = arena_alloc(p->arena, sizeof(*label));
	struct measurement defects, restore;

	*label = (struct label){"tag", r->tag};
	defects = r->outcome == OUTCOME_UNDECIDED
			  ? measurement_none("defects", t->reason)
			  : measurement_int("defects", t->n_defects, "defects");
	if (r->outcome == OUTCOME_FAIL)
		defects.reason = t->reason;
	restore = r->restore_us < 0
			  ? measurement_none("restore", "the tag was not restored, see its defects")
			  : measurement_real("restore", (double)r->restore_us / 1e6, "s");
	defects.n = r->n_files;
	defects.evidence = t->evidence;
	defects.labels = restore.labels = label;
	defects.n_labels = restore.n_labels = 1;
	probe_emit(p, 0, &defects);
	probe_emit(p, 0, &restore);
	if (r->n_steps > 0)
		emit_swap(p, r, label);
}

static void add_to_tally(struct tally *sum, const struct tag_result *t)
{
	sum->n_proven += t->restoration.outcome == OUTCOME_PASS;
	sum->n_unproven += t->restoration.outcome == OUTCOME_UNDECIDED;
	sum->n_defects += t->n_defects;
	sum->n_files += t->restoration.n_files;
	if (!sum->reason)
		sum->reason = t->reason;
	if (sum->evidence.len > 0)
		buf_putc(&sum->evidence, '\n');
	buf_puts(&sum->evidence, t->evidence);
}

static void emit_set(struct probe *p, const struct tally *sum, bool is_any)
{
	const char *evidence = arena_strdup(p->arena, sum->evidence.data);
	bool is_known = sum->n_proven > 0 || sum->n_unproven == 0;
	struct measurement proven = is_known ? measurement_int("proven", sum->n_proven, "tags")
					     : measurement_none("proven", sum->reason);

	if (sum->n_proven == 0)
		proven.reason = sum->reason;
	proven.evidence = evidence;
	if (is_any) {
		struct measurement defects =
			is_known
				? measurement_int("defects", sum->n_proven > 0 ? 0 : sum->n_defects,
						  "defects")
				: measurement_none("defects", sum->reason);

		defects.n = sum->n_files;
		if (sum->n_proven == 0)
			defects.reason = sum->reason;
		defects.evidence = evidence;
		probe_emit(p, 0, &defects);
	}
	probe_emit(p, 0, &proven);
}

/* The tags to verify; none is no measurement. */
static int find_tags(struct probe *p, const struct rollback_spec *spec,
		     const struct rollback_set *set, const char *const **tags, size_t *n,
		     struct err *e)
{
	if (spec->only) {
		*tags = &spec->only;
		*n = 1;
		return 0;
	}
	if (rollback_tags(p->arena, set, tags, n, e) < 0)
		return -1;
	if (*n > 0)
		return 0;
	err_set(e, ERR_MEASURE, "no tag of \"%s\" matches \"%s\"%s", set->repo->location, set->tags,
		set->except.n > 0 ? " and nothing of `except`" : "");
	return err_help(e, "%s", rollback_tags_help(p->arena, set));
}

static int verify_tags(struct probe *p, const struct rollback_set *set, const char *const *tags,
		       size_t n, struct tally *sum, struct err *e)
{
	const struct rollback_spec *spec = p->checks[0]->spec;

	sum->warm = arena_array(p->arena, n, sizeof(*sum->warm));
	sum->n_good = spec->n_newer;
	for (size_t i = 0; i < n; i++) {
		enum rollback_warm warm = warm_of(spec, set, sum->n_good);
		struct tag_result t;

		if (spec->verb == ROLLBACK_WARM && warm == ROLLBACK_WARM_NONE)
			break; /* all that get a copy were dealt with */
		if (verify(p, set, tags[i], warm, &t, e) < 0)
			return -1;
		add_to_tally(sum, &t);
		sum->n_good += rollback_is_good(&t.restoration);
		if (t.restoration.outcome == OUTCOME_PASS)
			sum->warm[sum->n_warm++] = tags[i];
		if (spec->tags == ROLLBACK_ALL)
			emit_tag(p, &t);
	}
	return 0;
}

/* What was done for the set as a whole is told at the last step of its last tag. */
static void note_last(struct probe *p, const char *text)
{
	const struct restoration *last = &p->restorations[p->n_restorations - 1];
	struct restoration_step *step = &last->steps[last->n_steps - 1];

	step->note = step->note ? arena_printf(p->arena, "%s\n%s", step->note, text) : text;
}

/*
 * Copies that are no longer kept go only when as many as are to be kept stand: the last N that were
 * good, not the last N. A single tag says nothing about the others.
 */
static void retain(struct probe *p, const struct rollback_set *set, struct tally *sum)
{
	const struct rollback_spec *spec = p->checks[0]->spec;
	struct buf said;

	if (spec->only || sum->n_warm < (size_t)set->warm_keep)
		return;
	buf_init(&said, EVIDENCE_MAX_BYTES);
	rollback_warm_retain(p->arena, set, sum->warm, sum->n_warm, &said);
	if (said.len > 0)
		note_last(p, arena_strndup(p->arena, said.data, said.len - 1));
	buf_release(&said);
}

static int verify_set(struct probe *p, const struct rollback_set *set, const char *const *tags,
		      size_t n, struct err *e)
{
	const struct rollback_spec *spec = p->checks[0]->spec;
	bool is_warming = spec->verb == ROLLBACK_WARM;
	struct tally sum = {0};
	int lock = -1, rc;

	(void)scratch_sweep(set->scratch); /* of runs that were killed; how many says nothing */
	if (is_warming && rollback_warm_begin(p->arena, set, &lock, e) < 0)
		return -1;
	buf_init(&sum.evidence, EVIDENCE_MAX_BYTES);
	rc = verify_tags(p, set, tags, n, &sum, e);
	if (is_warming && rc == 0)
		retain(p, set, &sum);
	if (rc == 0)
		emit_set(p, &sum, spec->tags == ROLLBACK_ANY);
	buf_release(&sum.evidence);
	if (is_warming)
		rollback_warm_end(lock);
	return rc;
}

static int rollback_probe(struct probe *p, struct err *e)
{
	const struct rollback_spec *spec = p->checks[0]->spec;
	const struct rollback_set *set =
		spec->stand_in ? spec->stand_in
			       : definition_rollback(p->world->definition, spec->set);
	const char *const *tags;
	size_t n;

	if (!set)
		return err_set(e, ERR_MEASURE, "there is no rollback set \"%s\"", spec->set);
	if (find_tags(p, spec, set, &tags, &n, e) < 0)
		return -1;
	return verify_set(p, set, tags, n, e);
}

static bool rollback_runs_program(const struct check *c)
{
	return ((const struct rollback_spec *)c->spec)->runs_program;
}

/* What is proven besides the tree. */
static void describe_parts(const struct rollback_set *set, struct buf *out)
{
	const struct rollback_signature *s = &set->signature;

	if (s->allowed_signers)
		buf_printf(out, "signed by a key of %s\n", s->allowed_signers);
	if (s->keyring)
		buf_printf(out, "signed by a key of %s\n", s->keyring);
	for (size_t i = 0; i < set->compatible.n; i++)
		buf_printf(out, "run %s as the tag's definition has it, against today's target\n",
			   set->compatible.items[i]);
	for (size_t i = 0; i < set->n_artifacts; i++) {
		const struct rollback_artifact *x = &set->artifacts[i];

		buf_printf(out, "look at %s\n", x->path ? x->path : x->layout ? x->layout : x->oci);
	}
	if (set->smoke.run.n > 0) {
		buf_puts(out, "run in the restored tree, in a sandbox: ");
		command_put_line(out, &set->smoke.run);
		buf_putc(out, '\n');
	}
}

static void rollback_describe(struct probe *p, struct buf *out)
{
	const struct rollback_spec *spec = p->checks[0]->spec;
	const struct rollback_set *set = definition_rollback(p->world->definition, spec->set);

	if (!set)
		buf_printf(out, "no rollback set \"%s\"\n", spec->set);
	else if (spec->only)
		buf_printf(out, "restore tag %s of %s in %s\n", spec->only, set->repo->location,
			   set->scratch);
	else
		buf_printf(out, "restore the newest %" PRId64 " tags \"%s\" of %s in %s\n",
			   set->keep, set->tags, set->repo->location, set->scratch);
	if (set)
		describe_parts(set, out);
}

const struct audit_kind audit_kind_rollback = {
	.name = "rollback",
	.family = "rollback",
	.summary = "release tags that can be restored right now, and how long it takes",
	.blind =
		"It proves that the tag is the commit it always was and that its tree comes back "
		"byte for byte; not that the release builds, or fits today's database, nor that "
		"it starts, unless the set has `smoke` and then as far as that looks. "
		"It knows the tag as this record first saw it: a tag moved before that looks "
		"original. Signatures are looked at where the set has `signature`: that a key "
		"signed is not that its owner did, and a lightweight tag has none; certificates "
		"of OpenSSH and X.509 are not verified. "
		"Artifacts are looked at where the set lists them: that one says of what commit it "
		"was built is believed, and nothing is built again. Content that a filter program "
		"would make is not looked at.",
	.spec_size = sizeof(struct rollback_spec),
	.keys = rollback_keys,
	.values = rollback_values,
	.targets = 0,
	.scalar_key = "set",
	.check = rollback_check,
	.runs_program = rollback_runs_program,
	.describe = rollback_describe,
	.probe = rollback_probe,
	.arsenal = &arsenal_rollback,
};
