/*
 * The order of loading, and what all its parts share: names that must be unique, and the printing
 * of everything that was found wrong.
 */
#include "runner/load.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"

const struct key_row file_rows[] = {
	{.name = "assize",
	 .type = KEY_INT,
	 .offset = offsetof(struct file_raw, version),
	 .help = "version of the definition language; required in the root file",
	 .example = "1"},
	{.name = "include",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct file_raw, include),
	 .flags = KEY_NO_SECRET,
	 .help = "further files, as globs relative to the root file's directory",
	 .example = "[audits/*.yaml]"},
	{.name = "vars",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct file_raw, vars),
	 .help = "texts to be used as ${name}; --var name=text wins",
	 .example = "{ version: \"2.31.0\" }"},
	{.name = "targets",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct file_raw, targets),
	 .sub = target_rows,
	 .sub_size = sizeof(struct target_raw),
	 .help = "what is audited, named once",
	 .example = "{ shop: { sqlite: shop.db } }"},
	{.name = "audits",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct file_raw, audits),
	 .sub = audit_rows,
	 .sub_size = sizeof(struct audit_raw),
	 .help = "named lists of checks",
	 .example = "{ orders: { target: shop, checks: [ { id: volume, rows: { table: orders }, "
		    "expect: \">= 1\" } ] } }"},
	{.name = "gates",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct file_raw, gates),
	 .sub = gate_rows,
	 .sub_size = sizeof(struct gate_raw),
	 .help = "what must have been proven before something may go ahead",
	 .example = "{ release: { require: { audit: orders } } }"},
	{.name = "rollback",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct file_raw, rollbacks),
	 .sub = set_rows,
	 .sub_size = sizeof(struct set_raw),
	 .help = "sets of release tags that must stay restorable",
	 .example = "{ releases: { repo: repo, tags: \"v*\" } }"},
	{.name = "waivers",
	 .type = KEY_LIST,
	 .offset = offsetof(struct file_raw, waivers),
	 .flags = KEY_MAY_BE_EMPTY,
	 .sub = waiver_rows,
	 .sub_size = sizeof(struct waiver_raw),
	 .help = "failures somebody answers for at a gate, until a moment",
	 .example = "[ { id: W-12, check: orders/volume, gates: release, owner: platform, "
		    "reason: The import is late., ticket: OPS-417, granted: 2026-11-20T09:00:00Z, "
		    "expires: 2026-12-04T09:00:00Z } ]"},
	{.name = "notify",
	 .type = KEY_GROUPS,
	 .offset = offsetof(struct file_raw, sinks),
	 .sub = notify_rows,
	 .sub_size = sizeof(struct notify_raw),
	 .help = "who is told when something changes, and of what",
	 .example = "{ ops: { webhook: \"https://hooks.example.com/assize\" } }"},
	{.name = "ledger",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct file_raw, ledger),
	 .sub = ledger_rows,
	 .help = "who signs for the record, and whose word for it counts",
	 .example = "{ name: shop.example.com/audits }"},
	KEY_END,
};

void *load_grow(struct arena *a, void *items, size_t n, size_t size)
{
	void *grown;

	if ((n & (n - 1)) != 0)
		return items;
	grown = arena_array(a, n == 0 ? 1 : n * 2, size);
	if (n > 0)
		memcpy(grown, items, n * size);
	return grown;
}

static const char *article(const char *word)
{
	return strchr("aeiou", *word) ? "an" : "a";
}

bool load_name(struct loader *l, struct map *names, const char *what, const struct group *g,
	       void *value)
{
	const char *place = arena_printf(l->arena, "%s %s", what, g->name);
	const struct pos *first;
	struct pos *here;

	if (!str_is_name(g->name)) {
		(void)diags_at(l->diags, g->pos, "a letter or _, then letters, digits, _ . and -",
			       "\"%s\" cannot be the name of %s %s", str_escaped(l->arena, g->name),
			       article(what), what);
		return false;
	}
	if (map_put(names, g->name, value)) {
		here = arena_alloc(l->arena, sizeof(*here));
		*here = g->pos;
		(void)map_put(&l->places, place, here); /* new whenever the name is */
		return true;
	}
	first = map_get(&l->places, place);
	(void)diags_at(l->diags, g->pos,
		       first ? arena_printf(l->arena, "it was first defined at %s:%u", first->file,
					    (unsigned)first->line)
			     : NULL,
		       "%s \"%s\" is defined twice", what, g->name);
	return false;
}

#define MAX_COMPARED 100000

const char *load_closest(struct loader *l, const char *word, const struct map *names)
{
	const char **candidates;
	int closest;

	l->n_compared += names->n;
	if (l->n_compared > MAX_COMPARED)
		return NULL;
	candidates = arena_array(l->arena, names->n, sizeof(*candidates));
	for (size_t i = 0; i < names->n; i++)
		candidates[i] = names->entries[i].key;
	closest = str_closest(word, candidates, names->n);
	return closest < 0 ? NULL
			   : arena_printf(l->arena, "did you mean \"%s\"?", candidates[closest]);
}

static void check_version(struct loader *l, const struct document *doc, bool is_root)
{
	const struct node *root = doc->root;

	if (root->type != NODE_MAPPING)
		return;
	if (!node_get(root, "assize")) {
		if (is_root)
			(void)diags_at(l->diags, root->pos, "begin the file with \"assize: 1\"",
				       "the definition does not say which language it is in");
		return;
	}
	if (doc->raw.version != 0 && doc->raw.version != 1)
		(void)diags_at(l->diags, keys_pos(root, "assize"), "write \"assize: 1\"",
			       "the definition is in version %lld of the language, known is 1",
			       (long long)doc->raw.version);
}

static void read_documents(struct loader *l)
{
	for (size_t i = 0; i < l->n_documents; i++) {
		struct document *doc = &l->documents[i];

		l->keys.what = "the definition";
		(void)keys_read(&l->keys, file_rows, doc->root, &doc->raw); /* reports itself */
		check_version(l, doc, doc->source == 0);
	}
}

/* Runs a builder over one section of every document, in order. */
static void build(struct loader *l, const char *section, size_t offset,
		  void (*builder)(struct loader *, const struct group *, const struct node *))
{
	for (size_t i = 0; i < l->n_documents; i++) {
		const struct document *doc = &l->documents[i];
		const void *field = (const char *)&doc->raw + offset;
		const struct groups *groups = field;
		const struct node *map = NULL;

		if (doc->root->type == NODE_MAPPING)
			map = node_get(doc->root, section);
		for (size_t k = 0; map && k < groups->n && !diags_is_full(l->diags); k++)
			builder(l, &groups->items[k], map->items[k]);
	}
}

static void build_ledger(struct loader *l)
{
	for (size_t i = 0; i < l->n_documents; i++) {
		const struct document *doc = &l->documents[i];

		if (doc->root->type == NODE_MAPPING)
			load_ledger(l, &doc->raw.ledger, node_get(doc->root, "ledger"));
	}
}

/* Is audit/id wanted? id NULL: is any check of the audit? */
static bool is_wanted(const struct texts *checks, const char *audit, const char *id)
{
	size_t n = strlen(audit);

	for (size_t i = 0; i < checks->n; i++)
		if (strncmp(checks->items[i], audit, n) == 0 && checks->items[i][n] == '/' &&
		    (!id || strcmp(checks->items[i] + n + 1, id) == 0))
			return true;
	return false;
}

/* What is left out is as if it were not written. */
static void keep_checks(const struct texts *checks, const char *audit, struct node *node)
{
	struct node *list = node->type == NODE_MAPPING ? node_get(node, "checks") : NULL;
	size_t kept = 0;

	for (size_t i = 0; list && list->type == NODE_SEQUENCE && i < list->n; i++) {
		struct node *check = list->items[i];
		const struct node *id = check->type == NODE_MAPPING ? node_get(check, "id") : NULL;

		if (id && id->type == NODE_SCALAR && is_wanted(checks, audit, id->text))
			list->items[kept++] = check;
	}
	if (list && list->type == NODE_SEQUENCE)
		list->n = kept;
}

static void keep_audits(const struct texts *checks, struct node *audits)
{
	size_t kept = 0;

	for (size_t i = 0; i < audits->n; i++) {
		if (!is_wanted(checks, audits->keys[i]->text, NULL))
			continue;
		keep_checks(checks, audits->keys[i]->text, audits->items[i]);
		audits->keys[kept] = audits->keys[i];
		audits->items[kept++] = audits->items[i];
	}
	audits->n = kept;
}

static void drop_sections(struct node *root)
{
	static const char *const dropped[] = {"targets", "gates",  "rollback",
					      "waivers", "ledger", "notify"};
	size_t kept = 0;

	for (size_t i = 0; i < root->n; i++) {
		bool is_kept = true;

		for (size_t k = 0; k < sizeof(dropped) / sizeof(dropped[0]); k++)
			is_kept = is_kept && strcmp(root->keys[i]->text, dropped[k]) != 0;
		root->keys[kept] = root->keys[i];
		root->items[kept] = root->items[i];
		kept += is_kept;
	}
	root->n = kept;
}

/* Before variables are replaced: what only the parts left out use need not exist any more. */
static void become_former(struct loader *l)
{
	const struct definition *today = l->options->today;

	for (size_t i = 0; i < l->n_documents; i++) {
		struct node *root = l->documents[i].root, *audits;

		if (root->type != NODE_MAPPING)
			continue;
		drop_sections(root);
		audits = node_get(root, "audits");
		if (audits && audits->type == NODE_MAPPING)
			keep_audits(l->options->checks, audits);
	}
	for (size_t i = 0; i < today->n_targets; i++)
		(void)map_put(&l->targets, today->targets[i]->name, today->targets[i]); /* new */
	redactor_add_all(l->definition->redactor, today->redactor);
}

static void init(struct loader *l, struct arena *a, const struct load_options *o,
		 struct diags *diags)
{
	struct map *maps[] = {&l->vars,	    &l->zones,	&l->files,    &l->places, &l->target_nodes,
			      &l->targets,  &l->audits, &l->gates,    &l->sets,	  &l->waivers,
			      &l->policies, &l->sinks,	&l->set_nodes};

	*l = (struct loader){.arena = a, .options = o, .diags = diags};
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		map_init(maps[i], a);
	l->definition = arena_alloc(a, sizeof(*l->definition));
	l->definition->arena = a;
	l->definition->redactor = redactor_new(a);
	map_init(&l->definition->check_names, a);
}

int definition_load(struct arena *a, const struct load_options *o, struct definition **out,
		    struct diags *diags)
{
	size_t before = diags->n_total;
	struct loader l;

	*out = NULL;
	init(&l, a, o, diags);
	if (load_sources(&l))
		return -1;
	*out = l.definition;
	if (o->today)
		become_former(&l);
	load_vars(&l);
	l.keys = (struct keys_context){
		.arena = a,
		.root_dir = l.definition->root_dir,
		.policy = load_policy_path,
		.policy_ctx = &l,
		.diags = diags,
		.definition = l.definition,
	};
	read_documents(&l);
	build(&l, "targets", offsetof(struct file_raw, targets), load_target);
	build(&l, "rollback", offsetof(struct file_raw, rollbacks), load_set);
	build(&l, "audits", offsetof(struct file_raw, audits), load_audit);
	load_hidden_checks(&l);
	if (!o->today)
		load_needs(&l); /* a check that is left out cannot be waited for */
	build_ledger(&l);
	build(&l, "gates", offsetof(struct file_raw, gates), load_gate);
	load_dependencies(&l);
	load_waivers(&l);
	build(&l, "notify", offsetof(struct file_raw, sinks), load_sink);
	load_drop_consequences(&l);
	load_policy_digest(&l);
	if (diags->n_total == before)
		load_policy_compare(&l);
	return diags->n_total == before ? 0 : -1;
}

void definition_print_diags(FILE *out, const struct definition *d, struct diags *diags)
{
	struct arena *a = arena_new();
	struct buf text;

	diags_sort(diags);
	buf_init(&text, BUF_UNBOUNDED); /* at most DIAGS_MAX errors are kept */
	for (size_t i = 0; i < diags->n; i++) {
		const struct source *s = d ? definition_source(d, diags->items[i].pos.file) : NULL;

		err_render(&text, &diags->items[i], s ? s->text : NULL, s ? s->len : 0);
	}
	if (diags_is_full(diags))
		(void)buf_printf(&text, "no more is looked for after %d errors\n", DIAGS_MAX);
	fputs(d ? redact_text(d->redactor, a, text.data) : text.data, out);
	buf_release(&text);
	arena_free(a);
}
