/*
 * subject: does a word name one release, and the same one tomorrow?
 *
 * Evidence is about the word it was recorded for. A word that git moves on with every commit would
 * lend the evidence of one commit to all that come after it.
 */
#ifndef ASSIZE_RUNNER_SUBJECT_H
#define ASSIZE_RUNNER_SUBJECT_H

struct arena;
struct definition;
struct err;

/*
 * -1 with ERR_USAGE: HEAD and its kin, @ and what begins with it, and full names of anything but
 * tags (refs/heads/main), also with steps behind them (HEAD~1). Asks nothing but the word.
 */
int subject_check_word(struct arena *a, const char *subject, struct err *e);

/*
 * The same for what lets a release through: it refuses branches, too, by their short names, when
 * the repository that the definition is in has such a branch, of its own or of the remote "origin",
 * and no tag of that name. What cannot be told is let through: subject_commit() tells that it
 * cannot.
 */
int subject_check_branch(struct arena *a, const struct definition *d, const char *subject,
			 struct err *e);

/*
 * The commit that the tag of that name leads to, in the repository the definition is in, or
 * whatever else it leads to; NULL = it has no such tag, there is no repository, or the word can be
 * no tag's. It binds evidence to what was measured: a tag can be moved, the word stays the same. -1
 * with ERR_MEASURE: there is a repository that cannot be read.
 */
int subject_commit(struct arena *a, const struct definition *d, const char *subject,
		   const char **commit, struct err *e);

/* Of evidence about a subject of which nobody could tell what it was: no commit is like it. */
#define SUBJECT_UNKNOWN "unknown"

#endif
