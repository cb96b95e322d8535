/*
 * schema_json: the JSON Schema (2020-12) of definition files, generated from the key rows, so that
 * an editor knows what the loader knows. It is committed as audits/assize.schema.json; a test fails
 * when the two differ.
 *
 * A schema sees the shape of one file. What it cannot say (names that must exist, the expectation
 * language, units, variables' values) only `assize check` finds.
 */
#ifndef ASSIZE_RUNNER_SCHEMA_JSON_H
#define ASSIZE_RUNNER_SCHEMA_JSON_H

struct buf;

/* Appends the schema, ended by a newline. */
void schema_json(struct buf *out);

#endif
