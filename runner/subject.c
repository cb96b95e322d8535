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
	struct git_ref *ref;
	struct err ignored = {0};

	return git_ref_open(a, dir, arena_printf(a, "%s/%s", place, name), &ref, &ignored) == 0;
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

const char *subject_commit(struct arena *a, const struct definition *d, const char *subject)
{
	const char *name = name_of(a, subject != NULL ? subject : "");
	const char *const places[] = {"refs/tags/", "tags/"};
	struct git_ref *ref;
	struct err ignored = {0};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (str_starts(name, places[i])) {
			name += strlen(places[i]);
			break;
		}
	if (*name == '\0' || strcmp(name, "any") == 0 ||
	    git_ref_open(a, d->root_dir, arena_printf(a, "refs/tags/%s", name), &ref, &ignored) !=
		    0)
		return NULL;
	return git_ref_commit(ref);
}
