/* assize ledger anchor: the present checkpoint, where the record's keeper cannot change it. */
#include "runner/cmd_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/anchors.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/history/ledger.h"
#include "runner/io/sign.h"
#include "runner/model/definition.h"

/* One that fails does not keep the others from it. *is_put: it is there now. */
static int put(struct ledger_command *c, const struct anchor *x,
	       const struct ledger_checkpoint *checkpoint, bool *is_put, struct err *e)
{
	const char *place = anchor_place(c->app, x);
	struct err why = {0};
	int rc = anchors_put(c->app, c->record, x, checkpoint, &why);

	if (rc < 0 && why.class == ERR_RECORD) {
		*e = why;
		return -1;
	}
	*is_put = rc >= 0;
	if (rc < 0)
		(void)fprintf(c->app->err, "assize: %s:%d:%d: %s %s: %s\n", x->pos.file,
			      x->pos.line, x->pos.col, anchor_kind(x), place,
			      str_escaped(c->app->arena, redact_text(c->definition->redactor,
								     c->app->arena, why.message)));
	else if (!c->o.is_quiet)
		(void)fprintf(c->app->out, "  %-9s  %s%s\n", anchor_kind(x), place,
			      rc == 1 ? "  (was there)" : "");
	return 0;
}

static int put_all(struct ledger_command *c, const struct sign_key *key, struct err *e)
{
	const struct ledger_settings *s = ledger_settings_of(c);
	struct ledger_checkpoint checkpoint;
	size_t n_put = 0;
	const char *note;

	if (ledger_checkpoint_make(c->record, c->app->arena, key, &note, e) != 0 ||
	    ledger_checkpoint_parse(c->app->arena, note, strlen(note), &checkpoint, e) != 0)
		return -1;
	if (!c->o.is_quiet)
		(void)fprintf(c->app->out, "%" PRIu64 " records of %s\n", checkpoint.size,
			      checkpoint.origin);
	for (size_t i = 0; i < s->n_anchors; i++) {
		bool is_put;

		if (put(c, &s->anchors[i], &checkpoint, &is_put, e) != 0)
			return -1;
		n_put += is_put;
	}
	/* That it was put there is a record as well. */
	if (ledger_checkpoint_make(c->record, c->app->arena, key, &note, e) != 0)
		return -1;
	return n_put == s->n_anchors ? EXIT_PASS : EXIT_UNDECIDED;
}

int ledger_do_anchor(struct ledger_command *c, struct err *e)
{
	const struct ledger_settings *s = ledger_settings_of(c);
	struct sign_key *key;
	int rc;

	if (s == NULL || s->n_anchors == 0) {
		(void)err_set(e, ERR_USAGE, "the definition names no place for checkpoints");
		return err_help(e, "ledger: { anchors: [ { git: URL } ] } in the definition, and "
				   "-f FILE");
	}
	if (ledger_load_key(c, &key, e) != 0)
		return -1;
	rc = put_all(c, key, e);
	sign_key_free(key);
	return rc;
}
