/*
 * rollback: prove, not assume, that a release tag can be restored right now.
 *
 * Opens repositories read-only, restores into scratch space only. Steps, cheapest first, each timed
 * and recorded in the restoration: identity, source, closure, materialise, compare, compatible.
 * Disproved = FAIL, not provable = UNDECIDED, each with the exact command that fixes it.
 * Thread-safe: every call opens its own repository handles.
 *
 * Source: docs in rollback/verify.c for each step's rule and the git behaviour it guards against.
 */
#ifndef ASSIZE_ROLLBACK_ROLLBACK_H
#define ASSIZE_ROLLBACK_ROLLBACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/former.h"
#include "runner/model/restoration.h"

struct arena;
struct buf;
struct clock;
struct err;
struct rollback_set;

/*
 * How far a verification is; told on the verifying thread when a step begins, and about every 100
 * ms while it goes on. Total 0 = not known.
 */
struct rollback_progress {
	const char *tag, *step;
	int64_t done, total;	    /* files, or whatever the step goes through */
	int64_t bytes, total_bytes; /* of these files */
	bool is_new;		    /* the step begins */
	bool has_scratch;	    /* there is something to remove */
};
typedef void rollback_progress_fn(void *ctx, const struct rollback_progress *p);

/* The restored tag, for what is looked at by rooms above this one. */
struct rollback_place {
	const char *tag, *commit; /* short name; hex */
	const char *tree;	  /* the restored tree: nothing in it may be changed */
	const char *scratch;	  /* the private directory it is in, gone afterwards */
	int64_t seen_ms; /* when this record first saw the tag as it is; 0 = never before */
	int64_t deadline_ms;
};

/* What they found; text in the arena of the request. */
struct rollback_found {
	enum outcome outcome;
	const char *finding, *remedy; /* as in a step; NULL where there is none */
	const char *note;	      /* lines; NULL = none */
	bool may_have_written;	      /* into the tree: nothing kept it from that */
	const char *name, *digest;    /* artifacts: as recorded; digest NULL = not known */
};

typedef void rollback_look_fn(void *ctx, const struct rollback_place *place,
			      struct rollback_found *out);
/* The same at the set's artifact i. */
typedef void rollback_artifact_fn(void *ctx, const struct rollback_place *place, size_t i,
				  struct rollback_found *out);

/*
 * The step `warm`. NONE: the tag gets no warm copy, or the set has none. CHECKED: it is to have one
 * that is its tree; nothing is written. MADE: it gets one; the caller holds rollback_warm_begin().
 */
enum rollback_warm { ROLLBACK_WARM_NONE = 0, ROLLBACK_WARM_CHECKED, ROLLBACK_WARM_MADE };

struct rollback_request {
	const struct rollback_set *set;
	const char *tag;       /* short name, "v1.2.0" */
	const struct pin *pin; /* NULL = never seen: this verification sets it */
	/* of a set that is no longer defined, and may have been this one; NULL = none */
	const struct pin *lost_pin;
	const struct clock *clock;
	int64_t deadline_ms;
	enum rollback_warm warm;
	/*
	 * A drill swaps the restored tag in and out again: previous is the tag it takes the place
	 * of, NULL = what HEAD leads to. is_cold: the repository is taken out of the page cache
	 * first.
	 */
	bool is_drill, is_cold;
	const char *previous;
	const atomic_bool *is_interrupted; /* set: ends soon, unproven; NULL = never */
	rollback_progress_fn *progress;	   /* may be NULL */
	void *progress_ctx;
	former_fn *former; /* runs the set's compatible checks; NULL = nobody can */
	void *former_ctx;
	rollback_look_fn *smoke; /* runs the set's smoke test; NULL = nobody can */
	rollback_artifact_fn *artifact;
	void *look_ctx;
};

/* The set's tags: pattern, version order newest first, the newest `keep`. */
int rollback_tags(struct arena *a, const struct rollback_set *set, const char *const **tags,
		  size_t *n, struct err *e);

/* What brings tags when the set has none. */
const char *rollback_tags_help(struct arena *a, const struct rollback_set *set);

/*
 * The command that makes the tag a name of the commit; is_moved: it is one of another. Tagger,
 * message and signature are not in the commit.
 */
const char *rollback_retag(struct arena *a, const char *tag, const char *commit, bool is_moved);
/*
 * The same for a tag that was verified and is gone: the commit it is to keep to (pinned), else the
 * one it was verified as, unless it was disproved. NULL = there is neither.
 */
const char *rollback_bring_back(struct arena *a, const struct restoration *x, const char *pinned);

/* Does git call the set's repository a shallow clone? It has but the tags that were asked for. */
bool rollback_is_shallow(const struct rollback_set *set);

/*
 * Commits (hex) the tags lead to now, by reference alone: nothing is verified. NULL where a tag
 * leads to none. It tells that a tag has moved since it was proven.
 */
int rollback_commits(struct arena *a, const struct rollback_set *set, const char *const *tags,
		     size_t n, const char *const **commits, struct err *e);

/* Their trees: NULL where there is no commit, or it cannot be read. */
int rollback_trees(struct arena *a, const struct rollback_set *set, const char *const *commits,
		   size_t n, const char *const **trees, struct err *e);

/*
 * The commit (hex) that a name stands for in the set's repository, whatever kind of name it is:
 * tag, branch, HEAD, commit or tag object, short or long, in either case, or what git describe
 * calls a commit. NULL = a tag of the set that is still to be made; "" = nothing the repository
 * knows.
 */
int rollback_resolve(struct arena *a, const struct rollback_set *set, const char *name,
		     const char **commit, struct err *e);

/* Is a tag of this name one of the set's releases, however old? */
bool rollback_has(const struct rollback_set *set, const char *tag);

/* A file of a tag's tree, and where the repository itself keeps its content. */
struct rollback_blob {
	const char *path; /* in the tree; NULL = there is no file in it */
	const char *file; /* a loose object or a pack; NULL = neither: it is borrowed, or gone */
	int64_t at;	  /* a byte of its compressed content in there */
	bool is_packed;
};
/* Of the largest file of the tag; that of several which comes first. */
int rollback_largest(struct arena *a, const struct rollback_set *set, const char *tag,
		     struct rollback_blob *out, struct err *e);
/*
 * Those of the names that are no tag of the repository any more and would be among the set's newest
 * if they were: somebody deleted them.
 */
int rollback_gone(struct arena *a, const struct rollback_set *set, const char *const *names,
		  size_t n, const char *const **gone, size_t *n_gone, struct err *e);

/* Everything found is in out (text in a). -1 only when the repository itself cannot be opened. */
int rollback_verify(struct arena *a, const struct rollback_request *req, struct restoration *out,
		    struct err *e);

/*
 * Its name in a restoration. When it passes, the first word of its note says how: "proven", or
 * "cached" when the stamps of the copy are what they were when that was proven.
 */
#define ROLLBACK_STEP_WARM "warm"
/* Of a drill; its duration is that of the swap alone. */
#define ROLLBACK_STEP_SWAP "swap"

/* Proven, whatever became of its warm copy: the newest so many of these get one. */
bool rollback_is_good(const struct restoration *r);

/*
 * Warm copies of a set: see warm.c for what they are and warm_set.c for what is kept. Where a tag's
 * copy stands; a slash in the tag is %2F there.
 */
const char *rollback_warm_path(struct arena *a, const struct rollback_set *set, const char *tag);
/*
 * Makes the directories, takes the lock and removes what a killed run left. -1: they cannot be
 * made, or another run is at it. *lock is for rollback_warm_end().
 */
int rollback_warm_begin(struct arena *a, const struct rollback_set *set, int *lock, struct err *e);
/*
 * Removes copies of tags that are none of those kept, which must all stand; adds a line for each to
 * said. Only what assize made.
 */
void rollback_warm_retain(struct arena *a, const struct rollback_set *set, const char *const *kept,
			  size_t n, struct buf *said);
void rollback_warm_end(int lock);

/* The identity step alone: what `rollback list` shows. The outcome then speaks of the name only. */
int rollback_identify(struct arena *a, const struct rollback_request *req, struct restoration *out,
		      struct err *e);

#endif
