/*
 * Container images as a source: an image layout (a folder or a tar) or an image of a registry. The
 * platforms found are those that must stay, the digest is what is shipped now. Labels that say what
 * the image is are held to their value, those that say which release it is need only be there.
 */
#include <math.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define MAX_PLATFORMS 50
#define ROOM	      1.5 /* a bound of size is so often what was measured */
#define PREFIX	      "org.opencontainers.image."

/* Whether a label says what the image is, or which release. */
static const struct {
	const char *name;
	bool is_lasting;
} known_labels[] = {
	{PREFIX "title", true},	   {PREFIX "vendor", true},    {PREFIX "licenses", true},
	{PREFIX "source", true},   {PREFIX "url", true},       {PREFIX "documentation", true},
	{PREFIX "version", false}, {PREFIX "revision", false}, {PREFIX "created", false},
};

#define N_LABELS (sizeof(known_labels) / sizeof(*known_labels))

struct image {
	struct init *in;
	const char *layout;		 /* absolute; NULL = in a registry */
	const char *origin, *repository; /* of the registry */
	const char *ref;		 /* NULL = all of the layout */
	/* measured */
	const char *platforms[MAX_PLATFORMS];
	size_t n_platforms;
	double largest;
	const char *labels[N_LABELS]; /* "*" = it is there; NULL = it is not asked for */
};

/* ---- what was named ---- */

static bool exists(const struct init *in, const char *path)
{
	struct stat st;

	return *path && stat(file_absolute(in->app->arena, in->app->cwd, path), &st) == 0;
}

/* "dist/image", "dist/image:v1", "dist/image@sha256:...". */
static bool take_layout(struct init *in, struct image *x, const char *given)
{
	struct arena *a = in->app->arena;
	const char *at = strchr(given, '@'), *colon = strrchr(given, ':');
	const char *end = at ? at : colon;

	if (exists(in, given)) {
		x->layout = file_absolute(a, in->app->cwd, given);
		return true;
	}
	if (!end || !end[1] || !exists(in, arena_strndup(a, given, (size_t)(end - given))))
		return false;
	x->layout = file_absolute(a, in->app->cwd, arena_strndup(a, given, (size_t)(end - given)));
	x->ref = end + 1;
	return true;
}

static bool is_loopback(const char *host)
{
	return str_starts(host, "localhost") || str_starts(host, "127.") ||
	       str_starts(host, "[::1]");
}

/* "registry.example.com/shop/api:v1". A first part without a dot or port is no host. */
static int take_registry(struct init *in, struct image *x, const char *given, struct err *e)
{
	struct arena *a = in->app->arena;
	const char *scheme = NULL, *from = given, *slash, *end, *host;

	if (strstr(given, "://")) {
		from = strstr(given, "://") + 3;
		scheme = arena_strndup(a, given, (size_t)(from - given));
	}
	slash = strchr(from, '/');
	host = arena_strndup(a, from, slash ? (size_t)(slash - from) : 0);
	if (strchr(host, '@')) {
		(void)err_set(e, ERR_USAGE, "an image must not carry a user name or password");
		return err_help(e, "name it without them: --user NAME --password-env VARIABLE");
	}
	if (!strpbrk(host, ".:") && strcmp(host, "localhost") != 0) {
		(void)err_set(e, ERR_USAGE,
			      "\"%s\" is neither a folder or file nor an image of a registry",
			      str_escaped(a, given)); /* -1 below */
		return err_help(e, "name the registry too: registry.example.com/shop/api:v1");
	}
	if (strcmp(host, "docker.io") == 0)
		host = "registry-1.docker.io";
	if (!scheme || strcmp(scheme, "docker://") == 0)
		scheme = is_loopback(host) ? "http://" : "https://";
	x->origin = arena_printf(a, "%s%s", scheme, host);
	end = strchr(slash, '@') ? strchr(slash, '@') : strrchr(slash, ':');
	if (!end || !end[1]) {
		(void)err_set(e, ERR_USAGE, "\"%s\": which image of the repository?",
			      str_escaped(a, given)); /* -1 below */
		return err_help(e, "add a tag or a digest: %s:v1", str_escaped(a, given));
	}
	x->ref = end + 1;
	x->repository = arena_strndup(a, slash + 1, (size_t)(end - slash - 1));
	if (str_starts(x->ref, "sha256:")) /* a tag before it says less */
		x->repository = arena_strndup(a, x->repository, strcspn(x->repository, ":"));
	return 0;
}

static int check_who(const struct init *in, struct err *e)
{
	const struct options *o = &in->o;
	bool has_database = o->postgres.n + o->mysql.n + o->odbc.n > 0;

	if (o->user ? o->password_env != NULL : !o->password_env || has_database)
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "a registry is asked with --user and --password-env, or "
		      "without both"); /* -1 below */
	return err_help(e, "--user audit --password-env REGISTRY_PASSWORD");
}

static int begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct image *x = arena_alloc(in->app->arena, sizeof(*x));
	const char *given = s->given, *what, *slash;

	s->state = x;
	x->in = in;
	if (!*given || !str_is_utf8(given, strlen(given)))
		return err_set(e, ERR_USAGE, "a definition cannot hold the image \"%s\"", given);
	if (str_starts(given, "oci:") || str_starts(given, "oci-archive:"))
		given = strchr(given, ':') + 1;
	if (!take_layout(in, x, given)) {
		if (take_registry(in, x, given, e) != 0 || check_who(in, e) != 0)
			return -1;
		s->title = given;
	} else {
		s->title = init_path(in, x->layout);
	}
	what = x->layout ? x->layout : x->repository;
	slash = strrchr(what, '/');
	what = slash ? slash + 1 : what;
	init_name(in, s, what, strlen(what), "image");
	return 0;
}

static void put_target(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct image *x = s->state;

	(void)is_draft; /* the same in both */
	if (x->layout)
		return;
	(void)buf_printf(out, "  %s: { http: ", s->name);
	init_put_text(out, x->origin);
	if (x->in->o.ca_file) {
		const char *path = file_absolute(s->arena, x->in->app->cwd, x->in->o.ca_file);

		(void)buf_puts(out, ", ca_file: ");
		init_put_text(out, is_draft ? path : init_path(x->in, path));
	}
	(void)buf_puts(out, " }\n");
}

static int look(struct init *in, struct init_subject *s, struct err *e)
{
	(void)in; /* the kind finds out everything: its values name platforms and labels */
	(void)s;
	(void)e;
	return 0;
}

/* ---- the draft ---- */

/* Between keys of a mapping, in a line or each on its own. */
static void put_place(struct buf *out, const struct image *x, const char *layout, const char *sep)
{
	if (x->layout) {
		(void)buf_puts(out, "layout: ");
		init_put_text(out, layout);
	} else {
		(void)buf_puts(out, "repository: ");
		init_put_text(out, x->repository);
	}
	if (x->ref) {
		(void)buf_printf(out, "%sref: ", sep);
		init_put_text(out, x->ref);
	}
	if (x->layout || !x->in->o.user)
		return;
	(void)buf_printf(out, "%suser: ", sep);
	init_put_text(out, x->in->o.user);
	(void)buf_printf(out, "%spassword: \"${env:%s}\"", sep, x->in->o.password_env);
}

static void put_draft(const struct init_subject *s, struct buf *out)
{
	const struct image *x = s->state;

	(void)buf_puts(out, "      - { id: image, oci: { ");
	put_place(out, x, x->layout, ", ");
	(void)buf_puts(out, ", labels: { ");
	for (size_t i = 0; i < N_LABELS; i++)
		(void)buf_printf(out, "%s%s: \"*\"", i > 0 ? ", " : "", known_labels[i].name);
	(void)buf_puts(out, " } }, expect: { problems: \">= 0\", orphans: \">= 0\", "
			    "label_differences: \">= 0\", label: \"matches /^/\", "
			    "digest: \"matches /^/\", images: \">= 0\", total_size: \">= 0 B\", "
			    "size: \">= 0 B\", user: \"matches /^/\" } }\n");
}

/* ---- what was measured ---- */

static const struct result *value(const struct init_subject *s, const char *series,
				  const char **reason)
{
	return init_value(s, 0, "image", series, reason);
}

static void take_platforms(const struct init_subject *s)
{
	static const char head[] = "size{platform=\"";
	struct image *x = s->state;

	for (size_t i = 0; i < s->rounds[0].n; i++) {
		const struct result *r = &s->rounds[0].items[i];
		const char *from = r->series + sizeof(head) - 1;

		if (!str_starts(r->series, head) || r->value.type != VALUE_INT ||
		    x->n_platforms == MAX_PLATFORMS)
			continue;
		x->platforms[x->n_platforms++] =
			arena_strndup(s->arena, from, strcspn(from, "\\\""));
		x->largest = fmax(x->largest, (double)r->value.integer);
	}
}

/* The value all platforms have; NULL when they differ, or one has none. */
static const char *shared(const struct init_subject *s, const char *name, const char *label)
{
	const struct image *x = s->state;
	const char *first = NULL;

	for (size_t i = 0; i < x->n_platforms; i++) {
		const char *series =
			label ? arena_printf(s->arena, "label{platform=\"%s\",label=\"%s\"}",
					     x->platforms[i], label)
			      : arena_printf(s->arena, "%s{platform=\"%s\"}", name,
					     x->platforms[i]);
		const struct result *r = value(s, series, NULL);

		if (!r || r->value.type != VALUE_TEXT)
			return NULL;
		if (first && strcmp(first, r->value.text) != 0)
			return NULL;
		first = r->value.text;
	}
	return first;
}

/* One on which it runs as root; NULL = there is none. */
static const char *root_platform(const struct init_subject *s)
{
	const struct image *x = s->state;

	for (size_t i = 0; i < x->n_platforms; i++) {
		const struct result *r = value(
			s, arena_printf(s->arena, "user{platform=\"%s\"}", x->platforms[i]), NULL);

		if (r && r->value.type == VALUE_TEXT && strcmp(r->value.text, "root") == 0)
			return x->platforms[i];
	}
	return NULL;
}

static void take_labels(const struct init_subject *s)
{
	struct image *x = s->state;

	for (size_t i = 0; i < N_LABELS; i++) {
		const char *text = shared(s, NULL, known_labels[i].name);

		if (text && *text)
			x->labels[i] =
				known_labels[i].is_lasting && !strpbrk(text, "*?\n") ? text : "*";
	}
}

/* ---- the definition ---- */

static void put_labels(struct init_writer *w, const struct image *x)
{
	bool has_any = false;

	for (size_t i = 0; i < N_LABELS; i++) {
		if (!x->labels[i])
			continue;
		if (!has_any)
			(void)buf_puts(w->out, "          labels:\n");
		has_any = true;
		(void)buf_printf(w->out, "            %s: ", known_labels[i].name);
		init_put_text(w->out, x->labels[i]);
		(void)buf_putc(w->out, '\n');
	}
}

static void put_weak(struct init_writer *w, struct init_subject *s)
{
	const struct result *orphans = value(s, "orphans", NULL);
	const char *user = shared(s, "user", NULL), *root = root_platform(s);

	if (orphans && orphans->value.integer > 0) {
		(void)buf_printf(w->out,
				 "          orphans: \"<= %lld\" # weak: nothing leads to them; "
				 "without them expect 0\n",
				 (long long)orphans->value.integer);
		init_note(s, "%s: weak: nothing leads to %lld of its blobs", s->given,
			  (long long)orphans->value.integer);
	}
	if (root) {
		(void)buf_printf(w->out,
				 "          # user: '!= \"root\"' # weak: it runs as root on %s\n",
				 root);
		init_note(s, "%s: weak: it runs as root on %s", s->given, root);
	} else if (user) {
		(void)buf_puts(w->out, "          user: ");
		init_put_equal(w->out, user);
		(void)buf_putc(w->out, '\n');
	} else {
		(void)buf_puts(w->out, "          user: '!= \"root\"'\n");
	}
}

static void put_image(struct init_writer *w, struct init_subject *s, const struct result *total)
{
	const struct image *x = s->state;
	char shown[NUM_REAL_MAX];

	(void)num_format_size(total->value.integer, shown); /* its length */
	init_put_id(w, "image", NULL, NULL);
	(void)buf_printf(w->out,
			 " # every blob is hashed; %zu platform%s, %s in all\n        oci:\n"
			 "          ",
			 x->n_platforms, x->n_platforms == 1 ? "" : "s", shown);
	put_place(w->out, x, x->layout ? init_path(x->in, x->layout) : NULL, "\n          ");
	(void)buf_puts(w->out, "\n          platforms: ");
	init_put_list(w->out, x->platforms, x->n_platforms);
	(void)buf_putc(w->out, '\n');
	put_labels(w, x);
	(void)buf_puts(w->out, "        expect:\n          size: \"<= ");
	init_put_size(w->out, x->largest * ROOM, true);
	(void)num_format_size((int64_t)x->largest, shown); /* its length */
	(void)buf_printf(w->out, "\" # each; the largest has %s\n", shown);
	put_weak(w, s);
}

static void put_pinned(struct init_writer *w, struct init_subject *s)
{
	const struct image *x = s->state;
	const char *reason = "";
	const struct result *digest = value(s, "digest", &reason);

	if (!digest) {
		(void)buf_printf(w->out, "      # no digest is pinned: %s\n",
				 str_escaped(w->arena, reason));
		return;
	}
	init_put_id(w, "pinned", NULL, NULL);
	(void)buf_puts(w->out, " # this very image; each release has a digest of its own\n"
			       "        oci: { ");
	put_place(w->out, x, x->layout ? init_path(x->in, x->layout) : NULL, ", ");
	(void)buf_puts(w->out, ", unpack: false }\n        expect: { digest: ");
	init_put_equal(w->out, digest->value.text);
	if (value(s, "orphans", NULL) && value(s, "orphans", NULL)->value.integer > 0)
		(void)buf_puts(w->out, ", orphans: \">= 0\""); /* the other check counts them */
	(void)buf_puts(w->out, " }\n");
}

static int put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	const struct image *x = s->state;
	const char *reason = "";
	const struct result *problems = value(s, "problems", &reason);
	const struct result *total = value(s, "total_size", NULL);

	if (!problems)
		return err_set(e, ERR_MEASURE, "%s: %s", s->given, reason);
	if (problems->value.integer > 0) {
		(void)err_set(e, ERR_MEASURE, "%s: damaged: %.*s", s->given,
			      (int)strcspn(problems->evidence ? problems->evidence : "", "\n"),
			      problems->evidence ? problems->evidence : ""); /* -1 below */
		return err_help(e, "a damaged image is nothing to begin with");
	}
	take_platforms(s);
	take_labels(s);
	if (x->n_platforms == 0 || !total) {
		reason = "there is no image of a platform in it";
		(void)value(s, NULL, &reason);
		return err_set(e, ERR_MEASURE, "%s: %s", s->given, reason);
	}
	put_image(w, s, total);
	put_pinned(w, s);
	return 0;
}

const struct init_source init_oci = {
	.option = "oci",
	.offset = offsetof(struct options, oci),
	.type = TARGET_NONE,
	.n_rounds = 1,
	.is_long = true,
	.begin = begin,
	.put_target = put_target,
	.look = look,
	.put_draft = put_draft,
	.put = put,
};
