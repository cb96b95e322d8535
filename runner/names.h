/*
 * names: which names there are, for whoever gave none or one there is not.
 */
#ifndef ASSIZE_RUNNER_NAMES_H
#define ASSIZE_RUNNER_NAMES_H

#include <stddef.h>

struct err;

/*
 * Sets the help of e: the closest name, else those of which word is one part (the audit or the id
 * of a check), else the first of all, after what ("checks"). word NULL = none was given. -1.
 */
int names_help(const char *what, const char *const *names, size_t n, const char *word,
	       struct err *e);

#endif
