/*
 * policy: lists whose names are known only while a check runs ("{tag}.SHA256SUMS"), read from the
 * commit that the definition is from where that has them.
 *
 * Names that a definition has in full are resolved when it is loaded (KEY_POLICY).
 */
#ifndef ASSIZE_AUDITS_POLICY_H
#define ASSIZE_AUDITS_POLICY_H

struct arena;
struct definition;
struct err;

/*
 * The name under which the file of an absolute path is read: held in a (file_hold()) when the
 * commit has it, else the path itself. NULL, e says why, when that cannot be told.
 */
const char *policy_name(struct arena *a, const struct definition *d, const char *path,
			struct err *e);

#endif
