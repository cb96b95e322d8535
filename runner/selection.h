/*
 * selection: the checks a command line means.
 *
 * No words = every check that is not hidden. Words are a union; a word that matches nothing is an
 * error.
 */
#ifndef ASSIZE_RUNNER_SELECTION_H
#define ASSIZE_RUNNER_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct check;
struct definition;
struct err;
struct options;

struct selection {
	const struct check **checks; /* definition order */
	size_t n_checks;
	const char *text; /* the words joined by a space; "" = all */
};

/* Marks a check and everything it needs, by their index in the definition. */
void selection_want(const struct check *c, bool *is_wanted);

/* In the app's arena. -1: ERR_USAGE, or ERR_DEFINITION when there is nothing to select from. */
int selection_make(struct app *app, const struct definition *d, const struct options *o,
		   struct selection *out, struct err *e);

#endif
