/*
 * Facts about the machine and the job. Each is a courtesy to the reader of a report, so that none
 * of them can stop a run: what cannot be known is "".
 */
#include "runner/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/git.h"
#include "runner/io/git_ref.h"
#include "runner/model/definition.h"
#include "runner/model/result.h"
#include "runner/version.h"

static const char *user_name(struct arena *a)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL)
		return arena_strdup(a, entry.pw_name);
	return arena_printf(a, "uid %lu", (unsigned long)geteuid());
}

const char *identity_boot(struct arena *a)
{
	char text[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL)
		return "";
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f); /* read only */
	text[strcspn(text, "\n")] = '\0';
	return arena_strdup(a, text);
}

/* The page a person would open to see the job's log, by the variables of well-known CI systems. */
static const char *job_url(struct app *app)
{
	const char *server = app->env(app->env_ctx, "GITHUB_SERVER_URL");
	const char *repo = app->env(app->env_ctx, "GITHUB_REPOSITORY");
	const char *id = app->env(app->env_ctx, "GITHUB_RUN_ID");
	static const char *const names[] = {"CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL",
					    "CIRCLE_BUILD_URL"};

	if (server != NULL && repo != NULL && id != NULL)
		return arena_printf(app->arena, "%s/%s/actions/runs/%s", server, repo, id);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *url = app->env(app->env_ctx, names[i]);

		if (url != NULL)
			return arena_strdup(app->arena, url);
	}
	return "";
}

/* Does the definition, as it was read, stand in a commit somebody can look up? */
static void describe_commit(struct app *app, const struct definition *d, struct run_info *run)
{
	const char **files = arena_array(app->arena, d->n_sources, sizeof(*files));

	if (d->commit != NULL) {
		run->commit = d->commit;
		run->is_dirty = false;
		return;
	}
	for (size_t i = 0; i < d->n_sources; i++)
		files[i] = file_absolute(app->arena, app->cwd, d->sources[i].file);
	git_door_describe(app->arena, d->root_dir, files, d->n_sources, &run->commit,
			  &run->is_dirty);
}

void identity_who(struct app *app, const char **host, const char **user)
{
	struct utsname name;

	*host = uname(&name) == 0 ? arena_strdup(app->arena, name.nodename) : "";
	*user = user_name(app->arena);
}

void identity_fill(struct app *app, const struct definition *d, struct run_info *run)
{
	identity_who(app, &run->host, &run->user);
	run->version = ASSIZE_VERSION;
	run->boot_id = identity_boot(app->arena);
	run->job_url = job_url(app);
	describe_commit(app, d, run);
}

const char *identity_place(struct arena *a, const struct definition *d)
{
	const char *name = strrchr(d->root_file, '/');
	const char *path, *top;
	struct err ignored = {0}; /* in no repository */
	size_t n;

	name = name != NULL ? name + 1 : d->root_file;
	if (strrchr(name, ':') != NULL)
		name = strrchr(name, ':') + 1; /* git:main:assize.yaml */
	path = arena_printf(a, "%s/%s", d->root_dir, name);
	if (git_ref_top(a, d->root_dir, &top, &ignored) != 0)
		return path;
	n = strlen(top);
	return strncmp(path, top, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}
