/* One member of a basis, for rules that hold an earlier decision against what is there now. */
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
