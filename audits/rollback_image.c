/*
 * rollback_image: a container image of the tag, in a registry or an image layout, by kind oci.
 *
 * An image that does not say what it was built of is believed to be what its name says; one that
 * says another commit is not the tag's.
 */
#include <string.h>

#include "audits/rollback_artifact.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/base/str.h"

#define REVISION       "org.opencontainers.image.revision"
#define REGISTRY_TURNS 4 /* as an http target has unless it says otherwise */

/* "registry.example.com/app:1.0" or, with a registry of its own, "app:1.0". */
static void put_reference(struct artifact *x, struct ask *q, const char *reference)
{
	const struct target *registry = x->spec->registry;
	const char *slash = strchr(reference, '/'), *at, *colon;
	struct target *made;

	if (!registry && slash) {
		made = arena_alloc(x->a, sizeof(*made));
		*made = (struct target){
			.name = arena_strndup(x->a, reference, (size_t)(slash - reference)),
			.type = TARGET_HTTP,
			.max_connections = REGISTRY_TURNS,
		};
		made->location = arena_printf(x->a, "https://%s", made->name);
		registry = made;
		reference = slash + 1;
	}
	q->target = registry;
	slash = strrchr(reference, '/');
	at = strchr(reference, '@');
	colon = at ? at : strchr(slash ? slash : reference, ':');
	ask_put(x->a, q->spec, "repository",
		arena_strndup(x->a, reference,
			      colon ? (size_t)(colon - reference) : strlen(reference)));
	ask_put(x->a, q->spec, "ref", colon ? colon + 1 : NULL);
}

/* What its images say they were built of. */
static void check_revisions(struct artifact *x, const struct ask_answer *answer)
{
	for (size_t i = 0; i < answer->n_emitted; i++) {
		const struct measurement *m = &answer->emitted[i].measurement;
		const char *revision = m->value.text;

		if (strcmp(m->name, "label") != 0 || m->value.type != VALUE_TEXT ||
		    artifact_is_commit(x, revision, strlen(revision)))
			continue;
		(void)artifact_find(x, OUTCOME_FAIL,
				    "put back the image that was built of this tag",
				    "its label " REVISION " is \"%s\", the tag is commit %s",
				    str_escaped(x->a, revision), x->place->commit);
	}
}

void artifact_look_at_image(struct artifact *x)
{
	struct node *spec = ask_mapping(x->a), *labels = ask_mapping(x->a);
	struct ask q = artifact_ask(x, "oci", spec);
	struct ask_value values[] = {
		{.name = "problems", .expect = "== 0"}, {.name = "label"}, {.name = "digest"}};
	const char *hex = artifact_given_digest(x), *digest, *reason;
	struct ask_answer answer;

	if (x->spec->layout) {
		ask_put(x->a, spec, "layout", artifact_absolute(x, x->spec->layout));
		ask_put(x->a, spec, "ref", artifact_expand(x, x->spec->ref));
	} else {
		put_reference(x, &q, artifact_expand(x, x->spec->oci));
		ask_put(x->a, spec, "user", x->spec->user);
		ask_put(x->a, spec, "password", x->spec->password);
	}
	ask_put(x->a, labels, REVISION, "*");
	ask_put_node(x->a, spec, "labels", labels);
	ask_kind(&q, values, sizeof(values) / sizeof(values[0]), &answer);
	artifact_find_answer(x, &answer,
			     x->spec->layout ? "put back the image that was released"
					     : "push the image of this release again");
	if (answer.is_unreadable)
		return;
	check_revisions(x, &answer);
	digest = ask_text(&answer, "digest", &reason);
	if (!digest) {
		(void)artifact_find(x, OUTCOME_UNDECIDED, "name the image with ref:", "%s", reason);
		return;
	}
	x->out->digest = digest + strlen("sha256:");
	if (hex && strcmp(hex, x->out->digest) != 0)
		(void)artifact_find(x, OUTCOME_FAIL, "put back the image that was released",
				    "its digest is sha256:%s, recorded is sha256:%s",
				    x->out->digest, hex);
}
