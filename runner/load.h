/*
 * load: turn definition files into a struct definition, or into every error they hold.
 *
 * Definitions come from the file system or, with a path of "git:REF:PATH", from a commit; then what
 * they name as policy does so, too, and the world they audit stays where it is (KEY_POLICY and
 * KEY_WORLD in runner/model/keys.h).
 *
 * One pass finds all errors: a file that cannot be parsed does not hide the mistakes of another, a
 * bad check does not hide a bad gate. Nothing of the audited world is touched; only definition
 * files, what ${file:} names and policy files are read. Secrets from ${env:} and ${file:} go into
 * the definition's redactor as they are substituted.
 *
 * Everything lives in the arena given, the definition included; arguments are borrowed for the
 * call, except env_ctx which is only called during it.
 */
#ifndef ASSIZE_RUNNER_LOAD_H
#define ASSIZE_RUNNER_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "runner/model/definition.h"
#include "runner/model/keys.h"

struct arena;
struct diags;
struct err;

#define LOAD_MAX_CHECKS	 100000
#define LOAD_MAX_SOURCES 1000
#define LOAD_FILE	 "assize.yaml" /* looked for in the working directory and in a DIR */
#define LOAD_REF	 "git:"	       /* begins a path in a commit */

/* A file as it would be: in place of what is on the disk, and loaded when nothing includes it. */
struct load_instead {
	const char *path; /* absolute, or relative to the root file's directory */
	const char *text;
	size_t len;
	bool is_when_absent; /* stands in only where the file is included, and not there */
	/* What is wrong may be told in other words before it is printed; NULL = as it is. */
	void (*reword)(void *ctx, struct diags *diags);
	void *reword_ctx;
};

struct load_options {
	const char *path; /* FILE, DIR or git:REF:PATH; NULL = assize.yaml in cwd */
	const char *cwd;  /* absolute */
	const char *(*env)(void *ctx, const char *name); /* NULL result = not set */
	void *env_ctx;
	const char *pinned;	 /* --policy-sha256: what the digest has to be; NULL = any */
	const struct pair *vars; /* --var name=value, wins over `vars:` */
	size_t n_vars;
	/*
	 * For the definition of a released tag: targets are today's, and of all else only these
	 * checks are there, without what they need. NULL = the definition as it is.
	 */
	const struct definition *today;
	const struct texts *checks;
	const struct load_instead *instead; /* NULL = none */
	bool is_draft;			    /* its bounds are still to be found */
	bool is_keyless;		    /* origin and trust of its ledger are */
};

/*
 * 0, or -1 with at least one diagnostic. *out is set in both cases (NULL only when no source could
 * be read), so that definition_print_diags() can show the lines errors point at; after -1 it serves
 * for nothing else.
 */
int definition_load(struct arena *a, const struct load_options *o, struct definition **out,
		    struct diags *diags);

/*
 * SELECT words of a command line: `audit`, `audit/check`, globs, `tag:x`, `kind:x`, `severity>=7`.
 * The result is a union. A word that matches no check is ERR_USAGE with a did-you-mean. Hidden
 * checks match only their full name, an "rollback/..." glob, or the audit name "rollback".
 */
int selectors_parse(struct arena *a, const struct definition *d, const char *const *words, size_t n,
		    struct selector **out, struct err *e);

/*
 * Directory in the file system that stands for that of the root definition of a git:REF:PATH, which
 * need not exist. Where the ref is gone, the work tree says whether PATH is a directory.
 */
int load_ref_dir(struct arena *a, const char *cwd, const char *path, const char **dir,
		 struct err *e);

/* Every diagnostic, by position: message, source line, caret, help; then how many were left out. */
void definition_print_diags(FILE *out, const struct definition *d, struct diags *diags);

#endif
