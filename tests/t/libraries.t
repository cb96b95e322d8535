#!/bin/bash
# libraries: what is loaded when it is needed and is not there costs the checks that need it, and no others.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

# dlopen() that does not find what $HIDDEN names (all of it, without $HIDDEN).
cat >hide.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
void *dlopen(const char *name, int flags);
void *dlopen(const char *name, int flags)
{
	void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
	const char *hidden = getenv("HIDDEN");

	if (name != NULL && (hidden == NULL || strncmp(name, hidden, strlen(hidden)) == 0))
		name = "/nowhere/library.so";
	return real(name, flags);
}
C
gcc -shared -fPIC -o hide.so hide.c -ldl || bail "gcc builds no library"
# hide LIBRARY COMMAND..., "" = every library
hide()
{
	env ${1:+HIDDEN="$1"} LD_PRELOAD="$TMP/hide.so" \
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "${@:2}"
}

git init -q repo
git -C repo -c user.name=t -c user.email=t@t commit -q --allow-empty -m one
git -C repo tag v1
tar -cf a.tar hide.c
sqlite3 db 'create table t(a); insert into t values (1)'
cat >assize.yaml <<'YAML'
assize: 1
targets:
  w: { http: "http://127.0.0.1:1" }
  q: { prometheus: "http://127.0.0.1:1" }
  p: { postgres: "postgresql://nobody@127.0.0.1:1/none" }
  m: { mysql: "host=127.0.0.1 port=1 user=nobody dbname=none" }
  o: { odbc: "DSN=none" }
  r: { git: repo }
  d: { sqlite: db }
rollback: { releases: { repo: r, tags: "v*", keep: 1 } }
audits:
  a:
    checks:
      - { id: web, target: w, http: / }
      - { id: journey, target: w, journey: { steps: [{ id: s, path: / }] } }
      - { id: promql, target: q, promql: { query: up }, expect: "== 1" }
      - { id: oci, target: w, oci: { repository: shop/app, ref: v1 } }
      - { id: postgres, target: p, rows: t, expect: "> 0" }
      - { id: mysql, target: m, rows: t, expect: "> 0" }
      - { id: odbc, target: o, rows: t, expect: "> 0" }
      - { id: tar, archive: a.tar }
      - { id: junit, command: { run: [echo, x], format: junit } }
      - { id: rollback, rollback: { set: releases } }
      - { id: sqlite, target: d, rows: t, expect: "== 1" }
      - { id: file, file: a.tar }
YAML

run hide "" "$ASSIZE" run
said=$out$err
# check, what is said
tells()
{
	like "without it: $1" "$(sed -n "/^undecided a\/$1 /,/^\$/p" <<<"$said")" "$2"
}
is "what needs nothing else is judged" "$(grep -cE ' pass a/(sqlite|file)[: ]' <<<"$said")" 2
for c in web journey promql oci; do
	tells $c 'could not load the HTTP library \(install libcurl4'
done
tells postgres 'could not load the PostgreSQL client library \(install libpq5'
tells mysql 'could not load the MySQL and MariaDB client library \(install libmariadb3'
tells odbc 'could not load the ODBC client library \(install libodbc2'
tells tar 'could not load the archive library \(install libarchive13'
tells junit 'could not load the XML library \(install libexpat1'
tells rollback 'could not load the git library \(install libgit2-'
for command in --version check plan "history a/file" "kinds http" "explain latest a/web"; do
	exits "$command needs none of them" 0 hide "" "$ASSIZE" $command
done
nok "nor are they linked" grep -qE 'lib(curl|git2|pq|mariadb|odbc|archive|expat)\.' <(ldd "$ASSIZE")
exits "one that is not needed is not missed" 0 hide libcurl "$ASSIZE" run a/sqlite a/file a/tar a/rollback
done_testing
