/*
 * What a value or a whole mapping can look like, in words and as the rows' examples, for manuals
 * and for whoever wrote something else.
 */
#include "runner/base/arena.h"
#include "runner/model/keys.h"

const char *key_type_words(enum key_type type)
{
	switch (type) {
	case KEY_TEXT:
		return "text";
	case KEY_NAME:
		return "name";
	case KEY_PATH:
		return "path";
	case KEY_BOOL:
		return "true or false";
	case KEY_INT:
		return "integer";
	case KEY_REAL:
		return "number";
	case KEY_DURATION:
		return "duration";
	case KEY_SIZE:
		return "size";
	case KEY_ENUM:
		return "choice";
	case KEY_TEXTS:
		return "text or list of texts";
	case KEY_PAIRS:
		return "mapping of names to texts";
	case KEY_PATTERN:
		return "regular expression";
	case KEY_GROUP:
		return "mapping";
	case KEY_GROUPS:
		return "mapping of names to mappings";
	case KEY_NODE:
		return "structure";
	case KEY_LIST:
		return "mapping or list of mappings";
	case KEY_NAMED:
		return "name, list of names, or mapping of names to mappings";
	}
	return "";
}

const char *keys_example(struct arena *a, const struct key_row *row)
{
	return row->example ? arena_printf(a, "for example %s: %s", row->name, row->example) : NULL;
}

const char *keys_example_of_all(struct arena *a, const struct key_row *rows)
{
	const char *text = NULL;

	for (const struct key_row *row = rows; row->name; row++) {
		if (!(row->flags & (KEY_REQUIRED | KEY_SHOWN)) || !row->example)
			continue;
		text = arena_printf(a, "%s%s%s: %s", text ? text : "", text ? ", " : "", row->name,
				    row->example);
	}
	if (!text && rows->example)
		text = arena_printf(a, "%s: %s", rows->name, rows->example);
	return text ? arena_printf(a, "for example { %s }", text) : NULL;
}
