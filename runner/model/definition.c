/*
 * Questions about a loaded definition. Lookups by name are linear except for checks, of which there
 * may be a hundred thousand; whether a selector names a check is decided here and nowhere else.
 */
#include "runner/model/definition.h"

#include <string.h>

#include "runner/base/str.h"
#include "runner/model/kind.h"
#include "runner/model/notify.h"

const struct source *definition_source(const struct definition *d, const char *file)
{
	for (size_t i = 0; file && i < d->n_sources; i++)
		if (d->sources[i].file == file || strcmp(d->sources[i].file, file) == 0)
			return &d->sources[i];
	return NULL;
}

const struct target *definition_target(const struct definition *d, const char *name)
{
	for (size_t i = 0; i < d->n_targets; i++)
		if (strcmp(d->targets[i]->name, name) == 0)
			return d->targets[i];
	return NULL;
}

const struct check *definition_check(const struct definition *d, const char *name)
{
	if (d->check_names.n > 0)
		return map_get(&d->check_names, name);
	for (size_t i = 0; i < d->n_checks; i++)
		if (strcmp(d->checks[i]->name, name) == 0)
			return d->checks[i];
	return NULL;
}

const struct gate *definition_gate(const struct definition *d, const char *name)
{
	for (size_t i = 0; i < d->n_gates; i++)
		if (strcmp(d->gates[i]->name, name) == 0)
			return d->gates[i];
	return NULL;
}

const struct rollback_set *definition_rollback(const struct definition *d, const char *name)
{
	for (size_t i = 0; i < d->n_rollbacks; i++)
		if (strcmp(d->rollbacks[i]->name, name) == 0)
			return d->rollbacks[i];
	return NULL;
}

const struct notify_sink *definition_sink(const struct definition *d, const char *name)
{
	for (size_t i = 0; i < d->n_sinks; i++)
		if (strcmp(d->sinks[i]->name, name) == 0)
			return d->sinks[i];
	return NULL;
}

/* A hidden check has to be named: `*` and tags pass it by, `rollback`, `rollback/...` do not. */
static bool glob_matches(const char *glob, const struct check *c)
{
	if (c->is_hidden) {
		size_t n = strlen(c->audit);

		if (strncmp(glob, c->audit, n) != 0 || (glob[n] != '\0' && glob[n] != '/'))
			return false;
	}
	return strchr(glob, '/') ? str_glob(glob, c->name) : str_glob(glob, c->audit);
}

static bool severity_matches(const struct selector *s, int64_t severity)
{
	switch (s->severity_op) {
	case 0:
		return true;
	case '<':
		return severity < s->severity;
	case 'l':
		return severity <= s->severity;
	case '>':
		return severity > s->severity;
	case 'g':
		return severity >= s->severity;
	default:
		return severity == s->severity;
	}
}

static bool has_tag(const struct check *c, const char *tag)
{
	for (size_t i = 0; i < c->tags.n; i++)
		if (str_glob(tag, c->tags.items[i]))
			return true;
	return false;
}

const char *target_type_name(enum target_type type)
{
	switch (type) {
	case TARGET_NONE:
		break;
	case TARGET_SQLITE:
		return "sqlite";
	case TARGET_POSTGRES:
		return "postgres";
	case TARGET_MYSQL:
		return "mysql";
	case TARGET_ODBC:
		return "odbc";
	case TARGET_HTTP:
		return "http";
	case TARGET_PROMETHEUS:
		return "prometheus";
	case TARGET_GIT:
		return "git";
	}
	return "none";
}

bool waiver_is_of_gate(const struct waiver *w, const struct gate *g)
{
	for (size_t i = 0; i < w->gates.n; i++)
		if (str_equal(w->gates.items[i], g->name))
			return true;
	return false;
}

bool selector_matches(const struct selector *s, const struct check *c)
{
	if (c->is_hidden && !s->glob)
		return false;
	if (s->glob && !glob_matches(s->glob, c))
		return false;
	if (s->tag && !has_tag(c, s->tag))
		return false;
	if (s->kind && !str_glob(s->kind, c->kind->name))
		return false;
	return severity_matches(s, c->severity);
}
