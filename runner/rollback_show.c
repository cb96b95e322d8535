/* Printed from what the run recorded: it says nothing that the record does not. */
#include "runner/rollback_show.h"

#include <string.h>

#include "reports/terminal.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/model/restoration.h"

static const struct restoration_step *find_step(const struct restoration *r, const char *name)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (strcmp(r->steps[i].name, name) == 0)
			return &r->steps[i];
	return NULL;
}

void rollback_show_warm(struct arena *a, FILE *out, const struct restoration *items, size_t n)
{
	struct table t;

	table_init(&t, a, NULL, 2, "ll");
	for (size_t i = 0; i < n; i++) {
		const struct restoration_step *step = find_step(&items[i], ROLLBACK_STEP_WARM);
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
