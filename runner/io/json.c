/*
 * jansson parses; this file decides what a document may be: the whole text, no duplicate members
 * (two readers would see two documents), no NUL inside strings (every later reader is C).
 *
 * An integer that does not fit an int64 must not make the rest of the document unreadable: such a
 * document is read again with the last two digits of these replaced by "e2", which makes them reals
 * and keeps every place in an error message true. Less than a hundred is lost of at least 2^63,
 * where reals lie 1,024 apart and more, so an integer that a real holds is still read as that
 * real, and of two integers the larger is never read as the smaller: is_rounded relies on both.
 */
#include "runner/io/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"

#define INT64_END 9223372036854775808.0 /* 2^63 */

struct json_doc {
	json_t *root;
	bool has_rounded; /* of integers that fit no int64 */
};

/* Where the number that begins at `at` ends; whether it is one the parser will say. */
static size_t end_of_number(const char *text, size_t n, size_t at)
{
	while (at < n && text[at] != '\0' && strchr("+-.0123456789Ee", text[at]) != NULL)
		at++;
	return at;
}

/* Makes reals of the integers that fit no int64. */
static void round_integers(char *text, size_t n)
{
	bool is_in_string = false;

	for (size_t i = 0; i < n; i++) {
		size_t end = end_of_number(text, n, i);
		int64_t exact;

		if (is_in_string && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			is_in_string = !is_in_string;
		} else if (!is_in_string && end > i) {
			if (end - i > 18 && memchr(text + i, '.', end - i) == NULL &&
			    memchr(text + i, 'e', end - i) == NULL &&
			    memchr(text + i, 'E', end - i) == NULL &&
			    num_parse_int(text + i, end - i, &exact) != 0)
				memcpy(text + end - 2, "e2", 2);
			i = end - 1;
		}
	}
}

static json_t *load_rounded(const char *text, size_t n, size_t flags, json_error_t *error)
{
	char *copy = xmalloc(n);
	json_t *root;

	memcpy(copy, text, n);
	round_integers(copy, n);
	root = json_loadb(copy, n, flags, error);
	free(copy);
	return root;
}

/*
 * Where and why, without the piece of the document that jansson quotes: it may be the beginning of
 * a secret, which nobody would recognise and mask.
 */
static int refuse(const json_error_t *error, struct err *e)
{
	const char *quoted = strstr(error->text, " near '");
	size_t n = quoted != NULL ? (size_t)(quoted - error->text) : strlen(error->text);

	return err_set(e, ERR_MEASURE, "not valid JSON: line %d, column %d: %.*s", error->line,
		       error->column, (int)n, error->text);
}

int json_parse(const char *text, size_t n, struct json_doc **out, struct err *e)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	json_error_t error;
	bool has_rounded = false;
	json_t *root;
	struct json_doc *doc;

	/* jansson steps over one behind a number or a word. */
	if (n > 0 && memchr(text, '\0', n) != NULL)
		return err_set(e, ERR_MEASURE, "not valid JSON: it holds a NUL byte");
	root = json_loadb(text, n, flags, &error);
	if (root == NULL && json_error_code(&error) == json_error_numeric_overflow) {
		has_rounded = true;
		root = load_rounded(text, n, flags, &error);
	}
	if (root == NULL && n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return err_set(e, ERR_MEASURE,
			       "not valid JSON: line 1, column 1: it begins with a byte order "
			       "mark, which JSON does not "
			       "allow (RFC 8259): write it without");
	if (root == NULL)
		return refuse(&error, e);
	doc = xmalloc(sizeof(*doc));
	*doc = (struct json_doc){.root = root, .has_rounded = has_rounded};
	*out = doc;
	return 0;
}

void json_free(struct json_doc *d)
{
	if (d == NULL)
		return;
	json_decref(d->root);
	free(d);
}

bool json_pointer_is_valid(const char *pointer)
{
	if (pointer[0] != '\0' && pointer[0] != '/')
		return false;
	for (const char *p = strchr(pointer, '~'); p != NULL; p = strchr(p + 1, '~'))
		if (p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

/* Undoes ~1 and ~0 in place; one pass from the left, so that "~01" is "~1" and not "/". */
static size_t unescape(char *token, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		char c = token[i];

		if (c == '~' && i + 1 < n)
			c = token[++i] == '1' ? '/' : '~';
		token[kept++] = c;
	}
	token[kept] = '\0';
	return kept;
}

/* RFC 6901, section 4: "0", or digits without a leading zero; "-" is past the end. */
static json_t *array_item(const json_t *array, const char *token, size_t n)
{
	size_t index = 0;

	if (n == 0 || n > 10 || (token[0] == '0' && n > 1) || strspn(token, "0123456789") != n)
		return NULL;
	for (size_t i = 0; i < n; i++)
		index = index * 10 + (size_t)(token[i] - '0');
	return json_array_get(array, index);
}

struct json_t *json_root(const struct json_doc *d)
{
	return d->root;
}

struct json_t *json_member(const struct json_t *object, const char *name)
{
	return json_object_get(object, name);
}

struct json_t *json_item(const struct json_t *array, size_t i)
{
	return json_array_get(array, i);
}

bool json_member_next(struct json_t *object, void **at, const char **name, struct json_t **value)
{
	*at = *at == NULL ? json_object_iter(object) : json_object_iter_next(object, *at);
	if (*at == NULL)
		return false;
	*name = json_object_iter_key(*at);
	*value = json_object_iter_value(*at);
	return true;
}

void json_read(const struct json_doc *d, const struct json_t *at, struct json_value *out)
{
	*out = (struct json_value){.type = JSON_ABSENT};
	if (at == NULL)
		return;
	switch (json_typeof(at)) {
	case JSON_NULL:
		out->type = JSON_IS_NULL;
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		out->type = JSON_IS_BOOL;
		out->boolean = json_is_true(at);
		return;
	case JSON_INTEGER:
		out->type = JSON_IS_INT;
		out->integer = json_integer_value(at);
		return;
	case JSON_REAL:
		out->type = JSON_IS_REAL;
		out->real = json_real_value(at);
		/* A real that was written as one may be among them; no harm is done. */
		out->is_rounded = d->has_rounded && fabs(out->real) >= INT64_END;
		return;
	case JSON_STRING:
		out->type = JSON_IS_TEXT;
		out->text = json_string_value(at);
		out->n = json_string_length(at);
		return;
	case JSON_ARRAY:
		out->type = JSON_IS_ARRAY;
		out->n = json_array_size(at);
		return;
	case JSON_OBJECT:
		out->type = JSON_IS_OBJECT;
		out->n = json_object_size(at);
		return;
	}
}

struct json_t *json_pointer_at(const struct json_doc *d, const char *pointer)
{
	json_t *at = d->root;
	char *copy = xstrdup(pointer), *token = copy;

	while (at != NULL && token != NULL && *token != '\0') {
		char *next = strchr(++token, '/');
		size_t n = next != NULL ? (size_t)(next - token) : strlen(token);
		size_t kept;

		if (next != NULL)
			*next = '\0';
		kept = unescape(token, n);
		if (json_is_object(at))
			at = json_object_getn(at, token, kept);
		else if (json_is_array(at))
			at = array_item(at, token, kept);
		else
			at = NULL;
		if (next != NULL)
			*next = '/';
		token = next;
	}
	free(copy);
	return at;
}

int json_pointer(const struct json_doc *d, const char *pointer, struct json_value *out,
		 struct err *e)
{
	if (!json_pointer_is_valid(pointer))
		return err_set(e, ERR_MEASURE, "\"%s\" is not a JSON Pointer", pointer);
	json_read(d, json_pointer_at(d, pointer), out);
	return 0;
}
