#!/usr/bin/env bash
# Prints the events of /events, one JSON object per line, with nothing but curl. Survives reconnects and restarts.
#
#     ./events.sh http://localhost:6008 likes.id app.bsky.feed.like
#
# The file holds the id of the last event that was printed. Last-Event-ID resumes after it, so nothing is repeated.
set -euo pipefail
server=${1:?usage: events.sh SERVER ID_FILE [COLLECTION...]} file=${2:?usage: events.sh SERVER ID_FILE [COLLECTION...]}
shift 2
query=()
for collection in "$@"; do query+=(--data-urlencode "wantedCollections=$collection"); done

# Reads server-sent events: id, event and data lines, with a blank line after each event.
print_events() {
  local line id="" name="" data=""
  while IFS= read -r line; do
    case $line in
      "id: "*) id=${line#id: } ;;
      "event: "*) name=${line#event: } ;;
      "data: "*) data=${line#data: } ;;
      "")
        # "start" has an id but no event, "close" says why the stream ends.
        if [ -z "$name" ] && [ -n "$data" ]; then printf '%s\n' "$data"; fi
        if [ "$name" = close ]; then echo "closed: $data" >&2; fi
        # Overwrites the file in place: all ids have 16 digits, so a crash leaves the old one or the new one.
        if [ -n "$id" ]; then echo "$id" 1<> "$file"; fi
        id="" name="" data=""
        ;;
    esac
  done
}

while :; do
  header=(-H "Accept: text/event-stream")
  if [ -s "$file" ]; then header+=(-H "Last-Event-ID: $(< "$file")"); fi
  print_events < <(exec curl --silent --show-error --no-buffer --fail --get "${header[@]}" "${query[@]}" "$server/events")
  # curl prints the reason, which is 22 for an HTTP error. The file says where to resume.
  sleep 1
done
