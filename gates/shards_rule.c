/*
 * Shards: what one part of a whole measured counts only when every part is there.
 *
 * The parts of a whole are the runs with one manifest (runner/shard.h). Of each part its newest run
 * counts, and it must be complete and as fresh as the strictest requirement that rests on the
 * whole. It replaces what was run before it in the same record; another complete run of the part
 * that is as fresh is one too many. The whole must be the newest of its kind: when any part was
 * begun since then under another manifest (another definition, variables, number of parts), what is
 * there is a mixture. Everything else is undecided: a missing part is never a pass, whatever it
 * would have measured.
 *
 * Rules about history look at more runs than these and count each by itself; of theirs the newest
 * of each check is held to the same.
 */
#include <inttypes.h>
#include <string.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"

#define MAX_NAMED    8 /* parts of one line */
#define MANIFEST_HEX 12
#define NO_AGE	     INT64_MAX

/* What rests on a whole. */
struct need {
	bool is_any, is_hard, is_absolute;
	int64_t max_age_ms; /* the strictest; of hard ones when there are some */
};

/* What stands against a part; the first that applies. */
enum fault {
	FAULT_NONE = 0,
	FAULT_MISSING,
	FAULT_INCOMPLETE,
	FAULT_INTERRUPTED,
	FAULT_DEFINITION,
	FAULT_FUTURE,
	FAULT_STALE,
	FAULT_DUPLICATE,
	FAULT_N,
};

/* ---- what rests on it ---- */

static bool has_run(const struct gate_shards *s, int64_t run_id)
{
	for (size_t i = 0; i < s->n_runs; i++)
		if (s->runs[i] == run_id)
			return true;
	return false;
}

static void add_need(struct need *n, bool is_hard, int64_t max_age_ms)
{
	if (!n->is_any || (is_hard && !n->is_hard) ||
	    (is_hard == n->is_hard && max_age_ms < n->max_age_ms))
		n->max_age_ms = max_age_ms;
	n->is_any = true;
	n->is_hard = n->is_hard || is_hard;
}

static void add_pasts(struct need *n, const struct gate_shards *s, const struct gate_pasts *pasts)
{
	for (size_t i = 0; i < pasts->n; i++)
		if (pasts->items[i].n > 0 && has_run(s, pasts->items[i].results[0].run_id)) {
			add_need(n, true, NO_AGE);
			n->is_absolute = n->is_absolute || pasts->items[i].check->is_absolute;
		}
}

static struct need need_of(const struct gate_input *in, const struct gate_shards *s)
{
	struct need n = {.max_age_ms = NO_AGE};

	for (size_t i = 0; i < in->n_items; i++) {
		const struct gate_item *item = &in->items[i];

		if (item->n_evidence == 0 || !has_run(s, item->evidence[0].run_id))
			continue;
		add_need(&n, item->is_hard, item->max_age_ms);
		n.is_absolute = n.is_absolute || (item->is_hard && item->check->is_absolute);
	}
	for (size_t i = 0; i < in->n_budgets; i++)
		add_pasts(&n, s, &in->budgets[i].past);
	for (size_t i = 0; i < in->n_baselines; i++)
		add_pasts(&n, s, &in->baselines[i].past);
	for (size_t i = 0; i < in->n_restorations; i++)
		if (has_run(s, in->restorations[i].run_id))
			add_need(&n, true, in->gate->rollback_within_ms);
	return n;
}

/* ---- parts ---- */

static enum fault fault_of(const struct gate_input *in, const struct shard_set *s,
			   const struct need *n, size_t part)
{
	const struct shard_run *run = &s->runs[part], *twin = &s->duplicates[part];

	if (run->run_id == 0)
		return FAULT_MISSING;
	if (run->run_state == RUN_INTERRUPTED)
		return FAULT_INTERRUPTED;
	if (run->run_state != RUN_COMPLETE)
		return FAULT_INCOMPLETE;
	if (memcmp(run->definition_digest, s->definition_digest, SHA256_BYTES) != 0)
		return FAULT_DEFINITION;
	if (refuse_is_future(run->begin_ms, in->now_ms))
		return FAULT_FUTURE;
	if (refuse_is_stale(run->begin_ms, in->now_ms, n->max_age_ms))
		return FAULT_STALE;
	/* what is too old to count cannot count instead */
	if (twin->run_id != 0 && !refuse_is_stale(twin->begin_ms, in->now_ms, n->max_age_ms))
		return FAULT_DUPLICATE;
	return FAULT_NONE;
}

static const char *manifest_text(struct lines *l, const unsigned char *manifest)
{
	char hex[SHA256_HEX];

	sha256_hex(manifest, hex);
	return arena_strndup(l->arena, hex, MANIFEST_HEX);
}

/* "shards 2, 3 and 7 of 8"; the first of them in *first. */
static const char *parts_text(struct lines *l, const struct shard_set *s, const enum fault *faults,
			      enum fault fault, size_t *first, size_t *n)
{
	const char *text = "";
	size_t count = 0, named = 0;

	for (size_t i = 0; i < (size_t)s->total; i++)
		count += faults[i] == fault;
	for (size_t i = 0; i < (size_t)s->total && named < MAX_NAMED; i++) {
		if (faults[i] != fault)
			continue;
		if (named == 0)
			*first = i;
		text = arena_printf(l->arena, "%s%s%zu", text,
				    named == 0		 ? ""
				    : named + 1 == count ? " and "
							 : ", ",
				    i + 1);
		named++;
	}
	if (count > named)
		text = arena_printf(l->arena, "%s and %zu more", text, count - named);
	*n = count;
	return arena_printf(l->arena, "shard%s %s of %" PRId64, count == 1 ? "" : "s", text,
			    s->total);
}

/* What is there in its place, when there is something. */
static const char *other_text(struct lines *l, const struct shard_set *s, size_t part)
{
	const struct shard_run *o = &s->others[part];
	const char *how = "with other variables, checks or words";

	if (o->run_id == 0)
		return "";
	if (memcmp(o->definition_digest, s->definition_digest, SHA256_BYTES) != 0)
		how = "under another definition or with other variables";
	else if (!str_equal(o->subject, s->subject))
		how = arena_printf(l->arena, "about \"%s\"", o->subject);
	return arena_printf(l->arena, "; run %" PRId64 " of shard %zu was made %s", o->run_id,
			    part + 1, how);
}

static const char *duplicate_text(struct lines *l, const char *parts, const char *whole,
				  const struct shard_run *run, const struct shard_run *twin)
{
	bool is_elsewhere = memcmp(run->origin, twin->origin, sizeof(run->origin)) != 0;

	return arena_printf(l->arena,
			    "%s of manifest %s: run %" PRId64 " and run %" PRId64
			    " are both complete, %s, and neither replaces the other",
			    parts, whole, twin->run_id, run->run_id,
			    is_elsewhere ? "made in different records" : "made at the same time");
}

static const char *fault_text(struct lines *l, const struct gate_input *in,
			      const struct shard_set *s, const struct need *need,
			      const enum fault *faults, enum fault fault, size_t *first)
{
	size_t n;
	const char *parts = parts_text(l, s, faults, fault, first, &n);
	const struct shard_run *run = &s->runs[*first];
	const char *whole = manifest_text(l, s->manifest), *have = n == 1 ? "has" : "have";
	const char *age = lines_age(l, run->begin_ms, in->now_ms);
	const char *why = "";

	switch (fault) {
	case FAULT_NONE:
	case FAULT_N:
		break;
	case FAULT_MISSING:
		why = other_text(l, s, *first);
		break;
	case FAULT_INCOMPLETE:
		why = arena_printf(l->arena, ": run %" PRId64 " did not come to its end",
				   run->run_id);
		break;
	case FAULT_INTERRUPTED:
		why = arena_printf(l->arena, ": run %" PRId64 " was interrupted", run->run_id);
		break;
	case FAULT_DEFINITION:
		why = arena_printf(l->arena, ": run %" PRId64 " was made under another definition",
				   run->run_id);
		break;
	case FAULT_FUTURE:
		return arena_printf(l->arena,
				    "%s of manifest %s: run %" PRId64 " began %s: a "
				    "clock is wrong",
				    parts, whole, run->run_id, age);
	case FAULT_STALE:
		return arena_printf(l->arena,
				    "%s of manifest %s: run %" PRId64 " began %s, limit %s", parts,
				    whole, run->run_id, age, lines_duration(l, need->max_age_ms));
	case FAULT_DUPLICATE:
		return duplicate_text(l, parts, whole, run, &s->duplicates[*first]);
	}
	return arena_printf(l->arena, "%s %s no complete run of manifest %s%s", parts, have, whole,
			    why);
}

/* ---- lines ---- */

/* "assize run tag:fast --shard 3/4 --subject v1" */
static const char *remedy(struct lines *l, const struct shard_set *s, size_t part)
{
	const char *text = "assize run", *subject = s->subject;

	for (const char *word = s->selection; *word != '\0';) {
		size_t n = strcspn(word, " ");

		text = arena_printf(l->arena, "%s %s", text,
				    lines_word(l, arena_strndup(l->arena, word, n)));
		word += n + strspn(word + n, " ");
	}
	text = arena_printf(l->arena, "%s --shard %zu/%" PRId64, text, part + 1, s->total);
	return subject[0] == '\0'
		       ? text
		       : arena_printf(l->arena, "%s --subject %s", text, lines_word(l, subject));
}

static struct decision_line *add_line(struct lines *l, const struct gate_input *in,
				      const struct need *n, enum outcome outcome, const char *text)
{
	struct decision_line *line = lines_add(l, "shards", outcome, n->is_hard, text);

	line->is_absolute = n->is_absolute;
	line->file = in->gate->pos.file;
	line->line = in->gate->pos.line;
	line->col = in->gate->pos.col;
	return line;
}

/* A part that was begun later as part of another whole: what is here is not what there is. */
static bool is_replaced(struct lines *l, const struct gate_input *in, const struct shard_set *s,
			const struct need *need)
{
	const struct shard_run *n = &s->newest;
	bool is_other_definition =
		memcmp(n->definition_digest, s->definition_digest, SHA256_BYTES) != 0;
	const char *text;

	if (n->run_id == 0 || memcmp(n->manifest, s->manifest, SHA256_BYTES) == 0)
		return false;
	text = arena_printf(l->arena,
			    "the evidence is of manifest %s, and run %" PRId64 ", shard %" PRId64
			    " of %" PRId64 ", is of manifest %s%s: all shards have to be run alike",
			    manifest_text(l, s->manifest), n->run_id, n->index, n->total,
			    manifest_text(l, n->manifest),
			    is_other_definition ? ", under another definition" : "");
	add_line(l, in, need, OUTCOME_UNDECIDED, text)->run_id = n->run_id;
	return true;
}

static void add_fault(struct lines *l, const struct gate_input *in, const struct shard_set *s,
		      const struct need *need, const enum fault *faults, enum fault fault)
{
	size_t first = 0;
	const char *text = fault_text(l, in, s, need, faults, fault, &first);
	struct decision_line *line = add_line(l, in, need, OUTCOME_UNDECIDED, text);

	line->run_id = s->runs[first].run_id;
	line->remedy = fault == FAULT_DUPLICATE
			       ? "decide with a record that has one run of each part"
			       : remedy(l, s, first);
}

static void decide(struct lines *l, const struct gate_input *in, const struct gate_shards *shards)
{
	const struct shard_set *s = &shards->set;
	struct need need = need_of(in, shards);
	enum fault *faults;
	bool is_whole;

	if (!need.is_any)
		return;
	if (s->total < 1) {
		(void)add_line(l, in, &need, OUTCOME_UNDECIDED,
			       arena_printf(l->arena,
					    "run %" PRId64 " is no part of anything, "
					    "though it says so",
					    shards->runs[0]));
		return;
	}
	faults = arena_array(l->arena, (size_t)s->total, sizeof(*faults));
	is_whole = !is_replaced(l, in, s, &need);
	for (size_t i = 0; i < (size_t)s->total; i++) {
		faults[i] = fault_of(in, s, &need, i);
		is_whole = is_whole && faults[i] == FAULT_NONE;
	}
	for (enum fault fault = FAULT_MISSING; fault < FAULT_N; fault++)
		for (size_t i = 0; i < (size_t)s->total; i++)
			if (faults[i] == fault) {
				add_fault(l, in, s, &need, faults, fault);
				break;
			}
	if (is_whole)
		(void)add_line(l, in, &(struct need){.is_hard = false}, OUTCOME_PASS,
			       arena_printf(l->arena,
					    "all %" PRId64 " shards of manifest %s have "
					    "a complete run",
					    s->total, manifest_text(l, s->manifest)));
}

void shards_rule_decide(struct lines *l, const struct gate_input *in)
{
	for (size_t i = 0; i < in->n_shards; i++)
		decide(l, in, &in->shards[i]);
}
