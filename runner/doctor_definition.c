/* The definition: does it load, can its state be looked up, and can a branch weaken it? */
#include "runner/doctor.h"

#include <unistd.h>

#include "reports/text.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/identity.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/model/result.h"
#include "runner/options.h"

/* Without -f the one of the working directory counts, unless a record is named without it. */
static bool is_given(const struct doctor *d)
{
	const char *here = arena_printf(d->arena, "%s/" LOAD_FILE, d->app->cwd);

	return d->o->file != NULL || (d->o->record == NULL && access(here, F_OK) == 0);
}

static void tell_loaded(struct doctor *d)
{
	const struct definition *def = d->definition;
	char hex[SHA256_HEX];
	struct buf b;

	sha256_hex(def->digest, hex);
	buf_init(&b, BUF_UNBOUNDED);
	text_count(&b, (int64_t)def->n_sources, "file");
	(void)buf_puts(&b, ", "); /* unbounded: cannot fail */
	text_count(&b, (int64_t)def->n_checks, "check");
	(void)buf_puts(&b, ", "); /* same */
	text_count(&b, (int64_t)def->n_gates, "gate");
	doctor_find(d, DOCTOR_OK, NULL, NULL, "%s: %s, digest %.12s", def->root_file, b.data, hex);
	buf_release(&b);
}

void doctor_look_definition(struct doctor *d)
{
	struct definition *loaded = NULL;

	if (!is_given(d)) {
		doctor_find(
			d, DOCTOR_NOTE, NULL, "name one with -f FILE",
			"none was given: what it says of key, anchors and targets is not known");
	} else if (app_load(d->app, d->o, &loaded) != 0) {
		doctor_find(d, DOCTOR_BROKEN, NULL, "assize check tells its errors again",
			    "it does not load: its errors are on standard error");
	} else {
		d->definition = loaded;
		tell_loaded(d);
	}
	d->path = app_record_beside(d->app, d->o, NULL); /* NULL: no definition is there, either */
}

void doctor_look_commit(struct doctor *d)
{
	struct run_info run = {.commit = NULL};

	if (d->definition == NULL)
		return;
	identity_fill(d->app, d->definition, &run);
	if (run.commit == NULL || run.commit[0] == '\0')
		doctor_find(
			d, DOCTOR_NOTE, NULL, "keep it in a repository",
			"the definition is in no commit: who changed it, and when, is not known");
	else if (run.is_dirty)
		doctor_find(d, DOCTOR_NOTE, NULL, "commit it",
			    "the definition is not as it is in commit %.12s", run.commit);
	else
		doctor_find(d, DOCTOR_OK, NULL, NULL, "the definition is that of commit %.12s",
			    run.commit);
}

void doctor_look_policy(struct doctor *d)
{
	const struct definition *def = d->definition;

	if (def == NULL || def->n_gates == 0)
		return;
	if (def->ref != NULL)
		doctor_find(d, DOCTOR_OK, NULL, NULL, "gates are those of %s, commit %.12s",
			    def->ref, def->commit);
	else
		doctor_find(d, DOCTOR_NOTE, NULL,
			    "decide with -f git:REF:PATH, of a branch that is reviewed",
			    "gates are read from the work tree: a branch can weaken the gate it "
			    "has to pass");
}
