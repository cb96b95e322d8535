/* Keys and kept checkpoints of the command line and the definition, and the line about progress. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "runner/anchors.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/cmd_ledger.h"
#include "runner/model/definition.h"

#define MAX_TRUST_FILE 65536

const struct ledger_settings *ledger_settings_of(const struct ledger_command *c)
{
	return c->definition != NULL ? c->definition->ledger : NULL;
}

/* A key, or a file with one on each line. */
static int add_trust(struct ledger_command *c, struct ledger_trusted *t, const char *word,
		     struct err *e)
{
	struct arena *a = c->app->arena;
	struct note_key key;
	struct buf text;
	size_t before = t->t.n_keys;
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
	/* One that trusts nobody would be taken for one who trusts the record's own word. */
	if (rc == 0 && t->t.n_keys == before)
		rc = err_set(e, ERR_USAGE, "\"%s\" holds no key", word);
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

int ledger_read_trust(struct ledger_command *c, struct ledger_trusted *t, struct err *e)
{
	const struct ledger_settings *s = ledger_settings_of(c);

	t->kept = arena_array(c->app->arena, c->o.against.n + 1, sizeof(*t->kept));
	for (size_t i = 0; i < c->o.trust.n; i++)
		if (add_trust(c, t, c->o.trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; s != NULL && i < s->trust.n; i++)
		if (add_trust(c, t, s->trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; i < c->o.against.n; i++)
		if (read_kept(c, c->o.against.items[i], &t->kept[i], e) != 0)
			return -1;
	t->t.keys = t->keys;
	t->t.kept = t->kept;
	t->t.n_kept = c->o.against.n;
	t->t.origin = c->o.origin != NULL ? c->o.origin : s != NULL ? s->origin : NULL;
	return 0;
}

int ledger_trust_anchors(struct ledger_command *c, struct ledger_trusted *t, struct err *e)
{
	if (c->definition == NULL)
		return 0;
	return anchors_gather(c->app, c->definition, c->record, c->o.is_offline, &t->t, e);
}

static void show_progress(void *ctx, uint64_t done, uint64_t size)
{
	struct ledger_command *c = ctx;

	(void)fprintf(c->app->err, "\r\033[K%3.0f %% of %" PRIu64 " %s",
		      size > 0 ? 100.0 * (double)done / (double)size : 100.0, size,
		      c->counted != NULL ? c->counted : "records");
	(void)fflush(c->app->err); /* to look at; nothing depends on it */
}

ledger_progress_fn *ledger_progress(const struct ledger_command *c)
{
	return isatty(STDERR_FILENO) == 1 && !c->o.is_quiet ? show_progress : NULL;
}

void ledger_progress_end(struct ledger_command *c)
{
	if (ledger_progress(c) != NULL)
		(void)fprintf(c->app->err, "\r\033[K");
}
