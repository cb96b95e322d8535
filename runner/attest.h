/*
 * attest: writes a gate's decision as signed statements, one file for each `--attest FORMAT=FILE`.
 */
#ifndef ASSIZE_RUNNER_ATTEST_H
#define ASSIZE_RUNNER_ATTEST_H

struct app;
struct attest;
struct definition;
struct err;
struct options;
struct sign_key;

/*
 * Before anything runs: are the formats known, is the subject a digest, is there a key? It is that
 * of --sign-key, else the record's (runner/vouch.h). *key is the caller's to free, NULL when
 * nothing is to be attested.
 */
int attest_begin(struct app *app, const struct options *o, const struct definition *d,
		 const char *subject, struct sign_key **key, struct err *e);

/* How every statement of FORMAT=FILE begins, and its file; NULL: there is no such format. */
const char *attest_begins(const char *word, const char **file);

int attest_write(struct app *app, const struct options *o, const struct attest *what,
		 const struct sign_key *key, struct err *e);

#endif
