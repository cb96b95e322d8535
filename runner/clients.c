#include "runner/clients.h"

#include <string.h>

#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/io/db.h"
#include "runner/io/git.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/plan.h"

static unsigned targets_of(const struct check *c)
{
	unsigned targets = 0;

	if (c->target != NULL)
		targets |= TARGET_BIT(c->target->type);
	if (c->other_target != NULL)
		targets |= TARGET_BIT(c->other_target->type);
	if (strcmp(c->kind->family, "rollback") == 0)
		targets |= TARGET_BIT(TARGET_GIT);
	return targets;
}

unsigned clients_of(const struct plan *plan)
{
	unsigned targets = 0;

	for (size_t i = 0; i < plan->n_checks; i++)
		targets |= targets_of(plan->checks[i]);
	return targets;
}

void clients_load(unsigned targets)
{
	static const enum target_type servers[] = {TARGET_POSTGRES, TARGET_MYSQL, TARGET_ODBC};
	struct arena *a = arena_new();
	struct library_version version;
	struct err ignored = {0};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		const struct target t = {.type = servers[i]};

		if (targets & TARGET_BIT(t.type))
			(void)db_version(database_engine(&t), a, &version, &ignored);
	}
	if (targets & TARGET_BIT(TARGET_GIT))
		(void)git_door_init(&ignored);
	arena_free(a);
}
