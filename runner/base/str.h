/*
 * str: questions about text that come from outside.
 *
 * Nothing here allocates except where an arena or buffer is passed in. Lengths are bytes.
 */
#ifndef ASSIZE_BASE_STR_H
#define ASSIZE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

bool str_is_utf8(const char *s, size_t n); /* RFC 3629: no surrogates, no overlong forms */
bool str_is_name(const char *s);	   /* [A-Za-z_][A-Za-z0-9_.-]*, at most 128 bytes */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_equal(const char *a, const char *b);		/* NULL equals only NULL */
bool str_glob(const char *pattern, const char *s);	/* '*' and '?' only; linear backtracking */
bool str_glob_fold(const char *pattern, const char *s); /* without regard to the case of ASCII */

/*
 * Appends s with everything a terminal or a log could misread made visible: control bytes, invalid
 * UTF-8, bidirectional and zero-width characters appear as \xNN or \u{NNNN}. Newline, tab and
 * backslash as \n, \t, \\. The result is one line of valid UTF-8.
 */
void str_escape(struct buf *out, const char *s, size_t n);
const char *str_escaped(struct arena *a, const char *s);

/*
 * Appends s as one word of a command that is shown and pasted: as it is when a shell does, else in
 * single quotes. What str_escape() makes visible is written in octal between $' and ', which bash,
 * zsh, ksh and POSIX 2024 read as the bytes it stands for.
 */
void str_word(struct buf *out, const char *s);
const char *str_as_word(struct arena *a, const char *s); /* s itself when nothing is quoted */
/* Quotes n bytes, whatever they are: a piece of a word. */
void str_quote(struct buf *out, const char *s, size_t n);

/* Columns a terminal uses for s (UTF-8, East Asian width ignored, combining marks count zero). */
size_t str_width(const char *s);

/*
 * "did you mean": index of the candidate closest to word (Damerau-Levenshtein, at most a third of
 * its length, at least 1), or -1. Candidates are borrowed.
 */
int str_closest(const char *word, const char *const *candidates, size_t n);

/*
 * The first LF or CR at or behind p, else end. x: zero at the beginning of a text whose lines are
 * asked for one after the other, so that what is looked at is looked at once.
 */
struct str_line_ends {
	const char *lf, *cr;
};
const char *str_line_end(struct str_line_ends *x, const char *p, const char *end);

#endif
