/*
 * arsenal_secret: secrets that nobody has, as their makers make them.
 *
 * Written down from the makers' own descriptions and not from the rules that find them, or the
 * rules would be asked whether they agree with themselves. Made when they are needed: none of them
 * stands in a source.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_SECRET_H
#define ASSIZE_AUDITS_ARSENAL_SECRET_H

#include <stddef.h>

struct arena;

/* The secret of family i, the same each time, and the family's name; NULL behind the last. */
const char *secret_made(struct arena *a, size_t i, const char **family);
/* Looks like a token, and its checksum says it is none. */
const char *secret_example(struct arena *a);

#endif
