#!/usr/bin/env bash
# Applies one-line faults to a copy of the core and of the pure parts of the
# shell, one at a time, and fails if the tests miss one. The work tree is never
# touched.
#
#   hack/mutants/run.sh [--all] [NAME...]
#
# NAME selects patches, for example 07 or weight. Suites run in this order, and
# a fault is killed by the first that fails: the scripts, the tests of the small
# packages, the rest of pkg/admission (the laws, MUTANT_CHECKS cases). With --all
# every suite runs, to show which ones see the fault. A fault in pkg/controller or
# pkg/job is for the unit tests of these alone.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
export GOTOOLCHAIN=local CGO_ENABLED=0
here=$PWD
core=(quota fairshare queue cache replica timeline timeline/plan admission)
shell=(job job/batchjob controller/translate controller/lifecycle controller/loop controller/reservations)
checks=${MUTANT_CHECKS:-300}
all=false
if [[ ${1:-} == --all ]]; then all=true; shift; fi

room=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX") || exit 2
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT TERM
pristine=$room/pristine tree=$room/tree
mkdir -p "$pristine/pkg" "$tree/internal"
cp go.mod go.sum "$tree/" && cp -r apis "$tree/" && cp -r internal/oracle "$tree/internal/" || exit 2
cp -r pkg/* "$pristine/pkg/" || exit 2

# restore makes the tree's packages what they were when the run began.
restore() { rm -rf "$tree/pkg" && cp -r "$pristine/pkg" "$tree/pkg"; }

# choose sets packages and suites to those that faults of a kind are for.
choose() {
	if [[ $1 == shell ]]; then
		packages=("${shell[@]}") suites=(shell)
	else
		packages=("${core[@]}") suites=(scripts units laws)
	fi
}

# kind says whether a patch is for the core or the shell.
kind() { if grep -qE '^\+\+\+ b/pkg/(controller|job)/' "$1"; then echo shell; else echo core; fi; }

# build compiles the tests of every chosen package that has any, into $room/bin.
build() {
	rm -rf "$room/bin" && mkdir -p "$room/bin"
	(cd "$tree" && go build "${packages[@]/#/./pkg/}" && for p in "${packages[@]}"; do
		if compgen -G "pkg/$p/*_test.go" >/dev/null; then
			go test -c -o "$room/bin/${p//\//-}" "./pkg/$p" || exit 1
		fi
	done) >"$room/log" 2>&1
}

# limit is for how many seconds one package's tests may run: a fault may keep them
# from ending. As they are they have long; then three times what all took, so that
# a slow machine finds no faults of its own.
limit=1200
declare -A limits

# run runs one package's tests where they expect to run: run PACKAGE FLAGS...
run() {
	local p=$1 bin=$room/bin/${1//\//-}; shift
	[[ -x $bin ]] || return 0
	(cd "$tree/pkg/$p" && exec "$bin" -test.failfast -test.timeout "${limit}s" "$@") >"$room/log" 2>&1
}

# laws says how often packages with property tests try them: always the same
# cases, and failures are not shrunk.
laws() {
	if grep -qs pgregory.net/rapid "$tree/pkg/$1"/*_test.go; then
		echo "-rapid.checks=$checks -rapid.seed=1 -rapid.nofailfile -rapid.shrinktime=1ms"
	fi
}

# suite runs one suite and fails with its package's log in $room/log.
suite() {
	case $1 in
	scripts) run admission -test.run '^TestScripts$' ;;
	units) for p in quota fairshare queue cache replica timeline timeline/plan; do run "$p" $(laws "$p") || return 1; done ;;
	laws) run admission -test.skip '^TestScripts$' $(laws admission) ;;
	shell) for p in "${shell[@]}"; do run "$p" $(laws "$p") || return 1; done ;;
	esac
}

# culprit names the test that failed.
culprit() {
	local name
	name=$(grep -oE -- '--- FAIL: [^ ]+' "$room/log" | tail -1 | cut -c11-)
	if grep -q '^panic: test timed out' "$room/log"; then
		name="${name:-a test} (never ends)"
	elif grep -q '^panic: ' "$room/log"; then
		name="${name:-a test} (panics)"
	fi
	echo "${name:-a test}"
}

# try runs the chosen suites on the tree as it is and sets killed to who failed.
try() {
	killed=
	for s in "${suites[@]}"; do
		suite "$s" && continue
		killed="${killed:+$killed, }$(culprit)"
		$all || return
	done
}

wanted=()
for patch in "$here"/hack/mutants/*.patch; do
	for w in "${@:-}"; do
		if [[ $(basename "$patch" .patch) == *"$w"* ]]; then wanted+=("$patch"); break; fi
	done
done
if ((${#wanted[@]} == 0)); then
	echo "no patch is called so: $*"
	exit 2
fi

# What is to be judged must pass as it is.
all_wanted=$all all=false
for k in $(for patch in "${wanted[@]}"; do kind "$patch"; done | sort -u); do
	choose "$k"
	restore
	if ! build; then
		cat "$room/log"
		echo "the $k does not compile as it is"
		exit 1
	fi
	began=$SECONDS
	try
	limits[$k]=$((90 > 3 * (SECONDS - began) ? 90 : 3 * (SECONDS - began)))
	if [[ -n $killed ]]; then
		cat "$room/log"
		echo "the $k fails $killed as it is"
		exit 1
	fi
done
all=$all_wanted

passed=0 failed=0
printf '%-34s %-62s %s\n' FAULT 'KILLED BY' SECONDS
for patch in "${wanted[@]}"; do
	name=$(basename "$patch" .patch)
	choose "$(kind "$patch")"
	limit=${limits[$(kind "$patch")]} began=$SECONDS
	restore
	if ! (cd "$tree" && GIT_CEILING_DIRECTORIES=$room git apply "$patch") >"$room/log" 2>&1; then
		verdict="ERROR: the patch no longer applies; make it anew"
	elif diff -rq "$pristine/pkg" "$tree/pkg" >/dev/null; then
		verdict="ERROR: the patch changes nothing"
	elif ! build; then
		verdict="ERROR: does not compile"
	else
		try
		verdict=${killed:-"NOBODY: it survives"}
	fi
	printf '%-34s %-62s %7d\n' "$name" "$verdict" $((SECONDS - began))
	case $verdict in
	ERROR*) failed=$((failed + 1)); sed 's/^/    /' "$room/log" ;;
	NOBODY*) failed=$((failed + 1)) ;;
	*) passed=$((passed + 1)) ;;
	esac
done
echo "$passed passed, $failed failed"
((failed == 0))
