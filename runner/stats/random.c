/* Constants as published; unsigned arithmetic wraps, which is what both algorithms ask for. */
#include "runner/stats/random.h"

uint64_t stats_random_next(struct stats_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t stats_random_seed(uint64_t number, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ number;

	hash *= UINT64_C(0x100000001b3);
	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}
