/*
 * text: foreign text made safe to show, and the small phrases every format shares.
 *
 * Everything appends to a buffer of our own (BUF_UNBOUNDED) and allocates nothing else. Nothing
 * asks the locale, the zone or the clock: times are UTC, so that the same record gives the same
 * bytes.
 */
#ifndef ASSIZE_REPORTS_TEXT_H
#define ASSIZE_REPORTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/record.h"
#include "runner/model/result.h"

struct buf;
struct ledger_reach;
struct json_writer;

/*
 * One line of valid UTF-8 in which nothing hides: controls, bidirectional and zero-width characters
 * and bytes that are not UTF-8 appear as \n, \t, \xNN or \u{NNNN}. Unlike str_escape() a backslash
 * stays as it is: bounds and queries are full of them, and nobody reads this text back.
 */
void text_visible(struct buf *out, const char *s, size_t n);
void text_put(struct buf *out, const char *s); /* text_visible() of a whole string; NULL = "" */
/*
 * A command to be pasted, as it is: one of assize's with the options `repeated` (NULL = none),
 * before what it is to run.
 */
void text_command(struct buf *out, const char *text, const char *repeated);
/* The same as text_put() with & < > " ' as entities: fit for HTML and XML, in text and in
 * attributes. */
void text_markup(struct buf *out, const char *s);
void text_markup_n(struct buf *out, const char *s, size_t n);

/* text_visible() as a JSON string; NULL = "". */
void text_json(struct json_writer *w, const char *key, const char *s);

/* RFC 3339, UTC, with milliseconds; null before 0. */
void text_json_time(struct json_writer *w, const char *key, int64_t ms);

/* The next line of text, without its newline; false at the end. *rest starts as the text. */
bool text_line(const char **rest, const char **line, size_t *n);

/* As result_number(). */
bool point_number(const struct point *p, bool is_share, double *out);

/* "1.30 %", "283 ms", "no value". */
void text_value(struct buf *out, const struct result *r);
/* The same, or the outcome where there is no value. */
void text_point(struct buf *out, const struct point *p, const struct result *of);
/* "1 297 of 99 772", "of 4 118", or nothing: what the value is a part of. */
void text_sample(struct buf *out, const struct result *r);
/* "tasks/missing{column="owner"}", "api/home:total": one series in one word. */
void text_series(struct buf *out, const char *check, const char *series);

void text_duration(struct buf *out, int64_t us); /* "400 ms", "14.2 s" */
void text_when(struct buf *out, int64_t ms);	 /* "22 Nov 2026, 21:40:03 UTC" */
void text_day(struct buf *out, int64_t ms);	 /* "22 Nov 2026" */
void text_minute(struct buf *out, int64_t ms);	 /* "22 Nov 2026, 21:40" */
/* "4be1 90c7": the first n bytes of a digest, for people to compare. */
void text_digest(struct buf *out, const unsigned char *digest, size_t n);
/* "all but 18 of 4 812 records, 22 Nov 2026, 21:40:03 UTC, at https://...", "none of 12 records" */
void text_reach(struct buf *out, const struct ledger_reach *x);
/* "1 check", "12 checks". */
void text_count(struct buf *out, int64_t n, const char *noun);
/* "audits/shop.yaml:41:9" where the bound (or else the check) is written; nothing without a file.
 */
void text_position(struct buf *out, const struct result *r);

#endif
