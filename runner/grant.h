/*
 * grant: what the commands that let something through read alike: who, why and until when.
 */
#ifndef ASSIZE_RUNNER_GRANT_H
#define ASSIZE_RUNNER_GRANT_H

#include <stdint.h>

struct err;

/*
 * "2026-12-04T09:00:00Z", or "7d" counted from `from_ms`. What is not after from_ms is ERR_USAGE.
 */
int grant_until(const char *text, int64_t from_ms, int64_t *out, struct err *e);

struct grant_text {
	const char *option, *text; /* text NULL = it was not given */
};

/*
 * --owner and its like, ended by a NULL option: there, more than blanks and at most 1,000 bytes;
 * else ERR_USAGE, which names all that are not there, with the example as its help.
 */
int grant_texts(const char *command, const struct grant_text *texts, const char *example,
		struct err *e);

#endif
