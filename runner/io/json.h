/*
 * json: the only door to jansson for reading, and one writer for everything assize prints.
 *
 * Reading: RFC 8259, duplicates refused, depth limited, whole document. Numbers keep their text's
 * meaning: integers stay integers up to 2^63; larger ones are reals that say so. JSON Pointer is
 * RFC 6901. Walking goes node by node: a node is borrowed from its document, NULL is none, and a
 * question that does not fit a node's type is answered with none.
 *
 * Writing: a small streaming writer into a buffer; commas and nesting are its business, strings are
 * escaped to valid UTF-8 JSON, reals by num_format_real() (NaN and infinities become null). Its
 * verbs are json_put_*, because json_real and json_null are names jansson exports.
 */
#ifndef ASSIZE_IO_JSON_H
#define ASSIZE_IO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct json_doc;
struct json_t; /* jansson's: a node */

int json_parse(const char *text, size_t n, struct json_doc **out, struct err *e);
void json_free(struct json_doc *d);

enum json_type {
	JSON_ABSENT = 0,
	JSON_IS_NULL,
	JSON_IS_BOOL,
	JSON_IS_INT,
	JSON_IS_REAL,
	JSON_IS_TEXT,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT
};

struct json_value {
	enum json_type type;
	bool boolean;
	int64_t integer;
	double real;
	bool is_rounded;  /* real stands for an integer beyond 2^63 */
	const char *text; /* borrowed from the document */
	size_t n;	  /* elements of an array or object */
};

struct json_t *json_root(const struct json_doc *d);
void json_read(const struct json_doc *d, const struct json_t *at, struct json_value *out);
struct json_t *json_member(const struct json_t *object, const char *name);
struct json_t *json_item(const struct json_t *array, size_t i);
/*
 * The members of an object in the order of the document, names too. *at is NULL to begin with and
 * then the business of this function; false behind the last one.
 */
bool json_member_next(struct json_t *object, void **at, const char **name, struct json_t **value);

/* -1: pointer is malformed. A pointer to nothing gives JSON_ABSENT. */
int json_pointer(const struct json_doc *d, const char *pointer, struct json_value *out,
		 struct err *e);
/* The node itself, NULL = there is none; of a well-formed pointer. */
struct json_t *json_pointer_at(const struct json_doc *d, const char *pointer);
/* Is this a well-formed RFC 6901 pointer? */
bool json_pointer_is_valid(const char *pointer);

struct json_writer {
	struct buf *out;
	unsigned depth;
	bool is_pretty;
	bool needs_comma[32];
};

void json_writer_init(struct json_writer *w, struct buf *out, bool is_pretty);
void json_open(struct json_writer *w, const char *key,
	       char bracket); /* '{' or '['; key NULL in arrays */
void json_close(struct json_writer *w, char bracket);
void json_put_text(struct json_writer *w, const char *key, const char *s); /* NULL writes null */
void json_put_text_n(struct json_writer *w, const char *key, const char *s, size_t n);
void json_put_int(struct json_writer *w, const char *key, int64_t v);
void json_put_real(struct json_writer *w, const char *key, double v);
void json_put_bool(struct json_writer *w, const char *key, bool v);
void json_put_null(struct json_writer *w, const char *key);

#endif
