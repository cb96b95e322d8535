/*
 * A key that is none of those there are: what was meant, or what could be.
 */
#include "runner/model/keys.h"

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"

void keys_unknown(struct keys_context *ctx, const struct node *key, const char *const *known,
		  size_t n, const char *meant, const char *help)
{
	int closest;
	struct buf names;

	if (diags_is_full(ctx->diags))
		return;
	buf_init(&names, 600);
	closest = meant || help ? -1 : str_closest(key->text, known, n);
	if (closest >= 0)
		meant = known[closest];
	if (meant) {
		help = arena_printf(ctx->arena, "did you mean \"%s\"?", meant);
	} else if (!help) {
		(void)buf_puts(&names, "known are ");
		for (size_t i = 0; i < n; i++)
			(void)buf_printf(&names, "%s%s", i ? ", " : "", known[i]);
		help = names.data;
	}
	(void)diags_at(ctx->diags, key->pos, help, "unknown key \"%s\" in %s",
		       str_escaped(ctx->arena, key->text), ctx->what);
	buf_release(&names);
}
