/*
 * pattern_literals: texts without which a regular expression cannot match.
 *
 * Looking for a text is several times faster than looking for a pattern, so a reader of many lines
 * skips those that hold none of them. What is not understood for certain (groups with options,
 * verbs, back references) has no such texts: slower, never wrong.
 */
#ifndef ASSIZE_MODEL_PATTERN_LITERALS_H
#define ASSIZE_MODEL_PATTERN_LITERALS_H

#include <stddef.h>

#define PATTERN_MAX_LITERALS 8

struct arena;

/*
 * Each match of re (PCRE2, case-sensitive, not extended) holds one of the texts, which are ASCII
 * and in the arena. Returns how many; 0 = none is known.
 */
size_t pattern_literals(struct arena *a, const char *re, size_t n,
			const char *out[static PATTERN_MAX_LITERALS]);

#endif
