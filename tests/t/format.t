#!/bin/bash
# Every C file is as clang-format would write it.
. "$(dirname "$0")/../lib/tap.sh"

formatted()
{
	(cd "$1" && find . -name '*.[ch]' ! -path './build/*' -print0 |
		xargs -0 clang-format --dry-run --Werror)
}
ok "every C file has the house format" formatted "$ROOT"

cp "$ROOT/.clang-format" "$TMP"
printf 'int f(void) { return 1; }\n' >"$TMP/bad.c"
nok "a file that has not is found" formatted "$TMP"
done_testing
