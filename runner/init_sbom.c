/*
 * Bills of materials: the artifact itself is one, or one lies beside it (PATH.cdx.json,
 * PATH.spdx.json, PATH.sbom.json). One beside is asked to be about the artifact when it is.
 */
#include <string.h>
#include <unistd.h>

#include "audits/sbom_read.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/init_artifact.h"
#include "runner/io/file.h"
#include "runner/io/json.h"
#include "runner/model/result.h"

#define MAX_BYTES (64 * 1024 * 1024)
#define ROOM	  1.1

struct sbom {
	const char *absolute;
	bool is_beside;
};

/* Can the kind read it? It wants one of the formats it knows. */
static bool is_sbom(struct artifact *t, const char *path)
{
	struct sbom_facts facts;
	struct json_doc *doc;
	struct buf text;
	bool is_one = false;

	buf_init(&text, MAX_BYTES);
	if (file_read(path, &text, NULL) == 0 &&
	    json_parse(text.data ? text.data : "", text.len, &doc, NULL) == 0) {
		is_one = sbom_read(t->arena, doc, &facts, NULL) == 0;
		json_free(doc);
	}
	buf_release(&text);
	return is_one;
}

static int look(struct artifact *t, void **state, struct err *e)
{
	static const char *const suffixes[] = {".cdx.json", ".spdx.json", ".sbom.json"};
	struct sbom *x = arena_alloc(t->arena, sizeof(*x));
	size_t n_space = 0;

	(void)e; /* what is none is no failure */
	*state = x;
	while (n_space < t->n_head && strchr(" \t\r\n", t->head[n_space]) && t->head[n_space])
		n_space++;
	if (n_space < t->n_head && t->head[n_space] == '{' && is_sbom(t, t->absolute)) {
		x->absolute = t->absolute;
		return 1;
	}
	x->is_beside = true;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		x->absolute = arena_printf(t->arena, "%s%s", t->absolute, suffixes[i]);
		if (access(x->absolute, R_OK) == 0 && is_sbom(t, x->absolute))
			return 1;
	}
	return 0;
}

static void put_draft(const struct artifact *t, const void *state, struct buf *out)
{
	const struct sbom *x = state;

	(void)buf_puts(out, "sbom: { path: ");
	init_put_text(out, x->absolute);
	if (x->is_beside) {
		(void)buf_puts(out, ", artifact: ");
		init_put_text(out, t->absolute);
	}
	(void)buf_puts(out, " }, expect: { components: \">= 0\", unversioned: \">= 0\"");
	if (x->is_beside)
		(void)buf_puts(out, ", is_about: \">= 0\"");
	(void)buf_puts(out, ", format: \"matches /^/\", spec: \"matches /^/\", "
			    "subject: \"matches /^/\", version: \"matches /^/\" }");
}

static void put_text_value(struct init_writer *w, const struct artifact *t, const char *series)
{
	const struct result *r = artifact_value(t, "sbom", series, NULL);

	if (!r || r->value.type != VALUE_TEXT || !*r->value.text)
		return; /* it does not say */
	(void)buf_printf(w->out, "          %s: ", series);
	init_put_equal(w->out, r->value.text);
	(void)buf_putc(w->out, '\n');
}

static int put(struct init_writer *w, struct artifact *t, void *state, struct err *e)
{
	const struct sbom *x = state;
	const char *reason = "";
	const struct result *n = artifact_value(t, "sbom", "components", &reason);
	const struct result *unversioned = artifact_value(t, "sbom", "unversioned", NULL);
	const struct result *about =
		x->is_beside ? artifact_value(t, "sbom", "is_about", NULL) : NULL;
	bool is_about = about && about->value.integer == 1;

	if (!n)
		return artifact_unmeasured(t, reason, e);
	if (n->value.integer == 0)
		return artifact_unmeasured(t,
					   "a bill of materials that lists nothing is nothing to "
					   "begin with",
					   e);
	init_put_id(w, "sbom", NULL, NULL);
	(void)buf_printf(w->out,
			 " # %lld components\n        sbom: { path: ", (long long)n->value.integer);
	init_put_text(w->out, init_path(t->in, x->absolute));
	if (is_about) {
		(void)buf_puts(w->out, ", artifact: ");
		init_put_text(w->out, t->path);
	}
	(void)buf_puts(w->out, " }");
	if (x->is_beside && !is_about) {
		(void)buf_puts(w->out, " # weak: it does not name this file by its SHA-256");
		init_note(t->subject, "%s: its bill of materials does not name it by its SHA-256",
			  t->subject->given);
	}
	(void)buf_puts(w->out, "\n        expect:\n          components: \">= ");
	if (n->value.integer < 10)
		(void)buf_printf(w->out, "%lld", (long long)n->value.integer);
	else
		init_put_rounded(w->out, (double)n->value.integer / ROOM, false);
	(void)buf_puts(w->out, "\"\n");
	if (unversioned)
		(void)buf_printf(w->out, "          unversioned: \"<= %lld\"\n",
				 (long long)unversioned->value.integer);
	put_text_value(w, t, "format");
	put_text_value(w, t, "spec");
	put_text_value(w, t, "subject");
	put_text_value(w, t, "version");
	return 0;
}

const struct artifact_part artifact_sbom = {
	.id = "sbom",
	.is_of_files = true,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
