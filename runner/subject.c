/*
 * What is refused is what certainly moves. "main" may be the name of anything where no repository
 * says that it is a branch, and a release branch is often called what its tag will be.
 */
#include "runner/subject.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/git_ref.h"
#include "runner/model/definition.h"

/* The name before the steps that git takes from it: HEAD of HEAD~1 and of HEAD@{upstream}. */
static const char *name_of(struct arena *a, const char *subject)
{
	size_t n = strcspn(subject, "~^");
	const char *at = strstr(subject, "@{");

	return arena_strndup(a, subject,
			     at != NULL && (size_t)(at - subject) < n ? (size_t)(at - subject) : n);
}

static int refuse(struct arena *a, const char *subject, const char *why, struct err *e)
{
	(void)err_set(e, ERR_USAGE, "\"%s\" cannot be a subject: %s", str_escaped(a, subject), why);
	return err_help(e, "name the commit itself: --subject \"$(git rev-parse %s)\"",
			str_as_word(a, subject));
}

int subject_check_word(struct arena *a, const char *subject, struct err *e)
{
	const char *name = name_of(a, subject);

	if (strcmp(name, "@") == 0 || str_starts(subject, "@{") || strcmp(name, "HEAD") == 0 ||
	    str_ends(name, "/HEAD") || str_ends(name, "_HEAD") || str_starts(name, "heads/") ||
	    str_starts(name, "remotes/") ||
	    (str_starts(name, "refs/") && !str_starts(name, "refs/tags/")))
		return refuse(a, subject, "git lets it name another commit tomorrow", e);
	return 0;
}

/* Is there such a ref in the repository of dir? No, where it cannot be told. */
static bool has_ref(struct arena *a, const char *dir, const char *place, const char *name)
{
	struct err ignored = {0};
	const char *id;

	return git_ref_target(a, dir, arena_printf(a, "%s/%s", place, name), &id, &ignored) == 0 &&
	       id != NULL;
}

int subject_check_branch(struct arena *a, const struct definition *d, const char *subject,
			 struct err *e)
{
	const char *name = name_of(a, subject);
	const char *heads = arena_printf(a, "%s/HEAD", name);
	/* git's places for a name that is no tag, and the branch that a CI checkout only fetched */
	const struct {
		const char *place, *name;
	} refs[] = {
		{"refs", str_starts(name, "tags/") ? "" : name},
		{"refs/heads", name},
		{"refs/remotes", name},
		{"refs/remotes", heads},
		{"refs/remotes/origin", name},
	};

	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++)
		if (has_ref(a, d->root_dir, refs[i].place, refs[i].name) &&
		    !has_ref(a, d->root_dir, "refs/tags", name))
			return refuse(a, subject,
				      arena_printf(a, "it is a branch here (%s/%s), and moves",
						   refs[i].place, str_escaped(a, refs[i].name)),
				      e);
	return 0;
}

/* SHA-1 or SHA-256, in full: git asks for no ref of that name. */
static bool is_full_id(const char *name)
{
	size_t n = strlen(name);

	return (n == 40 || n == 64) && strspn(name, "0123456789abcdefABCDEF") == n;
}

int subject_commit(struct arena *a, const struct definition *d, const char *subject,
		   const char **commit, struct err *e)
{
	const char *name = name_of(a, subject != NULL ? subject : "");
	const char *const places[] = {"refs/tags/", "tags/"};
	struct err unread = {0};

	*commit = NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (str_starts(name, places[i])) {
			name += strlen(places[i]);
			break;
		}
	if (*name == '\0' || strcmp(name, "any") == 0)
		return 0;
	if (git_ref_target(a, d->root_dir, arena_printf(a, "refs/tags/%s", name), commit,
			   &unread) == 0 ||
	    is_full_id(name))
		return 0;
	(void)err_set(e, ERR_MEASURE, "could not tell which commit \"%s\" is: %s",
		      str_escaped(a, subject), unread.message);
	return err_help(e, "name the commit itself: --subject \"$(git rev-parse %s)\"",
			str_as_word(a, arena_printf(a, "%s^{commit}", name)));
}
