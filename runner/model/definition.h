/*
 * definition: the nouns of a loaded definition.
 *
 * Built by the loader (runner/load*.c) in one arena that lives as long as the run, immutable
 * afterwards and therefore shared by all threads. Names are unique where they are looked up.
 */
#ifndef ASSIZE_MODEL_DEFINITION_H
#define ASSIZE_MODEL_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/cron.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/route.h"
#include "runner/model/expect.h"
#include "runner/model/keys.h"
#include "runner/model/lookback.h"

struct audit_kind;
struct notify_sink;
struct redactor;
struct node;

/* What a target is; a kind accepts a set of them (TARGET_BIT). */
enum target_type {
	TARGET_NONE = 0,
	TARGET_SQLITE,
	TARGET_POSTGRES,
	TARGET_MYSQL,
	TARGET_ODBC,
	TARGET_HTTP,
	TARGET_PROMETHEUS,
	TARGET_GIT
};
#define TARGET_LAST   TARGET_GIT
#define TARGET_BIT(t) (1u << (t))
#define TARGET_DATABASES                                                                           \
	(TARGET_BIT(TARGET_SQLITE) | TARGET_BIT(TARGET_POSTGRES) | TARGET_BIT(TARGET_MYSQL) |      \
	 TARGET_BIT(TARGET_ODBC))

/* The key that says it in a definition: "sqlite", "postgres", ... */
const char *target_type_name(enum target_type type);

struct target {
	const char *name;
	enum target_type type;
	struct pos pos;
	/* Absolute path (sqlite, git), base URL (http, prometheus) or connection string; may hold
	 * secrets. */
	const char *location;
	/* Of a location from the environment, what is no secret: scheme, host, port, path,
	 * database; NULL when the definition says it. */
	const char *place;
	const char *password;	      /* databases; NULL = none */
	int64_t statement_timeout_ms; /* databases; 0 = the check's timeout alone */
	bool allow_writable_role;     /* databases */
	struct pairs headers;	      /* http, prometheus */
	const char *ca_file;	      /* the same: PEM bundle, NULL = system */
	struct route route;	      /* the same */
	int64_t max_connections;
};

/* An expectation on one of the values a kind yields; name "" for a kind with one value. */
struct named_expectation {
	const char *name;
	bool has_expect, has_warn;
	bool is_implied;  /* from the kind's value row, not written by the user */
	bool is_optional; /* implied, and no fault when the value is not given */
	struct expectation expect, warn;
};

struct check {
	size_t index;	  /* definition order, from 0 */
	const char *id;	  /* "fresh" */
	const char *name; /* "tasks/fresh" */
	const char *audit;
	const char *title, *why, *owner;
	struct pos pos;	     /* of the id */
	struct pos kind_pos; /* of the kind key */
	const struct audit_kind *kind;
	void *spec; /* kind->spec_size bytes */
	const struct node *spec_node;
	const struct target *target; /* NULL when the kind takes none */
	/* A second one, which the kind found in its own keys; NULL when there is none. */
	const struct target *other_target;
	int64_t severity; /* 0..10 */
	struct texts tags;
	const char *schedule;  /* NULL = none: never due by --due */
	struct cron cron;      /* when schedule is set */
	const char *time_zone; /* IANA name, "UTC" by default */
	int64_t timeout_ms;
	int64_t retries;
	int64_t retry_delay_ms; /* see runner/retry.h */
	int64_t retry_backoff;
	const struct check **needs;
	size_t n_needs;
	struct texts claims; /* the attacks it is to notice (challenge.h); n 0 = all that fit */
	struct named_expectation *expects;
	size_t n_expects;
	unsigned char
		hash[32]; /* SHA-256 of the resolved check without secrets: "the definition" */
	bool is_hidden;	  /* made by the loader for a rollback set: runs only when named */
	bool is_absolute; /* hard: absolute: no waiver and no override lets it through */
};

struct audit {
	const char *name;
	const char *title, *why, *owner;
	struct pos pos;
	const struct check **checks;
	size_t n_checks;
};

/* Who may have signed the tags of a set; neither file = signatures are not looked at. */
struct rollback_signature {
	const char *allowed_signers, *revoked; /* OpenSSH: absolute paths */
	const char *identity;		       /* principal; NULL = any that is listed */
	const char *keyring;		       /* OpenPGP: absolute path */
	struct texts fingerprints;	       /* of it; n 0 = any */
	bool is_required;		       /* a tag without one is not proven */
};

enum rollback_sandbox { ROLLBACK_SANDBOX_REQUIRED = 0, ROLLBACK_SANDBOX_AVAILABLE };

/* A program that is run in the restored tree, as kind command runs one. */
struct rollback_smoke {
	struct texts run; /* n 0 = none */
	struct pairs env;
	int64_t timeout_ms, max_output;
	int sandbox;		   /* enum rollback_sandbox */
	int network;		   /* 0 none, 1 loopback, 2 any */
	const char *user;	   /* whom root becomes; NULL = nobody */
	int64_t memory, processes; /* 0 = no limit */
};

/*
 * Something that was built of a tag: one of path, oci and layout. Texts are as written, with
 * {tag}, {version} and {commit} in them; paths relative to the root definition's directory.
 */
struct rollback_artifact {
	const char *path;
	const char *digests, *sha256;  /* where its digest is listed; the digest itself */
	bool is_extracted;	       /* it is an archive that must be sound */
	const struct node *archive;    /* further keys of kind archive, NULL = none */
	const char *commit_file;       /* member of the archive that names the commit */
	const char *signature;	       /* path of a detached one, by a key of the set */
	const char *oci;	       /* "registry.example.com/app:{version}" */
	const char *layout, *ref;      /* an image layout, and the image meant in it */
	const struct target *registry; /* http target oci is relative to; NULL = its first part */
	const char *user, *password;
};

struct rollback_set {
	const char *name;
	struct pos pos;
	const struct target *repo;
	const char *tags;    /* glob */
	struct texts except; /* globs: what matches one is left out, and takes no place */
	int64_t keep;	     /* newest N in version order */
	bool is_pinned;
	bool is_reachable_only; /* only tags reachable from HEAD */
	int64_t budget_ms;	/* 0 = none */
	const char *scratch;	/* absolute directory */
	int content;		/* enum rollback_content: 0 raw, 1 checkout */
	int64_t max_entries, max_bytes;
	struct rollback_signature signature;
	struct texts compatible; /* checks of the tag's own definition, see former.h */
	const char *definition;	 /* its file within the tag; NULL = where today's is */
	int missing;		 /* enum rollback_missing: what a tag without it means */
	struct rollback_smoke smoke;
	const char *warm_path; /* absolute, "{tag}" once in its last part; NULL = no warm copies */
	int64_t warm_keep;     /* the newest so many proven tags have one */
	int64_t rehash_ms;     /* all bytes of a copy are compared when the last time is older */
	struct rollback_artifact *artifacts;
	size_t n_artifacts;
};

enum rollback_missing { MISSING_UNDECIDED = 0, MISSING_CURRENT };

/* SELECT: audit, audit/check, tag:x, severity>=7, kind:schema, globs; several are a union. */
struct selector {
	const char *text;
	struct pos pos;
	/* AND of those that are set */
	const char *glob; /* on the full name; an audit name stands for audit/STAR */
	const char *tag;
	const char *kind;
	int severity_op; /* 0 none, else '<' '>' '=' and 'l' for <=, 'g' for >= */
	int64_t severity;
	int64_t max_age_ms; /* gates: 0 = the gate's default */
	/* Gates: so many of the last so many runs must have passed; both 0 = no such rule. */
	int64_t streak_need, streak_of;
	int64_t streak_apart_ms; /* a pass closer to the one after it is not counted */
};

enum gate_run { GATE_RUN_STALE = 0, GATE_RUN_ALWAYS, GATE_RUN_NEVER };

/* When a gate stays shut: once, or again and again on the clock of a zone. */
struct freeze {
	struct pos pos;
	const char *reason;
	bool is_recurring;
	int64_t from_ms, to_ms; /* once: from, and not any more at to */
	struct cron cron;	/* again and again: begins */
	int64_t for_ms;		/* and lasts, both as the clock of the zone shows it */
	const char *time_zone;
};

/* Another gate that must have been decided open about the same subject. */
struct gate_dependency {
	struct pos pos;
	const char *gate;
	int64_t within_ms;
	bool is_overridden_accepted;
};

struct gate {
	const char *name;
	struct pos pos;
	const char *title, *owner;
	struct selector *require;
	size_t n_require;
	struct selector *advise;
	size_t n_advise;
	int64_t max_age_ms;		     /* default for selectors without their own; 24 h */
	int run;			     /* enum gate_run */
	bool is_any_subject;		     /* evidence about any subject counts */
	const struct rollback_set *rollback; /* NULL = no rollback rule */
	bool is_rollback_all;		     /* tags: all; else any */
	int64_t rollback_within_ms;
	struct pos rollback_pos;
	int64_t max_waiver_ms; /* from granted to expires */
	const struct budget_rule *budgets;
	size_t n_budgets;
	const struct baseline_rule *baselines;
	size_t n_baselines;
	struct freeze *freezes;
	size_t n_freezes;
	struct gate_dependency *depends;
	size_t n_depends;
	/* The record must be whole, and anchored within a time; 0 = wherever it is. */
	bool is_ledger_asked;
	struct pos ledger_pos;
	int64_t anchored_within_ms;
};

/*
 * Somebody answers for a failure at some gates until a moment. What it lets through stays visible
 * and is never called a pass; it never stands in for a measurement.
 */
struct waiver {
	const char *id;
	struct pos pos;
	const struct check *check;
	const char *series; /* NULL = every series of the check */
	struct texts gates; /* names */
	const char *owner, *reason, *ticket;
	int64_t granted_ms, expires_ms;
};

/* Who signs for the record, and whose word counts. */
/* Where checkpoints are put that the keeper of the record cannot change. */
enum anchor_type { ANCHOR_GIT, ANCHOR_TIMESTAMP, ANCHOR_WITNESS };
#define ANCHOR_LAST ANCHOR_WITNESS
struct anchor {
	struct pos pos;
	enum anchor_type type;
	const char *url; /* may hold a secret */
	const struct redactor *redactor;
	const char *branch;  /* of a git repository */
	const char *ca_file; /* of a time stamp; else NULL */
	const char *key;     /* of a witness (runner/io/note.h); else NULL */
	int64_t timeout_ms;  /* of one request, fetch or push */
};

struct ledger_settings {
	struct pos pos;
	const char *name;    /* NULL = the default */
	const char *key;     /* absolute path; NULL = beside the record */
	const char *key_pem; /* a secret; NULL = the key is in a file */
	struct texts trust;  /* lines of keys (runner/io/note.h) */
	const char *origin;  /* NULL = any record */
	struct anchor *anchors;
	size_t n_anchors;
};

/* Text of a definition file, kept to show the line an error or verdict points at. */
struct source {
	const char
		*file; /* as shown to the user: relative to the working directory when below it */
	const char *text;
	size_t len;
	unsigned char digest[32];
};

struct definition {
	struct arena *arena;
	/*
	 * root_file: as shown. root_dir: absolute; that of the work tree when the definition is
	 * from a commit. root_name: of the file in it.
	 */
	const char *root_file, *root_dir, *root_name;
	/*
	 * Of `-f git:REF:PATH`: full id of the commit, REF, absolute top of the work tree. NULL =
	 * read from the file system.
	 */
	const char *commit, *ref, *work_tree;
	struct source *sources;
	size_t n_sources;
	/*
	 * "These definitions": over all sources in order and the files that are policy, names and
	 * content. A commit and its checkout have the same.
	 */
	unsigned char digest[32];
	struct redactor *redactor;
	struct target **targets;
	size_t n_targets;
	struct audit **audits;
	size_t n_audits;
	struct check **checks; /* definition order; hidden ones last */
	size_t n_checks;
	struct map check_names; /* name -> struct check *; may be empty in a hand-made definition */
	struct gate **gates;
	size_t n_gates;
	struct rollback_set **rollbacks;
	size_t n_rollbacks;
	struct waiver **waivers; /* definition order */
	size_t n_waivers;
	struct notify_sink **sinks; /* who is told, and of what: notify.h */
	size_t n_sinks;
	struct ledger_settings *ledger; /* NULL = not described */
};

const struct source *definition_source(const struct definition *d, const char *file);
const struct target *definition_target(const struct definition *d, const char *name);
const struct check *definition_check(const struct definition *d, const char *name);
const struct gate *definition_gate(const struct definition *d, const char *name);
const struct rollback_set *definition_rollback(const struct definition *d, const char *name);
const struct notify_sink *definition_sink(const struct definition *d, const char *name);

bool waiver_is_of_gate(const struct waiver *w, const struct gate *g);

bool selector_matches(const struct selector *s, const struct check *c);

#endif
