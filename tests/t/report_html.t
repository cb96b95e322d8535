#!/bin/bash
# The HTML page, looked at by programs nobody here wrote: libxml2's HTML parser, and headless Chromium,
# which lays the page out, reports what a content security policy stops, and gives back what it understood.
. "$(dirname "$0")/../lib/tap.sh"

SAMPLE=$BUILD/tests/tools/report_sample

xpath()
{
	xmllint --nonet --html --xpath "$1" "$2" 2>/dev/null
}

# libxml2 knows HTML 4 only: these elements are unknown to it, and nothing else may be wrong.
html_errors()
{
	# From memory: read in pieces, it stumbles over a path that is cut by the end of one.
	xmllint --nonet --html --noout --memory "$1" 2>&1 | grep 'error :' |
		grep -vE 'Tag (header|main|section|article|footer|figure|svg|path|line|circle|text) invalid'
}

browse() # FILE OPTION...: the document as the browser has it; its console in $TMP/console
{
	local file=$1
	shift
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--disable-dev-shm-usage --hide-scrollbars --user-data-dir="$TMP/profile" \
		--enable-logging=stderr "$@" --dump-dom "file://$file" 2>"$TMP/stderr"
	grep CONSOLE "$TMP/stderr" >"$TMP/console"
}

# How wide the page is in a window of 400 pixels: "400 of 400" does not scroll sideways. The copy that is
# measured has a script, hence no policy. What else is to be measured in it is given as an expression.
width_of() # FILE [EXPRESSION]
{
	local what=${2:-'document.documentElement.scrollWidth + " of " + innerWidth'}
	{
		sed -e '/Content-Security-Policy/d' -e 's|</body>||; s|</html>||' "$1"
		cat <<-END
			<script>addEventListener("load", function () {
				parent.postMessage($what, "*");
			});</script></body></html>
		END
	} >"$TMP/inner.html"
	cat >"$TMP/outer.html" <<-'END'
		<!doctype html><iframe src="inner.html" width="400" height="3000" style="border:0"></iframe>
		<p id="width">none</p><script>addEventListener("message", function (e) {
			document.getElementById("width").textContent = e.data;
		});</script>
	END
	browse "$TMP/outer.html" --virtual-time-budget=10000 | sed -n 's|.*<p id="width">\([^<]*\)</p>.*|\1|p'
}

for which in plain pass shut open hostile incomplete empty many; do
	file=$TMP/$which.html
	"$SAMPLE" $which html >"$file" || bail "report_sample $which html failed"
	is "$which: an HTML parser finds nothing wrong" "$(html_errors "$file")" ""
	is "$which: one style, no script, nothing to load" \
		"$(xpath 'count(//style)' "$file"),$(xpath 'count(//script|//link|//@src|//@style)' "$file")" \
		1,0
	is "$which: every link leads somewhere on the page" \
		"$(xpath 'count(//a[not(substring(@href, 2) = //@id)])' "$file")" 0
done

shut=$TMP/shut.html
is "rows: one a series" "$(xpath 'count(//table[@class="led"]/tbody/tr)' "$shut")" 15
is "figures say in words what they show" \
	"$(xpath 'count(//svg[@role="img"][not(@aria-label) or @aria-label=""])' "$shut")" 0
is "hostile text arrives as text" \
	"$(xpath 'contains(string(//h1), "<script>alert(1)</script>")' "$TMP/hostile.html")" true

# The browser applies the style only when the hash in the policy is right: the broken twin shows it looks.
browse "$shut" >"$TMP/shut.dom"
is "the policy stops nothing on the page" "$(cat "$TMP/console")" ""
for text in 'Shut.</span> Gate <code>release</code> keeps out v2.31.0' 'What failed, and the evidence' \
	'tasks/missing' 'bound ≤ 0.1&nbsp;%' '1297&nbsp;of&nbsp;99&nbsp;772' 'assize explain 12 tasks/missing' \
	'git tag -f v2.30.0 7711a90c'; do
	ok "the browser shows: $text" grep -qF -- "$text" "$TMP/shut.dom"
done
sed 's|sha256-[A-Za-z0-9+/=]*|sha256-AAAA|' "$shut" >"$TMP/broken.html"
browse "$TMP/broken.html" >"$TMP/broken.dom"
like "with another hash it stops the style" "$(cat "$TMP/console")" 'Content Security Policy'

browse "$TMP/hostile.html" >"$TMP/hostile.dom"
is "hostile: the browser has nothing to say" "$(cat "$TMP/console")" ""
nok "hostile: the browser sees no script" grep -q '<script' "$TMP/hostile.dom"

is "shut: 400 pixels are enough" "$(width_of "$shut")" "400 of 400"
is "hostile: 400 pixels are enough" "$(width_of "$TMP/hostile.html")" "400 of 400"

size=$(stat -c %s "$TMP/many.html")
ok "1000 checks with a year of history: $size bytes are at most 5 MB" [ "$size" -le 5000000 ]

for page in "$shut" "$TMP/pass.html"; do
	is "${page##*/}: a bound has one sign wherever it is read" \
		"$(python3 -c 'import re, sys; print(re.findall(r"[^<]{0,20}[<>=!]=", re.sub(r"<style.*?</style>|<code>.*?</code>|<[^>]*>", "", open(sys.argv[1]).read(), flags=re.S).replace("&lt;", "<").replace("&gt;", ">")))' "$page")" "[]"
done
sed -e 's/@media print/@media all/; s/@media screen and (max-width:860px)/@media not all/' "$shut" >"$TMP/print.html"
is "in print a state has the width of its word, and evidence more than a requirement" \
	"$(width_of "$TMP/print.html" '(document.body.style.width = "703px", w = [...document.querySelectorAll(".gt thead th")].map(e => e.offsetWidth), w[0] < 90 && w[2] > w[1])')" true
sed 's|\(<td class="num v">\)1\.30[^<]*<|\144\&nbsp;differences<|' "$shut" >"$TMP/long.html"
is "in a narrow window a value is not broken in its unit" \
	"$(width_of "$TMP/long.html" '(e = [...document.querySelectorAll(".led .v")].find(e => e.textContent.includes("44")), r = document.createRange(), r.selectNodeContents(e), r.getClientRects().length)')" 1
is "in a narrow window a requirement has the width that is there" \
	"$(width_of "$shut" 'document.querySelector(".gt tbody th").offsetWidth > 250')" true
done_testing
