/*
 * expects: what a definition expects of a check's values, as text that is recorded once with the
 * check and from which its values can be judged again.
 */
#ifndef ASSIZE_RUNNER_EXPECTS_H
#define ASSIZE_RUNNER_EXPECTS_H

#include <stddef.h>

struct arena;
struct check;
struct err;
struct named_expectation;

/* JSON: [{"name":"total","expect":["< 300ms"],"warn":null},..]; in a. */
const char *expects_write(struct arena *a, const struct check *c);
/* -1 with ERR_RECORD: not such a text, or one with terms this program does not know. */
int expects_read(struct arena *a, const char *text, struct named_expectation **out, size_t *n,
		 struct err *e);

#endif
