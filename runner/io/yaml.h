/*
 * yaml: the only door to libyaml; turns text into a node tree with positions.
 *
 * The published subset: one document; block and flow collections; plain and quoted scalars; anchors
 * and aliases within limits. Refused with a position and a remedy: duplicate keys, tags (a plain
 * `!= 5` silently becomes one), merge keys `<<`, non-scalar and empty keys, keys without a value in
 * { }, indentation indicators (`>5`), NUL, invalid UTF-8, control characters, directives other than
 * %YAML 1.1/1.2, a comment without a blank before it.
 *
 * Accepted though YAML 1.2 forbids it, because libyaml does and no meaning is lost: lines of a flow
 * collection or quoted text that are not indented more than their parent, tabs inside such lines,
 * and blank lines with extra spaces before the first line of a block scalar.
 *
 * Limits against hostile files, each its own message: 1 MiB a file, depth 64 (checked while
 * scanning: libyaml is quadratic on nested flow), 10,000 anchors and as many uses, 150,000 nodes.
 */
#ifndef ASSIZE_IO_YAML_H
#define ASSIZE_IO_YAML_H

#include <stddef.h>

struct arena;
struct diags;
struct node;

#define YAML_MAX_BYTES	 (1024 * 1024)
#define YAML_MAX_DEPTH	 64
#define YAML_MAX_ANCHORS 10000
#define YAML_MAX_ALIASES 10000
#define YAML_MAX_NODES	 150000

/*
 * file is borrowed by every position; aliases are copied, so the result is a tree. 0, or -1 with
 * diagnostics added; on -1 *root is set nevertheless when the text had a structure (a duplicate
 * key, a tag), so that the caller can report what else is wrong in the same pass, else it is NULL.
 */
int yaml_parse(struct arena *a, const char *file, const char *text, size_t n, struct node **root,
	       struct diags *diags);

#endif
