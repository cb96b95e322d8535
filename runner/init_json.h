/*
 * init_json: what of a JSON answer a check could hold on to; private to the source of web pages.
 *
 * Candidates are members that are texts, numbers or truth values, and arrays, of which it is asked
 * that they have an element. Everything lives in the arena given.
 */
#ifndef ASSIZE_RUNNER_INIT_JSON_H
#define ASSIZE_RUNNER_INIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct init_page;
struct result;

#define INIT_MAX_LEAVES 20

struct init_leaf {
	const char *name;	    /* of the value in the check */
	const char *path;	    /* JSON Pointer, or count($...[*]) */
	bool is_count;		    /* of an array's elements */
	const char *omitted;	    /* why it is left out; NULL = it is not */
	const struct result *value; /* as measured */
};

/* Nothing, when the page is no JSON. *n_more: how many were beyond INIT_MAX_LEAVES. */
void init_json_leaves(struct arena *a, const struct init_page *page, int64_t now_ms,
		      struct init_leaf **out, size_t *n, size_t *n_more);

bool init_json_is_same(const struct result *x, const struct result *y);

/* The expectation that what was measured is so. */
void init_json_put_bound(struct buf *out, const struct init_leaf *leaf);

/* By its form: a token of a known kind, a password in a URL. */
bool init_holds_secret(const char *text);

#endif
