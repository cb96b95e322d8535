/*
 * git_branch: files on a branch of a remote repository, all their versions, and one more of them.
 *
 * Nothing is kept here: the branch is fetched into a scratch directory, read or extended, and
 * forgotten. It is only ever extended: a push that would take something away is refused on this
 * side already, but for branch_try(), whose purpose is to be refused by the other.
 *
 * URL: whatever libgit2 speaks (ssh, scp-like, https, http, git, file), as it is given: no
 * configuration of git leads to another one (insteadOf) or through a proxy. SSH asks an agent, then
 * id_ed25519, id_ecdsa and id_rsa of ~/.ssh without a passphrase, and believes ~/.ssh/known_hosts
 * alone; HTTP takes credentials from the URL. libgit2 would wait for a silent server for ever, so a
 * process of its own talks to it and has a time. Errors are ERR_MEASURE and never name
 * credentials.
 * Branches of more than BRANCH_MAX_COMMITS commits or BRANCH_MAX_FETCH bytes are refused.
 */
#ifndef ASSIZE_IO_GIT_BRANCH_H
#define ASSIZE_IO_GIT_BRANCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct branch;
struct err;

#define BRANCH_MAX_FETCH   (64 * 1024 * 1024) /* bytes of one pack */
#define BRANCH_MAX_COMMITS 200000
#define BRANCH_MAX_BYTES   65536 /* of one version of a file: what has more stands there empty */

/*
 * scratch: a directory to work in; timeout_ms: of one fetch or push. The branch may not be there
 * yet. Everything is in the arena.
 */
int branch_open(struct arena *a, const char *scratch, const char *url, const char *name,
		int64_t timeout_ms, struct branch **out, struct err *e);
void branch_close(struct branch *b); /* NULL is allowed */

/* The URL without user, password, query and fragment: what may be shown and recorded. */
const char *branch_shown(struct arena *a, const char *url);
/* Commit at its end; NULL = there is no such branch. */
const char *branch_tip(const struct branch *b);

struct branch_version {
	const char *text;
	size_t n;
	const char *commit; /* the first with this version */
	int64_t at_ms;	    /* of that commit, as its committer says; -1 = no clock says that */
};
/* Newest first; none is not an error. */
int branch_versions(struct branch *b, const char *file, struct branch_version **out, size_t *n,
		    struct err *e);

struct branch_change {
	const char *file; /* a name without a slash */
	const void *p;
	size_t n;
	const char *message;
	const char *name, *mail; /* who */
	int64_t at_ms;
};
/*
 * One more commit on top, pushed; *commit is its id. It fails, too, when somebody else was faster:
 * the branch has another tip when it is opened again.
 */
int branch_add(struct branch *b, const struct branch_change *c, const char **commit, struct err *e);

enum branch_trial {
	BRANCH_FORCE, /* back to the commit before the last one: there are two at least */
	BRANCH_DELETE,
};
/* Tries what must not be possible. *is_refused; *why: what the remote said. -1: not even asked. */
int branch_try(struct branch *b, enum branch_trial trial, bool *is_refused, const char **why,
	       struct err *e);

#endif
