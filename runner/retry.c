#include "runner/retry.h"

#include "runner/model/definition.h"

#define SPREAD 4 /* the pause grows by less than one part of so many */

/* FNV-1a: any hash does that tells names apart. */
static uint64_t add_bytes(uint64_t hash, const char *s)
{
	for (; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return hash;
}

static int64_t jitter_ms(int64_t pause_ms, const char *name, int64_t seed, int attempt)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	hash = (hash ^ (uint64_t)seed) * UINT64_C(1099511628211);
	hash = (hash ^ (uint64_t)attempt) * UINT64_C(1099511628211);
	hash = add_bytes(hash, name);
	return (int64_t)((hash >> 32) % ((uint64_t)(pause_ms / SPREAD) + 1));
}

int64_t retry_pause_ms(const struct check *c, int64_t seed, int attempt)
{
	int64_t pause = c->retry_delay_ms;

	if (c->retry_backoff <= 1)
		return pause;
	for (int i = 1; i < attempt && pause < RETRY_MAX_PAUSE_MS; i++) {
		pause *= c->retry_backoff;
		if (pause > RETRY_MAX_PAUSE_MS)
			pause = RETRY_MAX_PAUSE_MS;
	}
	return pause + jitter_ms(pause, c->name, seed, attempt);
}
