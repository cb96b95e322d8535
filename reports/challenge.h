/*
 * challenge: what became of the attacks on a check, for people and for programs.
 *
 * Pure functions of what the challenge gave; all foreign text is made visible (text.h).
 */
#ifndef ASSIZE_REPORTS_CHALLENGE_H
#define ASSIZE_REPORTS_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/model/challenge.h"

struct buf;

/* One check: its score, its survivors in full, what was not counted in a line. */
void challenge_text(struct buf *out, const struct challenged *c, bool has_color);
/* All of them: how many attacks were noticed, and the check that noticed the smallest share. */
void challenge_summary(struct buf *out, const struct challenged *items, size_t n);

#endif
