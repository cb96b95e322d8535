/*
 * One function writes a mapping's rows wherever they stand; what is special about checks, targets
 * and gates (exactly one of, at least one of) is said where those mappings are written.
 */
#include "runner/schema_json.h"

#include <string.h>

#include "audits/kinds.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/io/json.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"
#include "runner/model/notify.h"

#define NAME_PATTERN	 "^[A-Za-z_][A-Za-z0-9_.-]{0,127}$"
#define REFERENCE	 "\\$\\{"
#define DURATION_PATTERN "^([0-9]+(\\.[0-9]+)?(ms|s|m|min|h|d|w))+$"
#define SIZE_PATTERN	 "^[0-9]+(\\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$"

static void write_rows(struct json_writer *w, const struct key_row *rows);
static void put_type(struct json_writer *w, const struct key_row *row, bool has_names);

static void put_ref(struct json_writer *w, const char *name)
{
	struct buf b;

	buf_init(&b, 128);
	(void)buf_printf(&b, "#/$defs/%s", name);
	json_put_text(w, "$ref", b.data);
	buf_release(&b);
}

/* An alternative of anyOf: a type with a pattern or range, opened and closed. */
static void put_reference(struct json_writer *w)
{
	json_open(w, NULL, '{');
	put_ref(w, "reference");
	json_close(w, '}');
}

static void put_enum(struct json_writer *w, const char *const *choices)
{
	json_open(w, NULL, '{');
	json_open(w, "enum", '[');
	for (size_t i = 0; choices[i]; i++)
		json_put_text(w, NULL, choices[i]);
	json_close(w, ']');
	json_close(w, '}');
}

static void put_number(struct json_writer *w, const struct key_row *row)
{
	bool has_range = row->min != 0 || row->max != 0;

	json_open(w, NULL, '{');
	json_put_text(w, "type", row->type == KEY_INT ? "integer" : "number");
	if (has_range) {
		json_put_int(w, "minimum", row->min);
		if (row->max != INT64_MAX)
			json_put_int(w, "maximum", row->max);
	}
	json_close(w, '}');
}

/* Types that a variable may stand for: the type itself or a text with a reference. */
static void put_scalar(struct json_writer *w, const struct key_row *row)
{
	json_open(w, "anyOf", '[');
	if (row->type == KEY_ENUM) {
		put_enum(w, row->choices);
	} else if (row->type == KEY_INT || row->type == KEY_REAL) {
		put_number(w, row);
	} else {
		json_open(w, NULL, '{');
		put_ref(w, row->type == KEY_BOOL       ? "boolean"
			   : row->type == KEY_DURATION ? "duration"
			   : row->type == KEY_SIZE     ? "size"
						       : "name");
		json_close(w, '}');
	}
	put_reference(w);
	json_close(w, ']');
}

static void put_map_of_rows(struct json_writer *w, const struct key_row *row, bool has_names)
{
	json_put_text(w, "type", "object");
	if (has_names) {
		json_open(w, "propertyNames", '{');
		json_put_text(w, "pattern", NAME_PATTERN);
		json_close(w, '}');
	}
	json_open(w, "additionalProperties", '{');
	write_rows(w, row->sub);
	json_close(w, '}');
}

static void put_list_of_rows(struct json_writer *w, const struct key_row *row)
{
	json_open(w, "anyOf", '[');
	json_open(w, NULL, '{');
	write_rows(w, row->sub);
	json_close(w, '}');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "array");
	json_put_int(w, "minItems", row->flags & KEY_MAY_BE_EMPTY ? 0 : 1);
	json_open(w, "items", '{');
	write_rows(w, row->sub);
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, ']');
}

/* Names, or a mapping in which the first row's value may stand for the mapping of rows. */
static void put_named(struct json_writer *w, const struct key_row *row)
{
	json_open(w, "anyOf", '[');
	json_open(w, NULL, '{');
	put_ref(w, "texts");
	json_close(w, '}');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "object");
	json_open(w, "additionalProperties", '{');
	json_open(w, "anyOf", '[');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "null");
	json_close(w, '}');
	json_open(w, NULL, '{');
	put_type(w, &row->sub[0], false);
	json_close(w, '}');
	json_open(w, NULL, '{');
	write_rows(w, row->sub);
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, ']');
}

/* A node the loader or a kind reads itself. */
static void put_node(struct json_writer *w, const struct key_row *row)
{
	if (strcmp(row->name, "checks") == 0) {
		json_put_text(w, "type", "array");
		json_put_int(w, "minItems", 1);
		json_open(w, "items", '{');
		put_ref(w, "check");
		json_close(w, '}');
	} else if (strcmp(row->name, "expect") == 0 || strcmp(row->name, "warn") == 0) {
		put_ref(w, "expectation");
	}
}

static void put_type(struct json_writer *w, const struct key_row *row, bool has_names)
{
	switch (row->type) {
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_PATTERN:
		put_ref(w, "text");
		return;
	case KEY_TEXTS:
		put_ref(w, "texts");
		return;
	case KEY_PAIRS:
		json_put_text(w, "type", "object");
		json_open(w, "additionalProperties", '{');
		put_ref(w, "text");
		json_close(w, '}');
		return;
	case KEY_GROUP:
		write_rows(w, row->sub);
		return;
	case KEY_GROUPS:
		put_map_of_rows(w, row, has_names);
		return;
	case KEY_LIST:
		put_list_of_rows(w, row);
		return;
	case KEY_NAMED:
		put_named(w, row);
		return;
	case KEY_NODE:
		put_node(w, row);
		return;
	case KEY_NAME:
	case KEY_BOOL:
	case KEY_INT:
	case KEY_REAL:
	case KEY_DURATION:
	case KEY_SIZE:
	case KEY_ENUM:
		put_scalar(w, row);
		return;
	}
}

static void put_default(struct json_writer *w, const struct key_row *row)
{
	int64_t number;

	if (!row->def)
		return;
	if (row->type == KEY_BOOL)
		json_put_bool(w, "default", strcmp(row->def, "true") == 0);
	else if (row->type == KEY_INT && num_parse_int(row->def, strlen(row->def), &number) == 0)
		json_put_int(w, "default", number);
	else
		json_put_text(w, "default", row->def);
}

static void put_row(struct json_writer *w, const struct key_row *row, bool has_names)
{
	json_open(w, row->name, '{');
	json_put_text(w, "description", row->help);
	put_default(w, row);
	put_type(w, row, has_names);
	json_close(w, '}');
}

static void put_one_of(struct json_writer *w, const char *how, const char *const *names, size_t n)
{
	json_open(w, how, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		json_open(w, "required", '[');
		json_put_text(w, NULL, names[i]);
		json_close(w, ']');
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void put_required(struct json_writer *w, const struct key_row *rows)
{
	bool has_any = false;

	for (const struct key_row *row = rows; row->name; row++) {
		if (!(row->flags & KEY_REQUIRED))
			continue;
		if (!has_any)
			json_open(w, "required", '[');
		has_any = true;
		json_put_text(w, NULL, row->name);
	}
	if (has_any)
		json_close(w, ']');
}

/* The inside of the schema of one mapping. */
static void write_rows(struct json_writer *w, const struct key_row *rows)
{
	const char *target_types[TARGET_LAST], *sink_types[NOTIFY_LAST + 1];
	static const char *const gate_rules[] = {"require", "rollback", "budget", "baseline"};
	static const char *const anchors[] = {"git", "timestamp", "witness"};

	json_put_text(w, "type", "object");
	json_open(w, "properties", '{');
	for (const struct key_row *row = rows; row->name; row++)
		put_row(w, row, rows == file_rows);
	json_close(w, '}');
	json_put_bool(w, "additionalProperties", false);
	put_required(w, rows);
	for (int t = TARGET_SQLITE; t <= TARGET_LAST; t++)
		target_types[t - 1] = target_type_name((enum target_type)t);
	if (rows == target_rows)
		put_one_of(w, "oneOf", target_types, TARGET_LAST);
	if (rows == gate_rows)
		put_one_of(w, "anyOf", gate_rules, sizeof(gate_rules) / sizeof(gate_rules[0]));
	for (int t = 0; t <= NOTIFY_LAST; t++)
		sink_types[t] = notify_type_name((enum notify_type)t);
	if (rows == notify_rows)
		put_one_of(w, "oneOf", sink_types, NOTIFY_LAST + 1);
	if (rows == anchor_rows)
		put_one_of(w, "oneOf", anchors, sizeof(anchors) / sizeof(anchors[0]));
	if (rows == selector_rows)
		json_put_int(w, "minProperties", 1);
}

/* ---- definitions ---- */

static void def_pattern(struct json_writer *w, const char *name, const char *pattern)
{
	json_open(w, name, '{');
	json_put_text(w, "type", "string");
	json_put_text(w, "pattern", pattern);
	json_close(w, '}');
}

static void put_types(struct json_writer *w, const char *const *types, size_t n)
{
	json_open(w, "type", '[');
	for (size_t i = 0; i < n; i++)
		json_put_text(w, NULL, types[i]);
	json_close(w, ']');
}

static void put_array_of(struct json_writer *w, const char *name)
{
	json_open(w, NULL, '{');
	json_put_text(w, "type", "array");
	json_put_int(w, "minItems", 1);
	json_open(w, "items", '{');
	put_ref(w, name);
	json_close(w, '}');
	json_close(w, '}');
}

static void put_alternative(struct json_writer *w, const char *name)
{
	json_open(w, NULL, '{');
	put_ref(w, name);
	json_close(w, '}');
}

/* An unquoted 5 or true is as good a text as any; the loader reads what was written. */
static void put_texts(struct json_writer *w)
{
	static const char *const scalars[] = {"string", "number", "boolean"};

	json_open(w, "text", '{');
	put_types(w, scalars, 3);
	json_close(w, '}');
	json_open(w, "texts", '{');
	json_open(w, "anyOf", '[');
	put_alternative(w, "text");
	put_array_of(w, "text");
	json_close(w, ']');
	json_close(w, '}');
}

static void put_expectation(struct json_writer *w)
{
	json_open(w, "bounds", '{');
	json_open(w, "anyOf", '[');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "string");
	json_close(w, '}');
	json_open(w, NULL, '{');
	json_put_text(w, "type", "array");
	json_put_int(w, "minItems", 1);
	json_open(w, "items", '{');
	json_put_text(w, "type", "string");
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
	json_open(w, "expectation", '{');
	json_open(w, "anyOf", '[');
	put_alternative(w, "bounds");
	json_open(w, NULL, '{');
	json_put_text(w, "type", "object");
	json_open(w, "additionalProperties", '{');
	put_ref(w, "bounds");
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
}

static void put_short_form(struct json_writer *w, const struct audit_kind *kind)
{
	for (const struct key_row *row = kind->keys; row->name; row++) {
		if (strcmp(row->name, kind->scalar_key) != 0)
			continue;
		json_open(w, NULL, '{');
		put_type(w, row, false);
		json_close(w, '}');
	}
}

static void put_kind(struct json_writer *w, const struct audit_kind *kind)
{
	json_open(w, kind->name, '{');
	json_put_text(w, "description", kind->summary);
	if (kind->scalar_key) {
		json_open(w, "anyOf", '[');
		put_short_form(w, kind);
		json_open(w, NULL, '{');
		write_rows(w, kind->keys);
		json_close(w, '}');
		json_close(w, ']');
	} else {
		write_rows(w, kind->keys);
	}
	json_close(w, '}');
}

static void put_check(struct json_writer *w)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	json_open(w, "check", '{');
	json_put_text(w, "type", "object");
	json_open(w, "properties", '{');
	for (const struct key_row *row = check_rows; row->name; row++)
		put_row(w, row, false);
	for (size_t i = 0; i < n; i++)
		put_kind(w, kinds[i]);
	json_close(w, '}');
	json_put_bool(w, "additionalProperties", false);
	put_required(w, check_rows);
	json_open(w, "oneOf", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		json_open(w, "required", '[');
		json_put_text(w, NULL, kinds[i]->name);
		json_close(w, ']');
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
}

void schema_json(struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_put_text(&w, "title", "assize definition");
	json_put_text(&w, "description",
		      "Shape of a definition file; `assize check` finds what a schema cannot.");
	write_rows(&w, file_rows);
	json_open(&w, "$defs", '{');
	def_pattern(&w, "reference", REFERENCE);
	def_pattern(&w, "name", NAME_PATTERN);
	def_pattern(&w, "duration", DURATION_PATTERN);
	json_open(&w, "boolean", '{');
	json_put_text(&w, "type", "boolean");
	json_close(&w, '}');
	json_open(&w, "size", '{');
	json_open(&w, "anyOf", '[');
	json_open(&w, NULL, '{');
	json_put_text(&w, "type", "integer");
	json_close(&w, '}');
	json_open(&w, NULL, '{');
	json_put_text(&w, "type", "string");
	json_put_text(&w, "pattern", SIZE_PATTERN);
	json_close(&w, '}');
	json_close(&w, ']');
	json_close(&w, '}');
	put_texts(&w);
	put_expectation(&w);
	put_check(&w);
	json_close(&w, '}');
	json_close(&w, '}');
}
