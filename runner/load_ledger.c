/*
 * The `ledger:` section: who signs for the record, whose signatures count, and where checkpoints
 * go.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/io/http.h"
#include "runner/io/note.h"
#include "runner/load_parts.h"

#define FIELD(name)  offsetof(struct ledger_raw, settings.name)
#define ANCHOR(name) offsetof(struct anchor_raw, name)

#define DEFAULT_BRANCH "assize"
#define MAX_ANCHOR_URL 400 /* a message has all of it: half a secret could not be masked */
#define MAX_BRANCH     200
#define MAX_ANCHORS    10

static const char *const anchor_types[] = {
	[ANCHOR_GIT] = "git", [ANCHOR_TIMESTAMP] = "timestamp", [ANCHOR_WITNESS] = "witness"};

const struct key_row anchor_rows[] = {
	{.name = "git",
	 .type = KEY_TEXT,
	 .offset = ANCHOR(git),
	 .help = "URL of a repository that others keep, which refuses to be rewritten (assize "
		 "doctor "
		 "tries): each checkpoint is a commit there",
	 .example = "git@reviewers.example.com:anchors.git"},
	{.name = "branch",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = ANCHOR(branch),
	 .def = DEFAULT_BRANCH,
	 .help = "git only: the branch, which is made when it is not there",
	 .example = "shop"},
	{.name = "timestamp",
	 .type = KEY_TEXT,
	 .offset = ANCHOR(timestamp),
	 .help = "URL of a time stamping authority (RFC 3161)",
	 .example = "\"https://tsa.example.com/tsr\""},
	{.name = "ca_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = ANCHOR(ca_file),
	 .help = "timestamp only, required there: certificates its time stamps must lead to (PEM)",
	 .example = "tsa.pem"},
	{.name = "witness",
	 .type = KEY_TEXT,
	 .offset = ANCHOR(witness),
	 .help = "URL of a witness (C2SP tlog-witness), which signs only what extends what it has "
		 "seen",
	 .example = "\"https://witness.example.com\""},
	{.name = "key",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = ANCHOR(key),
	 .help = "witness only, required there: its key",
	 .example = "witness.example.com+0a1b2c3d+BA..."},
	{.name = "timeout",
	 .type = KEY_DURATION,
	 .offset = ANCHOR(timeout_ms),
	 .min = 100,
	 .max = 600000,
	 .def = "30s",
	 .help = "how long one request, fetch or push may take",
	 .example = "10s"},
	KEY_END,
};

const struct key_row ledger_rows[] = {
	{.name = "name",
	 .type = KEY_TEXT,
	 .offset = FIELD(name),
	 .flags = KEY_NO_SECRET,
	 .help = "what the ledger is called in checkpoints: like a URL without its scheme",
	 .example = "shop.example.com/audits"},
	{.name = "key",
	 .type = KEY_PATH,
	 .offset = FIELD(key),
	 .flags = KEY_WORLD,
	 .help = "file of the private key, an error if it cannot be read; ledger.key beside the "
		 "record if absent, none for a record on a server",
	 .example = "/etc/assize/ledger.key"},
	{.name = "key_pem",
	 .type = KEY_TEXT,
	 .offset = FIELD(key_pem),
	 .help = "the private key itself, from a secret; empty = this machine does not sign",
	 .example = "\"${env:LEDGER_KEY:-}\""},
	{.name = "trust",
	 .type = KEY_TEXTS,
	 .offset = FIELD(trust),
	 .flags = KEY_NO_SECRET,
	 .help = "keys that count, as assize ledger init prints them; the record's own word if "
		 "absent",
	 .example = "[shop.example.com/audits+5b0e7f12+AZ...]"},
	{.name = "origin",
	 .type = KEY_TEXT,
	 .offset = FIELD(origin),
	 .flags = KEY_NO_SECRET,
	 .help = "the record that is meant, as the first line of its checkpoints names it; with "
		 "another one no gate decides",
	 .example = "shop.example.com/audits/5f0e2b..."},
	{.name = "anchors",
	 .type = KEY_LIST,
	 .offset = offsetof(struct ledger_raw, anchors),
	 .sub = anchor_rows,
	 .sub_size = sizeof(struct anchor_raw),
	 .help = "where assize ledger anchor puts checkpoints, and assize ledger verify looks for "
		 "them",
	 .example = "[ { git: \"git@reviewers.example.com:anchors.git\" } ]"},
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

/* ---- anchors ---- */

/* The node that says what the anchor is; NULL with a diagnostic unless there is exactly one. */
static const struct node *anchor_type(struct loader *l, const struct group *g,
				      enum anchor_type *type)
{
	const struct node *found = NULL;

	for (int t = 0; t <= ANCHOR_LAST; t++) {
		const struct node *value = node_get(g->node, anchor_types[t]);

		if (value == NULL)
			continue;
		if (found != NULL) {
			(void)diags_at(l->diags, value->pos, "split it into two",
				       "an anchor is both %s and %s", anchor_types[*type],
				       anchor_types[t]);
			return NULL;
		}
		found = value;
		*type = (enum anchor_type)t;
	}
	if (found == NULL && !keys_has_unknown(anchor_rows, g->node))
		(void)diags_at(l->diags, g->pos, "add one of git, timestamp, witness",
			       "an anchor does not say where");
	return found;
}

static void check_anchor_keys(struct loader *l, const struct group *g, enum anchor_type type)
{
	static const struct {
		const char *key;
		enum anchor_type of;
		bool is_required;
	} keys[] = {
		{"branch", ANCHOR_GIT, false},
		{"ca_file", ANCHOR_TIMESTAMP, true},
		{"key", ANCHOR_WITNESS, true},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *value = node_get(g->node, keys[i].key);

		if (value != NULL && type != keys[i].of)
			(void)diags_at(l->diags, value->pos, "remove it",
				       "\"%s\" belongs to an anchor of %s", keys[i].key,
				       anchor_types[keys[i].of]);
		if (value == NULL && type == keys[i].of && keys[i].is_required)
			(void)diags_at(l->diags, g->pos, "what it gives is worth nothing without",
				       "an anchor of %s needs %s", anchor_types[type], keys[i].key);
	}
}

/* One @ at most, before the host: or a part of a password would be taken for host and path. */
static bool is_authority_clear(const char *url)
{
	const char *scheme = strstr(url, "://"), *host = scheme != NULL ? scheme + 3 : url;
	const char *at = strchr(host, '@');

	return scheme == NULL || at == NULL ||
	       (at < host + strcspn(host, "/?#") && strchr(at + 1, '@') == NULL);
}

/* Secrets in a URL are not shown: it is not repeated. */
static void check_anchor_url(struct loader *l, const struct node *node, enum anchor_type type,
			     const char *url)
{
	struct err e = {0};

	if (url != NULL && strlen(url) > MAX_ANCHOR_URL) {
		(void)diags_at(l->diags, node->pos, NULL, "that URL has more than %d bytes",
			       MAX_ANCHOR_URL);
		return;
	}
	if (url != NULL && !is_authority_clear(url)) {
		(void)diags_at(l->diags, node->pos,
			       "in a name or a password / ? # @ are written %2F %3F %23 %40, and @ "
			       "elsewhere is %40 as well",
			       "where the host of that URL begins is not clear");
		return;
	}
	if (url == NULL || (type == ANCHOR_GIT && url[0] != '\0' && url[0] != '-'))
		return;
	if (type == ANCHOR_GIT)
		(void)diags_at(l->diags, node->pos, NULL, "that is no URL of a repository");
	else if (http_check_url(url, &e) != 0)
		(void)diags_at(l->diags, node->pos, NULL, "%s", e.message);
}

static void check_witness(struct loader *l, const struct group *g, const char *line)
{
	struct note_key key;
	struct err e = {0};

	if (line == NULL ||
	    (note_key_parse(l->arena, line, &key, &e) == 0 && key.algorithm == NOTE_COSIGNATURE))
		return;
	(void)diags_at(l->diags, keys_pos(g->node, "key"),
		       "a witness's key is NAME+ID+BASE64 with algorithm 4",
		       "that is no key of a witness%s%s", e.message[0] != '\0' ? ": " : "",
		       e.message);
}

static bool is_branch_name(const char *name)
{
	return strlen(name) <= MAX_BRANCH && name[0] != '\0' && name[0] != '-' && name[0] != '/' &&
	       name[0] != '.' && strpbrk(name, " ~^:?*[\\\t\r\n") == NULL &&
	       strstr(name, "..") == NULL && strstr(name, "//") == NULL &&
	       name[strlen(name) - 1] != '/';
}

static void load_anchors(struct loader *l, const struct groups *raw, struct ledger_settings *s)
{
	s->anchors = arena_array(l->arena, raw->n + 1, sizeof(*s->anchors));
	for (size_t i = 0; i < raw->n; i++) {
		const struct group *g = &raw->items[i];
		const struct anchor_raw *r = g->value;
		struct anchor *x = &s->anchors[s->n_anchors];
		const struct node *node = anchor_type(l, g, &x->type);

		if (node == NULL)
			continue;
		x->pos = g->pos;
		x->redactor = l->definition->redactor;
		x->url = x->type == ANCHOR_GIT	       ? r->git
			 : x->type == ANCHOR_TIMESTAMP ? r->timestamp
						       : r->witness;
		x->branch = r->branch != NULL ? r->branch : DEFAULT_BRANCH;
		x->ca_file = r->ca_file;
		x->key = r->key;
		x->timeout_ms = r->timeout_ms;
		check_anchor_keys(l, g, x->type);
		check_anchor_url(l, node, x->type, x->url);
		check_witness(l, g, x->key);
		if (!is_branch_name(x->branch))
			(void)diags_at(l->diags, keys_pos(g->node, "branch"), NULL,
				       "\"%s\" is no name of a branch", x->branch);
		s->n_anchors++;
	}
	if (raw->n > MAX_ANCHORS)
		(void)diags_at(l->diags, raw->items[MAX_ANCHORS].pos, NULL, "more than %d anchors",
			       MAX_ANCHORS);
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
	load_anchors(l, &raw->anchors, s);
	d->ledger = s;
}
