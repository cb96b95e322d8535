/*
 * A key that is none of those there are: what was meant, or what could be.
 */
#include "runner/model/keys.h"

#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"

void keys_unknown(struct diags *diags, struct arena *a, const struct node *key, const char *what,
		  const char *const *known, size_t n)
{
	int closest;
	struct buf help;

	if (diags_is_full(diags))
		return;
	closest = str_closest(key->text, known, n);
	buf_init(&help, 600);
	if (closest >= 0) {
		(void)buf_printf(&help, "did you mean \"%s\"?", known[closest]);
	} else {
		(void)buf_puts(&help, "known are ");
		for (size_t i = 0; i < n; i++)
			(void)buf_printf(&help, "%s%s", i ? ", " : "", known[i]);
	}
	(void)diags_at(diags, key->pos, help.data, "unknown key \"%s\" in %s",
		       str_escaped(a, key->text), what);
	buf_release(&help);
}
