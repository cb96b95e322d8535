/* Survivors come first and in full: they are what a reader can act on. */
#include <inttypes.h>
#include <math.h>

#include "reports/challenge.h"
#include "reports/text.h"
#include "runner/base/buf.h"

static void put_attack(struct buf *out, const struct attack_result *r)
{
	(void)buf_printf(out, "  %-12s %-14s ", attack_outcome_name(r->outcome), r->name);
	text_put(out, r->words);
	if (r->reason != NULL) {
		(void)buf_puts(out, ": ");
		text_put(out, r->reason);
	}
	(void)buf_putc(out, '\n');
	if (r->before != NULL || r->after != NULL)
		(void)buf_printf(out, "%29s%s -> %s\n", "", r->before ? r->before : "no value",
				 r->after ? r->after : "no value");
}

void challenge_text(struct buf *out, const struct challenged *c, bool has_color)
{
	(void)has_color;
	text_put(out, c->check->name);
	if (c->reason != NULL) {
		(void)buf_puts(out, "  unchallenged: ");
		text_put(out, c->reason);
		(void)buf_putc(out, '\n');
		return;
	}
	(void)buf_printf(out, "  %" PRId64 " of %" PRId64 " attacks noticed\n", c->n_noticed,
			 c->n_noticed + c->n_survived);
	for (size_t i = 0; i < c->n_attacks; i++)
		put_attack(out, &c->attacks[i]);
	for (size_t i = 0; i < c->n_attacks; i++) {
		if (!(c->attacks[i].turns_red > 0))
			continue;
		(void)buf_puts(out, "  turns red when ");
		text_put(out, c->attacks[i].turns_red_words);
		(void)buf_putc(out, '\n');
	}
}

void challenge_summary(struct buf *out, const struct challenged *items, size_t n)
{
	int64_t noticed = 0, counted = 0;

	for (size_t i = 0; i < n; i++) {
		noticed += items[i].n_noticed;
		counted += items[i].n_noticed + items[i].n_survived;
	}
	(void)buf_printf(out, "%" PRId64 " of %" PRId64 " attacks noticed\n", noticed, counted);
}
