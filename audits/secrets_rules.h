/*
 * secrets_rules: what secrets look like, maker by maker.
 *
 * The rules are asked at one place in the content and answer how long the secret is that begins
 * there. All of them begin with fixed characters, so most places cost one look at one byte.
 */
#ifndef ASSIZE_AUDITS_SECRETS_RULES_H
#define ASSIZE_AUDITS_SECRETS_RULES_H

#include <stdbool.h>
#include <stddef.h>

/* What a rule looks at: n bytes at p; p[-1] is there as well. */
struct secret_sight {
	const unsigned char *p;
	size_t n;
};

/* Is it the first byte of a rule? Most are not, and cost nothing more. */
bool secrets_rule_begins(unsigned char c);

/* The length of the secret that begins at s, and what it is; 0: there is none, *name is as before.
 */
size_t secrets_rule_find(const struct secret_sight *s, const char **name);

#endif
