/*
 * Checks: an id, exactly one kind, and overrides of what the audit says. The kind's own rows read
 * its mapping; what the values must be is load_expect.c.
 */
#include <string.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/load_parts.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"

/* What all checks of an audit share while they are read. */
struct inherited {
	struct audit *audit;
	const struct audit_raw *raw;
	const struct node *node; /* the audit's mapping */
	bool is_schedule_bad;	 /* reported with the audit */
	bool is_target_bad;	 /* the same */
};

/* ---- kind ---- */

static bool is_check_key(const char *name)
{
	for (const struct key_row *row = check_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return true;
	return false;
}

/*
 * An unknown key of a check may be meant as one of its own or as a kind; true: as its id, which it
 * does not have.
 */
static bool report_unknown(struct loader *l, const struct node *map, const struct node *key,
			   const char *what)
{
	struct keys_context keys = l->keys;
	const struct audit_kind *kind = NULL;
	size_t n_kinds, n = 0;
	const struct audit_kind *const *kinds = audit_kinds(&n_kinds);
	const char **known, *meant, *help;
	bool is_id;

	for (size_t i = 0; i < map->n && !kind; i++)
		kind = audit_kind_find(map->keys[i]->text);
	while (check_rows[n].name)
		n++;
	known = arena_array(l->arena, n + n_kinds, sizeof(*known));
	for (size_t i = 0; i < n; i++)
		known[i] = check_rows[i].name;
	for (size_t i = 0; i < n_kinds; i++)
		known[n + i] = kinds[i]->name;
	meant = load_word_of_check(l, kind, key, &help);
	is_id = meant && strcmp(meant, "id") == 0;
	if (is_id && node_get(map, "id")) {
		is_id = false;
		meant = "title";
	}
	keys.what = what;
	keys_unknown(&keys, key, known, n + n_kinds, meant, help);
	return is_id;
}

static void report_no_kind(struct loader *l, const struct node *map, const char *what)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	struct buf help;

	buf_init(&help, 600);
	(void)buf_puts(&help, "add one of ");
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&help, "%s%s", i ? ", " : "", kinds[i]->name);
	(void)diags_at(l->diags, map->pos, help.data, "%s does not say what to measure", what);
	buf_release(&help);
}

static struct node *id_key(struct loader *l, const struct node *like)
{
	struct node *key = arena_alloc(l->arena, sizeof(*key));

	*key = *like;
	key->text = "id";
	key->len = 2;
	return key;
}

/*
 * Splits the mapping into the check's own keys (into own, which has room) and its kind key, whose
 * index is returned; map->n when there is none or more than one.
 */
static size_t split(struct loader *l, const struct node *map, const char *what, struct node *own)
{
	size_t kind = map->n;
	bool is_reported = false;

	for (size_t i = 0; i < map->n; i++) {
		const char *name = map->keys[i]->text;

		if (is_check_key(name)) {
			own->keys[own->n] = map->keys[i];
			own->items[own->n++] = map->items[i];
		} else if (!audit_kind_find(name)) {
			is_reported = true;
			if (report_unknown(l, map, map->keys[i], what)) {
				own->keys[own->n] = id_key(l, map->keys[i]);
				own->items[own->n++] = map->items[i];
			}
		} else if (kind < map->n) {
			(void)diags_at(l->diags, map->keys[i]->pos, "split it into two checks",
				       "%s has two kinds, \"%s\" and \"%s\"", what,
				       map->keys[kind]->text, name);
			return map->n;
		} else {
			kind = i;
		}
	}
	if (kind == map->n && !is_reported)
		report_no_kind(l, map, what);
	return kind;
}

/* A kind that may be written short: its scalar, or a list where the key takes one, gets its key. */
static const struct node *long_form(struct loader *l, const struct audit_kind *kind,
				    const struct node *spec)
{
	struct node *map, *key;

	if (!kind->scalar_key || spec->type == NODE_MAPPING)
		return spec;
	key = arena_alloc(l->arena, sizeof(*key));
	key->type = NODE_SCALAR;
	key->pos = spec->pos;
	key->text = kind->scalar_key;
	key->len = strlen(key->text);
	map = arena_alloc(l->arena, sizeof(*map));
	map->type = NODE_MAPPING;
	map->pos = spec->pos;
	map->n = 1;
	map->keys = arena_array(l->arena, 1, sizeof(struct node *));
	map->items = arena_array(l->arena, 1, sizeof(struct node *));
	map->keys[0] = key;
	map->items[0] = arena_alloc(l->arena, sizeof(*spec));
	*map->items[0] = *spec;
	return map;
}

void load_check_spec(struct loader *l, struct check *c, const struct node *spec)
{
	struct kind_words words = {.loader = l, .kind = c->kind};
	struct keys_context keys = l->keys;
	size_t before = l->diags->n_total;

	l->first_use = l->n_uses;
	keys.what = arena_printf(l->arena, "kind \"%s\"", c->kind->name);
	keys.meant = load_word_of_kind;
	keys.meant_ctx = &words;
	c->spec_node = long_form(l, c->kind, spec);
	c->spec = arena_alloc(l->arena, c->kind->spec_size);
	if (keys_read(&keys, c->kind->keys, c->spec_node, c->spec) == 0 && c->kind->check) {
		keys.meant = NULL;
		c->kind->check(&keys, c);
	}
	if (l->diags->n_total != before || diags_is_full(l->diags))
		c->spec = NULL;
}

/* ---- target ---- */

static const char *target_words(unsigned bits)
{
	switch (bits) {
	case TARGET_DATABASES:
		return "a database target";
	case TARGET_BIT(TARGET_HTTP):
		return "an http target";
	case TARGET_BIT(TARGET_PROMETHEUS):
		return "a prometheus target";
	case TARGET_BIT(TARGET_GIT):
		return "a git target";
	default:
		return "another target";
	}
}

void load_no_target(struct loader *l, const char *name, struct pos pos)
{
	const char *help = load_closest(l, name, &l->targets);

	(void)diags_at(l->diags, pos, help ? help : "define it in targets:", "no target \"%s\"",
		       name);
}

/* is_own: the check itself names it, so it may not be passed over. */
static void set_target(struct loader *l, struct check *c, const char *name, bool is_own,
		       struct pos pos)
{
	const struct audit_kind *kind = c->kind;
	const struct target *t = name ? map_get(&l->targets, name) : NULL;

	if (name && !t) {
		load_no_target(l, name, pos);
		return;
	}
	if (t && (t->type == TARGET_NONE || t->location == NULL))
		return; /* its definition is wrong, and reported */
	if (t && (kind->targets & TARGET_BIT(t->type))) {
		c->target = t;
		return;
	}
	if (kind->targets == 0) {
		if (is_own)
			(void)diags_at(l->diags, pos, "remove it", "kind \"%s\" takes no target",
				       kind->name);
		return;
	}
	if (kind->is_target_optional && !is_own)
		return;
	if (!t)
		(void)diags_at(l->diags, c->kind_pos, "add target: NAME to the check or its audit",
			       "kind \"%s\" needs %s", kind->name, target_words(kind->targets));
	else
		(void)diags_at(l->diags, pos, "name another target for this check",
			       "kind \"%s\" needs %s, \"%s\" is none", kind->name,
			       target_words(kind->targets), name);
}

/* ---- schedule ---- */

static void check_zone(struct loader *l, const char *zone, struct pos pos)
{
	struct err e = {0};
	int64_t offset;

	if (!map_put(&l->zones, zone, l))
		return; /* seen: looked up once, reported once */
	if (zone_offset_ms(zone, 0, &offset, &e) == 0)
		return;
	e.class = ERR_DEFINITION;
	e.pos = pos;
	(void)err_help(&e, "use an IANA name such as Europe/Berlin, or UTC");
	diags_add(l->diags, &e);
}

static bool parse_schedule(struct loader *l, const char *text, const struct node *map,
			   struct cron *out)
{
	struct err e = {0};

	if (cron_parse(text, out, &e) == 0)
		return true;
	e.class = ERR_DEFINITION;
	e.pos = keys_pos(map, "schedule");
	(void)err_help(&e, "five fields such as \"*/15 * * * *\", or @hourly, @daily, @weekly");
	diags_add(l->diags, &e);
	return false;
}

static void set_schedule(struct loader *l, struct check *c, const struct inherited *in,
			 const struct overrides *o, const struct node *node)
{
	bool is_own = node_get(node, "schedule") != NULL;

	c->time_zone = o->time_zone;
	if (node_get(node, "time_zone"))
		check_zone(l, o->time_zone, keys_pos(node, "time_zone"));
	if (!o->schedule || (!is_own && in->is_schedule_bad))
		return;
	if (parse_schedule(l, o->schedule, is_own ? node : in->node, &c->cron))
		c->schedule = o->schedule;
}

/* ---- check ---- */

struct check *load_check_new(struct loader *l, const char *audit, const char *id, struct pos pos)
{
	struct check *c = arena_alloc(l->arena, sizeof(*c));

	c->id = id;
	c->audit = audit;
	c->name = arena_printf(l->arena, "%s/%s", audit, id);
	c->pos = pos;
	return c;
}

bool load_check_register(struct loader *l, struct check *c)
{
	struct definition *d = l->definition;
	const struct check *first;

	c->index = d->n_checks;
	if (d->n_checks == LOAD_MAX_CHECKS) {
		(void)diags_at(l->diags, c->pos, NULL, "more than 100,000 checks");
		return false;
	}
	if (!map_put(&d->check_names, c->name, c)) {
		first = definition_check(d, c->name);
		(void)diags_at(l->diags, c->pos,
			       arena_printf(l->arena, "it was first defined at %s:%u",
					    first->pos.file, (unsigned)first->pos.line),
			       "check \"%s\" is defined twice", c->name);
		return false;
	}
	d->checks = load_grow(l->arena, d->checks, d->n_checks, sizeof(struct check *));
	d->checks[d->n_checks++] = c;
	return true;
}

static void add_needs(struct loader *l, struct check *c, const struct texts *names)
{
	if (names->n == 0)
		return;
	l->needs = load_grow(l->arena, l->needs, l->n_needs, sizeof(*l->needs));
	l->needs[l->n_needs++] = (struct pending_needs){.check = c, .names = *names};
}

static void check_tags(struct loader *l, const struct texts *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!str_is_name(tags->items[i]))
			(void)diags_at(l->diags, tags->positions[i],
				       "a letter or _, then letters, digits, _ . and -",
				       "\"%s\" cannot be a tag",
				       str_escaped(l->arena, tags->items[i]));
}

static const struct attack_row *attack_row_of(const struct check *c, const char *name)
{
	const struct attack_row *row = c->kind->arsenal->rows;

	while (row->name && strcmp(row->name, name) != 0)
		row++;
	return row->name ? row : NULL;
}

static void report_claim(struct loader *l, const struct check *c, const struct texts *claims,
			 size_t i)
{
	const struct attack_row *rows = c->kind->arsenal->rows;
	const char **known;
	size_t n = 0, n_known = 0;
	int close;

	if (attack_row_of(c, claims->items[i])) {
		(void)diags_at(l->diags, claims->positions[i], "remove it",
			       "\"%s\" is a harmless change, which no check is to notice",
			       claims->items[i]);
		return;
	}
	while (rows[n].name)
		n++;
	known = arena_array(l->arena, n, sizeof(*known));
	for (size_t k = 0; k < n; k++)
		if (!rows[k].is_control)
			known[n_known++] = rows[k].name;
	close = str_closest(claims->items[i], known, n_known);
	(void)diags_at(
		l->diags, claims->positions[i],
		close >= 0 ? arena_printf(l->arena, "did you mean \"%s\"?", known[close])
			   : arena_printf(l->arena, "assize kinds %s lists them", c->kind->name),
		"no attack on checks of kind \"%s\" is called \"%s\"", c->kind->name,
		str_escaped(l->arena, claims->items[i]));
}

static void check_claims(struct loader *l, struct check *c, const struct texts *claims)
{
	if (claims->n > 0 && !c->kind->arsenal) {
		(void)diags_at(l->diags, claims->positions[0], "remove it",
			       "checks of kind \"%s\" cannot be challenged", c->kind->name);
		return;
	}
	for (size_t i = 0; i < claims->n; i++) {
		const struct attack_row *row = attack_row_of(c, claims->items[i]);

		if (!row || row->is_control)
			report_claim(l, c, claims, i);
	}
	c->claims = *claims;
}

static void fill(struct loader *l, struct check *c, const struct inherited *in,
		 const struct check_raw *raw, const struct node *node)
{
	const struct overrides *o = &raw->overrides;
	bool has_target = node_get(node, "target") != NULL;

	c->title = raw->title;
	c->why = raw->why ? raw->why : in->raw->why;
	c->owner = o->owner;
	c->severity = o->severity;
	c->is_absolute = raw->hard == 1;
	c->tags = o->tags;
	check_claims(l, c, &raw->claims);
	c->timeout_ms = o->timeout_ms;
	c->retries = o->retries;
	c->retry_delay_ms = o->retry_delay_ms;
	c->retry_backoff = o->retry_backoff;
	if (node_get(node, "tags"))
		check_tags(l, &o->tags);
	if (has_target || !in->is_target_bad)
		set_target(l, c, o->target, has_target,
			   has_target ? keys_pos(node, "target") : c->kind_pos);
	set_schedule(l, c, in, o, node);
}

static struct check *load_check(struct loader *l, const struct inherited *in,
				const struct node *node)
{
	struct check_raw raw = {.overrides = in->raw->overrides};
	struct keys_context keys = l->keys;
	const struct node *id;
	struct node own = {.type = NODE_MAPPING, .pos = node->pos};
	struct check *c;
	bool has_unknown, is_registered;
	size_t kind;

	if (node->type != NODE_MAPPING) {
		(void)diags_at(l->diags, node->pos, "write { id: NAME, KIND: ... }",
			       "a check must be a mapping");
		return NULL;
	}
	id = node_get(node, "id");
	keys.what = id && id->type == NODE_SCALAR && str_is_name(id->text)
			    ? arena_printf(l->arena, "check \"%s/%s\"", in->audit->name, id->text)
			    : "the check";
	own.keys = arena_array(l->arena, node->n, sizeof(struct node *));
	own.items = arena_array(l->arena, node->n, sizeof(struct node *));
	kind = split(l, node, keys.what, &own);
	has_unknown = own.n + 1 < node->n; /* the kind is the one key that is not its own */
	(void)keys_read(&keys, check_rows, &own, &raw); /* reports itself */
	id = node_get(&own, "id");			/* or what was meant as one */
	if (!raw.id || kind == node->n)
		return NULL;
	c = load_check_new(l, in->audit->name, raw.id, id->pos);
	is_registered = load_check_register(l, c);
	c->kind = audit_kind_find(node->keys[kind]->text);
	c->kind_pos = node->keys[kind]->pos;
	fill(l, c, in, &raw, node);
	if (is_registered)
		add_needs(l, c, &raw.needs);
	load_check_spec(l, c, node->items[kind]);
	has_unknown = has_unknown || keys_has_unknown(c->kind->keys, c->spec_node);
	load_expectations(l, c, raw.expect, raw.warn, has_unknown);
	load_hash(l, c);
	return is_registered ? c : NULL;
}

/* What every check would inherit is judged once, where the audit says it. */
static void check_inherited(struct loader *l, struct inherited *in, const struct node *audit)
{
	const struct overrides *o = &in->raw->overrides;
	const struct node *defaults = node_get(audit, "defaults");
	struct cron cron;

	in->node = audit;
	if (defaults && defaults->type == NODE_MAPPING) {
		if (node_get(defaults, "time_zone"))
			check_zone(l, o->time_zone, keys_pos(defaults, "time_zone"));
		if (node_get(defaults, "schedule") || node_get(defaults, "target"))
			in->node = defaults;
	}
	if (node_get(audit, "time_zone"))
		check_zone(l, o->time_zone, keys_pos(audit, "time_zone"));
	check_tags(l, &o->tags);
	in->is_target_bad = o->target && !map_get(&l->targets, o->target);
	if (in->is_target_bad)
		load_no_target(l, o->target,
			       keys_pos(node_get(audit, "target") ? audit : in->node, "target"));
	if (o->schedule)
		in->is_schedule_bad = !parse_schedule(
			l, o->schedule, node_get(audit, "schedule") ? audit : in->node, &cron);
}

void load_checks(struct loader *l, struct audit *audit, const struct audit_raw *raw,
		 const struct node *node)
{
	struct inherited in = {.audit = audit, .raw = raw};
	const struct node *list = raw->checks;

	if (!list)
		return; /* reported by its row */
	if (list->type != NODE_SEQUENCE || list->n == 0) {
		(void)diags_at(l->diags, list->pos,
			       keys_example(l->arena, keys_row(audit_rows, "checks")),
			       "audit \"%s\" has no list of checks", audit->name);
		return;
	}
	check_inherited(l, &in, node);
	audit->checks = arena_array(l->arena, list->n, sizeof(struct check *));
	for (size_t i = 0; i < list->n && !diags_is_full(l->diags); i++) {
		const struct check *c = load_check(l, &in, list->items[i]);

		if (c)
			audit->checks[audit->n_checks++] = c;
	}
}
