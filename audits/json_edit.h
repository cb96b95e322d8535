/*
 * json_edit: the text of a JSON document with some of its values taken out or replaced, and every
 * other byte as it was.
 *
 * Values are known by their number in the order of the text: the document itself is 0, what is in
 * an array or object follows it.
 */
#ifndef ASSIZE_AUDITS_JSON_EDIT_H
#define ASSIZE_AUDITS_JSON_EDIT_H

#include <stddef.h>

struct buf;
struct json_doc;
struct json_t;

enum json_edit {
	JSON_KEEP = 0,
	JSON_DROP,    /* with its name, when it is a member */
	JSON_REPLACE, /* by what was written to out */
};

/*
 * The numbers of nodes, ascending, each once; how many were found. All that is true in a document
 * is one node, and so is all that is false or null: of these it is the first.
 */
size_t json_numbers_of(const struct json_doc *d, struct json_t *const *nodes, size_t n,
		       size_t *numbers);
/* Of one; (size_t)-1 = it is not there. */
size_t json_number_of(const struct json_doc *d, struct json_t *node);
/* The number of the place that a JSON Pointer names, whatever stands there. */
size_t json_number_at(const struct json_doc *d, const char *pointer);

/* How many values it is: itself, and all that is in it. */
size_t json_size_of(const struct json_doc *d, struct json_t *node);
/* Where the text of a value stands; it is there. */
void json_span(const char *s, size_t n, size_t number, size_t *from, size_t *length);

/* s[0..n) is what json_parse() took. Of what is dropped or replaced no inner value is asked for. */
void json_edit(const char *s, size_t n,
	       enum json_edit (*edit)(void *ctx, size_t number, struct buf *out), void *ctx,
	       struct buf *out);

#endif
