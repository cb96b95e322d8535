/*
 * challenge_world: expectations made by hand, for the tests of challenges. Included once by each
 * program that needs it, hence static functions.
 */
#ifndef ASSIZE_TESTS_CHALLENGE_WORLD_H
#define ASSIZE_TESTS_CHALLENGE_WORLD_H

#include "runner/base/err.h"
#include "runner/model/definition.h"

static struct expectation expect_of(struct arena *a, const char *const *texts, size_t n)
{
	struct pos nowhere[4] = {{0}};
	struct expectation x;
	struct err e = {0};

	if (expect_parse(a, texts, nowhere, n, &x, &e) != 0)
		fail_msg("%s: %s", texts[0], e.message);
	return x;
}

static struct named_expectation named(struct arena *a, const char *name, const char *first,
				      const char *second, const char *warn)
{
	const char *texts[] = {first, second};
	struct named_expectation x = {.name = name};

	if (first != NULL)
		x.expect = expect_of(a, texts, second != NULL ? 2 : 1);
	x.has_expect = first != NULL;
	if (warn != NULL)
		x.warn = expect_of(a, &warn, 1);
	x.has_warn = warn != NULL;
	return x;
}

#endif
