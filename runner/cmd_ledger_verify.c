/* assize ledger verify: what was found. */
#include "runner/cmd_ledger.h"

#include "runner/app.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/ledger_show.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

int ledger_do_verify(struct ledger_command *c, struct err *e)
{
	struct ledger_trusted t = {.keys = NULL};
	struct ledger_verification v;
	struct buf json;
	int rc;

	if (ledger_read_trust(c, &t, e) != 0 || ledger_trust_anchors(c, &t, e) != 0)
		return -1;
	t.t.key_here = vouch_key_here(c->app, c->definition, c->path);
	t.t.key_here_help = VOUCH_UNKNOWN_KEY_HELP;
	t.t.progress = ledger_progress(c);
	t.t.progress_ctx = c;
	rc = ledger_verify(c->record, c->app->arena, &t.t, &v, e);
	ledger_progress_end(c);
	if (rc != 0)
		return -1;
	for (size_t i = 0; c->definition != NULL && i < v.n_findings; i++)
		v.findings[i].text =
			redact_text(c->definition->redactor, c->app->arena, v.findings[i].text);
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
