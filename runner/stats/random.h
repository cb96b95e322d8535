/*
 * random: numbers that look random and are the same on every machine, for tests by permutation and
 * for the order in which things are tried. Not for secrets.
 *
 * The generator is SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
 * generators"): any seed is a good one, also 0 and neighbours.
 */
#ifndef ASSIZE_STATS_RANDOM_H
#define ASSIZE_STATS_RANDOM_H

#include <stdint.h>

struct stats_random {
	uint64_t state;
};

/* The next 64 bits. */
uint64_t stats_random_next(struct stats_random *r);

/* A seed of a number and a name (FNV-1a): the same pair gives the same seed, for ever. */
uint64_t stats_random_seed(uint64_t number, const char *name);

#endif
