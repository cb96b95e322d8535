/* Single members of a basis, for rules that hold an earlier decision against what is there now. */
#include <string.h>

#include "gates/policy.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

const char *basis_subject_commit(struct arena *a, const char *basis)
{
	const char *commit = NULL;
	struct err ignored = {0};
	struct json_value v;
	struct json_doc *doc;

	if (basis == NULL || json_parse(basis, strlen(basis), &doc, &ignored) != 0)
		return NULL;
	json_read(doc, json_member(json_root(doc), "subject_commit"), &v);
	if (v.type == JSON_IS_TEXT)
		commit = arena_strdup(a, v.text);
	json_free(doc);
	return commit;
}

void basis_decisions(struct arena *a, const char *basis, int64_t **ids, size_t *n)
{
	const struct json_t *list;
	struct err ignored = {0};
	struct json_value v;
	struct json_doc *doc;

	*n = 0;
	if (basis == NULL || json_parse(basis, strlen(basis), &doc, &ignored) != 0)
		return;
	list = json_member(json_root(doc), "depends");
	json_read(doc, list, &v);
	if (v.type == JSON_IS_ARRAY) {
		*n = v.n;
		*ids = arena_array(a, v.n, sizeof(**ids));
	}
	for (size_t i = 0; i < *n; i++) {
		json_read(doc, json_member(json_item(list, i), "decision"), &v);
		(*ids)[i] = v.type == JSON_IS_INT ? v.integer : 0;
	}
	json_free(doc);
}
