/*
 * pattern: regular expressions (PCRE2) with limits on work, the only door to that library.
 *
 * Matching is bounded (100,000 match steps, 1,000 deep, 16 MiB); a pattern that exceeds the bound
 * on some text is "could not match", never "does not match". Compiled patterns may be shared by
 * threads.
 */
#ifndef ASSIZE_MODEL_PATTERN_H
#define ASSIZE_MODEL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct library_version;
struct pattern;

/* Of PCRE2. */
void pattern_version(struct arena *a, struct library_version *out);

int pattern_compile(struct arena *a, const char *re, size_t n, bool is_caseless,
		    struct pattern **out, struct err *e);
/* Makes pattern_search() faster, for patterns that many texts are searched for; before threads
 * start. */
void pattern_hasten(struct pattern *p);
/* Every match holds one of these texts (pattern_literals.h); 0 = none is known. */
size_t pattern_texts(const struct pattern *p, const char *const **out);
/* 1 match, 0 no match, -1 limit reached or invalid text (e set, ERR_MEASURE). */
int pattern_search(const struct pattern *p, const char *s, size_t n, struct err *e);
/* Of a line with the CR it ends with, if it does: $ stands before that as well as behind it. */
int pattern_search_line(const struct pattern *p, const char *s, size_t n, struct err *e);
/* How many groups that capture it has. */
size_t pattern_groups(const struct pattern *p);
/*
 * As pattern_search; on 1 what the first group matched, or all of it when there is no group. A
 * group that took no part in the match is no match.
 */
int pattern_capture(const struct pattern *p, const char *s, size_t n, size_t *from, size_t *length,
		    struct err *e);
/* Whole text must match (as label matchers of Prometheus do). */
int pattern_match_all(const struct pattern *p, const char *s, size_t n, struct err *e);

#endif
