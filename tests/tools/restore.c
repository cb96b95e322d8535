/*
 * restore: verifies one tag without a definition or a record, for the tests of damage and speed.
 *
 *	restore [OPTION VALUE]... REPOSITORY TAG
 *	restore list [OPTION VALUE]... REPOSITORY PATTERN
 *
 * Prints the outcome, then one line a step: name, outcome, duration in microseconds, finding, and
 * "remedy: COMMAND" and "note: WORDS" on lines of their own. Exit status as assize's own: 0 proven,
 *1 disproved, 2 unproven or the repository cannot be opened, 3 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"

struct options {
	struct rollback_set set;
	struct target repo;
	struct pin pin;
	int64_t deadline_ms;
	bool is_identity;
};

static bool set_number(struct options *o, const char *name, int64_t value)
{
	if (strcmp(name, "--max-entries") == 0)
		o->set.max_entries = value;
	else if (strcmp(name, "--max-bytes") == 0)
		o->set.max_bytes = value;
	else if (strcmp(name, "--budget-ms") == 0)
		o->set.budget_ms = value;
	else if (strcmp(name, "--deadline-ms") == 0)
		o->deadline_ms = value;
	else if (strcmp(name, "--keep") == 0)
		o->set.keep = value;
	else if (strcmp(name, "--reachable") == 0)
		o->set.is_reachable_only = value != 0;
	else if (strcmp(name, "--first-seen-ms") == 0)
		o->pin.first_seen_ms = value;
	else if (strcmp(name, "--signature-required") == 0)
		o->set.signature.is_required = value != 0;
	else if (strcmp(name, "--identity") == 0)
		o->is_identity = value != 0;
	else
		return false;
	return true;
}

static bool set_option(struct options *o, const char *name, const char *value)
{
	int64_t number;

	if (strcmp(name, "--content") == 0)
		o->set.content = strcmp(value, "checkout") == 0;
	else if (strcmp(name, "--scratch") == 0)
		o->set.scratch = value;
	else if (strcmp(name, "--pin-commit") == 0)
		o->pin.commit = value;
	else if (strcmp(name, "--pin-tree") == 0)
		o->pin.tree = value;
	else if (strcmp(name, "--pin-content") == 0)
		o->pin.content = value;
	else if (strcmp(name, "--allowed-signers") == 0)
		o->set.signature.allowed_signers = value;
	else if (strcmp(name, "--revoked") == 0)
		o->set.signature.revoked = value;
	else if (strcmp(name, "--principal") == 0)
		o->set.signature.identity = value;
	else if (strcmp(name, "--keyring") == 0)
		o->set.signature.keyring = value;
	else
		return num_parse_int(value, strlen(value), &number) == 0 &&
		       set_number(o, name, number);
	return true;
}

static int show(const struct restoration *r)
{
	printf("%s\n", outcome_name(r->outcome));
	printf("commit %s tree %s objects %lld files %lld bytes %lld restore_us %lld content %s\n",
	       r->commit ? r->commit : "-", r->tree ? r->tree : "-", (long long)r->n_objects,
	       (long long)r->n_files, (long long)r->n_bytes, (long long)r->restore_us,
	       r->content ? r->content : "-");
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct restoration_step *s = &r->steps[i];

		printf("%s %s %lld us: %s\n", s->name, outcome_name(s->outcome),
		       (long long)s->duration_us, s->finding ? s->finding : "-");
		if (s->remedy)
			printf("remedy: %s\n", s->remedy);
		if (s->note)
			printf("note: %s\n", s->note);
	}
	if (r->outcome == OUTCOME_PASS)
		return 0;
	return r->outcome == OUTCOME_FAIL ? 1 : 2;
}

static int list(struct arena *a, const struct options *o, struct err *e)
{
	const char *const *tags;
	size_t n;

	if (rollback_tags(a, &o->set, &tags, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		printf("%s\n", tags[i]);
	return 0;
}

static int verify(struct arena *a, const struct options *o, const char *tag, struct err *e)
{
	struct clock clock = clock_system();
	struct rollback_request request = {
		.set = &o->set,
		.tag = tag,
		.pin = o->pin.commit || o->pin.tree ? &o->pin : NULL,
		.clock = &clock,
		.deadline_ms = clock_monotonic_ms(&clock) + o->deadline_ms,
	};
	struct restoration r;
	int rc = o->is_identity ? rollback_identify(a, &request, &r, e)
				: rollback_verify(a, &request, &r, e);

	return rc < 0 ? -1 : show(&r);
}

int main(int argc, char **argv)
{
	struct options o = {.deadline_ms = 600000};
	struct arena *a = arena_new();
	struct err e = {0};
	bool is_list = argc > 1 && strcmp(argv[1], "list") == 0;
	int i = is_list ? 2 : 1, rc = 3;

	proc_become_helper(argc, argv);
	o.set = (struct rollback_set){
		.name = "releases", .keep = 3, .is_pinned = true, .signature.is_required = true};
	o.set.scratch = getenv("TMP") ? getenv("TMP") : "/tmp";
	o.set.repo = &o.repo;
	while (i + 1 < argc && strncmp(argv[i], "--", 2) == 0 &&
	       set_option(&o, argv[i], argv[i + 1]))
		i += 2;
	if (i + 2 == argc) {
		o.repo.location = argv[i];
		o.set.tags = argv[i + 1];
		/* Only gpgv is a program of its own. */
		if (o.set.signature.keyring && proc_start_helper(&e) < 0)
			return 3;
		rc = is_list ? list(a, &o, &e) : verify(a, &o, argv[i + 1], &e);
	}
	if (rc < 0) {
		printf("error\n%s\nremedy: %s\n", e.message, e.help);
		rc = 2;
	}
	proc_stop_helper();
	arena_free(a);
	return rc;
}
