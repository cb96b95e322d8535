/*
 * verify: one tag, step by step, cheapest first.
 *
 * - identity: the name means one commit, the recorded one (identity.c)
 * - source: the repository holds what it needs and restores what it stores (source.c, clone.c)
 * - closure: every tree and blob under the tag is read and re-hashed (tree.c, read.c, submodules.c,
 *   lfs.c)
 * - materialise: the tree is written into scratch (materialise.c, attributes.c, links.c)
 * - compare: scratch is read back and compared with the tree, both directions (compare.c)
 * - budget: where the set has one: time to restore = closure + materialise + compare
 * - artifacts: where the set has them: what was built of the tag is there and sound (artifacts.c)
 * - smoke: where the set has one: a program of the tag, run in the restored tree (smoke.c)
 * - compatible: checks of the tag's own definition, against today's targets (compatible.c)
 * - warm: the tag's warm copy, where it is to have one (warm.c)
 * - swap: a drill puts the tag in place of another release, and that one back (drill.c); and before
 *   everything a cold drill takes the repository out of the page cache (cold.c)
 *
 * A step that disproves or cannot go on ends the verification; steps not reached are absent. What
 * only taints the result (a local setting git would obey, an attribute under content: raw) lets the
 * rest run, so that one verification tells everything. Scratch is removed in every case.
 */
#include "rollback/pack.h"

#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/git.h"
#include "runner/model/unit.h"

static const char *const step_names[N_STEPS] = {
	[STEP_COLD] = "cold",
	[STEP_IDENTITY] = "identity",
	[STEP_SOURCE] = "source",
	[STEP_CLOSURE] = "closure",
	[STEP_MATERIALISE] = "materialise",
	[STEP_COMPARE] = "compare",
	[STEP_BUDGET] = "budget",
	[STEP_ARTIFACTS] = "artifacts",
	[STEP_SMOKE] = "smoke",
	[STEP_COMPATIBLE] = "compatible",
	[STEP_WARM] = ROLLBACK_STEP_WARM,
	[STEP_SWAP] = ROLLBACK_STEP_SWAP,
};

/* Runs one part of a step and adds its wall time, unless the part keeps time itself. */
static int timed(struct verification *v, struct step *s,
		 int (*part)(struct verification *v, struct step *s))
{
	int64_t begin_us = clock_monotonic_us(v->req->clock);
	int rc = part(v, s);

	s->duration_us += clock_monotonic_us(v->req->clock) - begin_us;
	return rc;
}

static void gather(struct verification *v, struct step *s)
{
	int64_t begin_us = clock_monotonic_us(v->req->clock);

	source_gather(v, s);
	s->duration_us += clock_monotonic_us(v->req->clock) - begin_us;
}

static int prove_attributes(struct verification *v)
{
	struct step *closure = &v->steps[STEP_CLOSURE];
	int64_t begin_us = clock_monotonic_us(v->req->clock);
	int rc = attributes_scan(v, closure, &v->steps[STEP_MATERIALISE]);

	if (rc == 0)
		rc = tree_check_bytes(v, closure);
	closure->duration_us += clock_monotonic_us(v->req->clock) - begin_us;
	settings_prove_lfs(v, &v->steps[STEP_SOURCE]);
	return rc;
}

static void check_budget(struct verification *v, struct step *s)
{
	double took_s = (double)v->out->restore_us / 1e6;
	double budget_s = (double)v->set->budget_ms / 1e3;
	struct buf took, allowed;

	if (v->out->restore_us <= v->set->budget_ms * 1000)
		return;
	buf_init(&took, BUF_UNBOUNDED); /* one number each */
	buf_init(&allowed, BUF_UNBOUNDED);
	unit_format_beside(&took, took_s, budget_s, "s");
	unit_format_bound(&allowed, budget_s, "s");
	step_find(s, OUTCOME_FAIL,
		  "set restore: { scratch: } to a faster disk, or raise restore: { budget: }",
		  "time to restore is %s, budget %s", took.data, allowed.data);
	buf_release(&took);
	buf_release(&allowed);
}

/* What is found from here on is the step's; what was never entered is not told. */
static struct step *enter(struct verification *v, enum rollback_step which)
{
	v->where = step_names[which];
	v->is_reached[which] = true;
	room_progress_begin(v);
	return &v->steps[which];
}

static void remove_scratch(struct verification *v, struct step *s)
{
	struct err e = {0};

	if (v->root_fd >= 0)
		(void)close(v->root_fd); /* a directory that was only read */
	v->root_fd = -1;
	v->where = "removal of scratch";
	room_progress_begin(v);
	if (scratch_release(&v->held, &e) < 0)
		step_find(s, OUTCOME_WARN,
			  arena_printf(v->a, "rm -rf %s", str_as_word(v->a, v->scratch)), "%s",
			  e.message);
	v->scratch = NULL;
	room_progress_begin(v);
}

static int write_tree(struct verification *v)
{
	struct step *closure = &v->steps[STEP_CLOSURE], *s = enter(v, STEP_MATERIALISE);

	if (timed(v, s, materialise_begin) < 0)
		return -1;
	if (materialise_run(v, closure, s) < 0) {
		v->is_reached[STEP_MATERIALISE] = step_is_passing(closure);
		return -1;
	}
	v->out->content = content_digest(v);
	return 0;
}

/*
 * Something that was read is not what was proven before. Everything is read again by libgit2, which
 * proves each name: it finds what is damaged, or that a copy which was damaged has a sound one
 * beside it, or that all have their names and yet not the content that once was proven.
 */
static int write_tree_again(struct verification *v)
{
	const char *proven = v->content;

	v->content = NULL;
	remove_scratch(v, &v->steps[STEP_MATERIALISE]);
	for (size_t i = 0; i < v->plan.blobs.n; i++)
		v->plan.blobs.items[i]->is_read = false;
	if (write_tree(v) < 0)
		return -1;
	if (str_equal(v->out->content, proven))
		return 0;
	v->out->content = NULL;
	return step_find(&v->steps[STEP_CLOSURE], OUTCOME_FAIL,
			 "verify the tag in another clone, without this record",
			 "every object has its name, but not the content that was recorded when "
			 "this tree was proven: a collision of SHA-1, or a changed record");
}

/* What the record knows about the content of this very tree. */
static const char *known_content(const struct verification *v)
{
	const struct pin *pin = v->req->pin;

	return pin && pin->tree && str_equal(pin->tree, v->out->tree) ? pin->content : NULL;
}

/* Is the tag restored in scratch, byte for byte? The steps after it are of use only then. */
static bool restore(struct verification *v)
{
	struct step *source = &v->steps[STEP_SOURCE], *closure, *compare;

	gather(v, source);
	if (timed(v, enter(v, STEP_IDENTITY), v->identify) < 0 ||
	    timed(v, enter(v, STEP_SOURCE), source_prove) < 0)
		return false;
	closure = enter(v, STEP_CLOSURE);
	if (timed(v, closure, tree_walk) < 0)
		return false;
	(void)timed(v, source, clone_prove); /* taints, does not stop */
	if (pack_prepare(v, closure) < 0 || tree_sizes(v, closure) < 0 || prove_attributes(v) < 0 ||
	    timed(v, closure, links_read) < 0)
		return false;
	v->content = known_content(v);
	if (write_tree(v) < 0)
		return false;
	if (v->content && !str_equal(v->content, v->out->content) && write_tree_again(v) < 0)
		return false;
	compare = enter(v, STEP_COMPARE);
	if (compare_run(v, compare) < 0)
		return false;
	v->out->n_bytes = v->plan.n_bytes;
	v->out->restore_us = closure->duration_us + v->steps[STEP_MATERIALISE].duration_us +
			     compare->duration_us;
	return true;
}

/* Is nothing known that speaks against the tag? Only then it gets a warm copy. */
static bool is_good(const struct verification *v)
{
	for (size_t i = 0; i < N_STEPS; i++)
		if (v->is_reached[i] && !step_is_passing(&v->steps[i]))
			return false;
	return true;
}

static void prove(struct verification *v)
{
	if (v->req->is_cold)
		(void)timed(v, enter(v, STEP_COLD), cold_drop); /* told in steps */
	if (!restore(v))
		return;
	/* None of these stops the next: one verification tells everything. */
	if (v->set->budget_ms > 0)
		check_budget(v, enter(v, STEP_BUDGET));
	if (v->set->n_artifacts > 0)
		(void)timed(v, enter(v, STEP_ARTIFACTS), artifacts_run);
	if (v->set->smoke.run.n > 0)
		(void)timed(v, enter(v, STEP_SMOKE), smoke_run); /* told in steps */
	if (v->set->compatible.n > 0)
		(void)timed(v, enter(v, STEP_COMPATIBLE), compatible_run); /* told in steps */
	if (v->req->warm != ROLLBACK_WARM_NONE && is_good(v))
		warm_prove(v, enter(v, STEP_WARM));
	if (v->req->is_drill)
		drill_swap(v, enter(v, STEP_SWAP));
}

bool rollback_is_good(const struct restoration *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (!outcome_is_passing(r->steps[i].outcome) &&
		    strcmp(r->steps[i].name, ROLLBACK_STEP_WARM) != 0)
			return false;
	return r->restore_us >= 0;
}

/* WARN marks a step; the restoration as a whole is proven, disproved or unproven. */
static void conclude(struct verification *v)
{
	enum outcome whole = OUTCOME_PASS;

	v->out->steps = arena_array(v->a, N_STEPS, sizeof(*v->out->steps));
	for (size_t i = 0; i < N_STEPS; i++) {
		if (!v->is_reached[i])
			continue;
		v->out->steps[v->out->n_steps++] = step_result(&v->steps[i], step_names[i]);
		whole = outcome_join(whole, v->steps[i].outcome);
	}
	v->out->outcome = outcome_is_passing(whole) ? OUTCOME_PASS : whole;
}

static void begin(struct verification *v, struct arena *a, const struct rollback_request *req,
		  struct restoration *out)
{
	memset(out, 0, sizeof(*out));
	out->set = req->set->name;
	out->tag = req->tag;
	out->outcome = OUTCOME_UNDECIDED;
	out->tag_time_ms = -1;
	out->restore_us = -1;
	v->a = a;
	v->req = req;
	v->set = req->set;
	v->tag = req->tag;
	v->ref = arena_printf(a, "refs/tags/%s", req->tag);
	v->identify = identity_prove;
	v->root_fd = -1;
	v->held.fd = -1;
	v->scratch_parent = req->warm == ROLLBACK_WARM_MADE
				    ? warm_place(a, req->set, req->tag).state
				    : req->set->scratch;
	v->out = out;
	for (size_t i = 0; i < N_STEPS; i++)
		step_init(&v->steps[i], a);
}

static int open_source(struct verification *v, struct err *e)
{
	if (git_door_open(v->set->repo->location, &v->repo, e) < 0)
		return -1;
	if (git_repository_odb(&v->odb, v->repo) < 0)
		return err_set(e, ERR_MEASURE, "could not open the objects of \"%s\": %s",
			       v->set->repo->location, git_door_message());
	v->stores = arena_array(v->a, 1, sizeof(*v->stores));
	v->stores[0] =
		(struct store){.gitdir = v->set->repo->location, .repo = v->repo, .odb = v->odb};
	v->n_stores = v->cap_stores = 1;
	return 0;
}

static void end_passes(struct verification *v)
{
	pack_release(v);
	crew_release(v);
	submodules_release(v);
}

int rollback_verify(struct arena *a, const struct rollback_request *req, struct restoration *out,
		    struct err *e)
{
	struct verification v = {0};
	struct restoration found;
	int rc;

	begin(&v, a, req, &found);
	rc = open_source(&v, e);
	if (rc == 0) {
		crew_init(&v);
		prove(&v);
		end_passes(&v);
		remove_scratch(&v, &v.steps[STEP_MATERIALISE]);
		conclude(&v);
		*out = found;
	}
	git_odb_free(v.odb);
	git_repository_free(v.repo);
	return rc;
}

bool other_restore(struct verification *other, struct arena *a, const struct rollback_request *req,
		   int (*identify)(struct verification *v, struct step *s))
{
	struct restoration *out = arena_alloc(a, sizeof(*out));
	bool is_restored = false;

	begin(other, a, req, out);
	if (identify)
		other->identify = identify;
	if (open_source(other, NULL) == 0) {
		crew_init(other);
		is_restored = restore(other);
		end_passes(other);
	}
	conclude(other);
	return is_restored;
}

void other_release(struct verification *other, struct step *s)
{
	remove_scratch(other, s);
	git_odb_free(other->odb);
	git_repository_free(other->repo);
}

int rollback_identify(struct arena *a, const struct rollback_request *req, struct restoration *out,
		      struct err *e)
{
	struct verification v = {0};
	struct restoration found;
	int rc;

	begin(&v, a, req, &found);
	rc = open_source(&v, e);
	if (rc == 0) {
		gather(&v, &v.steps[STEP_SOURCE]);
		(void)timed(&v, enter(&v, STEP_IDENTITY), identity_prove); /* told in steps */
		conclude(&v);
		*out = found;
	}
	git_odb_free(v.odb);
	git_repository_free(v.repo);
	return rc;
}
