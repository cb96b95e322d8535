/* assize ledger verify: whom to trust, and what was found. */
#include "runner/cmd_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/anchors.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/ledger.h"
#include "runner/io/file.h"
#include "runner/ledger_show.h"
#include "runner/model/definition.h"

#define MAX_TRUST_FILE 65536

struct trust {
	struct ledger_trust t;
	struct note_key *keys;
	struct ledger_kept *kept;
};

/* A key, or a file with one on each line. */
static int add_trust(struct ledger_command *c, struct trust *t, const char *word, struct err *e)
{
	struct arena *a = c->app->arena;
	struct note_key key;
	struct buf text;
	struct note_key *more;
	int rc = 0;

	buf_init(&text, MAX_TRUST_FILE);
	if (note_key_parse(a, word, &key, NULL) == 0)
		rc = buf_puts(&text, word);
	else if (strchr(word, '+') != NULL && access(word, F_OK) != 0)
		rc = note_key_parse(a, word, &key, e);
	else
		rc = file_read(file_absolute(a, c->app->cwd, word), &text, e);
	for (const char *at = text.data, *end; rc == 0 && *at != '\0'; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		if (end == at || *at == '#')
			continue;
		rc = note_key_parse(a, arena_strndup(a, at, (size_t)(end - at)), &key, e);
		more = arena_array(a, t->t.n_keys + 1, sizeof(*more));
		if (t->t.n_keys > 0)
			memcpy(more, t->keys, t->t.n_keys * sizeof(*more));
		more[t->t.n_keys] = key;
		t->keys = more;
		t->t.n_keys += rc == 0 ? 1 : 0;
	}
	buf_release(&text);
	return rc == 0 ? 0 : err_context(e, "--trust");
}

static int read_kept(struct ledger_command *c, const char *file, struct ledger_kept *out,
		     struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, NOTE_MAX_BYTES);
	rc = file_read(file_absolute(c->app->arena, c->app->cwd, file), &text, e);
	*out = (struct ledger_kept){.from = file,
				    .note = arena_strndup(c->app->arena, text.data, text.len),
				    .n = text.len};
	buf_release(&text);
	return rc;
}

static int read_trust(struct ledger_command *c, struct trust *t, struct err *e)
{
	const struct ledger_settings *s = ledger_settings_of(c);

	struct ledger_kept *anchored = NULL;
	size_t n_anchored = 0;

	if (s != NULL && anchors_gather(c->app, c->definition, c->record, c->o.is_offline,
					&anchored, &n_anchored, e) != 0)
		return -1;
	t->kept = arena_array(c->app->arena, c->o.against.n + n_anchored + 1, sizeof(*t->kept));
	for (size_t i = 0; i < c->o.trust.n; i++)
		if (add_trust(c, t, c->o.trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; s != NULL && i < s->trust.n; i++)
		if (add_trust(c, t, s->trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; i < c->o.against.n; i++)
		if (read_kept(c, c->o.against.items[i], &t->kept[i], e) != 0)
			return -1;
	if (n_anchored > 0)
		memcpy(&t->kept[c->o.against.n], anchored, n_anchored * sizeof(*anchored));
	t->t.keys = t->keys;
	t->t.kept = t->kept;
	t->t.n_kept = c->o.against.n + n_anchored;
	t->t.origin = c->o.origin != NULL ? c->o.origin : s != NULL ? s->origin : NULL;
	return 0;
}

static void show_progress(void *ctx, uint64_t done, uint64_t size)
{
	struct ledger_command *c = ctx;

	(void)fprintf(c->app->err, "\r%3.0f %% of %" PRIu64 " records",
		      100.0 * (double)done / (double)size, size);
	(void)fflush(c->app->err); /* to look at; nothing depends on it */
}

int ledger_do_verify(struct ledger_command *c, struct err *e)
{
	struct trust t = {.keys = NULL};
	struct ledger_verification v;
	bool is_live = isatty(STDERR_FILENO) == 1 && !c->o.is_quiet;
	struct buf json;
	int rc;

	if (read_trust(c, &t, e) != 0)
		return -1;
	t.t.progress = is_live ? show_progress : NULL;
	t.t.progress_ctx = c;
	rc = ledger_verify(c->record, c->app->arena, &t.t, &v, e);
	if (is_live)
		(void)fprintf(c->app->err, "\r\033[K"); /* takes the line away */
	if (rc != 0)
		return -1;
	if (c->o.is_json) {
		buf_init(&json, BUF_UNBOUNDED);
		ledger_json_verification(&json, &v);
		rc = ledger_put(c, json.data, json.len, e);
		buf_release(&json);
	} else {
		ledger_show_verification(c->app, &v, c->o.is_quiet);
	}
	if (rc != 0)
		return -1;
	if (v.n_broken > 0)
		return EXIT_RECORD;
	return v.n_doubts > 0 || (c->o.is_strict && v.n_findings > 0) ? EXIT_UNDECIDED : EXIT_PASS;
}
