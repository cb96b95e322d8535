/* Printed from what the run recorded: it says nothing that the record does not. */
#include "runner/rollback_show.h"

#include <string.h>

#include "reports/terminal.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/restoration.h"
#include "runner/show.h"

const struct restoration_step *rollback_show_step(const struct restoration *r, const char *name)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (strcmp(r->steps[i].name, name) == 0)
			return &r->steps[i];
	return NULL;
}

const struct restoration_row *rollback_show_row(const struct restoration_row *rows, size_t n,
						const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].restoration.tag, tag) == 0)
			return &rows[i];
	return NULL;
}

static const char *took(struct arena *a, int64_t us)
{
	return show_value(a, (double)us / 1e6, "s");
}

static const char *first_line(struct arena *a, const char *text)
{
	return text != NULL ? arena_strndup(a, text, strcspn(text, "\n")) : "";
}

static void put_timetable(struct arena *a, FILE *out, const struct restoration *r)
{
	static const char *const headers[] = {"step", "", "took", "from start", ""};
	int64_t since_us = 0;
	struct table t;

	table_init(&t, a, headers, 5, "llrrl");
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct restoration_step *s = &r->steps[i];

		since_us += s->duration_us;
		table_row(&t, s->name, outcome_name(s->outcome), took(a, s->duration_us),
			  took(a, since_us), first_line(a, s->finding ? s->finding : s->note));
	}
	table_print(&t, out);
}

/* What the drill did not do, so that nobody takes it for done. */
static void put_by_hand(FILE *out, const struct restoration *r, const struct rollback_set *set)
{
	const struct restoration_step *compatible = rollback_show_step(r, "compatible");

	(void)fprintf(out, "by hand remains\n");
	(void)fprintf(out, "  to make the real link lead to the release, by one rename as above\n");
	(void)fprintf(out, "  to restart what runs it\n");
	if (rollback_show_step(r, "smoke") == NULL)
		(void)fprintf(out, "  to see that it starts: the set has no `smoke`\n");
	if (compatible == NULL)
		(void)fprintf(out,
			      "  to see that today's data fit it: the set has no `compatible`\n");
	else if (compatible->note != NULL)
		(void)fprintf(out, "  to deal with: %s\n", compatible->note);
	if (set->warm_path == NULL)
		(void)fprintf(out, "  to restore it first: the set has no `warm` copies\n");
}

/* A drill that failed must not end in the steps of going back. */
static void put_refusal(FILE *out, const struct restoration *r)
{
	(void)fprintf(out, "do not go back to %s: it is %s\n", r->tag,
		      r->outcome == OUTCOME_FAIL ? "disproved" : "unproven");
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct restoration_step *s = &r->steps[i];

		if (outcome_is_passing(s->outcome) || s->finding == NULL)
			continue;
		(void)fprintf(out, "  %s: %s\n", s->name, s->finding);
		if (s->remedy != NULL)
			(void)fprintf(out, "  fix: %s\n", s->remedy);
	}
}

void rollback_show_drill(struct arena *a, FILE *out, const struct restoration *r,
			 const struct rollback_set *set)
{
	const struct restoration_step *swap = rollback_show_step(r, ROLLBACK_STEP_SWAP);
	const struct restoration_step *warm = rollback_show_step(r, ROLLBACK_STEP_WARM);
	bool is_warm = warm != NULL && outcome_is_passing(warm->outcome);

	(void)fprintf(out, "drill of %s, commit %.12s\n", r->tag,
		      r->commit ? r->commit : "unknown");
	put_timetable(a, out, r);
	if (r->restore_us >= 0 && swap != NULL && outcome_is_passing(swap->outcome))
		(void)fprintf(out, "time to restore %s, to swap %s%s\n", took(a, r->restore_us),
			      took(a, swap->duration_us),
			      is_warm ? "; the warm copy stands, so going back is the swap alone"
				      : "");
	if (outcome_is_passing(r->outcome))
		put_by_hand(out, r, set);
	else
		put_refusal(out, r);
}

void rollback_show_warm(struct arena *a, FILE *out, const struct restoration *items, size_t n)
{
	struct table t;

	table_init(&t, a, NULL, 2, "ll");
	for (size_t i = 0; i < n; i++) {
		const struct restoration_step *step =
			rollback_show_step(&items[i], ROLLBACK_STEP_WARM);
		const char *line = step != NULL ? step->note : NULL;

		for (size_t k = 0; line != NULL && *line != '\0'; k++) {
			size_t length = strcspn(line, "\n");

			table_row(&t, k == 0 ? items[i].tag : "", arena_strndup(a, line, length));
			line += length;
			line += *line == '\n' ? 1 : 0;
		}
	}
	table_print(&t, out);
}
