/*
 * arsenal_page: the page of an exporter, line by line, with the places of what a check selects, so
 * that single lines can be changed and every other byte stays.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_PAGE_H
#define ASSIZE_AUDITS_ARSENAL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/exposition.h"

struct arena;
struct buf;
struct err;
struct http_taped;
struct scrape_spec;

/* A part of a line: offset from its beginning, and length; n 0 = it is not there. */
struct page_part {
	size_t at, n;
};

struct page_line {
	const char *s;
	size_t n; /* its newline included */
	bool is_selected;
	bool is_count; /* the _count of a histogram whose buckets are selected */
	double number, timestamp_s;
	struct page_part value, timestamp;
};

struct page {
	enum exposition_format format;
	struct page_line *lines;
	size_t n_lines, n_selected, n_named; /* named: of the metric, selected or not */
	bool has_timestamps;		     /* of those selected, any */
};

/* Of a page that the check could read. content_type chooses the format unless spec does. */
int page_read(struct page *out, struct arena *a, const struct scrape_spec *spec,
	      const struct http_taped *answer, struct err *e);
/* The value of a label of a sample, between its quotes. */
struct page_part page_label(const struct page_line *line, const char *name);
/* Is it a sample, or the metadata, of one of the names that end in base and a suffix? */
bool page_is_of(const struct page_line *line, const char *base, size_t n, size_t *name_at);
/* The line with one part of it replaced. */
void page_put(struct buf *out, const struct page_line *line, struct page_part part, const char *by);

#endif
