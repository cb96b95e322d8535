/*
 * yaml_text: what the YAML door knows about the text itself, without libyaml.
 *
 * Looks at a whole file before the parser sees it, turns the parser's character counts into
 * positions, and explains the parser's terse complaints. Private to runner/io/yaml*.c.
 */
#ifndef ASSIZE_IO_YAML_TEXT_H
#define ASSIZE_IO_YAML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"

struct yaml_text {
	const char *file;
	const char *text; /* without a byte order mark */
	size_t n;
	/* cursor: libyaml counts characters, we count bytes; both only go forward, except in errors
	 */
	size_t index, offset, line_start;
	uint32_t line;
	bool is_ascii;
};

/*
 * Size, bytes that are no text, directives: everything that can be refused, or that would be slow,
 * before parsing. -1 with one diagnostic.
 */
int yaml_text_init(struct yaml_text *t, const char *file, const char *text, size_t n,
		   struct diags *diags);

/* Byte offset and position of the character with this number. */
size_t yaml_text_offset(struct yaml_text *t, size_t index);
struct pos yaml_text_pos(struct yaml_text *t, size_t index);

/* Position of a byte, looked for from the beginning: for errors. */
struct pos yaml_text_pos_at(const struct yaml_text *t, size_t offset);

/* Is there anything but blank lines, comments and `...` from this offset on? Where? */
bool yaml_text_has_more(const struct yaml_text *t, size_t offset, struct pos *where);

struct yaml_problem {
	const char *problem, *context; /* libyaml's words; context may be NULL */
	size_t problem_index, context_index;
	size_t flow_depth; /* open flow collections */
};

/* Adds the diagnostic for a complaint of the parser. */
void yaml_text_explain(struct yaml_text *t, const struct yaml_problem *p, struct diags *diags);

#define YAML_QUOTE_MAX 80

/* `quote it: "> 1000"`, with the value that begins at the byte; also out. */
const char *yaml_text_quote(const struct yaml_text *t, size_t offset, bool is_flow,
			    char out[static YAML_QUOTE_MAX]);

/*
 * The byte whose being there, at the beginning of a value, is all that the parser complains about:
 * with another in its place the rest of the file can be read. t->n = it is something else.
 */
size_t yaml_text_stray(struct yaml_text *t, const struct yaml_problem *p);

#endif
