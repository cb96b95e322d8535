/*
 * The `ledger:` section: who signs for the record, whose signatures count, and where checkpoints
 * go.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/io/note.h"
#include "runner/load_parts.h"

const struct key_row anchor_rows[] = {
	{.name = "branch",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct anchor_raw, anchor.branch),
	 .flags = KEY_NO_SECRET,
	 .help = "a branch that checkpoints are committed to and pushed; nothing else is on it",
	 .example = "assize-anchor"},
	{.name = "repo",
	 .type = KEY_NAME,
	 .offset = offsetof(struct anchor_raw, repo),
	 .help = "branch: the git target whose remote it is pushed to",
	 .example = "repo"},
	{.name = "remote",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct anchor_raw, anchor.remote),
	 .def = "origin",
	 .help = "branch: name of a remote of that repository, or a URL",
	 .example = "origin"},
	{.name = "timestamp",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct anchor_raw, anchor.timestamp),
	 .help = "an RFC 3161 time-stamping service, which signs the time and the checkpoint's "
		 "digest",
	 .example = "https://tsa.example.com/tsr"},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .offset = offsetof(struct anchor_raw, anchor.ca_file),
	 .flags = KEY_POLICY,
	 .help = "timestamp: the certificates (PEM) its signature must lead to",
	 .example = "tsa-ca.pem"},
	{.name = "witness",
	 .type = KEY_PATH,
	 .offset = offsetof(struct anchor_raw, anchor.witness),
	 .flags = KEY_NO_SECRET | KEY_WORLD,
	 .help = "a file for a witness (C2SP tlog-witness): the request that it is to be given",
	 .example = "witness-request"},
	KEY_END,
};

const struct key_row ledger_rows[] = {
	{.name = "name",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_raw, settings.name),
	 .flags = KEY_NO_SECRET,
	 .help = "what the ledger is called in checkpoints: like a URL without its scheme",
	 .example = "shop.example.com/audits"},
	{.name = "key",
	 .type = KEY_PATH,
	 .offset = offsetof(struct ledger_raw, settings.key),
	 .flags = KEY_WORLD,
	 .help = "file of the private key; ledger.key beside the record if absent",
	 .example = "/etc/assize/ledger.key"},
	{.name = "key_pem",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_raw, settings.key_pem),
	 .help = "the private key itself, from a secret; empty = this machine does not sign",
	 .example = "\"${env:LEDGER_KEY:-}\""},
	{.name = "trust",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct ledger_raw, settings.trust),
	 .flags = KEY_NO_SECRET,
	 .help = "keys that count, as assize ledger init prints them; the record's own word if "
		 "absent",
	 .example = "[shop.example.com/audits+5b0e7f12+AZ...]"},
	{.name = "origin",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_raw, settings.origin),
	 .flags = KEY_NO_SECRET,
	 .help = "the record that is meant, as the first line of its checkpoints names it; with "
		 "another one nothing is decided",
	 .example = "shop.example.com/audits/5f0e2b..."},
	{.name = "anchors",
	 .type = KEY_LIST,
	 .offset = offsetof(struct ledger_raw, anchors),
	 .sub = anchor_rows,
	 .sub_size = sizeof(struct anchor_raw),
	 .help = "places where assize ledger anchor puts checkpoints",
	 .example = "[ { branch: assize-anchor, repo: repo } ]"},
	KEY_END,
};

static int read_anchor(struct loader *l, const struct anchor_raw *raw, const struct node *node,
		       struct ledger_anchor *out)
{
	int n = (raw->anchor.branch != NULL) + (raw->anchor.timestamp != NULL) +
		(raw->anchor.witness != NULL);

	*out = raw->anchor;
	out->pos = node->pos;
	if (n != 1)
		return diags_at(l->diags, node->pos, "one of branch, timestamp and witness",
				"an anchor is one place, not %s", n == 0 ? "none" : "several");
	if (out->branch == NULL)
		return raw->repo == NULL
			       ? 0
			       : diags_at(l->diags, keys_pos(node, "repo"), "leave it out",
					  "only a branch has a repository");
	if (raw->repo == NULL)
		return diags_at(l->diags, node->pos, "add repo: with the name of a git target",
				"the branch has no repository");
	out->repo = map_get(&l->targets, raw->repo);
	if (out->repo == NULL)
		return diags_at(l->diags, keys_pos(node, "repo"),
				load_closest(l, raw->repo, &l->targets), "no target \"%s\"",
				raw->repo);
	if (out->repo->type != TARGET_GIT)
		return diags_at(l->diags, keys_pos(node, "repo"),
				"name a target with git:", "target \"%s\" is no repository",
				raw->repo);
	return 0;
}

static void read_anchors(struct loader *l, struct ledger_settings *s, const struct groups *groups,
			 const struct node *list)
{
	s->anchors = arena_array(l->arena, groups->n, sizeof(*s->anchors));
	for (size_t i = 0; list && i < groups->n; i++) {
		const struct node *node = list->type == NODE_SEQUENCE ? list->items[i] : list;

		if (node->type == NODE_MAPPING &&
		    read_anchor(l, groups->items[i].value, node, &s->anchors[s->n_anchors]) == 0)
			s->n_anchors++;
	}
}

static void check_trust(struct loader *l, const struct ledger_settings *s, const struct node *node)
{
	for (size_t i = 0; i < s->trust.n; i++) {
		struct note_key key;
		struct err e = {0};

		if (note_key_parse(l->arena, s->trust.items[i], &key, &e) == 0)
			continue;
		e.class = ERR_DEFINITION;
		e.pos = keys_pos(node, "trust");
		diags_add(l->diags, &e);
	}
}

void load_ledger(struct loader *l, const struct ledger_raw *raw, const struct node *node)
{
	struct definition *d = l->definition;
	struct ledger_settings *s;

	if (node == NULL || node->type != NODE_MAPPING)
		return;
	if (d->ledger != NULL) {
		(void)diags_at(l->diags, node->pos, "there is one record and one ledger: keep one",
			       "the ledger is described twice");
		return;
	}
	s = arena_alloc(l->arena, sizeof(*s));
	*s = raw->settings;
	s->pos = node->pos;
	if (s->name != NULL && !note_is_name(s->name))
		(void)diags_at(
			l->diags, keys_pos(node, "name"), "for example shop.example.com/audits",
			"\"%s\" cannot be the name of a ledger: no spaces and no +", s->name);
	if (s->key != NULL && s->key_pem != NULL)
		(void)diags_at(l->diags, keys_pos(node, "key_pem"), "keep one of the two",
			       "the key comes from a file already");
	check_trust(l, s, node);
	read_anchors(l, s, &raw->anchors, node_get(node, "anchors"));
	d->ledger = s;
}
