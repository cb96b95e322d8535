/*
 * load_parts: what the loader's files share. Private to runner/load*.c and the commands that print
 * the key rows.
 *
 * Order matters and is kept by definition_load(): sources, variables, then all sections of all
 * files are read by their rows, then sections are built in the order targets, rollback sets,
 * audits, needs, gates, waivers, sinks, because each names what comes before it.
 */
#ifndef ASSIZE_RUNNER_LOAD_PARTS_H
#define ASSIZE_RUNNER_LOAD_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/command.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/route.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/model/keys.h"

struct buf;
struct git_ref;
struct node;
struct sha256;
struct audit_kind;
struct value_row;

struct anchor_raw {
	const char *git, *timestamp, *witness;
	const char *branch, *ca_file, *key;
	int64_t timeout_ms;
};

struct ledger_raw {
	struct ledger_settings settings;
	struct groups anchors; /* struct anchor_raw */
};

/* The sections of one file, as the rows read them. Names are those of the structs below. */
struct file_raw {
	int64_t version;
	struct texts include;
	struct pairs vars;
	struct groups targets, audits, gates, rollbacks, waivers, sinks;
	struct ledger_raw ledger;
};

struct target_raw {
	const char *sqlite, *postgres, *mysql, *odbc, *http, *prometheus, *git;
	const char *password;
	int64_t statement_timeout_ms;
	bool allow_writable_role;
	struct pairs headers;
	const char *ca_file;
	struct route route;
	int64_t max_connections;
};

/* What an audit says for its checks and a check may say for itself. */
struct overrides {
	const char *owner, *target, *schedule, *time_zone;
	int64_t severity, timeout_ms, retries, retry_delay_ms, retry_backoff;
	struct texts tags;
};

struct audit_raw {
	const char *title, *why;
	struct overrides overrides;
	const struct node *checks;
};

struct check_raw {
	const char *id, *title, *why;
	struct overrides overrides;
	struct texts needs, claims;
	int hard; /* 0 waivable, 1 absolute */
	const struct node *expect, *warn;
};

#define LOAD_MAX_STREAK 100 /* runs */

struct selector_raw {
	const char *check, *audit, *tag, *severity, *kind;
	int64_t max_age_ms;
	int64_t consecutive; /* 0 = not written */
	struct texts of;
	int64_t apart_ms;
};

struct burn_raw {
	double rate;
	int64_t long_ms, short_ms;
};

struct budget_raw {
	const char *objective;
	int64_t window_ms, max_gap_ms;
	struct groups checks, burn; /* struct selector_raw, struct burn_raw */
	int definitions;
};

struct side_raw {
	const char *subject;
	int64_t window_ms;
};

struct baseline_raw {
	const char *check, *series, *effect;
	struct side_raw candidate, against;
	int64_t min_n;
	int direction;
	double alpha;
};

struct gate_raw {
	const char *title, *owner;
	struct groups require, advise;
	struct groups budget, baseline;
	int64_t max_age_ms;
	int subject, run;
	const char *set;
	int tags;
	int64_t verified_within_ms;
	int64_t max_waiver_ms;
	struct groups freezes, depends;
	int64_t anchored_ms;
};

struct freeze_raw {
	const char *reason, *from, *to, *cron, *time_zone;
	int64_t for_ms;
};

struct depend_raw {
	int64_t within_ms;
	int overridden; /* 0 refused, 1 accepted */
};

struct waiver_raw {
	const char *id, *check, *series;
	struct texts gates;
	const char *owner, *reason, *ticket, *granted, *expires;
};

/* The set's own, as load_rollback_artifacts.c hands it on, and what it is made of. */
struct artifact_raw {
	struct rollback_artifact artifact;
	const char *registry; /* name of a target */
};

struct set_raw {
	const char *repo, *tags;
	struct texts except;
	int64_t keep;
	bool is_pinned, is_reachable_only;
	int64_t budget_ms;
	const char *scratch;
	int content;
	int64_t max_entries, max_bytes;
	struct rollback_signature signature;
	struct texts compatible;
	const char *definition;
	int missing;
	struct rollback_smoke smoke;
	const char *warm_path;
	int64_t warm_keep, rehash_ms;
	struct groups artifacts; /* struct artifact_raw */
};

struct notify_raw {
	const char *webhook, *slack, *alertmanager, *smtp, *ping;
	struct texts command;
	struct pairs headers, env;
	const char *ca_file, *from, *user, *password;
	struct texts to, on;
	struct command_sandbox sandbox;
	int64_t timeout_ms, retries, severity, repeat_ms;
	struct groups select;
};

extern const struct key_row file_rows[], target_rows[], audit_rows[], override_rows[], check_rows[],
	gate_rows[], selector_rows[], match_rows[], budget_rows[], burn_rows[], baseline_rows[],
	set_rows[], signature_rows[], smoke_rows[], artifact_rows[], waiver_rows[], notify_rows[],
	freeze_rows[], depend_rows[], ledger_rows[], anchor_rows[];

/* One definition file after parsing. */
struct document {
	struct node *root;
	struct file_raw raw;
	size_t source;	  /* index into definition.sources */
	const char *path; /* absolute, in the work tree */
};

/* A file that is policy, as it was read. */
struct policy_file {
	const char *name; /* under which it is read */
	const char *path; /* relative to the root file's directory where it is below */
	bool is_there;
	unsigned char digest[32];
};

/* A check whose needs wait for all checks to be known. */
struct pending_needs {
	struct check *check;
	struct texts names;
};

struct loader {
	struct arena *arena;
	const struct load_options *options;
	struct diags *diags;
	struct definition *definition;
	struct keys_context keys;
	struct document *documents;
	size_t n_documents;
	struct map vars, zones, files; /* of ${name}, time_zone:, ${file:} */
	struct map places;	       /* "audit x" -> struct pos *, where it was first defined */
	size_t n_compared;	       /* names looked at for did-you-mean */
	size_t n_includes;	       /* named so far */
	size_t n_resolving;	       /* variables being resolved, one inside another */
	size_t n_expanded;	       /* bytes variables have expanded to */
	struct node **unresolved;      /* scalars with a bad reference, reported already */
	size_t n_unresolved, n_early_diags;
	struct git_ref *git; /* NULL = definitions are in the file system */
	const char *ref;
	struct map policies;	   /* name -> struct policy_file * */
	struct policy_file **uses; /* by every row that names one, in order */
	size_t n_uses, first_use;  /* first_use: of the check being read */
	size_t n_held;		   /* bytes */
	struct map target_nodes;   /* name -> location as written, for hashes */
	struct map set_nodes;	   /* name -> rollback set as written, the same */
	struct map targets, audits, gates, sets, waivers, sinks;
	struct pending_needs *needs;
	size_t n_needs, n_entries, n_unmatched; /* entries: of all gates */
	size_t n_gates;				/* named so far */
};

/*
 * items with room for one more: itself, or a copy twice as large when n has reached a power of two.
 * For arrays that only ever grow by one.
 */
void *load_grow(struct arena *a, void *items, size_t n, size_t size);

/* load_policy.c: files and policy, from the file system or a commit; paths are absolute. */
bool load_policy_is_ref(const char *path);
/* Opens git:REF:PATH; *root is the path of the root file. */
int load_policy_open(struct loader *l, const char *spec, const char **root, struct err *e);
/* REF and PATH of git:REF:PATH. */
int load_policy_split(struct arena *a, const char *spec, const char **ref, const char **path,
		      struct err *e);
const char *load_policy_shown(const struct loader *l, const char *path);
int load_policy_read(struct loader *l, const char *path, struct buf *out, struct err *e);
int load_policy_glob(struct loader *l, const char *pattern, const char ***out, size_t *n,
		     struct err *e);
/* Is it read from a commit? */
bool load_policy_is_in_tree(const struct loader *l, const char *path);
/* Is it below the work tree of the commit that is read, by name or by a link? */
bool load_policy_leads_in_tree(const struct loader *l, const char *path);
/* Notes a file under the name it is read by; content NULL = it is not there. */
struct policy_file *load_policy_add(struct loader *l, const char *path, const char *name,
				    const struct buf *content);
/* keys_context.policy; the ctx is the loader. */
const char *load_policy_path(void *ctx, const struct key_row *row, const struct node *node,
			     const char *path);
/* When everything was read: definition.digest. */
void load_policy_digest(struct loader *l);
/* Reports when that is not the one that is pinned. */
void load_policy_compare(struct loader *l);

/* load_sources.c: reads the root file and what it includes. -1 when there is no root file. */
int load_sources(struct loader *l);

/* load_vars.c: collects vars:, then substitutes in every scalar of every document. */
void load_vars(struct loader *l);
/* Variables that the command line changed: what the files say is another policy then. */
void load_vars_digest(const struct loader *l, struct sha256 *hash);
/*
 * Takes back what was said about scalars whose references could not be resolved, and about places
 * the YAML door complained about: one fault, one error.
 */
void load_drop_consequences(struct loader *l);

/* Section builders: item i of the raw groups, beside its node. */
/* load_bound.c: bounds as YAML, for help. One that people write for such a value. */
const char *load_bound_usual(struct loader *l, const struct value_row *row);
/* "write ...", for a text that cannot be read as an expectation of the value; NULL = no idea. */
const char *load_bound_meant(struct loader *l, const struct value_row *row,
			     const struct node *node);
/* min is >=, ...; NULL = the word is of no bound. */
const char *load_bound_operator(const char *key);
/* { min: 5, max: 10 } as an expectation; NULL = it is something else. */
const char *load_bound_of_mapping(struct loader *l, const struct node *map);
/* load_words.c: what was meant by keys that are none. keys_context.meant of a kind's mapping. */
struct kind_words {
	struct loader *loader;
	const struct audit_kind *kind;
};
const char *load_word_of_kind(void *ctx, const struct node *key, const struct node *value,
			      const char **help);
/* The same of a check's own; kind NULL = it has none. */
const char *load_word_of_check(struct loader *l, const struct audit_kind *kind,
			       const struct node *key, const char **help);
/* load_route.c: reports what is wrong with the way to an http target. */
void load_route(struct loader *l, const struct node *node, const struct route *r);
/* load_connection.c: reports what a connection string must not hold. */
void load_connection(struct loader *l, const struct node *node, enum target_type type);
/* load_place.c: struct target's place. */
const char *load_place(struct loader *l, const struct node *node, enum target_type type);
void load_target(struct loader *l, const struct group *g, const struct node *node);
void load_set(struct loader *l, const struct group *g, const struct node *node);
/* load_rollback_proof.c: reports what is wrong with what a set proves besides the tree. */
void load_proof(struct loader *l, const struct set_raw *raw, const struct node *node);
/* load_rollback_artifacts.c */
void load_artifacts(struct loader *l, const struct set_raw *raw, struct rollback_set *set);
void load_audit(struct loader *l, const struct group *g, const struct node *node);
/* load_gate_history.c: rules of a gate that look back. */
int load_streak(struct loader *l, const struct selector_raw *raw, const struct node *node,
		struct selector *out);
void load_budgets(struct loader *l, const struct groups *groups, struct gate *gate);
/* load_gate_baseline.c */
void load_baselines(struct loader *l, const struct groups *groups, struct gate *gate);
/* Entries that select checks: what a gate, or one of its rules, is about. */
struct selector *load_entries(struct loader *l, const struct groups *groups,
			      const struct node *list, size_t *n);
int load_entry(struct loader *l, const struct selector_raw *raw, const struct node *node,
	       struct selector *out);
void load_gate(struct loader *l, const struct group *g, const struct node *node);
/* load_gate_calendar.c: keys of one gate; then what they say of each other, after all of them. */
void load_freezes(struct loader *l, struct gate *gate, const struct groups *list);
void load_depends(struct loader *l, struct gate *gate, const struct groups *list);
void load_dependencies(struct loader *l);
/* load_waivers.c: after all gates, whatever file they are in. */
void load_waivers(struct loader *l);
/* Time with zone under a key of node; false with a diagnostic. text NULL: false, reported before.
 */
bool load_time(struct loader *l, const struct node *node, const char *key, const char *text,
	       int64_t *out);
/* load_notify.c */
void load_sink(struct loader *l, const struct group *g, const struct node *node);
/* node NULL = the document has no such section. */
void load_ledger(struct loader *l, const struct ledger_raw *raw, const struct node *node);
void load_needs(struct loader *l);
void load_hidden_checks(struct loader *l);

/* load_check.c: reports a name that no target has. */
void load_no_target(struct loader *l, const char *name, struct pos pos);

/* Registers a name of its section; false with a diagnostic naming both places when it is taken. */
bool load_name(struct loader *l, struct map *names, const char *what, const struct group *g,
	       void *value);

/* load_check.c */
void load_checks(struct loader *l, struct audit *audit, const struct audit_raw *raw,
		 const struct node *node);
/*
 * A check is first made, then registered under its name (false with a diagnostic when that is
 * taken); what it says is judged in either case. The spec is NULL after a mistake in it.
 */
struct check *load_check_new(struct loader *l, const char *audit, const char *id, struct pos pos);
bool load_check_register(struct loader *l, struct check *c);
void load_check_spec(struct loader *l, struct check *c, const struct node *spec);

/*
 * load_expect.c: expect, warn and what the kind implies. may_be_absent: do not ask for
 * expectations, an unknown key may have been meant as one.
 */
void load_expectations(struct loader *l, struct check *c, const struct node *expect,
		       const struct node *warn, bool may_be_absent);

/* load_hash.c */
void load_hash(struct loader *l, struct check *c);

/*
 * Named things close to a word, as help: `did you mean "x"?`, else NULL. Gives up after so many
 * comparisons in all that a file made of mistakes stays cheap.
 */
const char *load_closest(struct loader *l, const char *word, const struct map *names);

/* select.c */
int selector_parse_severity(const char *text, int *op, int64_t *value);
/* Why a selector matches nothing: `no check has the tag "x"`; help may become NULL. */
const char *selector_explain(struct arena *a, const struct definition *d, const struct selector *s,
			     const char **help);
bool selector_has_match(const struct definition *d, const struct selector *s);

#endif
