/*
 * kind: the contract between a check kind and the runner.
 *
 * A kind measures, it never decides: it emits measurements, and runner/model/expect.c judges them.
 * Adding one is five touches: audits/x.c with its key rows and value rows, a row in audits/kinds.c,
 * tests/kinds/x*, audits/examples/x.yaml, and one paragraph `blind` on what it cannot see.
 *
 * Threads: probe() runs on a pool thread, begin()/on_body()/finish() on the HTTP thread; a probe is
 * owned by one thread at a time and everything it allocates comes from its own arena. The checks,
 * their specs and the target are immutable.
 */
#ifndef ASSIZE_MODEL_KIND_H
#define ASSIZE_MODEL_KIND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/model/definition.h"
#include "runner/model/former.h"
#include "runner/model/keys.h"
#include "runner/model/measurement.h"
#include "runner/model/past.h"
#include "runner/model/restoration.h"

struct arena;
struct arsenal;
struct clock;
struct db_pool;
struct http_request;
struct http_response;
struct http_tape;
struct http_turns;
struct progress;
struct redactor;

/* A value a kind yields. Kinds with one value name it "". */
struct value_row {
	const char *name;
	enum value_type type; /* VALUE_INT: a count, a size, a status: never below 0 */
	const char *unit;     /* base unit; "" none */
	/* What the check says values are in, where that is not the base unit; NULL = they are. */
	const char *given_unit;
	const char
		*implied; /* expectation that holds unless the check writes its own; NULL = none */
	const char *implied_warn; /* with implied: likewise, for warn */
	/*
	 * What people write for a value without an implied expectation, the bound's number in the
	 * unit the check gives: shown to who wrote none. A kind whose check may end without any
	 * expectation has one for some value the check then yields; a test says so.
	 */
	const char *usual;
	bool is_share;	      /* from 0 to 1 */
	bool is_at_least_0;   /* REAL: of time, a size, a ratio */
	int64_t most;	      /* INT: none is above it; 0 = it can be any */
	bool counts_of_total; /* a bound with % is a share, one without a count */
	bool is_of_sample;    /* a sample of the rows estimates it */
	/*
	 * Some of what is measured cannot have this value at all: the implied expectation holds
	 * when it is given, and its absence is no fault. The kind gives others in its place.
	 */
	bool is_optional;
	/* Its measurements carry the repetitions behind them: `not worse than history` has a
	 * meaning.
	 */
	bool has_samples;
	bool has_control; /* and those of a control beside them: `not worse than control` */
	/* Yielded, and implied, only when the check has this key; NULL = always. */
	const char *needs_key;
	const char *help;
};

/* The unit in which the check says values are: the row has its base. */
void value_row_in(struct value_row *row, const char *unit);

/* What a probe may use of the world. Filled by the runner; shared, read-only, thread-safe. */
struct probe_world {
	const struct clock *clock;
	struct db_pool *dbs;
	const struct definition *definition;
	const struct pin *pins;
	size_t n_pins;
	struct http_turns *turns;   /* for sessions (http_fetch.h), shared with the loop */
	int64_t run_id;		    /* of the record; 0 where nothing is recorded */
	atomic_bool is_interrupted; /* set once: what is under way ends soon or is abandoned */
	const struct past *past;    /* NULL when nobody wished for any */
	former_fn *former;	    /* runs checks of a released tag; NULL = nobody can */
	void *former_ctx;
};

struct emitted {
	size_t check; /* index into probe->checks */
	struct measurement measurement;
};

struct probe {
	const struct probe_world *world;
	struct arena *arena;
	const struct check *const *checks; /* those merged into this probe; all of one target */
	size_t n_checks;
	int64_t deadline_ms;	   /* monotonic, from clock_monotonic_ms() */
	void *state;		   /* the kind's own, between begin and finish */
	struct progress *progress; /* MAY be told, by long work; NULL where nobody looks */
	struct former *former;	   /* the checks are those of a released tag; NULL = today's */
	struct http_tape *tape;	   /* of its sessions' answers (http_tape.h); NULL = none is kept */
	/*
	 * HTTP kinds: finish() sets it to have begin() and the rest called once more, so long
	 * after; the check's timeout bounds all of it. 0 = that was all.
	 */
	int64_t again_ms;
	/*
	 * How long the server asks to be left alone (Retry-After of 429 and 503): a retry waits as
	 * long. The engine sets it for HTTP kinds, others do it themselves. 0 = no wish.
	 */
	int64_t retry_after_ms;
	/* results */
	struct emitted *emitted;
	size_t n_emitted, cap_emitted;
	struct restoration *restorations;
	size_t n_restorations, cap_restorations;
	const char *cursor; /* see probe_cursor() */
};

/*
 * Adds a measurement for probe->checks[check]. Copies the struct, borrows its text (which must be
 * in probe->arena or live as long). Normalises NaN, infinities and over-long evidence.
 */
void probe_emit(struct probe *p, size_t check, const struct measurement *m);
void probe_restoration(struct probe *p, const struct restoration *r);
/*
 * The first most bytes of s[0..n), for a reason or evidence that quotes what was read: without the
 * definition's secrets and without the half of one that is cut (redact_head()).
 */
const char *probe_head(const struct probe *p, const char *s, size_t n, size_t most);

/*
 * Where the check has come to, for its next run (wish.cursor). Recorded in one transaction with the
 * results of this attempt and not without them; borrows. For kinds without merge_key. It passes no
 * redactor: no secret may be in it.
 */
void probe_cursor(struct probe *p, const char *state);

/* One request of a probe that makes several; what text there is lives in the probe's arena. */
struct planned_request {
	struct http_request *request; /* the caller's, to be filled */
	struct redactor *variables;   /* the caller's: what stands for shell variables is added */
	struct pairs form;	      /* sent encoded, in place of the request's body; n 0 = none */
	const char *comment;	      /* one line */
	bool has_cookies;	      /* kept from request to request */
};

struct audit_kind {
	const char *name;
	const char *family;  /* database, http, artifact, command, rollback */
	const char *summary; /* one line */
	const char *blind;   /* one paragraph: what a pass of this kind does not prove */
	size_t spec_size;
	const struct key_row *keys;	/* ended by KEY_END */
	const struct value_row *values; /* ended by a NULL name */
	unsigned targets;		/* TARGET_BITs accepted; 0 = takes no target */
	bool is_target_optional;
	/*
	 * When the check's mapping may be written short: the key a bare scalar stands for (`file:
	 * PATH`). NULL = mapping required.
	 */
	const char *scalar_key;

	/* MAY be NULL. Semantic validation after the rows are read; adds diagnostics. */
	void (*check)(struct keys_context *ctx, struct check *c);

	/* MAY be NULL. The same, once the expectations are read. */
	void (*check_bounds)(struct keys_context *ctx, const struct check *c);

	/* MAY be NULL. Once all checks of the definition are known: ctx->definition has them. */
	void (*resolve)(struct keys_context *ctx, struct check *c);

	/*
	 * MAY be NULL: does the check yield a value of this name that values[] does not list (a
	 * JSON Pointer capture), or one it lists with another unit (`unit: s`) or another implied
	 * expectation? All of that through *row. Asked first, then values[].
	 */
	bool (*has_value)(const struct check *c, const char *name, struct value_row *row);

	/*
	 * MAY be NULL: does this check run a program (runner/io/proc.h)? Those of the family
	 * "command" all do.
	 */
	bool (*runs_program)(const struct check *c);

	/*
	 * MAY be NULL (never merged). Checks of kinds with the same probe functions, target,
	 * timeout, needs and equal merge keys become one probe.
	 */
	const char *(*merge_key)(struct arena *a, const struct check *c);

	/*
	 * MAY be NULL. Notes for `assize kinds KIND` and the manual, one a thing the kind knows how
	 * to deal with: the text of note i, its name through *name; NULL behind the last one.
	 */
	const char *(*note)(size_t i, const char **name);
	const char *notes_title; /* with note */

	/*
	 * What it measures is spoiled by whatever else is busy: its checks run one at a time, while
	 * no other check of the run does.
	 */
	bool runs_alone;

	/*
	 * How `assize challenge` attacks the world that checks of this kind look at (challenge.h);
	 * NULL = it cannot.
	 */
	const struct arsenal *arsenal;

	/* MAY be NULL: what the check has to know of the past. */
	void (*wish)(struct arena *a, const struct check *c, struct wish *out);

	/* MUST: what this probe would ask, for `assize plan` (SQL, URL, argv), one line each. */
	void (*describe)(struct probe *p, struct buf *out);

	/*
	 * MAY be NULL. Kinds that make several requests over HTTP: request i, for `assize plan
	 * --curl`; 1 = filled, 0 = there are no more, -1 = e says what is wrong with it.
	 */
	int (*request)(struct probe *p, size_t i, struct planned_request *out, struct err *e);

	/*
	 * Blocking kinds. 0 = measurements were emitted; -1 = could not measure, every check of the
	 * probe that has emitted nothing becomes undecided with e as the reason.
	 */
	int (*probe)(struct probe *p, struct err *e);

	/* HTTP kinds, all three or none; same meaning of -1. */
	int (*begin)(struct probe *p, struct http_request *req, struct err *e);
	/* Body bytes as they arrive, decoded. -1 stops the transfer. */
	int (*on_body)(struct probe *p, const char *data, size_t n, struct err *e);
	/* Called once, when the transfer is whole; transport failures never reach it. */
	int (*finish)(struct probe *p, const struct http_response *res, struct err *e);

	/*
	 * MAY be NULL, or both: what can be shown of a series that failed, fetched only then.
	 * Called on a pool thread after the probe, once for each failed series m of checks that
	 * want it, within what is left of the check's time. Appends lines to out. -1 is noted there
	 * with e's message; the verdict stands whatever happens.
	 */
	bool (*wants_evidence)(const struct check *c);
	int (*evidence)(struct probe *p, size_t check, const struct measurement *m, struct buf *out,
			struct err *e);
};

#endif
