/*
 * The `ledger:` section: who signs for the record, whose signatures count, and where checkpoints
 * go.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/io/note.h"
#include "runner/load_parts.h"

const struct key_row ledger_rows[] = {
	{.name = "name",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_settings, name),
	 .flags = KEY_NO_SECRET,
	 .help = "what the ledger is called in checkpoints: like a URL without its scheme",
	 .example = "shop.example.com/audits"},
	{.name = "key",
	 .type = KEY_PATH,
	 .offset = offsetof(struct ledger_settings, key),
	 .flags = KEY_WORLD,
	 .help = "file of the private key; ledger.key beside the record if absent, none for a "
		 "record on a server",
	 .example = "/etc/assize/ledger.key"},
	{.name = "key_pem",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_settings, key_pem),
	 .help = "the private key itself, from a secret; empty = this machine does not sign",
	 .example = "\"${env:LEDGER_KEY:-}\""},
	{.name = "trust",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct ledger_settings, trust),
	 .flags = KEY_NO_SECRET,
	 .help = "keys that count, as assize ledger init prints them; the record's own word if "
		 "absent",
	 .example = "[shop.example.com/audits+5b0e7f12+AZ...]"},
	{.name = "origin",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct ledger_settings, origin),
	 .flags = KEY_NO_SECRET,
	 .help = "the record that is meant, as the first line of its checkpoints names it; with "
		 "another one no gate decides",
	 .example = "shop.example.com/audits/5f0e2b..."},
	KEY_END,
};

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

void load_ledger(struct loader *l, const struct ledger_settings *raw, const struct node *node)
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
	*s = *raw;
	s->pos = node->pos;
	if (s->name != NULL && !note_is_name(s->name))
		(void)diags_at(
			l->diags, keys_pos(node, "name"), "for example shop.example.com/audits",
			"\"%s\" cannot be the name of a ledger: no spaces and no +", s->name);
	if (s->key != NULL && s->key_pem != NULL)
		(void)diags_at(l->diags, keys_pos(node, "key_pem"), "keep one of the two",
			       "the key comes from a file already");
	check_trust(l, s, node);
	d->ledger = s;
}
