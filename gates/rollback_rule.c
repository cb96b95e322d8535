/*
 * The rollback rule: targets as they stand in the repository now must have been proven lately.
 *
 * With `tags: all` every target is a requirement. With `tags: any` one proven target is enough, and
 * the others are advice; while none is proven, those that still could be are what is required, and
 * only when every one was disproved is the rule disproved. The release that is to go out is no way
 * back from itself, nor is another commit that has its tree; when nobody can tell which of the
 * targets it is, one of them has to be another, which two with different trees are. A target that
 * was verified lately and is deleted now was not disproved by that, nor is it forgotten; one that
 * was disproved lately is not forgotten because newer tags have taken its place. When the tag the
 * release is called by was another commit, evidence about the release may be of that one, so that
 * the gate stays shut.
 */
#include <inttypes.h>
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/unit.h"

/* What is known about one target. */
struct target_state {
	const char *tag;
	const char *commit;		   /* where it leads now; NULL = nobody knows */
	const struct restoration_row *row; /* NULL = never verified */
	enum outcome outcome;
	const char *text;
};

static const struct restoration_row *newest_row(const struct gate_input *in, const char *tag)
{
	const struct restoration_row *found = NULL;

	for (size_t i = 0; i < in->n_restorations; i++) {
		const struct restoration_row *row = &in->restorations[i];

		if (strcmp(row->restoration.tag, tag) == 0 &&
		    strcmp(row->restoration.set, in->gate->rollback->name) == 0 &&
		    (found == NULL || row->run_id > found->run_id))
			found = row;
	}
	return found;
}

/* Was what was proven what the tag means now? A moved tag makes old evidence evidence of another.
 */
static bool is_same_commit(const struct target_state *t)
{
	return t->commit != NULL && t->row->restoration.commit != NULL &&
	       strcmp(t->commit, t->row->restoration.commit) == 0;
}

/* The step that decided, for the words it found. */
static const struct restoration_step *deciding_step(const struct restoration *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (r->steps[i].outcome == r->outcome)
			return &r->steps[i];
	return NULL;
}

static const char *finding(struct lines *l, const struct restoration *r, const char *word)
{
	const struct restoration_step *step = deciding_step(r);

	if (step == NULL || step->finding == NULL)
		return word;
	return arena_printf(l->arena, "%s at %s: %s", word, step->name, step->finding);
}

bool rollback_row_counts(const struct gate_input *in, const struct restoration_row *row)
{
	/* Lists of a tag's own are no part of the digest: they have to be of a commit as well. */
	return in->policy == NULL || (str_starts(row->definition_file, "git:") &&
				      memcmp(row->definition_digest, in->definition_digest,
					     sizeof(row->definition_digest)) == 0);
}

/* Is the tag known as another commit, by its verification or by what disproved it? */
static bool is_known_as_another(const struct target_state *t)
{
	const struct restoration_step *step;

	if (t->row == NULL || t->row->restoration.commit == NULL || t->commit == NULL)
		return false;
	step = deciding_step(&t->row->restoration);
	return !is_same_commit(t) || (t->row->restoration.outcome == OUTCOME_FAIL && step != NULL &&
				      strcmp(step->name, "identity") == 0);
}

/* Most are restored in less than a millisecond. */
static const char *restore_time(struct lines *l, const struct gate_input *in, int64_t us)
{
	struct buf b;
	const char *text;

	if (gate_is_before_edition(in, 5))
		return lines_duration(l, us / 1000);
	buf_init(&b, BUF_UNBOUNDED); /* one number */
	unit_format(&b, (double)us / 1e6, "s");
	text = arena_strdup(l->arena, b.data);
	buf_release(&b);
	return text;
}

static void judge(struct lines *l, const struct gate_input *in, struct target_state *t)
{
	const struct restoration_row *row = t->row;
	const char *age;

	if (row == NULL) {
		t->text = "never verified";
		return;
	}
	age = lines_age(l, row->at_ms, in->now_ms);
	if (row->run_state != RUN_COMPLETE) {
		t->text = "verified by a run that did not come to its end";
	} else if (!rollback_row_counts(in, row)) {
		t->text = arena_printf(l->arena, "verified %s under other definitions", age);
	} else if (refuse_is_future(row->at_ms, in->now_ms)) {
		t->text = arena_printf(l->arena, "verified %s: a clock is wrong", age);
	} else if (refuse_is_stale(row->at_ms, in->now_ms, in->gate->rollback_within_ms)) {
		t->text = arena_printf(l->arena, "verified %s, limit %s", age,
				       lines_duration(l, in->gate->rollback_within_ms));
	} else if (row->restoration.outcome == OUTCOME_FAIL) {
		t->outcome = OUTCOME_FAIL;
		t->text = finding(l, &row->restoration, "disproved");
	} else if (outcome_is_passing(row->restoration.outcome) && !is_same_commit(t)) {
		t->text = arena_printf(
			l->arena, "proven %s as commit %.12s, but the tag leads to %.12s now", age,
			row->restoration.commit != NULL ? row->restoration.commit : "?",
			t->commit != NULL ? t->commit : "none");
	} else if (outcome_is_passing(row->restoration.outcome)) {
		t->outcome = row->restoration.outcome;
		t->text = arena_printf(l->arena, "proven %s, restored in %s", age,
				       restore_time(l, in, row->restoration.restore_us));
	} else {
		t->text = finding(l, &row->restoration, "unproven");
	}
}

static const char *remedy_of(struct lines *l, const struct target_state *t)
{
	const struct restoration_step *step =
		t->row != NULL ? deciding_step(&t->row->restoration) : NULL;

	if (outcome_is_passing(t->outcome))
		return NULL;
	if (step != NULL && step->remedy != NULL && t->row->restoration.outcome != OUTCOME_PASS)
		return step->remedy;
	return arena_printf(l->arena, "assize rollback verify %s%s", t->tag[0] == '-' ? "-- " : "",
			    lines_word(l, t->tag));
}

static void add(struct lines *l, const struct gate_input *in, const struct target_state *t,
		bool is_hard)
{
	const struct gate *g = in->gate;
	struct decision_line *line =
		lines_add(l, arena_printf(l->arena, "rollback/%s", g->rollback->name), t->outcome,
			  is_hard, t->text);

	line->series = t->tag;
	line->remedy = remedy_of(l, t);
	line->file = g->rollback_pos.file;
	line->line = g->rollback_pos.line;
	line->col = g->rollback_pos.col;
	if (t->row == NULL)
		return;
	line->run_id = t->row->run_id;
	line->measured_ms = t->row->at_ms;
	if (is_hard && outcome_is_passing(t->outcome))
		lines_rest_on(l, t->row->at_ms);
}

static const char *commit_of(const struct gate_input *in, size_t i)
{
	return in->rollback_commits != NULL ? in->rollback_commits[i] : NULL;
}

static struct target_state state_of(const struct gate_input *in, size_t i)
{
	return (struct target_state){
		.tag = in->rollback_tags[i],
		.commit = commit_of(in, i),
		.row = newest_row(in, in->rollback_tags[i]),
	};
}

/* The commit, or an abbreviation of it that git itself would print. */
static bool names_commit(const char *subject, const char *commit)
{
	size_t n = subject != NULL ? strlen(subject) : 0;

	return commit != NULL && n >= 7 && strncmp(commit, subject, n) == 0;
}

static const char *tree_of(const struct gate_input *in, size_t i)
{
	return in->rollback_trees != NULL ? in->rollback_trees[i] : NULL;
}

bool rollback_is_same(const struct gate_input *in, size_t i, size_t k)
{
	return str_equal(commit_of(in, i), commit_of(in, k)) ||
	       (tree_of(in, i) != NULL && str_equal(tree_of(in, i), tree_of(in, k)));
}

/* Another commit, from which going back to it changes nothing. */
static bool has_tree_of_release(const struct gate_input *in, size_t i)
{
	return tree_of(in, i) != NULL && str_equal(tree_of(in, i), in->rollback_subject_tree);
}

/* By its tag, its commit, another tag of that commit, or whatever else git knows it by. */
static bool is_called_release(const struct gate_input *in, size_t i)
{
	const char *commit = commit_of(in, i);

	if (in->rollback_subject != NULL && *in->rollback_subject != '\0' &&
	    str_equal(commit, in->rollback_subject))
		return true;
	if (str_equal(in->rollback_tags[i], in->subject) || names_commit(in->subject, commit))
		return true;
	for (size_t k = 0; k < in->n_rollback_tags; k++)
		if (commit != NULL && str_equal(in->rollback_tags[k], in->subject) &&
		    str_equal(commit, commit_of(in, k)))
			return true;
	return false;
}

bool rollback_is_release(const struct gate_input *in, size_t i)
{
	return has_tree_of_release(in, i) || is_called_release(in, i);
}

bool rollback_is_moved_release(const struct gate_input *in, size_t i)
{
	const struct target_state t = state_of(in, i);
	const char *name = in->subject != NULL ? in->subject : "";

	name += str_starts(name, "refs/") ? strlen("refs/") : 0;
	name += str_starts(name, "tags/") ? strlen("tags/") : 0;
	return !gate_is_before_edition(in, 2) && strcmp(t.tag, name) == 0 &&
	       is_known_as_another(&t);
}

static size_t count_ways_back(const struct gate_input *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_rollback_tags; i++)
		n += in->gate->is_rollback_all || !rollback_is_release(in, i) ? 1 : 0;
	return n;
}

/* Is the only commit that is proven perhaps the release itself? */
static bool is_perhaps_itself(const struct gate_input *in, const struct target_state *targets)
{
	size_t first = in->n_rollback_tags;

	if (in->rollback_subject == NULL || *in->rollback_subject != '\0')
		return false;
	for (size_t i = 0; i < in->n_rollback_tags; i++) {
		if (!outcome_is_passing(targets[i].outcome))
			continue;
		if (rollback_is_release(in, i) || (first < i && !rollback_is_same(in, first, i)))
			return false; /* it is known, or one of the two is another */
		first = first < i ? first : i;
	}
	return first < in->n_rollback_tags;
}

static void add_perhaps_itself(struct lines *l, const struct gate_input *in)
{
	struct target_state none = {.tag = ""};

	none.text = "the only commit that is proven may be the release itself, which is not named";
	if (in->subject != NULL && strcmp(in->subject, "any") != 0)
		none.text =
			arena_printf(l->arena,
				     "the only commit that is proven may be the release itself: "
				     "\"%s\" stands for no commit of the repository",
				     in->subject);
	add(l, in, &none, true);
	l->items[l->n - 1].remedy =
		"name the release by its tag or commit (--subject), or prove a second target "
		"(keep: 2)";
}

/* Before the fifth edition only what had been proven was brought back. */
static const char *bring_back(struct lines *l, const struct gate_input *in,
			      const struct restoration_row *row)
{
	const struct restoration *x = &row->restoration;
	const char *command = NULL;

	if (!gate_is_before_edition(in, 5))
		command = rollback_bring_back(l->arena, x, row->pinned);
	else if (x->outcome != OUTCOME_FAIL && x->commit != NULL)
		command = arena_printf(l->arena, "git tag %s %s", lines_word(l, x->tag), x->commit);
	return command != NULL ? command : "bring back the tag as it was released";
}

static const char *gone_text(struct lines *l, const struct gate_input *in,
			     const struct restoration_row *row)
{
	const char *was = row->restoration.outcome == OUTCOME_FAIL ? "disproved" : "verified";
	const char *age = lines_age(l, row->at_ms, in->now_ms), *as = "";
	const char *commit = row->restoration.commit;

	if (commit != NULL || gate_is_before_edition(in, 5))
		as = arena_printf(l->arena, " as commit %.12s", commit != NULL ? commit : "?");
	return arena_printf(l->arena, "%s %s%s, and is no tag of the repository now", was, age, as);
}

static void decide_gone(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_rollback_gone; i++) {
		struct target_state t = {.tag = in->rollback_gone[i]};

		t.row = newest_row(in, t.tag);
		if (t.row == NULL ||
		    refuse_is_stale(t.row->at_ms, in->now_ms, in->gate->rollback_within_ms))
			continue;
		t.text = gone_text(l, in, t.row);
		add(l, in, &t, in->gate->is_rollback_all);
		l->items[l->n - 1].remedy = bring_back(l, in, t.row);
	}
}

/* What was disproved and is no target any more, until it is verified again. */
static void decide_left(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_rollback_left; i++) {
		struct target_state t = {.tag = in->rollback_left[i],
					 .commit = in->rollback_left_commits[i]};
		const char *age;

		t.row = newest_row(in, t.tag);
		if (t.row == NULL || t.row->restoration.outcome != OUTCOME_FAIL ||
		    refuse_is_stale(t.row->at_ms, in->now_ms, in->gate->rollback_within_ms))
			continue;
		age = lines_age(l, t.row->at_ms, in->now_ms);
		t.outcome = t.commit != NULL ? OUTCOME_FAIL : OUTCOME_UNDECIDED;
		t.text = t.commit != NULL
				 ? finding(l, &t.row->restoration,
					   arena_printf(l->arena, "no target now, and disproved %s",
							age))
				 : arena_printf(l->arena,
						"no target now, disproved %s, and leads to no "
						"commit of the repository",
						age);
		add(l, in, &t, in->gate->is_rollback_all);
		if (t.commit == NULL)
			l->items[l->n - 1].remedy = "bring back the tag as it was released";
	}
}

static void decide_targets(struct lines *l, const struct gate_input *in)
{
	struct target_state *targets = arena_array(l->arena, in->n_rollback_tags, sizeof(*targets));
	size_t n_proven = 0, n_open = 0;

	for (size_t i = 0; i < in->n_rollback_tags; i++) {
		targets[i] = state_of(in, i);
		judge(l, in, &targets[i]);
		if (rollback_is_release(in, i))
			continue;
		n_proven += outcome_is_passing(targets[i].outcome) ? 1 : 0;
		n_open += targets[i].outcome == OUTCOME_UNDECIDED ? 1 : 0;
	}
	for (size_t i = 0; i < in->n_rollback_tags; i++) {
		enum outcome o = targets[i].outcome;
		bool is_needed = n_proven > 0 ? outcome_is_passing(o)
				 : n_open > 0 ? o == OUTCOME_UNDECIDED
					      : true;

		add(l, in, &targets[i],
		    in->gate->is_rollback_all || rollback_is_moved_release(in, i) ||
			    (is_needed && !rollback_is_release(in, i)));
	}
	if (!in->gate->is_rollback_all && is_perhaps_itself(in, targets))
		add_perhaps_itself(l, in);
}

static bool is_other_commit(const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_rollback_tags; i++)
		if (has_tree_of_release(in, i) && !is_called_release(in, i))
			return true;
	return false;
}

/* Nothing was ever released, or the set keeps nothing else of it: there is no way back to prove. */
static void add_no_way_back(struct lines *l, const struct gate_input *in)
{
	bool is_alone = in->n_rollback_tags > 0;
	struct target_state none = {
		.tag = "",
		.text = !is_alone ? "the set has no tag to roll back to"
			: is_other_commit(in)
				? "the set has no tag to roll back to but such as have the very "
				  "tree of the release"
				: "the set has no tag to roll back to but the release itself",
	};
	bool is_named =
		in->subject != NULL && *in->subject != '\0' && strcmp(in->subject, "any") != 0;

	add(l, in, &none, true);
	l->items[l->n - 1].remedy = "assize rollback list";
	if (gate_is_before_edition(in, 2) || in->n_rollback_gone > 0)
		return;
	l->items[l->n - 1].text =
		arena_printf(l->arena, "%s: a first release is let out by override%s", none.text,
			     is_alone ? "; after others, keep: 2 holds one of them" : "");
	l->items[l->n - 1].remedy = arena_printf(
		l->arena,
		"assize override %s --subject %s --by \"$USER\" --reason 'first release: nothing "
		"to go back to'",
		lines_word(l, in->gate->name), is_named ? lines_word(l, in->subject) : "ID");
}

void rollback_rule_decide(struct lines *l, const struct gate_input *in)
{
	struct target_state none = {.tag = ""};

	if (in->rollback_error != NULL) {
		none.text = arena_printf(l->arena, "could not list the targets: %s",
					 in->rollback_error);
		add(l, in, &none, true);
		l->items[l->n - 1].remedy = "assize rollback list";
	} else if (count_ways_back(in) == 0) {
		add_no_way_back(l, in);
	} else {
		decide_targets(l, in);
	}
	decide_gone(l, in);
	decide_left(l, in);
}
