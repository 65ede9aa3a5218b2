#!/usr/bin/env bash
# The same recipe gives the same bits: trains recipes/shakespeare-char.yaml for some steps, through the command line, with other numbers
# of threads, with other registers, and killed at random moments, and compares the weights and metrics.jsonl. Prints what it compared;
# exit code 1 and FAIL at the first difference.
#
#   tests/same-bits.sh [TEXT]     TEXT: any text file; default: a text made by a formula, the same on every machine
#
#   STEPS=200     steps of the runs on threads and with kills     KILLS=20      how often the run is killed with kill -9
#   SHORT=20      steps of the runs with other registers          SEED=$RANDOM  decides the moments of the kills
#   SOFT=3        steps of the runs without fused multiply-adds
set -euo pipefail
steps=${STEPS:-200} short=${SHORT:-20} soft=${SOFT:-3} kills=${KILLS:-20} seed=${SEED:-$RANDOM}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
text=${1:-$work/text.txt}
tool="$root/artifacts/bin/Craton.Cli/release/craton.dll"
"$root/craton" --help >/dev/null # builds it when a source file is newer

if [ $# -eq 0 ]; then # 4000 lines of words chosen by a small linear congruential generator, exact in any awk
    awk 'BEGIN {
        n = split("a craton is the old and stable part of some continent that everything else rests on", word, " ")
        for (line = 0; line < 4000; line++) {
            for (i = 0; i < 3 + line % 11; i++) { x = (x * 1103 + 12345) % 65537; printf "%s%s", i ? " " : "", word[1 + x % n] }
            print "."
        }
    }' >"$text"
fi

# train FOLDER STEPS [OPTION ...]: prints the JSON object of a run
train() {
    local folder=$1 count=$2
    shift 2
    dotnet "$tool" train "$root/recipes/shakespeare-char.yaml" --json --runs "$folder" --set "data.source=$text" "train.steps=$count" \
        train.save_every=10 train.eval_every=25 train.eval_batches=4 train.sample_every=0 "$@"
}
hash_of() { sed -n 's/.*"sha256": *"\([0-9a-f]*\)".*/\1/p'; }
metrics() { sha256sum <"$1/shakespeare-char/metrics.jsonl" | cut -c1-64; }
# same WHAT EXPECTED GOT
same() {
    if [ -z "$3" ] || [ "$2" != "$3" ]; then echo "FAIL  $1: expected $2, got '$3'"; exit 1; fi
    printf 'same  %-44s %s\n' "$1" "$(echo "$3" | cut -c1-16)"
}

echo "text $(sha256sum <"$text" | cut -c1-16), $steps steps, $kills kills, SEED=$seed; with other registers $short steps, $soft without fused multiply-adds"
expected=$(train "$work/whole" "$steps" | hash_of)
lines=$(metrics "$work/whole")
same "whole run, weights" "$expected" "$expected"
for threads in 1 2; do
    same "--threads $threads, weights" "$expected" "$(train "$work/threads-$threads" "$steps" --threads "$threads" | hash_of)"
    same "--threads $threads, metrics.jsonl" "$lines" "$(metrics "$work/threads-$threads")"
done

# Killed at moments from the start of the process to a quarter of a whole run later.
RANDOM=$seed
begin=$(date +%s%N)
train "$work/timed" "$steps" >/dev/null
whole=$((($(date +%s%N) - begin) / 1000000))
killed=0 result=
while [ "$killed" -lt "$kills" ]; do
    train "$work/killed" "$steps" --resume >"$work/out" 2>"$work/err" &
    child=$!
    sleep "$(awk -v ms=$((RANDOM % (whole / 4 + 400))) 'BEGIN { print ms / 1000 }')"
    # The job is a subshell of this script; the process to kill is its only child.
    if pkill -9 -P "$child" 2>/dev/null; then killed=$((killed + 1)); fi
    wait "$child" 2>/dev/null || true
    result=$(hash_of <"$work/out")
    if [ -n "$result" ]; then # done before all kills were used up: begin again, with the kills that are left
        same "done after $killed kills, weights" "$expected" "$result"
        same "done after $killed kills, metrics.jsonl" "$lines" "$(metrics "$work/killed")"
        rm -rf "$work/killed"
    fi
done
same "$killed kills -9 (SEED=$seed), weights" "$expected" "$(train "$work/killed" "$steps" --resume | hash_of)"
same "$killed kills -9 (SEED=$seed), metrics.jsonl" "$lines" "$(metrics "$work/killed")"

# others SWITCH STEPS: compares a run under a switch with the run of as many steps without
others() {
    local name="$1, $2 steps"
    [ -d "$work/short-$2" ] || train "$work/short-$2" "$2" >"$work/short-$2.json"
    same "$name, weights" "$(hash_of <"$work/short-$2.json")" "$(export "${1?}"; train "$work/$1" "$2" | hash_of)"
    same "$name, metrics.jsonl" "$(metrics "$work/short-$2")" "$(metrics "$work/$1")"
}
for switch in CRATON_SIMD=512 CRATON_SIMD=256 CRATON_SIMD=128 CRATON_SIMD=scalar DOTNET_EnableAVX512=0; do others "$switch" "$short"; done
# Without AVX2 there is no fused multiply-add, and it is computed in software, at a hundredth of the speed.
for switch in DOTNET_EnableAVX2=0 DOTNET_EnableHWIntrinsic=0; do others "$switch" "$soft"; done
