/*
 * alike: members of a JSON object that two programs read as different things.
 *
 * Go's encoding/json takes the members of a structure without regard to case, and of several the
 * last: "Layers" behind "layers" is another image to it. JSON itself tells them apart (RFC 8259, 4:
 * names are compared as they are), and so do other readers.
 */
#ifndef ASSIZE_AUDITS_ALIKE_H
#define ASSIZE_AUDITS_ALIKE_H

struct json_t;

/*
 * known: the members a structure has, NULL behind the last. The name of one in the object that is
 * none of them but for case (also U+017F for s and U+212A for k, which fold to them), NULL = there
 * is none; *as is what it would be taken for. Both are borrowed. What is no object has none.
 */
const char *alike_member(struct json_t *object, const char *const *known, const char **as);

#endif
