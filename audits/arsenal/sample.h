/*
 * arsenal_sample: a text that a regular expression finds.
 *
 * Texts are made of the expression as a person would (alternatives, classes, repetitions; what is
 * not understood is passed over) and asked of the pattern itself: what is given back is found for
 * certain, and NULL says nothing about the pattern but that nobody came upon a text for it.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_SAMPLE_H
#define ASSIZE_AUDITS_ARSENAL_SAMPLE_H

struct arena;
struct pattern;

/* One line, without its end; except (MAY be NULL) does not find it. re: the pattern as written. */
const char *sample_line(struct arena *a, const char *re, const struct pattern *p,
			const struct pattern *except);

#endif
