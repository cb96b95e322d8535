/* rollback_look: names that depend on the tag. */
#include "audits/rollback_look.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"

static const char *version_of(const char *tag)
{
	const char *digit = tag + strcspn(tag, "0123456789");

	return *digit ? digit : tag;
}

const char *rollback_expand(struct arena *a, const char *text, const struct rollback_place *place)
{
	const struct {
		const char *name, *value;
	} names[] = {
		{"{tag}", place->tag},
		{"{version}", version_of(place->tag)},
		{"{commit}", place->commit},
	};
	struct buf b;
	const char *expanded;

	buf_init(&b, BUF_UNBOUNDED); /* the definition and the tag's name are bounded */
	while (*text) {
		size_t i = 0, n = sizeof(names) / sizeof(names[0]);

		while (i < n && strncmp(text, names[i].name, strlen(names[i].name)) != 0)
			i++;
		if (i < n) {
			(void)buf_puts(&b, names[i].value);
			text += strlen(names[i].name);
		} else {
			(void)buf_putc(&b, *text++);
		}
	}
	expanded = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return expanded;
}
