/*
 * kind_rows: the rows behind audits/kinds.c, one declaration a kind; private to this room.
 *
 * Each row is defined in audits/<name>.c as a static-lifetime constant. Everybody outside the room
 * goes through audit_kinds() and audit_kind_find().
 */
#ifndef ASSIZE_AUDITS_KIND_ROWS_H
#define ASSIZE_AUDITS_KIND_ROWS_H

struct arsenal;
struct audit_kind;

extern const struct audit_kind audit_kind_sql;
extern const struct audit_kind audit_kind_schema;
extern const struct audit_kind audit_kind_migrations;
extern const struct audit_kind audit_kind_rows;
extern const struct audit_kind audit_kind_missing;
extern const struct audit_kind audit_kind_duplicates;
extern const struct audit_kind audit_kind_invalid;
extern const struct audit_kind audit_kind_aggregate;
extern const struct audit_kind audit_kind_orphans;
extern const struct audit_kind audit_kind_freshness;
extern const struct audit_kind audit_kind_reconcile;
extern const struct audit_kind audit_kind_distribution;
extern const struct audit_kind audit_kind_plan;
extern const struct audit_kind audit_kind_http;
extern const struct audit_kind audit_kind_scrape;
extern const struct audit_kind audit_kind_journey;
extern const struct audit_kind audit_kind_tcp;
extern const struct audit_kind audit_kind_tls;
extern const struct audit_kind audit_kind_dns;
extern const struct audit_kind audit_kind_promql;
extern const struct audit_kind audit_kind_file;
extern const struct audit_kind audit_kind_digests;
extern const struct audit_kind audit_kind_signature;
extern const struct audit_kind audit_kind_oci;
extern const struct audit_kind audit_kind_archive;
extern const struct audit_kind audit_kind_elf;
extern const struct audit_kind audit_kind_secrets;
extern const struct audit_kind audit_kind_sbom;
extern const struct audit_kind audit_kind_log;
extern const struct audit_kind audit_kind_command;
extern const struct audit_kind audit_kind_benchmark;
extern const struct audit_kind audit_kind_rollback;
extern const struct audit_kind audit_kind_recorded;
extern const struct audit_kind audit_kind_overdue;

/* How kinds are attacked: audits/arsenal. */
extern const struct arsenal arsenal_aggregate;
extern const struct arsenal arsenal_archive;
extern const struct arsenal arsenal_command;
extern const struct arsenal arsenal_digests;
extern const struct arsenal arsenal_distribution;
extern const struct arsenal arsenal_duplicates;
extern const struct arsenal arsenal_elf;
extern const struct arsenal arsenal_file;
extern const struct arsenal arsenal_freshness;
extern const struct arsenal arsenal_http;
extern const struct arsenal arsenal_invalid;
extern const struct arsenal arsenal_journey;
extern const struct arsenal arsenal_log;
extern const struct arsenal arsenal_migrations;
extern const struct arsenal arsenal_missing;
extern const struct arsenal arsenal_oci;
extern const struct arsenal arsenal_orphans;
extern const struct arsenal arsenal_promql;
extern const struct arsenal arsenal_reconcile;
extern const struct arsenal arsenal_rollback;
extern const struct arsenal arsenal_rows;
extern const struct arsenal arsenal_sbom;
extern const struct arsenal arsenal_schema;
extern const struct arsenal arsenal_scrape;
extern const struct arsenal arsenal_secrets;
extern const struct arsenal arsenal_signature;
extern const struct arsenal arsenal_sql;

#endif
