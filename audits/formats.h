/*
 * formats: what `format: email` and its like mean; private to this room.
 *
 * One regular expression each, which the whole text must match, in the words that PCRE2, ICU and
 * PostgreSQL read alike: no backslashes, no lookaround, no nested character sets, ASCII only.
 */
#ifndef ASSIZE_AUDITS_FORMATS_H
#define ASSIZE_AUDITS_FORMATS_H

/* NULL terminated; the first is "any", which has no pattern. */
extern const char *const format_names[];

const char *format_pattern(int format);

#endif
