/*
 * init: how `assize init` gets from something that exists to a definition of it.
 *
 * Each option of the command that names something has a source (a row of sources[] in cmd_init.c).
 * All go the same way. The source looks at what was named and drafts checks whose bounds hold
 * whatever is there; the ordinary engine runs the draft, one or several rounds, into a record that
 * is thrown away; of what it measured the source makes bounds that hold now, with some room, and
 * writes them with a comment that says where the number comes from. So a baseline is what a run
 * will see, and what could not be measured gets no check.
 *
 * Everything lives in the arena of the program and is borrowed from it. Buffers are unbounded and
 * everything written to them is limited by its source; their errors are not looked at.
 */
#ifndef ASSIZE_RUNNER_INIT_H
#define ASSIZE_RUNNER_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"
#include "runner/model/definition.h"
#include "runner/options.h"

struct app;
struct buf;
struct err;
struct init_subject;
struct init_writer;
struct result;

#define INIT_MAX_SUBJECTS 20
#define INIT_MAX_ROUNDS	  5
#define INIT_MAX_PAGE	  (1024 * 1024) /* bytes of a page that are looked at */

/* The command at work. */
struct init {
	struct app *app;
	struct options o;
	const char *path;    /* of the definition to be written */
	const char *root;    /* its directory, to which its paths are relative */
	const char *scratch; /* a directory of our own */
	struct init_subject *subjects;
	size_t n;
	struct map names; /* of targets and audits */
};

struct init_source {
	const char *option;    /* without --; unlike every other source's */
	size_t offset;	       /* of its struct texts in struct options */
	enum target_type type; /* of its target; NONE = it may have one or none, the source knows */
	size_t n_rounds;       /* how often the draft is measured */
	bool is_long;	       /* its checks may take minutes, and then get the time */

	/*
	 * MUST: takes what was given apart; s->given is set, s->name (by init_name) is to be.
	 * Errors are ERR_USAGE; nothing is asked yet.
	 */
	int (*begin)(struct init *in, struct init_subject *s, struct err *e);

	/* MAY be NULL: the line of its target, if it has one, in the draft or the definition. */
	void (*put_target)(const struct init_subject *s, struct buf *out, bool is_draft);

	/* MAY be NULL: its rollback set, and the rule of the gate about it. */
	void (*put_set)(const struct init_subject *s, struct buf *out, bool is_draft);
	void (*put_gate)(const struct init_subject *s, struct buf *out);

	/* MUST: finds out what is there. s->target is loaded when there is one. */
	int (*look)(struct init *in, struct init_subject *s, struct err *e);

	/* MUST: lines of the draft, one a check, each with six spaces before its dash. */
	void (*put_draft)(const struct init_subject *s, struct buf *out);

	/* MUST: checks of the definition, out of s->rounds. -1: what was measured is no baseline.
	 */
	int (*put)(struct init_writer *w, struct init_subject *s, struct err *e);

	/* MAY be NULL: writes files the definition needs beside itself. Replaces none. */
	int (*finish)(struct init *in, struct init_subject *s, struct err *e);
};

/* What one run of the draft measured of one subject. */
struct init_round {
	const struct result *items;
	size_t n;
};

/* One thing that was named, on its way into the definition. */
struct init_subject {
	const struct init_source *source;
	const char *given; /* as on the command line */
	const char *name;  /* of its audit, and of its target when it has one */
	const char *title; /* what people call it; NULL = name */
	const struct target *target;
	struct arena *arena;
	void *state; /* the source's own */
	struct init_round rounds[INIT_MAX_ROUNDS];
	size_t n_rounds;
	/* What the user should know, printed once all is written. */
	const char **notes;
	size_t n_notes;
};

/* Gives the subject a name made of [from, from+n), or else of `other`; unlike all others'. */
void init_name(struct init *in, struct init_subject *s, const char *from, size_t n,
	       const char *other);

/* path, absolute, as the definition shall have it: relative where that is short. */
const char *init_path(const struct init *in, const char *path);

/*
 * What a round measured of a series of check id (NULL = of the only one it has); NULL when it has
 * no value. reason, which may be NULL, then says why.
 */
const struct result *init_value(const struct init_subject *s, size_t round, const char *id,
				const char *series, const char **reason);
double init_number(const struct result *r); /* NaN when it is a text */

void init_note(struct init_subject *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- writing ---- */

struct init_writer {
	struct arena *arena;
	struct buf *out;
	struct map ids; /* of the audit at hand */
	size_t n_checks;
};

/* "      - id: orders-missing-owner": words joined by '-', detail may be NULL. Ends no line. */
void init_put_id(struct init_writer *w, const char *subject, const char *what, const char *detail);

/* A scalar, quoted unless it is a plain word. */
void init_put_text(struct buf *out, const char *s);
/* The same, but ${env:NAME} in it stays what it is in a definition. */
/* The same as a key, where ${ is what it says. */
void init_put_key(struct buf *out, const char *s);
void init_put_verbatim(struct buf *out, const char *s);
void init_put_list(struct buf *out, const char *const *names, size_t n);
/* `"== \"text\""`: the expectation of just this text. */
void init_put_equal(struct buf *out, const char *text);

/* x rounded to two digits, down or up, in as few characters as that takes. */
void init_put_rounded(struct buf *out, double x, bool is_up);
/* The same with the unit that suits: 0.05 becomes 50ms, 2500000 becomes 2.4MiB. */
void init_put_duration(struct buf *out, double seconds, bool is_up);
void init_put_size(struct buf *out, double bytes, bool is_up);

/* ---- what web sources share ---- */

struct init_url {
	const char *origin, *path; /* "https://example.com:8443", "/health?x=1" */
	bool is_https;
	const struct init *init;
};

struct init_page {
	long status, n_redirects;
	const char *content_type; /* "" when absent */
	const char *url;	  /* where it came from, after redirects */
	bool is_length_known;
	int64_t n_bytes;
	const char *body; /* NUL terminated; the first INIT_MAX_PAGE bytes of it */
	size_t n_body;
};

/* Takes s->given apart and gives s its name. Refuses what would write a secret down. */
int init_url_begin(struct init *in, struct init_subject *s, struct init_url *out, struct err *e);
/* The line of the target: its origin, and what --header and --ca-file gave. */
void init_url_target(const struct init_subject *s, const struct init_url *url, struct buf *out,
		     bool is_draft);
/* Does a parameter, member or header of this name hold what nobody else should know? */
bool init_is_secret_name(const char *name);
/*
 * GET of the page, as a check would ask for it, redirects followed. An answer that is no 2xx is an
 * error: what is wrong cannot be a baseline.
 */
int init_url_fetch(struct init *in, const struct init_subject *s, const char *path,
		   const char *accept, struct init_page *out, struct err *e);

/* ---- the sources ---- */

extern const struct init_source init_sqlite, init_postgres, init_mysql, init_odbc;
extern const struct init_source init_http, init_metrics, init_artifact, init_oci, init_git;

#endif
