/*
 * The order in which outcomes swallow one another is spelled out here and nowhere else: a failure
 * is never hidden by an error, an error never by a skip, a skip never by a pass.
 */
#include "runner/model/outcome.h"

#include <stddef.h>
#include <string.h>

static const struct {
	enum outcome outcome;
	const char *name;
} names[] = {
	{OUTCOME_UNDECIDED, "undecided"}, {OUTCOME_PASS, "pass"}, {OUTCOME_WARN, "warn"},
	{OUTCOME_FAIL, "fail"},		  {OUTCOME_SKIP, "skip"},
};

static bool either(enum outcome a, enum outcome b, enum outcome is)
{
	return a == is || b == is;
}

enum outcome outcome_join(enum outcome a, enum outcome b)
{
	if (either(a, b, OUTCOME_FAIL))
		return OUTCOME_FAIL;
	if (either(a, b, OUTCOME_UNDECIDED))
		return OUTCOME_UNDECIDED;
	if (either(a, b, OUTCOME_SKIP))
		return OUTCOME_SKIP;
	if (either(a, b, OUTCOME_WARN))
		return OUTCOME_WARN;
	return a == OUTCOME_PASS && b == OUTCOME_PASS ? OUTCOME_PASS : OUTCOME_UNDECIDED;
}

bool outcome_is_passing(enum outcome o)
{
	return o == OUTCOME_PASS || o == OUTCOME_WARN;
}

const char *outcome_name(enum outcome o)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].outcome == o)
			return names[i].name;
	return "undecided"; /* a value from outside the enum is nothing anybody measured */
}

bool outcome_from_name(const char *name, enum outcome *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		*out = names[i].outcome;
		return true;
	}
	return false;
}
