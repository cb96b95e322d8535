/*
 * policy: what a decision was a function of, as text, so that it can be made again when neither the
 * definition nor the repository is at hand.
 *
 * Two texts of JSON, made once for each decision and recorded with it. The policy is what the gate
 * asked for: its rules, and of every check it reads the name, the hash of its definition and where
 * it is written. It is the same from decision to decision as long as nobody changes the definition,
 * and recorded once. The basis is what was at hand: subject, time, the run each check was judged
 * by, how far the record went (before_seq), which runs had no end then, tags and commits as the
 * repository had them, when freezes were, and which decisions and overrides there were. Results
 * themselves are not in it: they are in the record, and when one of them is changed the decision
 * cannot be made again as it was.
 *
 * Reading gives an input without evidence (runner/gate_again.c reads that from the record). Text is
 * in the arena.
 */
#ifndef ASSIZE_GATES_POLICY_H
#define ASSIZE_GATES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gates/gate.h"

struct arena;
struct buf;
struct err;

void policy_write(struct buf *out, const struct gate_input *in);
void basis_write(struct buf *out, const struct gate_input *in);

/* The commit that the subject stood for then; NULL = not known, or a basis that is none of ours. */
const char *basis_subject_commit(struct arena *a, const char *basis);

/* Of each gate it depended on the decision that counted, 0 = none; n 0 likewise. */
void basis_decisions(struct arena *a, const char *basis, int64_t **ids, size_t *n);

/* Do two policies ask for the same, under whatever name the files they are written in are shown? */
bool policy_is_same(const char *a, const char *b);

/* The run a check was judged by. */
struct basis_evidence {
	int64_t run_id; /* 0 = never measured */
	enum run_state run_state;
};

/* Runs without an end then that had results of the check. */
struct basis_open {
	const char *check;
	const int64_t *runs;
	size_t n_runs;
};

struct basis {
	struct gate_input input;    /* pasts of rules without results, items without evidence */
	struct gate_item *items;    /* of input */
	struct gate_past **budgets; /* of each rule of input, its pasts */
	struct gate_past **baselines;
	struct basis_evidence *evidence; /* of each item */
	struct basis_open *open;
	size_t n_open;
	struct restoration_row *restorations; /* of input: tag, run, state, time */
	struct gate_opened *depends;	      /* of input, without the decisions */
	int64_t *decisions;		      /* of each of depends; 0 = none */
	int64_t *overrides;		      /* of input, by their numbers */
	size_t n_overrides;
};

/* -1 with ERR_RECORD: the texts are none of ours, or of a version this program does not know. */
int policy_read(struct arena *a, const char *policy, const char *basis, struct basis *out,
		struct err *e);

#endif
