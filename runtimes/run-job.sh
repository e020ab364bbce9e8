#!/bin/sh
# Runs one job: run-job.sh JOB_FOLDER NONCE COMMAND [ARGUMENT ...]
# It is the leader of its own process group and outlives the server that started it. It starts COMMAND only when the
# server has written down this process (JOB_FOLDER/go-NONCE exists), leaves the exit status in JOB_FOLDER/exit-NONCE.json, and
# takes what COMMAND left behind with it.
folder=$1
nonce=$2
shift 2

# Named by the nonce: an earlier start of the same job that came to nothing must not overwrite what this one says.
report() { # "exit_code":N | "started":false
  printf '{%s}\n' "$1" > "$folder/exit-$nonce.tmp" && mv -f "$folder/exit-$nonce.tmp" "$folder/exit-$nonce.json"
}

# 1,200 times 50 ms: a server that was killed in between never gives the word, and its successor starts the job anew.
waited=0
while [ ! -e "$folder/go-$nonce" ]; do
  waited=$((waited + 1))
  if [ "$waited" -gt 1200 ]; then
    report '"started":false'
    exit 0
  fi
  sleep 0.05
done

ulimit -c 0
# A signal to the group must end COMMAND, not this script: it has the exit status to report. COMMAND yields to the server it
# shares the machine with: an endpoint answers in milliseconds while a training takes what is left.
trap : TERM INT HUP
nice -n 10 "$@" </dev/null
status=$?
report "\"exit_code\":$status"
trap - TERM INT HUP
kill -KILL 0
