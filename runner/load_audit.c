/*
 * Audits: what they say for all their checks, then the checks one by one (load_check.c).
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"

/*
 * The keys an audit, its defaults: and a check share. Only the audit's rows have default values:
 * absent keys of the others leave what was inherited.
 */
#define OVERRIDE_ROWS(base, zone, severity_def, timeout_def, retries_def, delay_def, backoff_def)  \
	{.name = "owner",                                                                          \
	 .type = KEY_TEXT,                                                                         \
	 .flags = KEY_NO_SECRET,                                                                   \
	 .offset = (base) + offsetof(struct overrides, owner),                                     \
	 .help = "who answers for it",                                                             \
	 .example = "platform"},                                                                   \
		{.name = "target",                                                                 \
		 .type = KEY_NAME,                                                                 \
		 .offset = (base) + offsetof(struct overrides, target),                            \
		 .flags = KEY_NO_SECRET,                                                           \
		 .help = "what is audited: a name from targets:",                                  \
		 .example = "shop"},                                                               \
		{.name = "severity",                                                               \
		 .type = KEY_INT,                                                                  \
		 .offset = (base) + offsetof(struct overrides, severity),                          \
		 .min = 0,                                                                         \
		 .max = 10,                                                                        \
		 .def = (severity_def),                                                            \
		 .help = "how much it matters, 0 to 10",                                           \
		 .example = "9"},                                                                  \
		{.name = "schedule",                                                               \
		 .type = KEY_TEXT,                                                                 \
		 .offset = (base) + offsetof(struct overrides, schedule),                          \
		 .help = "when run --due takes it: a cron expression or @hourly, @daily, ...",     \
		 .example = "\"*/15 * * * *\""},                                                   \
		{.name = "time_zone",                                                              \
		 .type = KEY_TEXT,                                                                 \
		 .offset = (base) + offsetof(struct overrides, time_zone),                         \
		 .def = (zone),                                                                    \
		 .help = "zone the schedule is read in (IANA name or offset)",                     \
		 .example = "Europe/Berlin"},                                                      \
		{.name = "tags",                                                                   \
		 .type = KEY_TEXTS,                                                                \
		 .offset = (base) + offsetof(struct overrides, tags),                              \
		 .flags = KEY_NO_SECRET,                                                           \
		 .help = "words gates and SELECT can ask for",                                     \
		 .example = "[release]"},                                                          \
		{.name = "timeout",                                                                \
		 .type = KEY_DURATION,                                                             \
		 .offset = (base) + offsetof(struct overrides, timeout_ms),                        \
		 .min = 1,                                                                         \
		 .max = 3600000,                                                                   \
		 .def = (timeout_def),                                                             \
		 .help = "what takes longer is undecided",                                         \
		 .example = "30s"},                                                                \
		{.name = "retries",                                                                \
		 .type = KEY_INT,                                                                  \
		 .offset = (base) + offsetof(struct overrides, retries),                           \
		 .min = 0,                                                                         \
		 .max = 10,                                                                        \
		 .def = (retries_def),                                                             \
		 .help = "try again so often unless it passes; a late pass is marked flaky",       \
		 .example = "2"},                                                                  \
		{.name = "retry_delay",                                                            \
		 .type = KEY_DURATION,                                                             \
		 .offset = (base) + offsetof(struct overrides, retry_delay_ms),                    \
		 .min = 0,                                                                         \
		 .max = 3600000,                                                                   \
		 .def = (delay_def),                                                               \
		 .help = "pause before trying again; longer when a server that answers 429 or "    \
			 "503 asks for it (Retry-After), up to the timeout",                       \
		 .example = "5s"},                                                                 \
	{                                                                                          \
		.name = "retry_backoff", .type = KEY_INT,                                          \
		.offset = (base) + offsetof(struct overrides, retry_backoff), .min = 1, .max = 10, \
		.def = (backoff_def),                                                              \
		.help = "each further pause is so many times the one before, up to 5m, and up "    \
			"to a quarter longer, so that checks do not all come back at once",        \
		.example = "2"                                                                     \
	}

const struct key_row override_rows[] = {
	OVERRIDE_ROWS(0, NULL, NULL, NULL, NULL, NULL, NULL),
	KEY_END,
};

const struct key_row audit_rows[] = {
	{.name = "title",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct audit_raw, title),
	 .help = "one line for people",
	 .example = "Task execution"},
	{.name = "why",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct audit_raw, why),
	 .help = "what happened, or would happen, without it",
	 .example = "A missing column once failed every task."},
	OVERRIDE_ROWS(offsetof(struct audit_raw, overrides), "UTC", "5", "30s", "0", "1s", "1"),
	{.name = "defaults",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct audit_raw, overrides),
	 .sub = override_rows,
	 .help = "the same keys, kept apart where that reads better",
	 .example = "{ timeout: 30s }"},
	{.name = "checks",
	 .type = KEY_NODE,
	 .offset = offsetof(struct audit_raw, checks),
	 .flags = KEY_REQUIRED,
	 .help = "list of checks",
	 .example = "[ { id: volume, rows: { table: orders }, expect: \">= 1\" } ]"},
	KEY_END,
};

static const char *const hards[] = {"waivable", "absolute", NULL};

const struct key_row check_rows[] = {
	{.name = "id",
	 .type = KEY_NAME,
	 .offset = offsetof(struct check_raw, id),
	 .flags = KEY_REQUIRED | KEY_NO_SECRET,
	 .help = "name inside the audit; the full name is audit/id",
	 .example = "fresh"},
	{.name = "title",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct check_raw, title),
	 .help = "one line for people",
	 .example = "Tasks are recent"},
	{.name = "why",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = offsetof(struct check_raw, why),
	 .help = "what happened, or would happen, without it",
	 .example = "A stuck importer went unnoticed for two days."},
	OVERRIDE_ROWS(offsetof(struct check_raw, overrides), NULL, NULL, NULL, NULL, NULL, NULL),
	{.name = "needs",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct check_raw, needs),
	 .flags = KEY_NO_SECRET,
	 .help = "checks (audit/check) without whose pass this one is skipped",
	 .example = "[db/up]"},
	{.name = "claims",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct check_raw, claims),
	 .flags = KEY_NO_SECRET,
	 .help = "which attacks of `assize challenge` the check is to notice, by name; any other "
		 "is "
		 "not counted (default: all that fit it)",
	 .example = "[rows-lost, stale]"},
	{.name = "hard",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct check_raw, hard),
	 .choices = hards,
	 .def = "waivable",
	 .help = "absolute: where a gate requires it, no waiver and no override lets it through",
	 .example = "absolute"},
	{.name = "expect",
	 .type = KEY_NODE,
	 .offset = offsetof(struct check_raw, expect),
	 .help = "what must hold: one text, a list, or a mapping of value names to them",
	 .example = "\"<= 0.1%\""},
	{.name = "warn",
	 .type = KEY_NODE,
	 .offset = offsetof(struct check_raw, warn),
	 .help = "what should hold: a check that passes without it is marked",
	 .example = "\"<= 0.01%\""},
	KEY_END,
};

/* A key given both in the audit and in its defaults: one of the two would be ignored. */
static void check_defaults(struct loader *l, const struct node *audit)
{
	const struct node *defaults = node_get(audit, "defaults");

	if (!defaults || defaults->type != NODE_MAPPING)
		return;
	for (size_t i = 0; i < defaults->n; i++) {
		const struct node *key = defaults->keys[i];

		if (node_get(audit, key->text))
			(void)diags_at(l->diags, key->pos, "keep one of the two",
				       "\"%s\" is given in defaults and beside it",
				       str_escaped(l->arena, key->text));
	}
}

void load_audit(struct loader *l, const struct group *g, const struct node *node)
{
	const struct audit_raw *raw = g->value;
	struct definition *d = l->definition;
	struct audit *audit = arena_alloc(l->arena, sizeof(*audit));

	if (strcmp(g->name, "rollback") == 0) {
		(void)diags_at(l->diags, g->pos, "give the audit another name",
			       "the audit name \"rollback\" is reserved for rollback sets");
		return;
	}
	if (!load_name(l, &l->audits, "audit", g, audit) || node->type != NODE_MAPPING)
		return;
	audit->name = g->name;
	audit->title = raw->title;
	audit->why = raw->why;
	audit->owner = raw->overrides.owner;
	audit->pos = g->pos;
	check_defaults(l, node);
	load_checks(l, audit, raw, node);
	d->audits = load_grow(l->arena, d->audits, d->n_audits, sizeof(struct audit *));
	d->audits[d->n_audits++] = audit;
}
