/*
 * kinds: the table. Adding a kind adds one line to each of the two lists below; everything else
 * (parser, `assize kinds`, schema, manual) follows from the kind's own rows.
 */
#include "audits/kinds.h"

#include <string.h>

#include "audits/kind_rows.h"
#include "runner/model/kind.h"

/* In the order `assize kinds` shows them: by family, the plainest first. */
static const struct audit_kind *const all_kinds[] = {
	&audit_kind_sql,       &audit_kind_schema,	 &audit_kind_migrations,
	&audit_kind_rows,      &audit_kind_missing,	 &audit_kind_duplicates,
	&audit_kind_invalid,   &audit_kind_aggregate,	 &audit_kind_orphans,
	&audit_kind_freshness, &audit_kind_distribution, &audit_kind_reconcile,
	&audit_kind_plan,      &audit_kind_http,	 &audit_kind_scrape,
	&audit_kind_promql,    &audit_kind_journey,	 &audit_kind_tcp,
	&audit_kind_tls,       &audit_kind_dns,		 &audit_kind_file,
	&audit_kind_digests,   &audit_kind_archive,	 &audit_kind_elf,
	&audit_kind_secrets,   &audit_kind_sbom,	 &audit_kind_signature,
	&audit_kind_oci,       &audit_kind_command,	 &audit_kind_benchmark,
	&audit_kind_log,       &audit_kind_rollback,	 &audit_kind_recorded,
	&audit_kind_overdue,
};

const struct audit_kind *const *audit_kinds(size_t *n)
{
	*n = sizeof(all_kinds) / sizeof(all_kinds[0]);
	return all_kinds;
}

const struct audit_kind *audit_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(all_kinds) / sizeof(all_kinds[0]); i++)
		if (strcmp(all_kinds[i]->name, name) == 0)
			return all_kinds[i];
	return NULL;
}
