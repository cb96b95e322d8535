/*
 * What talks to the remote runs in a child (talk()): its work shows in the scratch repository, and
 * what is to be said comes through a pipe. The child shares nothing else with us: whatever it does
 * or hangs in, it is killed when its time is over, or when we are gone.
 */
#define _GNU_SOURCE /* pipe2() */

#include "runner/io/git_branch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/git.h"
#include "runner/io/git_library.h"

#define FETCHED	   "refs/remotes/there/branch"
#define ADDED	   "refs/heads/added"
#define MAX_TIME_S INT64_C(253402300799) /* the year 9999 */

struct branch {
	struct arena *arena;
	const char *url, *name;
	int64_t timeout_ms;
	const char *dir; /* of the repository, in scratch */
	git_repository *repo;
	git_remote *remote;
	git_oid tip;
	const char *tip_text; /* NULL = there is none */
	size_t n_keys;	      /* of ~/.ssh that were tried */
	bool is_agent_tried;
	const char *refspec; /* of the push at hand */
	const char *refused; /* what the remote said of it; NULL = nothing */
};

/* ---- talking to it ---- */

const char *branch_shown(struct arena *a, const char *url)
{
	const char *scheme = strstr(url, "://"), *host = scheme == NULL ? url : scheme + 3;
	const char *path = host + strcspn(host, "/?#"), *begin = host;

	/* user@host:path has no password, and its user is part of the address */
	if (scheme == NULL)
		return url;
	for (const char *at = host; at < path; at++)
		if (*at == '@')
			begin = at + 1;
	return arena_printf(a, "%.*s%.*s%.*s", (int)(host - url), url, (int)(path - begin), begin,
			    (int)strcspn(path, "?#"), path);
}

static int failed(struct branch *b, const char *doing, const char *why, struct err *e)
{
	const char *shown = branch_shown(b->arena, b->url);

	/* What libgit2 says may repeat a part of the URL, as it was given or in other words. */
	if (strcmp(shown, b->url) != 0)
		why = "it cannot be reached, or does not let us (its words may repeat what the URL "
		      "keeps secret, and are not shown)";
	return err_set(e, ERR_MEASURE, "could not %s branch \"%s\" of %s: %s", doing, b->name,
		       shown, why);
}

static int fail(struct branch *b, const char *doing, struct err *e)
{
	return failed(b, doing, git_door_message(), e);
}

/* ---- a process of its own ---- */

/* What the child has to say, in one write that a pipe takes whole. */
struct said {
	int rc;		 /* of the work: 0, 1 = the remote refused, or libgit2's code */
	char text[1000]; /* any message of ours is cut behind that */
};

static void say(int fd, struct branch *b, int (*work)(struct branch *))
{
	struct said s = {.rc = work(b)};
	const char *text = s.rc == 1 ? b->refused : s.rc == 0 ? "" : git_door_message();

	(void)snprintf(s.text, sizeof(s.text), "%s", text); /* cut: it is for people */
	while (write(fd, &s, sizeof(s)) < 0 && errno == EINTR)
		;
}

/* -1: nothing came in time, or it died. */
static int listen_to(const struct branch *b, int fd, struct said *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct clock clock = clock_system();
	int64_t left, deadline = clock_monotonic_ms(&clock) + b->timeout_ms;
	int rc;

	do {
		left = deadline - clock_monotonic_ms(&clock);
		rc = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		(void)snprintf(out->text, sizeof(out->text), "no answer within %lld ms",
			       (long long)b->timeout_ms);
	if (rc <= 0 || read(fd, out, sizeof(*out)) != (ssize_t)sizeof(*out))
		return -1;
	out->text[sizeof(out->text) - 1] = '\0';
	return 0;
}

/* A remote may send more than it was asked for: the write fails then, and is told. */
static int bound_files(void)
{
	const rlim_t most = BRANCH_MAX_FETCH;
	struct rlimit limit;

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return -1;
	limit.rlim_cur = limit.rlim_cur < most ? limit.rlim_cur : most;
	return setrlimit(RLIMIT_FSIZE, &limit);
}

/* The work's code; of 1 b->refused is what the remote said, of others *why is the reason. */
static int talk(struct branch *b, int (*work)(struct branch *), const char **why)
{
	struct said s = {.rc = -1, .text = "the process that talks to it died"};
	int ends[2];
	pid_t parent = getpid(), child;

	*why = "out of processes";
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail */
		if (getppid() == parent && bound_files() == 0)
			say(ends[1], b, work);
		_exit(0);
	}
	(void)close(ends[1]); /* nothing was written through it */
	if (child > 0 && listen_to(b, ends[0], &s) != 0)
		s.rc = -1;
	(void)close(ends[0]); /* only read from */
	if (child < 0)
		return -1;
	(void)kill(child, SIGKILL); /* it may be over */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	*why = arena_strdup(b->arena, s.text);
	b->refused = s.rc == 1 ? *why : NULL;
	return s.rc;
}

/* ---- credentials ---- */

static const char *const key_files[] = {"id_ed25519", "id_ecdsa", "id_rsa"};

static int ssh_key(git_credential **out, struct branch *b, const char *user)
{
	const char *home = getenv("HOME"), *path;

	if (!b->is_agent_tried && getenv("SSH_AUTH_SOCK") != NULL) {
		b->is_agent_tried = true;
		return git_credential_ssh_key_from_agent(out, user);
	}
	while (home != NULL && b->n_keys < sizeof(key_files) / sizeof(key_files[0])) {
		path = arena_printf(b->arena, "%s/.ssh/%s", home, key_files[b->n_keys++]);
		if (access(path, R_OK) == 0)
			return git_credential_ssh_key_new(out, user, NULL, path, NULL);
	}
	(void)git_error_set_str(GIT_ERROR_SSH, "no key is accepted there"); /* the door tells it */
	return GIT_EAUTH;
}

/* Asked again after each refusal, so that every way is tried once. */
static int credential(git_credential **out, const char *url, const char *user, unsigned allowed,
		      void *ctx)
{
	(void)url;
	if ((allowed & GIT_CREDENTIAL_SSH_KEY) != 0)
		return ssh_key(out, ctx, user != NULL ? user : "git");
	return GIT_PASSTHROUGH;
}

static int on_update(const char *ref, const char *status, void *ctx)
{
	struct branch *b = ctx;

	(void)ref;
	if (status != NULL)
		b->refused = arena_strdup(b->arena, status);
	return 0;
}

static int fetch_work(struct branch *b)
{
	git_fetch_options o;
	char *refspec =
		(char *)(uintptr_t)arena_printf(b->arena, "+refs/heads/%s:" FETCHED, b->name);
	const git_strarray refspecs = {&refspec, 1};
	int rc = git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION);

	if (rc != 0)
		return rc;
	o.callbacks.credentials = credential;
	o.callbacks.payload = b;
	o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	return git_remote_fetch(b->remote, &refspecs, &o, NULL);
}

static int fetch(struct branch *b, struct err *e)
{
	const char *why;
	int rc;

	if (git_remote_create_anonymous(&b->remote, b->repo, b->url) != 0)
		return fail(b, "fetch", e);
	if (talk(b, fetch_work, &why) != 0)
		return failed(b, "fetch", why, e);
	rc = git_reference_name_to_id(&b->tip, b->repo, FETCHED);
	if (rc == 0)
		b->tip_text = arena_strdup(b->arena, git_oid_tostr_s(&b->tip));
	else if (rc != GIT_ENOTFOUND)
		return fail(b, "read", e);
	return 0;
}

/*
 * The repository that is named is asked and no other: of git's configuration only the scratch
 * repository's own counts, since a user's or the machine's may send a URL elsewhere
 * (url.*.insteadOf) or through a proxy.
 */
static int make_room(struct branch *b)
{
	git_config *own = NULL;
	int rc = git_repository_init(&b->repo, b->dir, 1);

	if (rc == 0)
		rc = git_config_open_ondisk(&own, arena_printf(b->arena, "%s/config", b->dir));
	if (rc == 0)
		rc = git_repository_set_config(b->repo, own);
	git_config_free(own); /* the repository has its own reference */
	return rc;
}

int branch_open(struct arena *a, const char *scratch, const char *url, const char *name,
		int64_t timeout_ms, struct branch **out, struct err *e)
{
	struct branch *b = arena_alloc(a, sizeof(*b));

	*b = (struct branch){.arena = a, .url = url, .name = name, .timeout_ms = timeout_ms};
	if (git_door_init(e) != 0 || scratch_create(a, scratch, &b->dir, e) != 0)
		return -1;
	if (make_room(b) != 0) {
		(void)fail(b, "make room for", e);
		branch_close(b);
		return -1;
	}
	if (fetch(b, e) != 0) {
		branch_close(b);
		return -1;
	}
	*out = b;
	return 0;
}

void branch_close(struct branch *b)
{
	struct err ignored = {0};

	if (b == NULL)
		return;
	git_remote_free(b->remote);
	git_repository_free(b->repo);
	(void)scratch_remove(b->dir,
			     &ignored); /* a leftover in the scratch directory harms nobody */
}

const char *branch_tip(const struct branch *b)
{
	return b->tip_text;
}

/* ---- reading ---- */

struct history {
	struct branch_version *items;
	size_t n, cap;
	git_oid last; /* of the file in the commit before (which is newer) */
	bool has_last;
};

/* -1: no clock says that. */
static int64_t time_of(const git_commit *commit)
{
	git_time_t s = git_commit_time(commit);

	return s >= 0 && s <= MAX_TIME_S ? (int64_t)s * 1000 : -1;
}

/* Its text; of one that is larger than any checkpoint none: it was not written to be read. */
static int read_blob(struct branch *b, const git_oid *id, const char **text, size_t *n,
		     struct err *e)
{
	git_odb *odb = NULL;
	git_blob *blob;
	git_object_t type;
	bool is_known = git_repository_odb(&odb, b->repo) == 0 &&
			git_odb_read_header(n, &type, odb, id) == 0;

	git_odb_free(odb);
	if (!is_known)
		return fail(b, "read", e);
	*text = "";
	if (type != GIT_OBJECT_BLOB || *n > BRANCH_MAX_BYTES) {
		*n = 0;
		return 0;
	}
	if (git_blob_lookup(&blob, b->repo, id) != 0)
		return fail(b, "read", e);
	*text = arena_strndup(b->arena, git_blob_rawcontent(blob), *n);
	git_blob_free(blob);
	return 0;
}

static int take_version(struct branch *b, struct history *h, const git_commit *commit,
			const git_oid *id, struct err *e)
{
	struct branch_version *v;
	const char *text;
	size_t n;

	if (read_blob(b, id, &text, &n, e) != 0)
		return -1;
	if (h->n == h->cap) {
		struct branch_version *more =
			arena_array(b->arena, h->cap == 0 ? 64 : h->cap * 2, sizeof(*more));

		if (h->n > 0)
			memcpy(more, h->items, h->n * sizeof(*more));
		h->items = more;
		h->cap = h->cap == 0 ? 64 : h->cap * 2;
	}
	v = &h->items[h->n++];
	v->text = text;
	v->n = n;
	v->commit =
		arena_strdup(b->arena, git_oid_tostr_s(git_object_id((const git_object *)commit)));
	v->at_ms = time_of(commit);
	return 0;
}

/* Neither a directory nor a link nor another repository. */
static bool is_file(const git_tree_entry *entry)
{
	git_filemode_t mode = git_tree_entry_filemode(entry);

	return mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

/* The file as this commit has it, when that is another than the newer one's. */
static int look_at(struct branch *b, struct history *h, const git_oid *id, const char *file,
		   struct err *e)
{
	const git_tree_entry *entry;
	git_commit *commit;
	git_tree *tree;
	int rc = 0;

	if (git_commit_lookup(&commit, b->repo, id) != 0)
		return fail(b, "read", e);
	if (git_commit_tree(&tree, commit) != 0) {
		git_commit_free(commit);
		return fail(b, "read", e);
	}
	entry = git_tree_entry_byname(tree, file);
	if (entry == NULL || !is_file(entry)) {
		h->has_last = false;
	} else if (h->has_last && git_oid_equal(&h->last, git_tree_entry_id(entry))) {
		/* the same, and there since this commit at least */
		h->items[h->n - 1].commit = arena_strdup(b->arena, git_oid_tostr_s(id));
		h->items[h->n - 1].at_ms = time_of(commit);
	} else {
		rc = take_version(b, h, commit, git_tree_entry_id(entry), e);
		h->has_last = git_oid_cpy(&h->last, git_tree_entry_id(entry)) == 0;
	}
	git_tree_free(tree);
	git_commit_free(commit);
	return rc;
}

int branch_versions(struct branch *b, const char *file, struct branch_version **out, size_t *n,
		    struct err *e)
{
	struct history h = {.n = 0};
	size_t n_commits = 0;
	git_revwalk *walk;
	git_oid id;
	int rc = 0, next = 0;

	*out = NULL;
	*n = 0;
	if (b->tip_text == NULL)
		return 0;
	if (git_revwalk_new(&walk, b->repo) != 0)
		return fail(b, "read", e);
	if (git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL) != 0 ||
	    git_revwalk_push(walk, &b->tip) != 0)
		rc = fail(b, "read", e);
	while (rc == 0 && (next = git_revwalk_next(&id, walk)) == 0) {
		if (++n_commits > BRANCH_MAX_COMMITS)
			rc = err_set(e, ERR_MEASURE, "branch \"%s\" of %s has more than %d commits",
				     b->name, branch_shown(b->arena, b->url), BRANCH_MAX_COMMITS);
		else
			rc = look_at(b, &h, &id, file, e);
	}
	if (rc == 0 && next != GIT_ITEROVER)
		rc = fail(b, "read", e);
	git_revwalk_free(walk);
	*out = h.items;
	*n = h.n;
	return rc;
}

/* ---- writing ---- */

/* The tree at the tip with one file in its place. */
static int write_tree(struct branch *b, const git_commit *parent, const struct branch_change *c,
		      git_tree **out)
{
	git_treebuilder *builder = NULL;
	git_tree *before = NULL;
	git_oid blob, tree;
	int rc = git_blob_create_from_buffer(&blob, b->repo, c->p, c->n);

	if (rc == 0 && parent != NULL)
		rc = git_commit_tree(&before, parent);
	if (rc == 0)
		rc = git_treebuilder_new(&builder, b->repo, before);
	if (rc == 0)
		rc = git_treebuilder_insert(NULL, builder, c->file, &blob, GIT_FILEMODE_BLOB);
	if (rc == 0)
		rc = git_treebuilder_write(&tree, builder);
	if (rc == 0)
		rc = git_tree_lookup(out, b->repo, &tree);
	if (builder != NULL)
		git_treebuilder_free(builder);
	git_tree_free(before);
	return rc;
}

static int commit_change(struct branch *b, const struct branch_change *c, git_oid *out)
{
	git_signature *who = NULL;
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	int rc = git_signature_new(&who, c->name, c->mail, (git_time_t)(c->at_ms / 1000), 0);

	if (rc == 0 && b->tip_text != NULL)
		rc = git_commit_lookup(&parent, b->repo, &b->tip);
	if (rc == 0)
		rc = write_tree(b, parent, c, &tree);
	if (rc == 0)
		rc = git_commit_create(out, b->repo, ADDED, who, who, NULL, c->message, tree,
				       parent != NULL ? 1 : 0, (const git_commit *[]){parent});
	git_tree_free(tree);
	git_commit_free(parent);
	git_signature_free(who);
	return rc;
}

static int push_work(struct branch *b)
{
	char *text =
		(char *)(uintptr_t)b->refspec; /* the array's type is not const; it is only read */
	const git_strarray refspecs = {&text, 1};
	git_push_options o;
	int rc = git_push_options_init(&o, GIT_PUSH_OPTIONS_VERSION);

	b->refused = NULL;
	o.callbacks.credentials = credential;
	o.callbacks.push_update_reference = on_update;
	o.callbacks.payload = b;
	if (rc == 0)
		rc = git_remote_push(b->remote, &refspecs, &o);
	return rc == 0 && b->refused != NULL ? 1 : rc;
}

static int push(struct branch *b, const char *refspec, const char **why)
{
	b->refspec = refspec;
	return talk(b, push_work, why);
}

int branch_add(struct branch *b, const struct branch_change *c, const char **commit, struct err *e)
{
	const char *why;
	git_oid id;
	int rc;

	if (commit_change(b, c, &id) != 0)
		return fail(b, "extend", e);
	rc = push(b, arena_printf(b->arena, ADDED ":refs/heads/%s", b->name), &why);
	if (rc == 1)
		return err_set(e, ERR_MEASURE, "branch \"%s\" of %s cannot be extended: %s",
			       b->name, branch_shown(b->arena, b->url), b->refused);
	if (rc != 0)
		return failed(b, "extend", why, e);
	b->tip = id;
	b->tip_text = arena_strdup(b->arena, git_oid_tostr_s(&id));
	*commit = b->tip_text;
	return 0;
}

static const char *trial_refspec(struct branch *b, enum branch_trial trial)
{
	const char *refspec = NULL;
	git_reference *ref = NULL;
	git_commit *tip = NULL;

	if (trial == BRANCH_DELETE)
		return arena_printf(b->arena, ":refs/heads/%s", b->name);
	if (git_commit_lookup(&tip, b->repo, &b->tip) == 0 && git_commit_parentcount(tip) > 0 &&
	    git_reference_create(&ref, b->repo, "refs/heads/back", git_commit_parent_id(tip, 0), 1,
				 NULL) == 0)
		refspec = arena_printf(b->arena, "+refs/heads/back:refs/heads/%s", b->name);
	git_reference_free(ref);
	git_commit_free(tip);
	return refspec;
}

int branch_try(struct branch *b, enum branch_trial trial, bool *is_refused, const char **why,
	       struct err *e)
{
	const char *refspec = b->tip_text == NULL ? NULL : trial_refspec(b, trial);
	const char *said;
	int rc;

	if (refspec == NULL)
		return fail(b, "try to rewrite", e);
	rc = push(b, refspec, &said);
	if (rc < 0)
		return failed(b, "try to rewrite", said, e);
	*is_refused = rc == 1;
	*why = rc == 1 ? str_escaped(b->arena, b->refused) : NULL;
	return 0;
}
