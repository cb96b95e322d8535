/*
 * identity: who measured, where, with what: the facts a run is recorded with.
 */
#ifndef ASSIZE_RUNNER_IDENTITY_H
#define ASSIZE_RUNNER_IDENTITY_H

struct app;
struct arena;
struct definition;
struct run_info;

/* Who asks, and on which machine; "" where that cannot be known. */
void identity_who(struct app *app, const char **host, const char **user);

/* Id of the present boot; "" unknown. */
const char *identity_boot(struct arena *a);

/* Fills host, user, version, boot id, CI job URL, and the definition's commit. Never fails: "" =
 * unknown. */
void identity_fill(struct app *app, const struct definition *d, struct run_info *run);

/*
 * Where a definition is written: from the top of the work tree it is in, so that it is the same in
 * every checkout and read from a commit, else its absolute path.
 */
const char *identity_place(struct arena *a, const struct definition *d);

#endif
